// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deadlines: by when somebody who waits would like to have a fence. A hint,
 * which arrives at the fence by way of sync_files, merged ones and waits, and is
 * shown in debugfs. SYNC_IOC_SET_DEADLINE exists since Linux 6.4, the flag
 * of syncobj waits since 6.6.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "vp_fences.h"
#include "vp_sw_sync.h"
#include "vp_sync.h"
#include "vp_syncobj.h"
#include "vp_test.h"
#include "vp_waits.h"

IGT_TEST_DESCRIPTION("Deadlines that are hinted to fences");

#define NONE	VP_FENCES_NONE
#define MS	1000000ll

static void require_deadlines(void)
{
	int gpu = vp_open(0), sync, ret;
	bool has_set_deadline;

	sync = vp_fence(gpu, vp_timeline(gpu, "probe"), NULL);
	ret = vp_try_sync_deadline(sync, vp_now_ns(), 0);
	close(sync);
	close(gpu);
	igt_assert_f(!ret || ret == -ENOTTY, "SYNC_IOC_SET_DEADLINE: %d\n",
		     ret);
	has_set_deadline = !ret;
	igt_require_f(has_set_deadline,
		      "this kernel has no SYNC_IOC_SET_DEADLINE\n");
}

/* As the list has it: in ms from when it was read. */
static int64_t listed(const char *timeline, uint64_t seqno)
{
	const struct vp_fences_timeline *line =
		vp_fences_named(timeline, getpid());
	const struct vp_fences_fence *fence;

	igt_assert_f(line, "no timeline \"%s\" of ours\n", timeline);
	fence = vp_fences_find(line, seqno);
	igt_assert_f(fence, "fence %llu of \"%s\" is not pending\n",
		     (unsigned long long)seqno, timeline);
	return fence->deadline_ms;
}

/* @ms is for this absolute time, as good as ms can tell; it was read after @before. */
static void assert_ms(int64_t ms, int64_t ns, int64_t before)
{
	igt_assert_f(ms != NONE, "no deadline\n");
	igt_assert_lte((ns - vp_now_ns()) / MS - 1, ms);
	igt_assert_lte(ms, (ns - before) / MS + 1);
}

/* The fence has this deadline. */
static void assert_deadline(const char *timeline, uint64_t seqno, int64_t ns)
{
	int64_t before = vp_now_ns();

	assert_ms(listed(timeline, seqno), ns, before);
}

static void set(int sync, int64_t ns)
{
	igt_assert_eq(vp_try_sync_deadline(sync, ns, 0), 0);
}

static void earliest(void)
{
	int gpu = vp_open_patient(), sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	int64_t now = vp_now_ns();

	sync = vp_fence(gpu, timeline, NULL);
	igt_assert_eq(listed("render", 1), NONE);
	/* The last time there is is a deadline, too. */
	set(sync, INT64_MAX);
	assert_deadline("render", 1, INT64_MAX);
	set(sync, now + 30000 * MS);
	assert_deadline("render", 1, now + 30000 * MS);
	set(sync, now + 50000 * MS);
	assert_deadline("render", 1, now + 30000 * MS);
	set(sync, now + 40000 * MS);
	assert_deadline("render", 1, now + 30000 * MS);
	set(sync, now + 10000 * MS);
	assert_deadline("render", 1, now + 10000 * MS);
	set(sync, now + 10000 * MS);
	assert_deadline("render", 1, now + 10000 * MS);
	vp_timeline_signal(gpu, timeline, 1);
	close(sync);
	vp_close_patient(gpu);
}

/* It is too late already: the worst case of a wait for a picture. */
static void past(void)
{
	int gpu = vp_open_patient(), sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	int64_t now = vp_now_ns();

	sync = vp_fence(gpu, timeline, NULL);
	set(sync, now);
	assert_deadline("render", 1, now);
	set(sync, now / 2);
	assert_deadline("render", 1, now / 2);
	igt_assert_lt(listed("render", 1), 0);
	/* When the machine was started: a time as any other. */
	set(sync, 0);
	assert_deadline("render", 1, 0);
	/* Nothing but a hint: the fence goes on as it did. */
	igt_assert_eq(vp_sync_state(sync), 0);
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert_eq(vp_sync_state(sync), 1);
	close(sync);
	vp_close_patient(gpu);
}

static void one_fence(void)
{
	int gpu = vp_open_patient(), sync[3];
	uint32_t timeline = vp_timeline(gpu, "render");
	int64_t soon = vp_in_ms(30000);

	for (int i = 0; i < 3; i++)
		sync[i] = vp_fence(gpu, timeline, NULL);
	/* Those before it have to be there sooner still; that is no hint. */
	set(sync[1], soon);
	igt_assert_eq(listed("render", 1), NONE);
	assert_deadline("render", 2, soon);
	igt_assert_eq(listed("render", 3), NONE);
	for (int i = 0; i < 3; i++)
		close(sync[i]);
	/* It stays when the sync_file goes, by which it came. */
	assert_deadline("render", 2, soon);
	vp_close_patient(gpu);
}

static void signalled(void)
{
	int gpu = vp_open(0), sync;
	uint32_t timeline = vp_timeline(gpu, "render");

	sync = vp_fence(gpu, timeline, NULL);
	set(sync, vp_in_ms(1000));
	vp_timeline_signal(gpu, timeline, 1);
	set(sync, vp_in_ms(100));
	igt_assert_eq(vp_sync_state(sync), 1);
	igt_assert(vp_fences_named("render", getpid()));
	igt_assert_eq(vp_fences_named("render", getpid())->pending, 0);
	close(sync);
	close(gpu);
}

static void arguments(void)
{
	int gpu = vp_open_patient(), sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	uint64_t bad[2] = { 1, 1 };

	sync = vp_fence(gpu, timeline, NULL);
	for (uint64_t bit = 1; bit; bit <<= 1)
		igt_assert_eq(vp_try_sync_deadline(sync, 1, bit), -EINVAL);
	igt_assert_eq(vp_try_ioctl(sync, _IOW(SYNC_IOC_MAGIC, 5, bad),
				   (void *)(uintptr_t)8), -EFAULT);
	igt_assert_eq(listed("render", 1), NONE);
	close(sync);
	vp_close_patient(gpu);
}

/* For a sum it is everybody's deadline. */
static void merged(void)
{
	int gpu = vp_open_patient(), sync[2], both;
	uint32_t render = vp_timeline(gpu, "render");
	uint32_t copy = vp_timeline(gpu, "copy");
	int64_t now = vp_now_ns();

	sync[0] = vp_fence(gpu, render, NULL);
	sync[1] = vp_fence(gpu, copy, NULL);
	both = vp_sync_merge(sync[0], sync[1], "both");
	set(sync[0], now + 20000 * MS);
	set(both, now + 30000 * MS);
	assert_deadline("render", 1, now + 20000 * MS);
	assert_deadline("copy", 1, now + 30000 * MS);
	/* One that has signalled is left in peace. */
	vp_timeline_signal(gpu, render, 1);
	set(both, now + 25000 * MS);
	assert_deadline("copy", 1, now + 25000 * MS);
	close(sync[0]);
	close(sync[1]);
	close(both);
	vp_close_patient(gpu);
}

/* By way of a buffer, for a fence of whoever is at it. */
static void buffer(bool write)
{
	int gpu = vp_open_patient(), dmabuf, sync;
	uint32_t handle = vp_create(gpu, VP_PAGE), fence;
	uint64_t id = vp_id(gpu, handle);
	int64_t before, soon;

	dmabuf = vp_export(gpu, handle);
	fence = vp_fence_attach(gpu, handle, write);
	igt_assert_eq(vp_fences_on(id)->deadline_ms, NONE);
	sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
	soon = vp_in_ms(30000);
	set(sync, soon);
	before = vp_now_ns();
	assert_ms(vp_fences_on(id)->deadline_ms, soon, before);
	close(sync);
	vp_fence_signal(gpu, fence);
	close(dmabuf);
	vp_close_patient(gpu);
}

/* So many readers that they share a fence: it is the deadline of each. */
static void many_readers(void)
{
	enum { READERS = 12 };
	int gpu = vp_open_patient(), dmabuf, sync;
	uint32_t handle = vp_create(gpu, VP_PAGE);
	const struct vp_fences_timeline *line;
	unsigned int seen = 0;
	int64_t soon, before;

	dmabuf = vp_export(gpu, handle);
	for (int i = 0; i < READERS; i++)
		vp_fence_attach(gpu, handle, false);
	sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
	soon = vp_in_ms(30000);
	set(sync, soon);
	before = vp_now_ns();
	line = vp_fences_named("read", getpid());
	igt_assert(line);
	igt_assert_eq(line->pending, READERS);
	for (const struct vp_fences_fence *fence = line->fence; fence;
	     fence = fence->next) {
		assert_ms(fence->deadline_ms, soon, before);
		seen++;
	}
	igt_assert_eq(seen, READERS);
	close(sync);
	close(dmabuf);
	vp_close_patient(gpu);
}

/* As in the kernel's drm.h since 6.6. */
#define WAIT_DEADLINE	(1u << 3)

struct syncobj_wait {
	uint64_t handles;
	int64_t timeout_nsec;
	uint32_t count_handles;
	uint32_t flags;
	uint32_t first_signaled;
	uint32_t pad;
	uint64_t deadline_nsec;
};

/* A wait for a syncobj may bring a deadline along. */
static void syncobj_wait(void)
{
	int gpu = vp_open_patient(), sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t syncobj = vp_syncobj(gpu, 0);
	int64_t soon = vp_in_ms(30000);
	struct syncobj_wait wait = {
		.handles = (uintptr_t)&syncobj, .count_handles = 1,
		.flags = WAIT_DEADLINE, .deadline_nsec = (uint64_t)soon,
	};

	sync = vp_fence(gpu, timeline, NULL);
	vp_syncobj_put_sync(gpu, syncobj, sync);
	close(sync);
	igt_assert_eq(vp_try_ioctl(gpu, DRM_IOWR(0xc3, struct syncobj_wait),
				   &wait), -ETIME);
	assert_deadline("render", 1, soon);
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert(vp_syncobj_done(gpu, syncobj));
	vp_close_patient(gpu);
}

/* sw_sync's fences tell the deadline themselves. */
static void sw_sync(void)
{
	int gpu = vp_open_patient(), line = vp_sw_sync(), sync, ours, both;
	uint32_t timeline = vp_timeline(gpu, "render");
	int64_t now = vp_now_ns();
	uint64_t deadline;

	sync = vp_sw_fence(line, 1);
	ours = vp_fence(gpu, timeline, NULL);
	both = vp_sync_merge(sync, ours, "both");
	igt_assert_eq(vp_try_sw_deadline(line, sync, NULL), -ENOENT);
	set(sync, now + 20000 * MS);
	igt_assert_eq(vp_try_sw_deadline(line, sync, &deadline), 0);
	igt_assert_eq(deadline, now + 20000 * MS);
	set(both, now + 30000 * MS);
	igt_assert_eq(vp_try_sw_deadline(line, sync, &deadline), 0);
	igt_assert_eq(deadline, now + 20000 * MS);
	assert_deadline("render", 1, now + 30000 * MS);
	set(both, now + 10000 * MS);
	igt_assert_eq(vp_try_sw_deadline(line, sync, &deadline), 0);
	igt_assert_eq(deadline, now + 10000 * MS);
	assert_deadline("render", 1, now + 10000 * MS);
	/* Of another timeline, too; and when it has signalled. */
	vp_sw_inc(line, 1);
	close(line);
	line = vp_sw_sync();
	igt_assert_eq(vp_try_sw_deadline(line, sync, &deadline), 0);
	igt_assert_eq(deadline, now + 10000 * MS);
	close(line);
	close(sync);
	close(ours);
	close(both);
	vp_close_patient(gpu);
}

static void without(void)
{
	int gpu = vp_open(0), sync, ret;
	uint32_t timeline = vp_timeline(gpu, "render");

	sync = vp_fence(gpu, timeline, NULL);
	ret = vp_try_sync_deadline(sync, vp_now_ns(), 0);
	if (ret) {
		igt_assert_eq(ret, -ENOTTY);
		igt_assert_eq(listed("render", 1), NONE);
	}
	vp_timeline_signal(gpu, timeline, 1);
	close(sync);
	close(gpu);
}

igt_main
{
	igt_describe("A kernel without deadlines says ENOTTY, and a fence has none");
	vp_subtest("without")
		without();

	igt_describe("Of several deadlines of a fence the earliest is listed");
	vp_subtest("earliest") {
		require_deadlines();
		earliest();
	}

	igt_describe("A deadline in the past is a negative number of milliseconds");
	vp_subtest("past") {
		require_deadlines();
		past();
	}

	igt_describe("A deadline is of one fence, not of its neighbours on the timeline");
	vp_subtest("one-fence") {
		require_deadlines();
		one_fence();
	}

	igt_describe("A deadline comes too late for a fence that has signalled");
	vp_subtest("signalled") {
		require_deadlines();
		signalled();
	}

	igt_describe("Padding is EINVAL, a bad pointer EFAULT, and there is no deadline");
	vp_subtest("arguments") {
		require_deadlines();
		arguments();
	}

	igt_describe("The deadline of a merged sync_file is that of all its fences");
	vp_subtest("merged") {
		require_deadlines();
		merged();
	}

	igt_describe("A deadline reaches a fence that was put on a buffer");
	vp_subtest("buffer") {
		require_deadlines();
		buffer(true);
		buffer(false);
	}

	igt_describe("A deadline reaches each of many readers of a buffer");
	vp_subtest("many-readers") {
		require_deadlines();
		many_readers();
	}

	igt_describe("A deadline comes with the wait for a syncobj");
	vp_subtest("syncobj-wait") {
		require_deadlines();
		syncobj_wait();
	}

	igt_describe("sw_sync tells the earliest deadline, vprime's fences have theirs beside it");
	vp_subtest("sw-sync") {
		require_deadlines();
		sw_sync();
	}
}
