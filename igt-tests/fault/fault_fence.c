// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out inside the calls about fences: on buffers, on timelines, in
 * syncobjs and sync_files, and sw_sync's. Fences that expire or die with their
 * GPU or process signal in a worker or in another thread, where nothing is swept;
 * they allocate nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "vp_failslab.h"
#include "vp_sw_sync.h"
#include "vp_sync.h"
#include "vp_syncobj.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Each allocation in the calls about fences fails, one after the other");

#define SIZE	(4 * VP_PAGE)

/* What the call that is swept needs, and what it has made. */
static struct {
	int gpu;
	uint32_t handle, fence;
	uint32_t timeline, made_timeline;
	uint32_t syncobj, other;
	int sync, second, made, event;
	uint64_t seqno;
	char path[300];
} s;

static void open_gpu(void)
{
	s.gpu = vp_open(0);
}

static void close_gpu(void)
{
	close(s.gpu);
}

/* ---- on buffers ---- */

static void make_buffer(void)
{
	s.handle = vp_create(s.gpu, SIZE);
}

/* The first of each kind makes what all of its file share. */
static void open_attached(void)
{
	open_gpu();
	make_buffer();
	vp_fence_signal(s.gpu, vp_fence_attach(s.gpu, s.handle, false));
	vp_fence_signal(s.gpu, vp_fence_attach(s.gpu, s.handle, true));
	vp_close(s.gpu, s.handle);
}

static void close_buffer(void)
{
	vp_close(s.gpu, s.handle);
}

static int attach_write(void)
{
	return vp_try_fence_attach(s.gpu, s.handle, DRM_VPRIME_FENCE_WRITE, 0,
				   &s.fence);
}

static int attach_read(void)
{
	return vp_try_fence_attach(s.gpu, s.handle, 0, 0, &s.fence);
}

static void use_attached(void)
{
	igt_assert(!vp_idle(s.gpu, s.handle, true));
}

static void signal_it(void)
{
	vp_fence_signal(s.gpu, s.fence);
}

static void find_node(void)
{
	igt_assert_eq(vp_node_path(0, VP_RENDER, s.path, sizeof(s.path)), 0);
}

/* With the file that it is the first of. */
static int attach_first(void)
{
	int ret;

	s.gpu = open(s.path, O_RDWR | O_CLOEXEC);
	if (s.gpu < 0)
		return -errno;
	ret = vp_try_create(s.gpu, SIZE, 0, &s.handle);
	if (!ret)
		ret = attach_write();
	if (ret)
		close_gpu();
	return ret;
}

static void make_busy(void)
{
	make_buffer();
	s.fence = vp_fence_attach(s.gpu, s.handle, true);
}

static void drop_busy(void)
{
	signal_it();
	close_buffer();
}

static int signal_attached(void)
{
	return vp_try_fence_signal(s.gpu, s.fence, 0);
}

/* Without memory for the list of fences it waits all the same. */
static int wait_buffer(void)
{
	int ret = vp_try_wait(s.gpu, s.handle, DRM_VPRIME_WAIT_WRITE,
			      vp_in_ms(1));

	return ret == -ETIME ? 0 : ret ? ret : -EIO;
}

/* ---- timelines ---- */

static int create_timeline(void)
{
	return vp_try_timeline(s.gpu, "fault", 0, &s.made_timeline);
}

static void use_timeline(void)
{
	uint64_t seqno = 0;

	close(vp_fence(s.gpu, s.made_timeline, &seqno));
	igt_assert_eq(seqno, 1);
	vp_timeline_signal(s.gpu, s.made_timeline, 1);
}

static void destroy_made(void)
{
	vp_timeline_destroy(s.gpu, s.made_timeline);
}

static void make_timeline(void)
{
	s.timeline = vp_timeline(s.gpu, "fault");
}

static void drop_timeline(void)
{
	vp_timeline_destroy(s.gpu, s.timeline);
}

static int create_fence(void)
{
	s.made = vp_try_fence(s.gpu, s.timeline, 0, 0, &s.seqno);
	return s.made < 0 ? s.made : 0;
}

/* One that failed has not used up a number. */
static void use_fence(void)
{
	igt_assert_eq(s.seqno, 1);
	igt_assert_eq(vp_sync_state(s.made), 0);
}

static void close_made(void)
{
	close(s.made);
}

static void make_fence(void)
{
	make_timeline();
	s.sync = vp_fence(s.gpu, s.timeline, NULL);
}

static void drop_fence(void)
{
	close(s.sync);
	drop_timeline();
}

static int signal_timeline(void)
{
	return vp_try_timeline_signal(s.gpu, s.timeline, 1, 0);
}

static void use_signaled(void)
{
	igt_assert_eq(vp_sync_state(s.sync), 1);
}

static int destroy_timeline(void)
{
	return vp_try_timeline_destroy(s.gpu, s.timeline, 0);
}

static void use_cancelled(void)
{
	igt_assert_eq(vp_sync_state(s.sync), -ECANCELED);
}

static void close_sync(void)
{
	close(s.sync);
}

/* ---- sync_files ---- */

static void make_two(void)
{
	uint32_t other = vp_timeline(s.gpu, "other");

	make_fence();
	s.second = vp_fence(s.gpu, other, NULL);
	s.other = other;
}

static void drop_two(void)
{
	close(s.second);
	vp_timeline_destroy(s.gpu, s.other);
	drop_fence();
}

static int merge(void)
{
	s.made = vp_try_sync_merge(s.sync, s.second, "both");
	return s.made < 0 ? s.made : 0;
}

static int ask(void)
{
	struct sync_fence_info fences[2];
	struct sync_file_info info = {
		.num_fences = 2, .sync_fence_info = (uintptr_t)fences,
	};

	return vp_try_sync_info(s.sync, &info);
}

static int set_deadline(void)
{
	return vp_try_sync_deadline(s.sync, vp_in_ms(1000), 0);
}

static int poll_sync(void)
{
	struct pollfd poll_one = { .fd = s.sync, .events = POLLIN };

	return poll(&poll_one, 1, 0) < 0 ? -errno : 0;
}

/* The last one there is of its fence. */
static void make_lonely(void)
{
	make_fence();
	drop_timeline();
}

static int close_lonely(void)
{
	return close(s.sync) ? -errno : 0;
}

/* ---- syncobjs ---- */

static int create_syncobj(void)
{
	return vp_try_syncobj(s.gpu, 0, &s.syncobj);
}

static void destroy_syncobj(void)
{
	vp_syncobj_destroy(s.gpu, s.syncobj);
}

static void make_syncobj(void)
{
	make_fence();
	s.syncobj = vp_syncobj(s.gpu, 0);
}

static void drop_syncobj(void)
{
	destroy_syncobj();
	drop_fence();
}

static void make_loaded(void)
{
	make_syncobj();
	vp_syncobj_put_sync(s.gpu, s.syncobj, s.sync);
}

/* As one point of a timeline, and another syncobj to be its copy. */
static void make_points(void)
{
	make_syncobj();
	vp_syncobj_put_point(s.gpu, s.syncobj, 1, s.sync);
	s.other = vp_syncobj(s.gpu, 0);
}

static void drop_points(void)
{
	vp_syncobj_destroy(s.gpu, s.other);
	drop_syncobj();
}

static int put_sync(void)
{
	return vp_try_syncobj_put_sync(s.gpu, s.syncobj, s.sync);
}

static int get_sync(void)
{
	s.made = vp_try_syncobj_get_sync(s.gpu, s.syncobj);
	return s.made < 0 ? s.made : 0;
}

static void use_sync(void)
{
	igt_assert_eq(vp_sync_state(s.made), 0);
}

static int give_syncobj(void)
{
	s.made = vp_try_syncobj_to_fd(s.gpu, s.syncobj);
	return s.made < 0 ? s.made : 0;
}

static void make_given(void)
{
	make_loaded();
	s.second = vp_syncobj_to_fd(s.gpu, s.syncobj);
}

static void drop_given(void)
{
	close(s.second);
	drop_syncobj();
}

static int take_syncobj(void)
{
	return vp_try_syncobj_from_fd(s.gpu, s.second, &s.other);
}

static void destroy_taken(void)
{
	vp_syncobj_destroy(s.gpu, s.other);
}

static int wait_syncobj(void)
{
	int ret = vp_try_syncobj_wait(s.gpu, &s.syncobj, 1, vp_in_ms(1), 0,
				      NULL);

	return ret == -ETIME ? 0 : ret ? ret : -EIO;
}

static int wait_point(void)
{
	int ret = vp_try_syncobj_wait_point(s.gpu, s.syncobj, 1, vp_in_ms(1),
					    0);

	return ret == -ETIME ? 0 : ret ? ret : -EIO;
}

static int transfer(void)
{
	return vp_try_syncobj_transfer(s.gpu, s.other, 2, s.syncobj, 1, 0);
}

static int signal_syncobj(void)
{
	return vp_try_syncobj_signal(s.gpu, &s.syncobj, 1);
}

static int signal_point(void)
{
	return vp_try_syncobj_signal_point(s.gpu, s.syncobj, 2);
}

static int reset_syncobj(void)
{
	return vp_try_syncobj_reset(s.gpu, &s.syncobj, 1);
}

static int query_syncobj(void)
{
	uint64_t point;

	return vp_try_syncobj_query(s.gpu, s.syncobj, 0, &point);
}

static int destroy_call(void)
{
	return vp_try_syncobj_destroy(s.gpu, s.syncobj);
}

static void make_event(void)
{
	make_points();
	s.event = eventfd(0, EFD_CLOEXEC);
	igt_assert_lte(0, s.event);
}

static void drop_event(void)
{
	close(s.event);
	drop_points();
}

static int watch_point(void)
{
	return vp_try_syncobj_eventfd(s.gpu, s.syncobj, 1, s.event, 0, 0);
}

/* ---- sw_sync ---- */

static int open_line(void)
{
	s.made = open(VP_SW_SYNC_PATH, O_RDWR | O_CLOEXEC);
	return s.made < 0 ? -errno : 0;
}

static void make_line(void)
{
	s.second = vp_sw_sync();
}

static void drop_line(void)
{
	close(s.second);
}

static int create_sw_fence(void)
{
	s.made = vp_try_sw_fence(s.second, 1);
	return s.made < 0 ? s.made : 0;
}

static void make_sw_fence(void)
{
	make_line();
	s.sync = vp_sw_fence(s.second, 1);
}

static void drop_sw_fence(void)
{
	close(s.sync);
	drop_line();
}

static int advance(void)
{
	uint32_t by = 1;

	return vp_try_ioctl(s.second, VP_SW_SYNC_INC, &by);
}

static void make_urgent(void)
{
	make_sw_fence();
	igt_assert_eq(vp_try_sync_deadline(s.sync, vp_in_ms(1000), 0), 0);
}

static int get_deadline(void)
{
	uint64_t ns;

	return vp_try_sw_deadline(s.second, s.sync, &ns);
}

#define GPU	.begin = open_gpu, .end = close_gpu
#define ATTACHED .begin = open_attached, .end = close_gpu
#define BUFFER	ATTACHED, .prepare = make_buffer, .finish = close_buffer
#define FENCE	GPU, .prepare = make_fence, .finish = drop_fence
#define LOADED	GPU, .prepare = make_loaded, .finish = drop_syncobj
#define POINTS	GPU, .prepare = make_points, .finish = drop_points

static const struct vp_fault_op ops[] = {
	{ .name = "attach-write", .what = "FENCE_ATTACH of a writer", BUFFER,
	  .call = attach_write, .verify = use_attached, .undo = signal_it,
	  .least = 2 },
	{ .name = "attach-read", .what = "FENCE_ATTACH of a reader", BUFFER,
	  .call = attach_read, .verify = use_attached, .undo = signal_it,
	  .least = 2 },
	{ .name = "attach-first", .what = "Opening a node, and its first FENCE_ATTACH",
	  .begin = find_node, .call = attach_first, .verify = use_attached,
	  .undo = close_gpu, .least = 6 },
	{ .name = "signal", .what = "FENCE_SIGNAL", ATTACHED, .prepare = make_busy,
	  .call = signal_attached, .finish = close_buffer,
	  .may = VP_FAULT_NEVER },
	{ .name = "wait", .what = "GEM_WAIT until time is up", ATTACHED,
	  .prepare = make_busy, .call = wait_buffer, .finish = drop_busy,
	  .may = VP_FAULT_NEVER },

	{ .name = "timeline-create", .what = "TIMELINE_CREATE", GPU,
	  .call = create_timeline, .verify = use_timeline,
	  .undo = destroy_made, .least = 1 },
	{ .name = "timeline-destroy",
	  .what = "TIMELINE_DESTROY with a fence that is pending", GPU,
	  .prepare = make_fence, .call = destroy_timeline,
	  .verify = use_cancelled, .finish = close_sync,
	  .may = VP_FAULT_NEVER },
	{ .name = "timeline-signal", .what = "TIMELINE_SIGNAL", FENCE,
	  .call = signal_timeline, .verify = use_signaled,
	  .may = VP_FAULT_NEVER },
	{ .name = "fence-create", .what = "FENCE_CREATE", GPU,
	  .prepare = make_timeline, .call = create_fence,
	  .verify = use_fence, .undo = close_made, .finish = drop_timeline,
	  .least = 4 },

	{ .name = "merge", .what = "SYNC_IOC_MERGE of two fences", GPU,
	  .prepare = make_two, .call = merge, .verify = use_sync,
	  .undo = close_made, .finish = drop_two, .least = 3 },
	{ .name = "file-info", .what = "SYNC_IOC_FILE_INFO", FENCE,
	  .call = ask },
	{ .name = "set-deadline", .what = "SYNC_IOC_SET_DEADLINE", FENCE,
	  .call = set_deadline, .may = VP_FAULT_NEVER },
	{ .name = "poll", .what = "poll of a sync_file that is pending", FENCE,
	  .call = poll_sync, .may = VP_FAULT_NEVER },
	{ .name = "close", .what = "Closing the last sync_file of a fence", GPU,
	  .prepare = make_lonely, .call = close_lonely, .may = VP_FAULT_NEVER },

	{ .name = "syncobj-create", .what = "SYNCOBJ_CREATE", GPU,
	  .call = create_syncobj, .undo = destroy_syncobj, .least = 1 },
	{ .name = "syncobj-put", .what = "A sync_file goes into a syncobj", GPU,
	  .prepare = make_syncobj, .call = put_sync, .finish = drop_syncobj,
	  .may = VP_FAULT_NEVER },
	/* The DRM core calls it EINVAL when it gets no sync_file. */
	{ .name = "syncobj-get", .what = "A syncobj's fence as a sync_file",
	  LOADED, .call = get_sync, .verify = use_sync, .undo = close_made,
	  .least = 3, .errnos = { EINVAL } },
	{ .name = "syncobj-to-fd", .what = "SYNCOBJ_HANDLE_TO_FD", LOADED,
	  .call = give_syncobj, .undo = close_made, .least = 2 },
	{ .name = "syncobj-from-fd", .what = "SYNCOBJ_FD_TO_HANDLE", GPU,
	  .prepare = make_given, .call = take_syncobj, .undo = destroy_taken,
	  .finish = drop_given },
	{ .name = "syncobj-wait", .what = "SYNCOBJ_WAIT until time is up",
	  LOADED, .call = wait_syncobj, .least = 1 },
	{ .name = "syncobj-wait-point",
	  .what = "SYNCOBJ_TIMELINE_WAIT until time is up", POINTS,
	  .call = wait_point, .least = 1 },
	{ .name = "syncobj-transfer", .what = "SYNCOBJ_TRANSFER", POINTS,
	  .call = transfer, .least = 1 },
	{ .name = "syncobj-signal", .what = "SYNCOBJ_SIGNAL", LOADED,
	  .call = signal_syncobj, .least = 1 },
	{ .name = "syncobj-signal-point", .what = "SYNCOBJ_TIMELINE_SIGNAL",
	  POINTS, .call = signal_point, .least = 1 },
	{ .name = "syncobj-reset", .what = "SYNCOBJ_RESET", LOADED,
	  .call = reset_syncobj, .least = 1 },
	{ .name = "syncobj-query", .what = "SYNCOBJ_QUERY", POINTS,
	  .call = query_syncobj, .least = 1 },
	{ .name = "syncobj-destroy", .what = "SYNCOBJ_DESTROY", GPU,
	  .prepare = make_loaded, .call = destroy_call, .finish = drop_fence,
	  .may = VP_FAULT_NEVER },
	{ .name = "syncobj-eventfd", .what = "SYNCOBJ_EVENTFD", GPU,
	  .prepare = make_event, .call = watch_point, .finish = drop_event,
	  .least = 1 },

	{ .name = "sw-sync-open", .what = "Opening sw_sync",
	  .call = open_line, .undo = close_made, .least = 2 },
	{ .name = "sw-sync-fence", .what = "A fence of sw_sync",
	  .prepare = make_line, .call = create_sw_fence, .verify = use_sync,
	  .undo = close_made, .finish = drop_line, .least = 4 },
	{ .name = "sw-sync-inc", .what = "sw_sync's counter passes a fence",
	  .prepare = make_sw_fence, .call = advance, .verify = use_signaled,
	  .finish = drop_sw_fence, .may = VP_FAULT_NEVER },
	{ .name = "sw-sync-deadline", .what = "The deadline of a sw_sync fence",
	  .prepare = make_urgent, .call = get_deadline,
	  .finish = drop_sw_fence, .may = VP_FAULT_NEVER },
};

igt_main
{
	vp_fault_begin();
	vp_fault_subtests(ops, VP_ARRAY_SIZE(ops));
	vp_fault_end();
}
