/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_COUNTS_H
#define VPRIMECTL_COUNTS_H

/** struct count - a line "NAME NUMBER" */
struct count {
	/** @name: "buffers", or of a rule: "unmap-direction" */
	const char *name;
	/** @number: in digits, perhaps after a minus */
	const char *number;
};

/** struct counts - what a file of such lines has */
struct counts {
	struct count *list;
	int length;
	/** @text: what the strings are parts of */
	char *text;
};

/**
 * counts_read() - read a file of counts
 * @file: its name
 *
 * Ends the program if that is not possible.
 */
struct counts counts_read(const char *file);

void counts_free(struct counts *counts);

/** counts_json() - all of them, as members of an object that is opened and closed */
void counts_json(const struct counts *counts);

#endif
