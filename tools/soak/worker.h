/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_WORKER_H
#define SOAK_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

/* the largest buffer that goes from hand to hand, in bytes */
#define LARGEST		((2 << 20) + 4096)
/* fences that one may have forgotten at a time */
#define FORGOTTEN	64

/** struct gpu_file - a GPU that a worker has open */
struct gpu_file {
	/** @fd: -1 when it is not open */
	int fd;
	unsigned int index;
	/** @epoch: the GPU is the one it was opened on for as long as the board has this */
	uint32_t epoch;
};

/** struct worker - what a worker knows for itself */
struct worker {
	struct board *board;
	struct place *place;
	unsigned int index;
	uint32_t generation;
	uint32_t random;
	/** @boxes: everybody's */
	const int (*boxes)[2];
	struct gpu_file files[GPUS];
	/** @forgotten: promises whose fences signal when the hasty GPU's file is closed */
	uint64_t forgotten[FORGOTTEN];
	unsigned int forgotten_count;
	/** @kept: buffers that the soak is spoilt with, -1 for none */
	int kept;
	/** @pixels: room for what a GPU writes or reads */
	uint32_t *pixels;
};

/** worker_run() - be a worker until the order to end; never returns */
void worker_run(struct board *board, unsigned int index, const int (*boxes)[2])
	__attribute__((noreturn));

/** any() - a random number below @below */
uint32_t any(struct worker *worker, uint32_t below);

/** begin() - from now on it does this; whoever waits for it to get on sees it */
void begin(struct worker *worker, enum kind kind);

/** done() - and has done it */
void done(struct worker *worker, enum kind kind);

/** file_gone() - whether the GPU has been, or is being, unplugged */
bool file_gone(const struct worker *worker, const struct gpu_file *file);

/** file_open() - a GPU; NULL when it is not there just now */
struct gpu_file *file_open(struct worker *worker, unsigned int index);

/** file_close() - with all fences that were made through it */
void file_close(struct worker *worker, unsigned int index);

/**
 * worked() - whether something that a GPU was asked for was done
 * @kind: what; counted when it was
 * @ret: a negative errno when it was not
 *
 * Ends the soak when the errno has no good reason. Returns false when it is
 * that the GPU has gone.
 */
bool worked(struct worker *worker, const struct gpu_file *file, enum kind kind, int ret);

#endif
