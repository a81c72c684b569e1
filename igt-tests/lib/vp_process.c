// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE	/* pipe2 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_fence.h"
#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_process.h"

void vp_socketpair(int sock[2])
{
	struct timeval patience = { .tv_sec = VP_PATIENCE_MS / 1000 };

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

#define MAX_STARTED	64

static pid_t started[MAX_STARTED];	/* 0: none */

static void replace_started(pid_t old, pid_t process)
{
	for (int i = 0; i < MAX_STARTED; i++) {
		if (started[i] != old)
			continue;
		started[i] = process;
		return;
	}
}

void vp_started(pid_t process)
{
	replace_started(0, process);
}

void vp_ended(pid_t process)
{
	replace_started(process, 0);
}

/* No assertions here: they would jump into this process's copy of the test. */
static void hold_access(const char *name, int dmabuf, uint64_t access,
			unsigned int times, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	while (times--)
		if (vp_try_sync(dmabuf, DMA_BUF_SYNC_START | access))
			_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

pid_t vp_start_access(const char *name, int dmabuf, uint64_t access,
		      unsigned int times)
{
	int ready[2];
	pid_t child;
	char byte;

	igt_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	igt_assert_lte(0, child);
	if (!child)
		hold_access(name, dmabuf, access, times, ready[1]);
	vp_started(child);
	close(ready[1]);
	/* Nothing comes when it ended instead. */
	igt_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

void vp_kill(pid_t process)
{
	igt_assert_eq(kill(process, SIGKILL), 0);
	igt_assert_eq(waitpid(process, NULL, 0), process);
	vp_ended(process);
}

void vp_kill_leftovers(void)
{
	for (int i = 0; i < MAX_STARTED; i++) {
		if (!started[i])
			continue;
		kill(started[i], SIGKILL);
		waitpid(started[i], NULL, 0);
		started[i] = 0;
	}
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
