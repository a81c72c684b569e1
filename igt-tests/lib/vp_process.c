// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "vp_igt.h"
#include "vp_process.h"

#define PATIENCE_S	60

void vp_socketpair(int sock[2])
{
	struct timeval patience = { .tv_sec = PATIENCE_S };

	igt_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				 sock), 0);
	for (int i = 0; i < 2; i++)
		igt_assert_eq(setsockopt(sock[i], SOL_SOCKET, SO_RCVTIMEO,
					 &patience, sizeof(patience)), 0);
}

union fd_message {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

void vp_send_fd(int sock, int fd)
{
	union fd_message control = {};
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	igt_assert_eq(sendmsg(sock, &message, MSG_NOSIGNAL), 1);
}

int vp_recv_fd(int sock)
{
	union fd_message control = {};
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fd;

	igt_assert_eq(recvmsg(sock, &message, MSG_CMSG_CLOEXEC), 1);
	header = CMSG_FIRSTHDR(&message);
	igt_assert(header && header->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	igt_assert_lte(0, fd);
	return fd;
}

void vp_tell(int sock, char word)
{
	igt_assert_eq(send(sock, &word, 1, MSG_NOSIGNAL), 1);
}

char vp_hear(int sock)
{
	char word = 0;

	igt_assert_eq(recv(sock, &word, 1, 0), 1);
	return word;
}

static sigjmp_buf touch_jmpbuf;

static void touch_failed(int sig)
{
	siglongjmp(touch_jmpbuf, sig);
}

int vp_touch(volatile void *addr, bool write)
{
	struct sigaction action = { .sa_handler = touch_failed };
	struct sigaction old_segv, old_bus;
	volatile char *byte = addr;
	int sig;

	sigaction(SIGSEGV, &action, &old_segv);
	sigaction(SIGBUS, &action, &old_bus);
	sig = sigsetjmp(touch_jmpbuf, 1);
	if (!sig) {
		char value = *byte;

		if (write)
			*byte = value;
	}
	sigaction(SIGSEGV, &old_segv, NULL);
	sigaction(SIGBUS, &old_bus, NULL);
	return sig;
}
