/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_CREW_H
#define SOAK_CREW_H

#include <stdbool.h>

#include "board.h"

/** crew_start() - all workers; a hang is who does nothing for @patience_s */
void crew_start(struct board *board, unsigned int patience_s);

/** crew_watch() - look after them for so many ms; ends the soak when something is wrong */
void crew_watch(struct board *board, unsigned int ms);

/** crew_order() - tell all of them, and wait until all have heard it */
void crew_order(struct board *board, enum order order);

/** crew_kill() - kill a worker in whatever it is doing, and put another one in its place */
void crew_kill(struct board *board, unsigned int index);

/** crew_dismiss() - have all of them end */
void crew_dismiss(struct board *board);

/** crew_end() - kill all that are left, when the soak has failed; returns whether none is */
bool crew_end(void);

#endif
