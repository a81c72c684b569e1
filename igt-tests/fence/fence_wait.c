// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for a buffer with GEM_WAIT: until when, through signals, in crowds,
 * and who is listed as waiting. What ends it is in fence_wait_end.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_doer.h"
#include "vp_fences.h"
#include "vp_pair.h"
#include "vp_race.h"
#include "vp_test.h"
#include "vp_waits.h"

IGT_TEST_DESCRIPTION("Waiting for a buffer's fences");

#define SIZE		VP_PAGE
#define WAIT_WRITE	DRM_VPRIME_WAIT_WRITE
#define BLOCKED_MS	300
#define WAITERS		1000
#define RINGS		5
#define NS_A_YEAR	(365 * 86400 * 1000000000ll)

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

/* ---- until when --------------------------------------------------------- */

/* Where there is nothing to wait for, no time is too short or too strange. */
static void idle(void)
{
	static const int64_t times[] = {
		INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX,
	};
	struct vp_pair s = vp_pair(SIZE);

	for (size_t i = 0; i < VP_ARRAY_SIZE(times); i++) {
		igt_assert_eq(vp_try_wait(s.gpu[1], s.handle[1], 0, times[i]),
			      0);
		igt_assert_eq(vp_try_wait(s.gpu[1], s.handle[1], WAIT_WRITE,
					  times[i]), 0);
	}
	igt_assert_eq(vp_try_wait(s.gpu[1], s.handle[1], 0, vp_now_ns()), 0);
	igt_assert_eq(vp_try_wait(s.gpu[1], s.handle[1], 0, vp_in_ms(1000)), 0);
	vp_pair_end(&s);
}

/* Had one of these waited, the fence would signal by itself and it return 0. */
static void past(void)
{
	static const int64_t times[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1 };
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);

	for (size_t i = 0; i < VP_ARRAY_SIZE(times); i++) {
		igt_assert_eq(vp_try_wait(s.gpu[1], s.handle[1], 0, times[i]),
			      -ETIME);
		igt_assert_eq(vp_try_wait(s.gpu[1], s.handle[1], WAIT_WRITE,
					  times[i]), -ETIME);
	}
	igt_assert_eq(vp_try_wait(s.gpu[1], s.handle[1], 0, vp_now_ns()),
		      -ETIME);
	igt_assert_eq(vp_try_wait(s.gpu[1], s.handle[1], 0,
				  vp_now_ns() - NS_A_YEAR), -ETIME);
	vp_fence_signal(s.gpu[0], fence);
	vp_pair_end(&s);
}

/* At all places between two ticks of the kernel's clock. */
static void not_too_early(void)
{
	struct vp_pair s = vp_pair(SIZE);
	int patient = vp_open_patient();
	uint32_t handle = vp_import(patient, s.dmabuf), fence;
	int64_t until, most = 0;

	for (int i = 0; i < 200; i++) {
		fence = vp_fence_attach(patient, handle, true);
		until = vp_now_ns() + i * 97531;
		igt_assert_eq(vp_try_wait(s.gpu[1], s.handle[1], 0, until),
			      -ETIME);
		igt_assert_lte(until, vp_now_ns());
		if (vp_now_ns() - until > most)
			most = vp_now_ns() - until;
		vp_fence_signal(patient, fence);
	}
	igt_info("%lld us late at most\n", (long long)most / 1000);
	fence = vp_fence_attach(patient, handle, true);
	until = vp_in_ms(1000);
	igt_assert_eq(vp_try_wait(s.gpu[1], s.handle[1], 0, until), -ETIME);
	igt_assert_lte(until, vp_now_ns());
	vp_fence_signal(patient, fence);
	vp_pair_end(&s);
	vp_close_patient(patient);
}

/* None of these times comes, however it is counted. */
static void far(void)
{
	const int64_t times[] = {
		INT64_MAX, INT64_MAX - 1, INT64_MAX / 2, 1ll << 62,
		vp_now_ns() + NS_A_YEAR, vp_now_ns() + 100 * NS_A_YEAR,
		vp_now_ns() + (1ll << 31) * 1000000, vp_in_ms(3600000),
	};
	struct vp_doer waiter[VP_ARRAY_SIZE(times)];
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);

	for (size_t i = 0; i < VP_ARRAY_SIZE(times); i++)
		waiter[i] = start_waiter(&s, 0, times[i]);
	for (size_t i = 0; i < VP_ARRAY_SIZE(times); i++)
		vp_assert_waits(&waiter[i]);
	igt_assert(vp_doing(&waiter[0], BLOCKED_MS));
	for (size_t i = 0; i < VP_ARRAY_SIZE(times); i++)
		igt_assert(vp_doing(&waiter[i], 0));
	vp_fence_signal(s.gpu[0], fence);
	for (size_t i = 0; i < VP_ARRAY_SIZE(times); i++)
		igt_assert_eq(vp_done(&waiter[i]), 0);
	vp_pair_end(&s);
}

/* ---- signals ------------------------------------------------------------ */

/* How often the alarm clock has rung over there. */
static struct vp_race *rings;

static void tick(int sig)
{
	(void)sig;
	rings->rounds[0]++;
}

/* Its alarm clock rings all the time. One call, not made again by us. */
static int try_wait_with_alarm(const struct waiter *waiter, int sa_flags)
{
	struct sigaction action = { .sa_handler = tick, .sa_flags = sa_flags };
	struct itimerval often = { { 0, 50000 }, { 0, 50000 } }, never = {};
	struct drm_vprime_gem_wait wait = {
		.handle = waiter->handle, .flags = waiter->flags,
		.timeout_ns = waiter->until_ns,
	};
	int ret;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	ret = ioctl(waiter->gpu, DRM_IOCTL_VPRIME_GEM_WAIT, &wait) ? -errno : 0;
	setitimer(ITIMER_REAL, &never, NULL);
	return ret;
}

static int try_interrupted(void *data)
{
	return try_wait_with_alarm(data, 0);
}

static int try_restarted(void *data)
{
	return try_wait_with_alarm(data, SA_RESTART);
}

/* Not before its time; once more where a slow machine has had too few rings by then. */
static int try_restarted_until(void *data)
{
	struct waiter *waiter = data;
	int ret;

	do {
		rings->rounds[0] = 0;
		waiter->until_ns = vp_in_ms(1500);
		ret = try_wait_with_alarm(waiter, SA_RESTART);
		if (ret == -ETIME && vp_now_ns() < waiter->until_ns)
			return -ERANGE;
	} while (ret == -ETIME && rings->rounds[0] < RINGS);
	return ret;
}

static void interrupted(void)
{
	struct vp_pair s = vp_pair(SIZE);
	struct waiter waiter = { s.gpu[1], s.handle[1], 0, INT64_MAX };
	struct vp_doer doer;
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);

	rings = vp_race_begin();
	doer = vp_do(try_interrupted, &waiter);
	igt_assert_eq(vp_done(&doer), -EINTR);
	waiter.until_ns = vp_in_ms(60000);
	doer = vp_do(try_interrupted, &waiter);
	igt_assert_eq(vp_done(&doer), -EINTR);
	igt_assert_eq(vp_waiters(), 0);
	igt_assert(!vp_idle(s.gpu[1], s.handle[1], false));
	vp_fence_signal(s.gpu[0], fence);
	vp_race_end(rings);
	vp_pair_end(&s);
}

/*
 * Were the time counted anew after each signal it would never come, and the
 * fence's limit end the wait.
 */
static void restarted_until(void)
{
	struct vp_pair s = vp_pair(SIZE);
	struct waiter waiter = { s.gpu[1], s.handle[1], 0, 0 };
	int patient = vp_open_patient();
	struct vp_doer doer;
	uint32_t fence = vp_fence_attach(patient, vp_import(patient, s.dmabuf),
					 true);

	rings = vp_race_begin();
	doer = vp_do(try_restarted_until, &waiter);
	igt_assert_eq(vp_done(&doer), -ETIME);
	vp_fence_signal(patient, fence);
	vp_race_end(rings);
	vp_pair_end(&s);
	vp_close_patient(patient);
}

static void restarted_for_ever(void)
{
	struct vp_pair s = vp_pair(SIZE);
	struct waiter waiter = { s.gpu[1], s.handle[1], 0, INT64_MAX };
	int patient = vp_open_patient();
	struct vp_doer doer;
	uint32_t fence = vp_fence_attach(patient, vp_import(patient, s.dmabuf),
					 true);

	rings = vp_race_begin();
	doer = vp_do(try_restarted, &waiter);
	vp_race_wait(rings, 1, RINGS);
	igt_assert(vp_doing(&doer, 0));
	vp_fence_signal(patient, fence);
	igt_assert_eq(vp_done(&doer), 0);
	vp_race_end(rings);
	vp_pair_end(&s);
	vp_close_patient(patient);
}

static int try_once(void *data)
{
	const struct waiter *waiter = data;
	struct drm_vprime_gem_wait wait = {
		.handle = waiter->handle, .flags = waiter->flags,
		.timeout_ns = waiter->until_ns,
	};

	return ioctl(waiter->gpu, DRM_IOCTL_VPRIME_GEM_WAIT, &wait) ? -errno :
								      0;
}

/* A debugger, or a shell's job control, stops it; it has asked for nothing. */
static void stopped(void)
{
	struct vp_pair s = vp_pair(SIZE);
	struct waiter waiter = { s.gpu[1], s.handle[1], 0, INT64_MAX };
	struct vp_doer doer;
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);

	doer = vp_do(try_once, &waiter);
	for (int i = 0; i < 3; i++) {
		vp_assert_waits(&doer);
		igt_assert_eq(kill(doer.process, SIGSTOP), 0);
		usleep(50000);
		igt_assert_eq(kill(doer.process, SIGCONT), 0);
	}
	vp_assert_waits(&doer);
	vp_fence_signal(s.gpu[0], fence);
	igt_assert_eq(vp_done(&doer), 0);
	vp_pair_end(&s);
}

static void killed(void)
{
	struct vp_pair s = vp_pair(SIZE);
	struct vp_doer waiter;
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);

	waiter = start_waiter(&s, 0, INT64_MAX);
	vp_assert_waits(&waiter);
	vp_undo(&waiter);
	igt_assert_eq(vp_waiters(), 0);
	igt_assert(!vp_idle(s.gpu[1], s.handle[1], false));
	vp_fence_signal(s.gpu[0], fence);
	vp_pair_end(&s);
}

/* ---- a thousand --------------------------------------------------------- */

struct one_of_many {
	pthread_t thread;
	const struct vp_pair *s;
	unsigned int number;
	int ret;
};

/* Some by one GPU, some by the other, some with the CPU. */
static void *wait_among_many(void *data)
{
	struct one_of_many *one = data;
	const struct vp_pair *s = one->s;
	unsigned int way = one->number % 3;

	if (way < 2)
		one->ret = vp_try_wait(s->gpu[way], s->handle[way],
				       one->number & 4 ? WAIT_WRITE : 0,
				       INT64_MAX);
	else
		one->ret = vp_try_sync(s->dmabuf, DMA_BUF_SYNC_START |
						  DMA_BUF_SYNC_READ);
	return NULL;
}

static void thousand(void)
{
	struct one_of_many *many = calloc(WAITERS, sizeof(*many));
	int gpu = vp_open_patient();
	struct vp_pair s = vp_pair(SIZE);
	pthread_attr_t attr;
	uint32_t fence;

	igt_assert(many);
	fence = vp_fence_attach(gpu, vp_import(gpu, s.dmabuf), true);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * VP_KIB);
	for (unsigned int i = 0; i < WAITERS; i++) {
		many[i] = (struct one_of_many){ .s = &s, .number = i,
						.ret = 1 };
		igt_assert_eq(pthread_create(&many[i].thread, &attr,
					     wait_among_many, &many[i]), 0);
	}
	pthread_attr_destroy(&attr);
	vp_await_waiters(WAITERS);
	igt_assert_eq(vp_waiters(), WAITERS);
	vp_fence_signal(gpu, fence);
	for (unsigned int i = 0; i < WAITERS; i++)
		igt_assert_eq(pthread_join(many[i].thread, NULL), 0);
	for (unsigned int i = 0; i < WAITERS; i++) {
		igt_assert_eq(many[i].ret, 0);
		if (i % 3 == 2)
			vp_sync_end(s.dmabuf, DMA_BUF_SYNC_READ);
	}
	igt_assert_eq(vp_waiters(), 0);
	free(many);
	vp_pair_end(&s);
	vp_close_patient(gpu);
}

/* ---- who is listed ------------------------------------------------------ */

struct named_waiter {
	struct waiter waiter;
	const char *name;
};

static int try_wait_named(void *data)
{
	const struct named_waiter *named = data;

	prctl(PR_SET_NAME, named->name);
	return vp_try_wait(named->waiter.gpu, named->waiter.handle,
			   named->waiter.flags, named->waiter.until_ns);
}

static void lines(void)
{
	static const char *const names[] = { "first", "two words", "x\ny" };
	static const char *const shown[] = { "first", "two_words", "x_y" };
	enum { COUNT = 3 };
	struct vp_pair s[COUNT];
	struct vp_doer doer[COUNT];
	const struct vp_fences_fence *line;
	uint32_t fence[COUNT];
	uint64_t waited;

	for (int i = 0; i < COUNT; i++) {
		struct named_waiter named;

		s[i] = vp_pair(SIZE);
		named.waiter = (struct waiter){ s[i].gpu[1], s[i].handle[1], 0,
						INT64_MAX };
		named.name = names[i];
		fence[i] = vp_fence_attach(s[i].gpu[0], s[i].handle[0], true);
		doer[i] = vp_do(try_wait_named, &named);
	}
	for (int i = 0; i < COUNT; i++) {
		line = vp_fences_await(doer[i].process);
		igt_assert_eq(line->n_waiter, 1);
		igt_assert_eq(line->waiter->pid, doer[i].process);
		igt_assert_eq(strcmp(line->waiter->process, shown[i]), 0);
		igt_assert_eq(line->id, fence[i]);
		igt_assert_eq(strcmp(line->usage, "write"), 0);
		igt_assert_eq(line->timeline->pid, getpid());
		waited = line->waiter->wait_ms;
		igt_assert_eq(line->buffer,
			      vp_id(s[i].gpu[0], s[i].handle[0]));
		vp_await(waited + 100 <= vp_fences_await(doer[i].process)
					 ->waiter->wait_ms);
	}
	/* Each goes by itself. */
	for (int i = 0; i < COUNT; i++) {
		igt_assert_eq(vp_waiters(), COUNT - i);
		vp_fence_signal(s[i].gpu[0], fence[i]);
		igt_assert_eq(vp_done(&doer[i]), 0);
		igt_assert(!vp_fences_blocking(doer[i].process));
		vp_pair_end(&s[i]);
	}
	igt_assert_eq(vp_waiters(), 0);
}

/* Nobody is listed who has given up. */
static void line_after_time(void)
{
	struct vp_pair s = vp_pair(SIZE);
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);
	struct vp_doer waiter = start_waiter(&s, 0, vp_in_ms(2000));

	/* It may be over before a slow machine has looked. */
	vp_await(vp_fences_blocking(waiter.process) || !vp_doing(&waiter, 0));
	igt_assert_eq(vp_done(&waiter), -ETIME);
	igt_assert_eq(vp_waiters(), 0);
	/* Nor who only asks. */
	igt_assert(!vp_idle(s.gpu[1], s.handle[1], false));
	igt_assert_eq(vp_waiters(), 0);
	vp_fence_signal(s.gpu[0], fence);
	vp_pair_end(&s);
}

igt_main
{
	igt_describe("An idle buffer is one at any time, the strangest included");
	vp_subtest("idle")
		idle();

	igt_describe("A busy buffer is ETIME at once for a time that has passed, 0 and less");
	vp_subtest("past")
		past();

	igt_describe("ETIME never comes before the time it was asked for");
	vp_subtest("not-too-early")
		not_too_early();

	igt_describe("Times of hours, years and centuries do not come, and the fence wakes them all");
	vp_subtest("far")
		far();

	igt_describe("A signal with a handler of its own is EINTR");
	vp_subtest("interrupted")
		interrupted();

	igt_describe("With SA_RESTART the wait goes on to the same time");
	vp_subtest("restarted-until")
		restarted_until();

	igt_describe("With SA_RESTART the wait goes on until the fence signals");
	vp_subtest("restarted-for-ever")
		restarted_for_ever();

	igt_describe("A process that is stopped and continued waits on, without knowing");
	vp_subtest("stopped")
		stopped();

	igt_describe("A process can be killed while it waits");
	vp_subtest("killed")
		killed();

	igt_describe("A thousand threads wait for one fence, on two GPUs and with the CPU, and all wake");
	vp_subtest("thousand")
		thousand();

	igt_describe("Who waits is listed below the fence, with its name and for how long");
	vp_subtest("lines")
		lines();

	igt_describe("Who has given up waiting is not listed");
	vp_subtest("line-after-time")
		line_after_time();
}
