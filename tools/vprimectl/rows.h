/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_ROWS_H
#define VPRIMECTL_ROWS_H

#include <stdbool.h>

#include "grid.h"
#include "parse.h"

/*
 * A table of entries: a row for each, of four columns: a number or a mark, what
 * it is, indented like its line, who, and the state. Kinds and keys that are not
 * known are shown as they are in the file.
 */

#define ROWS_COLUMNS	4

/** struct row_kind - how entries of one kind are shown */
struct row_kind {
	/** @kind: as in the file */
	const char *kind;
	/** @title: what the row calls it */
	const char *title;
	/** @first: what stands in the first column; NULL if that is empty */
	const char *(*first)(const struct entry *entry);
	/** @show: add the last two cells */
	void (*show)(struct grid *grid, const struct entry *entry);
	/** @keys: what @show and @first have looked at, or leave out on purpose */
	const char *keys[20];
};

/**
 * rows_add() - add a row for each entry, and for those under it
 * @grid: what to add to
 * @kinds: those that are known; one without a @kind follows the last
 * @entries: them
 */
void rows_add(struct grid *grid, const struct row_kind *kinds, const struct entry *entries);

/* What @show and @first are made of. */

/** row_get() - what to show of the key; "?" if the kernel does not tell */
const char *row_get(const struct entry *entry, const char *key);

bool row_is(const struct entry *entry, const char *key, const char *value);

/** row_some() - "3 pins", and nothing for none of them */
void row_some(struct grid *grid, const struct entry *entry, const char *key, const char *one);

#endif
