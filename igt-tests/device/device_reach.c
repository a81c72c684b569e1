// SPDX-License-Identifier: GPL-2.0-only
/*
 * How far a GPU's addresses reach, and how long its segments are: pages are put
 * where all who map them reach them, what another driver puts elsewhere is
 * bounced or refused, and exporters are told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_foreign.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("GPUs of different reach, made with configfs");

#define GPU		"some"
#define MAX_SEGMENT	4294963200ull	/* what whole pages are in 32 bits */
#define SIZE		(4 * VP_PAGE)
#define RW		(PROT_READ | PROT_WRITE)

/*
 * Every GPU makes a buffer, every GPU writes it, and over the makers each pair
 * of writer and reader meets. Between GPUs what was written is always seen.
 */
static void everybody(void)
{
	enum { GPUS = 8 };
	const size_t size = 4 * VP_MIB;
	uint32_t *pixels = malloc(size);
	char name[16], settings[80];
	int gpu[GPUS];

	igt_assert(pixels);
	for (unsigned int i = 0; i < GPUS; i++) {
		snprintf(name, sizeof(name), "gpu%u", i);
		snprintf(settings, sizeof(settings),
			 "dma_bits=%u max_segment=%llu coherent=%u",
			 i & 1 ? 32 : 64, i & 2 ? VP_PAGE : MAX_SEGMENT,
			 i & 4 ? 0 : 1);
		gpu[i] = vp_config_open(name, settings);
		igt_assert_eq(vp_param(gpu[i], DRM_VPRIME_PARAM_DMA_BITS),
			      i & 1 ? 32 : 64);
		igt_assert_eq(vp_param(gpu[i], DRM_VPRIME_PARAM_MAX_SEGMENT),
			      i & 2 ? VP_PAGE : MAX_SEGMENT);
		igt_assert_eq(vp_param(gpu[i], DRM_VPRIME_PARAM_COHERENT),
			      i & 4 ? 0 : 1);
	}

	for (unsigned int maker = 0; maker < GPUS; maker++) {
		uint32_t own = vp_create(gpu[maker], size), handle[GPUS];
		int dmabuf = vp_export(gpu[maker], own);

		for (unsigned int i = 0; i < GPUS; i++)
			handle[i] = vp_import(gpu[i], dmabuf);
		for (unsigned int writer = 0; writer < GPUS; writer++) {
			unsigned int reader = (writer + maker) % GPUS;
			uint32_t seed = 1 + maker * GPUS + writer;

			vp_fill(pixels, size, seed);
			vp_poke(gpu[writer], handle[writer], 0, pixels, size);
			memset(pixels, 0, size);
			vp_peek(gpu[reader], handle[reader], 0, pixels, size);
			vp_assert_pattern(pixels, size, seed);
		}
		close(dmabuf);
		for (unsigned int i = 0; i < GPUS; i++)
			vp_close(gpu[i], handle[i]);
	}

	for (unsigned int i = 0; i < GPUS; i++) {
		close(gpu[i]);
		snprintf(name, sizeof(name), "gpu%u", i);
		vp_config_remove(name);
	}
	free(pixels);
}

#define FAR_SIZE	(64 * VP_MIB)
/* In every one of so many bytes it is looked where a buffer is. */
#define FAR_STEP	(64 * VP_KIB)
#define FAR_STEPS	((unsigned int)(FAR_SIZE / FAR_STEP))

/* How many of those are beyond 4 GiB. Another driver's importer tells. */
static unsigned int count_far(int dmabuf)
{
	int foreign = vp_foreign_open_fresh();
	uint32_t id = vp_foreign_attach(foreign, dmabuf, 0);
	unsigned int far = 0;

	igt_assert_eq(vp_foreign_try_map(foreign, id, VP_FOREIGN_TO_DEVICE), 0);
	for (size_t at = 0; at < FAR_SIZE; at += FAR_STEP)
		far += vp_foreign_address(foreign, id, at) >> 32 != 0;
	close(foreign);
	return far;
}

static void assert_far(int dmabuf)
{
	igt_assert_eq(count_far(dmabuf), FAR_STEPS);
}

static void assert_near(int dmabuf)
{
	igt_assert_eq(count_far(dmabuf), 0);
}

/* A buffer of GPU 0 that 32 bits do not reach. */
static uint32_t far_buffer(int gpu, void **map, int *dmabuf)
{
	uint32_t handle = vp_create(gpu, FAR_SIZE);

	vp_drop_file_pages();
	*dmabuf = vp_export(gpu, handle);
	*map = vp_map(gpu, handle, FAR_SIZE, RW);
	vp_fill_sparse(*map, FAR_SIZE, 1);
	igt_require_f(count_far(*dmabuf) == FAR_STEPS,
		      "the kernel gave no memory above 4 GiB\n");
	return handle;
}

static void let_go(void *map, int dmabuf, int near, int far)
{
	vp_unmap(map, FAR_SIZE);
	close(dmabuf);
	close(near);
	close(far);
	vp_config_remove(GPU);
}

/* Skips where there is no such memory at all. */
static void require_far_memory(void)
{
	int gpu = vp_open(0), dmabuf;
	void *map;

	far_buffer(gpu, &map, &dmabuf);
	vp_unmap(map, FAR_SIZE);
	close(dmabuf);
	close(gpu);
}

static void assert_peek(int gpu, uint32_t handle, uint32_t seed)
{
	void *pixels = calloc(1, FAR_SIZE);

	igt_assert(pixels);
	vp_peek(gpu, handle, 0, pixels, FAR_SIZE);
	vp_assert_pattern_sparse(pixels, FAR_SIZE, seed);
	free(pixels);
}

static void dma_bits_moves(void)
{
	int far = vp_open(0), near, dmabuf;
	uint32_t far_handle, near_handle;
	void *map, *pixels;
	char byte;

	far_handle = far_buffer(far, &map, &dmabuf);
	/* The far GPU has it mapped too, and has to follow. */
	vp_peek(far, far_handle, 0, &byte, 1);
	near = vp_config_open(GPU, "dma_bits=32");
	near_handle = vp_import(near, dmabuf);
	/* To have it is not to map it. */
	assert_far(dmabuf);
	vp_peek(near, near_handle, 1, &byte, 1);
	assert_near(dmabuf);
	vp_assert_pattern_sparse(map, FAR_SIZE, 1);
	assert_peek(near, near_handle, 1);
	assert_peek(far, far_handle, 1);

	pixels = malloc(FAR_SIZE);
	igt_assert(pixels);
	vp_fill_sparse(pixels, FAR_SIZE, 2);
	vp_poke(near, near_handle, 0, pixels, FAR_SIZE);
	free(pixels);
	vp_assert_pattern_sparse(map, FAR_SIZE, 2);
	assert_peek(far, far_handle, 2);
	assert_near(dmabuf);

	let_go(map, dmabuf, near, far);
}

/* One that the near GPU made itself, and that the CPU touched first. */
static void dma_bits_own(void)
{
	int near, dmabuf;
	uint32_t handle;
	void *map;

	require_far_memory();
	near = vp_config_open(GPU, "dma_bits=32");
	handle = vp_create(near, FAR_SIZE);
	dmabuf = vp_export(near, handle);
	map = vp_map(near, handle, FAR_SIZE, RW);
	vp_fill_sparse(map, FAR_SIZE, 3);
	assert_peek(near, handle, 3);
	assert_near(dmabuf);
	vp_assert_pattern_sparse(map, FAR_SIZE, 3);
	vp_unmap(map, FAR_SIZE);
	close(dmabuf);
	close(near);
	vp_config_remove(GPU);
}

/*
 * A buffer of a GPU that reaches everything, which lies below 4 GiB because
 * there is nothing left above. What filled that is gone when this returns.
 */
static int near_by_chance(void)
{
	int filler = vp_open(0), dmabuf = -1;
	uint32_t handle;
	void *map;

	for (int i = 0; i < 64 && dmabuf < 0; i++) {
		handle = vp_create(filler, FAR_SIZE);
		map = vp_map(filler, handle, FAR_SIZE, RW);
		vp_fill_sparse(map, FAR_SIZE, 1);
		vp_unmap(map, FAR_SIZE);
		dmabuf = vp_export(filler, handle);
		/* The first of them may lie on both sides. */
		if (count_far(dmabuf)) {
			close(dmabuf);
			dmabuf = -1;
		}
	}
	close(filler);
	igt_require_f(dmabuf >= 0, "the kernel gave no memory below 4 GiB\n");
	return dmabuf;
}

/* What a GPU sees that does not snoop has to lie within its reach as well. */
static void dma_bits_shadow(void)
{
	int near, dmabuf;
	uint32_t handle;

	require_far_memory();
	dmabuf = near_by_chance();
	/* A closed file's memory may take a moment. */
	vp_await(vp_counts().buffers == 1);
	near = vp_config_open(GPU, "dma_bits=32 coherent=0");
	handle = vp_import(near, dmabuf);
	assert_peek(near, handle, 1);
	assert_near(dmabuf);

	close(dmabuf);
	close(near);
	vp_config_remove(GPU);
}

static void dma_bits_pinned(void)
{
	int far = vp_open(0), near, foreign, dmabuf;
	uint32_t far_handle, near_handle;
	char byte = 0;
	void *map;

	far_handle = far_buffer(far, &map, &dmabuf);
	foreign = vp_foreign_open();
	vp_foreign_hold(foreign, dmabuf);

	near = vp_config_open(GPU, "dma_bits=32");
	near_handle = vp_import(near, dmabuf);
	vp_assert_refused(vp_try_peek(near, near_handle, 0, &byte, 1), EBUSY);
	vp_assert_refused(vp_try_poke(near, near_handle, 0, &byte, 1), EBUSY);
	assert_far(dmabuf);
	vp_assert_pattern_sparse(map, FAR_SIZE, 1);
	assert_peek(far, far_handle, 1);

	/* It goes when nobody holds it where it is. */
	close(foreign);
	assert_peek(near, near_handle, 1);
	vp_assert_pattern_sparse(map, FAR_SIZE, 1);
	assert_near(dmabuf);

	let_go(map, dmabuf, near, far);
}

/*
 * Another driver's device of 32 bits pins a buffer, which has to be in its reach
 * from then on, as nothing can tell it of a move any more.
 */
static void dma_bits_pins(void)
{
	int far = vp_open(0), foreign, dmabuf;
	struct vp_foreign_state state;
	uint32_t handle, id;
	void *map;

	handle = far_buffer(far, &map, &dmabuf);
	foreign = vp_foreign_open_fresh();
	vp_foreign_set("dma_bits", 32);
	id = vp_foreign_attach(foreign, dmabuf, 0);
	igt_assert_eq(vp_foreign_try_pin(foreign, id), 0);
	state = vp_foreign_state(foreign, id);
	igt_assert_eq(vp_foreign_try_map(foreign, id, VP_FOREIGN_TO_DEVICE), 0);
	for (size_t at = 0; at < FAR_SIZE; at += FAR_STEP)
		igt_assert_eq(vp_foreign_address(foreign, id, at) >> 32, 0);
	igt_assert_eq(vp_foreign_state(foreign, id).told, state.told);
	vp_assert_pattern_sparse(map, FAR_SIZE, 1);
	assert_peek(far, handle, 1);
	close(foreign);
	assert_near(dmabuf);

	vp_unmap(map, FAR_SIZE);
	close(dmabuf);
	close(far);
}

/* It cannot, and cannot map either, where a third device holds the buffer. */
static void dma_bits_cannot_pin(void)
{
	int far = vp_open(0), holder, foreign, dmabuf, ret;
	uint32_t handle, id;
	void *map;

	handle = far_buffer(far, &map, &dmabuf);
	holder = vp_foreign_open_fresh();
	vp_foreign_hold(holder, dmabuf);
	foreign = vp_foreign_open();
	vp_foreign_set("dma_bits", 32);
	id = vp_foreign_attach(foreign, dmabuf, 0);
	vp_assert_refused(vp_foreign_try_pin(foreign, id), EBUSY);
	vp_assert_refused(vp_foreign_try_map(foreign, id, VP_FOREIGN_TO_DEVICE),
			  EBUSY);
	/* A static one, at attach or when it maps, as the kernel does. */
	ret = vp_foreign_try_attach(foreign, dmabuf, VP_FOREIGN_STATIC, &id);
	if (!ret)
		ret = vp_foreign_try_map(foreign, id, VP_FOREIGN_TO_DEVICE);
	igt_assert_eq(ret, -EBUSY);
	close(foreign);
	close(holder);
	assert_far(dmabuf);
	assert_peek(far, handle, 1);

	vp_unmap(map, FAR_SIZE);
	close(dmabuf);
	close(far);
}

/* Another driver's memory does not move: it is in reach, bounced, or EIO. */
static void dma_bits_foreign(void)
{
	/* vgem's entries may be longer, at which some kernels take offence. */
	int near = vp_config_open(GPU, vp_kernel_is_debug() ? "dma_bits=32" :
				       "dma_bits=32 max_segment=4096"), vgem;
	uint32_t *pixels, handle;
	struct vp_dumb dumb;
	int dmabuf, ret;
	void *map;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 1024, 256, 32);
	map = vp_map_dumb(vgem, dumb.handle, dumb.size);
	vp_fill(map, dumb.size, 1);
	dmabuf = vp_export(vgem, dumb.handle);
	pixels = calloc(1, dumb.size);
	igt_assert(pixels);
	/* 6.1 maps it at once. */
	ret = vp_try_import(near, dmabuf, &handle);
	if (!ret)
		ret = vp_try_peek(near, handle, 0, pixels, dumb.size);
	igt_info("peek: %s\n", strerror(-ret));
	igt_assert(ret == 0 || ret == -EIO);
	if (!ret) {
		vp_assert_pattern(pixels, dumb.size, 1);
		vp_fill(pixels, dumb.size, 2);
		vp_poke(near, handle, 0, pixels, dumb.size);
		vp_assert_pattern(map, dumb.size, 2);
		vp_fill(map, dumb.size, 3);
		vp_peek(near, handle, 0, pixels, dumb.size);
		vp_assert_pattern(pixels, dumb.size, 3);
	}

	free(pixels);
	vp_unmap(map, dumb.size);
	close(dmabuf);
	close(near);
	close(vgem);
	vp_config_remove(GPU);
	vp_unload_foreign("vgem");
}

/* Who exports to a GPU is told what that can take. */
static void told(void)
{
	static const struct {
		const char *settings;
		uint64_t mask, segment;
	} gpus[] = {
		{ "", ~0ull, MAX_SEGMENT },
		{ "dma_bits=32", 0xffffffff, MAX_SEGMENT },
		{ "dma_bits=40 max_segment=8192", (1ull << 40) - 1, 8192 },
		{ "max_segment=4096 coherent=0", ~0ull, 4096 },
	};
	int foreign = vp_foreign_open_fresh(), gpu;
	int dmabuf = vp_foreign_export(foreign, SIZE, 0);
	struct vp_foreign_buffer there;

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(gpus); i++) {
		gpu = vp_config_open(GPU, gpus[i].settings);
		vp_import(gpu, dmabuf);
		there = vp_foreign_buffer(foreign, dmabuf);
		igt_assert_eq(there.dma_mask, gpus[i].mask);
		igt_assert_eq(there.max_segment, gpus[i].segment);
		close(gpu);
		vp_config_remove(GPU);
	}
	close(dmabuf);
	close(foreign);
}

/*
 * Memory of another driver's that 32 bits do not reach, and that its exporter
 * does not sync: the kernel bounces it. Whatever is in between, the pixels are
 * everybody's.
 */
static void dma_bits_bounced(void)
{
	int foreign = vp_foreign_open_fresh(), far = vp_open(0);
	int near = vp_config_open(GPU, "dma_bits=32"), dmabuf, ret;
	uint32_t far_handle, near_handle, id, pixels[SIZE / 4], word = 7;
	void *map;

	dmabuf = vp_foreign_export(foreign, SIZE, VP_FOREIGN_DYNAMIC);
	id = vp_foreign_attach(foreign, dmabuf, 0);
	igt_assert_eq(vp_foreign_try_map(foreign, id, VP_FOREIGN_TO_DEVICE), 0);
	igt_require_f(vp_foreign_address(foreign, id, 0) >> 32,
		      "the kernel gave no memory above 4 GiB\n");
	vp_foreign_detach(foreign, id);
	map = vp_map_dmabuf(dmabuf, SIZE, RW);
	far_handle = vp_import(far, dmabuf);
	near_handle = vp_import(near, dmabuf);

	vp_fill(map, SIZE, 1);
	ret = vp_try_peek(near, near_handle, 0, pixels, SIZE);
	igt_require_f(!ret, "the kernel does not bounce: %s\n",
		      strerror(-ret));
	vp_assert_pattern(pixels, SIZE, 1);
	vp_fill(map, SIZE, 2);
	vp_peek(near, near_handle, 0, pixels, SIZE);
	vp_assert_pattern(pixels, SIZE, 2);
	vp_fill(pixels, SIZE, 3);
	vp_poke(near, near_handle, 0, pixels, SIZE);
	vp_assert_pattern(map, SIZE, 3);
	vp_peek(far, far_handle, 0, pixels, SIZE);
	vp_assert_pattern(pixels, SIZE, 3);
	vp_fill(pixels, SIZE, 4);
	vp_poke(far, far_handle, 0, pixels, SIZE);
	/* What lies beside a word that the near one writes stays as it is. */
	vp_poke(near, near_handle, VP_PAGE + 4, &word, sizeof(word));
	pixels[VP_PAGE / 4 + 1] = word;
	igt_assert_eq(memcmp(map, pixels, SIZE), 0);
	vp_peek(near, near_handle, 0, pixels, SIZE);
	igt_assert_eq(memcmp(map, pixels, SIZE), 0);
	/* Nor does the mapping's end bring an older state back. */
	vp_fill(map, SIZE, 5);
	vp_close(near, near_handle);
	vp_assert_pattern(map, SIZE, 5);

	vp_unmap(map, SIZE);
	close(dmabuf);
	close(near);
	close(far);
	close(foreign);
	vp_config_remove(GPU);
}

/* An exporter that does not care: what it hands out is refused. */
static void dma_bits_deaf(void)
{
	int foreign = vp_foreign_open_fresh(), far = vp_open(0);
	int near = vp_config_open(GPU, "dma_bits=32"), dmabuf;
	uint32_t far_handle, near_handle = 0, id, word = 7;
	struct vp_counts before;

	dmabuf = vp_foreign_export(foreign, SIZE,
				   VP_FOREIGN_DYNAMIC | VP_FOREIGN_DEAF);
	id = vp_foreign_attach(foreign, dmabuf, 0);
	igt_assert_eq(vp_foreign_try_map(foreign, id, VP_FOREIGN_TO_DEVICE), 0);
	igt_require_f(vp_foreign_address(foreign, id, 0) >> 32,
		      "the kernel gave no memory above 4 GiB\n");
	vp_foreign_detach(foreign, id);
	far_handle = vp_import(far, dmabuf);
	vp_poke(far, far_handle, 0, &word, sizeof(word));
	near_handle = vp_import(near, dmabuf);
	before = vp_counts();
	vp_assert_refused(vp_try_peek(near, near_handle, 0, &word,
				      sizeof(word)), EIO);
	vp_assert_refused(vp_try_poke(near, near_handle, 0, &word,
				      sizeof(word)), EIO);
	igt_assert_eq(vp_foreign_buffer(foreign, dmabuf).maps, 1);
	vp_assert_counts(&before);
	word = 0;
	vp_peek(far, far_handle, 0, &word, sizeof(word));
	igt_assert_eq(word, 7);

	close(dmabuf);
	close(near);
	close(far);
	close(foreign);
	vp_config_remove(GPU);
}

igt_main
{
	igt_describe("GPUs of all reaches, segments and coherencies see each other's pixels");
	vp_subtest("everybody")
		everybody();

	igt_describe("dma_bits=32: the pages of a buffer move below 4 GiB, its pixels with them");
	vp_subtest("dma-bits-moves")
		dma_bits_moves();

	igt_describe("dma_bits=32: so do the pages of the GPU's own buffers");
	vp_subtest("dma-bits-own")
		dma_bits_own();

	igt_describe("dma_bits=32, coherent=0: so does what such a GPU sees of pages that lie there by chance");
	vp_subtest("dma-bits-shadow")
		dma_bits_shadow();

	igt_describe("dma_bits=32: a buffer that another driver pins above 4 GiB is EBUSY");
	vp_subtest("dma-bits-pinned")
		dma_bits_pinned();

	igt_describe("A buffer that another driver's device of 32 bits pins moves below 4 GiB before that");
	vp_subtest("dma-bits-pins")
		dma_bits_pins();

	igt_describe("Such a device can neither pin nor map what a third has pinned above");
	vp_subtest("dma-bits-cannot-pin")
		dma_bits_cannot_pin();

	igt_describe("dma_bits=32: another driver's memory is read and written, or EIO");
	vp_subtest("dma-bits-foreign")
		dma_bits_foreign();

	igt_describe("dma_bits=32: what such a GPU writes to memory beyond its reach is there, as is what it reads");
	vp_subtest("dma-bits-bounced")
		dma_bits_bounced();

	igt_describe("dma_bits=32: addresses beyond, from a driver that does not listen, are EIO");
	vp_subtest("dma-bits-deaf")
		dma_bits_deaf();

	igt_describe("Another driver is told dma_bits and max_segment of the GPU that imports");
	vp_subtest("foreign-is-told")
		told();

	igt_fixture
		vp_foreign_unload();
}
