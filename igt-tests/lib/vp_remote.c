// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE	/* close_range */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vp_fence.h"
#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_process.h"
#include "vp_remote.h"

#define POLL_US		2000
#define MOMENT_US	30000

/* A message each way; descriptors follow in one of their own. */
enum order {
	DO,
	GIVE,
	TAKE,
	OPEN,
	CLOSE,
};

struct message {
	enum order order;
	int ret;
	struct vp_task task;
};

static int obey(int sock, struct message *message)
{
	int *fd = &message->task.fd;

	switch (message->order) {
	case DO:
		return message->task.run(&message->task);
	case GIVE:
		return vp_recv_fd(sock);
	case TAKE:
		vp_send_fd(sock, *fd);
		return 0;
	case OPEN:
		return vp_try_open_node(message->task.value, VP_RENDER, O_RDWR);
	case CLOSE:
		return close(*fd) ? -errno : 0;
	}
	return -EINVAL;
}

static void serve(const char *name, int sock)
{
	struct timeval for_ever = {};
	struct message message;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	/* The standard three stay, for what may have to be said. */
	if (sock > 3)
		close_range(3, (unsigned int)sock - 1, 0);
	close_range((unsigned int)sock + 1, UINT_MAX, 0);
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));

	while (recv(sock, &message, sizeof(message), 0) == sizeof(message)) {
		message.ret = obey(sock, &message);
		if (send(sock, &message, sizeof(message), MSG_NOSIGNAL) !=
		    sizeof(message))
			_exit(1);
	}
	_exit(0);
}

struct vp_remote vp_remote_start(const char *name)
{
	struct vp_remote remote;
	int sock[2];

	vp_socketpair(sock);
	/* What is buffered would be written by both. */
	fflush(NULL);
	remote.process = fork();
	igt_assert_lte(0, remote.process);
	if (!remote.process)
		serve(name, sock[1]);
	vp_started(remote.process);
	close(sock[1]);
	remote.sock = sock[0];
	return remote;
}

void vp_remote_end(struct vp_remote *remote)
{
	int status;

	/* Its next order is the end of the file. */
	close(remote->sock);
	igt_assert_eq(waitpid(remote->process, &status, 0), remote->process);
	vp_ended(remote->process);
	igt_assert_eq(status, 0);
}

void vp_remote_kill(struct vp_remote *remote)
{
	vp_kill(remote->process);
	close(remote->sock);
}

static void say(const struct vp_remote *remote, enum order order,
		const struct vp_task *task)
{
	struct message message = { .order = order, .task = *task };

	igt_assert_eq(send(remote->sock, &message, sizeof(message),
			   MSG_NOSIGNAL), sizeof(message));
}

static int hear(const struct vp_remote *remote, struct vp_task *task)
{
	struct message message;

	igt_assert_eq(recv(remote->sock, &message, sizeof(message), 0),
		      sizeof(message));
	*task = message.task;
	return message.ret;
}

int vp_remote_give(const struct vp_remote *remote, int fd)
{
	struct vp_task task = {};
	int theirs;

	say(remote, GIVE, &task);
	vp_send_fd(remote->sock, fd);
	theirs = hear(remote, &task);
	igt_assert_lte(0, theirs);
	return theirs;
}

int vp_remote_take(const struct vp_remote *remote, int fd)
{
	struct vp_task task = { .fd = fd };
	int ours;

	say(remote, TAKE, &task);
	ours = vp_recv_fd(remote->sock);
	igt_assert_eq(hear(remote, &task), 0);
	return ours;
}

int vp_remote_open(const struct vp_remote *remote, unsigned int gpu)
{
	struct vp_task task = { .value = gpu };
	int fd;

	say(remote, OPEN, &task);
	fd = hear(remote, &task);
	igt_assert_f(fd >= 0, "GPU %u in another process: %s\n", gpu,
		     strerror(-fd));
	return fd;
}

void vp_remote_close(const struct vp_remote *remote, int fd)
{
	struct vp_task task = { .fd = fd };

	say(remote, CLOSE, &task);
	igt_assert_eq(hear(remote, &task), 0);
}

int vp_remote_do(const struct vp_remote *remote, struct vp_task *task)
{
	vp_remote_begin(remote, task);
	return vp_remote_result(remote, task);
}

void vp_remote_begin(const struct vp_remote *remote, const struct vp_task *task)
{
	say(remote, DO, task);
}

int vp_remote_result(const struct vp_remote *remote, struct vp_task *task)
{
	struct vp_task left;
	int ret = hear(remote, &left);

	if (task)
		*task = left;
	return ret;
}

static bool has_answered(const struct vp_remote *remote)
{
	return vp_poll(remote->sock, POLLIN, 0);
}

/*
 * Where in the kernel it sleeps must be a wait for fences, or for descriptors.
 * Not all sleep is: for one, the DRM core lets a grace period pass when a file
 * is used by another process than before.
 */
bool vp_remote_is_blocked(const struct vp_remote *remote)
{
	static const char *const waits[] = { "fence", "syncobj", "poll" };
	char path[40], where[80] = "";
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/wchan", (int)remote->process);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
	len = read(fd, where, sizeof(where) - 1);
	close(fd);
	for (size_t i = 0; len > 0 && i < sizeof(waits) / sizeof(*waits); i++)
		if (strstr(where, waits[i]))
			return !has_answered(remote);
	return false;
}

static void wait_until_blocked(const struct vp_remote *remote)
{
	int64_t until = vp_in_ms(VP_PATIENCE_MS);

	while (!vp_remote_is_blocked(remote)) {
		igt_assert_f(!has_answered(remote),
			     "does not wait, but has returned %d\n",
			     vp_remote_result(remote, NULL));
		igt_assert_f(vp_now_ns() < until, "neither waits nor ends\n");
		usleep(POLL_US);
	}
}

void vp_remote_block(const struct vp_remote *remote, const struct vp_task *task)
{
	vp_remote_begin(remote, task);
	wait_until_blocked(remote);
}

void vp_assert_blocked(const struct vp_remote *remote)
{
	wait_until_blocked(remote);
	usleep(MOMENT_US);
	wait_until_blocked(remote);
}
