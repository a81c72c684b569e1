// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers and fences, as descriptors over a Unix socket.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "wire.h"

/* a box takes a few: what lies in it for long has no fence left to wait for */
#define BOX_BYTES	2048

union control {
	/* for its alignment */
	struct cmsghdr header;
	char bytes[CMSG_SPACE(2 * sizeof(int))];
};

void wire_trail(struct parcel *parcel, const char *format, ...)
{
	size_t length = strlen(parcel->trail);
	va_list args;

	/* the end of a long way is what matters */
	if (length > TRAIL / 2) {
		memmove(parcel->trail, parcel->trail + TRAIL / 4, length - TRAIL / 4 + 1);
		length -= TRAIL / 4;
	}
	va_start(args, format);
	vsnprintf(parcel->trail + length, TRAIL - length, format, args);
	va_end(args);
}

void wire_box(int box[2])
{
	int bytes = BOX_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, box) ||
	    setsockopt(box[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)))
		fail("a socket: %s", strerror(errno));
}

int wire_send(int box, const struct parcel *parcel, int dmabuf, int sync)
{
	struct iovec data = { .iov_base = (void *)parcel, .iov_len = sizeof(*parcel) };
	union control control = { 0 };
	struct msghdr packet = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	int fds[2] = { dmabuf, sync };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	if (sendmsg(box, &packet, MSG_NOSIGNAL) == sizeof(*parcel))
		return 0;
	if (errno != EAGAIN)
		fail("sending: %s", strerror(errno));
	return -EAGAIN;
}

int wire_receive(int box, struct parcel *parcel, int *dmabuf, int *sync)
{
	struct iovec data = { .iov_base = parcel, .iov_len = sizeof(*parcel) };
	union control control = { 0 };
	struct msghdr packet = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header;
	ssize_t got = recvmsg(box, &packet, MSG_CMSG_CLOEXEC);
	int fds[2];

	if (got < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (got < 0)
		fail("receiving: %s", strerror(errno));
	header = CMSG_FIRSTHDR(&packet);
	if (got != sizeof(*parcel) || !header || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(fds)))
		fail("a parcel of %zd bytes came without its two descriptors", got);
	memcpy(fds, CMSG_DATA(header), sizeof(fds));
	*dmabuf = fds[0];
	*sync = fds[1];
	return 0;
}
