/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_COUNTS_H
#define SOAK_COUNTS_H

/*
 * What the module itself counts. With everybody's files closed, each has to be
 * what it was at the beginning, to the last one.
 */

#define COUNTS		24
#define COUNT_NAME	32

struct counts {
	unsigned int count;
	char name[COUNTS][COUNT_NAME];
	long value[COUNTS];
};

/** counts_read() - one of the module's files in debugfs: "counts" or "violations" */
struct counts counts_read(const char *file);

/**
 * counts_check() - end the soak unless all are what they were
 * @patience_ms: what is freed later has so long
 */
void counts_check(const struct counts *before, unsigned int patience_ms);

/** violations_check() - the same for breaches that have no killed process for a reason */
void violations_check(const struct counts *before);

#endif
