// SPDX-License-Identifier: GPL-2.0-only
/*
 * Crowds of readers on one buffer: a writer waits for each that was there when its
 * wait began, and for no other.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_doer.h"
#include "vp_pair.h"
#include "vp_race.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Many readers' fences on one buffer");

#define SIZE	(4 * VP_PAGE)
#define FEW	4
#define MANY	100
#define BLOCKED_MS	300

/* Readers of both GPUs by turns: reader @i is of GPU @i % 2. */
static void attach(const struct vp_pair *s, uint32_t *fence, unsigned int from,
		   unsigned int to)
{
	for (unsigned int i = from; i < to; i++)
		fence[i] = vp_fence_attach(s->gpu[i % 2], s->handle[i % 2],
					   false);
}

static void signal_one(const struct vp_pair *s, const uint32_t *fence,
		       unsigned int i)
{
	vp_fence_signal(s->gpu[i % 2], fence[i]);
}

static void signal_all(const struct vp_pair *s, const uint32_t *fence,
		       unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++)
		signal_one(s, fence, i);
}

static bool writable(const struct vp_pair *s)
{
	bool idle = vp_idle(s->gpu[0], s->handle[0], true);

	igt_assert_eq(vp_idle(s->gpu[1], s->handle[1], true), idle);
	/* They are readers all of them. */
	igt_assert(vp_idle(s->gpu[0], s->handle[0], false));
	return idle;
}

static int try_write(void *data)
{
	const struct vp_pair *s = data;

	return vp_try_wait(s->gpu[1], s->handle[1], DRM_VPRIME_WAIT_WRITE,
			   INT64_MAX);
}

/* ---- in every order ----------------------------------------------------- */

/* The next greater arrangement of @order; false after the last. */
static bool rearrange(unsigned int *order, unsigned int count)
{
	unsigned int i = count - 1, j = count - 1, swap;

	while (i && order[i - 1] > order[i])
		i--;
	if (!i)
		return false;
	while (order[j] < order[i - 1])
		j--;
	swap = order[i - 1];
	order[i - 1] = order[j];
	order[j] = swap;
	for (j = count - 1; i < j; i++, j--) {
		swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
	return true;
}

/* A writer is at it from the first to the last, and wakes no earlier. */
static void signal_in_order(struct vp_pair *s, const uint32_t *fence,
			    const unsigned int *order, unsigned int count)
{
	struct vp_doer writer = vp_do(try_write, s);

	vp_assert_waits(&writer);
	for (unsigned int i = 0; i < count; i++) {
		igt_assert(!writable(s));
		igt_assert_eq(vp_poll(s->dmabuf, POLLOUT, 0), 0);
		igt_assert(vp_doing(&writer, 0));
		signal_one(s, fence, order[i]);
	}
	igt_assert(writable(s));
	igt_assert_eq(vp_poll(s->dmabuf, POLLOUT, 0), POLLOUT);
	igt_assert_eq(vp_done(&writer), 0);
}

static void every_order(void)
{
	unsigned int order[FEW] = { 0, 1, 2, 3 }, orders = 0;
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence[FEW];

	do {
		attach(&s, fence, 0, FEW);
		signal_in_order(&s, fence, order, FEW);
		orders++;
	} while (rearrange(order, FEW));
	igt_assert_eq(orders, 24);
	vp_pair_end(&s);
}

enum order {
	FORWARDS,
	BACKWARDS,
	MIXED,
	FROM_THE_MIDDLE,
};

static void arrange(unsigned int *order, unsigned int count, enum order how)
{
	uint32_t random = 1;

	for (unsigned int i = 0; i < count; i++)
		order[i] = how == BACKWARDS ? count - 1 - i :
			   how == FROM_THE_MIDDLE ? (i + count / 2) % count : i;
	for (unsigned int i = count - 1; how == MIXED && i; i--) {
		unsigned int j, swap = order[i];

		random = random * 1664525u + 1013904223u;
		j = (random >> 8) % (i + 1);
		order[i] = order[j];
		order[j] = swap;
	}
}

/* Each reader has a fence on it, by the name that a reader's has. */
static void assert_crowd(uint64_t id, unsigned int count)
{
	const struct vp_watch_buffer *buffer = vp_watch(id);

	for (unsigned int i = 0; i < buffer->n_fence; i++) {
		igt_assert_eq(strcmp(buffer->fence[i].usage, "read"), 0);
		igt_assert_eq(strcmp(buffer->fence[i].timeline, "read"), 0);
	}
	igt_assert_eq(buffer->n_fence, count);
}

static void crowd(enum order how)
{
	static const unsigned int counts[] = { 1, 8, 20, MANY };
	unsigned int order[MANY];
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence[MANY];

	for (size_t i = 0; i < VP_ARRAY_SIZE(counts); i++) {
		attach(&s, fence, 0, counts[i]);
		assert_crowd(s.id, counts[i]);
		arrange(order, counts[i], how);
		signal_in_order(&s, fence, order, counts[i]);
	}
	vp_pair_end(&s);
}

/*
 * Old readers go while new ones come: there is never a moment without one, and
 * a writer gets it when the last is gone.
 */
static void rolling(void)
{
	enum { STEPS = 300, AT_ONCE = 20 };
	uint32_t fence[STEPS + AT_ONCE];
	struct vp_pair s = vp_pair(SIZE);

	attach(&s, fence, 0, AT_ONCE);
	for (unsigned int i = 0; i < STEPS; i++) {
		attach(&s, fence, AT_ONCE + i, AT_ONCE + i + 1);
		signal_one(&s, fence, i);
		igt_assert(!writable(&s));
	}
	for (unsigned int i = STEPS; i < STEPS + AT_ONCE; i++) {
		igt_assert(!writable(&s));
		signal_one(&s, fence, i);
	}
	igt_assert(writable(&s));
	vp_fence_signal(s.gpu[0], vp_fence_attach(s.gpu[0], s.handle[0], true));
	vp_pair_end(&s);
}

/* ---- waits that began before the last readers --------------------------- */

#define HELD	20

/* Who asked after 20 readers need not know of the 21st. */
static void held_by_sync_file(unsigned int before)
{
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence[MANY];
	int sync;

	attach(&s, fence, 0, before);
	sync = vp_dmabuf_get_sync(s.dmabuf, DMA_BUF_SYNC_WRITE);
	attach(&s, fence, before, before + 1);
	for (unsigned int i = 0; i < before; i++) {
		igt_assert_eq(vp_sync_state(sync), 0);
		signal_one(&s, fence, i);
	}
	igt_assert_eq(vp_sync_state(sync), 1);
	igt_assert(!writable(&s));
	signal_one(&s, fence, before);
	igt_assert(writable(&s));
	close(sync);
	vp_pair_end(&s);
}

/* Each gets what there was when he asked, and the last all of it. */
static void held_by_many(void)
{
	enum { SYNCS = MANY / 4 };
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence[MANY];
	int sync[SYNCS];

	for (unsigned int i = 0; i < SYNCS; i++) {
		attach(&s, fence, 4 * i, 4 * i + 4);
		sync[i] = vp_dmabuf_get_sync(s.dmabuf, DMA_BUF_SYNC_WRITE);
	}
	for (unsigned int i = 0; i < SYNCS; i++) {
		for (unsigned int j = 4 * i; j < 4 * i + 4; j++) {
			igt_assert_eq(vp_sync_state(sync[i]), 0);
			signal_one(&s, fence, j);
		}
		igt_assert_eq(vp_sync_state(sync[i]), 1);
		igt_assert_eq(writable(&s), i == SYNCS - 1);
	}
	for (unsigned int i = 0; i < SYNCS; i++)
		close(sync[i]);
	vp_pair_end(&s);
}

/* A sync_file of the readers that is closed again takes none of them along. */
static void held_for_a_while(void)
{
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence[MANY];

	for (unsigned int i = 0; i < MANY; i++) {
		attach(&s, fence, i, i + 1);
		close(vp_dmabuf_get_sync(s.dmabuf, DMA_BUF_SYNC_WRITE));
	}
	signal_all(&s, fence, 0, MANY - 1);
	igt_assert(!writable(&s));
	signal_one(&s, fence, MANY - 1);
	igt_assert(writable(&s));
	vp_pair_end(&s);
}

/* The same for a process that waits. */
static void held_by_waiter(void)
{
	struct vp_pair s = vp_pair(SIZE);
	struct vp_doer writer;
	uint32_t fence[MANY];

	attach(&s, fence, 0, HELD);
	writer = vp_do(try_write, &s);
	vp_assert_waits(&writer);
	signal_all(&s, fence, 0, HELD / 2);
	vp_assert_waits(&writer);
	attach(&s, fence, HELD, HELD + 1);
	igt_assert(vp_doing(&writer, BLOCKED_MS));
	signal_all(&s, fence, HELD / 2, HELD);
	igt_assert_eq(vp_done(&writer), 0);
	igt_assert(!writable(&s));
	signal_one(&s, fence, HELD);
	igt_assert(writable(&s));
	vp_pair_end(&s);
}

static int try_poll(void *data)
{
	const struct vp_pair *s = data;

	return vp_poll(s->dmabuf, POLLOUT, VP_PATIENCE_MS);
}

/*
 * poll(2) on the file looks again at whatever there is by then; it must be told
 * each time that something it has waited for is over.
 */
static void polled(void)
{
	struct vp_pair s = vp_pair(SIZE);
	struct vp_doer poller;
	uint32_t fence[MANY];

	attach(&s, fence, 0, HELD);
	poller = vp_do(try_poll, &s);
	igt_assert(vp_doing(&poller, BLOCKED_MS));
	attach(&s, fence, HELD, 2 * HELD);
	signal_all(&s, fence, 0, HELD);
	igt_assert(vp_doing(&poller, BLOCKED_MS));
	signal_all(&s, fence, HELD, 2 * HELD);
	igt_assert_eq(vp_done(&poller), POLLOUT);
	vp_pair_end(&s);
}

/* ---- errors ------------------------------------------------------------- */

/* A reader in a process of its own, which is killed: alone, and among others. */
static void killed_reader(unsigned int others)
{
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence[MANY];
	pid_t reader;
	int sync;

	attach(&s, fence, 0, others);
	reader = vp_start_fences(1, s.dmabuf, false, 1);
	sync = vp_dmabuf_get_sync(s.dmabuf, DMA_BUF_SYNC_WRITE);
	vp_kill(reader);
	igt_assert_eq(vp_sync_state(sync), others ? 0 : -ECANCELED);
	signal_all(&s, fence, 0, others);
	igt_assert_eq(vp_poll(sync, POLLIN, VP_PATIENCE_MS), POLLIN);
	igt_assert_eq(vp_sync_state(sync), -ECANCELED);
	igt_assert(writable(&s));
	close(sync);
	vp_pair_end(&s);
}

/* Nobody signals any of them. */
static void limit(void)
{
	struct vp_pair s = vp_pair(SIZE);
	/* None may be over before there is a sync_file of them all. */
	int hung = vp_config_open("hung", "fence_timeout_ms=10000"), sync;
	uint32_t handle = vp_import(hung, s.dmabuf), fence[HELD];
	unsigned int i;

	for (i = 0; i < HELD; i++)
		fence[i] = vp_fence_attach(hung, handle, false);
	sync = vp_dmabuf_get_sync(s.dmabuf, DMA_BUF_SYNC_WRITE);
	/* A sync_file of many learns of errors only when somebody waits. */
	igt_assert_eq(vp_poll(sync, POLLIN, VP_PATIENCE_MS), POLLIN);
	igt_assert_eq(vp_sync_state(sync), -ETIMEDOUT);
	igt_assert_eq(try_write(&s), 0);
	igt_assert(writable(&s));
	for (i = 0; i < HELD; i++)
		igt_assert_eq(vp_try_fence_signal(hung, fence[i], 0),
			      -ETIMEDOUT);
	close(sync);
	close(hung);
	vp_pair_end(&s);
	vp_config_remove("hung");
}

/* ---- all at once -------------------------------------------------------- */

#define READERS	3
#define WRITERS	2
#define RACERS	(READERS + WRITERS)
#define RACE_ROUNDS	30

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Up to 40 fences at a time, signalled in whatever order; some are awaited. */
static void race_reader(struct vp_race *race, int dmabuf, unsigned int index)
{
	int gpu = vp_open(index % 2);
	uint32_t handle = vp_import(gpu, dmabuf), fence[40], random = index;

	while (!race->stop) {
		unsigned int count = next_random(&random) % 40 + 1, got = 0;
		int sync = -1, ret;

		while (got < count) {
			ret = vp_try_fence_attach(gpu, handle, 0, 0,
						  &fence[got]);
			if (ret == -EBUSY)
				break;
			igt_assert_eq(ret, 0);
			got++;
			if (got == count / 2 + 1)
				sync = vp_dmabuf_get_sync(dmabuf,
							  DMA_BUF_SYNC_WRITE);
		}
		for (unsigned int left = got; left; left--) {
			unsigned int i = next_random(&random) % left;

			vp_fence_signal(gpu, fence[i]);
			fence[i] = fence[left - 1];
		}
		if (sync >= 0) {
			/* The others' are signalled as well. */
			igt_assert_eq(vp_poll(sync, POLLIN, VP_PATIENCE_MS), POLLIN);
			igt_assert_eq(vp_sync_state(sync), 1);
			close(sync);
		}
		race->rounds[index]++;
	}
	close(gpu);
}

/* While it has its fence on the buffer, it is the only one. */
static void race_writer(struct vp_race *race, int dmabuf, unsigned int index)
{
	int gpu = vp_open(index % 2), other = vp_open((index + 1) % 2), ret;
	uint32_t handle = vp_import(gpu, dmabuf), fence, theirs;

	theirs = vp_import(other, dmabuf);
	while (!race->stop) {
		ret = vp_try_wait(gpu, handle, DRM_VPRIME_WAIT_WRITE,
				  vp_in_ms(VP_PATIENCE_MS));
		igt_assert_eq(ret, 0);
		ret = vp_try_fence_attach(gpu, handle, DRM_VPRIME_FENCE_WRITE,
					  0, &fence);
		if (!ret) {
			igt_assert_eq(vp_try_fence_attach(other, theirs, 0, 0,
							  NULL), -EBUSY);
			igt_assert(!vp_idle(other, theirs, false));
			vp_fence_signal(gpu, fence);
		} else {
			igt_assert_eq(ret, -EBUSY);
		}
		race->rounds[index]++;
	}
	close(gpu);
	close(other);
}

static void race(void)
{
	struct vp_race *race = vp_race_begin();
	struct vp_pair s = vp_pair(SIZE);

	igt_fork(child, READERS)
		race_reader(race, s.dmabuf, (unsigned int)child);
	igt_fork(child, WRITERS)
		race_writer(race, s.dmabuf, READERS + (unsigned int)child);
	vp_race_wait(race, RACERS, RACE_ROUNDS);
	race->stop = true;
	igt_waitchildren();
	igt_assert(writable(&s));
	igt_assert_eq(vp_watch(s.id)->fences, 0);
	for (unsigned int i = 0; i < RACERS; i++)
		igt_info("%s %u: %u rounds\n", i < READERS ? "reader" : "writer",
			 i, race->rounds[i]);
	vp_race_end(race);
	vp_pair_end(&s);
}

igt_main
{
	igt_describe("A writer waits for 4 readers, in each of the 24 orders that they can end in");
	vp_subtest("every-order")
		every_order();

	igt_describe("1, 8, 20 and 100 readers that end in the order they came in");
	vp_subtest("crowd-forwards")
		crowd(FORWARDS);

	igt_describe("1, 8, 20 and 100 readers, the last one first");
	vp_subtest("crowd-backwards")
		crowd(BACKWARDS);

	igt_describe("1, 8, 20 and 100 readers in any order");
	vp_subtest("crowd-mixed")
		crowd(MIXED);

	igt_describe("1, 8, 20 and 100 readers, the later half of them first");
	vp_subtest("crowd-from-the-middle")
		crowd(FROM_THE_MIDDLE);

	igt_describe("New readers come while the old ones go, and a writer waits for the last");
	vp_subtest("rolling")
		rolling();

	igt_describe("A sync_file of 20 readers does not wait for the 21st");
	vp_subtest("held-by-sync-file")
		held_by_sync_file(HELD);

	igt_describe("25 sync_files, each of 4 readers more, each signal after theirs");
	vp_subtest("held-by-many")
		held_by_many();

	igt_describe("100 readers with a sync_file made and closed after each");
	vp_subtest("held-for-a-while")
		held_for_a_while();

	igt_describe("A process that waits for 20 readers does not wait for the 21st");
	vp_subtest("held-by-waiter")
		held_by_waiter();

	igt_describe("Who polls the buffer's file hears of the last reader's end");
	vp_subtest("polled")
		polled();

	igt_describe("A reader that is killed leaves its error in the sync_file");
	vp_subtest("killed-alone")
		killed_reader(0);

	igt_describe("The same when it was one of four");
	vp_subtest("killed-among-few")
		killed_reader(3);

	igt_describe("The same when it was one of 21");
	vp_subtest("killed-among-many")
		killed_reader(HELD);

	igt_describe("A crowd that nobody signals is over when it is too old");
	vp_subtest("limit")
		limit();

	igt_describe("Readers and writers in five processes, none in another's way for ever");
	vp_subtest("race")
		race();
}
