// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences that nobody signals do so by themselves, with ETIMEDOUT, when they are
 * as old as the GPU's limit; not before, and in their order.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_sync.h"
#include "vp_syncobj.h"
#include "vp_test.h"
#include "vp_waits.h"

IGT_TEST_DESCRIPTION("The limit of fences that are not signalled");

#define GPU	"hasty"
#define DEVICE	"vprime2"
#define MS	1000000ll

static int open_hasty(unsigned int limit_ms)
{
	char setting[40];
	int gpu;

	snprintf(setting, sizeof(setting), "fence_timeout_ms=%u", limit_ms);
	gpu = vp_config_open(GPU, setting);
	igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS),
		      limit_ms);
	return gpu;
}

static void close_hasty(int gpu)
{
	close(gpu);
	vp_config_remove(GPU);
}

/* It signals with the error; @made is from before it was made. */
static void assert_expires(int sync, int64_t made, int64_t limit_ms)
{
	igt_assert_eq(vp_poll(sync, POLLIN, VP_PATIENCE_MS), POLLIN);
	igt_assert_eq(vp_sync_state(sync), -ETIMEDOUT);
	igt_assert_lte(made + limit_ms * MS, vp_sync_time(sync));
	igt_assert_lte(vp_sync_time(sync), vp_now_ns());
}

static void on_timeline(unsigned int limit_ms)
{
	int gpu = open_hasty(limit_ms), sync[3];
	uint32_t timeline = vp_timeline(gpu, "render");
	int64_t made[3];

	for (int i = 0; i < 3; i++) {
		made[i] = vp_now_ns();
		sync[i] = vp_fence(gpu, timeline, NULL);
		usleep(limit_ms * 300);	/* a third, nearly */
	}
	for (int i = 0; i < 3; i++) {
		assert_expires(sync[i], made[i], limit_ms);
		vp_assert_sync(sync[i], DEVICE, "render", -ETIMEDOUT);
		if (i)
			igt_assert_lte(vp_sync_time(sync[i - 1]),
				       vp_sync_time(sync[i]));
	}
	/* Once for the second one, and those before it; and then no more. */
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 2, 0), -ETIMEDOUT);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 2, 0), -EALREADY);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, 0), -EALREADY);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 3, -EIO),
		      -ETIMEDOUT);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 3, -EIO),
		      -EALREADY);
	for (int i = 0; i < 3; i++) {
		igt_assert_eq(vp_sync_state(sync[i]), -ETIMEDOUT);
		close(sync[i]);
	}
	close_hasty(gpu);
}

/* The timeline goes on after it. */
static void next_fence(void)
{
	int gpu = open_hasty(500), sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	uint64_t seqno;

	for (uint64_t i = 1; i <= 4; i++) {
		int64_t made = vp_now_ns();

		sync = vp_fence(gpu, timeline, &seqno);
		igt_assert_eq(seqno, i);
		if (i & 1) {
			assert_expires(sync, made, 500);
		} else {
			int ret = vp_try_timeline_signal(gpu, timeline, i, 0);

			/* Unless the machine has stood still for long. */
			igt_assert(ret == 0 || ret == -ETIMEDOUT);
			igt_assert_eq(vp_sync_state(sync),
				      ret ? -ETIMEDOUT : 1);
		}
		close(sync);
	}
	close_hasty(gpu);
}

/*
 * A fence on a buffer, and a sync_file with it; another one when the machine has
 * stood still and the first had expired before. @made is from before it was made.
 */
static int sync_on_buffer(int gpu, uint32_t handle, int dmabuf, bool write,
			  uint32_t *fence, int64_t *made)
{
	int64_t end = vp_in_ms(VP_PATIENCE_MS);
	int sync;

	for (;;) {
		*made = vp_now_ns();
		*fence = vp_fence_attach(gpu, handle, write);
		sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
		if (vp_sync_state(sync) != 1)
			return sync;
		igt_assert_lt(vp_now_ns(), end);
		close(sync);
	}
}

/*
 * Whoever is signalled in time is left alone, and those that come after one
 * have all of their own time.
 */
static void own_time(bool on_buffers)
{
	int gpu = open_hasty(2000), sync, dmabuf;
	uint32_t timeline = vp_timeline(gpu, "render"), handle, fence;
	int64_t made;
	int ret;

	handle = vp_create(gpu, VP_PAGE);
	dmabuf = vp_export(gpu, handle);
	for (int round = 0; round < 3; round++) {
		made = vp_now_ns();
		if (on_buffers)
			sync = sync_on_buffer(gpu, handle, dmabuf, true, &fence,
					      &made);
		else
			sync = vp_fence(gpu, timeline, NULL);
		if (round == 2)
			break;
		/* The limit of this one would end within the next one's. */
		ret = on_buffers ? vp_try_fence_signal(gpu, fence, 0) :
				   vp_try_timeline_signal(gpu, timeline,
							  round + 1, 0);
		/* Unless the machine has stood still for long. */
		igt_assert(ret == 0 || ret == -ETIMEDOUT);
		igt_assert_eq(vp_sync_state(sync), ret ? -ETIMEDOUT : 1);
		close(sync);
		usleep(700000);
	}
	assert_expires(sync, made, 2000);
	close(sync);
	close(dmabuf);
	close_hasty(gpu);
}

static void on_buffer(bool write)
{
	int gpu = open_hasty(500), other = vp_open(0), dmabuf, sync;
	uint32_t handle = vp_create(gpu, VP_PAGE), theirs, fence[2];
	int64_t made;

	dmabuf = vp_export(gpu, handle);
	theirs = vp_import(other, dmabuf);
	sync = sync_on_buffer(gpu, handle, dmabuf, write, &fence[0], &made);
	assert_expires(sync, made, 500);
	vp_assert_sync(sync, DEVICE, write ? "write" : "read", -ETIMEDOUT);
	igt_assert(vp_idle(other, theirs, true));
	igt_assert_eq(vp_poll(dmabuf, POLLOUT, 0), POLLOUT);
	/* It is free for the next one, of the same maker or not. */
	fence[1] = vp_fence_attach(gpu, handle, true);
	igt_assert_eq(vp_try_fence_signal(gpu, fence[0], 0), -ETIMEDOUT);
	igt_assert_eq(vp_try_fence_signal(gpu, fence[0], 0), -ENOENT);
	igt_assert_eq(vp_poll(dmabuf, POLLOUT, VP_PATIENCE_MS), POLLOUT);
	vp_fence_signal(other, vp_fence_attach(other, theirs, true));
	igt_assert_eq(vp_try_fence_signal(gpu, fence[1], 0), -ETIMEDOUT);
	close(sync);
	close(dmabuf);
	close(other);
	close_hasty(gpu);
}

/* Twenty readers that share a fence, of two ages. */
static void many_readers(void)
{
	enum { READERS = 20 };
	int gpu = open_hasty(2000), dmabuf, sync;
	uint32_t handle = vp_create(gpu, VP_PAGE), fence[READERS];
	int64_t made = 0;

	dmabuf = vp_export(gpu, handle);
	for (int i = 0; i < READERS; i++) {
		if (i == READERS / 2)
			usleep(700000);
		made = vp_now_ns();
		fence[i] = vp_fence_attach(gpu, handle, false);
	}
	sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
	igt_assert_eq(vp_poll(sync, POLLIN, VP_PATIENCE_MS), POLLIN);
	/* Not before the last of them. */
	igt_assert_lte(made + 2000 * MS, vp_now_ns());
	igt_assert(vp_idle(gpu, handle, true));
	for (int i = 0; i < READERS; i++)
		igt_assert_eq(vp_try_fence_signal(gpu, fence[i], 0),
			      -ETIMEDOUT);
	close(sync);
	close(dmabuf);
	close_hasty(gpu);
}

/* All who wait wake up, each in his way. */
static void wakes(void)
{
	enum { WAITERS = 6 };
	/* Long enough for all of them to be waiting on a slow machine. */
	int gpu = open_hasty(20000), other = vp_open(0), dmabuf, sync, fd;
	uint32_t timeline = vp_timeline(gpu, "render"), handle, syncobj;
	struct vp_remote waiter[WAITERS];
	struct vp_task wait[WAITERS] = {
		{ .run = vp_wait_gem }, { .run = vp_wait_poke },
		{ .run = vp_wait_access, .flags = DMA_BUF_SYNC_READ },
		{ .run = vp_wait_poll, .flags = POLLIN },
		{ .run = vp_wait_epoll, .flags = EPOLLIN },
		{ .run = vp_wait_syncobj },
	};
	const int result[WAITERS] = { 0, 0, 0, POLLIN, EPOLLIN, 0 };

	handle = vp_create(other, VP_PAGE);
	dmabuf = vp_export(other, handle);
	syncobj = vp_syncobj(other, 0);
	for (int i = 0; i < WAITERS; i++) {
		waiter[i] = vp_remote_start("waiter");
		wait[i].handle = handle;
	}
	sync = vp_fence(gpu, timeline, NULL);
	vp_dmabuf_put_sync(dmabuf, sync, DMA_BUF_SYNC_WRITE);
	vp_syncobj_put_sync(other, syncobj, sync);
	fd = vp_syncobj_to_fd(other, syncobj);
	for (int i = 0; i < WAITERS; i++) {
		const int what[WAITERS] = {
			other, other, dmabuf, dmabuf, sync, other,
		};

		wait[i].fd = vp_remote_give(&waiter[i], what[i]);
		if (i == 5)
			wait[i].fd2 = vp_remote_give(&waiter[i], fd);
		vp_remote_block(&waiter[i], &wait[i]);
	}
	close(fd);
	for (int i = 0; i < WAITERS; i++) {
		igt_assert_eq(vp_remote_result(&waiter[i], NULL), result[i]);
		vp_remote_end(&waiter[i]);
	}
	vp_assert_sync(sync, DEVICE, "render", -ETIMEDOUT);
	close(sync);
	close(dmabuf);
	close(other);
	close_hasty(gpu);
}

/* A thousand at once, in their order. */
static void thousand(void)
{
	enum { MANY = 1000, LOOK = 50 };
	int gpu = open_hasty(3000), look[MANY / LOOK], sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	struct vp_counts before = vp_counts();
	int64_t last = 0, made[MANY / LOOK];

	for (int i = 0; i < MANY; i++) {
		int64_t now = vp_now_ns();

		sync = vp_fence(gpu, timeline, NULL);
		if (i % LOOK) {
			close(sync);
			continue;
		}
		look[i / LOOK] = sync;
		made[i / LOOK] = now;
	}
	for (int i = 0; i < MANY / LOOK; i++) {
		assert_expires(look[i], made[i], 3000);
		igt_assert_lte(last, vp_sync_time(look[i]));
		last = vp_sync_time(look[i]);
		close(look[i]);
	}
	vp_await(vp_counts().fences == before.fences);
	close_hasty(gpu);
}

/* Without a word in configfs it is ten seconds, as with vgem. */
static void by_default(void)
{
	int gpu = vp_open(0), sync;
	int64_t made = vp_now_ns();

	igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS), 10000);
	sync = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
	assert_expires(sync, made, 10000);
	close(sync);
	close(gpu);
}

igt_main
{
	igt_describe("Fences of a timeline expire in their order, each with its own time, and say so once");
	vp_subtest("timeline")
		on_timeline(1000);

	igt_describe("The shortest limit there is");
	vp_subtest("timeline-1-ms")
		on_timeline(1);

	igt_describe("A timeline goes on after a fence that has expired");
	vp_subtest("next-fence")
		next_fence();

	igt_describe("A fence has its whole time, whenever the one before it was made");
	vp_subtest("own-time")
		own_time(false);

	igt_describe("The same with fences on a buffer");
	vp_subtest("own-time-on-buffers")
		own_time(true);

	igt_describe("Fences on a buffer expire, and the buffer is free for the next one");
	vp_subtest("buffer") {
		on_buffer(true);
		on_buffer(false);
	}

	igt_describe("Many readers of a buffer expire, and none of them too early");
	vp_subtest("many-readers")
		many_readers();

	igt_describe("Processes that wait in six ways wake up");
	vp_subtest("wakes")
		wakes();

	igt_describe("A thousand fences expire in their order");
	vp_subtest("thousand")
		thousand();

	igt_describe("Without a setting the limit is ten seconds");
	vp_subtest("default")
		by_default();
}
