/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_FENCES_H
#define SOAK_FENCES_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/buffer.h"
#include "wire.h"
#include "worker.h"

/** struct own_fence - one that this worker has made, and has to see to */
struct own_fence {
	const struct gpu_file *file;
	/** @timeline: its timeline, 0 when it was put on the buffer by FENCE_ATTACH */
	uint32_t timeline;
	/** @id: what FENCE_ATTACH gave; @seqno: or its number on the timeline */
	uint32_t id;
	uint64_t seqno;
	uint64_t serial, made_ns, timeout_ns;
};

/**
 * fence_make() - make one, and put it on a buffer
 * @file: the GPU to make it on; it also has the buffer
 * @buffer: the buffer, which this worker has for itself
 * @writes: the fence is of one who writes
 * @parcel: gets what others have to know of it
 * @fence: out
 *
 * Returns: a sync_file, or -1 when the GPU has gone.
 */
int fence_make(struct worker *worker, const struct gpu_file *file, const struct buffer *buffer,
	       bool writes, struct parcel *parcel, struct own_fence *fence);

/** fence_status() - of a sync_file: 0 while it is pending, 1, or a negative errno */
int fence_status(int sync);

/**
 * fence_may_expire() - whether a fence may be as old as its limit at a time
 *
 * The kernel's clock for this stands still while the processor is taken away from
 * it, and jumps then: one that was made just before it jumps seems older.
 */
bool fence_may_expire(uint64_t made_ns, uint64_t timeout_ns, uint64_t ns);

/** fence_signal() - by whatever means there are */
void fence_signal(struct worker *worker, const struct own_fence *fence);

/** fence_forget() - leave it to its time limit, or to the end of the file it was made through */
void fence_forget(struct worker *worker, const struct own_fence *fence);

/** fences_end() - the file that fences were forgotten on is about to be closed, or has been */
void fences_end(struct worker *worker, bool closed);

/**
 * fence_wait() - wait for the fence of a parcel, by one of all the ways
 * @file: a GPU that has the buffer, or NULL
 * @buffer: the buffer
 *
 * Sees to it that the fence signals no sooner than it may, no later than it has
 * to, and with the error that there is a reason for.
 *
 * Returns: whether its maker has signalled it, so that the buffer is now ours
 * alone; otherwise the maker may still be at it.
 */
bool fence_wait(struct worker *worker, const struct parcel *parcel, int sync,
		const struct gpu_file *file, const struct buffer *buffer);

/** fence_crowd() - many readers' fences on a buffer that is this worker's alone */
void fence_crowd(struct worker *worker, const struct gpu_file *file, const struct buffer *buffer);

#endif
