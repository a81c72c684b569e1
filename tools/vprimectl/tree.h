/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_TREE_H
#define VPRIMECTL_TREE_H

#include "parse.h"

/**
 * struct tree_kind - what entries of one kind may have under them
 *
 * Each is a list in JSON, and an empty one says that there is none.
 */
struct tree_kind {
	/** @kind: as in the file */
	const char *kind;
	/** @below: the kinds of lines that the kernel has under it; ended by NULL */
	const char *below[8];
};

/**
 * tree_json() - write entries, as members of the object that is open
 * @key: the name of the list of those of the first of @kinds
 * @kinds: those that are known; one without a @kind follows the last
 * @entries: all of them
 *
 * Entries of a kind that is not known go into a list of their own where they
 * are: nothing that the kernel tells is lost.
 */
void tree_json(const char *key, const struct tree_kind *kinds, const struct entry *entries);

#endif
