/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/buffer.h"
#include "../common/gpu.h"

/*
 * A row of the benchmark is one operation, measured on up to three subjects:
 * stock vgem, vprime, and for some rows what is named there.
 */

/* as many importers as a buffer that is moved has */
#define BENCH_IMPORTERS	8

/** struct subject - one of the things that are measured */
struct subject {
	/** @name: for messages */
	const char *name;
	/** @path: its primary node */
	char path[GPU_PATH];
	/** @gpu: that node, open; -1 for anonymous memory */
	int gpu;
	/** @again: the same node, opened a second time */
	int again;
	/** @other: another GPU of the same driver; where it has none, the same as @again */
	int other;
	/** @foreign: a GPU of another driver, which can import */
	int foreign;
	/** @importers: further GPUs of the same driver */
	int importers[BENCH_IMPORTERS];
};

/** struct work - what an operation has prepared for itself on one subject */
struct work {
	const struct subject *subject;
	/** @buffer: a buffer of the row's size, where the operation wants one */
	struct buffer buffer;
	/** @handle: the handle that it has in a second file */
	uint32_t handle;
	/** @memory: memory that is there for as long as the row lasts */
	void *memory;
};

/**
 * struct operation - what is measured
 *
 * All functions end the program when a system call fails: a benchmark of
 * failures is worth nothing.
 */
struct operation {
	/** @prepare: before the first round; may be NULL */
	void (*prepare)(struct work *work);
	/** @run: do it @count times; returns how long that took, in ns */
	uint64_t (*run)(struct work *work, unsigned long count);
	/** @finish: after the last round; may be NULL */
	void (*finish)(struct work *work);
};

/** enum against - what vprime is held against in a row */
enum against {
	AGAINST_VGEM,
	AGAINST_ANONYMOUS,
	/* the same on vprime's buffer by a driver that has only the kernel's dma-buf */
	AGAINST_FOREIGN,
	/* what a program has to do to the same end */
	AGAINST_COPY,
	/* an importer in the kernel that has only the kernel's dma-buf */
	AGAINST_KERNEL,
	/* itself, when it is the only one */
	AGAINST_ALONE,
	/* its own earlier self */
	AGAINST_EARLIER,
	/* the same on a buffer that nobody else has to do with */
	AGAINST_EMPTY,
	/* waking a process with a futex */
	AGAINST_FUTEX,
};

struct result;

/** struct row - one row of the table */
struct row {
	const char *name;
	enum against against;
	/** @target: the ratio to reach, with the decimals that it is to be rounded to */
	const char *target;
	/** @operation: on vprime, and on vgem where that can; NULL for rows with @measure */
	const struct operation *operation;
	/** @other: what it is held against, if that is not vgem; else NULL */
	const struct operation *other;
	/** @vgem_too: measure @operation on vgem as well, although the row is not against it */
	bool vgem_too;
	/** @counted: its instructions say how long it takes: it neither moves memory nor waits */
	bool counted;
	/** @measure: for rows of another kind: stores what vprime takes, and the other */
	void (*measure)(const struct subject *vprime, unsigned int rounds, struct result *result);
};

extern const struct row rows[];
extern const unsigned int row_count;

/* rounds of a row, at most */
#define BENCH_MAX_ROUNDS	1000

/** struct method - how rows are measured */
struct method {
	/** @rounds: for each row */
	unsigned int rounds;
	/** @counted: the clock goes on by a nanosecond with each instruction, and only then */
	bool counted;
};

/** struct result - a row's figures in microseconds, 0 where there is none */
struct result {
	double vgem, vprime;
	/** @other: what stands under "other" */
	double other;
	double ratio;
	bool met;
};

/** struct memory_result - kernel memory per live 4 KiB buffer, in bytes */
struct memory_result {
	double untouched, touched;
};

/* how many buffers are alive when that is measured */
#define MEMORY_BUFFERS	20000

struct subjects {
	struct subject vgem, vprime, anonymous;
};

/* measure.c */
struct result measure_row(const struct row *row, const struct subjects *subjects,
			  const struct method *method);

/** is_met() - is a ratio within a target, when both have the target's number of decimals */
bool is_met(double ratio, const char *target);

/** sort_times() - the shortest first */
void sort_times(double *times, unsigned int count);

/* many.c */
void measure_many(const struct subject *subject, unsigned int rounds, struct result *result);

/* core.c: what the module of tests does to an exported buffer, one buffer at a time */
void core_begin(const struct buffer *buffer);
void core_run(const char *test);
void core_end(void);
void measure_attach(const struct subject *subject, unsigned int rounds, struct result *result);
void measure_importers(const struct subject *subject, unsigned int rounds, struct result *result);

/* fences.c */
uint32_t attach_or_die(const struct buffer *buffer, uint32_t flags);
void signal_or_die(const struct buffer *buffer, uint32_t fence);
extern const struct operation fence_write, fence_read, fence_among_readers, sync_file;

/* wakings of either kind, for each round of the other rows */
#define WAKES_PER_ROUND	25

/* wake.c */
void measure_wake(const struct subject *subject, unsigned int rounds, struct result *result);

/* memory.c */
struct memory_result measure_memory(const struct subject *subject);

/* gain.c: not in microseconds, but how many times as much two processes get done as one */
#define GAIN_TARGET	"1.00"
struct result measure_gain(const struct subjects *subjects, unsigned int rounds);

/* meminfo.c */
uint64_t meminfo_bytes(const char *name);

/* create.c */
void create_or_die(const struct subject *subject, uint64_t size, struct buffer *buffer);
void *map_or_die(const struct buffer *buffer);

/* rows.c */
extern const struct operation create_export;

#endif
