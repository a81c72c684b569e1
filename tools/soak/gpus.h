/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_GPUS_H
#define SOAK_GPUS_H

#include <stdbool.h>

struct board;

/* of the board's GPUs: one whose fences time out quickly, and from where on they come and go */
#define GPU_HASTY	2
#define GPU_GOING	3

/** gpus_make() - all of them, plugged in; before the workers start */
void gpus_make(struct board *board);

/** gpus_remove() - all of them, and those that an earlier soak has left; never fails */
void gpus_remove(void);

/**
 * gpus_cycle() - unplug one, under all who use it, and plug it in again
 * @again: what comes is to be of another sort, else it is the same
 *
 * Also where a process was killed that was doing this. Who does it for this GPU
 * is alone in that.
 */
void gpus_cycle(struct board *board, unsigned int gpu, bool again);

#endif
