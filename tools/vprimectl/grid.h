/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_GRID_H
#define VPRIMECTL_GRID_H

#include <stddef.h>

/**
 * struct grid - text in columns, each as wide as its widest cell
 *
 * Begins as { .columns = N }. Cells come row by row.
 */
struct grid {
	size_t columns;
	char **cells;
	size_t count;
};

/** grid_cell() - the next cell */
void grid_cell(struct grid *grid, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** grid_more() - more text for the cell that came last; with ", " before it if it has text */
void grid_more(struct grid *grid, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** grid_print() - to the standard output, and empty it */
void grid_print(struct grid *grid);

#endif
