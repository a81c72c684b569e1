/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_HANDOVER_H
#define DEMO_HANDOVER_H

#include <stdint.h>

#include "../common/buffer.h"
#include "wire.h"

/*
 * Each time a buffer goes from one side to the other, it has a fence on it. Who
 * hands it over makes the fence, long before he is done, and signals it when he
 * is; the other side waits for that. So both have the buffer at all times, and
 * nobody sees it half done.
 */

/** enum handover - what is true once its fence has signalled; in the order they are made in */
enum handover {
	/* side A has drawn the picture: side B may read it */
	PICTURE_DRAWN = 1,
	/* side A has cleared the target: side B may draw into it */
	TARGET_CLEARED,
	/* side B has read the picture: side A may draw the next one */
	PICTURE_READ,
	/* side B has drawn into the target: side A may read it */
	TARGET_DRAWN,
	HANDOVERS = TARGET_DRAWN,
};

/** handover_name() - in words */
const char *handover_name(enum handover handover);

/** handover_usage() - what the fence's maker does meanwhile: "read" or "write" */
const char *handover_usage(enum handover handover);

/** handover_find() - the one of that name; 0 if there is none */
enum handover handover_find(const char *name);

/** struct fence - the fence of a hand-over, as its maker has it */
struct fence {
	enum handover handover;
	/** @index: of the GPU it was made on */
	uint32_t index;
	/** @gpu: that GPU, open */
	int gpu;
	/** @id: its name in that file */
	uint32_t id;
	/** @sync: the same fence as a sync_file, for who will wait */
	int sync;
	uint64_t made_ns;
};

/**
 * fence_make() - put the fence of a hand-over on its buffer
 * @index: of the buffer's GPU
 *
 * CPU access that has to wait for it must have begun before. What goes wrong
 * here ends the process through fail(), and so it does in all functions here.
 */
struct fence fence_make(enum handover handover, uint32_t index, const struct buffer *buffer);

/** fence_signal() - what the fence is for has been done; also closes its sync_file */
void fence_signal(struct fence *fence);

/**
 * wait_row() - begin the row of a wait
 * @index: of the waiting side's GPU
 */
struct wire_row wait_row(enum handover handover, uint32_t index);

/**
 * wait_poll() - poll(2) for one descriptor
 *
 * Returns: 0, -ETIME when so many ms have passed, or another -errno.
 */
int wait_poll(int fd, short events, uint32_t ms);

/**
 * wait_done() - whatever it was that waited has come back: was that right?
 * @row: of wait_row(), gets its end and its check
 * @maker: the GPU that the fence is of; since Linux 6.17 one that has signalled does not tell
 * @sync: the fence's sync_file, which knows; closed here
 * @error: 0, or the -errno that the waiting ended with
 *
 * Returns: 0; or what to say, when the fence ended with an error or the wait
 * did. The sentence stays valid.
 */
const char *wait_done(struct wire_row *row, uint32_t maker, int sync, int error);

#endif
