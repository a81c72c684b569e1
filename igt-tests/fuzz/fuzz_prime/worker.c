// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that does what it is told. It asserts nothing: what came of it is
 * for the one who knows the model.
 */
#define _GNU_SOURCE	/* memfd_create */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/dma-heap.h>
#include <linux/futex.h>
#include <linux/udmabuf.h>

#include "worker.h"

/* ---- orders ---- */

void fz_box_set(struct fz_box *box, uint32_t state)
{
	__atomic_store_n(&box->state, state, __ATOMIC_RELEASE);
	syscall(SYS_futex, &box->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

bool fz_box_wait(struct fz_box *box, uint32_t state, unsigned int seconds)
{
	struct timespec patience = { .tv_sec = seconds };
	uint32_t is;

	for (;;) {
		is = __atomic_load_n(&box->state, __ATOMIC_ACQUIRE);
		if (is == state)
			return true;
		if (syscall(SYS_futex, &box->state, FUTEX_WAIT, is,
			    seconds ? &patience : NULL, NULL, 0) &&
		    errno == ETIMEDOUT)
			return false;
	}
}

/* ---- what can be ordered ---- */

static sigjmp_buf touched;

static void on_fault(int sig)
{
	siglongjmp(touched, sig);
}

static void catch_faults(void)
{
	/* Without the mask's help, saving it would be a call for each touch. */
	struct sigaction action = {
		.sa_handler = on_fault, .sa_flags = SA_NODEFER,
	};

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static int64_t touch(void *to, const void *from, size_t size)
{
	int sig = sigsetjmp(touched, 0);

	if (sig)
		return -FZ_SIGNAL - sig;
	memcpy(to, from, size);
	return 0;
}

static int64_t compare(const uint8_t *is, const uint8_t *should, size_t size)
{
	int sig = sigsetjmp(touched, 0);

	if (sig)
		return -FZ_SIGNAL - sig;
	if (!memcmp(is, should, size))
		return 0;
	for (size_t at = 0; at < size; at++)
		if (is[at] != should[at])
			return FZ_DIFFERS(at);
	/* It has changed while it was looked at. */
	return FZ_DIFFERS(size);
}

static int other_fd(uint64_t which)
{
	int ends[2];

	switch (which) {
	case 0:
		return memfd_create("fuzz", MFD_CLOEXEC);
	case 1:
		return eventfd(0, EFD_CLOEXEC);
	case 2:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	default:
		if (pipe2(ends, O_CLOEXEC))
			return -1;
		close(ends[1]);
		return ends[0];
	}
}

static int make_udmabuf(uint64_t size)
{
	struct udmabuf_create create = {
		.flags = UDMABUF_FLAGS_CLOEXEC, .size = size,
	};
	int node = open(FZ_UDMABUF_NODE, O_RDWR | O_CLOEXEC);
	int memfd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int fd = -1;

	create.memfd = (uint32_t)memfd;
	if (!ftruncate(memfd, (off_t)size) &&
	    !fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		fd = ioctl(node, UDMABUF_CREATE, &create);
	close(memfd);
	close(node);
	return fd;
}

static int make_heap(uint64_t size)
{
	struct dma_heap_allocation_data allocation = {
		.len = size, .fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap = open(FZ_HEAP_NODE, O_RDONLY | O_CLOEXEC);
	int ret = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &allocation);

	close(heap);
	return ret ? -1 : (int)allocation.fd;
}

/* One writer of an open file waits for another, so it is opened for this. */
static int write_number(const char *path, uint64_t number)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error;
	ssize_t ret;

	if (fd < 0)
		return -1;
	do {
		ret = dprintf(fd, "%llu", (unsigned long long)number);
	} while (ret < 0 && errno == EINTR);
	error = errno;
	close(fd);
	errno = error;
	return ret < 0 ? -1 : 0;
}

/* A message that carries a descriptor, or has room for one. */
struct letter {
	struct msghdr head;
	struct iovec word;
	char byte;
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
};

static struct msghdr *letter_init(struct letter *letter)
{
	memset(letter, 0, sizeof(*letter));
	letter->word = (struct iovec){ &letter->byte, 1 };
	letter->head.msg_iov = &letter->word;
	letter->head.msg_iovlen = 1;
	letter->head.msg_control = letter->control.room;
	letter->head.msg_controllen = sizeof(letter->control.room);
	return &letter->head;
}

static int mail(int sock, int fd)
{
	struct letter letter;
	struct msghdr *head = letter_init(&letter);
	struct cmsghdr *control = CMSG_FIRSTHDR(head);

	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(control), &fd, sizeof(int));
	return sendmsg(sock, head, MSG_DONTWAIT) == 1 ? 0 : -1;
}

static int fetch(int sock)
{
	struct letter letter;
	struct msghdr *head = letter_init(&letter);
	struct cmsghdr *control;
	int fd;

	if (recvmsg(sock, head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return -1;
	control = CMSG_FIRSTHDR(head);
	if (!control || control->cmsg_type != SCM_RIGHTS) {
		errno = ENOMSG;
		return -1;
	}
	memcpy(&fd, CMSG_DATA(control), sizeof(int));
	return fd;
}

static int64_t copy_myself(struct fz_box *box)
{
	/* A child of our parent's, so that it is told of every death. */
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		fz_serve(box);
	return pid;
}

static int64_t poll_one(int fd, short events, int ms)
{
	struct pollfd asked = { .fd = fd, .events = events };

	return poll(&asked, 1, ms) < 0 ? -1 : asked.revents;
}

static int ioctl_read_only(const struct fz_order *order)
{
	static void *page;
	const size_t size = 4096;

	if (!page)
		page = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	if (page == MAP_FAILED || mprotect(page, size, PROT_READ | PROT_WRITE))
		return -1;
	memcpy(page, order->data, order->size);
	if (mprotect(page, size, PROT_READ))
		return -1;
	return ioctl(order->fd, order->request, page);
}

/* Returns -1 with errno, as system calls do, or less. */
static int64_t obey(struct fz_order *order)
{
	uint64_t *a = order->a;
	struct fz_burst burst;
	int64_t ret;

	switch (order->command) {
	case FZ_IOCTL:
		do {
			ret = ioctl(order->fd, order->request, order->data);
		} while (ret < 0 && errno == EINTR);
		return ret;
	case FZ_IOCTL_AT:
		return ioctl(order->fd, order->request, a[0]);
	case FZ_IOCTL_READ_ONLY:
		return ioctl_read_only(order);
	case FZ_OPEN:
		return open((char *)order->data, O_RDWR | O_CLOEXEC);
	case FZ_CLOSE:
		return close(order->fd);
	case FZ_WRITE:
		return write_number((char *)order->data, a[0]);
	case FZ_DUP:
		return fcntl(order->fd, F_DUPFD_CLOEXEC, 0);
	case FZ_SEEK:
		ret = lseek(order->fd, 0, SEEK_END);
		return ret < 0 || lseek(order->fd, 0, SEEK_SET) ? -1 : ret;
	case FZ_PIPE:
		return other_fd(a[0]);
	case FZ_MAIL:
		return mail((int)a[0], order->fd);
	case FZ_FETCH:
		return fetch(order->fd);
	case FZ_FORK:
		return copy_myself((struct fz_box *)a[0]);
	case FZ_MMAP:
		return (intptr_t)mmap(NULL, a[1], (int)a[2], (int)a[3],
				      order->fd, (off_t)a[0]);
	case FZ_MUNMAP:
		return munmap((void *)a[0], a[1]);
	case FZ_MPROTECT:
		return mprotect((void *)a[0], a[1], (int)a[2]);
	case FZ_STORE:
		return touch((void *)a[0], (void *)a[1], a[2]);
	case FZ_COMPARE:
		return compare((void *)a[0], (void *)a[1], a[2]);
	case FZ_POLL:
		return poll_one(order->fd, (short)a[0], (int)a[1]);
	case FZ_BURST:
		memcpy(&burst, order->data, sizeof(burst));
		return fz_burst(&burst, (char *)order->data,
				sizeof(order->data));
	case FZ_MAKE_UDMABUF:
		return make_udmabuf(a[0]);
	case FZ_MAKE_HEAP:
		return make_heap(a[0]);
	}
	errno = ENOSYS;
	return -1;
}

void fz_serve(struct fz_box *box)
{
	struct fz_order *order = &box->order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "fuzz");
	catch_faults();
	for (;;) {
		fz_box_wait(box, FZ_ORDERED, 0);
		order->ret = obey(order);
		if (order->ret == -1)
			order->ret = -errno;
		fz_box_set(box, FZ_ANSWERED);
	}
}
