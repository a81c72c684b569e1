/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two threads at the same thing at the same moment, over and over. In every
 * round they meet at a barrier and part, one to do its work, the other, which
 * is the caller, to strike in the middle of it. When they wake up is chance, so
 * it is measured, and one of them is held up by what the rounds before showed:
 * the strikes wander from just before the work's beginning to just after its
 * end, as ltp's fuzzy synchronisation has it.
 */
#ifndef VP_DUEL_H
#define VP_DUEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct vp_duel {
	void (*work)(void *data);
	void *data;
	/* The rest is the duel's own. */
	pthread_barrier_t start, end;
	pthread_t thread;
	bool over;
	/* In ns: times, and by how much the strike (or, < 0, the work) waits. */
	int64_t work_began, work_ended, struck, wait;
};

struct vp_duel *vp_duel_start(void (*work)(void *data), void *data);
/* From here to vp_duel_meet() the thread works, and the caller strikes. */
void vp_duel_part(struct vp_duel *duel);
void vp_duel_meet(struct vp_duel *duel, int round);
void vp_duel_end(struct vp_duel *duel);

/* Let time pass without giving the processor away. */
void vp_spin(int64_t ns);

#endif /* VP_DUEL_H */
