// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timeline syncobjs of vprime's GPUs, with vprime's fences as their points, and
 * eventfds that tell of points.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vp_sync.h"
#include "vp_syncobj.h"
#include "vp_test.h"
#include "vp_waits.h"

IGT_TEST_DESCRIPTION("Timeline syncobjs with fences of vprime");

#define SUBMIT		DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT
#define AVAILABLE	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE
#define SUBMITTED	DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED
#define WAKE_MS		30000

/*
 * A syncobj whose points 10, 20, ... are the fences of timelines of their own,
 * so that they can signal in any order.
 */
#define POINTS	4
#define POINT(i)	(10ull * ((i) + 1))

struct scene {
	int gpu;
	uint32_t timeline[POINTS];
	uint32_t syncobj;
};

static void submit(const struct scene *scene, int i)
{
	int sync = vp_fence(scene->gpu, scene->timeline[i], NULL);

	vp_syncobj_put_point(scene->gpu, scene->syncobj, POINT(i), sync);
	close(sync);
}

static struct scene prepare(int points)
{
	struct scene scene = { .gpu = vp_open_patient() };
	char name[16];

	scene.syncobj = vp_syncobj(scene.gpu, 0);
	for (int i = 0; i < POINTS; i++) {
		snprintf(name, sizeof(name), "line %d", i);
		scene.timeline[i] = vp_timeline(scene.gpu, name);
		if (i < points)
			submit(&scene, i);
	}
	return scene;
}

static void let_go(struct scene *scene)
{
	vp_close_patient(scene->gpu);
}

static void signal_point(const struct scene *scene, int i, int error)
{
	igt_assert_eq(vp_try_timeline_signal(scene->gpu, scene->timeline[i], 1,
					     error), 0);
}

static int try_wait(const struct scene *scene, uint64_t point, uint32_t flags)
{
	return vp_try_syncobj_wait_point(scene->gpu, scene->syncobj, point, 0,
					 flags);
}

/* So many points are done, in their order, and so many are there. */
static void assert_points(const struct scene *scene, int done, int submitted)
{
	igt_assert_eq(vp_syncobj_query(scene->gpu, scene->syncobj, 0),
		      done ? POINT(done - 1) : 0);
	igt_assert_eq(vp_syncobj_query(scene->gpu, scene->syncobj, SUBMITTED),
		      submitted ? POINT(submitted - 1) : 0);
	for (int i = 0; i < POINTS; i++) {
		/* A number between two points is of the later one. */
		for (uint64_t point = POINT(i) - 9; point <= POINT(i);
		     point += 9) {
			igt_assert_eq(try_wait(scene, point, 0),
				      i < done ? 0 :
				      i < submitted ? -ETIME : -EINVAL);
			igt_assert_eq(try_wait(scene, point, SUBMIT),
				      i < done ? 0 : -ETIME);
			igt_assert_eq(try_wait(scene, point, AVAILABLE),
				      i < submitted ? 0 : -ETIME);
		}
	}
}

static void points(void)
{
	struct scene scene = prepare(0);

	for (int i = 0; i < POINTS; i++) {
		assert_points(&scene, 0, i);
		submit(&scene, i);
	}
	for (int i = 0; i < POINTS; i++) {
		assert_points(&scene, i, POINTS);
		signal_point(&scene, i, 0);
	}
	assert_points(&scene, POINTS, POINTS);
	let_go(&scene);
}

/* A point is done when those before it are, however its own fence goes. */
static void out_of_order(void)
{
	struct scene scene = prepare(POINTS);

	signal_point(&scene, 2, 0);
	assert_points(&scene, 0, POINTS);
	signal_point(&scene, 1, -EIO);
	assert_points(&scene, 0, POINTS);
	signal_point(&scene, 0, 0);
	assert_points(&scene, 3, POINTS);
	signal_point(&scene, 3, 0);
	assert_points(&scene, POINTS, POINTS);
	let_go(&scene);
}

/* The program signals a point itself, after those that wait for fences. */
static void host_signal(void)
{
	struct scene scene = prepare(2);

	vp_syncobj_signal_point(scene.gpu, scene.syncobj, POINT(2));
	assert_points(&scene, 0, 3);
	signal_point(&scene, 0, 0);
	assert_points(&scene, 1, 3);
	signal_point(&scene, 1, 0);
	assert_points(&scene, 3, 3);
	submit(&scene, 3);
	assert_points(&scene, 3, 4);
	signal_point(&scene, 3, 0);
	assert_points(&scene, 4, 4);
	let_go(&scene);
}

static void reset(void)
{
	struct scene scene = prepare(2);

	vp_syncobj_reset(scene.gpu, scene.syncobj);
	assert_points(&scene, 0, 0);
	/* Point 20 is the first again; what was is no longer waited for. */
	vp_syncobj_signal_point(scene.gpu, scene.syncobj, POINT(1));
	assert_points(&scene, 2, 2);
	let_go(&scene);
}

/* The fence of a point comes out with the error it got. */
static void point_error(void)
{
	struct scene scene = prepare(3);
	int sync[3];

	for (int i = 0; i < 3; i++) {
		sync[i] = vp_syncobj_get_point(scene.gpu, scene.syncobj,
					       POINT(i));
		/* A point is its fence and all those before it. */
		igt_assert_eq(vp_sync_count(sync[i]), i + 1);
		igt_assert_eq(vp_sync_state(sync[i]), 0);
	}
	signal_point(&scene, 0, 0);
	signal_point(&scene, 1, -EIO);
	igt_assert_eq(vp_poll(sync[1], POLLIN, WAKE_MS), POLLIN);
	/* Of those before it, what has signalled is no longer part of a point. */
	vp_assert_sync(sync[1], VP_PATIENT, "line 1", -EIO);
	vp_assert_sync(sync[0], VP_PATIENT, "line 0", 1);
	igt_assert_eq(vp_sync_state(sync[2]), 0);
	/* Waits do not tell. */
	assert_points(&scene, 2, 3);
	vp_timeline_destroy(scene.gpu, scene.timeline[2]);
	assert_points(&scene, 3, 3);
	vp_assert_sync(sync[2], VP_PATIENT, "line 2", -ECANCELED);
	for (int i = 0; i < 3; i++)
		close(sync[i]);
	let_go(&scene);
}

/* From a timeline to a binary syncobj, to another timeline, and back. */
static void transfer(void)
{
	struct scene scene = prepare(2);
	uint32_t binary = vp_syncobj(scene.gpu, 0);
	uint32_t other = vp_syncobj(scene.gpu, 0);
	int gpu = scene.gpu;

	vp_syncobj_transfer(gpu, binary, 0, scene.syncobj, POINT(0));
	vp_syncobj_transfer(gpu, other, 5, scene.syncobj, POINT(1));
	vp_syncobj_transfer(gpu, other, 6, binary, 0);
	igt_assert(!vp_syncobj_done(gpu, binary));
	igt_assert_eq(vp_syncobj_query(gpu, other, SUBMITTED), 6);
	/* Into itself, as a later point. */
	vp_syncobj_transfer(gpu, scene.syncobj, POINT(2), scene.syncobj,
			    POINT(0));

	signal_point(&scene, 0, 0);
	igt_assert(vp_syncobj_done(gpu, binary));
	igt_assert_eq(vp_syncobj_query(gpu, other, 0), 0);
	igt_assert(!vp_syncobj_point_done(gpu, other, 5));
	signal_point(&scene, 1, 0);
	igt_assert_eq(vp_try_syncobj_wait_point(gpu, other, 6,
						vp_in_ms(WAKE_MS), 0), 0);
	igt_assert_eq(vp_syncobj_query(gpu, other, 0), 6);
	igt_assert_eq(vp_try_syncobj_wait_point(gpu, scene.syncobj, POINT(2),
						vp_in_ms(WAKE_MS), 0), 0);

	/* What is not there cannot be transferred. */
	igt_assert_eq(vp_try_syncobj_transfer(gpu, binary, 0, scene.syncobj,
					      POINT(3), 0), -EINVAL);
	igt_assert_eq(vp_try_syncobj_transfer(gpu, binary, 0, 4711, 0, 0),
		      -ENOENT);
	igt_assert_eq(vp_try_syncobj_transfer(gpu, 4711, 0, binary, 0, 0),
		      -ENOENT);
	let_go(&scene);
}

static struct vp_remote start_waiter(const struct scene *scene,
				     unsigned int there, uint64_t point,
				     uint32_t flags)
{
	struct vp_remote waiter = vp_remote_start("waiter");
	struct vp_task wait = {
		.run = vp_wait_point, .flags = flags, .value = point,
	};
	int fd = vp_syncobj_to_fd(scene->gpu, scene->syncobj);

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

/* Processes wait for points, on other GPUs, by the syncobj's descriptor. */
static void wakes(void)
{
	struct scene scene = prepare(3);
	struct vp_remote waiter[4];

	for (unsigned int i = 0; i < 3; i++)
		waiter[i] = start_waiter(&scene, i, POINT(i), 0);
	/* One that is not there yet. */
	waiter[3] = start_waiter(&scene, 0, POINT(3), SUBMIT);
	signal_point(&scene, 1, -EIO);
	vp_assert_blocked(&waiter[1]);
	vp_assert_blocked(&waiter[0]);
	signal_point(&scene, 0, 0);
	assert_woken(&waiter[0]);
	assert_woken(&waiter[1]);
	vp_assert_blocked(&waiter[2]);
	signal_point(&scene, 2, 0);
	assert_woken(&waiter[2]);
	vp_assert_blocked(&waiter[3]);
	submit(&scene, 3);
	vp_assert_blocked(&waiter[3]);
	signal_point(&scene, 3, 0);
	assert_woken(&waiter[3]);
	let_go(&scene);
}

/* Who waits for a point to be there only does not wait for its fence. */
static void wakes_when_available(void)
{
	struct scene scene = prepare(1);
	struct vp_remote waiter;

	waiter = start_waiter(&scene, 1, POINT(1), AVAILABLE);
	signal_point(&scene, 0, 0);
	vp_assert_blocked(&waiter);
	submit(&scene, 1);
	assert_woken(&waiter);
	assert_points(&scene, 1, 2);
	let_go(&scene);
}

/* A transfer waits for the point that it takes, if it is asked to. */
static int transfer_task(struct vp_task *task)
{
	uint32_t syncobj, binary;
	int ret;

	ret = vp_try_syncobj_from_fd(task->fd, task->fd2, &syncobj);
	if (!ret)
		ret = vp_try_syncobj(task->fd, 0, &binary);
	if (!ret)
		ret = vp_try_syncobj_transfer(task->fd, binary, 0, syncobj,
					      task->value, SUBMIT);
	if (!ret)
		ret = vp_try_syncobj_get_sync(task->fd, binary);
	return ret;
}

static void transfer_waits(void)
{
	struct scene scene = prepare(1);
	struct vp_remote other = vp_remote_start("other");
	struct vp_task task = { .run = transfer_task, .value = POINT(1) };
	int fd = vp_syncobj_to_fd(scene.gpu, scene.syncobj), sync;
	struct vp_sync info;

	task.fd = vp_remote_open(&other, 1);
	task.fd2 = vp_remote_give(&other, fd);
	close(fd);
	/* The kernel's patience is 5 s, so this may be the end of it. */
	vp_remote_block(&other, &task);
	submit(&scene, 1);
	sync = vp_remote_take(&other, vp_remote_result(&other, NULL));
	vp_remote_end(&other);
	vp_sync_read(sync, &info);
	vp_assert_fences(&info, VP_FENCE(VP_PATIENT, "line 0", 0),
			 VP_FENCE(VP_PATIENT, "line 1", 0));
	signal_point(&scene, 1, 0);
	signal_point(&scene, 0, 0);
	igt_assert_eq(vp_poll(sync, POLLIN, WAKE_MS), POLLIN);
	close(sync);
	let_go(&scene);
}

static void many_points(void)
{
	enum { MANY = 500 };
	int gpu = vp_open_patient(), sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t syncobj = vp_syncobj(gpu, 0);
	struct vp_counts before = vp_counts();

	for (uint64_t point = 1; point <= MANY; point++) {
		sync = vp_fence(gpu, timeline, NULL);
		vp_syncobj_put_point(gpu, syncobj, point, sync);
		close(sync);
	}
	igt_assert_eq(vp_syncobj_query(gpu, syncobj, SUBMITTED), MANY);
	for (uint64_t point = 50; point <= MANY; point += 50) {
		vp_timeline_signal(gpu, timeline, point);
		igt_assert_eq(vp_syncobj_query(gpu, syncobj, 0), point);
		igt_assert(vp_syncobj_point_done(gpu, syncobj, point - 49));
		if (point < MANY)
			igt_assert(!vp_syncobj_point_done(gpu, syncobj,
							  point + 1));
	}
	vp_syncobj_reset(gpu, syncobj);
	vp_assert_counts(&before);
	vp_close_patient(gpu);
}

/* ---- eventfds ----------------------------------------------------------- */

static int add_event(const struct scene *scene, uint64_t point, uint32_t flags)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	igt_assert_lte(0, event);
	igt_assert_eq(vp_try_syncobj_eventfd(scene->gpu, scene->syncobj, point,
					     event, flags, 0), 0);
	return event;
}

static bool has_come(int event)
{
	uint64_t times = 0;

	if (read(event, &times, sizeof(times)) < 0) {
		igt_assert_eq(errno, EAGAIN);
		return false;
	}
	igt_assert_eq(times, 1);
	return true;
}

/* It comes by an interrupt, a moment after the fence. */
static void assert_comes(int event)
{
	igt_assert_eq(vp_poll(event, POLLIN, WAKE_MS), POLLIN);
	igt_assert(has_come(event));
	igt_assert(!has_come(event));
}

static void require_events(void)
{
	int gpu = vp_open(0), event = eventfd(0, EFD_CLOEXEC), ret;
	bool has_syncobj_eventfd;

	ret = vp_try_syncobj_eventfd(gpu, vp_syncobj(gpu, 0), 0, event, 0, 0);
	close(event);
	close(gpu);
	igt_assert_f(!ret || ret == -EINVAL, "SYNCOBJ_EVENTFD: %d\n", ret);
	has_syncobj_eventfd = !ret;
	igt_require_f(has_syncobj_eventfd,
		      "this kernel has no DRM_IOCTL_SYNCOBJ_EVENTFD\n");
}

static void events(void)
{
	struct scene scene = prepare(2);
	int first = add_event(&scene, POINT(0), 0);
	int second = add_event(&scene, POINT(1), 0);
	int third = add_event(&scene, POINT(2), 0);
	int there = add_event(&scene, POINT(1), AVAILABLE);
	int coming = add_event(&scene, POINT(2), AVAILABLE);
	int done;

	assert_comes(there);
	igt_assert(!has_come(first));
	signal_point(&scene, 1, 0);
	igt_assert(!has_come(second));
	signal_point(&scene, 0, -EIO);
	assert_comes(first);
	assert_comes(second);
	igt_assert(!has_come(coming));
	submit(&scene, 2);
	assert_comes(coming);
	igt_assert(!has_come(third));
	signal_point(&scene, 2, 0);
	assert_comes(third);
	/* What is done already comes at once. */
	done = add_event(&scene, POINT(0), 0);
	assert_comes(done);
	close(done);
	close(first);
	close(second);
	close(third);
	close(there);
	close(coming);
	let_go(&scene);
}

/* A syncobj without points has events, too; and they end with it. */
static void events_binary(void)
{
	struct scene scene = prepare(0);
	int event = add_event(&scene, 0, 0), late = add_event(&scene, 0, 0);
	int sync = vp_fence(scene.gpu, scene.timeline[0], NULL);

	igt_assert(!has_come(event));
	vp_syncobj_put_sync(scene.gpu, scene.syncobj, sync);
	igt_assert(!has_come(event));
	signal_point(&scene, 0, 0);
	assert_comes(event);
	assert_comes(late);
	close(late);
	vp_syncobj_reset(scene.gpu, scene.syncobj);
	late = add_event(&scene, 0, 0);
	vp_syncobj_destroy(scene.gpu, scene.syncobj);
	igt_assert(!has_come(late));
	close(late);
	close(event);
	close(sync);
	let_go(&scene);
}

static void events_refused(void)
{
	struct scene scene = prepare(0);
	int gpu = scene.gpu, event = eventfd(0, EFD_CLOEXEC);

	igt_assert_eq(vp_try_syncobj_eventfd(gpu, scene.syncobj, 0, event,
					     SUBMIT, 0), -EINVAL);
	igt_assert_eq(vp_try_syncobj_eventfd(gpu, scene.syncobj, 0, event, 0,
					     1), -EINVAL);
	igt_assert_eq(vp_try_syncobj_eventfd(gpu, 4711, 0, event, 0, 0),
		      -ENOENT);
	igt_assert_eq(vp_try_syncobj_eventfd(gpu, scene.syncobj, 0, gpu, 0, 0),
		      -EINVAL);
	igt_assert_eq(vp_try_syncobj_eventfd(gpu, scene.syncobj, 0, -1, 0, 0),
		      -EBADF);
	close(event);
	let_go(&scene);
}

/* A GPU that has syncobjs, but none with points. */
static void gpu_without(bool events)
{
	int gpu = vp_config_open("plain", "syncobj_timeline=0"), sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	uint32_t syncobj = vp_syncobj(gpu, 0), other = vp_syncobj(gpu, 0);
	uint64_t point = 1;

	igt_assert_eq(vp_cap(gpu, DRM_CAP_SYNCOBJ), 1);
	igt_assert_eq(vp_cap(gpu, DRM_CAP_SYNCOBJ_TIMELINE), 0);
	igt_assert_eq(vp_try_syncobj_wait_point(gpu, syncobj, 1, 0, SUBMIT),
		      -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_signal_point(gpu, syncobj, 1),
		      -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_query(gpu, syncobj, 0, &point),
		      -EOPNOTSUPP);
	igt_assert_eq(vp_try_syncobj_transfer(gpu, syncobj, 1, other, 0, 0),
		      -EOPNOTSUPP);
	if (events)
		igt_assert_eq(vp_try_syncobj_eventfd(gpu, syncobj, 0, 0, 0, 0),
			      -EOPNOTSUPP);
	sync = vp_fence(gpu, timeline, NULL);
	vp_syncobj_put_sync(gpu, syncobj, sync);
	close(sync);
	igt_assert(!vp_syncobj_done(gpu, syncobj));
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert(vp_syncobj_done(gpu, syncobj));
	close(gpu);
	vp_config_remove("plain");
}

igt_main
{
	igt_describe("Points are submitted and done one after the other");
	vp_subtest("points")
		points();

	igt_describe("A point whose fence signals early is done with those before it");
	vp_subtest("out-of-order")
		out_of_order();

	igt_describe("A point that the program signals is done after the fences before it");
	vp_subtest("host-signal")
		host_signal();

	igt_describe("A reset takes all points");
	vp_subtest("reset")
		reset();

	igt_describe("A point's fence tells its error, and that of its destroyed timeline");
	vp_subtest("point-error")
		point_error();

	igt_describe("Points become syncobjs, and syncobjs points");
	vp_subtest("transfer")
		transfer();

	igt_describe("A transfer waits for a point to be submitted");
	vp_subtest("transfer-waits")
		transfer_waits();

	igt_describe("Processes on three GPUs wake up when their points are done");
	vp_subtest("wakes")
		wakes();

	igt_describe("A process that waits for a point to be there does not wait for its fence");
	vp_subtest("wakes-when-available")
		wakes_when_available();

	igt_describe("500 points, which are done in fifties");
	vp_subtest("many-points")
		many_points();

	igt_describe("eventfds tell of points that are done, and of points that are there");
	vp_subtest("eventfd") {
		require_events();
		events();
	}

	igt_describe("eventfds tell of a binary syncobj's fence");
	vp_subtest("eventfd-binary") {
		require_events();
		events_binary();
	}

	igt_describe("Wrong flags, handles and descriptors of eventfds are refused");
	vp_subtest("eventfd-refused") {
		require_events();
		events_refused();
	}

	igt_describe("A GPU without timelines says EOPNOTSUPP to their ioctls, and has syncobjs");
	vp_subtest("gpu-without")
		gpu_without(false);

	igt_describe("Nor has such a GPU eventfds");
	vp_subtest("gpu-without-eventfd") {
		require_events();
		gpu_without(true);
	}
}
