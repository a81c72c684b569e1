/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_SHARE_H
#define SOAK_SHARE_H

#include <stdbool.h>

#include "worker.h"

/** share_new() - make a buffer, fill it, and send it to another worker */
void share_new(struct worker *worker);

/**
 * share_next() - take in the next buffer from the box, and perhaps give it on
 * Returns: whether there was one
 */
bool share_next(struct worker *worker);

/** share_discard() - the same, but only let go of it */
bool share_discard(struct worker *worker);

/** share_move() - move some buffer, whoever has it */
void share_move(struct worker *worker);

/** share_revoke() - make a buffer, and have it taken away */
void share_revoke(struct worker *worker);

#endif
