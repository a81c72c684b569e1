// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fences of our vgem against those of the kernel's own, as vgem_compare.c
 * does it for everything else.
 */
#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_answers.h"
#include "vp_test.h"
#include "vp_vgem.h"

IGT_TEST_DESCRIPTION("Fences of our vgem are as those of the kernel's own");

#define READY		(POLLIN | POLLOUT)
#define NO_HANDLE	999

static uint32_t new_buffer(int vgem)
{
	return vp_create_dumb(vgem, 64, 64, 32).handle;
}

static void ask_bad_input(struct vp_answers *to)
{
	static const uint32_t flags[] = {
		0, 1, 2, 3, 4, 0xff, 1u << 31, UINT32_MAX,
	};
	int vgem = vp_vgem_open(VP_PRIMARY);
	uint32_t handles[] = { new_buffer(vgem), 0, NO_HANDLE, UINT32_MAX };

	for (size_t i = 0; i < VP_ARRAY_SIZE(flags); i++)
		for (uint32_t pad = 0; pad < 2; pad++)
			for (size_t h = 0; h < VP_ARRAY_SIZE(handles); h++) {
				uint32_t fence = 0;
				int ret = vp_try_fence_attach(vgem, handles[h],
							      flags[i], pad,
							      &fence);

				vp_say_number(to, ret, "ATTACH %#x %u %zu",
					      flags[i], pad, h);
				vp_say_number(to, fence, "fence");
				if (!ret)
					vp_fence_signal(vgem, fence);
			}
	for (size_t i = 0; i < VP_ARRAY_SIZE(flags); i++) {
		vp_say_number(to, vp_try_fence_signal(vgem, 0, flags[i]),
			      "SIGNAL 0 flags %#x", flags[i]);
		vp_say_number(to, vp_try_fence_signal(vgem, NO_HANDLE,
						      flags[i]),
			      "SIGNAL no fence flags %#x", flags[i]);
		vp_say_number(to, vp_try_fence_signal(vgem, UINT32_MAX,
						      flags[i]),
			      "SIGNAL %u flags %#x", UINT32_MAX, flags[i]);
	}
	close(vgem);
}

/* Structures that are shorter and longer, in other directions, and nowhere. */
static void ask_sizes(struct vp_answers *to)
{
	int vgem = vp_vgem_open(VP_RENDER);

	for (unsigned int nr = DRM_VPRIME_FENCE_ATTACH;
	     nr <= DRM_VPRIME_FENCE_SIGNAL; nr++)
		for (unsigned int size = 0; size <= 64; size += 4)
			for (unsigned int way = 0; way < 4; way++) {
				uint32_t words[16] = { NO_HANDLE };
				unsigned long request =
					_IOC(way, 'd', DRM_COMMAND_BASE + nr,
					     size);

				vp_say_number(to, vp_try_ioctl(vgem, request,
							       words),
					      "%u, %u bytes, way %u", nr, size,
					      way);
				vp_say_number(to, vp_try_ioctl(vgem, request,
							       NULL),
					      "%u, %u bytes, way %u, nowhere",
					      nr, size, way);
			}
	close(vgem);
}

static void say_conflict(struct vp_answers *to, bool first, bool second,
			 bool signaled)
{
	int vgem = vp_vgem_open(VP_PRIMARY), dmabuf, ret;
	uint32_t handle = new_buffer(vgem), fence;

	dmabuf = vp_export(vgem, handle);
	fence = vp_fence_attach(vgem, handle, first);
	if (signaled)
		vp_fence_signal(vgem, fence);
	ret = vp_try_fence_attach(vgem, handle, second, 0, &fence);
	vp_say_number(to, ret, "write %d after write %d, signaled %d", second,
		      first, signaled);
	vp_say_number(to, vp_poll(dmabuf, READY, 0), "poll");
	close(dmabuf);
	close(vgem);
}

/* With one that is pending, or has signalled, a second one of each kind. */
static void ask_conflicts(struct vp_answers *to)
{
	for (int which = 0; which < 8; which++)
		say_conflict(to, which & 1, which & 2, which & 4);
}

static void ask_ids(struct vp_answers *to)
{
	int vgem = vp_vgem_open(VP_PRIMARY), other = vp_vgem_open(VP_RENDER);
	uint32_t handle = new_buffer(vgem), fence[6] = {}, imported;
	int dmabuf = vp_export(vgem, handle);

	for (int i = 0; i < 6; i++) {
		fence[i] = vp_fence_attach(vgem, handle, false);
		vp_say_number(to, fence[i], "id %d", i);
		if (i % 2)
			vp_fence_signal(vgem, fence[i]);
	}
	vp_say_number(to, vp_try_fence_attach(vgem, handle, 1, 0, NULL),
		      "ATTACH when it is busy");
	vp_say_number(to, vp_fence_attach(vgem, handle, false),
		      "id after that");
	imported = vp_import(other, dmabuf);
	vp_say_number(to, vp_try_fence_signal(other, fence[0], 0),
		      "SIGNAL in another file");
	vp_say_number(to, vp_fence_attach(other, imported, false),
		      "id in another file");
	vp_close(vgem, handle);
	vp_say_number(to, vp_try_fence_signal(vgem, fence[0], 0),
		      "SIGNAL without the buffer");
	for (int i = 0; i < 3; i++)
		vp_say_number(to, vp_try_fence_signal(vgem, fence[2], 0),
			      "SIGNAL %d", i);
	close(dmabuf);
	close(other);
	close(vgem);
}

static void say_sync(struct vp_answers *to, int sync, const char *which)
{
	struct sync_fence_info fences[8] = {};
	struct sync_file_info info = vp_sync_info(sync, fences, 8);

	vp_say_number(to, info.status, "%s: status", which);
	vp_say_number(to, info.flags, "%s: flags", which);
	vp_say_number(to, info.num_fences, "%s: fences", which);
	for (uint32_t i = 0; i < info.num_fences; i++) {
		vp_say(to, fences[i].driver_name, "%s: driver", which);
		vp_say(to, fences[i].obj_name, "%s: timeline", which);
		vp_say_number(to, fences[i].status, "%s: status %u", which, i);
		vp_say_number(to, fences[i].flags, "%s: flags %u", which, i);
		vp_say_number(to, fences[i].timestamp_ns != 0, "%s: time %u",
			      which, i);
	}
	vp_say_number(to, vp_poll(sync, POLLIN, 0), "%s: poll", which);
}

static void say_dmabuf(struct vp_answers *to, int dmabuf, const char *when)
{
	static const uint32_t flags[] = {
		DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW,
	};

	vp_say_number(to, vp_poll(dmabuf, READY, 0), "%s: poll", when);
	for (size_t i = 0; i < VP_ARRAY_SIZE(flags); i++) {
		int sync = vp_dmabuf_get_sync(dmabuf, flags[i]);

		say_sync(to, sync, when);
		close(sync);
	}
}

/* Three readers, or a writer, from before they signal until afterwards. */
static void ask_sync_files(struct vp_answers *to)
{
	for (int write = 0; write < 2; write++) {
		int vgem = vp_vgem_open(VP_PRIMARY), dmabuf, sync;
		uint32_t handle = new_buffer(vgem), fence[3];
		int count = write ? 1 : 3;

		/* The first is there before anybody could see it. */
		fence[0] = vp_fence_attach(vgem, handle, write);
		dmabuf = vp_export(vgem, handle);
		for (int i = 1; i < count; i++)
			fence[i] = vp_fence_attach(vgem, handle, write);
		say_dmabuf(to, dmabuf, "pending");
		sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_RW);
		for (int i = 0; i < count; i++) {
			vp_fence_signal(vgem, fence[i]);
			say_sync(to, sync, "signaled in turn");
		}
		say_dmabuf(to, dmabuf, "signaled");
		close(sync);
		close(dmabuf);
		close(vgem);
	}
}

/* What a fence says whose file is closed, or that nobody signals. */
static void ask_end(struct vp_answers *to, bool wait)
{
	int vgem[2] = { vp_vgem_open(VP_PRIMARY), vp_vgem_open(VP_PRIMARY) };
	int sync[2], dmabuf[2];
	uint32_t fence[2];

	for (int i = 0; i < 2; i++) {
		uint32_t handle = new_buffer(vgem[i]);

		dmabuf[i] = vp_export(vgem[i], handle);
		fence[i] = vp_fence_attach(vgem[i], handle, i);
		sync[i] = vp_dmabuf_get_sync(dmabuf[i], DMA_BUF_SYNC_RW);
		say_sync(to, sync[i], "pending");
	}
	for (int i = 0; i < 2; i++) {
		if (!wait)
			close(vgem[i]);
		vp_say_number(to, vp_poll(sync[i], POLLIN, VP_PATIENCE_MS),
			      "write %d comes to an end", i);
		vp_say_number(to, vp_poll(dmabuf[i], READY, 0), "poll");
		say_sync(to, sync[i], "at its end");
		for (int j = 0; wait && j < 2; j++)
			vp_say_number(to, vp_try_fence_signal(vgem[i], fence[i],
							      0),
				      "SIGNAL %d", j);
		if (wait)
			close(vgem[i]);
		close(sync[i]);
		close(dmabuf[i]);
	}
}

static void ask_close(struct vp_answers *to)
{
	ask_end(to, false);
}

static void ask_limit(struct vp_answers *to)
{
	int64_t began = vp_now_ns();

	ask_end(to, true);
	/* In seconds, and no more exact than a busy machine is. */
	vp_say_number(to, (vp_now_ns() - began) / 1000000000 >= 9,
		      "not before ten seconds");
}

static int foreign_sync(int gpu, const char *name, uint32_t *timeline)
{
	*timeline = vp_timeline(gpu, name);
	return vp_fence(gpu, *timeline, NULL);
}

/* Fences of others on its buffers: EBUSY, and when not. */
static void ask_foreign_fences(struct vp_answers *to)
{
	static const uint32_t flags[] = {
		DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW,
	};
	int gpu = vp_open(0);

	for (size_t i = 0; i < VP_ARRAY_SIZE(flags); i++) {
		int vgem = vp_vgem_open(VP_PRIMARY), dmabuf, sync;
		uint32_t handle = new_buffer(vgem), timeline, fence;

		dmabuf = vp_export(vgem, handle);
		sync = foreign_sync(gpu, "others", &timeline);
		vp_say_number(to, vp_try_dmabuf_put_sync(dmabuf, sync,
							 flags[i]),
			      "import, flags %u", flags[i]);
		say_dmabuf(to, dmabuf, "foreign");
		for (int write = 0; write < 2; write++) {
			int ret = vp_try_fence_attach(vgem, handle, write, 0,
						      &fence);

			vp_say_number(to, ret, "ATTACH, write %d", write);
			if (!ret)
				vp_fence_signal(vgem, fence);
		}
		vp_timeline_signal(gpu, timeline, 1);
		vp_say_number(to, vp_try_fence_attach(vgem, handle, 1, 0,
						      &fence),
			      "ATTACH when it has signaled");
		vp_timeline_destroy(gpu, timeline);
		close(sync);
		close(dmabuf);
		close(vgem);
	}
	close(gpu);
}

igt_main
{
	igt_describe("Flags, padding, handles and ids that are none");
	vp_subtest("bad-input")
		vp_compare_vgem(ask_bad_input);

	igt_describe("Its two ioctls with structures of other sizes and directions");
	vp_subtest("sizes")
		vp_compare_vgem(ask_sizes);

	igt_describe("Which fences do not go together");
	vp_subtest("conflicts")
		vp_compare_vgem(ask_conflicts);

	igt_describe("Ids, in their order, in other files, and when they are used up");
	vp_subtest("ids")
		vp_compare_vgem(ask_ids);

	igt_describe("What sync_files tell of fences that are pending and then signal");
	vp_subtest("sync-files")
		vp_compare_vgem(ask_sync_files);

	igt_describe("What becomes of a fence when its file is closed");
	vp_subtest("close")
		vp_compare_vgem(ask_close);

	igt_describe("What becomes of a fence that nobody signals");
	vp_subtest("limit")
		vp_compare_vgem(ask_limit);

	igt_describe("Fences of a vprime GPU on its buffers");
	vp_subtest("foreign")
		vp_compare_vgem(ask_foreign_fences);

	igt_fixture
		vp_vgem_end();
}
