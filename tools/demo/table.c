// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of steps.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "../common/clock.h"
#include "table.h"

#define ROWS	32

static struct wire_row rows[ROWS];
static unsigned int row_count;

void table_print(const struct wire_row *row)
{
	if (!row_count)
		printf("%-38s %-9s %12s   %s\n", "step", "device", "time", "check");
	printf("%-38s %-9s %9.1f ms   %s\n", row->step, row->device,
	       (double)(row->end_ns - row->begin_ns) / 1e6, row->check);
	fflush(stdout);
	if (row_count < ROWS)
		rows[row_count++] = *row;
}

const struct wire_row *table_rows(unsigned int *count)
{
	*count = row_count;
	return rows;
}

struct wire_row table_row(int gpu, const char *label, const char *format, ...)
{
	struct wire_row row = { .device = "-" };
	va_list args;

	va_start(args, format);
	vsnprintf(row.step, sizeof(row.step), format, args);
	va_end(args);
	snprintf(row.label, sizeof(row.label), "%s", label);
	if (gpu >= 0)
		snprintf(row.device, sizeof(row.device), "vprime%d", gpu);
	row.begin_ns = clock_ns();
	return row;
}

void table_check(struct wire_row *row, const char *format, ...)
{
	va_list args;

	row->end_ns = clock_ns();
	va_start(args, format);
	vsnprintf(row->check, sizeof(row->check), format, args);
	va_end(args);
}

const char *grouped(uint64_t number, char text[GROUPED])
{
	char digits[GROUPED];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, number), i, out = 0;

	for (i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text[out++] = ',';
		text[out++] = digits[i];
	}
	text[out] = '\0';
	return text;
}
