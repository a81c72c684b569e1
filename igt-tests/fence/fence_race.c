// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fence is to signal for two reasons at the same moment: its maker says so, and
 * the limit comes, its file is closed, its timeline destroyed, its GPU
 * unplugged. One of the two has signalled it, what the ioctl returns and what the
 * fence says agree, and no fence is forgotten.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_duel.h"
#include "vp_sync.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Two reasons to signal, at the same moment");

#define ROUNDS	300
#define MS	1000000ll

/* What the thread of a duel does its work with. */
struct work {
	struct vp_duel *duel;
	int gpu;
	uint32_t timeline, handle, fence;
	uint64_t seqno;
	struct drm_vprime_fence_create *arg;
	int dmabuf, sync;
	int error;
	int ret;
};

/* On the heap, for the thread lives on when an assertion ends the subtest. */
static struct work *start(void (*job)(void *data))
{
	struct work *work = calloc(1, sizeof(*work));

	igt_assert(work);
	work->duel = vp_duel_start(job, work);
	return work;
}

static void end(struct work *work)
{
	vp_duel_end(work->duel);
	free(work);
}

static void signal_timeline(void *data)
{
	struct work *work = data;

	work->ret = vp_try_timeline_signal(work->gpu, work->timeline,
					   work->seqno, work->error);
}

static void signal_fence(void *data)
{
	struct work *work = data;

	work->ret = vp_try_fence_signal(work->gpu, work->fence, 0);
}

static void make_fence(void *data)
{
	struct work *work = data;

	work->sync = vp_try_fence(work->gpu, work->timeline, 0, 0, NULL);
	work->ret = work->sync < 0 ? work->sync : 0;
}

static void attach_fence(void *data)
{
	struct work *work = data;

	work->ret = vp_try_fence_attach(work->gpu, work->handle,
					DRM_VPRIME_FENCE_WRITE, 0,
					&work->fence);
}

/* It has signalled already: this is not asked of one that may be late. */
static int state_now(int sync)
{
	int state = vp_sync_state(sync);

	igt_assert_eq(vp_poll(sync, POLLIN, 0), state ? POLLIN : 0);
	return state;
}

/* How often it was one, how often the other. */
struct score {
	int signalled, other;
};

static void count(struct score *score, int ret)
{
	if (ret)
		score->other++;
	else
		score->signalled++;
}

static void report(const struct score *score, const char *other)
{
	igt_info("%d times the signal was first, %d times %s\n",
		 score->signalled, score->other, other);
}

/*
 * The limit is 4 ms, and the signal is aimed at it: a little later whenever it
 * was too early, a little earlier when it was too late.
 */
static void limit(bool on_buffer)
{
	enum { LIMIT_MS = 4, LIMIT_ROUNDS = 500 };
	int gpu = vp_config_open("hasty", "fence_timeout_ms=4"), dmabuf, sync;
	uint32_t timeline = vp_timeline(gpu, "render"), handle, fence = 0;
	int64_t aim = LIMIT_MS * MS, made;
	struct score score = {};
	int ret;

	handle = vp_create(gpu, VP_PAGE);
	dmabuf = vp_export(gpu, handle);
	for (uint64_t round = 1; round <= LIMIT_ROUNDS; round++) {
		made = vp_now_ns();
		if (on_buffer) {
			fence = vp_fence_attach(gpu, handle, true);
			sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
		} else {
			sync = vp_fence(gpu, timeline, NULL);
		}
		vp_spin(made + aim - vp_now_ns());
		ret = on_buffer ? vp_try_fence_signal(gpu, fence, 0) :
				  vp_try_timeline_signal(gpu, timeline, round,
							 -EIO);
		igt_assert(ret == 0 || ret == -ETIMEDOUT);
		/* It had expired before there was a sync_file of it. */
		if (on_buffer && ret && vp_sync_count(sync) == 1 &&
		    vp_sync_state(sync) == 1)
			ret = -ETIMEDOUT;
		else
			igt_assert_eq(state_now(sync),
				      ret ? -ETIMEDOUT :
				      on_buffer ? 1 : -EIO);
		count(&score, ret);
		aim += ret ? -MS / 8 : MS / 8;
		close(sync);
	}
	report(&score, "the limit");
	close(dmabuf);
	close(gpu);
	vp_config_remove("hasty");
}

/* Many fences at once, that take longer to signal than the limit is wide. */
static void limit_of_many(void)
{
	enum { MANY = 600, MANY_ROUNDS = 20 };
	int gpu = vp_config_open("hasty", "fence_timeout_ms=200"), last;
	uint32_t timeline = vp_timeline(gpu, "render");
	int64_t aim = 200 * MS, made;
	struct score score = {};
	uint64_t seqno = 0;
	int ret;

	for (int round = 0; round < MANY_ROUNDS; round++) {
		made = vp_now_ns();
		for (int i = 0; i < MANY - 1; i++)
			close(vp_fence(gpu, timeline, NULL));
		last = vp_fence(gpu, timeline, &seqno);
		vp_spin(made + aim - vp_now_ns());
		ret = vp_try_timeline_signal(gpu, timeline, seqno, 0);
		igt_assert(ret == 0 || ret == -ETIMEDOUT);
		igt_assert_eq(state_now(last), ret ? -ETIMEDOUT : 1);
		count(&score, ret);
		aim += ret ? -5 * MS : 5 * MS;
		close(last);
	}
	report(&score, "the limit");
	close(gpu);
	vp_config_remove("hasty");
}

/* The file is closed by another thread; it is its only descriptor. */
static void file_closed(void (*job)(void *data))
{
	bool on_buffer = job == signal_fence;
	struct work *work = start(job);
	struct score score = {};
	int other = vp_open(1), sync;
	uint32_t theirs = vp_create(other, VP_PAGE);

	work->dmabuf = vp_export(other, theirs);
	for (int round = 0; round < ROUNDS; round++) {
		work->gpu = vp_open(0);
		if (on_buffer) {
			work->handle = vp_import(work->gpu, work->dmabuf);
			work->fence = vp_fence_attach(work->gpu, work->handle,
						      true);
			sync = vp_dmabuf_get_sync(work->dmabuf,
						  DMA_BUF_SYNC_WRITE);
		} else {
			work->timeline = vp_timeline(work->gpu, "render");
			sync = vp_fence(work->gpu, work->timeline,
					&work->seqno);
		}
		vp_duel_part(work->duel);
		close(work->gpu);
		vp_duel_meet(work->duel, round);
		igt_assert(work->ret == 0 || work->ret == -EBADF);
		igt_assert_eq(state_now(sync), work->ret ? -ECANCELED : 1);
		igt_assert(vp_idle(other, theirs, true));
		count(&score, work->ret);
		close(sync);
	}
	report(&score, "the close");
	close(work->dmabuf);
	close(other);
	end(work);
}

/* The sync_file is closed while its fence signals. */
static void sync_closed(void)
{
	struct work *work = start(signal_timeline);
	struct vp_counts before;

	work->gpu = vp_open(0);
	work->timeline = vp_timeline(work->gpu, "render");
	before = vp_counts();
	for (int round = 0; round < ROUNDS; round++) {
		int sync = vp_fence(work->gpu, work->timeline, &work->seqno);

		/* With what a poll leaves at the fence, in every other round. */
		if (round & 1)
			igt_assert_eq(vp_poll(sync, POLLIN, 0), 0);
		vp_duel_part(work->duel);
		close(sync);
		vp_duel_meet(work->duel, round);
		igt_assert_eq(work->ret, 0);
	}
	vp_assert_counts(&before);
	close(work->gpu);
	end(work);
}

/* The timeline is destroyed while a fence of it signals. */
static void destroyed(void)
{
	struct work *work = start(signal_timeline);
	struct score score = {};
	int gpu = vp_open(0);

	work->gpu = gpu;
	for (int round = 0; round < ROUNDS; round++) {
		int sync[2];

		work->timeline = vp_timeline(gpu, "render");
		sync[0] = vp_fence(gpu, work->timeline, &work->seqno);
		sync[1] = vp_fence(gpu, work->timeline, NULL);
		vp_duel_part(work->duel);
		vp_timeline_destroy(gpu, work->timeline);
		vp_duel_meet(work->duel, round);
		igt_assert_f(work->ret == 0 || work->ret == -ENOENT,
			     "the signal returned %d\n", work->ret);
		igt_assert_eq(state_now(sync[0]), work->ret ? -ECANCELED : 1);
		igt_assert_eq(state_now(sync[1]), -ECANCELED);
		count(&score, work->ret);
		close(sync[0]);
		close(sync[1]);
	}
	report(&score, "the end of the timeline");
	close(gpu);
	end(work);
}

/* It is destroyed while a fence is made on it. */
static void destroyed_while_made(void)
{
	struct work *work = start(make_fence);
	struct score score = {};
	int gpu = vp_open(0);

	work->gpu = gpu;
	for (int round = 0; round < ROUNDS; round++) {
		work->timeline = vp_timeline(gpu, "render");
		vp_duel_part(work->duel);
		vp_timeline_destroy(gpu, work->timeline);
		vp_duel_meet(work->duel, round);
		count(&score, work->ret);
		if (work->ret) {
			igt_assert_eq(work->ret, -ENOENT);
			continue;
		}
		igt_assert_eq(state_now(work->sync), -ECANCELED);
		close(work->sync);
	}
	report(&score, "the end of the timeline");
	close(gpu);
	end(work);
}

/* Two threads destroy it. */
static void destroy_timeline(void *data)
{
	struct work *work = data;

	work->ret = vp_try_timeline_destroy(work->gpu, work->timeline, 0);
}

static void destroyed_twice(void)
{
	struct work *work = start(destroy_timeline);
	struct vp_counts before;
	int gpu = vp_open(0), ret;

	work->gpu = gpu;
	before = vp_counts();
	for (int round = 0; round < ROUNDS; round++) {
		int sync;

		work->timeline = vp_timeline(gpu, "render");
		sync = vp_fence(gpu, work->timeline, NULL);
		vp_duel_part(work->duel);
		ret = vp_try_timeline_destroy(gpu, work->timeline, 0);
		vp_duel_meet(work->duel, round);
		igt_assert(ret == 0 || ret == -ENOENT);
		igt_assert_eq(work->ret, ret ? 0 : -ENOENT);
		igt_assert_eq(state_now(sync), -ECANCELED);
		close(sync);
	}
	vp_assert_counts(&before);
	close(gpu);
	end(work);
}

/* Two threads signal the same fence: one of them does. */
static void signalled_twice(bool on_buffer)
{
	struct work *work = start(on_buffer ? signal_fence : signal_timeline);
	int gpu = vp_open(0), ret, sync = -1;
	int not_again = on_buffer ? -ENOENT : -EALREADY;

	work->gpu = gpu;
	work->error = -EIO;
	work->handle = vp_create(gpu, VP_PAGE);
	work->timeline = vp_timeline(gpu, "render");
	for (int round = 0; round < ROUNDS; round++) {
		if (on_buffer)
			work->fence = vp_fence_attach(gpu, work->handle, true);
		else
			sync = vp_fence(gpu, work->timeline, &work->seqno);
		vp_duel_part(work->duel);
		ret = on_buffer ? vp_try_fence_signal(gpu, work->fence, 0) :
				  vp_try_timeline_signal(gpu, work->timeline,
							 work->seqno, 0);
		vp_duel_meet(work->duel, round);
		igt_assert(ret == 0 || ret == not_again);
		igt_assert_eq(work->ret, ret ? 0 : not_again);
		igt_assert(vp_idle(gpu, work->handle, true));
		if (on_buffer)
			continue;
		igt_assert_eq(state_now(sync), ret ? -EIO : 1);
		close(sync);
	}
	close(gpu);
	end(work);
}

/* A later fence is signalled by another thread, with another error. */
static void signalled_beyond(void)
{
	struct work *work = start(signal_timeline);
	int gpu = vp_open(0), ret, sync[2];
	struct score score = {};
	uint64_t last;

	work->gpu = gpu;
	work->error = -EIO;
	work->timeline = vp_timeline(gpu, "render");
	for (int round = 0; round < ROUNDS; round++) {
		sync[0] = vp_fence(gpu, work->timeline, &work->seqno);
		sync[1] = vp_fence(gpu, work->timeline, &last);
		vp_duel_part(work->duel);
		ret = vp_try_timeline_signal(gpu, work->timeline, last, 0);
		vp_duel_meet(work->duel, round);
		igt_assert_eq(ret, 0);
		igt_assert(work->ret == 0 || work->ret == -EALREADY);
		igt_assert_eq(state_now(sync[0]), work->ret ? 1 : -EIO);
		igt_assert_eq(state_now(sync[1]), 1);
		igt_assert_lte(vp_sync_time(sync[0]), vp_sync_time(sync[1]));
		count(&score, work->ret);
		close(sync[0]);
		close(sync[1]);
	}
	report(&score, "the later fence's");
	close(gpu);
	end(work);
}

/* A fence is made, but the answer cannot be written where it should. */
static void make_unanswered(void *data)
{
	struct work *work = data;

	work->ret = vp_try_ioctl(work->gpu, DRM_IOCTL_VPRIME_FENCE_CREATE, work->arg);
}

/*
 * It is signalled while it is made, with so many before it that this takes longer
 * than the making. Whatever became of it, the next fence is new: its number was
 * not given before, and it signals when it is signalled.
 */
static void unanswered(void)
{
	enum { BEFORE = 600 };
	const int rounds = vp_kernel_is_debug() ? 20 : 100;
	struct work *work = start(make_unanswered);
	uint64_t last = 0, seqno;
	int ret, sync, heard = 0;

	work->arg = mmap(NULL, VP_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	igt_assert(work->arg != MAP_FAILED);
	work->gpu = vp_open(0);
	work->timeline = vp_timeline(work->gpu, "unheard");
	work->arg->timeline = work->timeline;
	igt_assert_eq(mprotect(work->arg, VP_PAGE, PROT_READ), 0);
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < BEFORE; i++)
			close(vp_fence(work->gpu, work->timeline, &last));
		vp_duel_part(work->duel);
		ret = vp_try_timeline_signal(work->gpu, work->timeline, last + 1, 0);
		vp_duel_meet(work->duel, round);
		igt_assert_eq(work->ret, -EFAULT);
		igt_assert(ret == 0 || ret == -ENOENT);
		heard += !ret;

		sync = vp_fence(work->gpu, work->timeline, &seqno);
		/* What could not be told was made, and took a number. */
		igt_assert_eq(seqno, last + 2);
		igt_assert_eq(vp_sync_state(sync), 0);
		igt_assert_eq(vp_try_timeline_signal(work->gpu, work->timeline, seqno, 0), 0);
		igt_assert_eq(vp_sync_state(sync), 1);
		close(sync);
	}
	igt_info("%d of %d were signalled as soon as they were made\n", heard, rounds);
	munmap(work->arg, VP_PAGE);
	close(work->gpu);
	end(work);
}

/* ---- the GPU goes ------------------------------------------------------- */

#define UNPLUGS	40

/* It goes while a fence signals. */
static void unplugged(void (*job)(void *data))
{
	bool on_buffer = job == signal_fence;
	struct work *work = start(job);
	int other = vp_open(0), sync;
	struct score score = {};

	work->handle = vp_create(other, VP_PAGE);
	work->dmabuf = vp_export(other, work->handle);
	for (int round = 0; round < UNPLUGS; round++) {
		int gpu = vp_open(1);

		work->gpu = gpu;
		if (on_buffer) {
			work->fence = vp_fence_attach(gpu,
				vp_import(gpu, work->dmabuf), true);
			sync = vp_dmabuf_get_sync(work->dmabuf,
						  DMA_BUF_SYNC_WRITE);
		} else {
			work->timeline = vp_timeline(gpu, "render");
			sync = vp_fence(gpu, work->timeline, &work->seqno);
		}
		vp_duel_part(work->duel);
		vp_unplug(1);
		vp_duel_meet(work->duel, round);
		igt_assert_f(work->ret == 0 || work->ret == -ENODEV,
			     "the signal returned %d\n", work->ret);
		igt_assert_eq(state_now(sync), work->ret ? -ENODEV : 1);
		igt_assert(vp_idle(other, work->handle, true));
		count(&score, work->ret);
		close(sync);
		close(gpu);
		vp_plug(1);
	}
	report(&score, "the unplugging");
	close(work->dmabuf);
	close(other);
	end(work);
}

/* It goes while a fence is made: nobody shall wait for that one. */
static void unplugged_while_made(bool on_buffer)
{
	struct work *work = start(on_buffer ? attach_fence : make_fence);
	int other = vp_open(0);
	uint32_t theirs = vp_create(other, VP_PAGE);
	struct score score = {};

	work->dmabuf = vp_export(other, theirs);
	for (int round = 0; round < UNPLUGS; round++) {
		int gpu = vp_open(1);

		work->gpu = gpu;
		work->sync = -1;
		work->handle = vp_import(gpu, work->dmabuf);
		work->timeline = vp_timeline(gpu, "render");
		vp_duel_part(work->duel);
		vp_unplug(1);
		vp_duel_meet(work->duel, round);
		igt_assert(work->ret == 0 || work->ret == -ENODEV);
		igt_assert(vp_idle(other, theirs, true));
		if (work->sync >= 0) {
			igt_assert_eq(state_now(work->sync), -ENODEV);
			close(work->sync);
		}
		count(&score, work->ret);
		close(gpu);
		vp_plug(1);
	}
	report(&score, "the unplugging");
	close(work->dmabuf);
	close(other);
	end(work);
}

igt_main
{
	igt_describe("A timeline's fence is signalled when its limit comes");
	vp_subtest("limit")
		limit(false);

	igt_describe("A buffer's fence is signalled when its limit comes");
	vp_subtest("limit-on-buffer")
		limit(true);

	igt_describe("Six hundred fences are signalled when their limit comes");
	vp_subtest("limit-of-many")
		limit_of_many();

	igt_describe("A timeline's fence is signalled when another thread closes the file");
	vp_subtest("file-closed")
		file_closed(signal_timeline);

	igt_describe("A buffer's fence is signalled when another thread closes the file");
	vp_subtest("file-closed-on-buffer")
		file_closed(signal_fence);

	igt_describe("A sync_file is closed while its fence signals");
	vp_subtest("sync-closed")
		sync_closed();

	igt_describe("A timeline is destroyed while a fence of it is signalled");
	vp_subtest("destroyed")
		destroyed();

	igt_describe("A timeline is destroyed while a fence is made on it");
	vp_subtest("destroyed-while-made")
		destroyed_while_made();

	igt_describe("A timeline is destroyed by two threads");
	vp_subtest("destroyed-twice")
		destroyed_twice();

	igt_describe("A timeline's fence is signalled by two threads");
	vp_subtest("signalled-twice")
		signalled_twice(false);

	igt_describe("A buffer's fence is signalled by two threads");
	vp_subtest("signalled-twice-on-buffer")
		signalled_twice(true);

	igt_describe("Two threads signal two fences of a timeline, with different errors");
	vp_subtest("signalled-beyond")
		signalled_beyond();

	igt_describe("Fences whose answer cannot be written are signalled while they are made");
	vp_subtest("unanswered")
		unanswered();

	igt_describe("The GPU is unplugged while a timeline's fence is signalled");
	vp_subtest("unplugged")
		unplugged(signal_timeline);

	igt_describe("The GPU is unplugged while a buffer's fence is signalled");
	vp_subtest("unplugged-on-buffer")
		unplugged(signal_fence);

	igt_describe("The GPU is unplugged while a fence is made on a timeline");
	vp_subtest("unplugged-while-made")
		unplugged_while_made(false);

	igt_describe("The GPU is unplugged while a fence is put on a buffer");
	vp_subtest("unplugged-while-attached")
		unplugged_while_made(true);
}
