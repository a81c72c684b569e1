/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that do something over and over while the test does something else:
 * how far they are, and when to end. In memory that all of them share.
 */
#ifndef VP_RACE_H
#define VP_RACE_H

#include <stdbool.h>
#include <stdint.h>

#define VP_RACE_MAX	16

struct vp_race {
	/* How often each has gone round. */
	volatile uint32_t rounds[VP_RACE_MAX];
	/* They are to end. */
	volatile bool stop;
	/* What they are at has been taken away. */
	volatile bool revoked;
};

struct vp_race *vp_race_begin(void);
/* Wait until the first @count have gone round @rounds times more. */
void vp_race_wait(struct vp_race *race, unsigned int count, uint32_t rounds);
void vp_race_end(struct vp_race *race);

#endif /* VP_RACE_H */
