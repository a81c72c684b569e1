/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_MEMORY_H
#define SOAK_MEMORY_H

#include <stdint.h>

/* sorts of memory that the kernel uses for itself, as /proc/meminfo has them */
#define MEMORY_SORTS	6

extern const char *const memory_names[MEMORY_SORTS];

/** struct memory - one look at it */
struct memory {
	uint64_t ns;
	long kib[MEMORY_SORTS];
	/** @kernel_kib: all of these */
	long kernel_kib;
	/**
	 * @other_kib: what is neither that, nor free, nor a program's, nor a file's: bare
	 * pages, among them those of shadows. Noisier, as each processor has some that
	 * are free and in no count.
	 */
	long other_kib;
};

/* which of the two */
enum memory_what { MEMORY_KERNEL, MEMORY_OTHER };

/**
 * memory_prepare() - before the first look
 *
 * Processors keep free pages for themselves, tens of MiB on newer kernels, which
 * are in no count. They are told to keep few.
 */
void memory_prepare(void);

/** memory_restore() - undo that */
void memory_restore(void);

/**
 * memory_look() - how much the kernel uses, with all its caches emptied
 *
 * Comparable only with what is measured while the same processes do nothing.
 */
struct memory memory_look(void);

/** struct trend - a straight line through many looks, by least squares */
struct trend {
	double kib_per_minute;
	/** @error: the standard error of that */
	double error;
	/** @growth_kib: how much that makes over all of the time */
	double growth_kib;
};

/** memory_trend() - of three looks or more; with fewer it is 0 and its error too */
struct trend memory_trend(const struct memory *looks, unsigned int count, enum memory_what what);

/**
 * memory_grows() - whether a trend is a leak
 *
 * It is when it makes more than @limit_kib, and stands out of the noise: five
 * times its standard error.
 */
int memory_grows(const struct trend *trend, double limit_kib);

#endif
