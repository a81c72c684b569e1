// SPDX-License-Identifier: GPL-2.0-only
#include "vp_duel.h"
#include "vp_fence.h"
#include "vp_igt.h"

#define MAX_WAIT_NS	2000000

void vp_spin(int64_t ns)
{
	int64_t until = vp_now_ns() + ns;

	while (ns > 0 && vp_now_ns() < until)
		;
}

static void *run(void *arg)
{
	struct vp_duel *duel = arg;

	for (;;) {
		pthread_barrier_wait(&duel->start);
		if (duel->over)
			return NULL;
		vp_spin(-duel->wait);
		duel->work_began = vp_now_ns();
		duel->work(duel->data);
		duel->work_ended = vp_now_ns();
		pthread_barrier_wait(&duel->end);
	}
}

/* On the heap, for the thread lives on when an assertion ends the subtest. */
struct vp_duel *vp_duel_start(void (*work)(void *data), void *data)
{
	struct vp_duel *duel = calloc(1, sizeof(*duel));

	igt_assert(duel);
	duel->work = work;
	duel->data = data;
	pthread_barrier_init(&duel->start, NULL, 2);
	pthread_barrier_init(&duel->end, NULL, 2);
	igt_assert_eq(pthread_create(&duel->thread, NULL, run, duel), 0);
	return duel;
}

void vp_duel_part(struct vp_duel *duel)
{
	pthread_barrier_wait(&duel->start);
	vp_spin(duel->wait);
	duel->struck = vp_now_ns();
}

void vp_duel_meet(struct vp_duel *duel, int round)
{
	int64_t work, wanted;

	pthread_barrier_wait(&duel->end);
	work = duel->work_ended - duel->work_began;
	wanted = work * (round % 12 - 1) / 10;
	duel->wait += (duel->work_began + wanted - duel->struck) / 2;
	if (duel->wait > MAX_WAIT_NS || duel->wait < -MAX_WAIT_NS)
		duel->wait = 0;
}

void vp_duel_end(struct vp_duel *duel)
{
	duel->over = true;
	pthread_barrier_wait(&duel->start);
	pthread_join(duel->thread, NULL);
	pthread_barrier_destroy(&duel->start);
	pthread_barrier_destroy(&duel->end);
	free(duel);
}
