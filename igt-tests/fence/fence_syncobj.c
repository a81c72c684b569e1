// SPDX-License-Identifier: GPL-2.0-only
/*
 * syncobjs of vprime's GPUs, with vprime's fences in them: one fence each, which
 * is put in and taken out as a sync_file. For timelines see fence_timeline.c.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "vp_sync.h"
#include "vp_syncobj.h"
#include "vp_test.h"
#include "vp_waits.h"

IGT_TEST_DESCRIPTION("Binary syncobjs with fences of vprime");

#define ALL_OF	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL
#define SUBMIT	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT
#define COUNT	4
/* More often than a guest stands still in the middle of one wait. */
#define EARLY	20

/* A syncobj with the next fence of a timeline. */
static uint32_t with_fence(int gpu, uint32_t timeline)
{
	uint32_t syncobj = vp_syncobj(gpu, 0);
	int sync = vp_fence(gpu, timeline, NULL);

	vp_syncobj_put_sync(gpu, syncobj, sync);
	close(sync);
	return syncobj;
}

static int try_wait(int gpu, uint32_t syncobj, uint32_t flags)
{
	return vp_try_syncobj_wait(gpu, &syncobj, 1, 0, flags, NULL);
}

static void in_and_out(int error)
{
	int gpu = vp_open(0), sync, out;
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t syncobj = vp_syncobj(gpu, 0);

	igt_assert_eq(try_wait(gpu, syncobj, 0), -EINVAL);
	igt_assert_eq(vp_try_syncobj_get_sync(gpu, syncobj), -EINVAL);
	sync = vp_fence(gpu, timeline, NULL);
	vp_syncobj_put_sync(gpu, syncobj, sync);
	close(sync);
	igt_assert_eq(try_wait(gpu, syncobj, 0), -ETIME);
	out = vp_syncobj_get_sync(gpu, syncobj);
	vp_assert_sync(out, "vprime0", "render", 0);

	/* A wait does not tell how it went; the fence does. */
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, error), 0);
	igt_assert_eq(try_wait(gpu, syncobj, 0), 0);
	vp_assert_sync(out, "vprime0", "render", error ? error : 1);
	close(out);
	out = vp_syncobj_get_sync(gpu, syncobj);
	vp_assert_sync(out, "vprime0", "render", error ? error : 1);
	vp_syncobj_destroy(gpu, syncobj);
	vp_assert_sync(out, "vprime0", "render", error ? error : 1);
	close(out);
	close(gpu);
}

/* What was taken out is that fence, whatever the syncobj has later. */
static void taken_out(void)
{
	int gpu = vp_open(0), first, second;
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t syncobj = with_fence(gpu, timeline);

	first = vp_syncobj_get_sync(gpu, syncobj);
	second = vp_fence(gpu, timeline, NULL);
	vp_syncobj_put_sync(gpu, syncobj, second);
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert(!vp_syncobj_done(gpu, syncobj));
	igt_assert_eq(vp_sync_state(first), 1);
	close(first);

	first = vp_syncobj_get_sync(gpu, syncobj);
	vp_syncobj_signal(gpu, syncobj);
	igt_assert(vp_syncobj_done(gpu, syncobj));
	igt_assert_eq(vp_sync_state(first), 0);
	vp_syncobj_reset(gpu, syncobj);
	igt_assert_eq(try_wait(gpu, syncobj, 0), -EINVAL);
	igt_assert_eq(vp_sync_state(first), 0);
	vp_timeline_signal(gpu, timeline, 2);
	igt_assert_eq(vp_sync_state(first), 1);
	igt_assert_eq(vp_sync_state(second), 1);
	close(first);
	close(second);
	close(gpu);
}

static void created_signalled(void)
{
	int gpu = vp_open(0), out;
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t syncobj = vp_syncobj(gpu, DRM_SYNCOBJ_CREATE_SIGNALED);

	igt_assert(vp_syncobj_done(gpu, syncobj));
	out = vp_fence(gpu, timeline, NULL);
	vp_syncobj_put_sync(gpu, syncobj, out);
	igt_assert(!vp_syncobj_done(gpu, syncobj));
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert(vp_syncobj_done(gpu, syncobj));
	close(out);
	close(gpu);
}

/* The syncobj is all that has the fence, and lets it go. */
static void holds(void)
{
	int gpu = vp_open(0);
	uint32_t timeline = vp_timeline(gpu, "render"), syncobj;
	struct vp_counts before = vp_counts(), more;

	syncobj = with_fence(gpu, timeline);
	vp_timeline_signal(gpu, timeline, 1);
	more = before;
	more.fences++;
	vp_assert_counts(&more);
	vp_syncobj_reset(gpu, syncobj);
	vp_assert_counts(&before);
	vp_syncobj_destroy(gpu, syncobj);
	/* And so does its end. */
	syncobj = with_fence(gpu, timeline);
	vp_timeline_signal(gpu, timeline, 2);
	vp_assert_counts(&more);
	vp_syncobj_destroy(gpu, syncobj);
	vp_assert_counts(&before);
	close(gpu);
}

/* Several at once: the one that has signalled, or all. */
static void several(void)
{
	int gpu = vp_open(0);
	uint32_t timeline[COUNT], syncobj[COUNT], first = UINT32_MAX;

	for (int i = 0; i < COUNT; i++) {
		timeline[i] = vp_timeline(gpu, "render");
		syncobj[i] = with_fence(gpu, timeline[i]);
	}
	igt_assert_eq(vp_try_syncobj_wait(gpu, syncobj, COUNT, 0, 0, &first),
		      -ETIME);
	for (int i = 0; i < COUNT; i++) {
		int next = (i + 2) % COUNT;

		igt_assert_eq(vp_try_syncobj_wait(gpu, syncobj, COUNT, 0,
						  ALL_OF, NULL), -ETIME);
		igt_assert_eq(vp_try_timeline_signal(gpu, timeline[next], 1,
						     i & 1 ? -EIO : 0), 0);
		igt_assert_eq(vp_try_syncobj_wait(gpu, syncobj, COUNT, 0, 0,
						  &first), 0);
		/* The first in the list that has; that is the kernel's way. */
		igt_assert_eq(first, i < 2 ? 2 : 0);
	}
	igt_assert_eq(vp_try_syncobj_wait(gpu, syncobj, COUNT, 0, ALL_OF,
					  NULL), 0);
	/* One without a fence spoils it, unless it is waited for. */
	vp_syncobj_reset(gpu, syncobj[1]);
	igt_assert_eq(vp_try_syncobj_wait(gpu, syncobj, COUNT, 0, ALL_OF,
					  NULL), -EINVAL);
	igt_assert_eq(vp_try_syncobj_wait(gpu, syncobj, COUNT, 0,
					  ALL_OF | SUBMIT, NULL), -ETIME);
	igt_assert_eq(vp_try_syncobj_wait(gpu, syncobj, COUNT, 0, SUBMIT,
					  &first), 0);
	igt_assert_eq(first, 0);
	close(gpu);
}

/*
 * ETIME comes when it is @until_ns, or earlier by as much as the kernel's ticks lag
 * behind its clock; they catch up then, and the rest is waited for another time.
 */
static void wait_until(int gpu, uint32_t syncobj, int64_t until_ns,
		       uint32_t flags)
{
	unsigned int early = 0;

	do
		igt_assert_eq(vp_try_syncobj_wait(gpu, &syncobj, 1, until_ns,
						  flags, NULL), -ETIME);
	while (vp_now_ns() < until_ns && early++ < EARLY);
	igt_assert_lte(early, EARLY);
}

/* It ends when its time has come, and neither before nor never. */
static void until(void)
{
	int gpu = vp_open_patient();
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t syncobj = with_fence(gpu, timeline);

	wait_until(gpu, syncobj, vp_in_ms(200), 0);
	vp_syncobj_reset(gpu, syncobj);
	wait_until(gpu, syncobj, vp_in_ms(200), SUBMIT);
	vp_close_patient(gpu);
}

/* Another process waits for the syncobj, on the same GPU or on another one. */
static struct vp_remote start_waiter(int gpu, uint32_t syncobj,
				     unsigned int there, uint32_t flags)
{
	struct vp_remote waiter = vp_remote_start("waiter");
	struct vp_task wait = { .run = vp_wait_syncobj, .flags = flags };
	int fd = vp_syncobj_to_fd(gpu, syncobj);

	wait.fd = vp_remote_open(&waiter, there);
	wait.fd2 = vp_remote_give(&waiter, fd);
	close(fd);
	vp_remote_block(&waiter, &wait);
	return waiter;
}

static void assert_woken(struct vp_remote *waiter)
{
	igt_assert_eq(vp_remote_result(waiter, NULL), 0);
	vp_remote_end(waiter);
}

static void wakes(int error)
{
	int gpu = vp_open_patient();
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t syncobj = with_fence(gpu, timeline);
	struct vp_remote waiter[3];

	for (unsigned int i = 0; i < 3; i++)
		waiter[i] = start_waiter(gpu, syncobj, i, 0);
	for (int i = 0; i < 3; i++)
		vp_assert_blocked(&waiter[i]);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, error), 0);
	for (int i = 0; i < 3; i++)
		assert_woken(&waiter[i]);
	vp_close_patient(gpu);
}

/* It waits for a fence to come, and then for the fence. */
static void wakes_after_submit(void)
{
	int gpu = vp_open_patient(), sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t syncobj = vp_syncobj(gpu, 0);
	struct vp_remote waiter = start_waiter(gpu, syncobj, 1, SUBMIT);

	vp_assert_blocked(&waiter);
	sync = vp_fence(gpu, timeline, NULL);
	vp_syncobj_put_sync(gpu, syncobj, sync);
	close(sync);
	vp_assert_blocked(&waiter);
	vp_timeline_signal(gpu, timeline, 1);
	assert_woken(&waiter);

	/* A signal from the program is both at once. */
	vp_syncobj_reset(gpu, syncobj);
	waiter = start_waiter(gpu, syncobj, 0, SUBMIT);
	vp_syncobj_signal(gpu, syncobj);
	assert_woken(&waiter);
	vp_close_patient(gpu);
}

/* Who waits has taken the fence: what comes to the syncobj later is nothing. */
static void waits_for_its_fence(void)
{
	int gpu = vp_open_patient();
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t syncobj = with_fence(gpu, timeline);
	struct vp_remote waiter = start_waiter(gpu, syncobj, 1, 0);

	vp_syncobj_reset(gpu, syncobj);
	vp_assert_blocked(&waiter);
	vp_syncobj_signal(gpu, syncobj);
	vp_assert_blocked(&waiter);
	vp_syncobj_destroy(gpu, syncobj);
	vp_assert_blocked(&waiter);
	vp_timeline_signal(gpu, timeline, 1);
	assert_woken(&waiter);
	vp_close_patient(gpu);
}

/* One syncobj of two GPUs, and of two processes. */
static int signal_syncobj(struct vp_task *task)
{
	uint32_t syncobj;
	int ret = vp_try_syncobj_from_fd(task->fd, task->fd2, &syncobj);

	if (ret)
		return ret;
	return task->flags ? vp_try_syncobj_reset(task->fd, &syncobj, 1) :
			     vp_try_syncobj_signal(task->fd, &syncobj, 1);
}

static void shared(void)
{
	int gpu = vp_open(0), gpu1 = vp_open(1), fd, sync;
	struct vp_remote other = vp_remote_start("other");
	struct vp_task task = { .run = signal_syncobj };
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t here = vp_syncobj(gpu, 0), there;

	fd = vp_syncobj_to_fd(gpu, here);
	there = vp_syncobj_from_fd(gpu1, fd);
	sync = vp_fence(gpu, timeline, NULL);
	vp_syncobj_put_sync(gpu1, there, sync);
	close(sync);
	igt_assert(!vp_syncobj_done(gpu, here));
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert(vp_syncobj_done(gpu, here));
	igt_assert(vp_syncobj_done(gpu1, there));
	sync = vp_syncobj_get_sync(gpu1, there);
	vp_assert_sync(sync, "vprime0", "render", 1);
	close(sync);

	task.fd = vp_remote_open(&other, 1);
	task.fd2 = vp_remote_give(&other, fd);
	close(fd);
	task.flags = true;
	igt_assert_eq(vp_remote_do(&other, &task), 0);
	igt_assert_eq(try_wait(gpu, here, 0), -EINVAL);
	igt_assert_eq(try_wait(gpu1, there, 0), -EINVAL);
	task.flags = false;
	igt_assert_eq(vp_remote_do(&other, &task), 0);
	igt_assert(vp_syncobj_done(gpu, here));
	vp_syncobj_destroy(gpu, here);
	igt_assert(vp_syncobj_done(gpu1, there));
	vp_remote_end(&other);
	close(gpu);
	close(gpu1);
}

/* Into a buffer and out of it again. */
static void by_way_of_buffer(void)
{
	int gpu = vp_open(0), gpu1 = vp_open(1), dmabuf, sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t handle = vp_create(gpu, VP_PAGE), theirs;
	uint32_t syncobj = with_fence(gpu, timeline);
	uint32_t last = vp_syncobj(gpu1, 0);

	dmabuf = vp_export(gpu, handle);
	theirs = vp_import(gpu1, dmabuf);
	sync = vp_syncobj_get_sync(gpu, syncobj);
	vp_dmabuf_put_sync(dmabuf, sync, DMA_BUF_SYNC_WRITE);
	close(sync);
	vp_syncobj_destroy(gpu, syncobj);
	igt_assert(!vp_idle(gpu1, theirs, false));
	sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_READ);
	vp_syncobj_put_sync(gpu1, last, sync);
	close(sync);
	igt_assert(!vp_syncobj_done(gpu1, last));
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, -EIO), 0);
	igt_assert(vp_syncobj_done(gpu1, last));
	igt_assert(vp_idle(gpu1, theirs, true));
	sync = vp_syncobj_get_sync(gpu1, last);
	vp_assert_sync(sync, "vprime0", "render", -EIO);
	close(sync);
	close(dmabuf);
	close(gpu);
	close(gpu1);
}

/* A sum of fences, in a syncobj. */
static void merged(void)
{
	int gpu = vp_open(0), one, two, both;
	uint32_t render = vp_timeline(gpu, "render");
	uint32_t copy = vp_timeline(gpu, "copy");
	uint32_t syncobj = vp_syncobj(gpu, 0);

	one = vp_fence(gpu, render, NULL);
	two = vp_fence(gpu, copy, NULL);
	both = vp_sync_merge(one, two, "both");
	vp_syncobj_put_sync(gpu, syncobj, both);
	close(one);
	close(two);
	close(both);
	vp_timeline_signal(gpu, copy, 1);
	igt_assert(!vp_syncobj_done(gpu, syncobj));
	vp_timeline_signal(gpu, render, 1);
	/* It signals a moment later, by an interrupt of its own. */
	igt_assert_eq(vp_try_syncobj_wait(gpu, &syncobj, 1, vp_in_ms(30000), 0,
					  NULL), 0);
	close(gpu);
}

static void bad_arguments(void)
{
	int gpu = vp_open(0), gpu1 = vp_open(1), sync;
	uint32_t timeline = vp_timeline(gpu, "render"), handle = 0;
	uint32_t syncobj = with_fence(gpu, timeline);
	uint32_t list[2] = { syncobj, 4711 };

	sync = vp_fence(gpu, timeline, NULL);
	igt_assert_eq(vp_try_syncobj(gpu, 2, &handle), -EINVAL);
	igt_assert_eq(vp_try_syncobj_destroy(gpu, 4711), -EINVAL);
	/* A handle is its file's. */
	igt_assert_eq(vp_try_syncobj_destroy(gpu1, syncobj), -EINVAL);
	igt_assert_eq(try_wait(gpu1, syncobj, 0), -ENOENT);
	igt_assert_eq(vp_try_syncobj_wait(gpu, list, 2, 0, 0, NULL), -ENOENT);
	igt_assert_eq(try_wait(gpu, syncobj, 0x80000000), -EINVAL);
	igt_assert_eq(vp_try_syncobj_signal(gpu, list, 2), -ENOENT);
	igt_assert_eq(vp_try_syncobj_reset(gpu, list, 2), -ENOENT);
	igt_assert_eq(vp_try_syncobj_signal(gpu, list, 0), -EINVAL);
	igt_assert_eq(vp_try_syncobj_reset(gpu, list, 0), -EINVAL);
	igt_assert_eq(vp_try_syncobj_put_sync(gpu, 4711, sync), -ENOENT);
	igt_assert_eq(vp_try_syncobj_put_sync(gpu, syncobj, gpu), -EINVAL);
	igt_assert_eq(vp_try_syncobj_get_sync(gpu, 4711), -ENOENT);
	igt_assert_eq(vp_try_syncobj_to_fd(gpu, 4711), -EINVAL);
	igt_assert_eq(vp_try_syncobj_from_fd(gpu, sync, &handle), -EINVAL);
	/* All that has left the fence where it was. */
	igt_assert(!vp_syncobj_done(gpu, syncobj));
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert(vp_syncobj_done(gpu, syncobj));
	close(sync);
	close(gpu);
	close(gpu1);
}

/* A GPU that was made without them. */
static void gpu_without(void)
{
	int gpu = vp_config_open("plain", "syncobj=0"), other = vp_open(0);
	uint32_t timeline = vp_timeline(gpu, "render"), handle = 1;
	uint32_t elsewhere = vp_syncobj(other, 0);
	uint64_t point = 1;
	int sync, fd;

	igt_assert_eq(vp_cap(gpu, DRM_CAP_SYNCOBJ), 0);
	igt_assert_eq(vp_cap(gpu, DRM_CAP_SYNCOBJ_TIMELINE), 0);
	fd = vp_syncobj_to_fd(other, elsewhere);
	sync = vp_fence(gpu, timeline, NULL);
	igt_assert_eq(vp_try_syncobj(gpu, 0, &handle), -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_destroy(gpu, 1), -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_to_fd(gpu, 1), -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_from_fd(gpu, fd, &handle), -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_get_sync(gpu, 1), -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_put_sync(gpu, 1, sync), -EOPNOTSUPP);
	igt_assert_eq(try_wait(gpu, 1, 0), -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_signal(gpu, &handle, 1), -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_reset(gpu, &handle, 1), -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_wait_point(gpu, 1, 1, 0, 0), -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_signal_point(gpu, 1, 1), -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_query(gpu, 1, 0, &point), -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_transfer(gpu, 1, 1, 1, 0, 0),
		      -EOPNOTSUPP);
	/* Its fences are as good as any, elsewhere. */
	vp_syncobj_put_sync(other, elsewhere, sync);
	igt_assert(!vp_syncobj_done(other, elsewhere));
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert(vp_syncobj_done(other, elsewhere));
	close(sync);
	close(fd);
	close(other);
	close(gpu);
	vp_config_remove("plain");
}

igt_main
{
	igt_describe("A fence is put into a syncobj, waited for, and taken out");
	vp_subtest("in-and-out")
		in_and_out(0);

	igt_describe("A fence in a syncobj keeps its error");
	vp_subtest("in-and-out-error")
		in_and_out(-EIO);

	igt_describe("A fence that was taken out is not touched by signal, reset and the next one");
	vp_subtest("taken-out")
		taken_out();

	igt_describe("A syncobj made signalled has signalled until it gets a fence");
	vp_subtest("created-signalled")
		created_signalled();

	igt_describe("A syncobj holds its fence, until it is reset or destroyed");
	vp_subtest("holds")
		holds();

	igt_describe("Waiting for any and for all of several syncobjs");
	vp_subtest("several")
		several();

	igt_describe("A wait ends at its time, not before");
	vp_subtest("until")
		until();

	igt_describe("Processes that wait on three GPUs wake up with the fence");
	vp_subtest("wakes")
		wakes(0);

	igt_describe("The same with a fence that has an error");
	vp_subtest("wakes-error")
		wakes(-EIO);

	igt_describe("A process waits for a fence to be submitted, and then for it to signal");
	vp_subtest("wakes-after-submit")
		wakes_after_submit();

	igt_describe("Who waits for a fence goes on when the syncobj gets another one or goes");
	vp_subtest("waits-for-its-fence")
		waits_for_its_fence();

	igt_describe("A syncobj's descriptor is the same syncobj for GPUs and processes");
	vp_subtest("shared")
		shared();

	igt_describe("A fence goes from a syncobj to a buffer, and to another GPU's syncobj");
	vp_subtest("by-way-of-buffer")
		by_way_of_buffer();

	igt_describe("A merged sync_file in a syncobj");
	vp_subtest("merged")
		merged();

	igt_describe("Wrong handles, flags and descriptors are refused, and change nothing");
	vp_subtest("bad-arguments")
		bad_arguments();

	igt_describe("A GPU without syncobjs says EOPNOTSUPP to all of their ioctls");
	vp_subtest("gpu-without")
		gpu_without();
}
