/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pixels that a GPU writes and reads itself, and how long things take.
 */
#ifndef VP_ACCESS_H
#define VP_ACCESS_H

#include <stddef.h>
#include <stdint.h>

#include "vp_igt.h"
#include "vp_pattern.h"

/* The GPU writes a whole buffer's pattern. */
void vp_gpu_fill(int gpu, uint32_t handle, size_t size, uint32_t seed);
/* Byte offset of the first word that the GPU reads wrong, or VP_INTACT. */
long vp_gpu_mismatch(int gpu, uint32_t handle, size_t size, uint32_t seed);

#define vp_assert_gpu_sees(gpu, handle, size, seed) \
	do { \
		long vp_at__ = vp_gpu_mismatch(gpu, handle, size, seed); \
		igt_assert_f(vp_at__ == VP_INTACT, \
			     "%s reads a wrong pixel at byte %ld\n", #gpu, \
			     vp_at__); \
	} while (0)

/*
 * GPU 1 imports the dma-buf, finds that pattern in it by its CPU mapping and by
 * itself, and leaves the pattern @next there.
 */
void vp_assert_shared(int dmabuf, size_t size, uint32_t seed, uint32_t next);

/* Milliseconds since some time in the past. */
uint64_t vp_now_ms(void);

#endif /* VP_ACCESS_H */
