// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharing memory that programs allocate without any device: udmabuf, which
 * makes a dma-buf of a memfd's pages, and the system DMA heap.
 */
#define _GNU_SOURCE	/* memfd_create, F_ADD_SEALS */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include "vp_test.h"
#include "vp_v4l2.h"

IGT_TEST_DESCRIPTION("PRIME between vprime and memory from udmabuf and DMA heaps");

#define RW	(PROT_READ | PROT_WRITE)

#define UDMABUF_NODE	"/dev/udmabuf"
#define HEAP_NODE	"/dev/dma_heap/system"

/*
 * A picture of 32 bits a pixel that fills its buffer, which is as large as the
 * heap's middle size of chunks: it then has one DMA address.
 */
#define WIDTH	128
#define HEIGHT	128
#define SIZE	(WIDTH * HEIGHT * 4ull)

static int make_memfd(size_t size)
{
	int memfd = memfd_create("prime_heap", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	igt_assert_lte(0, memfd);
	igt_assert_eq(ftruncate(memfd, (off_t)size), 0);
	/* udmabuf asks for it: pages it has must not be cut off. */
	igt_assert_eq(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	return memfd;
}

static int udmabuf_of(int memfd, size_t size)
{
	struct udmabuf_create create = {
		.memfd = (uint32_t)memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};
	int node = open(UDMABUF_NODE, O_RDWR | O_CLOEXEC), dmabuf;

	igt_assert_lte(0, node);
	/* The descriptor is the return value, so no helper will do. */
	dmabuf = ioctl(node, UDMABUF_CREATE, &create);
	igt_assert_f(dmabuf >= 0, "udmabuf: %s\n", strerror(errno));
	/*
	 * It maps the pages for the direction of the first access, and syncs them
	 * for those of the others: that it is both keeps DMA debugging content.
	 */
	vp_sync_start(dmabuf, DMA_BUF_SYNC_RW);
	vp_sync_end(dmabuf, DMA_BUF_SYNC_RW);
	close(node);
	return dmabuf;
}

static int make_udmabuf(size_t size, void **own)
{
	int memfd = make_memfd(size), dmabuf = udmabuf_of(memfd, size);

	igt_assert_eq(vp_try_mmap(memfd, 0, size, RW, MAP_SHARED, own), 0);
	close(memfd);
	return dmabuf;
}

static int make_heap(size_t size, void **own)
{
	struct dma_heap_allocation_data allocation = {
		.len = size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap = open(HEAP_NODE, O_RDONLY | O_CLOEXEC), dmabuf;

	igt_assert_lte(0, heap);
	igt_assert_eq(vp_try_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &allocation), 0);
	close(heap);
	dmabuf = (int)allocation.fd;
	*own = vp_map_dmabuf(dmabuf, size, RW);
	return dmabuf;
}

static bool kernel_has_udmabuf(void)
{
	return access(UDMABUF_NODE, F_OK) == 0;
}

static bool kernel_has_system_heap(void)
{
	return access(HEAP_NODE, F_OK) == 0;
}

static void require_udmabuf(void)
{
	igt_require_f(kernel_has_udmabuf(), "there is no " UDMABUF_NODE "\n");
}

static void require_heap(void)
{
	igt_require_f(kernel_has_system_heap(), "there is no " HEAP_NODE "\n");
}

static const struct source {
	const char *name;
	void (*require)(void);
	const char *origin;	/* what its dma-bufs say of themselves */
	/* A dma-buf and its owner's mapping: the memfd's, or the dma-buf's. */
	int (*make)(size_t size, void **own);
	enum vp_vivid_allocator vivid;	/* the strictest that can use it */
} sources[] = {
	{ "udmabuf", require_udmabuf, "udmabuf", make_udmabuf,
	  VP_VIVID_VMALLOC },
	{ "system", require_heap, "system", make_heap, VP_VIVID_VMALLOC },
};

static void exports(const struct source *source)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf;
	struct drm_vprime_gem_info info;
	uint32_t handle0, handle1;
	void *own, *map0, *map1;

	source->require();
	dmabuf = source->make(SIZE, &own);
	vp_fill_synced(dmabuf, own, SIZE, 1);
	handle0 = vp_import(gpu0, dmabuf);
	handle1 = vp_import(gpu1, dmabuf);
	igt_assert_eq(vp_import(gpu0, dmabuf), handle0);
	map0 = vp_map(gpu0, handle0, SIZE, RW);
	map1 = vp_map(gpu1, handle1, SIZE, RW);
	igt_assert(vp_sees(dmabuf, map0, SIZE, 1));
	igt_assert(vp_sees(dmabuf, map1, SIZE, 1));
	vp_fill_synced(dmabuf, map0, SIZE, 2);
	igt_assert(vp_sees(dmabuf, own, SIZE, 2));
	igt_assert(vp_sees(dmabuf, map1, SIZE, 2));
	vp_fill_synced(dmabuf, map1, SIZE, 3);
	igt_assert(vp_sees(dmabuf, own, SIZE, 3));

	info = vp_info(gpu1, handle1);
	igt_assert_f(!strcmp(info.origin, source->origin), "origin %s\n",
		     info.origin);
	igt_assert_eq(info.size, SIZE);
	igt_assert_eq(info.attached_gpus, 3);
	igt_assert(info.flags & DRM_VPRIME_INFO_FOREIGN);

	vp_unmap(own, SIZE);
	vp_unmap(map0, SIZE);
	vp_unmap(map1, SIZE);
	close(dmabuf);
	close(gpu0);
	close(gpu1);
}

/* GPU 0, vgem and GPU 1 each give on what they imported. */
static void chain(const struct source *source)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), vgem, dmabuf, first, second;
	uint32_t handle1;
	void *own, *map;
	uint64_t id;

	source->require();
	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dmabuf = source->make(SIZE, &own);
	id = vp_dmabuf_id(dmabuf);
	vp_fill_synced(dmabuf, own, SIZE, 1);
	vp_unmap(own, SIZE);

	first = vp_export(gpu0, vp_import(gpu0, dmabuf));
	igt_assert_eq(vp_dmabuf_id(first), id);
	close(dmabuf);
	second = vp_export(vgem, vp_import(vgem, first));
	igt_assert_eq(vp_dmabuf_id(second), id);
	close(first);
	close(gpu0);
	handle1 = vp_import(gpu1, second);
	close(second);
	close(vgem);

	dmabuf = vp_export(gpu1, handle1);
	igt_assert_eq(vp_dmabuf_id(dmabuf), id);
	map = vp_map(gpu1, handle1, SIZE, PROT_READ);
	igt_assert(vp_sees(dmabuf, map, SIZE, 1));
	vp_unmap(map, SIZE);
	close(dmabuf);
	close(gpu1);
}

/* Program, heap and camera need not know of each other: all know vprime. */
static void to_vivid(const struct source *source)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf, again;
	struct vp_video output, capture;
	uint32_t handle0, handle1;
	void *own, *map, *map1;

	source->require();
	vp_load_vivid(source->vivid);
	output = vp_open_vivid_output(WIDTH, HEIGHT);
	capture = vp_open_vivid_capture(WIDTH, HEIGHT);
	vp_vivid_loop(&capture, true);
	vp_video_buffers(&output, V4L2_MEMORY_MMAP, 1);
	vp_video_buffers(&capture, V4L2_MEMORY_DMABUF, 1);
	map = vp_video_map(&output, 0);
	vp_fill(map, SIZE, 1);

	dmabuf = source->make(SIZE, &own);
	handle0 = vp_import(gpu0, dmabuf);
	again = vp_export(gpu0, handle0);
	handle1 = vp_import(gpu1, dmabuf);
	map1 = vp_map(gpu1, handle1, SIZE, PROT_READ);
	vp_video_queue(&output, 0);
	vp_video_queue_dmabuf(&capture, 0, again);
	vp_video_start(&output);
	vp_video_start(&capture);
	igt_assert_eq(vp_video_dequeue(&capture, V4L2_MEMORY_DMABUF), 0);
	igt_assert(vp_sees(dmabuf, map1, SIZE, 1));
	igt_assert(vp_sees(dmabuf, own, SIZE, 1));

	vp_vivid_loop(&capture, false);
	vp_unmap(map, SIZE);
	vp_unmap(map1, SIZE);
	vp_unmap(own, SIZE);
	close(again);
	close(dmabuf);
	close(output.fd);
	close(capture.fd);
	close(gpu0);
	close(gpu1);
}

/* The exporter lets go of everything; vprime's import must carry it alone. */
static void exporter_goes(const struct source *source)
{
	int gpu = vp_open(0), dmabuf, again;
	uint32_t handle;
	void *own, *map;
	uint64_t id;

	source->require();
	dmabuf = source->make(SIZE, &own);
	vp_fill_synced(dmabuf, own, SIZE, 1);
	id = vp_dmabuf_id(dmabuf);
	handle = vp_import(gpu, dmabuf);
	vp_unmap(own, SIZE);
	close(dmabuf);

	again = vp_export(gpu, handle);
	igt_assert_eq(vp_dmabuf_id(again), id);
	map = vp_map(gpu, handle, SIZE, RW);
	igt_assert(vp_sees(again, map, SIZE, 1));

	/* The mapping alone is enough. */
	close(again);
	vp_close(gpu, handle);
	close(gpu);
	vp_assert_pattern(map, SIZE, 1);
	vp_unmap(map, SIZE);
}

static int try_seal(int memfd, int seal)
{
	return fcntl(memfd, F_ADD_SEALS, seal) ? -errno : 0;
}

/*
 * Whoever seals a memfd against writing trusts that nobody can write any more.
 * vprime's import could: it must show, by the pages it holds, until it is gone.
 */
static void udmabuf_seals(void)
{
	int gpu = vp_open(0), memfd, dmabuf;
	uint32_t handle;
	void *map;

	require_udmabuf();
	memfd = make_memfd(SIZE);
	dmabuf = udmabuf_of(memfd, SIZE);
	handle = vp_import(gpu, dmabuf);
	close(dmabuf);
	igt_assert_eq(try_seal(memfd, F_SEAL_WRITE), -EBUSY);
	map = vp_map(gpu, handle, SIZE, RW);
	vp_close(gpu, handle);
	close(gpu);
	igt_assert_eq(try_seal(memfd, F_SEAL_WRITE), -EBUSY);
	vp_fill(map, SIZE, 1);
	vp_unmap(map, SIZE);
	igt_assert_eq(try_seal(memfd, F_SEAL_WRITE), 0);

	/* What was written by then is what has been sealed. */
	igt_assert_eq(vp_try_mmap(memfd, 0, SIZE, PROT_READ, MAP_PRIVATE, &map),
		      0);
	vp_assert_pattern(map, SIZE, 1);
	vp_unmap(map, SIZE);
	close(memfd);
}

static const struct {
	const char *name;
	const char *what;
	void (*run)(const struct source *source);
} scenarios[] = {
	{ "exports",
	  "Two GPUs import that memory; pixels go both ways",
	  exports },
	{ "chain",
	  "From that exporter through GPU 0, vgem and GPU 1 it stays the same dma-buf",
	  chain },
	{ "to-vivid",
	  "vivid captures into that memory by the file that vprime gave out for it",
	  to_vivid },
	{ "exporter-goes",
	  "An import keeps that memory when its exporter has let go of everything",
	  exporter_goes },
};

static void scenario_subtest(const struct source *source, size_t scenario)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", source->name,
		 scenarios[scenario].name);
	igt_describe(scenarios[scenario].what);
	vp_subtest(name)
		scenarios[scenario].run(source);
}

static void source_subtests(const struct source *source)
{
	for (size_t s = 0; s < VP_ARRAY_SIZE(scenarios); s++)
		scenario_subtest(source, s);
}

igt_main
{
	source_subtests(&sources[0]);

	igt_describe("A memfd cannot be sealed against writing while vprime has its udmabuf");
	vp_subtest("udmabuf-seals")
		udmabuf_seals();

	source_subtests(&sources[1]);

	igt_fixture {
		vp_unload_foreign("vivid");
		vp_unload_foreign("vgem");
	}
}
