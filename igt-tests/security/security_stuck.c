// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that stands still in the middle of a call: because the memory that it
 * has passed is never served, or because it is stopped. No lock is held there
 * that another client needs: all others go on, on the same GPU and with the same
 * buffer, and the client can be killed.
 *
 * Arguments that cannot be read or written at all are in fence_bad_memory and
 * gem_bad_input.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_bystander.h"
#include "vp_fences.h"
#include "vp_nobody.h"
#include "vp_stuck.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("A client that stands still holds up nobody else");

/* What the client has, over there. */
static struct {
	struct vp_stuck stuck;
	int gpu, dmabuf, sync;
	uint32_t handle, fence, timeline;
} mine;

/* An argument of each call that would do what it is for. */
union arg {
	struct drm_vprime_fence_attach attach;
	struct drm_vprime_fence_signal signal;
	struct drm_vprime_gem_create create;
	struct drm_vprime_gem_mmap_offset offset;
	struct drm_vprime_gem_info info;
	struct drm_vprime_get_param param;
	struct drm_vprime_gem_access access;
	struct drm_vprime_gem_wait wait;
	struct drm_vprime_timeline_create timeline;
	struct drm_vprime_timeline_destroy destroy;
	struct drm_vprime_timeline_signal timeline_signal;
	struct drm_vprime_fence_create fence;
	struct drm_mode_create_dumb create_dumb;
	struct drm_mode_map_dumb map_dumb;
	struct drm_get_cap cap;
	struct drm_prime_handle prime;
	struct drm_gem_close close;
	struct dma_buf_sync sync;
	struct dma_buf_export_sync_file out;
	struct dma_buf_import_sync_file in;
};

static void put_argument(unsigned long request, union arg *arg)
{
	memset(arg, 0, sizeof(*arg));
	switch (request) {
	case DRM_IOCTL_VPRIME_GEM_CREATE:
		arg->create.size = VP_PAGE;
		break;
	case DRM_IOCTL_VPRIME_TIMELINE_CREATE:
		strcpy(arg->timeline.name, "stuck");
		break;
	case DRM_IOCTL_VPRIME_FENCE_CREATE:
		arg->fence.timeline = mine.timeline;
		break;
	case DRM_IOCTL_MODE_CREATE_DUMB:
		arg->create_dumb.width = 1;
		arg->create_dumb.height = 1;
		arg->create_dumb.bpp = 32;
		break;
	case DRM_IOCTL_GET_CAP:
		arg->cap.capability = DRM_CAP_PRIME;
		break;
	case DRM_IOCTL_PRIME_FD_TO_HANDLE:
		arg->prime.fd = mine.dmabuf;
		break;
	case DMA_BUF_IOCTL_EXPORT_SYNC_FILE:
		arg->out.flags = DMA_BUF_SYNC_RW;
		break;
	case DRM_IOCTL_VPRIME_FENCE_ATTACH:
	case DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET:
	case DRM_IOCTL_VPRIME_GEM_INFO:
	case DRM_IOCTL_MODE_MAP_DUMB:
	case DRM_IOCTL_PRIME_HANDLE_TO_FD:
		/* The handle comes first in all of these. */
		arg->attach.handle = mine.handle;
		break;
	}
}

static const struct {
	unsigned long request;
	const char *name;
} calls[] = {
#define CALL(request)	{ request, #request }
	CALL(DRM_IOCTL_VPRIME_FENCE_ATTACH),
	CALL(DRM_IOCTL_VPRIME_FENCE_SIGNAL),
	CALL(DRM_IOCTL_VPRIME_GEM_CREATE),
	CALL(DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET),
	CALL(DRM_IOCTL_VPRIME_GEM_INFO),
	CALL(DRM_IOCTL_VPRIME_GET_PARAM),
	CALL(DRM_IOCTL_VPRIME_GEM_PEEK),
	CALL(DRM_IOCTL_VPRIME_GEM_POKE),
	CALL(DRM_IOCTL_VPRIME_GEM_WAIT),
	CALL(DRM_IOCTL_VPRIME_TIMELINE_CREATE),
	CALL(DRM_IOCTL_VPRIME_TIMELINE_DESTROY),
	CALL(DRM_IOCTL_VPRIME_TIMELINE_SIGNAL),
	CALL(DRM_IOCTL_VPRIME_FENCE_CREATE),
	CALL(DRM_IOCTL_MODE_CREATE_DUMB),
	CALL(DRM_IOCTL_MODE_MAP_DUMB),
	CALL(DRM_IOCTL_MODE_DESTROY_DUMB),
	CALL(DRM_IOCTL_GET_CAP),
	CALL(DRM_IOCTL_PRIME_HANDLE_TO_FD),
	CALL(DRM_IOCTL_PRIME_FD_TO_HANDLE),
	CALL(DRM_IOCTL_GEM_CLOSE),
	CALL(DMA_BUF_IOCTL_SYNC),
	CALL(DMA_BUF_IOCTL_EXPORT_SYNC_FILE),
	CALL(DMA_BUF_IOCTL_IMPORT_SYNC_FILE),
};

static int file_of(unsigned long request)
{
	return _IOC_TYPE(request) == DMA_BUF_BASE ? mine.dmabuf : mine.gpu;
}

/* ---- the client; no assertions there ---- */

static int prepare(struct vp_task *task)
{
	int ret = vp_try_stuck(task->flags, &mine.stuck);

	if (ret)
		return ret;
	mine.dmabuf = task->fd2;
	mine.gpu = task->fd;
	ret = vp_try_import(mine.gpu, mine.dmabuf, &mine.handle);
	if (!ret)
		ret = vp_try_timeline(mine.gpu, "stuck", 0, &mine.timeline);
	return ret ? ret : vp_become_nobody(0);
}

static int stuck_fd(struct vp_task *task)
{
	(void)task;
	return mine.stuck.fd;
}

/* All of the argument, or all but its first eight bytes, is not there. */
static int read_argument(struct vp_task *task)
{
	unsigned long request = calls[task->value].request;

	return ioctl(file_of(request), request,
		     vp_stuck_at(&mine.stuck, task->handle)) ? -errno : 0;
}

/* The argument is there, but only its first bytes take an answer. */
static int write_answer(struct vp_task *task)
{
	unsigned long request = calls[task->value].request;
	void *at = vp_stuck_at(&mine.stuck, _IOC_SIZE(request) > 4 ? 4 : 0);
	union arg arg;
	int ret;

	put_argument(request, &arg);
	memcpy(at, &arg, sizeof(arg));
	ret = vp_try_stuck_protect(&mine.stuck);
	return ret ? ret : ioctl(file_of(request), request, at) ? -errno : 0;
}

static int move_data(struct vp_task *task)
{
	struct drm_vprime_gem_access access = {
		.handle = mine.handle,
		.size = VP_PAGE,
		.data = (uintptr_t)vp_stuck_at(&mine.stuck, task->value),
	};

	return ioctl(mine.gpu, task->handle ? DRM_IOCTL_VPRIME_GEM_POKE :
					      DRM_IOCTL_VPRIME_GEM_PEEK,
		     &access) ? -errno : 0;
}

/* ---- the others ---- */

static struct vp_remote client(const struct vp_bystander *b, bool writes,
			       int *stuck)
{
	struct vp_remote remote = vp_remote_start("stuck");
	struct vp_task task = { .run = prepare, .flags = writes };
	int ret;

	task.fd = vp_remote_open(&remote, 0);
	task.fd2 = vp_remote_give(&remote, b->pair.dmabuf);
	ret = vp_remote_do(&remote, &task);
	igt_require_f(ret != -ENOSYS && ret != -EINVAL,
		      "no userfaultfd, or not for this: %d\n", ret);
	igt_assert_eq(ret, 0);
	task.run = stuck_fd;
	*stuck = vp_remote_take(&remote, vp_remote_do(&remote, &task));
	return remote;
}

/* It stands still there, others do not, and it can be killed. */
static void others_go_on(struct vp_bystander *b, struct vp_remote *remote,
			 int stuck)
{
	igt_assert(vp_stuck_wait(stuck, VP_PATIENCE_MS));
	for (int i = 0; i < 3; i++)
		vp_bystander_round(b);
	igt_assert_eq(vp_try_move(b->pair.id), 0);
	vp_fences();
	vp_counts();
	igt_assert(!vp_poll(remote->sock, POLLIN, 0));
	vp_remote_kill(remote);
	close(stuck);
}

static void arguments(uint32_t before)
{
	struct vp_bystander b = vp_bystander();

	for (size_t i = 0; i < VP_ARRAY_SIZE(calls); i++) {
		struct vp_task task = {
			.run = read_argument, .value = i, .handle = before,
		};
		struct vp_remote remote;
		int stuck;

		if (_IOC_SIZE(calls[i].request) <= before)
			continue;
		igt_debug("%s\n", calls[i].name);
		remote = client(&b, false, &stuck);
		vp_remote_begin(&remote, &task);
		others_go_on(&b, &remote, stuck);
	}
	vp_bystander_end(&b);
}

static void answers(void)
{
	struct vp_bystander b = vp_bystander();
	unsigned int stood = 0;

	for (size_t i = 0; i < VP_ARRAY_SIZE(calls); i++) {
		struct vp_task task = { .run = write_answer, .value = i };
		struct vp_remote remote;
		int stuck;

		if (!(_IOC_DIR(calls[i].request) & _IOC_READ))
			continue;
		igt_debug("%s\n", calls[i].name);
		remote = client(&b, true, &stuck);
		vp_remote_begin(&remote, &task);
		others_go_on(&b, &remote, stuck);
		stood++;
	}
	igt_assert_lte(10, stood);
	vp_bystander_end(&b);
}

static void data(bool poke)
{
	struct vp_bystander b = vp_bystander();

	for (uint64_t before = 0; before < VP_PAGE; before += VP_PAGE / 2) {
		struct vp_task task = {
			.run = move_data, .handle = poke, .value = before,
		};
		int stuck;
		struct vp_remote remote = client(&b, false, &stuck);

		vp_remote_begin(&remote, &task);
		others_go_on(&b, &remote, stuck);
	}
	vp_bystander_end(&b);
}

/* ---- one that is stopped, wherever it is ---- */

static int use_everything(struct vp_task *task)
{
	uint32_t handle, fence, timeline;
	char byte = 1;
	int fd;

	if (vp_try_import(task->fd, task->fd2, &handle))
		return -EINVAL;
	for (;;) {
		vp_try_poke(task->fd, handle, 0, &byte, 1);
		vp_try_peek(task->fd, handle, 0, &byte, 1);
		vp_try_info(task->fd, handle, 0, NULL);
		if (!vp_try_fence_attach(task->fd, handle, 0, 0, &fence))
			vp_try_fence_signal(task->fd, fence, 0);
		if (!vp_try_timeline(task->fd, "stopped", 0, &timeline)) {
			fd = vp_try_fence(task->fd, timeline, 0, 0, NULL);
			vp_try_timeline_destroy(task->fd, timeline, 0);
			close(fd);
		}
		vp_try_sync(task->fd2, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
		vp_try_sync(task->fd2, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
		close(vp_try_export(task->fd, handle, DRM_CLOEXEC | DRM_RDWR));
	}
}

static void stopped(void)
{
	struct vp_bystander b = vp_bystander();
	struct vp_remote remote = vp_nobody_start("stopped");
	struct vp_task task = { .run = use_everything };

	task.fd = vp_remote_open(&remote, 0);
	task.fd2 = vp_remote_give(&remote, b.pair.dmabuf);
	vp_remote_begin(&remote, &task);
	for (int i = 0; i < 60; i++) {
		usleep(1000 + i * 97);
		igt_assert_eq(kill(remote.process, SIGSTOP), 0);
		vp_bystander_round(&b);
		igt_assert_eq(kill(remote.process, SIGCONT), 0);
	}
	igt_info("the longest round took %lld ms\n", (long long)b.longest_ms);
	vp_remote_kill(&remote);
	vp_bystander_end(&b);
}

igt_main
{
	igt_describe("Each call with an argument that is never served");
	vp_subtest("arguments")
		arguments(0);

	igt_describe("Each call with an argument of which only the beginning is served");
	vp_subtest("arguments-half")
		arguments(8);

	igt_describe("Each call whose answer is never taken");
	vp_subtest("answers")
		answers();

	igt_describe("The GPU reads into memory that is never served");
	vp_subtest("data-peek")
		data(false);

	igt_describe("The GPU writes from memory that is never served");
	vp_subtest("data-poke")
		data(true);

	igt_describe("A client is stopped, at any moment, over and over");
	vp_subtest("stopped")
		stopped();
}
