// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <time.h>

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

uint64_t vp_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
