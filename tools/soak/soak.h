/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_SOAK_H
#define SOAK_SOAK_H

#include "board.h"
#include "counts.h"
#include "memory.h"

/** struct soak - what was asked for, and what has come of it */
struct soak {
	struct board *board;
	/** @minutes: 0 for a short one, of so many @seconds */
	unsigned int minutes, seconds;
	unsigned int patience_s;
	unsigned int limit_kib;
	/** @counts: before the first worker; @violations: likewise */
	struct counts counts, violations;
	/** @looks: what the memory was, beginning with the end of the warm-up */
	struct memory *looks;
	unsigned int look_count;
	uint64_t start_ns;
};

/** soak_run() - all of it; ends the program when something is wrong */
void soak_run(struct soak *soak);

/** report_line() - how far it is */
void report_line(const struct soak *soak);

/** report() - what was done, how long the waits were, and what became of the memory */
void report(const struct soak *soak);

#endif
