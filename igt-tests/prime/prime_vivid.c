// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharing with a camera and a monitor: vivid, the virtual video device of the
 * distribution's kernel, whose buffers are videobuf2's like those of most video
 * drivers. It runs with either of its allocators: "vmalloc" reaches a dma-buf
 * through a kernel mapping and takes no place at it, "contig" attaches, maps it
 * for its device and asks that it have one DMA address.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_test.h"
#include "vp_v4l2.h"

IGT_TEST_DESCRIPTION("PRIME between vprime and a V4L2 device, both ways");

#define RW	(PROT_READ | PROT_WRITE)

/* Small, and 18.75 pages, so that the last page is not all picture. */
#define WIDTH	160
#define HEIGHT	120
#define SIZE	(WIDTH * HEIGHT * 4ull)
#define PAGES	((SIZE + VP_PAGE - 1) / VP_PAGE)

/* Two pictures. No two pages of the first are alike, so none is misplaced. */
#define SQUARES	"100% Color Squares"
#define RAMP	"Gray Ramp"

struct frame {
	char bytes[SIZE];
};

static const struct {
	const char *name;
	const char *origin;	/* what its exports say of themselves */
	bool attaches;
} allocators[] = {
	[VP_VIVID_VMALLOC] = { "vmalloc", "videobuf2_vmalloc", false },
	[VP_VIVID_CONTIG] = { "contig", "videobuf2_dma_contig", true },
};

/* One picture into buffer 0, which has been queued. */
static void capture_one(const struct vp_video *video, uint32_t memory)
{
	vp_video_start(video);
	igt_assert_eq(vp_video_dequeue(video, memory), 0);
	vp_video_stop(video);
}

/* What vivid makes of @pattern in a buffer of its own, seen by its own map. */
static void capture_frame(const struct vp_video *video, const char *pattern,
			  struct frame *frame)
{
	void *map;

	vp_vivid_pattern(video, pattern);
	vp_video_buffers(video, V4L2_MEMORY_MMAP, 1);
	map = vp_video_map(video, 0);
	vp_video_queue(video, 0);
	capture_one(video, V4L2_MEMORY_MMAP);
	memcpy(frame, map, sizeof(*frame));
	vp_unmap(map, SIZE);
	vp_video_buffers(video, V4L2_MEMORY_MMAP, 0);
}

static bool shows(int dmabuf, const void *map, const struct frame *frame)
{
	bool same;

	igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_START |
				  DMA_BUF_SYNC_READ), 0);
	same = !memcmp(map, frame, sizeof(*frame));
	igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_END |
				  DMA_BUF_SYNC_READ), 0);
	return same;
}

/*
 * A buffer that vivid with that allocator can use. One huge page has one
 * address; smaller pages have it by chance only.
 */
static size_t buffer_size(int gpu, enum vp_vivid_allocator allocator)
{
	if (!allocators[allocator].attaches)
		return PAGES * VP_PAGE;
	return vp_param(gpu, DRM_VPRIME_PARAM_HUGE_PAGE_SIZE);
}

static void exports(enum vp_vivid_allocator allocator)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf;
	struct drm_vprime_gem_info info;
	struct frame squares, ramp;
	uint32_t handle0, handle1;
	struct vp_video video;
	void *own, *map0, *map1;

	vp_load_vivid(allocator);
	video = vp_open_vivid_capture(WIDTH, HEIGHT);
	capture_frame(&video, SQUARES, &squares);
	capture_frame(&video, RAMP, &ramp);

	vp_video_buffers(&video, V4L2_MEMORY_MMAP, 1);
	own = vp_video_map(&video, 0);
	dmabuf = vp_video_export(&video, 0);
	handle0 = vp_import(gpu0, dmabuf);
	handle1 = vp_import(gpu1, dmabuf);
	igt_assert_eq(vp_import(gpu0, dmabuf), handle0);
	map0 = vp_map(gpu0, handle0, SIZE, RW);
	map1 = vp_map(gpu1, handle1, SIZE, RW);

	/* One picture after the other: the first could be a stale one. */
	vp_vivid_pattern(&video, SQUARES);
	vp_video_queue(&video, 0);
	capture_one(&video, V4L2_MEMORY_MMAP);
	igt_assert(shows(dmabuf, own, &squares));
	igt_assert(shows(dmabuf, map0, &squares));
	igt_assert(shows(dmabuf, map1, &squares));
	vp_vivid_pattern(&video, RAMP);
	vp_video_queue(&video, 0);
	capture_one(&video, V4L2_MEMORY_MMAP);
	igt_assert(shows(dmabuf, own, &ramp));
	igt_assert(shows(dmabuf, map0, &ramp));
	igt_assert(shows(dmabuf, map1, &ramp));

	vp_fill_synced(dmabuf, map0, SIZE, 1);
	igt_assert(vp_sees(dmabuf, own, SIZE, 1));
	igt_assert(vp_sees(dmabuf, map1, SIZE, 1));
	vp_fill_synced(dmabuf, map1, SIZE, 2);
	igt_assert(vp_sees(dmabuf, own, SIZE, 2));

	info = vp_info(gpu1, handle1);
	igt_assert_f(!strcmp(info.origin, allocators[allocator].origin),
		     "origin %s\n", info.origin);
	igt_assert_eq(info.size, PAGES * VP_PAGE);
	igt_assert_eq(info.attached_gpus, 3);
	igt_assert(info.flags & DRM_VPRIME_INFO_FOREIGN);

	vp_unmap(own, SIZE);
	vp_unmap(map0, SIZE);
	vp_unmap(map1, SIZE);
	close(dmabuf);
	close(video.fd);
	close(gpu0);
	close(gpu1);
}

/*
 * videobuf2 makes a new dma-buf whenever it is asked for one, so one of its
 * buffers is as many to all importers. Through vprime each stays what it is.
 */
static void reexport(enum vp_vivid_allocator allocator)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf, other, again;
	uint32_t handle0, handle1, handle_other;
	struct vp_video video;
	void *map, *map_other;

	vp_load_vivid(allocator);
	video = vp_open_vivid_capture(WIDTH, HEIGHT);
	vp_video_buffers(&video, V4L2_MEMORY_MMAP, 1);
	dmabuf = vp_video_export(&video, 0);
	other = vp_video_export(&video, 0);
	igt_assert_neq(vp_dmabuf_id(other), vp_dmabuf_id(dmabuf));

	handle0 = vp_import(gpu0, dmabuf);
	again = vp_export(gpu0, handle0);
	igt_assert_eq(vp_dmabuf_id(again), vp_dmabuf_id(dmabuf));
	handle1 = vp_import(gpu1, again);
	igt_assert_eq(vp_import(gpu1, dmabuf), handle1);
	igt_assert_eq(vp_info(gpu1, handle1).attached_gpus, 3);

	handle_other = vp_import(gpu0, other);
	igt_assert_neq(handle_other, handle0);
	igt_assert_eq(vp_info(gpu0, handle_other).attached_gpus, 1);
	map = vp_map(gpu1, handle1, SIZE, RW);
	map_other = vp_map(gpu0, handle_other, SIZE, PROT_READ);
	vp_fill_synced(dmabuf, map, SIZE, 1);
	igt_assert(vp_sees(other, map_other, SIZE, 1));

	vp_unmap(map, SIZE);
	vp_unmap(map_other, SIZE);
	close(again);
	close(other);
	close(dmabuf);
	close(video.fd);
	close(gpu0);
	close(gpu1);
}

/* The exporter lets go of everything; vprime's import must carry it alone. */
static void exporter_goes(enum vp_vivid_allocator allocator)
{
	int gpu = vp_open(0), dmabuf, again;
	struct frame squares;
	struct vp_video video;
	uint32_t handle;
	void *map;

	vp_load_vivid(allocator);
	video = vp_open_vivid_capture(WIDTH, HEIGHT);
	capture_frame(&video, SQUARES, &squares);
	vp_video_buffers(&video, V4L2_MEMORY_MMAP, 1);
	dmabuf = vp_video_export(&video, 0);
	handle = vp_import(gpu, dmabuf);
	vp_video_queue(&video, 0);
	capture_one(&video, V4L2_MEMORY_MMAP);
	close(dmabuf);
	vp_video_buffers(&video, V4L2_MEMORY_MMAP, 0);
	/* New buffers get other memory. */
	vp_video_buffers(&video, V4L2_MEMORY_MMAP, 1);
	close(video.fd);

	again = vp_export(gpu, handle);
	map = vp_map(gpu, handle, SIZE, RW);
	igt_assert(shows(again, map, &squares));

	/* The mapping alone is enough. */
	close(again);
	vp_close(gpu, handle);
	close(gpu);
	igt_assert_eq(memcmp(map, &squares, sizeof(squares)), 0);
	vp_unmap(map, SIZE);
}

static void imports(enum vp_vivid_allocator allocator)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf;
	size_t size = buffer_size(gpu0, allocator);
	uint32_t handle0 = vp_create(gpu0, size), handle1;
	struct vp_counts before, during;
	struct frame squares, ramp;
	struct vp_video video;
	void *map0, *map1;
	int places = allocators[allocator].attaches;

	vp_load_vivid(allocator);
	video = vp_open_vivid_capture(WIDTH, HEIGHT);
	capture_frame(&video, SQUARES, &squares);
	capture_frame(&video, RAMP, &ramp);
	map0 = vp_map(gpu0, handle0, size, RW);
	vp_fill(map0, size, 1);
	dmabuf = vp_export(gpu0, handle0);
	handle1 = vp_import(gpu1, dmabuf);
	map1 = vp_map(gpu1, handle1, size, RW);
	before = vp_counts();

	vp_video_buffers(&video, V4L2_MEMORY_DMABUF, 1);
	vp_vivid_pattern(&video, SQUARES);
	vp_video_queue_dmabuf(&video, 0, dmabuf);
	capture_one(&video, V4L2_MEMORY_DMABUF);
	igt_assert(shows(dmabuf, map0, &squares));
	igt_assert(shows(dmabuf, map1, &squares));
	/* Behind the picture nothing has been touched. */
	igt_assert_eq(vp_mismatch_at((char *)map0 + SIZE, SIZE, size - SIZE, 1),
		      VP_INTACT);

	/* The driver keeps its hold until it is told to give it up. */
	during = vp_counts();
	igt_assert_eq(during.vmaps, before.vmaps + 1);
	igt_assert_eq(during.attachments, before.attachments + places);
	igt_assert_eq(during.mappings, before.mappings + places);
	/* vivid cannot be told that memory moves, so it stays. */
	igt_assert_eq(during.pins, before.pins + places);
	igt_assert_eq(vp_info(gpu1, handle1).attached, 2 + places);

	vp_vivid_pattern(&video, RAMP);
	vp_video_queue_dmabuf(&video, 0, dmabuf);
	capture_one(&video, V4L2_MEMORY_DMABUF);
	igt_assert(shows(dmabuf, map0, &ramp));
	igt_assert(shows(dmabuf, map1, &ramp));
	vp_video_buffers(&video, V4L2_MEMORY_DMABUF, 0);
	vp_assert_counts(&before);

	vp_unmap(map0, size);
	vp_unmap(map1, size);
	close(dmabuf);
	close(video.fd);
	close(gpu0);
	close(gpu1);
}

/*
 * The CPU draws on GPU 0, and vivid puts that out. What it shows is captured in
 * two ways: into a buffer of its own, and into one of GPU 1, which ends a chain
 * of three devices.
 */
static void outputs(enum vp_vivid_allocator allocator)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), from, to;
	size_t size = buffer_size(gpu0, allocator);
	uint32_t handle0 = vp_create(gpu0, size);
	uint32_t handle1 = vp_create(gpu1, size);
	struct vp_video output, capture;
	void *own, *map0, *map1;

	vp_load_vivid(allocator);
	output = vp_open_vivid_output(WIDTH, HEIGHT);
	capture = vp_open_vivid_capture(WIDTH, HEIGHT);
	vp_vivid_loop(&capture, true);
	map0 = vp_map(gpu0, handle0, size, RW);
	map1 = vp_map(gpu1, handle1, size, RW);
	vp_fill(map0, size, 1);
	vp_fill(map1, size, 2);
	from = vp_export(gpu0, handle0);
	to = vp_export(gpu1, handle1);

	/* The last picture stays on while there is no other. */
	vp_video_buffers(&output, V4L2_MEMORY_DMABUF, 1);
	vp_video_queue_dmabuf(&output, 0, from);
	vp_video_start(&output);
	vp_video_buffers(&capture, V4L2_MEMORY_MMAP, 1);
	own = vp_video_map(&capture, 0);
	vp_video_queue(&capture, 0);
	capture_one(&capture, V4L2_MEMORY_MMAP);
	igt_debug("first pixel shown: %08x, given: %08x, next: %08x\n",
		  *(uint32_t *)own, *(uint32_t *)map0, *(uint32_t *)map1);
	vp_assert_pattern(own, SIZE, 1);
	vp_unmap(own, SIZE);
	vp_video_buffers(&capture, V4L2_MEMORY_MMAP, 0);

	vp_fill_synced(from, map0, size, 3);
	vp_video_buffers(&capture, V4L2_MEMORY_DMABUF, 1);
	vp_video_queue_dmabuf(&capture, 0, to);
	capture_one(&capture, V4L2_MEMORY_DMABUF);
	igt_assert(vp_sees(to, map1, SIZE, 3));
	igt_assert(vp_sees(from, map0, size, 3));
	/* Behind the picture nothing has been touched. */
	igt_assert_eq(vp_mismatch_at((char *)map1 + SIZE, SIZE, size - SIZE, 2),
		      VP_INTACT);
	vp_video_stop(&output);

	vp_vivid_loop(&capture, false);
	vp_unmap(map0, size);
	vp_unmap(map1, size);
	close(from);
	close(to);
	close(output.fd);
	close(capture.fd);
	close(gpu0);
	close(gpu1);
}

/* Two buffers are queued, and then nobody but vivid has handle or file. */
static void importer_alone(enum vp_vivid_allocator allocator)
{
	struct vp_counts before = vp_counts();
	int gpu = vp_open(0), seen, unseen;
	size_t size = buffer_size(gpu, allocator);
	struct frame squares;
	struct vp_video video;
	uint32_t handle;
	void *map;

	vp_load_vivid(allocator);
	video = vp_open_vivid_capture(WIDTH, HEIGHT);
	capture_frame(&video, SQUARES, &squares);
	handle = vp_create(gpu, size);
	seen = vp_export(gpu, handle);
	vp_close(gpu, handle);
	handle = vp_create(gpu, size);
	unseen = vp_export(gpu, handle);
	map = vp_map_dmabuf(seen, size, PROT_READ);
	vp_video_buffers(&video, V4L2_MEMORY_DMABUF, 2);
	vp_video_queue_dmabuf(&video, 0, unseen);
	vp_video_queue_dmabuf(&video, 1, seen);
	close(gpu);
	close(seen);
	close(unseen);

	vp_video_start(&video);
	igt_assert_eq(vp_video_dequeue(&video, V4L2_MEMORY_DMABUF), 0);
	igt_assert_eq(vp_video_dequeue(&video, V4L2_MEMORY_DMABUF), 1);
	vp_video_stop(&video);
	igt_assert_eq(memcmp(map, &squares, sizeof(squares)), 0);

	/* Not the end of the stream, but that of the queue, gives them back. */
	vp_unmap(map, size);
	igt_assert_eq(vp_counts().buffers, before.buffers + 2);
	igt_assert_eq(vp_counts().exports, before.exports + 2);
	igt_assert_eq(vp_counts().views, before.views);
	vp_video_buffers(&video, V4L2_MEMORY_DMABUF, 0);
	vp_assert_counts(&before);
	close(video.fd);
}

/* Nobody ends the stream: the file that the process had is all there was. */
static void closed_streaming(enum vp_vivid_allocator allocator)
{
	int gpu = vp_open(0), dmabuf;
	size_t size = buffer_size(gpu, allocator);
	uint32_t handle = vp_create(gpu, size);
	struct vp_counts before;
	struct vp_video video;

	vp_load_vivid(allocator);
	video = vp_open_vivid_capture(WIDTH, HEIGHT);
	dmabuf = vp_export(gpu, handle);
	vp_video_buffers(&video, V4L2_MEMORY_DMABUF, 1);
	before = vp_counts();
	vp_video_queue_dmabuf(&video, 0, dmabuf);
	/* That made the buffer's pages, and they are its own. */
	before.pages = vp_counts().pages;
	vp_video_start(&video);
	close(video.fd);
	vp_assert_counts(&before);

	close(dmabuf);
	close(gpu);
}

/* The GPU that the memory is of goes while vivid waits to write into it. */
static void import_unplugged(enum vp_vivid_allocator allocator)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf;
	size_t size = buffer_size(gpu0, allocator);
	uint32_t handle0 = vp_create(gpu0, size), handle1;
	struct frame squares;
	struct vp_video video;
	void *map;

	vp_load_vivid(allocator);
	video = vp_open_vivid_capture(WIDTH, HEIGHT);
	capture_frame(&video, SQUARES, &squares);
	dmabuf = vp_export(gpu0, handle0);
	handle1 = vp_import(gpu1, dmabuf);
	vp_video_buffers(&video, V4L2_MEMORY_DMABUF, 1);
	vp_video_queue_dmabuf(&video, 0, dmabuf);

	vp_unplug(0);
	close(gpu0);
	capture_one(&video, V4L2_MEMORY_DMABUF);
	map = vp_map(gpu1, handle1, size, PROT_READ);
	igt_assert(shows(dmabuf, map, &squares));
	vp_plug(0);

	vp_unmap(map, size);
	close(dmabuf);
	close(video.fd);
	close(gpu1);
}

/* vgem's buffer, known to vivid by the file that vprime gave out for it. */
static void chain(void)
{
	int vgem, gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf, again;
	struct frame squares;
	struct vp_video video;
	struct vp_dumb dumb;
	uint32_t handle1;
	void *own, *map1;

	vp_load_foreign("vgem");
	vp_load_vivid(VP_VIVID_VMALLOC);
	video = vp_open_vivid_capture(WIDTH, HEIGHT);
	capture_frame(&video, SQUARES, &squares);
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, WIDTH, HEIGHT, 32);
	igt_assert_eq(dumb.pitch, WIDTH * 4);
	own = vp_map_dumb(vgem, dumb.handle, dumb.size);
	dmabuf = vp_export(vgem, dumb.handle);
	again = vp_export(gpu0, vp_import(gpu0, dmabuf));
	igt_assert_eq(vp_dmabuf_id(again), vp_dmabuf_id(dmabuf));
	close(dmabuf);

	vp_video_buffers(&video, V4L2_MEMORY_DMABUF, 1);
	vp_video_queue_dmabuf(&video, 0, again);
	capture_one(&video, V4L2_MEMORY_DMABUF);
	handle1 = vp_import(gpu1, again);
	map1 = vp_map(gpu1, handle1, dumb.size, PROT_READ);
	igt_assert(shows(again, map1, &squares));
	igt_assert(shows(again, own, &squares));

	vp_unmap(own, dumb.size);
	vp_unmap(map1, dumb.size);
	close(again);
	close(video.fd);
	close(vgem);
	close(gpu0);
	close(gpu1);
}

static void refuses(enum vp_vivid_allocator allocator)
{
	int gpu = vp_open(0), dmabuf, small, null;
	size_t size = buffer_size(gpu, allocator);
	struct vp_video video;

	vp_load_vivid(allocator);
	video = vp_open_vivid_capture(WIDTH, HEIGHT);
	dmabuf = vp_export(gpu, vp_create(gpu, size));
	small = vp_export(gpu, vp_create(gpu, (PAGES - 1) * VP_PAGE));
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	vp_video_buffers(&video, V4L2_MEMORY_DMABUF, 1);

	vp_assert_refused(vp_try_video_queue_dmabuf(&video, 0, small), EINVAL);
	vp_assert_refused(vp_try_video_queue_dmabuf(&video, 0, null), EINVAL);
	vp_assert_refused(vp_try_video_queue_dmabuf(&video, 0, -1), EINVAL);
	/* What it imported it does not give on. */
	vp_video_queue_dmabuf(&video, 0, dmabuf);
	vp_assert_refused(vp_try_video_export(&video, 0), EINVAL);

	close(null);
	close(small);
	close(dmabuf);
	close(video.fd);
	close(gpu);
}

/*
 * Two buffers take turns at the kernel's free pages, so that neither has
 * neighbours of its own. They are made on a GPU that reaches no farther than
 * vivid, or they would be moved to where it does, and not be scattered any
 * more. The refusal comes when the buffer has been attached and mapped.
 */
static void contig_refuses_scattered(void)
{
	int gpu = vp_config_open("near", "dma_bits=32"), dmabuf;
	const size_t size = PAGES * VP_PAGE;
	uint32_t handle = vp_create(gpu, size), other = vp_create(gpu, size);
	volatile char *map = vp_map(gpu, handle, size, RW);
	volatile char *map_other = vp_map(gpu, other, size, RW);
	long violations = vp_violations();
	struct vp_video video;

	for (size_t offset = 0; offset < size; offset += VP_PAGE) {
		map[offset] = 1;
		map_other[offset] = 1;
	}
	vp_load_vivid(VP_VIVID_CONTIG);
	video = vp_open_vivid_capture(WIDTH, HEIGHT);
	vp_video_buffers(&video, V4L2_MEMORY_DMABUF, 1);
	dmabuf = vp_export(gpu, handle);
	vp_assert_refused(vp_try_video_queue_dmabuf(&video, 0, dmabuf), EFAULT);

	vp_unmap((void *)map, size);
	vp_unmap((void *)map_other, size);
	close(dmabuf);
	close(video.fd);
	close(gpu);
	vp_config_remove("near");
	igt_assert_eq(vp_violations(), violations);
}

static const struct {
	const char *name;
	const char *what;
	void (*run)(enum vp_vivid_allocator allocator);
} scenarios[] = {
	{ "exports",
	  "Two GPUs import vivid's buffer; what it captures is seen, pixels go both ways",
	  exports },
	{ "reexport",
	  "vprime's export of an import is vivid's own dma-buf; each export of vivid's is another",
	  reexport },
	{ "exporter-goes",
	  "An import keeps vivid's buffer when its queue and its file are gone",
	  exporter_goes },
	{ "imports",
	  "vivid captures into a vprime buffer, and two GPUs see the picture",
	  imports },
	{ "outputs",
	  "vivid puts out the buffer of one GPU and captures it into that of another",
	  outputs },
	{ "importer-alone",
	  "vivid captures into vprime buffers that nobody else has any more, then lets go of them",
	  importer_alone },
	{ "closed-streaming",
	  "A vprime buffer comes back when vivid's file is closed while it waits for a picture",
	  closed_streaming },
	{ "import-unplugged",
	  "vivid captures into a buffer whose GPU has been unplugged",
	  import_unplugged },
	{ "refuses",
	  "vivid refuses what is too small or no dma-buf, and to export an import, without a trace",
	  refuses },
};

/* None of it may be a breach of the contract, the releasing included. */
static void run_scenario(enum vp_vivid_allocator allocator, size_t scenario)
{
	long violations = vp_violations();

	scenarios[scenario].run(allocator);
	igt_assert_eq(vp_violations(), violations);
}

static void scenario_subtest(enum vp_vivid_allocator allocator,
			     size_t scenario)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", allocators[allocator].name,
		 scenarios[scenario].name);
	igt_describe(scenarios[scenario].what);
	vp_subtest(name)
		run_scenario(allocator, scenario);
}

static void allocator_subtests(enum vp_vivid_allocator allocator)
{
	for (size_t s = 0; s < VP_ARRAY_SIZE(scenarios); s++)
		scenario_subtest(allocator, s);
}

igt_main
{
	/* One allocator after the other: changing it is loading vivid anew. */
	allocator_subtests(VP_VIVID_VMALLOC);

	igt_describe("vivid captures into vgem's buffer by vprime's file for it, and two drivers see it");
	vp_subtest("vmalloc-chain")
		chain();

	allocator_subtests(VP_VIVID_CONTIG);

	igt_describe("With the contiguous allocator vivid refuses scattered pages without a trace");
	vp_subtest("contig-refuses-scattered")
		contig_refuses_scattered();

	igt_fixture {
		vp_unload_foreign("vivid");
		vp_unload_foreign("vgem");
	}
}
