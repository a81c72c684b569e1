// SPDX-License-Identifier: GPL-2.0-only
/*
 * How old a fence may get. No time is taken for long here because a machine is
 * slow: what is asserted is that nothing happens too early, and in which order.
 * And not by a few milliseconds: the kernel counts in ticks, which lag behind the
 * clock when the machine, or the one it is emulated on, is busy.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_doer.h"
#include "vp_fences.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("The limit of a fence's life");

#define SIZE		VP_PAGE
#define SHORT		"fence_timeout_ms=400"
#define SHORT_NS	400000000ll
#define EARLIEST_NS	(SHORT_NS / 2)
#define LONG		"fence_timeout_ms=60000"
#define DEFAULT_MS	10000

static void param(void)
{
	static const char *const settings[] = {
		"fence_timeout_ms=1", SHORT, "fence_timeout_ms=10001", LONG,
	};
	static const uint64_t ms[] = { 1, 400, 10001, 60000 };
	int gpu;

	for (unsigned int i = 0; i < VP_DEFAULT_GPUS; i++) {
		gpu = vp_open(i);
		igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS),
			      DEFAULT_MS);
		close(gpu);
	}
	for (size_t i = 0; i < VP_ARRAY_SIZE(settings); i++) {
		gpu = vp_config_open("some", settings[i]);
		igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS),
			      ms[i]);
		close(gpu);
		vp_config_remove("some");
	}
}

static void buffer_fence(bool write)
{
	int gpu = vp_config_open("short", SHORT);
	uint32_t handle = vp_create(gpu, SIZE), fence;

	for (int i = 0; i < 5; i++) {
		int64_t since = vp_now_ns();

		fence = vp_fence_attach(gpu, handle, write);
		igt_assert_eq(vp_try_wait(gpu, handle, DRM_VPRIME_WAIT_WRITE,
					  INT64_MAX), 0);
		igt_assert_lte(EARLIEST_NS, vp_now_ns() - since);
		igt_assert_eq(vp_try_fence_signal(gpu, fence, 0), -ETIMEDOUT);
	}
	close(gpu);
	vp_config_remove("short");
}

static void timeline_fence(void)
{
	int gpu = vp_config_open("short", SHORT), sync;
	uint32_t timeline = vp_timeline(gpu, "short");
	uint64_t seqno;

	for (int i = 0; i < 5; i++) {
		int64_t since = vp_now_ns();

		sync = vp_fence(gpu, timeline, &seqno);
		igt_assert_eq(vp_poll(sync, POLLIN, VP_PATIENCE_MS), POLLIN);
		igt_assert_lte(EARLIEST_NS, vp_now_ns() - since);
		igt_assert_eq(vp_sync_state(sync), -ETIMEDOUT);
		close(sync);
	}
	igt_assert_eq(seqno, 5);
	close(gpu);
	vp_config_remove("short");
}

/* Without a waiter or a reference it goes all the same, and from the list. */
static void unwatched(void)
{
	int gpu = vp_config_open("short", SHORT);
	uint32_t handle = vp_create(gpu, SIZE), fence, timeline;

	fence = vp_fence_attach(gpu, handle, true);
	timeline = vp_timeline(gpu, "unwatched");
	close(vp_fence(gpu, timeline, NULL));
	vp_await(!vp_fences_pending());
	igt_assert_eq(vp_try_fence_signal(gpu, fence, 0), -ETIMEDOUT);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, 0), -ETIMEDOUT);
	igt_assert(vp_idle(gpu, handle, true));
	close(gpu);
	vp_config_remove("short");
}

/* What others do with the buffer meanwhile gives it no more time. */
static void looked_at(void)
{
	int gpu = vp_config_open("short", SHORT);
	uint32_t handle = vp_create(gpu, SIZE), fence;
	int dmabuf = vp_export(gpu, handle);
	int64_t end = vp_in_ms(VP_PATIENCE_MS);

	fence = vp_fence_attach(gpu, handle, true);
	while (!vp_idle(gpu, handle, true)) {
		igt_assert_lt(vp_now_ns(), end);
		vp_poll(dmabuf, POLLIN | POLLOUT, 0);
		close(vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_RW));
		usleep(5000);
	}
	igt_assert_eq(vp_try_fence_signal(gpu, fence, 0), -ETIMEDOUT);
	close(dmabuf);
	close(gpu);
	vp_config_remove("short");
}

/* One that signals in time leaves nothing to happen later. */
static void in_time(void)
{
	int gpu = vp_config_open("short", SHORT), sync;
	uint32_t handle = vp_create(gpu, SIZE), timeline, last = 0;

	timeline = vp_timeline(gpu, "in-time");
	for (uint64_t i = 1; i <= 100; i++) {
		uint32_t fence = vp_fence_attach(gpu, handle, true);
		int ret = vp_try_fence_signal(gpu, fence, 0);

		/* The machine may have been busy. */
		igt_assert(!ret || ret == -ETIMEDOUT);
		last = fence;
		close(vp_fence(gpu, timeline, NULL));
		ret = vp_try_timeline_signal(gpu, timeline, i, 0);
		igt_assert(!ret || ret == -ETIMEDOUT);
	}
	sync = vp_fence(gpu, timeline, NULL);
	if (!vp_try_timeline_signal(gpu, timeline, 101, 0)) {
		usleep(800000);
		igt_assert_eq(vp_sync_state(sync), 1);
		igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 101, 0),
			      -EALREADY);
	}
	igt_assert_eq(vp_try_fence_signal(gpu, last, 0), -ENOENT);
	close(sync);
	close(gpu);
	vp_config_remove("short");
}

/* Each GPU has a limit of its own, also where they share a buffer. */
static void of_each_gpu(void)
{
	int little = vp_config_open("short", "fence_timeout_ms=2000");
	int much = vp_config_open("long", LONG);
	uint32_t ours = vp_create(little, SIZE), theirs, fence[2];
	int dmabuf = vp_export(little, ours);
	int64_t due;

	theirs = vp_import(much, dmabuf);
	fence[1] = vp_fence_attach(much, theirs, false);
	due = vp_in_ms(2000);
	fence[0] = vp_fence_attach(little, ours, false);
	igt_assert(vp_watch(vp_id(little, ours))->n_fence == 2 ||
		   vp_now_ns() >= due);
	vp_await(vp_watch(vp_id(little, ours))->n_fence == 1);
	igt_assert(!vp_idle(little, ours, true));
	igt_assert_eq(vp_try_fence_signal(little, fence[0], 0), -ETIMEDOUT);
	vp_fence_signal(much, fence[1]);
	igt_assert(vp_idle(little, ours, true));
	close(dmabuf);
	close(little);
	close(much);
	vp_config_remove("short");
	vp_config_remove("long");
}

/*
 * One every 10 ms: they go in the order they came, each of them old enough.
 * Only their maker's time is known, before and after.
 */
static void one_after_another(void)
{
	enum { COUNT = 30 };
	int gpu = vp_config_open("short", SHORT), sync[COUNT];
	uint32_t timeline = vp_timeline(gpu, "row");
	int64_t made[COUNT], last = 0;

	for (int i = 0; i < COUNT; i++) {
		made[i] = vp_now_ns();
		sync[i] = vp_fence(gpu, timeline, NULL);
		usleep(10000);
	}
	for (int i = 0; i < COUNT; i++) {
		struct sync_fence_info fence;

		igt_assert_eq(vp_poll(sync[i], POLLIN, VP_PATIENCE_MS), POLLIN);
		vp_sync_info(sync[i], &fence, 1);
		igt_assert_eq(fence.status, -ETIMEDOUT);
		/* CLOCK_MONOTONIC too. */
		igt_assert_lte(made[i] + EARLIEST_NS, (int64_t)fence.timestamp_ns);
		igt_assert_lte(last, (int64_t)fence.timestamp_ns);
		last = (int64_t)fence.timestamp_ns;
	}
	close(gpu);
	for (int i = 0; i < COUNT; i++)
		close(sync[i]);
	vp_config_remove("short");
}

/* What is in the list runs down. */
static void listed(void)
{
	int gpu = vp_config_open("long", LONG);
	uint32_t handle = vp_create(gpu, SIZE), fence;
	int64_t left = 60001, age = -1;

	fence = vp_fence_attach(gpu, handle, true);
	for (int i = 0; i < 3; i++) {
		const struct vp_fences_fence *line =
			vp_fences_on(vp_id(gpu, handle));

		igt_assert(line);
		igt_assert_lt(line->left_ms, left);
		igt_assert_lt(age, (int64_t)line->age_ms);
		left = line->left_ms;
		age = (int64_t)line->age_ms;
		/* Each is rounded to the kernel's ticks. */
		igt_assert_lte(59980, left + age);
		igt_assert_lte(left + age, 60020);
		usleep(50000);
	}
	vp_fence_signal(gpu, fence);
	close(gpu);
	vp_config_remove("long");
}

igt_main
{
	igt_describe("A GPU says what its limit is: 10 seconds, or what configfs was told");
	vp_subtest("param")
		param();

	igt_describe("A writer's fence on a buffer signals when it is as old as the limit, not much earlier");
	vp_subtest("buffer-write")
		buffer_fence(true);

	igt_describe("A reader's fence likewise");
	vp_subtest("buffer-read")
		buffer_fence(false);

	igt_describe("A timeline's fence likewise");
	vp_subtest("timeline")
		timeline_fence();

	igt_describe("Fences that nobody looks at signal too");
	vp_subtest("unwatched")
		unwatched();

	igt_describe("Looking at a fence gives it no more time");
	vp_subtest("looked-at")
		looked_at();

	igt_describe("A fence that was signalled in time stays as it was");
	vp_subtest("in-time")
		in_time();

	igt_describe("GPUs with two seconds and with a minute share a buffer");
	vp_subtest("of-each-gpu")
		of_each_gpu();

	igt_describe("Thirty fences of a timeline, each in its own time");
	vp_subtest("one-after-another")
		one_after_another();

	igt_describe("The list says how old a fence is and how much is left");
	vp_subtest("listed")
		listed();
}
