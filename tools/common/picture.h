/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TOOLS_PICTURE_H
#define TOOLS_PICTURE_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct picture - pixels in memory, somebody else's memory as a rule
 *
 * A pixel is 0xAARRGGBB in the CPU's order, which on a little-endian machine
 * is DRM_FORMAT_ARGB8888. Alpha is a fourth channel, not multiplied into the
 * other three.
 */
struct picture {
	/** @pixels: the first row's first pixel */
	uint32_t *pixels;
	/** @width: pixels in a row */
	uint32_t width;
	/** @height: rows */
	uint32_t height;
	/** @pitch: bytes from a row to the next, a multiple of 4 */
	size_t pitch;
};

static inline uint32_t *picture_row(const struct picture *picture, uint32_t y)
{
	return (uint32_t *)((char *)picture->pixels + picture->pitch * y);
}

#endif
