/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_CONTENTS_H
#define SOAK_CONTENTS_H

#include <stdint.h>

#include "../common/buffer.h"
#include "worker.h"

/** contents_id() - the buffer's number, or 0 when the GPU has gone */
uint64_t contents_id(struct worker *worker, const struct gpu_file *file,
		     const struct buffer *buffer);

/** contents_begin() - map the dma-buf, and begin a CPU access: BUFFER_READ, BUFFER_WRITE, both */
uint32_t *contents_begin(struct worker *worker, const struct buffer *buffer, unsigned int access);

/** contents_end() - both back */
void contents_end(struct worker *worker, const struct buffer *buffer, uint32_t *words,
		  unsigned int access);

/** contents_compare() - each word that contents_begin() gave to read has to be of a seed */
void contents_compare(const uint32_t *words, const struct buffer *buffer, uint32_t seed,
		      const char *where);

/** contents_fill() - the GPU or the CPU writes all of a buffer that has no fence; returns which */
const char *contents_fill(struct worker *worker, const struct gpu_file *file,
		   const struct buffer *buffer, uint32_t seed);

/**
 * contents_check() - the GPU, or the CPU through either mapping, reads all of it
 * @file: the GPU that has the buffer; NULL: only through the dma-buf
 * @seed: each word has to be of this one
 * @other: or of this one
 * @where: how it came here, to be said when one is not
 */
void contents_check(struct worker *worker, const struct gpu_file *file,
		    const struct buffer *buffer, uint32_t seed, uint32_t other,
		    const char *where);

#endif
