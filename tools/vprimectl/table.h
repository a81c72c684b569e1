/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_TABLE_H
#define VPRIMECTL_TABLE_H

#include <stdbool.h>

#include "counts.h"
#include "parse.h"

/**
 * table_buffers() - the buffer list for people
 * @entries: what parse_list() made
 *
 * Kinds and keys that are not known are shown as they are in the file. Of the
 * known ones those that only count the lines below are left out.
 */
void table_buffers(const struct entry *entries);

/** table_counts() - under a head of two words, a line for each count */
void table_counts(const char *name, const char *number, const struct counts *counts);

/**
 * table_summary() - the counts in a few lines of at most 80 characters
 * @title: what they are, to stand before them
 * @counts: them
 * @zeros: whether those of 0 are worth a mention
 */
void table_summary(const char *title, const struct counts *counts, bool zeros);

#endif
