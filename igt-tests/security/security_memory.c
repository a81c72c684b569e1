// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that a client gets has nothing in it of what it was used for before, by
 * whatever way it is first looked at: by the CPU, by a GPU of any kind, by another
 * driver, before and after a move, and at the end of what was asked for.
 *
 * Each subtest first fills as much memory as it will look at with a pattern, and
 * gives it back. A kernel that zeroes all memory that it hands out (init_on_alloc)
 * hides what is looked for: the debug kernel does not, and tools/vm/run turns it
 * off for the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_foreign.h"
#include "vp_nobody.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Memory is zero when a client gets it");

#define RW	(PROT_READ | PROT_WRITE)
#define ROUNDS	3
#define DIRT	(24 * VP_MIB)

static const size_t sizes[] = {
	VP_PAGE, 16 * VP_PAGE, VP_MIB + VP_PAGE, 2 * VP_MIB,
	6 * VP_MIB + VP_PAGE,
};

/* Memory that is free now, and was somebody's. */
static void leave_dirt(int odd)
{
	int gpus[2] = { vp_open(0), odd };
	size_t size[2] = { DIRT, DIRT / 8 };
	uint32_t handle;
	int dmabuf;
	void *dirt;

	for (int i = 0; i < 2; i++) {
		if (gpus[i] < 0)
			continue;
		handle = vp_create(gpus[i], size[i]);
		dmabuf = vp_export(gpus[i], handle);
		/* What the CPU sees; and memory, where that is not the same. */
		dirt = vp_map_dmabuf(dmabuf, size[i], RW);
		memset(dirt, 0xa5, size[i]);
		vp_peek(gpus[i], handle, size[i] - 1, &(char){ 0 }, 1);
		vp_unmap(dirt, size[i]);
		close(dmabuf);
		vp_close(gpus[i], handle);
	}
	close(gpus[0]);
}

/* Who looks first. */
enum view {
	BY_MAPPING,
	BY_DMABUF,
	BY_GPU,
	BY_OTHER_GPU,
	BY_LAST_BYTE,
	VIEWS,
};

static void assert_zero(const void *data, size_t size, const char *how)
{
	igt_assert_f(vp_all_zero(data, size), "not zero, %zu bytes %s\n", size,
		     how);
}

static void look(int gpu, uint32_t handle, size_t size, enum view view)
{
	void *map, *copy = malloc(size);
	int dmabuf, other;

	igt_assert(copy);
	memset(copy, 0x77, size);
	switch (view) {
	case BY_MAPPING:
		map = vp_map(gpu, handle, size, PROT_READ);
		assert_zero(map, size, "in a mapping");
		vp_unmap(map, size);
		break;
	case BY_DMABUF:
		dmabuf = vp_export(gpu, handle);
		map = vp_map_dmabuf(dmabuf, size, PROT_READ);
		vp_sync_start(dmabuf, DMA_BUF_SYNC_READ);
		assert_zero(map, size, "in a mapping of the dma-buf");
		vp_sync_end(dmabuf, DMA_BUF_SYNC_READ);
		vp_unmap(map, size);
		close(dmabuf);
		break;
	case BY_GPU:
		vp_peek(gpu, handle, 0, copy, size);
		assert_zero(copy, size, "by the GPU");
		break;
	case BY_OTHER_GPU:
		other = vp_open(1);
		dmabuf = vp_export(gpu, handle);
		vp_peek(other, vp_import(other, dmabuf), 0, copy, size);
		assert_zero(copy, size, "by another GPU");
		close(dmabuf);
		close(other);
		break;
	case BY_LAST_BYTE:
		vp_peek(gpu, handle, size - 1, copy, 1);
		assert_zero(copy, 1, "at its end");
		break;
	case VIEWS:
		break;
	}
	free(copy);
}

/* Made, looked at in each way with each of them first, filled, given back. */
static void fresh(unsigned int index)
{
	int gpu = vp_open(index);

	for (int round = 0; round < ROUNDS; round++) {
		leave_dirt(round ? -1 : gpu);
		for (size_t i = 0; i < VP_ARRAY_SIZE(sizes); i++) {
			uint32_t handle = vp_create(gpu, sizes[i]);
			void *map;

			for (int view = 0; view < VIEWS; view++)
				look(gpu, handle, sizes[i],
				     (view + round) % VIEWS);
			map = vp_map(gpu, handle, sizes[i], RW);
			memset(map, 0x5a, sizes[i]);
			vp_unmap(map, sizes[i]);
			vp_close(gpu, handle);
		}
	}
	close(gpu);
}

/* A little of it is written by the GPU; all else is looked at afterwards. */
static void partly_written(unsigned int index)
{
	static const char word[3] = { 1, 2, 3 };
	int gpu = vp_open(index), dmabuf;
	char *map;

	for (size_t i = 0; i < VP_ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i], at = size / 2 + 61;
		uint32_t handle;

		leave_dirt(gpu);
		handle = vp_create(gpu, size);
		vp_poke(gpu, handle, at, word, sizeof(word));
		dmabuf = vp_export(gpu, handle);
		map = vp_map_dmabuf(dmabuf, size, PROT_READ);
		vp_sync_start(dmabuf, DMA_BUF_SYNC_READ);
		igt_assert(!memcmp(map + at, word, sizeof(word)));
		assert_zero(map, at, "before what was written");
		assert_zero(map + at + sizeof(word), size - at - sizeof(word),
			    "after what was written");
		vp_sync_end(dmabuf, DMA_BUF_SYNC_READ);
		vp_unmap(map, size);
		close(dmabuf);
		vp_close(gpu, handle);
	}
	close(gpu);
}

static const char *const odd[] = {
	"coherent=1", "dma_bits=32", "coherent=0", "coherent=0 dma_bits=32",
	"max_segment=4096",
};

static void each_kind(void (*scenario)(unsigned int gpu))
{
	for (size_t i = 0; i < VP_ARRAY_SIZE(odd); i++) {
		unsigned int index = vp_config_plug("odd", odd[i]);

		igt_debug("%s\n", odd[i]);
		vp_as_nobody
			scenario(index);
		vp_config_remove("odd");
	}
}

/* Rows are longer than the picture, and the last page than the last row. */
static void dumb(void)
{
	static const struct {
		uint32_t width, height, bpp;
	} pictures[] = {
		{ 1, 1, 8 }, { 65, 3, 32 }, { 17, 100, 24 }, { 640, 481, 16 },
		{ 1000, 700, 32 },
	};
	int gpu = vp_open(0);

	leave_dirt(-1);
	for (size_t i = 0; i < VP_ARRAY_SIZE(pictures); i++) {
		struct vp_dumb dumb = vp_create_dumb(gpu, pictures[i].width,
						     pictures[i].height,
						     pictures[i].bpp);
		char *map = vp_map_dumb(gpu, dumb.handle, dumb.size);

		igt_assert_eq(dumb.size % VP_PAGE, 0);
		assert_zero(map, dumb.size, "of a picture");
		memset(map, 0x3c, dumb.size);
		vp_unmap(map, dumb.size);
		igt_assert_eq(vp_try_destroy_dumb(gpu, dumb.handle), 0);
	}
	close(gpu);
}

/* ---- with root's help ---- */

/*
 * A buffer of which some bytes are written, here and there and at its end, and
 * that is put elsewhere over and over: all else is zero wherever it lies, pages
 * that nobody has touched, and what follows in the pages that somebody has.
 */
static void moved(const char *settings)
{
	const size_t size = 4 * VP_MIB + 3 * VP_PAGE;
	const size_t at[] = { 0, 5 * VP_PAGE + 100, 2 * VP_MIB + 8, size - 1 };
	int gpu = vp_config_open("odd", settings);
	uint32_t handle = vp_create(gpu, size);
	int dmabuf = vp_export(gpu, handle);
	char *map = vp_map_dmabuf(dmabuf, size, RW), *copy = malloc(size);

	igt_assert(copy);
	leave_dirt(gpu);
	for (size_t i = 0; i < VP_ARRAY_SIZE(at); i++) {
		map[at[i]] = 0x11;
		leave_dirt(-1);
		igt_assert_eq(vp_try_move(vp_id(gpu, handle)), 0);
		igt_assert_eq(map[at[i]], 0x11);
	}
	for (int turn = 0; turn < 2; turn++) {
		if (turn)
			vp_peek(gpu, handle, 0, copy, size);
		else
			memcpy(copy, map, size);
		for (size_t i = 0; i < VP_ARRAY_SIZE(at); i++) {
			igt_assert_eq(copy[at[i]], 0x11);
			copy[at[i]] = 0;
		}
		assert_zero(copy, size, "after moves");
		igt_assert_eq(vp_try_move(vp_id(gpu, handle)), 0);
	}
	free(copy);
	vp_unmap(map, size);
	close(dmabuf);
	close(gpu);
	vp_config_remove("odd");
}

/* A GPU that does not reach the buffer has it moved, and sees no more. */
static void moved_within_reach(void)
{
	const size_t size = 32 * VP_MIB;
	unsigned int near = vp_config_plug("odd", "dma_bits=32");

	vp_as_nobody {
		int gpu = vp_open(0), other = vp_open(near);
		char *map, *copy = malloc(size);
		uint32_t handle, theirs;

		igt_assert(copy);
		leave_dirt(other);
		handle = vp_create(gpu, size);
		map = vp_map(gpu, handle, size, RW);
		map[size / 2] = 1;
		theirs = vp_import(other, vp_export(gpu, handle));
		vp_peek(other, theirs, 0, copy, size);
		igt_assert_eq(copy[size / 2], 1);
		copy[size / 2] = 0;
		assert_zero(copy, size, "moved within reach");
		igt_assert_eq(map[size / 2], 1);
		map[size / 2] = 0;
		assert_zero(map, size, "after it was");
	}
	vp_config_remove("odd");
}

static void other_driver(unsigned int flags)
{
	int gpu = vp_open(0), foreign = vp_foreign_open_fresh();

	leave_dirt(-1);
	for (size_t i = 0; i < VP_ARRAY_SIZE(sizes); i++) {
		uint32_t handle = vp_create(gpu, sizes[i]), id;
		int dmabuf = vp_export(gpu, handle);
		char *copy = malloc(sizes[i]);

		memset(copy, 0x77, sizes[i]);
		id = vp_foreign_attach(foreign, dmabuf, flags);
		igt_assert_eq(vp_foreign_try_map(foreign, id,
						 VP_FOREIGN_TO_DEVICE), 0);
		igt_assert_eq(vp_foreign_try_read(foreign, id, 0, copy,
						  sizes[i]), 0);
		assert_zero(copy, sizes[i], "by another driver");
		igt_assert_eq(vp_foreign_try_unmap(foreign, id), 0);
		vp_foreign_detach(foreign, id);
		free(copy);
		close(dmabuf);
		vp_close(gpu, handle);
	}
	close(foreign);
	close(gpu);
}

/* What was taken from one is nothing that another finds. */
static void after_revoking(void)
{
	const size_t size = 8 * VP_MIB;
	int gpu = vp_open(0);

	for (int i = 0; i < 4; i++) {
		uint32_t handle = vp_create(gpu, size);
		void *map = vp_map(gpu, handle, size, RW);

		assert_zero(map, size, "after another's was revoked");
		memset(map, 0x66, size);
		igt_assert_eq(vp_try_revoke(vp_id(gpu, handle)), 0);
		vp_unmap(map, size);
	}
	close(gpu);
}

igt_main
{
	igt_describe("Buffers of all sizes on GPUs of all kinds, whoever looks first, over and over");
	vp_subtest("fresh")
		each_kind(fresh);

	igt_describe("A GPU writes a few bytes, and there is nothing around them");
	vp_subtest("partly-written")
		each_kind(partly_written);

	igt_describe("Pictures, with what is beside and below them");
	vp_subtest("dumb")
		vp_as_nobody
			dumb();

	igt_describe("A buffer is moved under its client, touched or not");
	vp_subtest("moved")
		moved("coherent=1");

	igt_describe("The same beside a GPU that does not snoop");
	vp_subtest("moved-incoherent")
		moved("coherent=0");

	igt_describe("The same when a GPU does not reach it");
	vp_subtest("moved-within-reach")
		moved_within_reach();

	igt_describe("Another driver looks first");
	vp_subtest("other-driver")
		other_driver(0);

	igt_describe("Memory of a buffer that was revoked");
	vp_subtest("after-revoking")
		after_revoking();

	igt_fixture
		vp_foreign_unload();
}
