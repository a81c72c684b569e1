/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_TABLE_H
#define DEMO_TABLE_H

#include "wire.h"

/** table_print() - print a row, and the head before the first one; and keep it */
void table_print(const struct wire_row *row);

/** table_rows() - the rows that were printed, in that order */
const struct wire_row *table_rows(unsigned int *count);

/**
 * table_row() - begin a row
 * @gpu: what is done is done on vprime@gpu; -1: on none
 * @label: the same in a few words
 * @format: and in up to 38 characters
 */
struct wire_row table_row(int gpu, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** table_check() - say what was checked, and stop the time that began with table_row() */
void table_check(struct wire_row *row, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* room for the longest 64-bit number with its commas */
#define GROUPED	32

/** grouped() - a number with a comma every three digits; returns @text */
const char *grouped(uint64_t number, char text[GROUPED]);

#endif
