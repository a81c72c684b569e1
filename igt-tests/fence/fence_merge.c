// SPDX-License-Identifier: GPL-2.0-only
/*
 * sync_files that are merged from others: what is in them, and when they signal.
 *
 * The merging is the kernel's. It keeps of each timeline the last fence only,
 * which is right when the fences of a timeline signal in their order, and drops
 * fences that have signalled already, with their errors.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_sync.h"
#include "vp_test.h"
#include "vp_waits.h"

IGT_TEST_DESCRIPTION("Merging sync_files with fences of vprime");

#define MANY	64
#define WAKE_MS	30000

/*
 * Signalled, in whole. A merged one does so a moment after its last fence, by
 * an interrupt of its own, when it is being waited for.
 */
static void assert_ready(int sync)
{
	igt_assert_eq(vp_poll(sync, POLLIN, WAKE_MS), POLLIN);
}

static void assert_pending(int sync)
{
	igt_assert_eq(vp_poll(sync, POLLIN, 0), 0);
	igt_assert_eq(vp_sync_state(sync), 0);
}

static void same_timeline(void)
{
	int gpu = vp_open(0), first, second, third, merged;
	uint32_t timeline = vp_timeline(gpu, "render");

	first = vp_fence(gpu, timeline, NULL);
	second = vp_fence(gpu, timeline, NULL);
	third = vp_fence(gpu, timeline, NULL);
	/* The later one stands for both, in whatever order they are named. */
	for (int swap = 0; swap < 2; swap++) {
		merged = swap ? vp_sync_merge(second, first, "both") :
				vp_sync_merge(first, second, "both");
		vp_assert_sync(merged, "vprime0", "render", 0);
		if (!swap) {
			close(merged);
			continue;
		}
		vp_timeline_signal(gpu, timeline, 1);
		assert_pending(merged);
		vp_timeline_signal(gpu, timeline, 2);
		assert_ready(merged);
		vp_assert_sync(merged, "vprime0", "render", 1);
		igt_assert_eq(vp_sync_time(merged), vp_sync_time(second));
		close(merged);
	}
	assert_pending(third);
	close(first);
	close(second);
	close(third);
	close(gpu);
}

static void with_itself(void)
{
	int gpu = vp_open(0), sync, merged;
	uint32_t timeline = vp_timeline(gpu, "render");

	sync = vp_fence(gpu, timeline, NULL);
	merged = vp_sync_merge(sync, sync, "itself");
	close(sync);
	vp_assert_sync(merged, "vprime0", "render", 0);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, -EIO), 0);
	vp_assert_sync(merged, "vprime0", "render", -EIO);
	close(merged);
	close(gpu);
}

/* Two of one GPU, or of two; signalled in one order or the other. */
static void two_timelines(bool two_gpus, bool first_first)
{
	const char *device = two_gpus ? "vprime1" : "vprime0";
	int gpu[2] = { vp_open(0), vp_open(two_gpus) }, sync[2], merged;
	uint32_t timeline[2] = {
		vp_timeline(gpu[0], "render"), vp_timeline(gpu[1], "copy"),
	};
	struct vp_sync info;
	int now = !first_first;

	for (int i = 0; i < 2; i++)
		sync[i] = vp_fence(gpu[i], timeline[i], NULL);
	merged = vp_sync_merge(sync[0], sync[1], "both of them");
	vp_sync_read(merged, &info);
	igt_assert_eq(strcmp(info.name, "both of them"), 0);
	vp_assert_fences(&info, VP_FENCE("vprime0", "render", 0),
			 VP_FENCE(device, "copy", 0));
	assert_pending(merged);

	vp_timeline_signal(gpu[now], timeline[now], 1);
	assert_pending(merged);
	vp_sync_read(merged, &info);
	igt_assert_eq(info.status, 0);
	vp_assert_fences(&info, VP_FENCE("vprime0", "render", !now),
			 VP_FENCE(device, "copy", now));

	vp_timeline_signal(gpu[!now], timeline[!now], 1);
	assert_ready(merged);
	igt_assert_eq(vp_sync_state(merged), 1);
	vp_sync_read(merged, &info);
	igt_assert_eq(info.status, 1);
	vp_assert_fences(&info,
			 VP_FENCE("vprime0", "render", 1,
				  .timestamp_ns = vp_sync_time(sync[0])),
			 VP_FENCE(device, "copy", 1,
				  .timestamp_ns = vp_sync_time(sync[1])));
	close(sync[0]);
	close(sync[1]);
	close(merged);
	close(gpu[0]);
	close(gpu[1]);
}

/* vgem's fences come through a buffer of its own. */
static void with_vgem(void)
{
	int gpu = vp_open(0), vgem, dmabuf, sync, theirs, merged;
	uint32_t timeline = vp_timeline(gpu, "render"), fence;
	struct vp_sync info;
	struct vp_dumb dumb;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	dmabuf = vp_export(vgem, dumb.handle);
	for (int ours_first = 0; ours_first < 2; ours_first++) {
		fence = vp_fence_attach(vgem, dumb.handle, true);
		theirs = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_RW);
		vp_assert_sync(theirs, "vgem", "unbound", 0);
		sync = vp_fence(gpu, timeline, NULL);
		merged = vp_sync_merge(theirs, sync, "mixed");
		close(theirs);
		close(sync);
		assert_pending(merged);
		vp_sync_read(merged, &info);
		vp_assert_fences(&info, VP_FENCE("vprime0", "render", 0),
				 VP_FENCE("vgem", "unbound", 0));

		if (ours_first)
			vp_timeline_signal(gpu, timeline, 2);
		else
			vp_fence_signal(vgem, fence);
		assert_pending(merged);
		if (ours_first)
			vp_fence_signal(vgem, fence);
		else
			vp_timeline_signal(gpu, timeline, 1);
		assert_ready(merged);
		vp_sync_read(merged, &info);
		igt_assert_eq(info.status, 1);
		close(merged);
	}
	close(dmabuf);
	close(vgem);
	close(gpu);
	vp_unload_foreign("vgem");
}

/* One of two fails; the sum is its error, told by each way to ask. */
static void error_of_one(bool first_fails)
{
	int gpu = vp_open(0), sync[2], merged;
	uint32_t timeline[2] = {
		vp_timeline(gpu, "render"), vp_timeline(gpu, "copy"),
	};
	struct vp_sync info;

	for (int i = 0; i < 2; i++)
		sync[i] = vp_fence(gpu, timeline[i], NULL);
	merged = vp_sync_merge(sync[0], sync[1], "both");
	/* The kernel sums the errors up for who waits already, by poll here. */
	assert_pending(merged);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline[!first_fails], 1,
					     -EIO), 0);
	vp_sync_read(merged, &info);
	vp_assert_fences(&info,
			 VP_FENCE("vprime0", "render", first_fails ? -EIO : 0),
			 VP_FENCE("vprime0", "copy", first_fails ? 0 : -EIO));
	/* Not ready yet, in spite of the error. */
	assert_pending(merged);
	vp_timeline_signal(gpu, timeline[first_fails], 1);
	assert_ready(merged);
	igt_assert_eq(vp_sync_state(merged), -EIO);
	vp_sync_read(merged, &info);
	igt_assert_eq(info.status, -EIO);
	vp_assert_fences(&info,
			 VP_FENCE("vprime0", "render", first_fails ? -EIO : 1),
			 VP_FENCE("vprime0", "copy", first_fails ? 1 : -EIO));
	close(merged);
	close(sync[0]);
	close(sync[1]);
	close(gpu);
}

/* What has signalled is left out, with its error. */
static void with_signalled(void)
{
	int gpu = vp_open(0), done, failed, pending, merged;
	uint32_t timeline[3] = {
		vp_timeline(gpu, "done"), vp_timeline(gpu, "failed"),
		vp_timeline(gpu, "pending"),
	};

	done = vp_fence(gpu, timeline[0], NULL);
	failed = vp_fence(gpu, timeline[1], NULL);
	pending = vp_fence(gpu, timeline[2], NULL);
	vp_timeline_signal(gpu, timeline[0], 1);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline[1], 1, -EIO), 0);

	merged = vp_sync_merge(done, pending, "rest");
	vp_assert_sync(merged, "vprime0", "pending", 0);
	close(merged);
	merged = vp_sync_merge(pending, failed, "rest");
	vp_assert_sync(merged, "vprime0", "pending", 0);
	vp_timeline_signal(gpu, timeline[2], 1);
	vp_assert_sync(merged, "vprime0", "pending", 1);
	close(merged);

	/* Nothing is left: one of the kernel's own, done when the last one was. */
	merged = vp_sync_merge(done, failed, "nothing");
	vp_assert_sync(merged, "stub", "stub", 1);
	igt_assert_eq(vp_sync_time(merged), vp_sync_time(failed));
	assert_ready(merged);
	close(merged);
	close(done);
	close(failed);
	close(pending);
	close(gpu);
}

/* Merged ones merge into one without levels, which outlives them. */
static void merged_again(void)
{
	int gpu = vp_open(0), first, second, merged;
	uint32_t render = vp_timeline(gpu, "render");
	uint32_t copy = vp_timeline(gpu, "copy");
	int early_render = vp_fence(gpu, render, NULL);
	int late_render = vp_fence(gpu, render, NULL);
	int early_copy = vp_fence(gpu, copy, NULL);
	int late_copy = vp_fence(gpu, copy, NULL);
	struct vp_sync info;

	/* Each is ahead on another timeline. */
	first = vp_sync_merge(late_render, early_copy, "first");
	second = vp_sync_merge(early_render, late_copy, "second");
	merged = vp_sync_merge(first, second, "all");
	close(early_render);
	close(late_render);
	close(early_copy);
	close(late_copy);
	vp_sync_read(merged, &info);
	vp_assert_fences(&info, VP_FENCE("vprime0", "render", 0),
			 VP_FENCE("vprime0", "copy", 0));

	vp_timeline_signal(gpu, render, 1);
	vp_timeline_signal(gpu, copy, 1);
	assert_pending(first);
	assert_pending(second);
	vp_timeline_signal(gpu, copy, 2);
	assert_pending(first);
	assert_ready(second);
	assert_pending(merged);
	close(first);
	close(second);
	vp_timeline_signal(gpu, render, 2);
	assert_ready(merged);
	igt_assert_eq(vp_sync_state(merged), 1);
	close(merged);
	close(gpu);
}

static void many(void)
{
	int gpu[2] = { vp_open(0), vp_open(1) }, merged, next, sync;
	uint32_t timeline[MANY];
	struct vp_sync_fence fence[MANY] = {};
	char name[MANY][16];
	struct vp_sync info;

	merged = -1;
	for (int i = 0; i < MANY; i++) {
		snprintf(name[i], sizeof(name[i]), "line %d", i);
		fence[i].driver = i & 1 ? "vprime1" : "vprime0";
		fence[i].timeline = name[i];
		timeline[i] = vp_timeline(gpu[i & 1], name[i]);
		sync = vp_fence(gpu[i & 1], timeline[i], NULL);
		if (i) {
			next = vp_sync_merge(merged, sync, name[i]);
			close(sync);
			close(merged);
			merged = next;
		} else {
			merged = sync;
		}
	}
	for (int i = 0; i < MANY; i++) {
		assert_pending(merged);
		vp_sync_read(merged, &info);
		vp_sync_expect(&info, fence, MANY);
		vp_timeline_signal(gpu[i & 1], timeline[i], 1);
		fence[i].status = 1;
	}
	assert_ready(merged);
	close(merged);
	close(gpu[0]);
	close(gpu[1]);
}

/* A process waits for the sum, which is all that is left of its fences. */
static void waited_for(void)
{
	int gpu = vp_open_patient(), render_sync, copy_sync, merged;
	uint32_t render = vp_timeline(gpu, "render");
	uint32_t copy = vp_timeline(gpu, "copy");
	struct vp_remote waiter = vp_remote_start("waiter");
	struct vp_task wait = { .run = vp_wait_poll, .flags = POLLIN };

	render_sync = vp_fence(gpu, render, NULL);
	copy_sync = vp_fence(gpu, copy, NULL);
	merged = vp_sync_merge(render_sync, copy_sync, "both");
	close(render_sync);
	close(copy_sync);
	wait.fd = vp_remote_give(&waiter, merged);
	close(merged);
	vp_remote_block(&waiter, &wait);
	vp_timeline_signal(gpu, copy, 1);
	vp_assert_blocked(&waiter);
	/* The end of a timeline is a signal as any other. */
	vp_timeline_destroy(gpu, render);
	igt_assert_eq(vp_remote_result(&waiter, NULL), POLLIN);
	merged = vp_remote_take(&waiter, wait.fd);
	igt_assert_eq(vp_sync_state(merged), -ECANCELED);
	vp_remote_end(&waiter);
	close(merged);
	vp_close_patient(gpu);
}

/* All that is left of two files, when these have gone, is the sum of them. */
static void files_closed(void)
{
	int gpu[2] = { vp_open(0), vp_open(1) }, sync[2], merged;
	struct vp_sync info;

	for (int i = 0; i < 2; i++)
		sync[i] = vp_fence(gpu[i], vp_timeline(gpu[i], "render"), NULL);
	merged = vp_sync_merge(sync[0], sync[1], "both");
	close(sync[0]);
	close(sync[1]);
	assert_pending(merged);
	close(gpu[0]);
	assert_pending(merged);
	close(gpu[1]);
	assert_ready(merged);
	vp_sync_read(merged, &info);
	igt_assert_eq(info.status, -ECANCELED);
	vp_assert_fences(&info, VP_FENCE("vprime0", "render", -ECANCELED),
			 VP_FENCE("vprime1", "render", -ECANCELED));
	close(merged);
}

igt_main
{
	igt_describe("Two fences of a timeline merge into the later one");
	vp_subtest("same-timeline")
		same_timeline();

	igt_describe("A sync_file merged with itself has the one fence");
	vp_subtest("with-itself")
		with_itself();

	igt_describe("Fences of two timelines: the sum signals when both have");
	vp_subtest("two-timelines") {
		two_timelines(false, true);
		two_timelines(false, false);
	}

	igt_describe("The same with fences of two GPUs");
	vp_subtest("two-gpus") {
		two_timelines(true, true);
		two_timelines(true, false);
	}

	igt_describe("The same with a fence of vgem's");
	vp_subtest("with-vgem")
		with_vgem();

	igt_describe("The error of one is the sum's, when all have signalled");
	vp_subtest("error") {
		error_of_one(true);
		error_of_one(false);
	}

	igt_describe("Fences that have signalled are left out of the sum");
	vp_subtest("with-signalled")
		with_signalled();

	igt_describe("Merged sync_files merge, by the last fence of each timeline");
	vp_subtest("merged-again")
		merged_again();

	igt_describe("64 timelines of two GPUs in one sync_file");
	vp_subtest("many")
		many();

	igt_describe("A process that polls the sum wakes up with the last fence");
	vp_subtest("waited-for")
		waited_for();

	igt_describe("The sum of two files' fences when both files are closed");
	vp_subtest("files-closed")
		files_closed();
}
