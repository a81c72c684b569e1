/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_TABLE_H
#define DEMO_TABLE_H

#include "wire.h"

/** table_print() - print a row, and the head before the first one */
void table_print(const struct wire_row *row);

/** table_row() - begin a row: what is done, and on vprime@gpu (or -1: on none) */
struct wire_row table_row(int gpu, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** table_check() - say what was checked, and stop the time that began with table_row() */
void table_check(struct wire_row *row, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* room for the longest 64-bit number with its commas */
#define GROUPED	32

/** grouped() - a number with a comma every three digits; returns @text */
const char *grouped(uint64_t number, char text[GROUPED]);

#endif
