/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_TURN_H
#define DEMO_TURN_H

#include <stdint.h>

/**
 * struct turn - the drawing that side B does: a quarter turn clockwise, and scaled
 *
 * Twice the size for ordinary pictures, a third for large ones, so that the
 * result stays within 4096 pixels a side. In both, the centre of every pixel of
 * the result falls well inside one pixel of the source, never on the line
 * between two, so that which pixel it shows can be told without knowing how the
 * GL implementation rounds.
 */
struct turn {
	/** @source_width: of the picture, in pixels */
	uint32_t source_width;
	uint32_t source_height;
	/** @width: of the result, in pixels */
	uint32_t width;
	uint32_t height;
	/** @up: the scale is @up / @down */
	uint32_t up;
	uint32_t down;
};

/** turn_plan() - how a picture of this size is turned */
struct turn turn_plan(uint32_t source_width, uint32_t source_height);

/** turn_source() - which pixel of the source the result shows at @x, @y */
void turn_source(const struct turn *turn, uint32_t x, uint32_t y, uint32_t *source_x,
		 uint32_t *source_y);

#endif
