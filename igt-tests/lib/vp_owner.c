// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vp_fence.h"
#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_owner.h"
#include "vp_process.h"

struct vp_owner vp_owner_start(unsigned int gpu)
{
	struct vp_owner owner = { .remote = vp_remote_start("owner") };

	owner.gpu = vp_remote_open(&owner.remote, gpu);
	return owner;
}

void vp_owner_kill(struct vp_owner *owner)
{
	vp_remote_kill(&owner->remote);
}

void vp_owner_end(struct vp_owner *owner)
{
	vp_remote_end(&owner->remote);
}

static int have_done(const struct vp_owner *owner, struct vp_task task)
{
	int ret;

	task.fd = owner->gpu;
	ret = vp_remote_do(&owner->remote, &task);
	igt_assert_lte(0, ret);
	return ret;
}

/* The names of timelines are at the same address over there. */
static int make_timeline(struct vp_task *task)
{
	uint32_t timeline = 0;
	int ret;

	ret = vp_try_timeline(task->fd, (const char *)(uintptr_t)task->value,
			      0, &timeline);
	return ret ? ret : (int)timeline;
}

uint32_t vp_owner_timeline(const struct vp_owner *owner, const char *name)
{
	return (uint32_t)have_done(owner, (struct vp_task){
		.run = make_timeline, .value = (uintptr_t)name,
	});
}

static int make_fence(struct vp_task *task)
{
	return vp_try_fence(task->fd, task->handle, 0, 0, NULL);
}

int vp_owner_fence(const struct vp_owner *owner, uint32_t timeline)
{
	int theirs = have_done(owner, (struct vp_task){
		.run = make_fence, .handle = timeline,
	});
	int ours = vp_remote_take(&owner->remote, theirs);

	vp_remote_close(&owner->remote, theirs);
	return ours;
}

static int import(struct vp_task *task)
{
	uint32_t handle = 0;
	int ret = vp_try_import(task->fd, task->fd2, &handle);

	return ret ? ret : (int)handle;
}

uint32_t vp_owner_import(const struct vp_owner *owner, int dmabuf)
{
	int theirs = vp_remote_give(&owner->remote, dmabuf);
	int handle = have_done(owner, (struct vp_task){
		.run = import, .fd2 = theirs,
	});

	vp_remote_close(&owner->remote, theirs);
	return (uint32_t)handle;
}

static int attach(struct vp_task *task)
{
	uint32_t fence = 0;
	int ret = vp_try_fence_attach(task->fd, task->handle, task->flags, 0,
				      &fence);

	return ret ? ret : (int)fence;
}

uint32_t vp_owner_attach(const struct vp_owner *owner, uint32_t handle,
			 bool write)
{
	return (uint32_t)have_done(owner, (struct vp_task){
		.run = attach, .handle = handle,
		.flags = write ? DRM_VPRIME_FENCE_WRITE : 0,
	});
}

static int signal_timeline(struct vp_task *task)
{
	return vp_try_timeline_signal(task->fd, task->handle, task->value, 0);
}

int vp_owner_signal(const struct vp_owner *owner, uint32_t timeline,
		    uint64_t seqno)
{
	struct vp_task task = {
		.run = signal_timeline, .fd = owner->gpu, .handle = timeline,
		.value = seqno,
	};

	return vp_remote_do(&owner->remote, &task);
}

static int fork_idle(struct vp_task *task)
{
	pid_t child = fork();

	(void)task;
	if (child < 0)
		return -errno;
	if (!child)
		for (;;)
			pause();
	return child;
}

pid_t vp_owner_fork(const struct vp_owner *owner)
{
	pid_t child;

	/* It becomes our child when the owner has gone. */
	igt_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	child = have_done(owner, (struct vp_task){ .run = fork_idle });
	return child;
}
