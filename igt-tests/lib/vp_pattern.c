// SPDX-License-Identifier: GPL-2.0-only
#include <sys/mman.h>
#include <linux/dma-buf.h>

#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_pattern.h"

#define WORD		sizeof(uint32_t)
#define PAGE_WORDS	(4096 / WORD)

/* An odd factor, so that every index gives another word. */
static uint32_t word_at(uint32_t seed, size_t index)
{
	return seed * 0x85ebca6bu + (uint32_t)index * 0x9e3779b1u;
}

void vp_fill(void *map, size_t size, uint32_t seed)
{
	volatile uint32_t *words = map;

	for (size_t i = 0; i < size / WORD; i++)
		words[i] = word_at(seed, i);
}

long vp_mismatch_at(const void *map, size_t offset, size_t size, uint32_t seed)
{
	const volatile uint32_t *words = map;

	for (size_t i = 0; i < size / WORD; i++)
		if (words[i] != word_at(seed, offset / WORD + i))
			return (long)(i * WORD);
	return VP_INTACT;
}

long vp_mismatch(const void *map, size_t size, uint32_t seed)
{
	return vp_mismatch_at(map, 0, size, seed);
}

void vp_fill_sparse(void *map, size_t size, uint32_t seed)
{
	volatile uint32_t *words = map;

	for (size_t i = 0; i < size / WORD; i += PAGE_WORDS) {
		words[i] = word_at(seed, i);
		words[i + PAGE_WORDS - 1] = word_at(seed, i + PAGE_WORDS - 1);
	}
}

long vp_mismatch_sparse(const void *map, size_t size, uint32_t seed)
{
	const volatile uint32_t *words = map;

	for (size_t i = 0; i < size / WORD; i += PAGE_WORDS) {
		size_t last = i + PAGE_WORDS - 1;

		if (words[i] != word_at(seed, i))
			return (long)(i * WORD);
		if (words[last] != word_at(seed, last))
			return (long)(last * WORD);
	}
	return VP_INTACT;
}

void vp_fill_synced(int dmabuf, void *map, size_t size, uint32_t seed)
{
	igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_START |
				  DMA_BUF_SYNC_WRITE), 0);
	vp_fill(map, size, seed);
	igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_END |
				  DMA_BUF_SYNC_WRITE), 0);
}

bool vp_sees(int dmabuf, const void *map, size_t size, uint32_t seed)
{
	long mismatch;

	igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_START |
				  DMA_BUF_SYNC_READ), 0);
	mismatch = vp_mismatch(map, size, seed);
	igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_END |
				  DMA_BUF_SYNC_READ), 0);
	return mismatch == VP_INTACT;
}

uint32_t vp_create_filled(int gpu, size_t size, uint32_t seed)
{
	uint32_t handle = vp_create(gpu, size);
	void *map = vp_map(gpu, handle, size, PROT_READ | PROT_WRITE);

	vp_fill(map, size, seed);
	vp_unmap(map, size);
	return handle;
}

bool vp_all_zero(const void *map, size_t size)
{
	const volatile uint32_t *words = map;

	for (size_t i = 0; i < size / WORD; i++)
		if (words[i])
			return false;
	return true;
}
