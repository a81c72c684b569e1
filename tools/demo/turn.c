// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the result has to look like, worked out in whole numbers. The GL side
 * has its own way to the same end: texture coordinates.
 */
#include "turn.h"

#define LARGE_SIDE	2048

/* pixels that a side of @length has after scaling; the last one may be cut */
static uint32_t scaled(const struct turn *turn, uint32_t length)
{
	return (length * turn->up + turn->down - 1) / turn->down;
}

struct turn turn_plan(uint32_t source_width, uint32_t source_height)
{
	struct turn turn = {
		.source_width = source_width,
		.source_height = source_height,
		.up = 2,
		.down = 1,
	};

	if (source_width > LARGE_SIDE || source_height > LARGE_SIDE) {
		turn.up = 1;
		turn.down = 3;
	}
	turn.width = scaled(&turn, source_height);
	turn.height = scaled(&turn, source_width);
	return turn;
}

/* the source pixel, on a side of @length, below the centre of result pixel @at */
static uint32_t below(const struct turn *turn, uint32_t at, uint32_t length)
{
	uint32_t pixel = (2 * at + 1) * turn->down / (2 * turn->up);

	/* a pixel that is cut shows the edge, as GL_CLAMP_TO_EDGE has it */
	return pixel < length ? pixel : length - 1;
}

void turn_source(const struct turn *turn, uint32_t x, uint32_t y, uint32_t *source_x,
		 uint32_t *source_y)
{
	/* clockwise: the left column, from the bottom up, becomes the top row */
	*source_x = below(turn, y, turn->source_width);
	*source_y = turn->source_height - 1 - below(turn, x, turn->source_height);
}
