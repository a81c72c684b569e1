// SPDX-License-Identifier: GPL-2.0-only
/*
 * A buffer goes from one GPU to others through PRIME, and is the same buffer
 * everywhere.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "vp_test.h"

IGT_TEST_DESCRIPTION("Export and import between vprime GPUs");

#define SIZE	(8 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)
#define MAX_GPUS	64

/*
 * One GPU exports, all others import. Each writes in its turn, through its own
 * mapping; all must see what it wrote, at the right place.
 */
static void share_among(unsigned int gpus)
{
	int gpu[MAX_GPUS], dmabuf;
	uint32_t handle[MAX_GPUS];
	void *map[MAX_GPUS];

	vp_reload(gpus);
	for (unsigned int i = 0; i < gpus; i++) {
		gpu[i] = vp_open(i);
		igt_assert_eq(vp_param(gpu[i], DRM_VPRIME_PARAM_GPU_INDEX), i);
	}

	handle[0] = vp_create(gpu[0], SIZE);
	dmabuf = vp_export(gpu[0], handle[0]);
	for (unsigned int i = 1; i < gpus; i++)
		handle[i] = vp_import(gpu[i], dmabuf);
	close(dmabuf);
	for (unsigned int i = 0; i < gpus; i++)
		map[i] = vp_map(gpu[i], handle[i], SIZE, RW);

	for (unsigned int writer = 0; writer < gpus; writer++) {
		vp_fill(map[writer], SIZE, 100 + writer);
		/* All with few GPUs; with many, enough to meet each one. */
		for (unsigned int step = 1; step < gpus; step += 1 + gpus / 8)
			vp_assert_pattern(map[(writer + step) % gpus], SIZE,
					  100 + writer);
	}

	for (unsigned int i = 0; i < gpus; i++) {
		struct drm_vprime_gem_info info = vp_info(gpu[i], handle[i]);

		igt_assert_eq(info.size, SIZE);
		igt_assert_eq(info.attached, gpus);
		igt_assert_eq(info.attached_gpus, ~0ull >> (64 - gpus));
		igt_assert_eq(strcmp(info.origin, "vprime0"), 0);
	}

	for (unsigned int i = 0; i < gpus; i++) {
		vp_unmap(map[i], SIZE);
		close(gpu[i]);
	}
	vp_reload(VP_DEFAULT_GPUS);
}

/* From GPU to GPU, each importing what the one before it exported again. */
static void chain(void)
{
	enum { GPUS = 8 };
	int gpu = -1, dmabuf = -1;
	uint64_t first_id = 0;
	void *map;

	vp_reload(GPUS);
	for (unsigned int i = 0; i < GPUS; i++) {
		int next = vp_open(i), next_dmabuf;
		uint32_t handle;

		if (i == 0)
			handle = vp_create(next, SIZE);
		else
			handle = vp_import(next, dmabuf);
		map = vp_map(next, handle, SIZE, RW);
		if (i > 0)
			vp_assert_pattern(map, SIZE, i - 1);
		vp_fill(map, SIZE, i);
		vp_unmap(map, SIZE);

		next_dmabuf = vp_export(next, handle);
		if (i == 0)
			first_id = vp_dmabuf_id(next_dmabuf);
		igt_assert_eq(vp_dmabuf_id(next_dmabuf), first_id);

		/* The one before lets go of it altogether. */
		if (i > 0) {
			close(dmabuf);
			close(gpu);
		}
		gpu = next;
		dmabuf = next_dmabuf;
	}
	map = vp_map_dmabuf(dmabuf, SIZE, PROT_READ);
	vp_assert_pattern(map, SIZE, GPUS - 1);
	vp_unmap(map, SIZE);
	close(dmabuf);
	close(gpu);
	vp_reload(VP_DEFAULT_GPUS);
}

static void same_fd_same_handle(void)
{
	int exporter = vp_open(0), importer = vp_open(1);
	uint32_t first, second, own = vp_create(exporter, SIZE);
	int dmabuf = vp_export(exporter, own), again = vp_export(exporter, own);
	struct vp_counts before, after;

	first = vp_import(importer, dmabuf);
	before = vp_counts();
	second = vp_import(importer, dmabuf);
	after = vp_counts();
	igt_assert_eq(second, first);
	igt_assert_eq(memcmp(&before, &after, sizeof(before)), 0);
	/* Another descriptor of the same dma-buf is no other buffer. */
	igt_assert_neq(again, dmabuf);
	igt_assert_eq(vp_import(importer, again), first);

	/* One handle: closing it once is enough, and makes room for a new one. */
	vp_close(importer, first);
	igt_assert_neq(vp_try_info(importer, first, 0, NULL), 0);
	first = vp_import(importer, dmabuf);
	igt_assert_eq(vp_info(importer, first).size, SIZE);

	close(dmabuf);
	close(again);
	close(importer);
	close(exporter);
}

static void own_import(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	int dmabuf = vp_export(gpu, handle);
	struct drm_vprime_gem_info info;

	igt_assert_eq(vp_import(gpu, dmabuf), handle);
	info = vp_info(gpu, handle);
	igt_assert_eq(info.attached, 1);
	igt_assert_eq(info.attached_gpus, 1);
	igt_assert_eq(info.flags, DRM_VPRIME_INFO_EXPORTED);
	close(dmabuf);
	close(gpu);
}

/* After its handle is gone, an export comes home as the buffer it was. */
static void own_import_after_close(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	int dmabuf = vp_export(gpu, handle);
	void *map = vp_map(gpu, handle, SIZE, RW);

	vp_fill(map, SIZE, 1);
	vp_unmap(map, SIZE);
	vp_close(gpu, handle);
	handle = vp_import(gpu, dmabuf);
	igt_assert_eq(strcmp(vp_info(gpu, handle).origin, "vprime0"), 0);
	map = vp_map(gpu, handle, SIZE, RW);
	vp_assert_pattern(map, SIZE, 1);
	vp_unmap(map, SIZE);
	close(dmabuf);
	close(gpu);
}

static void second_file_of_same_gpu(void)
{
	int a = vp_open(0), b = vp_open(0);
	uint32_t handle_a = vp_create(a, SIZE), handle_b;
	int dmabuf = vp_export(a, handle_a);
	void *map_a = vp_map(a, handle_a, SIZE, RW), *map_b;
	struct drm_vprime_gem_info info;

	handle_b = vp_import(b, dmabuf);
	map_b = vp_map(b, handle_b, SIZE, RW);
	vp_fill(map_a, SIZE, 1);
	vp_assert_pattern(map_b, SIZE, 1);
	vp_fill(map_b, SIZE, 2);
	vp_assert_pattern(map_a, SIZE, 2);

	/* Two files, but one GPU: it has the buffer once. */
	info = vp_info(b, handle_b);
	igt_assert_eq(info.attached, 1);
	igt_assert_eq(info.attached_gpus, 1);
	igt_assert_eq(info.flags & DRM_VPRIME_INFO_IMPORTED, 0);

	vp_unmap(map_a, SIZE);
	vp_unmap(map_b, SIZE);
	close(dmabuf);
	close(a);
	close(b);
}

static void primary_and_render(void)
{
	int primary = vp_open_node(0, VP_PRIMARY), render = vp_open(1);
	struct vp_dumb dumb = vp_create_dumb(primary, 64, 64, 32);
	int dmabuf = vp_export(primary, dumb.handle);
	void *map = vp_map_dumb(primary, dumb.handle, dumb.size);
	void *map_render;

	vp_fill(map, dumb.size, 1);
	/* An imported buffer is as good a dumb buffer as one made here. */
	map_render = vp_map_dumb(render, vp_import(render, dmabuf), dumb.size);
	vp_assert_pattern(map_render, dumb.size, 1);
	vp_unmap(map, dumb.size);
	vp_unmap(map_render, dumb.size);
	close(dmabuf);
	close(primary);
	close(render);
}

static void reexport(void)
{
	int exporter = vp_open(0), importer = vp_open(1), third = vp_open(0);
	uint32_t handle = vp_create(exporter, SIZE);
	int dmabuf = vp_export(exporter, handle), again;
	uint64_t id = vp_dmabuf_id(dmabuf);
	uint32_t imported = vp_import(importer, dmabuf);

	again = vp_export(importer, imported);
	igt_assert_eq(vp_dmabuf_id(again), id);
	/* It leads home. */
	igt_assert_eq(vp_import(exporter, again), handle);
	close(again);

	/* Also when the exporter has gone and only the importer has it. */
	close(dmabuf);
	close(exporter);
	again = vp_export(importer, imported);
	igt_assert_eq(vp_dmabuf_id(again), id);
	igt_assert_eq(vp_info(third, vp_import(third, again)).attached_gpus,
		      3);
	close(again);
	close(third);
	close(importer);
}

static void two_buffers(void)
{
	int exporter = vp_open(0), importer = vp_open(1), dmabuf[2];
	uint32_t imported[2];
	void *map[2], *own[2];

	for (int i = 0; i < 2; i++) {
		uint32_t handle = vp_create(exporter, SIZE);

		dmabuf[i] = vp_export(exporter, handle);
		own[i] = vp_map(exporter, handle, SIZE, RW);
	}
	igt_assert_neq(vp_dmabuf_id(dmabuf[0]), vp_dmabuf_id(dmabuf[1]));
	for (int i = 0; i < 2; i++) {
		imported[i] = vp_import(importer, dmabuf[i]);
		map[i] = vp_map(importer, imported[i], SIZE, RW);
	}
	igt_assert_neq(imported[0], imported[1]);
	vp_fill(own[0], SIZE, 1);
	vp_fill(own[1], SIZE, 2);
	vp_assert_pattern(map[0], SIZE, 1);
	vp_assert_pattern(map[1], SIZE, 2);
	for (int i = 0; i < 2; i++) {
		vp_unmap(own[i], SIZE);
		vp_unmap(map[i], SIZE);
		close(dmabuf[i]);
	}
	close(importer);
	close(exporter);
}

static void info_across_gpus(void)
{
	int exporter = vp_open(0), importer = vp_open(1), dmabuf;
	uint32_t handle = vp_create(exporter, SIZE), imported;
	struct drm_vprime_gem_info info;

	igt_assert_eq(vp_info(exporter, handle).flags, 0);
	dmabuf = vp_export(exporter, handle);
	igt_assert_eq(vp_info(exporter, handle).flags,
		      DRM_VPRIME_INFO_EXPORTED);
	igt_assert_eq(vp_info(exporter, handle).attached_gpus, 1);

	imported = vp_import(importer, dmabuf);
	info = vp_info(importer, imported);
	igt_assert_eq(info.flags,
		      DRM_VPRIME_INFO_IMPORTED | DRM_VPRIME_INFO_EXPORTED);
	igt_assert_eq(info.attached_gpus, 3);
	igt_assert_eq(info.attached, 2);
	igt_assert_eq(info.size, SIZE);
	igt_assert_eq(strcmp(info.origin, "vprime0"), 0);
	info = vp_info(exporter, handle);
	igt_assert_eq(info.flags, DRM_VPRIME_INFO_EXPORTED);
	igt_assert_eq(info.attached_gpus, 3);

	/* The exporter lets go: it stays where it was allocated. */
	vp_close(exporter, handle);
	info = vp_info(importer, imported);
	igt_assert_eq(info.attached_gpus, 2);
	igt_assert_eq(info.attached, 1);
	igt_assert_eq(strcmp(info.origin, "vprime0"), 0);

	close(dmabuf);
	close(importer);
	close(exporter);
}

/* What a program finds by the dma-buf's descriptor alone. */
static void dmabuf_file(void)
{
	int gpu = vp_open(0);
	int dmabuf = vp_export(gpu, vp_create(gpu, SIZE));
	struct pollfd poll_fd = { .fd = dmabuf, .events = POLLIN | POLLOUT };
	static const uint64_t directions[] = {
		DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW,
	};

	igt_assert_eq(lseek(dmabuf, 0, SEEK_END), (off_t)SIZE);
	/* Nobody works on it, so it can be read and written. */
	igt_assert_eq(poll(&poll_fd, 1, 0), 1);
	igt_assert_eq(poll_fd.revents, POLLIN | POLLOUT);
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(directions); i++) {
		igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_START |
					  directions[i]), 0);
		igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_END |
					  directions[i]), 0);
	}
	close(dmabuf);
	close(gpu);
}

static bool seen_by_program(int fd)
{
	char command[64];

	snprintf(command, sizeof(command), "test -e /proc/self/fd/%d", fd);
	return system(command) == 0;
}

static void cloexec(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	int closed = vp_try_export(gpu, handle, DRM_CLOEXEC);
	int kept = vp_try_export(gpu, handle, 0);

	igt_assert_lte(0, closed);
	igt_assert_lte(0, kept);
	igt_assert_eq(fcntl(closed, F_GETFD), FD_CLOEXEC);
	igt_assert_eq(fcntl(kept, F_GETFD), 0);
	igt_assert(!seen_by_program(closed));
	igt_assert(seen_by_program(kept));
	close(closed);
	close(kept);
	close(gpu);
}

static void unplugged_exporter(void)
{
	int exporter = vp_open(0), importer = vp_open(1), dmabuf;
	uint32_t handle = vp_create(exporter, SIZE), imported;
	void *own = vp_map(exporter, handle, SIZE, RW), *map, *fresh;

	vp_fill(own, SIZE, 1);
	vp_unmap(own, SIZE);
	dmabuf = vp_export(exporter, handle);
	imported = vp_import(importer, dmabuf);
	map = vp_map(importer, imported, SIZE, RW);

	vp_unplug(0);
	vp_assert_pattern(map, SIZE, 1);
	vp_fill(map, SIZE, 2);
	close(exporter);

	/* A new mapping, a new handle and a new export work too. */
	fresh = vp_map(importer, imported, SIZE, RW);
	vp_assert_pattern(fresh, SIZE, 2);
	vp_close(importer, imported);
	imported = vp_import(importer, dmabuf);
	igt_assert_eq(strcmp(vp_info(importer, imported).origin, "vprime0"), 0);
	igt_assert_eq(vp_info(importer, imported).attached_gpus, 2);
	close(vp_export(importer, imported));

	/* And the GPU that comes back can have it. */
	vp_plug(0);
	exporter = vp_open(0);
	handle = vp_import(exporter, dmabuf);
	own = vp_map(exporter, handle, SIZE, RW);
	vp_assert_pattern(own, SIZE, 2);

	vp_unmap(own, SIZE);
	vp_unmap(fresh, SIZE);
	vp_unmap(map, SIZE);
	close(dmabuf);
	close(exporter);
	close(importer);
}

static void killed_exporter(void)
{
	int importer = vp_open(1), sock[2], dmabuf;
	void *map;

	vp_socketpair(sock);
	igt_fork(child, 1) {
		int exporter = vp_open(0);
		uint32_t handle = vp_create(exporter, SIZE);

		vp_fill(vp_map(exporter, handle, SIZE, RW), SIZE, 1);
		vp_send_fd(sock[1], vp_export(exporter, handle));
		pause();
	}
	dmabuf = vp_recv_fd(sock[0]);
	igt_kill_children(9);
	igt_assert_eq(__igt_waitchildren(), 128 + 9);

	map = vp_map(importer, vp_import(importer, dmabuf), SIZE, RW);
	vp_assert_pattern(map, SIZE, 1);
	vp_fill(map, SIZE, 2);
	vp_unmap(map, SIZE);
	map = vp_map_dmabuf(dmabuf, SIZE, PROT_READ);
	vp_assert_pattern(map, SIZE, 2);
	vp_unmap(map, SIZE);
	close(dmabuf);
	close(importer);
	close(sock[0]);
	close(sock[1]);
}

/* libdrm's list of devices, which Mesa and compositors choose from. */
static void device_list(void)
{
	drmDevicePtr devices[MAX_GPUS];
	char want[2][64];
	int n, found = 0;

	n = drmGetDevices2(0, devices, MAX_GPUS);
	igt_assert_lte(VP_DEFAULT_GPUS, n);
	for (unsigned int gpu = 0; gpu < VP_DEFAULT_GPUS; gpu++) {
		igt_assert_eq(vp_node_path(gpu, VP_PRIMARY, want[0], 64), 0);
		igt_assert_eq(vp_node_path(gpu, VP_RENDER, want[1], 64), 0);
		for (int i = 0; i < n; i++) {
			if (!(devices[i]->available_nodes &
			      1 << DRM_NODE_PRIMARY) ||
			    strcmp(devices[i]->nodes[DRM_NODE_PRIMARY],
				   want[0]))
				continue;
			igt_assert_eq(devices[i]->bustype, DRM_BUS_PLATFORM);
			igt_assert(devices[i]->available_nodes &
				   1 << DRM_NODE_RENDER);
			igt_assert_eq(strcmp(devices[i]->nodes[DRM_NODE_RENDER],
					     want[1]), 0);
			found++;
		}
	}
	/* Devices that libdrm thinks to be one would be missing here. */
	igt_assert_eq(found, VP_DEFAULT_GPUS);
	drmFreeDevices(devices, n);
}

igt_main
{
	igt_describe("Two GPUs share a buffer; both write, both see it");
	vp_subtest("two-gpus")
		share_among(2);

	igt_describe("Three GPUs share a buffer; all write, all see it");
	vp_subtest("three-gpus")
		share_among(3);

	igt_describe("64 GPUs share a buffer; all write, all see it");
	vp_subtest("sixty-four-gpus") {
		/* 6.1 has 64 primary nodes in all: no other driver has room. */
		vp_unload_foreign("vgem");
		vp_unload_foreign("virtio_gpu");
		share_among(64);
	}

	igt_describe("Through eight GPUs in a row, each one importing the last one's export");
	vp_subtest("chain")
		chain();

	igt_describe("The same dma-buf imported again gives the same handle, and makes nothing");
	vp_subtest("same-fd-same-handle")
		same_fd_same_handle();

	igt_describe("A GPU's own export imports as the handle it was made from");
	vp_subtest("own-import")
		own_import();

	igt_describe("The same after that handle was closed: the buffer is still this GPU's");
	vp_subtest("own-import-after-close")
		own_import_after_close();

	igt_describe("A second file of the same GPU gets a handle of the same buffer");
	vp_subtest("second-file-of-same-gpu")
		second_file_of_same_gpu();

	igt_describe("From one GPU's primary node to another's render node, as dumb buffers");
	vp_subtest("primary-and-render")
		primary_and_render();

	igt_describe("The importer's export is the exporter's dma-buf, with and without the exporter");
	vp_subtest("reexport")
		reexport();

	igt_describe("Two buffers shared the same way stay two");
	vp_subtest("two-buffers")
		two_buffers();

	igt_describe("GEM_INFO tells of the other GPU, the origin and the export");
	vp_subtest("info-across-gpus")
		info_across_gpus();

	igt_describe("A dma-buf has its size, is ready when idle, and takes CPU access marks");
	vp_subtest("dmabuf-file")
		dmabuf_file();

	igt_describe("DRM_CLOEXEC decides whether a started program sees the descriptor");
	vp_subtest("cloexec")
		cloexec();

	igt_describe("A buffer outlives the GPU that made it, which may come back to it");
	vp_subtest("unplugged-exporter")
		unplugged_exporter();

	igt_describe("A buffer outlives the process that made it");
	vp_subtest("killed-exporter")
		killed_exporter();

	igt_describe("libdrm lists each GPU as a platform device with both nodes");
	vp_subtest("device-list")
		device_list();
}
