/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pixels that prove where they came from: no two words of a pattern are alike,
 * so a page at the wrong place, or of another buffer, shows.
 */
#ifndef VP_PATTERN_H
#define VP_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VP_INTACT	(-1)

/* Every word. */
void vp_fill(void *map, size_t size, uint32_t seed);
/* Byte offset of the first wrong word, or VP_INTACT. */
long vp_mismatch(const void *map, size_t size, uint32_t seed);

/* The first and last word of every page only: for buffers of many MiB. */
void vp_fill_sparse(void *map, size_t size, uint32_t seed);
long vp_mismatch_sparse(const void *map, size_t size, uint32_t seed);

/*
 * The same for a part of a buffer that begins @offset bytes into it and is
 * mapped at @map.
 */
long vp_mismatch_at(const void *map, size_t offset, size_t size, uint32_t seed);

/*
 * The same while the dma-buf that is mapped knows of it: another driver's
 * memory may be mapped uncached, or need its caches looked after.
 */
void vp_fill_synced(int dmabuf, void *map, size_t size, uint32_t seed);
bool vp_sees(int dmabuf, const void *map, size_t size, uint32_t seed);

/* A new buffer of the GPU's that the CPU has filled. */
uint32_t vp_create_filled(int gpu, size_t size, uint32_t seed);

bool vp_all_zero(const void *map, size_t size);

#define vp_assert_pattern(map, size, seed) \
	do { \
		long vp_at__ = vp_mismatch(map, size, seed); \
		igt_assert_f(vp_at__ == VP_INTACT, \
			     "wrong pixel at byte %ld of %s\n", vp_at__, #map); \
	} while (0)

#define vp_assert_pattern_sparse(map, size, seed) \
	do { \
		long vp_at__ = vp_mismatch_sparse(map, size, seed); \
		igt_assert_f(vp_at__ == VP_INTACT, \
			     "wrong pixel at byte %ld of %s\n", vp_at__, #map); \
	} while (0)

#endif /* VP_PATTERN_H */
