/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another process that does what it is told, one thing after the other. It owns
 * fences until it is killed, or waits for them, which is then to be seen.
 *
 * It has nothing open but what it was given and what it opened itself, so that
 * it keeps nothing alive by accident.
 */
#ifndef VP_REMOTE_H
#define VP_REMOTE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What it is to do: @run is called over there, with a copy of this. It returns
 * 0 (or what was asked for) or a negative errno, and must not assert anything:
 * an assertion ends the subtest of the process that it is in.
 *
 * Descriptors are numbers as they are over there.
 */
struct vp_task {
	int (*run)(struct vp_task *task);
	int fd;
	int fd2;
	uint32_t handle;
	uint32_t flags;
	uint64_t value;
};

struct vp_remote {
	pid_t process;
	int sock;
};

struct vp_remote vp_remote_start(const char *name);
/* It closes what it has open, and ends. */
void vp_remote_end(struct vp_remote *remote);
/* SIGKILL; when this returns it is no more. */
void vp_remote_kill(struct vp_remote *remote);

/* A descriptor of ours goes there, or one of its comes here; it is a copy. */
int vp_remote_give(const struct vp_remote *remote, int fd);
int vp_remote_take(const struct vp_remote *remote, int fd);
/* It opens a GPU's render node, and closes what it has. */
int vp_remote_open(const struct vp_remote *remote, unsigned int gpu);
void vp_remote_close(const struct vp_remote *remote, int fd);

/* Have it done. @task is then as it was left over there. */
int vp_remote_do(const struct vp_remote *remote, struct vp_task *task);

/*
 * The same in two parts. vp_remote_block() returns when the task waits for a
 * fence or for descriptors, and fails the subtest when it ends instead;
 * vp_remote_result() waits for the end.
 */
void vp_remote_begin(const struct vp_remote *remote,
		     const struct vp_task *task);
void vp_remote_block(const struct vp_remote *remote,
		     const struct vp_task *task);
bool vp_remote_is_blocked(const struct vp_remote *remote);
int vp_remote_result(const struct vp_remote *remote, struct vp_task *task);

/*
 * It has not been let go: it waits, perhaps having woken up to look what has
 * become of that, and does so a moment later.
 */
void vp_assert_blocked(const struct vp_remote *remote);

#endif /* VP_REMOTE_H */
