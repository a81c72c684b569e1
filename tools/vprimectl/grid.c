// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text in columns.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"

static char *format_text(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		err(1, "memory");
	return text;
}

void grid_cell(struct grid *grid, const char *format, ...)
{
	va_list args;

	grid->cells = reallocarray(grid->cells, grid->count + 1, sizeof(*grid->cells));
	if (!grid->cells)
		err(1, "memory");
	va_start(args, format);
	grid->cells[grid->count++] = format_text(format, args);
	va_end(args);
}

void grid_more(struct grid *grid, const char *format, ...)
{
	char **cell = &grid->cells[grid->count - 1], *more, *both;
	va_list args;

	va_start(args, format);
	more = format_text(format, args);
	va_end(args);
	if (asprintf(&both, "%s%s%s", *cell, **cell ? ", " : "", more) < 0)
		err(1, "memory");
	free(more);
	free(*cell);
	*cell = both;
}

void grid_print(struct grid *grid)
{
	size_t widths[grid->columns], i;

	memset(widths, 0, sizeof(widths));
	for (i = 0; i < grid->count; i++) {
		size_t length = strlen(grid->cells[i]), *width = &widths[i % grid->columns];

		if (*width < length)
			*width = length;
	}
	for (i = 0; i < grid->count; i++) {
		size_t column = i % grid->columns;

		if (column + 1 < grid->columns)
			printf("%-*s  ", (int)widths[column], grid->cells[i]);
		else
			printf("%s\n", grid->cells[i]);
		free(grid->cells[i]);
	}
	free(grid->cells);
	grid->cells = NULL;
	grid->count = 0;
}
