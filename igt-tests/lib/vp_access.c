// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vp_access.h"
#include "vp_gpu.h"

void vp_gpu_fill(int gpu, uint32_t handle, size_t size, uint32_t seed)
{
	void *pixels = malloc(size);

	igt_assert(pixels);
	vp_fill(pixels, size, seed);
	vp_poke(gpu, handle, 0, pixels, size);
	free(pixels);
}

long vp_gpu_mismatch(int gpu, uint32_t handle, size_t size, uint32_t seed)
{
	void *pixels = calloc(1, size);
	long mismatch;

	igt_assert(pixels);
	vp_peek(gpu, handle, 0, pixels, size);
	mismatch = vp_mismatch(pixels, size, seed);
	free(pixels);
	return mismatch;
}

void vp_assert_shared(int dmabuf, size_t size, uint32_t seed, uint32_t next)
{
	int other = vp_open(1);
	uint32_t handle = vp_import(other, dmabuf), *pixels = malloc(size);
	void *map = vp_map(other, handle, size, PROT_READ | PROT_WRITE);

	igt_assert(pixels);
	vp_assert_pattern(map, size, seed);
	vp_peek(other, handle, 0, pixels, size);
	vp_assert_pattern(pixels, size, seed);
	vp_fill(pixels, size, next);
	vp_poke(other, handle, 0, pixels, size);
	vp_assert_pattern(map, size, next);
	vp_unmap(map, size);
	free(pixels);
	close(other);
}

uint64_t vp_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
