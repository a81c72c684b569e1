// SPDX-License-Identifier: GPL-2.0-only
/*
 * A GPU goes: rmdir of its folder, with its buffers everywhere. Files of it
 * then answer ENODEV; the buffers live on with whoever else has them. GPUs that
 * are doing something just then are in device_unplug_busy.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vp_access.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Unplugging a GPU with buffers, mappings and files");

#define GPU	"going"
#define SIZE	(16 * VP_PAGE)
/* With huge pages and small ones. */
#define LARGE	(4 * VP_MIB + 5 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)

static void assert_gone(int gpu, uint32_t handle)
{
	igt_assert_eq(vp_try_info(gpu, handle, 0, NULL), -ENODEV);
	igt_assert_eq(vp_try_create(gpu, VP_PAGE, 0, NULL), -ENODEV);
}

static void exported(size_t size)
{
	int gpu = vp_config_open(GPU, ""), other = vp_open(0);
	uint32_t handle = vp_create_filled(gpu, size, 1);
	int dmabuf = vp_export(gpu, handle);
	struct drm_vprime_gem_info info;
	void *map;

	vp_config_remove(GPU);
	assert_gone(gpu, handle);
	vp_assert_shared(dmabuf, size, 1, 2);
	close(gpu);
	vp_assert_shared(dmabuf, size, 2, 3);
	info = vp_info(other, vp_import(other, dmabuf));
	igt_assert_eq(strcmp(info.origin, "vprime2"), 0);
	igt_assert_eq(info.attached_gpus, 1);
	map = vp_map_dmabuf(dmabuf, size, PROT_READ);
	vp_assert_pattern(map, size, 3);
	vp_unmap(map, size);
	close(dmabuf);
	close(other);
}

/* The importer goes; who made the buffer has it as before. */
static void imported(void)
{
	int gpu = vp_config_open(GPU, ""), exporter = vp_open(0), again;
	uint32_t handle = vp_create_filled(exporter, SIZE, 1), theirs;
	int dmabuf = vp_export(exporter, handle);
	void *map;

	theirs = vp_import(gpu, dmabuf);
	close(dmabuf);
	map = vp_map(gpu, theirs, SIZE, RW);
	vp_config_remove(GPU);
	assert_gone(gpu, theirs);
	vp_assert_pattern(map, SIZE, 1);
	vp_fill(map, SIZE, 2);
	vp_unmap(map, SIZE);
	close(gpu);
	igt_assert_eq(vp_info(exporter, handle).attached, 1);
	again = vp_export(exporter, handle);
	vp_assert_shared(again, SIZE, 2, 3);
	close(again);
	close(exporter);
}

/* Maker and importer both go, and a third one has it. */
static void both_gone(void)
{
	int maker = vp_config_open("maker", "");
	int importer = vp_config_open("importer", "dma_bits=32");
	uint32_t handle = vp_create_filled(maker, SIZE, 1);
	int dmabuf = vp_export(maker, handle), again;
	uint32_t theirs = vp_import(importer, dmabuf);

	close(dmabuf);
	again = vp_export(importer, theirs);
	vp_config_remove("maker");
	vp_config_remove("importer");
	assert_gone(maker, handle);
	assert_gone(importer, theirs);
	vp_assert_shared(again, SIZE, 1, 2);
	close(maker);
	close(importer);
	vp_assert_shared(again, SIZE, 2, 3);
	close(again);
}

/* Mappings live on, with pages that were touched before and that were not. */
static void mapped(bool through_fd)
{
	int gpu = vp_config_open(GPU, "");
	uint32_t handle = vp_create(gpu, LARGE);
	int dmabuf = vp_export(gpu, handle);
	char *map = through_fd ? vp_map_dmabuf(dmabuf, LARGE, RW) :
				 vp_map(gpu, handle, LARGE, RW);
	void *fresh = NULL;

	vp_fill(map, SIZE, 1);
	vp_config_remove(GPU);
	vp_assert_pattern(map, SIZE, 1);
	igt_assert_eq(vp_touch(map + SIZE, true), 0);
	igt_assert_eq(vp_touch(map + 2 * VP_MIB, true), 0);
	igt_assert_eq(vp_touch(map + LARGE - 1, true), 0);
	vp_fill(map, LARGE, 2);
	vp_assert_pattern(map, LARGE, 2);
	/* The dma-buf can be mapped anew; the GPU's file has nothing to map. */
	igt_assert_eq(vp_try_mmap(dmabuf, 0, LARGE, RW, MAP_SHARED, &fresh), 0);
	vp_assert_pattern(fresh, LARGE, 2);
	igt_assert_eq(vp_try_mmap(gpu, 1ull << 32, VP_PAGE, RW, MAP_SHARED,
				  NULL), -ENODEV);
	vp_unmap(fresh, LARGE);
	close(dmabuf);
	close(gpu);
	/* The mapping is all that is left. */
	vp_assert_pattern(map, LARGE, 2);
	vp_unmap(map, LARGE);
}

/* The GPU's DMA mapping goes when the GPU does, and not with its file. */
static void dma_mapped(const char *settings)
{
	struct vp_counts before = vp_counts(), now;
	long violations = vp_violations();
	int gpu = vp_config_open(GPU, settings), other = vp_open(0), dmabuf;
	uint32_t handle = vp_create_filled(gpu, SIZE, 1), theirs;
	uint32_t pixels[SIZE / 4];

	dmabuf = vp_export(gpu, handle);
	theirs = vp_import(other, dmabuf);
	vp_peek(gpu, handle, 0, pixels, SIZE);
	vp_assert_pattern(pixels, SIZE, 1);
	vp_fill(pixels, SIZE, 2);
	vp_poke(gpu, handle, 0, pixels, SIZE);
	vp_peek(other, theirs, 0, pixels, SIZE);
	igt_assert_eq(vp_counts().mappings, before.mappings + 2);

	vp_config_remove(GPU);
	now = vp_counts();
	igt_assert_eq(now.mappings, before.mappings + 1);
	igt_assert_eq(now.pins, before.pins);
	igt_assert_eq(vp_try_peek(gpu, handle, 0, pixels, SIZE), -ENODEV);
	igt_assert_eq(vp_try_poke(gpu, handle, 0, pixels, SIZE), -ENODEV);
	igt_assert_eq(vp_counts().mappings, before.mappings + 1);
	/* What it wrote last is there for all. */
	vp_peek(other, theirs, 0, pixels, SIZE);
	vp_assert_pattern(pixels, SIZE, 2);
	vp_assert_shared(dmabuf, SIZE, 2, 3);
	close(dmabuf);
	close(other);
	close(gpu);
	igt_assert_eq(vp_violations(), violations);
}

/* The same with memory of vgem's, which is then free to go. */
static void foreign_mapped(void)
{
	struct vp_counts before = vp_counts();
	int gpu = vp_config_open(GPU, ""), vgem, dmabuf;
	uint32_t handle, *pixels;
	struct vp_dumb dumb;
	void *map;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	map = vp_map_dumb(vgem, dumb.handle, dumb.size);
	vp_fill(map, dumb.size, 1);
	dmabuf = vp_export(vgem, dumb.handle);
	handle = vp_import(gpu, dmabuf);
	pixels = malloc(dumb.size);
	igt_assert(pixels);
	vp_peek(gpu, handle, 0, pixels, dumb.size);
	vp_assert_pattern(pixels, dumb.size, 1);
	igt_assert_eq(vp_counts().mappings, before.mappings + 1);

	vp_config_remove(GPU);
	igt_assert_eq(vp_counts().mappings, before.mappings);
	vp_assert_shared(dmabuf, dumb.size, 1, 2);
	vp_assert_pattern(map, dumb.size, 2);
	vp_unmap(map, dumb.size);
	close(dmabuf);
	close(vgem);
	close(gpu);
	free(pixels);
	vp_unload_foreign("vgem");
}

/* Another driver has it pinned when the GPU that made it goes. */
static void foreign_importer(void)
{
	int gpu = vp_config_open(GPU, ""), vgem, dmabuf, again;
	uint32_t handle = vp_create_filled(gpu, SIZE, 1), theirs;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dmabuf = vp_export(gpu, handle);
	theirs = vp_import(vgem, dmabuf);
	close(dmabuf);
	vp_config_remove(GPU);
	close(gpu);
	again = vp_export(vgem, theirs);
	vp_assert_shared(again, SIZE, 1, 2);
	close(vgem);
	vp_assert_shared(again, SIZE, 2, 3);
	close(again);
	vp_unload_foreign("vgem");
}

enum left {
	LEFT_NOTHING,
	LEFT_MAPPING,
	LEFT_FD,
	LEFT_IMPORT,
};

/* Its handles go with its file; what is left then keeps the buffer. */
static void last_handle(enum left left, bool mapped_for_dma)
{
	struct vp_counts before = vp_counts(), now;
	int gpu = vp_config_open(GPU, ""), other = vp_open(0), dmabuf = -1;
	uint32_t handle = vp_create_filled(gpu, SIZE, 1);
	void *map = NULL;
	char byte;

	if (mapped_for_dma)
		vp_peek(gpu, handle, 0, &byte, 1);
	if (left == LEFT_MAPPING)
		map = vp_map(gpu, handle, SIZE, RW);
	if (left == LEFT_FD || left == LEFT_IMPORT)
		dmabuf = vp_export(gpu, handle);
	if (left == LEFT_IMPORT) {
		vp_import(other, dmabuf);
		close(dmabuf);
	}

	vp_config_remove(GPU);
	igt_assert_eq(vp_try_close(gpu, handle), -ENODEV);
	now = vp_counts();
	igt_assert_eq(now.buffers, before.buffers + 1);
	igt_assert_lt(before.views, now.views);
	close(gpu);
	now = vp_counts();
	igt_assert_eq(now.buffers, before.buffers + (left != LEFT_NOTHING));
	igt_assert_eq(now.mappings, before.mappings);

	if (left == LEFT_MAPPING) {
		vp_assert_pattern(map, SIZE, 1);
		vp_unmap(map, SIZE);
	}
	if (left == LEFT_FD) {
		vp_assert_shared(dmabuf, SIZE, 1, 2);
		close(dmabuf);
	}
	close(other);
	vp_assert_counts(&before);
}

static void nodes_gone(void)
{
	unsigned int index = vp_config_plug(GPU, "");
	char path[2][300];
	int gpu = vp_open(index), fd;

	igt_assert_eq(vp_node_path(index, VP_PRIMARY, path[0], 300), 0);
	igt_assert_eq(vp_node_path(index, VP_RENDER, path[1], 300), 0);
	/* With a file open, and with none. */
	for (int round = 0; round < 2; round++) {
		vp_config_remove(GPU);
		for (int i = 0; i < 2; i++) {
			fd = open(path[i], O_RDWR | O_CLOEXEC);
			igt_assert_eq(fd, -1);
			igt_assert(errno == ENOENT || errno == ENODEV ||
				   errno == ENXIO);
		}
		igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);
		if (!round) {
			close(gpu);
			igt_assert_eq(vp_config_plug(GPU, ""), index);
		}
	}
}

/* A file of a GPU that is gone can be looked at in every way. */
static void file_left(enum vp_node node)
{
	int gpu = vp_open_node(vp_config_plug(GPU, ""), node);
	uint32_t handle = vp_create_filled(gpu, SIZE, 1);
	struct pollfd events = { .fd = gpu, .events = POLLIN | POLLOUT };
	char path[40], text[4096];
	uint64_t value;
	int fdinfo;

	vp_config_remove(GPU);
	assert_gone(gpu, handle);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", gpu);
	fdinfo = open(path, O_RDONLY | O_CLOEXEC);
	igt_assert_lte(0, fdinfo);
	igt_assert_lte(0, read(fdinfo, text, sizeof(text)));
	close(fdinfo);
	igt_assert_lte(0, poll(&events, 1, 0));
	fcntl(gpu, F_SETFL, O_NONBLOCK);
	igt_assert_eq(read(gpu, text, sizeof(text)), -1);
	igt_assert_neq(drmGetCap(gpu, DRM_CAP_PRIME, &value), 0);
	igt_assert(!drmGetVersion(gpu));
	close(dup(gpu));
	close(gpu);
}

static void other_process(void)
{
	unsigned int index = vp_config_plug(GPU, "");
	int sock[2];

	vp_socketpair(sock);
	igt_fork(child, 1) {
		int render = vp_open(index);
		int primary = vp_open_node(index, VP_PRIMARY);
		uint32_t handle = vp_create_filled(render, SIZE, 1);
		void *map = vp_map(render, handle, SIZE, RW);
		char byte;

		vp_create(primary, SIZE);
		vp_peek(render, handle, 0, &byte, 1);
		vp_tell(sock[1], 'r');
		igt_assert_eq(vp_hear(sock[1]), 'g');
		assert_gone(render, handle);
		assert_gone(primary, 1);
		igt_assert_eq(vp_try_peek(render, handle, 0, &byte, 1),
			      -ENODEV);
		vp_assert_pattern(map, SIZE, 1);
		vp_fill(map, SIZE, 2);
		vp_assert_pattern(map, SIZE, 2);
	}
	igt_assert_eq(vp_hear(sock[0]), 'r');
	/* It asks nobody for leave. */
	vp_config_remove(GPU);
	vp_tell(sock[0], 'g');
	igt_waitchildren();
	close(sock[0]);
	close(sock[1]);
}

/* A descriptor that is on its way when the GPU behind it goes. */
static void fd_passed(void)
{
	int sock[2], gpu, dmabuf, first, second;
	uint32_t handle;
	void *map;

	vp_socketpair(sock);
	igt_fork(child, 1) {
		uint32_t pixels[SIZE / 4];
		int other;

		igt_assert_eq(vp_hear(sock[1]), 'g');
		other = vp_open(1);
		first = vp_recv_fd(sock[1]);
		second = vp_recv_fd(sock[1]);
		igt_assert_eq(vp_dmabuf_id(first), vp_dmabuf_id(second));
		handle = vp_import(other, first);
		igt_assert_eq(vp_import(other, second), handle);
		igt_assert_eq(strcmp(vp_info(other, handle).origin, "vprime2"),
			      0);
		vp_peek(other, handle, 0, pixels, SIZE);
		vp_assert_pattern(pixels, SIZE, 1);
		vp_fill(pixels, SIZE, 2);
		vp_poke(other, handle, 0, pixels, SIZE);
		/* And back again, from the GPU that imported it. */
		vp_send_fd(sock[1], vp_export(other, handle));
	}
	gpu = vp_config_open(GPU, "");
	dmabuf = vp_export(gpu, vp_create_filled(gpu, SIZE, 1));
	/* One is sent before, one after. */
	vp_tell(sock[0], 'g');
	vp_send_fd(sock[0], dmabuf);
	vp_config_remove(GPU);
	close(gpu);
	vp_send_fd(sock[0], dmabuf);
	close(dmabuf);
	dmabuf = vp_recv_fd(sock[0]);
	igt_waitchildren();
	map = vp_map_dmabuf(dmabuf, SIZE, PROT_READ);
	vp_assert_pattern(map, SIZE, 2);
	vp_unmap(map, SIZE);
	vp_assert_shared(dmabuf, SIZE, 2, 3);
	close(dmabuf);
	close(sock[0]);
	close(sock[1]);
}

/* The GPU of that number is another one, with the old one still held open. */
static void comes_back(void)
{
	int old = vp_config_open(GPU, "coherent=0"), fresh, dmabuf;
	uint32_t handle = vp_create_filled(old, SIZE, 1), pixels[SIZE / 4];
	uint32_t again;

	dmabuf = vp_export(old, handle);
	vp_peek(old, handle, 0, pixels, SIZE);
	vp_config_remove(GPU);
	fresh = vp_config_open(GPU, "dma_bits=32");
	igt_assert_eq(vp_try_info(fresh, handle, 0, NULL), -ENOENT);
	again = vp_import(fresh, dmabuf);
	vp_peek(fresh, again, 0, pixels, SIZE);
	vp_assert_pattern(pixels, SIZE, 1);
	igt_assert_eq(vp_info(fresh, again).attached_gpus & 4, 4);
	close(old);
	igt_assert_eq(vp_info(fresh, again).attached_gpus, 4);
	igt_assert_eq(vp_info(fresh, again).attached, 1);
	vp_peek(fresh, again, 0, pixels, SIZE);
	vp_assert_pattern(pixels, SIZE, 1);
	vp_config_remove(GPU);
	assert_gone(fresh, again);
	vp_assert_shared(dmabuf, SIZE, 1, 2);
	close(fresh);
	close(dmabuf);
}

/* A syncobj is no GPU's: its descriptor works elsewhere. */
static void syncobj(void)
{
	int gpu = vp_config_open(GPU, ""), other = vp_open(0), fd;
	uint32_t handle;

	igt_assert_eq(drmSyncobjCreate(gpu, 0, &handle), 0);
	igt_assert_eq(drmSyncobjHandleToFD(gpu, handle, &fd), 0);
	vp_config_remove(GPU);
	igt_assert_neq(drmSyncobjSignal(gpu, &handle, 1), 0);
	igt_assert_eq(drmSyncobjFDToHandle(other, fd, &handle), 0);
	igt_assert_eq(drmSyncobjSignal(other, &handle, 1), 0);
	igt_assert_eq(drmSyncobjWait(other, &handle, 1, 0, 0, NULL), 0);
	close(fd);
	close(gpu);
	close(other);
}

igt_main
{
	igt_describe("A removed GPU's exports live on, on another GPU and in mappings");
	vp_subtest("exported")
		exported(SIZE);

	igt_describe("The same with huge pages");
	vp_subtest("exported-large")
		exported(LARGE);

	igt_describe("A removed importer lets go of the buffer; its mapping stays");
	vp_subtest("imported")
		imported();

	igt_describe("Maker and importer are removed, and a third GPU has the buffer");
	vp_subtest("both-gone")
		both_gone();

	igt_describe("Mappings of a removed GPU's file can be touched, old pages and new ones");
	vp_subtest("mapped")
		mapped(false);

	igt_describe("The same with mappings of the dma-buf");
	vp_subtest("mapped-fd")
		mapped(true);

	igt_describe("A removed GPU's DMA mapping goes with it; what it wrote stays");
	vp_subtest("dma-mapped") {
		dma_mapped("");
		dma_mapped("coherent=0 dma_bits=32 max_segment=4096");
	}

	igt_describe("The same with a buffer of vgem's, which can be unloaded then");
	vp_subtest("dma-mapped-foreign")
		foreign_mapped();

	igt_describe("vgem keeps and gives on a removed GPU's buffer");
	vp_subtest("foreign-importer")
		foreign_importer();

	igt_describe("Handles of a removed GPU go with its file, mapped for DMA or not");
	vp_subtest("last-handle") {
		last_handle(LEFT_NOTHING, false);
		last_handle(LEFT_NOTHING, true);
	}

	igt_describe("A mapping, a descriptor or an import keeps the buffer beyond the last handle");
	vp_subtest("last-handle-kept") {
		last_handle(LEFT_MAPPING, true);
		last_handle(LEFT_FD, true);
		last_handle(LEFT_IMPORT, true);
	}

	igt_describe("A removed GPU's nodes cannot be opened");
	vp_subtest("nodes-gone")
		nodes_gone();

	igt_describe("A file of a removed GPU can be read, polled, asked and closed");
	vp_subtest("file-left") {
		file_left(VP_RENDER);
		file_left(VP_PRIMARY);
	}

	igt_describe("rmdir does not wait for another process that has the GPU open");
	vp_subtest("other-process")
		other_process();

	igt_describe("Descriptors on their way to another process arrive after the GPU has gone");
	vp_subtest("fd-passed")
		fd_passed();

	igt_describe("A new GPU of the same number imports the old one's buffer");
	vp_subtest("comes-back")
		comes_back();

	igt_describe("A removed GPU's syncobj descriptor works on another GPU");
	vp_subtest("syncobj")
		syncobj();
}
