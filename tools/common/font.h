/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TOOLS_FONT_H
#define TOOLS_FONT_H

#include <stdbool.h>

/* cells of a letter; the last two rows are for what hangs below the line */
#define FONT_WIDTH	5
#define FONT_HEIGHT	9
/* from a letter to the next, in cells */
#define FONT_ADVANCE	(FONT_WIDTH + 1)

/**
 * font_cell() - is a cell of a letter inked
 * @letter: a lower-case letter, a digit or a space; anything else is a box
 * @x: column, 0 to FONT_WIDTH - 1
 * @y: row, 0 to FONT_HEIGHT - 1
 */
bool font_cell(char letter, int x, int y);

#endif
