// SPDX-License-Identifier: GPL-2.0-only
/*
 * A GPU goes that has fences pending: they signal with ENODEV, and whoever waits
 * for them elsewhere wakes up. Fences of other GPUs that are on its buffers stay
 * what they are.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_sync.h"
#include "vp_syncobj.h"
#include "vp_test.h"
#include "vp_waits.h"

IGT_TEST_DESCRIPTION("Unplugging a GPU with fences that are pending");

#define WAKE_MS	30000
/* Two GPUs, which come and go; that of the other fences is the first one. */
#define GPU	"going"
#define DEVICE	"vprime2"

/* By the driver's file, by the GPU's attribute, or with its folder. */
enum way {
	UNBIND,
	DISABLE,
	REMOVE,
	WAYS,
};

static void plug(void)
{
	igt_assert_eq(vp_config_plug(GPU, "fence_timeout_ms=60000"), 2);
}

static void unplug(enum way way)
{
	switch (way) {
	case UNBIND:
		vp_unplug(2);
		break;
	case DISABLE:
		vp_config_disable(GPU);
		break;
	default:
		vp_config_remove(GPU);
	}
}

static void plug_again(enum way way)
{
	switch (way) {
	case UNBIND:
		vp_plug(2);
		break;
	case DISABLE:
		igt_assert_eq(vp_config_enable(GPU), 2);
		break;
	default:
		plug();
	}
}

/* Whoever asks the old file for anything about fences hears this. */
static void assert_gone(int gpu, uint32_t handle, uint32_t timeline,
			uint32_t fence)
{
	vp_assert_refused(vp_try_fence_attach(gpu, handle, 0, 0, NULL),
			  ENODEV);
	vp_assert_refused(vp_try_fence_attach(gpu, 4711, 9, 9, NULL), ENODEV);
	vp_assert_refused(vp_try_fence_signal(gpu, fence, 0), ENODEV);
	vp_assert_refused(vp_try_fence_signal(gpu, 4711, 9), ENODEV);
	vp_assert_refused(vp_try_wait(gpu, handle, 0, 0), ENODEV);
	vp_assert_refused(vp_try_wait(gpu, 4711, 9, 0), ENODEV);
	vp_assert_refused(vp_try_timeline(gpu, "new", 0, NULL), ENODEV);
	vp_assert_refused(vp_try_timeline(gpu, "", 9, NULL), ENODEV);
	vp_assert_refused(vp_try_timeline_destroy(gpu, timeline, 0), ENODEV);
	vp_assert_refused(vp_try_timeline_destroy(gpu, 4711, 9), ENODEV);
	vp_assert_refused(vp_try_timeline_signal(gpu, timeline, 1, 0), ENODEV);
	vp_assert_refused(vp_try_timeline_signal(gpu, 4711, 0, 9), ENODEV);
	vp_assert_refused(vp_try_fence(gpu, timeline, 0, 0, NULL), ENODEV);
	vp_assert_refused(vp_try_fence(gpu, 4711, 9, 9, NULL), ENODEV);
}

static void unplugged(enum way way)
{
	int gpu, other = vp_open(0), dmabuf, sync[4];
	uint32_t handle, theirs, timeline, fence;

	plug();
	gpu = vp_open(2);
	handle = vp_create(gpu, VP_PAGE);
	dmabuf = vp_export(gpu, handle);
	theirs = vp_import(other, dmabuf);
	timeline = vp_timeline(gpu, "render");
	for (int i = 0; i < 3; i++)
		sync[i] = vp_fence(gpu, timeline, NULL);
	vp_timeline_signal(gpu, timeline, 1);
	fence = vp_fence_attach(gpu, handle, true);
	sync[3] = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
	/* One that somebody polls. */
	igt_assert_eq(vp_poll(sync[2], POLLIN, 0), 0);

	unplug(way);
	vp_assert_sync(sync[0], DEVICE, "render", 1);
	vp_assert_sync(sync[1], DEVICE, "render", -ENODEV);
	vp_assert_sync(sync[2], DEVICE, "render", -ENODEV);
	vp_assert_sync(sync[3], DEVICE, "write", -ENODEV);
	igt_assert_lte(vp_sync_time(sync[1]), vp_sync_time(sync[2]));
	for (int i = 0; i < 4; i++)
		igt_assert_eq(vp_poll(sync[i], POLLIN, 0), POLLIN);
	igt_assert(vp_idle(other, theirs, true));
	vp_fence_signal(other, vp_fence_attach(other, theirs, true));
	assert_gone(gpu, handle, timeline, fence);

	/* The GPU comes back, as one that has never had a fence. */
	plug_again(way);
	assert_gone(gpu, handle, timeline, fence);
	close(gpu);
	gpu = vp_open(2);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 2, 0), -ENOENT);
	igt_assert_eq(vp_try_fence_signal(gpu, fence, 0), -ENOENT);
	handle = vp_import(gpu, dmabuf);
	fence = vp_fence_attach(gpu, handle, true);
	igt_assert(!vp_idle(other, theirs, false));
	close(sync[0]);
	timeline = vp_timeline(gpu, "again");
	sync[0] = vp_fence(gpu, timeline, NULL);
	vp_assert_sync(sync[0], DEVICE, "again", 0);
	vp_timeline_signal(gpu, timeline, 1);
	vp_assert_sync(sync[0], DEVICE, "again", 1);
	vp_fence_signal(gpu, fence);
	igt_assert(vp_idle(other, theirs, true));
	/* The old ones say what they said. */
	vp_assert_sync(sync[1], DEVICE, "render", -ENODEV);
	vp_assert_sync(sync[3], DEVICE, "write", -ENODEV);
	for (int i = 0; i < 4; i++)
		close(sync[i]);
	close(dmabuf);
	close(gpu);
	close(other);
	vp_config_remove(GPU);
}

/* The file of the GPU that has gone is closed later, or by its owner's death. */
static void closed_late(void)
{
	struct vp_counts before = vp_counts();
	int gpu, sync;

	plug();
	gpu = vp_open(2);
	sync = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
	unplug(REMOVE);
	vp_assert_sync(sync, DEVICE, "render", -ENODEV);
	close(gpu);
	vp_assert_sync(sync, DEVICE, "render", -ENODEV);
	/* The timeline goes with the file, the fence with its descriptor. */
	before.fences++;
	vp_assert_counts(&before);
	close(sync);
	before.fences--;
	vp_assert_counts(&before);
}

/* Processes wait elsewhere for the fences of the GPU that goes. */
static void wakes(enum way way, bool imported)
{
	enum { WAITERS = 7 };
	int gpu, other = vp_open(0), dmabuf, sync, fd;
	uint32_t theirs, syncobj = vp_syncobj(other, 0);
	struct vp_remote waiter[WAITERS];
	const int result[WAITERS] = { 0, 0, 0, POLLOUT, POLLIN, EPOLLIN, 0 };

	plug();
	gpu = vp_open(2);
	theirs = vp_create(other, VP_PAGE);
	dmabuf = vp_export(other, theirs);
	if (imported) {
		sync = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
		vp_dmabuf_put_sync(dmabuf, sync, DMA_BUF_SYNC_READ);
	} else {
		vp_fence_attach(gpu, vp_import(gpu, dmabuf), false);
		sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
	}
	vp_syncobj_put_sync(other, syncobj, sync);
	fd = vp_syncobj_to_fd(other, syncobj);
	for (int i = 0; i < WAITERS; i++) {
		const int what[WAITERS] = {
			other, other, dmabuf, dmabuf, sync, sync, other,
		};
		struct vp_task wait[WAITERS] = {
			{ .run = vp_wait_gem, .flags = DRM_VPRIME_WAIT_WRITE },
			{ .run = vp_wait_poke },
			{ .run = vp_wait_access, .flags = DMA_BUF_SYNC_RW },
			{ .run = vp_wait_poll, .flags = POLLOUT },
			{ .run = vp_wait_poll, .flags = POLLIN },
			{ .run = vp_wait_epoll, .flags = EPOLLIN },
			{ .run = vp_wait_syncobj },
		};

		waiter[i] = vp_remote_start("waiter");
		wait[i].handle = theirs;
		wait[i].fd = vp_remote_give(&waiter[i], what[i]);
		if (i == 6)
			wait[i].fd2 = vp_remote_give(&waiter[i], fd);
		vp_remote_block(&waiter[i], &wait[i]);
	}
	for (int i = 0; i < WAITERS; i++)
		vp_assert_blocked(&waiter[i]);
	unplug(way);
	for (int i = 0; i < WAITERS; i++) {
		igt_assert_eq(vp_remote_result(&waiter[i], NULL), result[i]);
		vp_remote_end(&waiter[i]);
	}
	vp_assert_sync(sync, DEVICE, imported ? "render" : "read", -ENODEV);
	igt_assert(vp_idle(other, theirs, true));
	igt_assert(vp_syncobj_done(other, syncobj));
	close(fd);
	close(sync);
	close(dmabuf);
	close(gpu);
	close(other);
	if (way != REMOVE)
		vp_config_remove(GPU);
}

/* Those who wait on the GPU itself, for its own fence, are not left behind. */
static void wakes_its_own(void)
{
	struct vp_remote waiter[3];
	uint32_t handle, syncobj;
	int gpu, sync, dmabuf, ret;

	plug();
	gpu = vp_open(2);
	handle = vp_create(gpu, VP_PAGE);
	dmabuf = vp_export(gpu, handle);
	sync = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
	vp_dmabuf_put_sync(dmabuf, sync, DMA_BUF_SYNC_WRITE);
	syncobj = vp_syncobj(gpu, 0);
	vp_syncobj_put_sync(gpu, syncobj, sync);
	for (int i = 0; i < 3; i++) {
		int (*const run[3])(struct vp_task *) = {
			vp_wait_gem, vp_wait_peek, vp_wait_syncobj,
		};
		int fd = vp_syncobj_to_fd(gpu, syncobj);
		struct vp_task wait = { .run = run[i], .handle = handle };

		waiter[i] = vp_remote_start("waiter");
		wait.fd = vp_remote_give(&waiter[i], gpu);
		wait.fd2 = vp_remote_give(&waiter[i], fd);
		close(fd);
		vp_remote_block(&waiter[i], &wait);
	}
	unplug(REMOVE);
	/* They were on their way when it went, and arrive; or find it gone. */
	igt_assert_eq(vp_remote_result(&waiter[0], NULL), 0);
	ret = vp_remote_result(&waiter[1], NULL);
	igt_assert(ret == 0 || ret == -ENODEV);
	igt_assert_eq(vp_remote_result(&waiter[2], NULL), 0);
	for (int i = 0; i < 3; i++)
		vp_remote_end(&waiter[i]);
	vp_assert_sync(sync, DEVICE, "render", -ENODEV);
	close(sync);
	close(dmabuf);
	close(gpu);
}

/* What others have put on its buffers is none of its business. */
static void others_stay(void)
{
	int patient, gpu, other = vp_open(0), dmabuf, sync[2];
	uint32_t handle, theirs, timeline, fence;
	struct vp_remote waiter;
	struct vp_task wait = {
		.run = vp_wait_gem, .flags = DRM_VPRIME_WAIT_WRITE,
	};

	plug();
	/* The other one's fences shall last as well. */
	patient = vp_config_open("other", "fence_timeout_ms=60000");
	gpu = vp_open(2);
	handle = vp_create(gpu, VP_PAGE);
	dmabuf = vp_export(gpu, handle);
	theirs = vp_import(patient, dmabuf);
	fence = vp_fence_attach(patient, theirs, false);
	timeline = vp_timeline(patient, "render");
	sync[0] = vp_fence(patient, timeline, NULL);
	vp_dmabuf_put_sync(dmabuf, sync[0], DMA_BUF_SYNC_READ);
	sync[1] = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
	vp_dmabuf_put_sync(dmabuf, sync[1], DMA_BUF_SYNC_READ);

	waiter = vp_remote_start("waiter");
	wait.handle = vp_import(other, dmabuf);
	wait.fd = vp_remote_give(&waiter, other);
	vp_remote_block(&waiter, &wait);
	unplug(REMOVE);
	vp_assert_sync(sync[1], DEVICE, "render", -ENODEV);
	vp_assert_sync(sync[0], "vprime3", "render", 0);
	vp_assert_blocked(&waiter);
	vp_timeline_signal(patient, timeline, 1);
	vp_assert_blocked(&waiter);
	vp_fence_signal(patient, fence);
	igt_assert_eq(vp_remote_result(&waiter, NULL), 0);
	vp_remote_end(&waiter);
	close(sync[0]);
	close(sync[1]);
	close(dmabuf);
	close(gpu);
	close(patient);
	vp_config_remove("other");
	close(other);
}

/* Readers of two GPUs that share a fence, and one of the GPUs goes. */
static void readers_of_two(void)
{
	enum { READERS = 24 };
	int gpu, patient, dmabuf, sync;
	uint32_t handle, theirs, fence[READERS];

	plug();
	patient = vp_config_open("other", "fence_timeout_ms=60000");
	gpu = vp_open(2);
	theirs = vp_create(patient, VP_PAGE);
	dmabuf = vp_export(patient, theirs);
	handle = vp_import(gpu, dmabuf);
	for (int i = 0; i < READERS; i++)
		fence[i] = i & 1 ? vp_fence_attach(gpu, handle, false) :
				   vp_fence_attach(patient, theirs, false);
	sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
	unplug(REMOVE);
	close(gpu);
	for (int i = 0; i < READERS; i += 2) {
		igt_assert_eq(vp_poll(sync, POLLIN, 0), 0);
		igt_assert(!vp_idle(patient, theirs, true));
		vp_fence_signal(patient, fence[i]);
	}
	igt_assert(vp_idle(patient, theirs, true));
	igt_assert_eq(vp_poll(sync, POLLIN, WAKE_MS), POLLIN);
	close(sync);
	close(dmabuf);
	close(patient);
	vp_config_remove("other");
}

/* The GPUs the module was loaded with go no other way. */
static void default_gpu(void)
{
	int gpu = vp_open(0), other = vp_open(1), sync[2];
	uint32_t timeline = vp_timeline(other, "render");

	sync[0] = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
	sync[1] = vp_fence(other, timeline, NULL);
	vp_unplug(0);
	vp_assert_sync(sync[0], "vprime0", "render", -ENODEV);
	vp_assert_sync(sync[1], "vprime1", "render", 0);
	vp_plug(0);
	vp_timeline_signal(other, timeline, 1);
	vp_assert_sync(sync[1], "vprime1", "render", 1);
	close(sync[0]);
	close(sync[1]);
	close(gpu);
	close(other);
}

igt_main
{
	igt_describe("Fences of an unplugged GPU say ENODEV, and so do its ioctls; plugged in again it works");
	vp_subtest("unbind")
		unplugged(UNBIND);

	igt_describe("The same with the GPU's attribute in configfs");
	vp_subtest("disable")
		unplugged(DISABLE);

	igt_describe("The same with its folder in configfs");
	vp_subtest("rmdir")
		unplugged(REMOVE);

	igt_describe("A fence says ENODEV, also when its file is closed later");
	vp_subtest("closed-late")
		closed_late();

	igt_describe("Processes that wait for a buffer on another GPU, in seven ways, wake up");
	vp_subtest("wakes") {
		wakes(UNBIND, false);
		wakes(DISABLE, false);
		wakes(REMOVE, false);
	}

	igt_describe("The same when the fence came from a timeline");
	vp_subtest("wakes-imported")
		wakes(REMOVE, true);

	igt_describe("Processes that wait on the GPU that goes wake up, too");
	vp_subtest("wakes-its-own")
		wakes_its_own();

	igt_describe("Fences of other GPUs on an unplugged GPU's buffer stay");
	vp_subtest("others-stay")
		others_stay();

	igt_describe("Many readers of two GPUs, one of which goes: the other's stay");
	vp_subtest("readers-of-two")
		readers_of_two();

	igt_describe("The same for a GPU that the module was loaded with");
	vp_subtest("default-gpu")
		default_gpu();
}
