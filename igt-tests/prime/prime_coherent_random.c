// SPDX-License-Identifier: GPL-2.0-only
/*
 * A long life of a buffer between a CPU and a GPU that does not snoop, beside a
 * model of what each of them is to see of it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("CPU and GPU in any order, at any place");

#define SIZE	(3 * VP_PAGE)
#define LINE	64		/* bytes, of a cache */
#define LINES	(SIZE / LINE)
#define STEPS	8000

struct model {
	int gpu;
	uint32_t handle;
	int dmabuf;
	uint64_t id;
	/* The CPU's view, and the GPU's through its node. */
	uint8_t *map, *gpu_map;
	uint32_t random;
	unsigned int cpu_writes, gpu_writes, left_out;
	/* What the CPU, and the GPU, is to see. */
	uint8_t cpu_sees[SIZE], gpu_sees[SIZE];
	/* The lines that each has written and the other one not been shown. */
	bool cpu_wrote[LINES], gpu_wrote[LINES];
	uint8_t data[SIZE];
};

static uint32_t random_below(struct model *model, uint32_t limit)
{
	model->random = model->random * 1664525u + 1013904223u;
	return (model->random >> 8) % limit;
}

/* Mostly a few lines, at times some pages. */
static void random_range(struct model *model, size_t *offset, size_t *size)
{
	*offset = random_below(model, SIZE);
	*size = 1 + random_below(model, random_below(model, 8) ? 200 : 6000);
	if (*size > SIZE - *offset)
		*size = SIZE - *offset;
}

static bool any_line(const bool *wrote, size_t offset, size_t size)
{
	for (size_t i = offset / LINE; i <= (offset + size - 1) / LINE; i++)
		if (wrote[i])
			return true;
	return false;
}

static void mark_lines(bool *wrote, size_t offset, size_t size)
{
	for (size_t i = offset / LINE; i <= (offset + size - 1) / LINE; i++)
		wrote[i] = true;
}

/* What one side wrote is shown to the other one. */
static void show_lines(uint8_t *to, const uint8_t *from, bool *wrote)
{
	for (size_t i = 0; i < LINES; i++) {
		if (wrote[i])
			memcpy(to + i * LINE, from + i * LINE, LINE);
		wrote[i] = false;
	}
}

/*
 * Neither side writes to a line that the other one has written and not shown:
 * of such a line caches make what they like.
 */
static bool choose_write(struct model *model, const bool *others,
			 size_t *offset, size_t *size)
{
	random_range(model, offset, size);
	if (any_line(others, *offset, *size)) {
		model->left_out++;
		return false;
	}
	for (size_t i = 0; i < *size; i++)
		model->data[i] = (uint8_t)random_below(model, 256);
	return true;
}

static void cpu_writes(struct model *model)
{
	size_t offset, size;

	if (!choose_write(model, model->gpu_wrote, &offset, &size))
		return;
	memcpy(model->map + offset, model->data, size);
	memcpy(model->cpu_sees + offset, model->data, size);
	mark_lines(model->cpu_wrote, offset, size);
	model->cpu_writes++;
}

static void gpu_writes(struct model *model)
{
	size_t offset, size;

	if (!choose_write(model, model->cpu_wrote, &offset, &size))
		return;
	if (random_below(model, 2))
		vp_poke(model->gpu, model->handle, offset, model->data, size);
	else
		memcpy(model->gpu_map + offset, model->data, size);
	memcpy(model->gpu_sees + offset, model->data, size);
	mark_lines(model->gpu_wrote, offset, size);
	model->gpu_writes++;
}

static void begin(struct model *model, uint64_t access)
{
	vp_sync_start(model->dmabuf, access);
	show_lines(model->cpu_sees, model->gpu_sees, model->gpu_wrote);
}

static void end(struct model *model, uint64_t access)
{
	vp_sync_end(model->dmabuf, access);
	if (access & DMA_BUF_SYNC_WRITE)
		show_lines(model->gpu_sees, model->cpu_sees, model->cpu_wrote);
}

static void access_pair(struct model *model)
{
	static const uint64_t accesses[] = {
		DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW,
	};
	uint64_t access = accesses[random_below(model, 3)];

	begin(model, access);
	if (random_below(model, 2))
		cpu_writes(model);
	end(model, access);
}

static void check(struct model *model, size_t offset, size_t size)
{
	vp_peek(model->gpu, model->handle, offset, model->data, size);
	igt_assert(!memcmp(model->data, model->gpu_sees + offset, size));
	igt_assert(!memcmp(model->gpu_map + offset, model->gpu_sees + offset,
			   size));
	igt_assert(!memcmp(model->map + offset, model->cpu_sees + offset,
			   size));
}

/*
 * A move takes the GPU's mapping down, and what the CPU writes before the next
 * one is seen: so that is made at once, and before the end.
 */
static void move(struct model *model)
{
	begin(model, DMA_BUF_SYNC_RW);
	igt_assert_eq(vp_try_move(model->id), 0);
	vp_peek(model->gpu, model->handle, 0, model->data, 1);
	end(model, DMA_BUF_SYNC_RW);
	check(model, 0, SIZE);
}

static void step(struct model *model)
{
	size_t offset, size;

	switch (random_below(model, 8)) {
	case 0:
		access_pair(model);
		break;
	case 1:
	case 2:
		gpu_writes(model);
		break;
	case 3:
	case 4:
		cpu_writes(model);
		break;
	default:
		random_range(model, &offset, &size);
		check(model, offset, size);
	}
	if (!random_below(model, 200))
		move(model);
}

static void random_order(uint32_t seed)
{
	static struct model model;

	model = (struct model){
		.gpu = vp_config_open("odd", "coherent=0"),
		.random = seed,
	};
	model.handle = vp_create(model.gpu, SIZE);
	model.dmabuf = vp_export(model.gpu, model.handle);
	model.id = vp_id(model.gpu, model.handle);
	model.map = vp_map_dmabuf(model.dmabuf, SIZE, PROT_READ | PROT_WRITE);
	model.gpu_map = vp_map(model.gpu, model.handle, SIZE,
			       PROT_READ | PROT_WRITE);
	/* From here on the GPU has it mapped. */
	check(&model, 0, SIZE);
	for (int i = 0; i < STEPS; i++)
		step(&model);
	check(&model, 0, SIZE);
	igt_info("%u writes of the CPU, %u of the GPU, %u left out\n",
		 model.cpu_writes, model.gpu_writes, model.left_out);
	vp_unmap(model.gpu_map, SIZE);
	vp_unmap(model.map, SIZE);
	close(model.dmabuf);
	close(model.gpu);
	vp_config_remove("odd");
}

igt_main
{
	igt_describe("Writes, reads, syncs and moves at odd places and of odd sizes");
	vp_subtest("first")
		random_order(1);

	igt_describe("Others of them");
	vp_subtest("second")
		random_order(4711);
}
