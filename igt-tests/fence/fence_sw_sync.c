// SPDX-License-Identifier: GPL-2.0-only
/*
 * sw_sync: timelines that are files in debugfs, with a counter that their fences
 * wait for. vprime has it where the kernel has none, and behaves as the kernel's
 * does; what is said here holds for both, but for the module's life.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_sw_sync.h"
#include "vp_sync.h"
#include "vp_syncobj.h"
#include "vp_test.h"
#include "vp_waits.h"

IGT_TEST_DESCRIPTION("sw_sync, on kernels that lack it");

#define NAME		"fence_sw_sync"	/* this program's */
#define HALF		0x80000000u
#define WAKE_MS		30000

/* Whether a fence made now for this value has signalled. */
static int state_at(int line, uint32_t value)
{
	int sync = vp_sw_fence(line, value), state = vp_sync_state(sync);

	igt_assert_eq(vp_poll(sync, POLLIN, 0), state ? POLLIN : 0);
	close(sync);
	return state;
}

static void steps(void)
{
	int line = vp_sw_sync(), sync[4];

	for (uint32_t i = 0; i < 4; i++) {
		sync[i] = vp_sw_fence(line, 3 * i + 1);
		vp_assert_sync(sync[i], "sw_sync", NAME, 0);
		igt_assert_eq(fcntl(sync[i], F_GETFD), FD_CLOEXEC);
	}
	for (uint32_t now = 1; now <= 10; now++) {
		int64_t before = vp_now_ns();

		vp_sw_inc(line, 1);
		for (uint32_t i = 0; i < 4; i++)
			vp_assert_sync(sync[i], "sw_sync", NAME,
				       3 * i + 1 <= now);
		if (now % 3 == 1) {
			igt_assert_lte(before, vp_sync_time(sync[now / 3]));
			igt_assert_lte(vp_sync_time(sync[now / 3]),
				       vp_now_ns());
		}
	}
	for (int i = 0; i < 4; i++)
		close(sync[i]);
	close(line);
}

/* By nothing at all the counter does not move. */
static void no_step(void)
{
	int line = vp_sw_sync(), sync;

	sync = vp_sw_fence(line, 1);
	vp_sw_inc(line, 0);
	igt_assert_eq(vp_sync_state(sync), 0);
	vp_sw_inc(line, 100);
	igt_assert_eq(vp_sync_state(sync), 1);
	close(sync);
	close(line);
}

static void past(void)
{
	int line = vp_sw_sync();

	/* The counter begins at 0, and a value that it has is past. */
	igt_assert_eq(state_at(line, 0), 1);
	igt_assert_eq(state_at(line, 1), 0);
	vp_sw_inc(line, 10);
	for (uint32_t value = 0; value <= 10; value++)
		igt_assert_eq(state_at(line, value), 1);
	igt_assert_eq(state_at(line, 11), 0);
	close(line);
}

/* Made in any order they signal in that of their values. */
static void any_order(void)
{
	static const uint32_t value[] = { 50, 10, 40, 20, 30, 60, 25 };
	int line = vp_sw_sync(), sync[VP_ARRAY_SIZE(value)];
	int64_t last = 0;

	for (size_t i = 0; i < VP_ARRAY_SIZE(value); i++)
		sync[i] = vp_sw_fence(line, value[i]);
	for (uint32_t now = 5; now <= 60; now += 5) {
		vp_sw_inc(line, 5);
		for (size_t i = 0; i < VP_ARRAY_SIZE(value); i++)
			igt_assert_eq(vp_sync_state(sync[i]), value[i] <= now);
	}
	for (uint32_t now = 5; now <= 60; now += 5) {
		for (size_t i = 0; i < VP_ARRAY_SIZE(value); i++) {
			if (value[i] != now)
				continue;
			igt_assert_lte(last, vp_sync_time(sync[i]));
			last = vp_sync_time(sync[i]);
			close(sync[i]);
		}
	}
	close(line);
}

/* Two fences of a value are one. */
static void same_value(void)
{
	int line = vp_sw_sync(), one = vp_sw_fence(line, 7), other, merged;

	other = vp_sw_fence(line, 7);
	merged = vp_sync_merge(one, other, "both");
	vp_assert_sync(merged, "sw_sync", NAME, 0);
	close(one);
	vp_sw_inc(line, 6);
	igt_assert_eq(vp_sync_state(other), 0);
	vp_sw_inc(line, 1);
	igt_assert_eq(vp_sync_state(other), 1);
	igt_assert_eq(vp_sync_time(other), vp_sync_time(merged));
	close(other);
	close(merged);
	close(line);
}

/* One value is ahead of another by less than half of all there are. */
static void half_way(void)
{
	int line = vp_sw_sync(), last;

	igt_assert_eq(state_at(line, HALF - 1), 0);
	igt_assert_eq(state_at(line, HALF), 1);
	igt_assert_eq(state_at(line, UINT_MAX), 1);
	vp_sw_inc(line, 1);
	igt_assert_eq(state_at(line, HALF), 0);
	igt_assert_eq(state_at(line, HALF + 1), 1);
	igt_assert_eq(state_at(line, 0), 1);

	/* Beyond INT_MAX, and beyond UINT_MAX. */
	last = vp_sw_fence(line, HALF);
	vp_sw_inc(line, HALF - 2);
	igt_assert_eq(vp_sync_state(last), 0);
	vp_sw_inc(line, 1);
	igt_assert_eq(vp_sync_state(last), 1);
	close(last);
	igt_assert_eq(state_at(line, HALF), 1);
	igt_assert_eq(state_at(line, HALF + 1), 0);
	igt_assert_eq(state_at(line, UINT_MAX), 0);
	igt_assert_eq(state_at(line, 0), 1);
	vp_sw_inc(line, HALF - 1);
	igt_assert_eq(state_at(line, UINT_MAX), 1);
	igt_assert_eq(state_at(line, 0), 0);
	last = vp_sw_fence(line, 1);
	vp_sw_inc(line, 1);
	igt_assert_eq(state_at(line, 0), 1);
	igt_assert_eq(vp_sync_state(last), 0);
	vp_sw_inc(line, 1);
	igt_assert_eq(vp_sync_state(last), 1);
	close(last);
	close(line);
}

/* In one step farther than any value can be ahead. */
static void giant_step(void)
{
	int line = vp_sw_sync(), sync[3];

	sync[0] = vp_sw_fence(line, 1);
	sync[1] = vp_sw_fence(line, 1000);
	sync[2] = vp_sw_fence(line, HALF - 1);
	vp_sw_inc(line, UINT_MAX);
	for (int i = 0; i < 3; i++) {
		igt_assert_eq(vp_sync_state(sync[i]), 1);
		close(sync[i]);
	}
	/* It stands before 0 again. */
	igt_assert_eq(state_at(line, UINT_MAX), 1);
	sync[0] = vp_sw_fence(line, 0);
	igt_assert_eq(vp_sync_state(sync[0]), 0);
	vp_sw_inc(line, 1);
	igt_assert_eq(vp_sync_state(sync[0]), 1);
	close(sync[0]);
	close(line);
}

/* Many times round. */
static void round_and_round(void)
{
	int line = vp_sw_sync(), sync;
	uint32_t now = 0;

	for (int i = 0; i < 40; i++) {
		sync = vp_sw_fence(line, now + 0x12345678);
		vp_sw_inc(line, 0x12345677);
		igt_assert_eq(vp_sync_state(sync), 0);
		vp_sw_inc(line, 1);
		igt_assert_eq(vp_sync_state(sync), 1);
		now += 0x12345678;
		close(sync);
	}
	close(line);
}

static void two_lines(void)
{
	int one = vp_sw_sync(), two = vp_sw_sync(), sync[2], merged;

	sync[0] = vp_sw_fence(one, 1);
	sync[1] = vp_sw_fence(two, 1);
	merged = vp_sync_merge(sync[0], sync[1], "both");
	igt_assert_eq(vp_sync_count(merged), 2);
	vp_sw_inc(one, 5);
	igt_assert_eq(vp_sync_state(sync[0]), 1);
	igt_assert_eq(vp_sync_state(sync[1]), 0);
	igt_assert_eq(vp_poll(merged, POLLIN, 0), 0);
	close(one);
	vp_sw_inc(two, 1);
	igt_assert_eq(vp_sync_state(sync[1]), 1);
	igt_assert_eq(vp_poll(merged, POLLIN, WAKE_MS), POLLIN);
	close(sync[0]);
	close(sync[1]);
	close(merged);
	close(two);
}

/* What the file leaves behind has failed; what had signalled has not. */
static void closed(void)
{
	int line = vp_sw_sync(), copy, sync[3];

	for (uint32_t i = 0; i < 3; i++)
		sync[i] = vp_sw_fence(line, i + 1);
	vp_sw_inc(line, 1);
	copy = dup(line);
	close(line);
	igt_assert_eq(vp_sync_state(sync[1]), 0);
	vp_sw_inc(copy, 1);
	igt_assert_eq(vp_sync_state(sync[1]), 1);
	close(copy);
	vp_assert_sync(sync[0], "sw_sync", NAME, 1);
	vp_assert_sync(sync[1], "sw_sync", NAME, 1);
	vp_assert_sync(sync[2], "sw_sync", NAME, -ENOENT);
	for (int i = 0; i < 3; i++)
		close(sync[i]);
}

/* ---- other processes ---------------------------------------------------- */

static int open_line(struct vp_task *task)
{
	(void)task;
	return vp_try_sw_sync();
}

static int make_fence(struct vp_task *task)
{
	return vp_try_sw_fence(task->fd, (uint32_t)task->value);
}

/* The maker is killed; who waits for its fence wakes up. */
static void maker_killed(void)
{
	struct vp_remote maker = vp_remote_start("maker");
	struct vp_remote waiter = vp_remote_start("waiter");
	struct vp_task open = { .run = open_line };
	struct vp_task make = { .run = make_fence, .value = 1 };
	struct vp_task wait = { .run = vp_wait_poll, .flags = POLLIN };
	int sync;

	make.fd = vp_remote_do(&maker, &open);
	sync = vp_remote_take(&maker, vp_remote_do(&maker, &make));
	vp_assert_sync(sync, "sw_sync", "maker", 0);
	wait.fd = vp_remote_give(&waiter, sync);
	vp_remote_block(&waiter, &wait);
	vp_assert_blocked(&waiter);
	vp_remote_kill(&maker);
	igt_assert_eq(vp_remote_result(&waiter, NULL), POLLIN);
	vp_assert_sync(sync, "sw_sync", "maker", -ENOENT);
	vp_remote_end(&waiter);
	close(sync);
}

/* A process's name has 15 characters, and so has its timeline's. */
static void names(void)
{
	struct vp_remote maker = vp_remote_start("a-name-of-seventeen");
	struct vp_task open = { .run = open_line };
	struct vp_sw_sync_create create = { .value = 1 };
	int line, sync;

	line = vp_remote_take(&maker, vp_remote_do(&maker, &open));
	vp_remote_end(&maker);
	sync = vp_sw_fence(line, 1);
	vp_assert_sync(sync, "sw_sync", "a-name-of-seven", 0);
	close(sync);
	/* A fence's own name is taken, without a NUL too, and not shown. */
	memset(create.name, 'x', sizeof(create.name));
	igt_assert_eq(vp_try_ioctl(line, VP_SW_SYNC_CREATE_FENCE, &create), 0);
	vp_assert_sync(create.fence, "sw_sync", "a-name-of-seven", 0);
	close(create.fence);
	close(line);
}

static void not_root(void)
{
	pid_t child = fork();
	int status;

	igt_assert_lte(0, child);
	if (!child) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		_exit(vp_try_sw_sync() == -EACCES ? 0 : 2);
	}
	igt_assert_eq(waitpid(child, &status, 0), child);
	igt_assert_eq(status, 0);
}

/* ---- with others -------------------------------------------------------- */

static void with_vprime(void)
{
	int gpu = vp_open(0), line = vp_sw_sync(), sync[2], merged;
	uint32_t timeline = vp_timeline(gpu, "render");
	struct vp_sync info;

	sync[0] = vp_sw_fence(line, 1);
	sync[1] = vp_fence(gpu, timeline, NULL);
	merged = vp_sync_merge(sync[0], sync[1], "both");
	vp_sync_read(merged, &info);
	vp_assert_fences(&info, VP_FENCE("sw_sync", NAME, 0),
			 VP_FENCE("vprime0", "render", 0));
	igt_assert_eq(vp_poll(merged, POLLIN, 0), 0);
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert_eq(vp_poll(merged, POLLIN, 0), 0);
	close(line);
	igt_assert_eq(vp_poll(merged, POLLIN, WAKE_MS), POLLIN);
	vp_sync_read(merged, &info);
	igt_assert_eq(info.status, -ENOENT);
	vp_assert_fences(&info, VP_FENCE("sw_sync", NAME, -ENOENT),
			 VP_FENCE("vprime0", "render", 1));
	close(sync[0]);
	close(sync[1]);
	close(merged);
	close(gpu);
}

/* In a buffer of vprime's, or vgem's, it makes others wait. */
static void in_buffer(bool foreign)
{
	int gpu = vp_open(0), vgem, line = vp_sw_sync(), dmabuf, sync;
	struct vp_remote waiter[3];
	struct vp_task wait[3] = {
		{ .run = vp_wait_gem }, { .run = vp_wait_peek },
		{ .run = vp_wait_access, .flags = DMA_BUF_SYNC_RW },
	};
	uint32_t handle, theirs;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	if (foreign) {
		theirs = vp_create_dumb(vgem, 64, 64, 32).handle;
		dmabuf = vp_export(vgem, theirs);
		handle = vp_import(gpu, dmabuf);
	} else {
		handle = vp_create(gpu, VP_PAGE);
		dmabuf = vp_export(gpu, handle);
		theirs = vp_import(vgem, dmabuf);
	}
	sync = vp_sw_fence(line, 1);
	vp_dmabuf_put_sync(dmabuf, sync, DMA_BUF_SYNC_WRITE);
	close(sync);
	igt_assert(!vp_idle(gpu, handle, false));
	igt_assert_eq(vp_try_fence_attach(vgem, theirs, 0, 0, NULL), -EBUSY);
	igt_assert_eq(vp_try_fence_attach(gpu, handle, 0, 0, NULL), -EBUSY);
	igt_assert_eq(vp_poll(dmabuf, POLLIN, 0), 0);
	for (int i = 0; i < 3; i++) {
		waiter[i] = vp_remote_start("waiter");
		wait[i].fd = vp_remote_give(&waiter[i], i < 2 ? gpu : dmabuf);
		wait[i].handle = handle;
		vp_remote_block(&waiter[i], &wait[i]);
	}
	for (int i = 0; i < 3; i++)
		vp_assert_blocked(&waiter[i]);
	vp_sw_inc(line, 1);
	for (int i = 0; i < 3; i++) {
		igt_assert_eq(vp_remote_result(&waiter[i], NULL), 0);
		vp_remote_end(&waiter[i]);
	}
	igt_assert(vp_idle(gpu, handle, true));
	vp_fence_signal(vgem, vp_fence_attach(vgem, theirs, true));
	close(line);
	close(dmabuf);
	close(vgem);
	close(gpu);
	vp_unload_foreign("vgem");
}

static void in_syncobj(void)
{
	int gpu = vp_open(0), line = vp_sw_sync(), sync;
	uint32_t syncobj = vp_syncobj(gpu, 0);

	sync = vp_sw_fence(line, 1);
	vp_syncobj_put_sync(gpu, syncobj, sync);
	close(sync);
	igt_assert(!vp_syncobj_done(gpu, syncobj));
	vp_sw_inc(line, 1);
	igt_assert(vp_syncobj_done(gpu, syncobj));
	vp_syncobj_reset(gpu, syncobj);
	sync = vp_sw_fence(line, 2);
	vp_syncobj_put_sync(gpu, syncobj, sync);
	close(line);
	igt_assert(vp_syncobj_done(gpu, syncobj));
	igt_assert_eq(vp_sync_state(sync), -ENOENT);
	close(sync);
	close(gpu);
}

/* It is no GPU's: all of them go. */
static void without_gpus(void)
{
	int line = vp_sw_sync(), sync = vp_sw_fence(line, 1);

	vp_unplug(0);
	vp_unplug(1);
	igt_assert_eq(vp_sync_state(sync), 0);
	vp_sw_inc(line, 1);
	igt_assert_eq(vp_sync_state(sync), 1);
	close(sync);
	vp_plug(0);
	vp_plug(1);
	close(line);
}

static void thousand(void)
{
	enum { MANY = 1000 };
	struct vp_counts before = vp_counts();
	int line = vp_sw_sync(), *sync = calloc(MANY, sizeof(*sync));
	struct rlimit old, room;

	igt_assert(sync);
	igt_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	room = old;
	room.rlim_cur = 2 * MANY;
	if (room.rlim_max < room.rlim_cur)
		room.rlim_max = room.rlim_cur;
	igt_assert_eq(setrlimit(RLIMIT_NOFILE, &room), 0);
	for (uint32_t i = 0; i < MANY; i++)
		sync[i] = vp_sw_fence(line, i + 1);
	for (uint32_t now = 100; now <= 500; now += 100) {
		vp_sw_inc(line, 100);
		for (uint32_t i = 0; i < MANY; i++)
			igt_assert_eq(vp_sync_state(sync[i]), i < now);
	}
	close(line);
	for (uint32_t i = 0; i < MANY; i++) {
		igt_assert_eq(vp_sync_state(sync[i]), i < 500 ? 1 : -ENOENT);
		close(sync[i]);
	}
	vp_assert_counts(&before);
	igt_assert_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	free(sync);
}

/* ---- what is refused ---------------------------------------------------- */

static void bad_ioctls(void)
{
	void *nowhere = (void *)(uintptr_t)8;
	int line = vp_sw_sync(), sync;
	char byte = 0;

	sync = vp_sw_fence(line, 1);
	igt_assert_eq(vp_try_ioctl(line, _IO('W', 3), NULL), -ENOTTY);
	igt_assert_eq(vp_try_ioctl(line, _IO('V', 0), NULL), -ENOTTY);
	/* Another size is another ioctl. */
	igt_assert_eq(vp_try_ioctl(line, _IOW('W', 1, uint64_t), &byte),
		      -ENOTTY);
	igt_assert_eq(vp_try_ioctl(line, VP_SW_SYNC_CREATE_FENCE, nowhere),
		      -EFAULT);
	igt_assert_eq(vp_try_ioctl(line, VP_SW_SYNC_INC, nowhere), -EFAULT);
	igt_assert_eq(vp_try_ioctl(line, VP_SW_SYNC_GET_DEADLINE, nowhere),
		      -EFAULT);
	igt_assert_eq(read(line, &byte, 1), -1);
	igt_assert_eq(errno, EINVAL);
	igt_assert_eq(write(line, &byte, 1), -1);
	igt_assert_eq(errno, EINVAL);
	igt_assert_eq(vp_sync_state(sync), 0);
	close(sync);
	close(line);
}

static void bad_deadlines(void)
{
	int gpu = vp_open(0), line = vp_sw_sync(), ours, sync, merged;
	struct vp_sw_sync_deadline get;
	bool has_get_deadline = true;

	sync = vp_sw_fence(line, 1);
	get = (struct vp_sw_sync_deadline){ .fence_fd = sync };
	if (vp_try_ioctl(line, VP_SW_SYNC_GET_DEADLINE, &get) == -ENOTTY) {
		close(sync);
		close(line);
		close(gpu);
		has_get_deadline = false;
	}
	igt_require_f(has_get_deadline,
		      "the kernel's own sw_sync is older than deadlines\n");
	ours = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
	merged = vp_sync_merge(sync, ours, "both");
	/* Nobody has set one. */
	igt_assert_eq(vp_try_sw_deadline(line, sync, NULL), -ENOENT);
	igt_assert_eq(vp_try_sw_deadline(line, ours, NULL), -EINVAL);
	igt_assert_eq(vp_try_sw_deadline(line, merged, NULL), -EINVAL);
	igt_assert_eq(vp_try_sw_deadline(line, gpu, NULL), -EINVAL);
	igt_assert_eq(vp_try_sw_deadline(line, line, NULL), -EINVAL);
	igt_assert_eq(vp_try_sw_deadline(line, -1, NULL), -EINVAL);
	get = (struct vp_sw_sync_deadline){ .fence_fd = sync, .pad = 1 };
	igt_assert_eq(vp_try_ioctl(line, VP_SW_SYNC_GET_DEADLINE, &get),
		      -EINVAL);
	get = (struct vp_sw_sync_deadline){ .fence_fd = sync,
					    .deadline_ns = 1 };
	igt_assert_eq(vp_try_ioctl(line, VP_SW_SYNC_GET_DEADLINE, &get),
		      -EINVAL);
	close(merged);
	close(ours);
	close(sync);
	close(line);
	close(gpu);
}

/* ---- the module's life -------------------------------------------------- */

static void require_ours(void)
{
	bool sw_sync_is_ours;

	vp_unload();
	sw_sync_is_ours = access(VP_SW_SYNC_DIR, F_OK);
	vp_reload(VP_DEFAULT_GPUS);
	igt_require_f(sw_sync_is_ours,
		      "this kernel has a sw_sync of its own\n");
}

static void unload(void)
{
	int line = vp_sw_sync(), sync;

	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	sync = vp_sw_fence(line, 1);
	close(line);
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	vp_assert_sync(sync, "sw_sync", NAME, -ENOENT);
	close(sync);
	vp_unload();
	igt_assert_eq(access(VP_SW_SYNC_DIR, F_OK), -1);
	igt_assert_eq(errno, ENOENT);
	vp_reload(VP_DEFAULT_GPUS);
	igt_assert_eq(access(VP_SW_SYNC_PATH, F_OK), 0);
	line = vp_sw_sync();
	igt_assert_eq(state_at(line, 1), 0);
	close(line);
}

igt_main
{
	igt_describe("Fences signal when the counter comes to their value");
	vp_subtest("steps")
		steps();

	igt_describe("A step of 0 signals nothing");
	vp_subtest("no-step")
		no_step();

	igt_describe("A fence for a value in the past has signalled");
	vp_subtest("past")
		past();

	igt_describe("Fences signal by value, not in the order they were made in");
	vp_subtest("any-order")
		any_order();

	igt_describe("Two fences of the same value are the same fence");
	vp_subtest("same-value")
		same_value();

	igt_describe("Values beyond INT_MAX and UINT_MAX: what is less than half way ahead is pending");
	vp_subtest("half-way")
		half_way();

	igt_describe("A step of UINT_MAX signals all, and leaves the counter one before where it was");
	vp_subtest("giant-step")
		giant_step();

	igt_describe("The counter goes round several times");
	vp_subtest("round-and-round")
		round_and_round();

	igt_describe("Two files are two timelines");
	vp_subtest("two-lines")
		two_lines();

	igt_describe("Closing the last descriptor signals what is left with ENOENT");
	vp_subtest("closed")
		closed();

	igt_describe("The death of the maker wakes those who wait for its fences");
	vp_subtest("maker-killed")
		maker_killed();

	igt_describe("The timeline has the name of the process, as far as processes have one");
	vp_subtest("names")
		names();

	igt_describe("Nobody but root opens it");
	vp_subtest("not-root")
		not_root();

	igt_describe("A fence of sw_sync merges with one of vprime");
	vp_subtest("with-vprime")
		with_vprime();

	igt_describe("A buffer of vprime's waits for a fence of sw_sync, in every way");
	vp_subtest("in-buffer")
		in_buffer(false);

	igt_describe("The same with a buffer of vgem's");
	vp_subtest("in-buffer-foreign")
		in_buffer(true);

	igt_describe("A syncobj waits for a fence of sw_sync");
	vp_subtest("in-syncobj")
		in_syncobj();

	igt_describe("sw_sync works without any GPU");
	vp_subtest("without-gpus")
		without_gpus();

	igt_describe("A thousand fences signal by hundreds, and the rest fail with their file");
	vp_subtest("thousand")
		thousand();

	igt_describe("Unknown ioctls are ENOTTY, bad pointers EFAULT, read and write EINVAL");
	vp_subtest("bad-ioctls")
		bad_ioctls();

	igt_describe("GET_DEADLINE wants one fence of sw_sync, and is ENOENT without a deadline");
	vp_subtest("bad-deadlines")
		bad_deadlines();

	igt_describe("No unloading while the file or a fence is there; after it the folder is gone");
	vp_subtest("unload") {
		require_ours();
		unload();
	}
}
