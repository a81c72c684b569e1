// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences of timelines, as the sync_files that programs get: their state, their
 * names, when they signal and in which order, and who can wait for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_sync.h"
#include "vp_test.h"
#include "vp_waits.h"

IGT_TEST_DESCRIPTION("Fences of timelines as sync_files");

#define COUNT	8

static bool is_ready(int sync)
{
	return vp_poll(sync, POLLIN, 0) == POLLIN;
}

/* The fences 1 to COUNT of a timeline. */
static void make(int gpu, uint32_t timeline, int sync[COUNT])
{
	uint64_t seqno;

	for (int i = 0; i < COUNT; i++) {
		sync[i] = vp_fence(gpu, timeline, &seqno);
		igt_assert_eq(seqno, i + 1);
	}
}

static void close_all(int sync[COUNT])
{
	for (int i = 0; i < COUNT; i++)
		close(sync[i]);
}

/* The first @done have signalled with @state, the others have not. */
static void assert_done(int sync[COUNT], int done, int state)
{
	for (int i = 0; i < COUNT; i++) {
		igt_assert_eq(vp_sync_state(sync[i]), i < done ? state : 0);
		igt_assert_eq(is_ready(sync[i]), i < done);
	}
}

static void state(void)
{
	int gpu = vp_open(0), sync;
	uint32_t timeline = vp_timeline(gpu, "render");

	sync = vp_fence(gpu, timeline, NULL);
	vp_assert_sync(sync, "vprime0", "render", 0);
	igt_assert_eq(vp_sync_time(sync), 0);
	igt_assert_eq(vp_poll(sync, POLLIN, 0), 0);
	/* It becomes ready for nothing else, now or later. */
	igt_assert_eq(vp_poll(sync, POLLOUT | POLLPRI, 0), 0);

	vp_timeline_signal(gpu, timeline, 1);
	vp_assert_sync(sync, "vprime0", "render", 1);
	igt_assert_eq(vp_poll(sync, POLLIN, 0), POLLIN);
	igt_assert_eq(vp_poll(sync, POLLIN | POLLOUT, 0), POLLIN);
	close(sync);
	close(gpu);
}

/* Nobody had asked about it when it signalled. */
static void state_unseen(void)
{
	int gpu = vp_open(0), sync;
	uint32_t timeline = vp_timeline(gpu, "render");

	sync = vp_fence(gpu, timeline, NULL);
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert(is_ready(sync));
	igt_assert_eq(vp_sync_state(sync), 1);
	close(sync);
	close(gpu);
}

static void assert_name(int sync, const char *begins, uint64_t seqno)
{
	struct vp_sync info;
	char ends[24];

	vp_sync_read(sync, &info);
	igt_assert_f(!strncmp(info.name, begins, strlen(begins)),
		     "\"%s\" does not begin with \"%s\"\n", info.name, begins);
	snprintf(ends, sizeof(ends), "-%llu", (unsigned long long)seqno);
	igt_assert_f(strlen(info.name) > strlen(ends) &&
		     !strcmp(info.name + strlen(info.name) - strlen(ends),
			     ends),
		     "\"%s\" does not end with \"%s\"\n", info.name, ends);
}

static void names(void)
{
	/* As long as can be. */
	static const char longest[] = "a name of thirty-one characters";
	int gpu = vp_open(0), gpu1 = vp_open(1), sync;
	int phone = vp_config_open("phone", "driver_name=msm");
	uint32_t timeline;

	igt_assert_eq(strlen(longest), DRM_VPRIME_NAME_LEN - 1);
	timeline = vp_timeline(gpu, longest);
	sync = vp_fence(gpu, timeline, NULL);
	vp_assert_sync(sync, "vprime0", longest, 0);
	close(sync);

	timeline = vp_timeline(gpu1, "copy");
	close(vp_fence(gpu1, timeline, NULL));
	sync = vp_fence(gpu1, timeline, NULL);
	vp_assert_sync(sync, "vprime1", "copy", 0);
	assert_name(sync, "vprime1-copy", 2);
	close(sync);

	/* The device says which one it is; the driver's name would not. */
	timeline = vp_timeline(phone, "%s%n ~!\"");
	sync = vp_fence(phone, timeline, NULL);
	vp_assert_sync(sync, "vprime2", "%s%n ~!\"", 0);
	close(sync);
	vp_config_remove("phone");
	close(phone);
	close(gpu1);
	close(gpu);
}

/* The three of them, as names_last() has signalled them. */
static void assert_kept(const int *kept)
{
	vp_assert_sync(kept[0], "vprime2", "render", -ECANCELED);
	vp_assert_sync(kept[1], "vprime2", "present", 1);
	vp_assert_sync(kept[2], "vprime2", "present", -ECANCELED);
}

/*
 * A fence's names outlive those they came from, and are not taken for those of
 * their successors. Where a fence that has signalled keeps its names they are its
 * GPU's and its timeline's for ever. Where it lets go of its driver they are the
 * kernel's from then on, and say nothing of a GPU; the sync_file, which is named
 * after its fence unless it has a name of its own, changes its name with that.
 */
static void names_last(void)
{
	int gpu = vp_config_open("going", ""), kept[3], own;
	uint32_t timeline = vp_timeline(gpu, "render");
	struct vp_sync info;

	kept[0] = vp_fence(gpu, timeline, NULL);
	vp_assert_sync(kept[0], "vprime2", "render", 0);
	vp_timeline_destroy(gpu, timeline);
	timeline = vp_timeline(gpu, "present");
	kept[1] = vp_fence(gpu, timeline, NULL);
	vp_timeline_signal(gpu, timeline, 1);
	kept[2] = vp_fence(gpu, timeline, NULL);
	vp_assert_sync(kept[2], "vprime2", "present", 0);
	assert_name(kept[2], "vprime2-present", 2);
	own = vp_sync_merge(kept[2], kept[2], "its own");
	close(gpu);
	assert_kept(kept);
	vp_config_remove("going");
	/* And when its number is another one's. */
	gpu = vp_config_open("other", "");
	timeline = vp_timeline(gpu, "other");
	assert_kept(kept);
	if (vp_sync_detaches()) {
		/* As much as there is room for, which the number is not in. */
		vp_sync_read(kept[2], &info);
		igt_assert(!strcmp(info.name,
				   "detached-driver-signaled-timeli"));
	} else {
		assert_name(kept[2], "vprime2-present", 2);
	}
	vp_assert_sync(own, "vprime2", "present", -ECANCELED);
	vp_sync_read(own, &info);
	igt_assert(!strcmp(info.name, "its own"));
	close(own);
	for (int i = 0; i < 3; i++)
		close(kept[i]);
	vp_config_remove("other");
	close(gpu);
}

static void order(void)
{
	int gpu = vp_open(0), sync[COUNT];
	uint32_t timeline = vp_timeline(gpu, "render");

	make(gpu, timeline, sync);
	assert_done(sync, 0, 1);
	vp_timeline_signal(gpu, timeline, 1);
	assert_done(sync, 1, 1);
	vp_timeline_signal(gpu, timeline, 5);
	assert_done(sync, 5, 1);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 3, 0), -EALREADY);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, COUNT + 1, 0),
		      -ENOENT);
	assert_done(sync, 5, 1);
	vp_timeline_signal(gpu, timeline, COUNT);
	assert_done(sync, COUNT, 1);
	close_all(sync);
	close(gpu);
}

/* Timelines know nothing of each other. */
static void two_timelines(bool two_gpus)
{
	int gpu = vp_open(0), other = vp_open(two_gpus), one[COUNT], two[COUNT];
	uint32_t first = vp_timeline(gpu, "render");
	uint32_t second = vp_timeline(other, "render");

	make(gpu, first, one);
	make(other, second, two);
	vp_timeline_signal(other, second, 3);
	assert_done(one, 0, 1);
	assert_done(two, 3, 1);
	igt_assert_eq(vp_try_timeline_signal(gpu, first, 4, -EIO), 0);
	assert_done(one, 4, -EIO);
	assert_done(two, 3, 1);
	vp_timeline_destroy(gpu, first);
	assert_done(two, 3, 1);
	vp_timeline_signal(other, second, COUNT);
	assert_done(two, COUNT, 1);
	close_all(one);
	close_all(two);
	close(other);
	close(gpu);
}

static void errors(void)
{
	/* Some that vprime gives by itself, and the ends of the range. */
	static const int error[COUNT] = {
		-EIO, -ETIMEDOUT, 0, -ECANCELED, -ENODEV, -EPERM, -DRM_VPRIME_MAX_ERROR,
		-EIO,
	};
	int gpu = vp_open(0), sync[COUNT];
	uint32_t timeline = vp_timeline(gpu, "render");

	make(gpu, timeline, sync);
	for (int i = 0; i < COUNT; i++) {
		igt_assert_eq(vp_try_timeline_signal(gpu, timeline, i + 1,
						     error[i]), 0);
		for (int at = 0; at < COUNT; at++) {
			int want = at > i ? 0 : error[at] ? error[at] : 1;

			vp_assert_sync(sync[at], "vprime0", "render", want);
			igt_assert_eq(vp_sync_state(sync[at]), want);
			igt_assert_eq(is_ready(sync[at]), at <= i);
		}
	}
	close_all(sync);
	close(gpu);
}

static void error_of_many(void)
{
	int gpu = vp_open(0), sync[COUNT];
	uint32_t timeline = vp_timeline(gpu, "render");

	make(gpu, timeline, sync);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 4, -EIO), 0);
	assert_done(sync, 4, -EIO);
	/* Refused, with an error of its own: nothing has changed. */
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 3, -EBADF),
		      -EALREADY);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 5, 1), -EINVAL);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 5, -4096),
		      -EINVAL);
	assert_done(sync, 4, -EIO);
	vp_timeline_signal(gpu, timeline, 5);
	igt_assert_eq(vp_sync_state(sync[3]), -EIO);
	igt_assert_eq(vp_sync_state(sync[4]), 1);
	close_all(sync);
	close(gpu);
}

static void timestamps(void)
{
	int gpu = vp_open(0), sync[COUNT];
	uint32_t timeline = vp_timeline(gpu, "render");
	int64_t began = 0, ended = 0, last = 0;

	make(gpu, timeline, sync);
	for (int i = 0; i < COUNT; i++) {
		/* Two at once, in turn with one alone, good or bad. */
		if (i % 3 != 1) {
			began = vp_now_ns();
			igt_assert_eq(vp_try_timeline_signal(gpu, timeline,
				      i % 3 ? i + 1 : i + 2, i & 2 ? -EIO : 0),
				      0);
			ended = vp_now_ns();
		}
		igt_assert_lte(began, vp_sync_time(sync[i]));
		igt_assert_lte(vp_sync_time(sync[i]), ended);
		igt_assert_lte(last, vp_sync_time(sync[i]));
		last = vp_sync_time(sync[i]);
		for (int later = i + 2; later < COUNT; later++)
			igt_assert_eq(vp_sync_time(sync[later]), 0);
	}
	/* They stay as they are. */
	igt_assert_eq(vp_sync_time(sync[COUNT - 1]), last);
	close_all(sync);
	close(gpu);
}

/* The fences go on without descriptors, and leave nothing behind. */
static void closed_before(void)
{
	int gpu = vp_open(0), sync[COUNT];
	uint32_t timeline = vp_timeline(gpu, "render");
	struct vp_counts before = vp_counts();

	make(gpu, timeline, sync);
	igt_assert_eq(vp_counts().fences, before.fences + COUNT);
	/* A poll has left something of its own at this one. */
	igt_assert(!is_ready(sync[2]));
	for (int i = 0; i < COUNT - 1; i++)
		close(sync[i]);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 2, -EIO), 0);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 2, 0), -EALREADY);
	igt_assert_eq(vp_sync_state(sync[COUNT - 1]), 0);
	vp_timeline_signal(gpu, timeline, COUNT);
	igt_assert_eq(vp_sync_state(sync[COUNT - 1]), 1);
	/* That one is held by its descriptor alone. */
	before.fences++;
	vp_assert_counts(&before);
	close(sync[COUNT - 1]);
	before.fences--;
	vp_assert_counts(&before);
	close(gpu);
}

static void descriptor(void)
{
	int gpu = vp_open(0), sync, copy;
	uint32_t timeline = vp_timeline(gpu, "render");
	char byte;

	sync = vp_fence(gpu, timeline, NULL);
	igt_assert_eq(fcntl(sync, F_GETFD), FD_CLOEXEC);
	igt_assert_eq(read(sync, &byte, 1), -1);
	igt_assert_eq(errno, EINVAL);
	igt_assert_eq(vp_try_mmap(sync, 0, VP_PAGE, PROT_READ, MAP_SHARED,
				  NULL), -ENODEV);

	copy = dup(sync);
	close(sync);
	igt_assert_eq(vp_sync_state(copy), 0);
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert_eq(vp_sync_state(copy), 1);
	sync = dup(copy);
	close(copy);
	vp_assert_sync(sync, "vprime0", "render", 1);
	close(sync);
	close(gpu);
}

/* Whoever polls is woken, by poll and by epoll, and at error too. */
static void wakes(int error)
{
	int gpu = vp_open_patient(), sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	struct vp_remote waiter[4];
	struct vp_task wait = {};

	sync = vp_fence(gpu, timeline, NULL);
	for (int i = 0; i < 4; i++) {
		waiter[i] = vp_remote_start("waiter");
		wait.fd = vp_remote_give(&waiter[i], sync);
		wait.run = i & 1 ? vp_wait_epoll : vp_wait_poll;
		wait.flags = i & 1 ? EPOLLIN : POLLIN;
		vp_remote_block(&waiter[i], &wait);
	}
	for (int i = 0; i < 4; i++)
		vp_assert_blocked(&waiter[i]);
	/* One that goes while it waits takes nobody else along. */
	vp_remote_kill(&waiter[2]);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, error), 0);
	for (int i = 0; i < 4; i++) {
		if (i == 2)
			continue;
		igt_assert_eq(vp_remote_result(&waiter[i], NULL),
			      i & 1 ? (int)EPOLLIN : POLLIN);
		vp_remote_end(&waiter[i]);
	}
	igt_assert_eq(vp_sync_state(sync), error ? error : 1);
	close(sync);
	vp_close_patient(gpu);
}

/* The other process has nothing but the fence, and we no longer have it. */
static void passed(void)
{
	int gpu = vp_open_patient(), sync;
	uint32_t timeline = vp_timeline(gpu, "render");
	struct vp_remote other = vp_remote_start("other");
	struct vp_task wait = { .run = vp_wait_poll, .flags = POLLIN };

	sync = vp_fence(gpu, timeline, NULL);
	wait.fd = vp_remote_give(&other, sync);
	close(sync);
	vp_remote_block(&other, &wait);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, -EIO), 0);
	igt_assert_eq(vp_remote_result(&other, NULL), POLLIN);
	/* And back again. */
	sync = vp_remote_take(&other, wait.fd);
	vp_remote_end(&other);
	vp_assert_sync(sync, VP_PATIENT, "render", -EIO);
	close(sync);
	vp_close_patient(gpu);
}

/* In nobody's hands, but on its way, when it signals. */
static void passed_signalled(void)
{
	int gpu = vp_open(0), sync, sock[2];
	uint32_t timeline = vp_timeline(gpu, "render");

	vp_socketpair(sock);
	sync = vp_fence(gpu, timeline, NULL);
	vp_send_fd(sock[0], sync);
	close(sync);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, -EIO), 0);
	sync = vp_recv_fd(sock[1]);
	vp_assert_sync(sync, "vprime0", "render", -EIO);
	igt_assert(is_ready(sync));
	close(sync);
	close(sock[0]);
	close(sock[1]);
	close(gpu);
}

/* Another process of the same file's makes and signals. */
static int signal_timeline(struct vp_task *task)
{
	return vp_try_timeline_signal(task->fd, task->handle, task->value, 0);
}

static void shared_file(void)
{
	int gpu = vp_open(0), sync[COUNT];
	uint32_t timeline = vp_timeline(gpu, "render");
	struct vp_remote other = vp_remote_start("other");
	struct vp_task signal = {
		.run = signal_timeline, .handle = timeline, .value = 3,
	};

	make(gpu, timeline, sync);
	signal.fd = vp_remote_give(&other, gpu);
	igt_assert_eq(vp_remote_do(&other, &signal), 0);
	assert_done(sync, 3, 1);
	/* A file of its own has no such timeline. */
	signal.fd = vp_remote_open(&other, 0);
	signal.value = 4;
	igt_assert_eq(vp_remote_do(&other, &signal), -ENOENT);
	assert_done(sync, 3, 1);
	vp_remote_end(&other);
	close_all(sync);
	close(gpu);
}

igt_main
{
	igt_describe("A fence is pending, then signalled, for poll and for SYNC_IOC_FILE_INFO");
	vp_subtest("state")
		state();

	igt_describe("A fence that nobody asked about has signalled all the same");
	vp_subtest("state-unseen")
		state_unseen();

	igt_describe("The driver's name is the device's, the object's the timeline's");
	vp_subtest("names")
		names();

	igt_describe("The names that a signalled fence has stay when timeline, file and GPU have gone");
	vp_subtest("names-last")
		names_last();

	igt_describe("Signalling n signals all fences up to n and none of those after it");
	vp_subtest("order")
		order();

	igt_describe("Two timelines of a file do not touch each other");
	vp_subtest("two-timelines")
		two_timelines(false);

	igt_describe("Nor do timelines of two GPUs");
	vp_subtest("two-gpus")
		two_timelines(true);

	igt_describe("The state is the negative errno that a fence was signalled with");
	vp_subtest("errors")
		errors();

	igt_describe("An error is that of all fences which it signals, and of no others");
	vp_subtest("error-of-many")
		error_of_many();

	igt_describe("Timestamps lie within the signalling call, and never go back");
	vp_subtest("timestamps")
		timestamps();

	igt_describe("Descriptors that are closed before the signal are not missed");
	vp_subtest("closed-before")
		closed_before();

	igt_describe("A descriptor goes at exec, can be copied, but not read or mapped");
	vp_subtest("descriptor")
		descriptor();

	igt_describe("All processes that poll a fence wake up when it signals");
	vp_subtest("wakes")
		wakes(0);

	igt_describe("The same when it signals with an error");
	vp_subtest("wakes-error")
		wakes(-EIO);

	igt_describe("A process waits for a fence that it alone has");
	vp_subtest("passed")
		passed();

	igt_describe("A fence signals while its descriptor is on its way");
	vp_subtest("passed-signalled")
		passed_signalled();

	igt_describe("A process that has got the GPU's file signals its timelines");
	vp_subtest("shared-file")
		shared_file();
}
