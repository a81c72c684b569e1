// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences across drivers: vprime's as the kernel's other drivers see them, and
 * theirs as vprime does; on vprime's buffers, and on those of the others.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <virtgpu_drm.h>

#include "vp_doer.h"
#include "vp_fences.h"
#include "vp_foreign.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Fences between vprime and other drivers, both ways");

#define SIZE		(4 * VP_PAGE)
#define WRITE		DRM_VPRIME_FENCE_WRITE
#define BLOCKED_MS	300
#define LONG_MS		30000

/* ---- vgem, which has the same two calls --------------------------------- */

/* Whose buffer it is that both drivers have. */
enum owner {
	OURS,
	THEIRS,
};

struct shared {
	int gpu[2];
	uint32_t handle[2];
	int dmabuf;
	int vgem;
	uint32_t theirs;	/* vgem's handle */
};

static struct shared share(enum owner owner)
{
	struct shared s = { .gpu = { vp_open(0), vp_open(1) } };

	vp_load_foreign("vgem");
	s.vgem = vp_open_foreign("vgem");
	if (owner == OURS) {
		s.dmabuf = vp_export(s.gpu[0], vp_create(s.gpu[0], SIZE));
		s.theirs = vp_import(s.vgem, s.dmabuf);
	} else {
		s.theirs = vp_create_dumb(s.vgem, 64, 64, 32).handle;
		s.dmabuf = vp_export(s.vgem, s.theirs);
	}
	for (int i = 0; i < 2; i++)
		s.handle[i] = vp_import(s.gpu[i], s.dmabuf);
	return s;
}

static void unshare(struct shared *s)
{
	close(s->dmabuf);
	close(s->vgem);
	close(s->gpu[0]);
	close(s->gpu[1]);
}

static void assert_polls(int dmabuf, bool readable, bool writable)
{
	igt_assert_eq(vp_poll(dmabuf, POLLIN, 0), readable ? POLLIN : 0);
	igt_assert_eq(vp_poll(dmabuf, POLLOUT, 0), writable ? POLLOUT : 0);
}

/* vgem takes a fence of that kind, or says that the buffer is busy. */
static void assert_vgem_takes(const struct shared *s, bool write, bool takes)
{
	uint32_t fence;
	int ret = vp_try_fence_attach(s->vgem, s->theirs, write ? WRITE : 0, 0,
				      &fence);

	igt_assert_eq(ret, takes ? 0 : -EBUSY);
	if (takes)
		vp_fence_signal(s->vgem, fence);
}

static void seen_by_vgem(enum owner owner, bool write)
{
	struct shared s = share(owner);
	uint32_t fence;

	for (int i = 0; i < 2; i++) {
		fence = vp_fence_attach(s.gpu[i], s.handle[i], write);
		assert_vgem_takes(&s, true, false);
		assert_vgem_takes(&s, false, !write);
		assert_polls(s.dmabuf, !write, false);
		vp_fence_signal(s.gpu[i], fence);
		assert_vgem_takes(&s, true, true);
		assert_vgem_takes(&s, false, true);
		assert_polls(s.dmabuf, true, true);
	}
	unshare(&s);
}

static void assert_vprime_sees(const struct shared *s, bool readable,
			       bool writable)
{
	for (int i = 0; i < 2; i++) {
		igt_assert_eq(vp_idle(s->gpu[i], s->handle[i], false),
			      readable);
		igt_assert_eq(vp_idle(s->gpu[i], s->handle[i], true), writable);
		if (!readable)
			vp_assert_refused(vp_try_fence_attach(s->gpu[i],
							      s->handle[i], 0,
							      0, NULL), EBUSY);
		if (!writable)
			vp_assert_refused(vp_try_fence_attach(s->gpu[i],
							      s->handle[i],
							      WRITE, 0, NULL),
					  EBUSY);
	}
	assert_polls(s->dmabuf, readable, writable);
}

static void vgem_seen(enum owner owner, bool write)
{
	struct shared s = share(owner);
	uint32_t fence = vp_fence_attach(s.vgem, s.theirs, write);

	assert_vprime_sees(&s, !write, false);
	vp_fence_signal(s.vgem, fence);
	assert_vprime_sees(&s, true, true);
	unshare(&s);
}

/* A writer waits for the readers of both drivers, whichever is the last. */
static void readers_of_both(enum owner owner, bool vgem_last)
{
	enum { EACH = 20 };
	struct shared s = share(owner);
	uint32_t ours[EACH], theirs[EACH];

	for (int i = 0; i < EACH; i++) {
		ours[i] = vp_fence_attach(s.gpu[i % 2], s.handle[i % 2], false);
		theirs[i] = vp_fence_attach(s.vgem, s.theirs, false);
	}
	for (int i = 0; i < 2 * EACH; i++) {
		int which = i % EACH;

		assert_polls(s.dmabuf, true, false);
		igt_assert(vp_idle(s.gpu[1], s.handle[1], false));
		igt_assert(!vp_idle(s.gpu[1], s.handle[1], true));
		assert_vgem_takes(&s, true, false);
		if ((i < EACH) == vgem_last)
			vp_fence_signal(s.gpu[which % 2], ours[which]);
		else
			vp_fence_signal(s.vgem, theirs[which]);
	}
	assert_vprime_sees(&s, true, true);
	assert_vgem_takes(&s, true, true);
	unshare(&s);
}

/* vgem's fence is there, and each of these waits for it, by GPU 1. */
enum deed {
	WAIT,
	BEGIN,
	PEEK,
	POKE,
	DEEDS,
};

struct task {
	const struct shared *s;
	enum deed deed;
};

static int try_deed(void *data)
{
	const struct task *task = data;
	const struct shared *s = task->s;
	const uint64_t access = DMA_BUF_SYNC_RW;
	uint32_t word = 1;
	int ret;

	switch (task->deed) {
	case WAIT:
		return vp_try_wait(s->gpu[1], s->handle[1], 0, INT64_MAX);
	case PEEK:
		return vp_try_peek(s->gpu[1], s->handle[1], 0, &word,
				   sizeof(word));
	case POKE:
		return vp_try_poke(s->gpu[1], s->handle[1], 0, &word,
				   sizeof(word));
	default:
		ret = vp_try_sync(s->dmabuf, DMA_BUF_SYNC_START | access);
		if (!ret)
			ret = vp_try_sync(s->dmabuf,
					  DMA_BUF_SYNC_END | access);
		return ret;
	}
}

static void blocked_by_vgem(enum owner owner)
{
	for (enum deed deed = 0; deed < DEEDS; deed++) {
		struct shared s = share(owner);
		struct task task = { &s, deed };
		struct vp_doer doer;
		uint32_t fence = vp_fence_attach(s.vgem, s.theirs, true);

		doer = vp_do(try_deed, &task);
		igt_assert(vp_doing(&doer, BLOCKED_MS));
		vp_fence_signal(s.vgem, fence);
		igt_assert_eq(vp_done(&doer), 0);
		unshare(&s);
	}
}

/* And for vprime's, on a buffer that is vgem's. */
static void blocked_on_foreign_buffer(void)
{
	for (enum deed deed = 0; deed < DEEDS; deed++) {
		struct shared s = share(THEIRS);
		struct task task = { &s, deed };
		struct vp_doer doer;
		uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);

		doer = vp_do(try_deed, &task);
		vp_assert_waits(&doer);
		vp_fence_signal(s.gpu[0], fence);
		igt_assert_eq(vp_done(&doer), 0);
		unshare(&s);
	}
}

/* vprime's fence outlives all that vprime has of vgem's buffer. */
static void import_closed(void)
{
	struct shared s = share(THEIRS);
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);

	vp_close(s.gpu[0], s.handle[0]);
	vp_close(s.gpu[1], s.handle[1]);
	assert_vgem_takes(&s, false, false);
	assert_polls(s.dmabuf, false, false);
	vp_fence_signal(s.gpu[0], fence);
	assert_vgem_takes(&s, true, true);
	unshare(&s);
}

/* A GPU that goes takes no other driver with it. */
static void unplugged(enum owner owner)
{
	struct shared s = share(owner);

	vp_fence_attach(s.gpu[1], s.handle[1], true);
	assert_vgem_takes(&s, false, false);
	vp_unplug(1);
	assert_vgem_takes(&s, true, true);
	igt_assert(vp_idle(s.gpu[0], s.handle[0], true));
	vp_plug(1);
	unshare(&s);
}

/* ---- virtio_gpu, which can wait ----------------------------------------- */

struct virtio {
	int fd;
	uint32_t handle, flags;
};

/* Waits for readers and writers. EBUSY: not now, or not for 15 seconds. */
static int try_virtio_wait(void *data)
{
	const struct virtio *virtio = data;
	struct drm_virtgpu_3d_wait wait = {
		.handle = virtio->handle, .flags = virtio->flags,
	};

	return vp_try_ioctl(virtio->fd, DRM_IOCTL_VIRTGPU_WAIT, &wait);
}

static void virtio_waits(bool write)
{
	struct virtio virtio = { .fd = -1 };
	int gpu = vp_open(0), gpu1 = vp_open(1), dmabuf;
	uint32_t handle, fence;
	struct vp_doer doer;

	vp_load_foreign("virtio_gpu");
	virtio.fd = vp_open_foreign("virtio_gpu");
	virtio.handle = vp_create_dumb(virtio.fd, 64, 64, 32).handle;
	dmabuf = vp_export(virtio.fd, virtio.handle);
	handle = vp_import(gpu, dmabuf);

	fence = vp_fence_attach(gpu, handle, write);
	virtio.flags = VIRTGPU_WAIT_NOWAIT;
	igt_assert_eq(try_virtio_wait(&virtio), -EBUSY);
	assert_polls(dmabuf, !write, false);
	igt_assert_eq(vp_idle(gpu1, vp_import(gpu1, dmabuf), false), !write);

	virtio.flags = 0;
	doer = vp_do(try_virtio_wait, &virtio);
	vp_assert_waits(&doer);
	vp_fence_signal(gpu, fence);
	igt_assert_eq(vp_done(&doer), 0);
	virtio.flags = VIRTGPU_WAIT_NOWAIT;
	igt_assert_eq(try_virtio_wait(&virtio), 0);
	assert_polls(dmabuf, true, true);
	close(dmabuf);
	close(virtio.fd);
	close(gpu);
	close(gpu1);
}

/* ---- a device of another driver ----------------------------------------- */

struct device_task {
	int foreign;
	uint32_t id;
	bool write;
};

static int try_device(void *data)
{
	const struct device_task *task = data;
	uint32_t word = 1;

	return task->write ? vp_foreign_try_write(task->foreign, task->id, 0,
						  &word, sizeof(word)) :
			     vp_foreign_try_read(task->foreign, task->id, 0,
						 &word, sizeof(word));
}

/* It reads or writes a vprime buffer that a vprime GPU reads or writes. */
static void device_waits(bool gpu_writes, bool device_writes)
{
	int foreign = vp_foreign_open_fresh(), gpu = vp_open(0), dmabuf;
	struct device_task task = { foreign, 0, device_writes };
	uint32_t handle = vp_create(gpu, SIZE), fence;
	struct vp_doer doer;

	dmabuf = vp_export(gpu, handle);
	task.id = vp_foreign_attach(foreign, dmabuf, 0);
	fence = vp_fence_attach(gpu, handle, gpu_writes);
	if (gpu_writes || device_writes) {
		doer = vp_do(try_device, &task);
		vp_assert_waits(&doer);
		vp_fence_signal(gpu, fence);
		igt_assert_eq(vp_done(&doer), 0);
	} else {
		igt_assert_eq(try_device(&task), 0);
		/* Had it waited, that would be ETIMEDOUT. */
		vp_fence_signal(gpu, fence);
	}
	vp_foreign_detach(foreign, task.id);
	close(dmabuf);
	close(gpu);
	close(foreign);
}

/* Whatever the kernel has fences for, each is minded by whom it concerns. */
static void usages(void)
{
	static const struct {
		uint32_t usage;
		bool readable, writable;
	} usages[] = {
		{ VP_FOREIGN_USAGE_KERNEL, false, false },
		{ VP_FOREIGN_USAGE_WRITE, false, false },
		{ VP_FOREIGN_USAGE_READ, true, false },
		{ VP_FOREIGN_USAGE_BOOKKEEP, true, true },
	};
	int foreign = vp_foreign_open_fresh();
	struct shared s = share(OURS);
	uint32_t theirs, fence;

	for (size_t i = 0; i < VP_ARRAY_SIZE(usages); i++) {
		theirs = vp_foreign_add_fence(foreign, s.dmabuf,
					      usages[i].usage, LONG_MS);
		assert_vprime_sees(&s, usages[i].readable, usages[i].writable);
		if (usages[i].writable) {
			fence = vp_fence_attach(s.gpu[0], s.handle[0], true);
			vp_fence_signal(s.gpu[0], fence);
		}
		vp_foreign_signal(foreign, theirs);
		assert_vprime_sees(&s, true, true);
	}
	unshare(&s);
	close(foreign);
}

static void vgem_subtests(enum owner owner)
{
	const char *whose = owner == OURS ? "vprime" : "vgem";
	char name[64];

	snprintf(name, sizeof(name), "%s-buffer-write-seen-by-vgem", whose);
	igt_describe("vgem puts no fence beside that of a vprime GPU that writes");
	vp_subtest(name)
		seen_by_vgem(owner, true);

	snprintf(name, sizeof(name), "%s-buffer-read-seen-by-vgem", whose);
	igt_describe("vgem may read beside a vprime GPU that reads, and not write");
	vp_subtest(name)
		seen_by_vgem(owner, false);

	snprintf(name, sizeof(name), "%s-buffer-vgem-write-seen", whose);
	igt_describe("vprime minds vgem's fence of a job that writes");
	vp_subtest(name)
		vgem_seen(owner, true);

	snprintf(name, sizeof(name), "%s-buffer-vgem-read-seen", whose);
	igt_describe("vprime minds vgem's fence of a job that reads when it writes");
	vp_subtest(name)
		vgem_seen(owner, false);

	snprintf(name, sizeof(name), "%s-buffer-readers-vgem-last", whose);
	igt_describe("20 readers of each driver, and vgem's end last");
	vp_subtest(name)
		readers_of_both(owner, true);

	snprintf(name, sizeof(name), "%s-buffer-readers-vprime-last", whose);
	igt_describe("20 readers of each driver, and vprime's end last");
	vp_subtest(name)
		readers_of_both(owner, false);

	snprintf(name, sizeof(name), "%s-buffer-blocked-by-vgem", whose);
	igt_describe("Waiting, CPU access, peek and poke wait for vgem's fence");
	vp_subtest(name)
		blocked_by_vgem(owner);

	snprintf(name, sizeof(name), "%s-buffer-unplugged", whose);
	igt_describe("vgem is not held up by a fence of a GPU that has gone");
	vp_subtest(name)
		unplugged(owner);
}

static void device_subtest(bool gpu_writes, bool device_writes)
{
	char name[64];

	snprintf(name, sizeof(name), "device-%s-beside-%s",
		 device_writes ? "writes" : "reads",
		 gpu_writes ? "writer" : "reader");
	igt_describe("Another driver's device waits for a vprime GPU when one of them writes");
	vp_subtest(name)
		device_waits(gpu_writes, device_writes);
}

igt_main
{
	vgem_subtests(OURS);
	vgem_subtests(THEIRS);

	igt_describe("Waiting, CPU access, peek and poke of vgem's buffer wait for vprime's fence");
	vp_subtest("vgem-buffer-blocked")
		blocked_on_foreign_buffer();

	igt_describe("vprime's fence stays on vgem's buffer when the import is closed");
	vp_subtest("vgem-buffer-import-closed")
		import_closed();

	igt_describe("virtio_gpu waits for a vprime GPU that writes its buffer");
	vp_subtest("virtio_gpu-waits-for-writer")
		virtio_waits(true);

	igt_describe("virtio_gpu waits for a vprime GPU that reads its buffer");
	vp_subtest("virtio_gpu-waits-for-reader")
		virtio_waits(false);

	device_subtest(true, false);
	device_subtest(true, true);
	device_subtest(false, true);
	device_subtest(false, false);

	igt_describe("Another driver's fences of each usage are minded by whom they concern");
	vp_subtest("usages")
		usages();

	igt_fixture {
		vp_foreign_unload();
		vp_unload_foreign("vgem");
		vp_unload_foreign("virtio_gpu");
	}
}
