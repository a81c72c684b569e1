// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fence is code of the module, wherever it is held: in a sync_file, in
 * another driver's reservation, in a syncobj. The module stays for as long, and
 * goes at once when the last one is gone.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "vp_remote.h"
#include "vp_sync.h"
#include "vp_syncobj.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("No unloading while a fence is alive anywhere");

#define WAKE_MS	30000

/* Refused, now and as long as it is so; the fence can be asked meanwhile. */
static void assert_held(int sync, const char *timeline, int state)
{
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	if (sync >= 0)
		vp_assert_sync(sync, "vprime0", timeline, state);
	/* Longer than what is freed late needs to be freed. */
	usleep(300000);
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	if (sync >= 0)
		vp_assert_sync(sync, "vprime0", timeline, state);
}

static void assert_free(void)
{
	vp_unload();
	igt_assert(!vp_loaded());
	vp_reload(VP_DEFAULT_GPUS);
}

/* A fence that is in a sync_file and nowhere else, its GPU's file closed. */
static int orphan(bool signalled, int error)
{
	int gpu = vp_open(0), sync;
	uint32_t timeline = vp_timeline(gpu, "render");

	sync = vp_fence(gpu, timeline, NULL);
	if (signalled)
		igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, error),
			      0);
	close(gpu);
	return sync;
}

static void sync_file(void)
{
	int sync = orphan(true, 0);

	assert_held(sync, "render", 1);
	close(sync);
	assert_free();

	sync = orphan(true, -EIO);
	igt_assert_eq(vp_poll(sync, POLLIN, 0), POLLIN);
	assert_held(sync, "render", -EIO);
	close(sync);
	assert_free();

	/* One that nobody has signalled has signalled by that. */
	sync = orphan(false, 0);
	assert_held(sync, "render", -ECANCELED);
	close(sync);
	assert_free();
}

static void in_message(void)
{
	int sync = orphan(true, 0), sock[2];

	vp_socketpair(sock);
	vp_send_fd(sock[0], sync);
	close(sync);
	assert_held(-1, NULL, 0);
	close(sock[0]);
	close(sock[1]);
	assert_free();
}

static void other_process(void)
{
	struct vp_remote other = vp_remote_start("other");
	int sync = orphan(true, 0);

	vp_remote_give(&other, sync);
	close(sync);
	assert_held(-1, NULL, 0);
	vp_remote_kill(&other);
	assert_free();
}

/* Of two fences, one of which is not vprime's; while it is pending, and after. */
static void merged(void)
{
	int gpu = vp_open(0), vgem, dmabuf, sync, theirs, both;
	uint32_t timeline = vp_timeline(gpu, "render"), fence;
	struct vp_dumb dumb;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	dmabuf = vp_export(vgem, dumb.handle);
	fence = vp_fence_attach(vgem, dumb.handle, true);
	theirs = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
	sync = vp_fence(gpu, timeline, NULL);
	both = vp_sync_merge(sync, theirs, "both");
	close(sync);
	close(theirs);
	close(gpu);
	assert_held(-1, NULL, 0);
	vp_fence_signal(vgem, fence);
	igt_assert_eq(vp_poll(both, POLLIN, WAKE_MS), POLLIN);
	assert_held(-1, NULL, 0);
	/* What is merged when all has signalled has none of it any more. */
	sync = vp_sync_merge(both, both, "nothing");
	close(both);
	assert_free();
	igt_assert_eq(vp_sync_state(sync), 1);
	close(sync);
	close(dmabuf);
	close(vgem);
	vp_unload_foreign("vgem");
}

/* A buffer of vgem's has it, for which vprime need not be there. */
static void foreign_buffer(bool by_handle)
{
	int gpu = vp_open(0), vgem, dmabuf, sync;
	struct vp_dumb dumb;
	uint32_t handle;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	dmabuf = vp_export(vgem, dumb.handle);
	if (by_handle) {
		handle = vp_import(gpu, dmabuf);
		vp_fence_signal(gpu, vp_fence_attach(gpu, handle, true));
		vp_close(gpu, handle);
	} else {
		sync = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
		vp_dmabuf_put_sync(dmabuf, sync, DMA_BUF_SYNC_WRITE);
		close(sync);
	}
	close(gpu);
	assert_held(-1, NULL, 0);
	/* The handle has it when the dma-buf has gone. */
	close(dmabuf);
	assert_held(-1, NULL, 0);
	/* It takes the place of one that has signalled. */
	vp_fence_signal(vgem, vp_fence_attach(vgem, dumb.handle, true));
	assert_free();
	close(vgem);
	vp_unload_foreign("vgem");
}

/* It goes with vgem's buffer, too. */
static void foreign_buffer_gone(void)
{
	int gpu = vp_open(0), vgem, dmabuf, sync;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dmabuf = vp_export(vgem, vp_create_dumb(vgem, 64, 64, 32).handle);
	sync = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
	vp_dmabuf_put_sync(dmabuf, sync, DMA_BUF_SYNC_READ);
	close(sync);
	close(gpu);
	close(dmabuf);
	assert_held(-1, NULL, 0);
	close(vgem);
	assert_free();
	vp_unload_foreign("vgem");
}

/* A syncobj's descriptor is no module's. */
static void syncobj_file(bool point)
{
	int gpu = vp_open(0), sync, fd;
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t syncobj = vp_syncobj(gpu, 0);

	sync = vp_fence(gpu, timeline, NULL);
	if (point)
		vp_syncobj_put_point(gpu, syncobj, 1, sync);
	else
		vp_syncobj_put_sync(gpu, syncobj, sync);
	close(sync);
	fd = vp_syncobj_to_fd(gpu, syncobj);
	close(gpu);
	assert_held(-1, NULL, 0);
	close(fd);
	assert_free();
}

/* Another driver's file has the syncobj. */
static void foreign_syncobj(void)
{
	int gpu = vp_open(0), foreign, sync, fd;
	uint32_t syncobj = vp_syncobj(gpu, 0), theirs;
	bool virtio_gpu_has_syncobjs;
	uint64_t has = 0;

	vp_load_foreign("virtio_gpu");
	foreign = vp_open_foreign("virtio_gpu");
	virtio_gpu_has_syncobjs = !drmGetCap(foreign, DRM_CAP_SYNCOBJ, &has) &&
				  has;
	if (!virtio_gpu_has_syncobjs) {
		close(foreign);
		close(gpu);
	}
	igt_require_f(virtio_gpu_has_syncobjs,
		      "this kernel's virtio_gpu has no syncobjs\n");
	fd = vp_syncobj_to_fd(gpu, syncobj);
	sync = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
	vp_syncobj_put_sync(gpu, syncobj, sync);
	close(sync);
	theirs = vp_syncobj_from_fd(foreign, fd);
	close(fd);
	igt_assert(!vp_syncobj_done(foreign, theirs));
	close(gpu);
	igt_assert(vp_syncobj_done(foreign, theirs));
	assert_held(-1, NULL, 0);
	sync = vp_syncobj_get_sync(foreign, theirs);
	vp_syncobj_reset(foreign, theirs);
	assert_held(sync, "render", -ECANCELED);
	close(sync);
	assert_free();
	close(foreign);
}

/* The GPU has been unplugged, and its file is closed. */
static void unplugged(void)
{
	int gpu = vp_open(0), sync;

	sync = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
	vp_unplug(0);
	vp_unplug(1);
	close(gpu);
	assert_held(sync, "render", -ENODEV);
	close(sync);
	assert_free();
}

/* A thousand fences, all gone with their file. */
static void many(void)
{
	enum { MANY = 1000 };
	int gpu = vp_open(0), last = -1;
	uint32_t timeline = vp_timeline(gpu, "render");

	for (int i = 0; i < MANY; i++) {
		if (last >= 0)
			close(last);
		last = vp_fence(gpu, timeline, NULL);
	}
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	close(gpu);
	assert_held(last, "render", -ECANCELED);
	close(last);
	assert_free();
}

/* A timeline is code only through its fences: without, not even a moment. */
static void no_fence(void)
{
	int gpu = vp_open(0);

	vp_timeline(gpu, "render");
	close(gpu);
	igt_assert_eq(vp_try_unload(), 0);
	vp_reload(VP_DEFAULT_GPUS);
}

igt_main
{
	igt_describe("No unloading while a sync_file has a fence that has signalled");
	vp_subtest("sync-file")
		sync_file();

	igt_describe("No unloading while a sync_file is on its way");
	vp_subtest("in-message")
		in_message();

	igt_describe("No unloading while another process has a sync_file");
	vp_subtest("other-process")
		other_process();

	igt_describe("No unloading while a merged sync_file has a fence of vprime");
	vp_subtest("merged")
		merged();

	igt_describe("No unloading while a buffer of vgem's has a fence that was imported");
	vp_subtest("foreign-buffer")
		foreign_buffer(false);

	igt_describe("The same with a fence that was attached to it");
	vp_subtest("foreign-buffer-attached")
		foreign_buffer(true);

	igt_describe("Unloading works as soon as vgem's buffer is gone");
	vp_subtest("foreign-buffer-gone")
		foreign_buffer_gone();

	igt_describe("No unloading while a syncobj's descriptor has a fence");
	vp_subtest("syncobj")
		syncobj_file(false);

	igt_describe("The same with a point of a timeline");
	vp_subtest("syncobj-point")
		syncobj_file(true);

	igt_describe("No unloading while a syncobj of virtio_gpu's has a fence");
	vp_subtest("syncobj-foreign")
		foreign_syncobj();

	igt_describe("No unloading while a fence of an unplugged GPU is held");
	vp_subtest("unplugged")
		unplugged();

	igt_describe("Unloading works when a thousand fences have gone");
	vp_subtest("many")
		many();

	igt_describe("Unloading works at once when a timeline has had no fence");
	vp_subtest("no-fence")
		no_fence();

	igt_fixture
		vp_unload_foreign("vgem");
}
