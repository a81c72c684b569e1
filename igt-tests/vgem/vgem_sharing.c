// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our vgem and vprime's GPUs, both loaded: two drivers that share buffers and
 * fences as strangers do, although they are made of the same sources.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_access.h"
#include "vp_race.h"
#include "vp_test.h"
#include "vp_vgem.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Our vgem and vprime share buffers and fences");

#define RW		(PROT_READ | PROT_WRITE)
#define SIZE		(64 * VP_KIB)

/* A buffer of vgem's that both GPUs have, or one of GPU 0's that vgem has. */
struct shared {
	int vgem, gpu[2], dmabuf;
	uint32_t on_vgem, on_gpu[2];
	size_t size;
	uint64_t id;
};

static struct shared share(bool of_vgem)
{
	struct shared s = {
		.vgem = vp_vgem_open(VP_PRIMARY),
		.gpu = { vp_open(0), vp_open(1) },
		.size = SIZE,
	};

	if (of_vgem) {
		s.on_vgem = vp_create_dumb(s.vgem, 128, SIZE / 512,
					   32).handle;
		s.dmabuf = vp_export(s.vgem, s.on_vgem);
		s.on_gpu[0] = vp_import(s.gpu[0], s.dmabuf);
	} else {
		s.on_gpu[0] = vp_create(s.gpu[0], SIZE);
		s.dmabuf = vp_export(s.gpu[0], s.on_gpu[0]);
		s.on_vgem = vp_import(s.vgem, s.dmabuf);
	}
	s.on_gpu[1] = vp_import(s.gpu[1], s.dmabuf);
	s.id = vp_id(s.gpu[0], s.on_gpu[0]);
	return s;
}

static void unshare(struct shared *s)
{
	close(s->dmabuf);
	close(s->vgem);
	close(s->gpu[0]);
	close(s->gpu[1]);
}

static void strangers(bool of_vgem)
{
	struct shared s = share(of_vgem);
	struct drm_vprime_gem_info info = vp_info(s.gpu[1], s.on_gpu[1]);
	const struct vp_watch_buffer *buffer = vp_watch(s.id);

	igt_assert(!strcmp(info.origin, of_vgem ? "vgem" : "vprime0"));
	igt_assert_eq(!!(info.flags & DRM_VPRIME_INFO_FOREIGN), of_vgem);
	igt_assert_eq(info.attached_gpus, 3);
	igt_assert_eq(buffer->foreign, of_vgem);
	igt_assert_eq(!!vp_watch_attachment(s.id, "vgem"), !of_vgem);
	igt_assert(vp_watch_attachment(s.id, "vprime1"));
	/* Each finds the dma-buf that it has, and its own handle again. */
	for (int i = 0; i < 2; i++) {
		int again = vp_export(s.gpu[i], s.on_gpu[i]);

		igt_assert_eq(vp_dmabuf_id(again), vp_dmabuf_id(s.dmabuf));
		igt_assert_eq(vp_import(s.vgem, again), s.on_vgem);
		close(again);
	}
	unshare(&s);
	igt_assert(!vp_watch_listed(s.id));
}

static void vgem_pixels(void)
{
	struct shared s = share(true);
	void *map = vp_map_dumb(s.vgem, s.on_vgem, s.size), *on_gpu;

	vp_fill_synced(s.dmabuf, map, s.size, 1);
	on_gpu = vp_map(s.gpu[1], s.on_gpu[1], s.size, RW);
	igt_assert(vp_sees(s.dmabuf, on_gpu, s.size, 1));
	/* Not by the CPU alone: a device reads it, another one writes. */
	vp_assert_gpu_sees(s.gpu[0], s.on_gpu[0], s.size, 1);
	vp_gpu_fill(s.gpu[1], s.on_gpu[1], s.size, 2);
	igt_assert(vp_sees(s.dmabuf, map, s.size, 2));
	vp_assert_gpu_sees(s.gpu[0], s.on_gpu[0], s.size, 2);

	/* vgem's own hold is not needed. */
	vp_close(s.vgem, s.on_vgem);
	vp_assert_gpu_sees(s.gpu[0], s.on_gpu[0], s.size, 2);
	vp_unmap(map, s.size);
	vp_assert_gpu_sees(s.gpu[1], s.on_gpu[1], s.size, 2);
	vp_unmap(on_gpu, s.size);
	unshare(&s);
}

static void vprime_pixels(void)
{
	struct shared s = share(false);
	int again = vp_export(s.vgem, s.on_vgem);
	void *map = vp_map_dmabuf(again, s.size, RW);

	vp_gpu_fill(s.gpu[0], s.on_gpu[0], s.size, 1);
	igt_assert(vp_sees(again, map, s.size, 1));
	vp_fill_synced(again, map, s.size, 2);
	vp_assert_gpu_sees(s.gpu[1], s.on_gpu[1], s.size, 2);
	/* Only vgem has it now. */
	close(again);
	vp_unmap(map, s.size);
	close(s.dmabuf);
	vp_close(s.gpu[0], s.on_gpu[0]);
	vp_close(s.gpu[1], s.on_gpu[1]);
	igt_assert(vp_watch_listed(s.id));
	s.dmabuf = vp_export(s.vgem, s.on_vgem);
	map = vp_map_dmabuf(s.dmabuf, s.size, RW);
	igt_assert(vp_sees(s.dmabuf, map, s.size, 2));
	vp_unmap(map, s.size);
	unshare(&s);
}

/* Who may go on, and who not, while there is a fence of vgem's on it. */
static void vgem_fences(bool of_vgem)
{
	struct shared s = share(of_vgem);

	for (int write = 0; write < 2; write++) {
		uint32_t fence = vp_fence_attach(s.vgem, s.on_vgem, write);
		const struct vp_watch_buffer *buffer = vp_watch(s.id);

		for (int i = 0; i < 2; i++) {
			igt_assert_eq(vp_idle(s.gpu[i], s.on_gpu[i], false),
				      !write);
			igt_assert(!vp_idle(s.gpu[i], s.on_gpu[i], true));
		}
		igt_assert_eq(buffer->n_fence, 1);
		igt_assert(!strcmp(buffer->fence[0].driver, "vgem"));
		igt_assert(!strcmp(buffer->fence[0].timeline, "unbound"));
		igt_assert(!strcmp(buffer->fence[0].usage,
				   write ? "write" : "read"));
		vp_fence_signal(s.vgem, fence);
		for (int i = 0; i < 2; i++)
			igt_assert(vp_idle(s.gpu[i], s.on_gpu[i], true));
	}
	unshare(&s);
}

/* And the other way round; vgem says EBUSY where it would have to wait. */
static void vprime_fences(bool of_vgem)
{
	struct shared s = share(of_vgem);

	for (int write = 0; write < 2; write++) {
		uint32_t fence = vp_fence_attach(s.gpu[1], s.on_gpu[1], write);
		uint32_t own = 0;

		igt_assert_eq(vp_try_fence_attach(s.vgem, s.on_vgem, 0, 0,
						  &own), write ? -EBUSY : 0);
		igt_assert_eq(vp_try_fence_attach(s.vgem, s.on_vgem, 1, 0,
						  NULL), -EBUSY);
		igt_assert_eq(vp_poll(s.dmabuf, POLLOUT, 0), 0);
		if (own)
			vp_fence_signal(s.vgem, own);
		vp_fence_signal(s.gpu[1], fence);
		vp_fence_signal(s.vgem,
				vp_fence_attach(s.vgem, s.on_vgem, true));
	}
	unshare(&s);
}

static void gpu_waits_for_vgem(void)
{
	struct shared s = share(true);
	uint32_t fence = vp_fence_attach(s.vgem, s.on_vgem, true), word = 1;
	int sock[2];

	vp_socketpair(sock);
	igt_fork(child, 1) {
		/* A peek waits for who writes. */
		vp_tell(sock[1], 'b');
		vp_peek(s.gpu[0], s.on_gpu[0], 0, &word, sizeof(word));
		vp_tell(sock[1], 'd');
	}
	igt_assert_eq(vp_hear(sock[0]), 'b');
	usleep(200000);
	igt_assert(!(vp_poll(sock[0], POLLIN, 0) & POLLIN));
	vp_fence_signal(s.vgem, fence);
	igt_assert_eq(vp_hear(sock[0]), 'd');
	igt_waitchildren();
	close(sock[0]);
	close(sock[1]);
	unshare(&s);
}

static void fences_of_vgem_by_sync_file(void)
{
	struct shared s = share(true), t = share(false);
	uint32_t fence = vp_fence_attach(s.vgem, s.on_vgem, true), timeline;
	int sync = vp_dmabuf_get_sync(s.dmabuf, DMA_BUF_SYNC_RW);

	/* vgem's, put on another buffer; vprime's, put on vgem's. */
	vp_dmabuf_put_sync(t.dmabuf, sync, DMA_BUF_SYNC_WRITE);
	close(sync);
	igt_assert(!vp_idle(t.gpu[0], t.on_gpu[0], false));
	igt_assert_eq(vp_try_fence_attach(t.vgem, t.on_vgem, 0, 0, NULL),
		      -EBUSY);
	vp_fence_signal(s.vgem, fence);
	igt_assert(vp_idle(t.gpu[0], t.on_gpu[0], true));

	timeline = vp_timeline(t.gpu[0], "render");
	sync = vp_fence(t.gpu[0], timeline, NULL);
	vp_dmabuf_put_sync(s.dmabuf, sync, DMA_BUF_SYNC_READ);
	close(sync);
	igt_assert_eq(vp_try_fence_attach(s.vgem, s.on_vgem, 1, 0, NULL),
		      -EBUSY);
	vp_timeline_signal(t.gpu[0], timeline, 1);
	vp_fence_attach(s.vgem, s.on_vgem, true);
	unshare(&s);
	unshare(&t);
}

/* 40 readers of each: what counts is that none is forgotten. */
static void many_readers(bool of_vgem)
{
	enum { READERS = 40 };
	struct shared s = share(of_vgem);
	uint32_t fence[2][READERS];
	int sync;

	for (int i = 0; i < READERS; i++) {
		fence[0][i] = vp_fence_attach(s.vgem, s.on_vgem, false);
		fence[1][i] = vp_fence_attach(s.gpu[0], s.on_gpu[0], false);
	}
	sync = vp_dmabuf_get_sync(s.dmabuf, DMA_BUF_SYNC_WRITE);
	/* Forwards for one, backwards for the other. */
	for (int i = 0; i < READERS; i++) {
		igt_assert_eq(vp_poll(s.dmabuf, POLLIN | POLLOUT, 0), POLLIN);
		igt_assert_eq(vp_sync_state(sync), 0);
		vp_fence_signal(s.vgem, fence[0][i]);
		igt_assert_eq(vp_poll(s.dmabuf, POLLIN | POLLOUT, 0), POLLIN);
		igt_assert_eq(vp_sync_state(sync), 0);
		vp_fence_signal(s.gpu[0], fence[1][READERS - 1 - i]);
	}
	igt_assert_eq(vp_poll(s.dmabuf, POLLIN | POLLOUT, 0), POLLIN | POLLOUT);
	igt_assert_eq(vp_sync_state(sync), 1);
	close(sync);
	unshare(&s);
}

static void gpu_is_unplugged(void)
{
	struct shared s = share(false);
	int again = vp_export(s.vgem, s.on_vgem);
	void *map = vp_map_dmabuf(again, s.size, RW);
	uint32_t fence;

	vp_fill_synced(again, map, s.size, 1);
	/* A fence of the GPU that goes is no reason to wait any more. */
	vp_fence_attach(s.gpu[0], s.on_gpu[0], true);
	vp_unplug(0);
	igt_assert_eq(vp_poll(again, POLLIN, VP_PATIENCE_MS), POLLIN);
	igt_assert(vp_sees(again, map, s.size, 1));
	fence = vp_fence_attach(s.vgem, s.on_vgem, true);
	igt_assert(!vp_idle(s.gpu[1], s.on_gpu[1], false));
	vp_fence_signal(s.vgem, fence);
	vp_plug(0);
	vp_unmap(map, s.size);
	close(again);
	unshare(&s);
}

/* It is where the memory is that moves, and where it is taken away. */
static void moved_and_revoked(void)
{
	struct shared s = share(false);
	int again = vp_export(s.vgem, s.on_vgem);
	void *map = vp_map_dmabuf(again, s.size, RW);

	vp_fill_synced(again, map, s.size, 1);
	igt_assert_eq(vp_try_move(s.id), 0);
	igt_assert(vp_sees(again, map, s.size, 1));
	igt_assert_eq(vp_try_revoke(s.id), 0);
	igt_assert_eq(vp_touch(map, false), SIGBUS);
	vp_unmap(map, s.size);
	close(again);
	unshare(&s);
}

static void use_both(struct vp_race *race, int child)
{
	int vgem = vp_vgem_open(VP_PRIMARY), gpu = vp_open(child % 2);

	while (!race->stop) {
		bool of_vgem = race->rounds[child] % 2;
		int maker = of_vgem ? vgem : gpu, user = of_vgem ? gpu : vgem;
		uint32_t made = of_vgem ?
				vp_create_dumb(vgem, 64, 64, 32).handle :
				vp_create(gpu, 4 * VP_PAGE), imported, fence;
		int dmabuf = vp_export(maker, made), sync;

		imported = vp_import(user, dmabuf);
		fence = vp_fence_attach(user, imported, true);
		sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_RW);
		igt_assert_eq(vp_try_fence_attach(maker, made, 1, 0, NULL),
			      -EBUSY);
		if (race->rounds[child] % 3)
			vp_fence_signal(user, fence);
		vp_close(maker, made);
		close(dmabuf);
		vp_close(user, imported);
		close(sync);
		race->rounds[child]++;
	}
	close(vgem);
	close(gpu);
}

static void under_load(void)
{
	enum { CHILDREN = 4, ROUNDS = 200 };
	struct vp_race *race = vp_race_begin();

	igt_fork(child, CHILDREN)
		use_both(race, child);
	vp_race_wait(race, CHILDREN, ROUNDS);
	race->stop = true;
	igt_waitchildren();
	vp_race_end(race);
}

igt_main
{
	igt_describe("A buffer of vgem's is a foreign one on vprime, and a dma-buf once");
	vp_vgem_subtest("vgem-exports")
		strangers(true);

	igt_describe("A buffer of vprime's is vprime's on vgem, and a dma-buf once");
	vp_vgem_subtest("vprime-exports")
		strangers(false);

	igt_describe("GPUs read and write the pixels of vgem's buffer, also when vgem has let go");
	vp_vgem_subtest("vgem-pixels")
		vgem_pixels();

	igt_describe("What vgem imported has the pixels of the GPU, also when vprime has let go");
	vp_vgem_subtest("vprime-pixels")
		vprime_pixels();

	igt_describe("GPUs mind vgem's fences on its buffers");
	vp_vgem_subtest("vgem-fences-own")
		vgem_fences(true);

	igt_describe("GPUs mind vgem's fences on theirs");
	vp_vgem_subtest("vgem-fences-imported")
		vgem_fences(false);

	igt_describe("vgem minds fences of GPUs on their buffers");
	vp_vgem_subtest("vprime-fences-own")
		vprime_fences(false);

	igt_describe("vgem minds fences of GPUs on its own");
	vp_vgem_subtest("vprime-fences-imported")
		vprime_fences(true);

	igt_describe("A GPU that is to read waits until vgem has written");
	vp_vgem_subtest("gpu-waits-for-vgem")
		gpu_waits_for_vgem();

	igt_describe("Fences go from one driver's buffer to the other's as sync_files");
	vp_vgem_subtest("fences-by-sync-file")
		fences_of_vgem_by_sync_file();

	igt_describe("A buffer of vgem's with 80 readers of both is free when the last is done");
	vp_vgem_subtest("many-readers-of-vgem")
		many_readers(true);

	igt_describe("A buffer of vprime's with 80 readers of both is free when the last is done");
	vp_vgem_subtest("many-readers-of-vprime")
		many_readers(false);

	igt_describe("When the GPU goes its buffer and fences do no harm to vgem");
	vp_vgem_subtest("gpu-is-unplugged")
		gpu_is_unplugged();

	igt_describe("Memory that vgem has imported moves, and is taken away");
	vp_vgem_subtest("moved-and-revoked")
		moved_and_revoked();

	igt_describe("Processes make, share, fence and close buffers of both at once");
	vp_vgem_subtest("under-load")
		under_load();

	igt_fixture
		vp_vgem_end();
}
