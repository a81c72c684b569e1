// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ends a wait for a buffer with GEM_WAIT, and what does not.
 */
#include <errno.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_doer.h"
#include "vp_fences.h"
#include "vp_pair.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("The end of waiting for a buffer's fences");

#define SIZE		VP_PAGE
#define WAIT_WRITE	DRM_VPRIME_WAIT_WRITE
#define BLOCKED_MS	300

/* Somebody who waits, as a rule with GPU 1. */
struct waiter {
	int gpu;
	uint32_t handle, flags;
	int64_t until_ns;
};

static int try_wait(void *data)
{
	const struct waiter *waiter = data;

	return vp_try_wait(waiter->gpu, waiter->handle, waiter->flags,
			   waiter->until_ns);
}

static struct vp_doer start_waiter(const struct vp_pair *s, uint32_t flags,
				   int64_t until_ns)
{
	struct waiter waiter = { s->gpu[1], s->handle[1], flags, until_ns };

	return vp_do(try_wait, &waiter);
}

/* ---- what ends it ------------------------------------------------------- */

/* It does not mind how it ended, and nobody is left who waits. */
static void assert_woken(struct vp_pair *s, struct vp_doer *waiter)
{
	igt_assert_eq(vp_done(waiter), 0);
	igt_assert_eq(vp_waiters(), 0);
	igt_assert(vp_idle(s->gpu[1], s->handle[1], true));
}

static struct vp_doer waiting(const struct vp_pair *s, bool write)
{
	struct vp_doer waiter = start_waiter(s, write ? 0 : WAIT_WRITE,
					     INT64_MAX);

	vp_assert_waits(&waiter);
	return waiter;
}

static void ended_by_signal(bool write)
{
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], write);
	struct vp_doer waiter = waiting(&s, write);

	vp_fence_signal(s.gpu[0], fence);
	assert_woken(&s, &waiter);
	vp_pair_end(&s);
}

static void ended_by_limit(bool write)
{
	int hung = vp_config_open("hung", "fence_timeout_ms=3000");
	struct vp_pair s = vp_pair(SIZE);
	int64_t due = vp_in_ms(3000);
	struct vp_doer waiter;

	vp_fence_attach(hung, vp_import(hung, s.dmabuf), write);
	waiter = start_waiter(&s, WAIT_WRITE, INT64_MAX);
	assert_woken(&s, &waiter);
	igt_assert_lte(due, vp_now_ns());
	close(hung);
	vp_pair_end(&s);
	vp_config_remove("hung");
}

static void ended_by_kill(bool write)
{
	struct vp_pair s = vp_pair(SIZE);
	pid_t owner = vp_start_fences(0, s.dmabuf, write, 1);
	struct vp_doer waiter = waiting(&s, write);

	vp_kill(owner);
	assert_woken(&s, &waiter);
	vp_pair_end(&s);
}

/* The waiter is an older process, without a copy of the descriptor. */
static void ended_by_close(bool write)
{
	struct vp_pair s = vp_pair(SIZE);
	struct waiter asks = { s.gpu[1], s.handle[1], write ? 0 : WAIT_WRITE,
			       INT64_MAX };
	int sock[2], owner;

	vp_socketpair(sock);
	igt_fork(child, 1) {
		igt_assert_eq(vp_hear(sock[1]), 'w');
		igt_assert_eq(try_wait(&asks), 0);
	}
	owner = vp_open(0);
	vp_fence_attach(owner, vp_import(owner, s.dmabuf), write);
	vp_tell(sock[0], 'w');
	vp_await_waiters(1);
	close(owner);
	igt_waitchildren();
	igt_assert(vp_idle(s.gpu[1], s.handle[1], true));
	close(sock[0]);
	close(sock[1]);
	vp_pair_end(&s);
}

static void ended_by_unplug(bool write)
{
	struct vp_pair s = vp_pair(SIZE);
	struct vp_doer waiter;

	vp_fence_attach(s.gpu[0], s.handle[0], write);
	waiter = waiting(&s, write);
	vp_unplug(0);
	assert_woken(&s, &waiter);
	vp_plug(0);
	vp_pair_end(&s);
}

/* A fence of a timeline may be on a buffer too. */
static void ended_by_timeline(bool destroy)
{
	struct vp_pair s = vp_pair(SIZE);
	uint32_t timeline = vp_timeline(s.gpu[0], "work");
	int sync = vp_fence(s.gpu[0], timeline, NULL);
	struct vp_doer waiter;

	vp_dmabuf_put_sync(s.dmabuf, sync, DMA_BUF_SYNC_WRITE);
	waiter = waiting(&s, true);
	if (destroy)
		vp_timeline_destroy(s.gpu[0], timeline);
	else
		vp_timeline_signal(s.gpu[0], timeline, 1);
	assert_woken(&s, &waiter);
	close(sync);
	vp_pair_end(&s);
}

/*
 * The GPU that waits goes. It does not wait itself until the wait is over, and
 * the wait goes on, for it is not about this GPU.
 */
static void own_gpu_unplugged(void)
{
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);
	struct vp_doer waiter = waiting(&s, true);

	vp_unplug(1);
	igt_assert(!vp_idle(s.gpu[0], s.handle[0], false));
	igt_assert(vp_doing(&waiter, BLOCKED_MS));
	vp_fence_signal(s.gpu[0], fence);
	igt_assert_eq(vp_done(&waiter), 0);
	igt_assert_eq(vp_try_wait(s.gpu[1], s.handle[1], 0, 0), -ENODEV);
	vp_plug(1);
	vp_pair_end(&s);
}

/* The GPU that waits goes, and with it the fence. */
static void only_gpu_unplugged(void)
{
	int gpu = vp_open(0);
	struct waiter asks = { gpu, vp_create(gpu, SIZE), 0, INT64_MAX };
	struct vp_doer waiter;

	vp_fence_attach(gpu, asks.handle, true);
	waiter = vp_do(try_wait, &asks);
	vp_assert_waits(&waiter);
	vp_unplug(0);
	igt_assert_eq(vp_done(&waiter), 0);
	vp_plug(0);
	close(gpu);
}

/* The buffer is there for as long as somebody waits for it. */
static void handle_closed_meanwhile(void)
{
	int gpu = vp_open(0);
	struct waiter asks = { gpu, vp_create(gpu, SIZE), 0, INT64_MAX };
	uint32_t fence = vp_fence_attach(gpu, asks.handle, true);
	struct vp_doer waiter = vp_do(try_wait, &asks);

	vp_assert_waits(&waiter);
	vp_close(gpu, asks.handle);
	igt_assert(vp_doing(&waiter, BLOCKED_MS));
	vp_fence_signal(gpu, fence);
	igt_assert_eq(vp_done(&waiter), 0);
	close(gpu);
}

/* ---- what is waited for ------------------------------------------------- */

/* More of them than the buffer had room for when the wait began. */
static void later_readers(void)
{
	struct vp_pair s = vp_pair(SIZE);
	uint32_t first = vp_fence_attach(s.gpu[0], s.handle[0], false);
	struct vp_doer waiter = waiting(&s, false);
	uint32_t later[30];

	for (size_t i = 0; i < VP_ARRAY_SIZE(later); i++)
		later[i] = vp_fence_attach(s.gpu[0], s.handle[0], false);
	vp_fence_signal(s.gpu[0], first);
	igt_assert_eq(vp_done(&waiter), 0);
	igt_assert(!vp_idle(s.gpu[1], s.handle[1], true));
	for (size_t i = 0; i < VP_ARRAY_SIZE(later); i++)
		vp_fence_signal(s.gpu[0], later[i]);
	vp_pair_end(&s);
}

/* The next job follows at once, before the waiter has had time to look. */
static void later_writer(void)
{
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);

	for (int i = 0; i < 30; i++) {
		struct vp_doer waiter = waiting(&s, true);

		vp_fence_signal(s.gpu[0], fence);
		fence = vp_fence_attach(s.gpu[0], s.handle[0], true);
		igt_assert_eq(vp_done(&waiter), 0);
		igt_assert(!vp_idle(s.gpu[1], s.handle[1], false));
	}
	vp_fence_signal(s.gpu[0], fence);
	vp_pair_end(&s);
}

/* A reader that ends while a writer is waited for changes nothing. */
static void other_ends(void)
{
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence[3];
	struct vp_doer waiter;

	for (int i = 0; i < 3; i++)
		fence[i] = vp_fence_attach(s.gpu[i % 2], s.handle[i % 2],
					   false);
	waiter = waiting(&s, false);
	for (int i = 2; i >= 0; i--) {
		igt_assert(vp_doing(&waiter, BLOCKED_MS));
		vp_fence_signal(s.gpu[i % 2], fence[i]);
	}
	assert_woken(&s, &waiter);
	vp_pair_end(&s);
}

igt_main
{
	igt_describe("A wait ends when the fence is signalled, of a writer");
	vp_subtest("ended-by-signal-write")
		ended_by_signal(true);

	igt_describe("A wait ends when the fence is signalled, of a reader");
	vp_subtest("ended-by-signal-read")
		ended_by_signal(false);

	igt_describe("A wait ends when the fence is too old, of a writer");
	vp_subtest("ended-by-limit-write")
		ended_by_limit(true);

	igt_describe("A wait ends when the fence is too old, of a reader");
	vp_subtest("ended-by-limit-read")
		ended_by_limit(false);

	igt_describe("A wait ends when the fence's maker is killed, a writer");
	vp_subtest("ended-by-kill-write")
		ended_by_kill(true);

	igt_describe("A wait ends when the fence's maker is killed, a reader");
	vp_subtest("ended-by-kill-read")
		ended_by_kill(false);

	igt_describe("A wait ends when the fence's file is closed, of a writer");
	vp_subtest("ended-by-close-write")
		ended_by_close(true);

	igt_describe("A wait ends when the fence's file is closed, of a reader");
	vp_subtest("ended-by-close-read")
		ended_by_close(false);

	igt_describe("A wait ends when the fence's GPU is unplugged, of a writer");
	vp_subtest("ended-by-unplug-write")
		ended_by_unplug(true);

	igt_describe("A wait ends when the fence's GPU is unplugged, of a reader");
	vp_subtest("ended-by-unplug-read")
		ended_by_unplug(false);

	igt_describe("A wait ends when a timeline gets to the fence that is on the buffer");
	vp_subtest("ended-by-timeline")
		ended_by_timeline(false);

	igt_describe("A wait ends when the timeline is destroyed whose fence is on the buffer");
	vp_subtest("ended-by-destroy")
		ended_by_timeline(true);

	igt_describe("The unplugging of the GPU that waits takes no time, and does not end the wait");
	vp_subtest("own-gpu-unplugged")
		own_gpu_unplugged();

	igt_describe("A GPU that waits for its own fence is unplugged");
	vp_subtest("only-gpu-unplugged")
		only_gpu_unplugged();

	igt_describe("The handle is closed while it is waited for");
	vp_subtest("handle-closed-meanwhile")
		handle_closed_meanwhile();

	igt_describe("Readers that come while a writer waits are not waited for");
	vp_subtest("later-readers")
		later_readers();

	igt_describe("A writer that follows the one that was waited for is not waited for");
	vp_subtest("later-writer")
		later_writer();

	igt_describe("The end of one of three readers does not end the wait for all");
	vp_subtest("other-ends")
		other_ends();
}
