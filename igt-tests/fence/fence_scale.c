// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences by the ten thousand, and by the thousand on one buffer, whose list the
 * kernel walks for each: nothing is left behind, and other programs do not wait
 * for them to be cleared away.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_access.h"
#include "vp_doer.h"
#include "vp_fences.h"
#include "vp_race.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Great numbers of fences and timelines");

#define SIZE		VP_PAGE
#define MOST_FENCES	100000u
/* What one of them costs shows with fewer, where each takes several times as long. */
#define FENCES_DEBUG	15000u
#define PROCESSES	4
#define TIMELINES	10000u
#define TIMELINES_DEBUG	2500u
/* A GPU that gives them time, however slow the machine is. */
#define PATIENT		"fence_timeout_ms=60000"
/* So many readers at once. The kernel keeps the list of them as long as it was. */
#define READERS		2000u
#define READERS_DEBUG	500u

static unsigned int many_fences(void)
{
	return vp_kernel_is_debug() ? FENCES_DEBUG : MOST_FENCES;
}

static unsigned int many_timelines(void)
{
	return vp_kernel_is_debug() ? TIMELINES_DEBUG : TIMELINES;
}

static unsigned int many_readers(void)
{
	return vp_kernel_is_debug() ? READERS_DEBUG : READERS;
}

/* ---- thousands on one buffer -------------------------------------------- */

/*
 * A writer gets the buffer, and the fences go with it at the latest: the list on
 * it has the signalled ones until others come in their place.
 */
static void assert_over(int gpu, uint32_t handle,
			const struct vp_counts *before)
{
	int ret;

	igt_assert(vp_idle(gpu, handle, true));
	ret = vp_try_fence_signal(gpu, vp_fence_attach(gpu, handle, true), 0);
	/* Its limit may be short, and the machine have stood still. */
	igt_assert(ret == 0 || ret == -ETIMEDOUT);
	vp_close(gpu, handle);
	vp_await(vp_counts().fences <= before->fences);
}

static void attach_all(int gpu, uint32_t handle, uint32_t *fence,
		       unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		fence[i] = vp_fence_attach(gpu, handle, false);
}

static void signal_all(int gpu, const uint32_t *fence, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		vp_fence_signal(gpu, fence[i]);
}

static void one_process(void)
{
	const unsigned int count = many_readers();
	int gpu = vp_config_open("patient", PATIENT);
	uint32_t handle = vp_create(gpu, SIZE), *fence;
	struct vp_counts before = vp_counts();

	fence = calloc(count, sizeof(*fence));
	igt_assert(fence);
	attach_all(gpu, handle, fence, count);
	igt_assert_eq(vp_counts().fences, before.fences + (long)count);

	signal_all(gpu, fence, count - 1);
	igt_assert(!vp_idle(gpu, handle, true));
	vp_fence_signal(gpu, fence[count - 1]);
	assert_over(gpu, handle, &before);
	free(fence);
	close(gpu);
	vp_config_remove("patient");
}

static void several_processes(void)
{
	const unsigned int total = many_readers();
	unsigned int index = vp_config_plug("patient", PATIENT);
	struct vp_counts before;
	int gpu = vp_open(index), dmabuf, sock[2];
	uint32_t handle = vp_create(gpu, SIZE);

	dmabuf = vp_export(gpu, handle);
	before = vp_counts();
	vp_socketpair(sock);
	igt_fork(child, PROCESSES) {
		const unsigned int count = total / PROCESSES;
		uint32_t *fence = calloc(count, sizeof(*fence)), own;
		int file = vp_open(index);

		igt_assert(fence);
		own = vp_import(file, dmabuf);
		attach_all(file, own, fence, count);
		vp_tell(sock[1], 'a');
		igt_assert_eq(vp_hear(sock[1]), 's');
		signal_all(file, fence, count);
	}
	for (int i = 0; i < PROCESSES; i++)
		igt_assert_eq(vp_hear(sock[0]), 'a');
	igt_assert_lte(before.fences + (long)total, vp_counts().fences);
	igt_assert(!vp_idle(gpu, handle, true));
	for (int i = 0; i < PROCESSES; i++)
		vp_tell(sock[0], 's');
	igt_waitchildren();
	close(dmabuf);
	assert_over(gpu, handle, &before);
	close(sock[0]);
	close(sock[1]);
	close(gpu);
	vp_config_remove("patient");
}

/* In all the ways there are, by turns. */
static void look(int gpu, uint32_t handle, int dmabuf, uint64_t id,
		 unsigned int turn)
{
	int sync;

	switch (turn % 4) {
	case 0:
		igt_assert(!vp_idle(gpu, handle, true));
		break;
	case 1:
		igt_assert_eq(vp_poll(dmabuf, POLLIN | POLLOUT, 0), POLLIN);
		break;
	case 2:
		igt_assert(vp_fences_on(id));
		break;
	default:
		sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
		igt_assert_eq(vp_sync_state(sync), 0);
		close(sync);
	}
}

/* Somebody looks now and then, and keeps some of what he sees. */
static void looked_at(void)
{
	enum { LOOK = 50, KEEP = 250, KEPT = READERS / KEEP };
	const unsigned int count = many_readers();
	int gpu = vp_config_open("patient", PATIENT), dmabuf, sync[KEPT];
	uint32_t handle = vp_create(gpu, SIZE), *fence;
	struct vp_counts before;
	uint64_t id = vp_id(gpu, handle);

	fence = calloc(count, sizeof(*fence));
	igt_assert(fence);
	dmabuf = vp_export(gpu, handle);
	before = vp_counts();
	for (unsigned int i = 0; i < count; i += LOOK) {
		attach_all(gpu, handle, fence + i, LOOK);
		look(gpu, handle, dmabuf, id, i / LOOK);
		if ((i + LOOK) % KEEP == 0)
			sync[i / KEEP] = vp_dmabuf_get_sync(dmabuf,
							    DMA_BUF_SYNC_WRITE);
	}
	for (unsigned int i = 0; i < count / KEEP; i++) {
		igt_assert_eq(vp_sync_state(sync[i]), 0);
		signal_all(gpu, fence + i * KEEP, KEEP);
		/* It is of those before it, and not of those after. */
		igt_assert_eq(vp_sync_state(sync[i]), 1);
		close(sync[i]);
	}
	close(dmabuf);
	assert_over(gpu, handle, &before);
	free(fence);
	close(gpu);
	vp_config_remove("patient");
}

/* KASAN keeps what has been freed for a while, unless its cache is shrunk. */
static void shrink_caches(void)
{
	glob_t caches;
	int fd;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &caches))
		return;
	for (size_t i = 0; i < caches.gl_pathc; i++) {
		fd = open(caches.gl_pathv[i], O_WRONLY | O_CLOEXEC);
		igt_assert_lte(0, fd);
		igt_assert_eq(write(fd, "1", 1), 1);
		close(fd);
	}
	globfree(&caches);
}

static long slab_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *file;

	shrink_caches();
	file = fopen("/proc/meminfo", "re");
	igt_assert(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "Slab: %ld kB", &kib);
	fclose(file);
	igt_assert_lte(0, kib);
	return kib;
}

/*
 * A program that uses one buffer for days: the fences come and go, and the
 * memory for them with them.
 */
static void come_and_go(void)
{
	enum { AT_ONCE = 20, LOOK = 1000 };
	const unsigned int count = many_fences(), warm_up = count / 5;
	int gpu = vp_config_open("patient", PATIENT);
	uint32_t handle = vp_create(gpu, SIZE), fence[AT_ONCE];
	struct vp_counts before = vp_counts();
	const long most = (long)(count - warm_up) * 100 / 1024;
	long warm = 0;

	attach_all(gpu, handle, fence, AT_ONCE);
	for (unsigned int i = 0; i < count; i++) {
		uint32_t *oldest = &fence[i % AT_ONCE];

		vp_fence_signal(gpu, *oldest);
		*oldest = vp_fence_attach(gpu, handle, false);
		if (i % LOOK == 0)
			igt_assert_lt(vp_counts().fences,
				      before.fences + 3 * AT_ONCE);
		if (i == warm_up)
			warm = slab_kib();
	}
	igt_assert(!vp_idle(gpu, handle, true));
	signal_all(gpu, fence, AT_ONCE);
	assert_over(gpu, handle, &before);
	/*
	 * Memory is given back a moment later. Fewer than 100 bytes a fence are no
	 * fence.
	 */
	vp_await(slab_kib() - warm < most);
	igt_info("slab: %ld KiB, and %ld KiB after %u fences more\n", warm,
		 slab_kib(), count - warm_up);
	close(gpu);
	vp_config_remove("patient");
}

/* ---- ten thousand timelines --------------------------------------------- */

static void allow_files(rlim_t count)
{
	struct rlimit limit;

	igt_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = count;
	if (limit.rlim_max < count)
		limit.rlim_max = count;
	igt_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Each of ours is listed, once and in order, with its one fence. */
static void assert_listed(unsigned int count)
{
	const struct vp_fences_timeline *timeline;
	unsigned int found = 0;
	char name[DRM_VPRIME_NAME_LEN];

	for (timeline = vp_fences(); timeline; timeline = timeline->next) {
		if (timeline->pid != getpid())
			continue;
		snprintf(name, sizeof(name), "line-%u", found++);
		igt_assert_eq(strcmp(timeline->name, name), 0);
		igt_assert_eq(strcmp(timeline->kind, "ordered"), 0);
		igt_assert_eq(timeline->made, 1);
		igt_assert_eq(timeline->signaled, 0);
		igt_assert_eq(timeline->pending, 1);
		igt_assert_eq(timeline->fence->seqno, 1);
	}
	igt_assert_eq(found, count);
}

static void timelines(void)
{
	const unsigned int count = many_timelines();
	struct vp_counts before = vp_counts(), opened, during;
	int gpu = vp_config_open("patient", PATIENT);
	char name[DRM_VPRIME_NAME_LEN];
	int *sync = calloc(count, sizeof(*sync));

	igt_assert(sync);
	allow_files(count + 1000);
	opened = vp_counts();
	for (unsigned int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "line-%u", i);
		sync[i] = vp_fence(gpu, vp_timeline(gpu, name), NULL);
	}
	during = vp_counts();
	igt_assert_eq(during.timelines, opened.timelines + (long)count);
	igt_assert_eq(during.fences, opened.fences + (long)count);
	assert_listed(count);
	for (unsigned int i = 0; i < count; i++)
		igt_assert_eq(vp_sync_state(sync[i]), 0);

	close(gpu);
	for (unsigned int i = 0; i < count; i++)
		igt_assert_eq(vp_sync_state(sync[i]), -ECANCELED);
	igt_assert_eq(vp_counts().timelines, before.timelines);
	assert_listed(0);
	for (unsigned int i = 0; i < count; i++)
		close(sync[i]);
	vp_assert_counts(&before);
	allow_files(1024);
	free(sync);
	vp_config_remove("patient");
}

/* And one timeline with ten thousand fences, which signal from either end. */
static void long_timeline(void)
{
	const unsigned int count = many_timelines();
	int gpu = vp_config_open("patient", PATIENT);
	uint32_t timeline = vp_timeline(gpu, "long");
	int *sync = calloc(count, sizeof(*sync));
	const struct vp_fences_timeline *line;
	struct vp_counts before = vp_counts();
	uint64_t seqno;

	igt_assert(sync);
	allow_files(count + 1000);
	for (unsigned int i = 0; i < count; i++) {
		sync[i] = vp_fence(gpu, timeline, &seqno);
		igt_assert_eq(seqno, i + 1);
	}
	line = vp_fences_named("long", getpid());
	igt_assert(line);
	igt_assert_eq(line->pending, count);
	igt_assert_eq(line->made, count);
	vp_timeline_signal(gpu, timeline, count / 2);
	for (unsigned int i = 0; i < count; i++)
		igt_assert_eq(vp_sync_state(sync[i]), i < count / 2);
	vp_timeline_signal(gpu, timeline, count);
	for (unsigned int i = 0; i < count; i++) {
		igt_assert_eq(vp_sync_state(sync[i]), 1);
		close(sync[i]);
	}
	vp_assert_counts(&before);
	allow_files(1024);
	free(sync);
	close(gpu);
	vp_config_remove("patient");
}

/* ---- a client that is killed -------------------------------------------- */

#define OTHERS	2

/* How long the longest round of each took. */
struct longest {
	volatile uint64_t ms[OTHERS];
};

/* Each with a buffer and a timeline of its own, on one of two GPUs. */
static void go_round(struct vp_race *race, struct longest *longest,
		     unsigned int child)
{
	int gpu = vp_open(child % 2);
	uint32_t handle = vp_create(gpu, SIZE), timeline;

	timeline = vp_timeline(gpu, "others");
	for (uint64_t i = 1; !race->stop; i++) {
		uint64_t since = vp_now_ms(), passed;
		uint32_t fence = vp_fence_attach(gpu, handle, true);

		igt_assert(!vp_idle(gpu, handle, false));
		vp_fence_signal(gpu, fence);
		close(vp_fence(gpu, timeline, NULL));
		vp_timeline_signal(gpu, timeline, i);
		passed = vp_now_ms() - since;
		if (passed > longest->ms[child])
			longest->ms[child] = passed;
		race->rounds[child]++;
	}
	close(gpu);
}

static int try_write(void *data)
{
	const int *dmabuf = data;

	return vp_poll(*dmabuf, POLLOUT, VP_PATIENCE_MS);
}

/* They are readers' fences, on a buffer that a writer polls for. */
static void client_killed(void)
{
	struct longest *longest = mmap(NULL, sizeof(*longest),
				       PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int patient = vp_config_plug("patient", PATIENT);
	struct vp_race *race = vp_race_begin();
	int gpu = vp_open(0), dmabuf, sync;
	uint32_t handle = vp_create(gpu, SIZE);
	struct vp_doer poller;
	pid_t client;

	igt_assert(longest != MAP_FAILED);
	dmabuf = vp_export(gpu, handle);
	client = vp_start_fences(patient, dmabuf, false, many_readers());
	igt_assert_lte((long)many_readers(), vp_counts().fences);
	sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
	poller = vp_do(try_write, &dmabuf);
	igt_fork(child, OTHERS)
		go_round(race, longest, (unsigned int)child);
	vp_race_wait(race, OTHERS, 100);
	vp_kill(client);
	igt_assert_eq(vp_poll(sync, POLLIN, VP_PATIENCE_MS), POLLIN);
	igt_assert_eq(vp_sync_state(sync), -ECANCELED);
	igt_assert_eq(vp_done(&poller), POLLOUT);
	igt_assert(vp_idle(gpu, handle, true));
	vp_race_wait(race, OTHERS, 100);
	race->stop = true;
	igt_waitchildren();
	for (unsigned int i = 0; i < OTHERS; i++) {
		igt_info("longest of %u rounds: %llu ms\n", race->rounds[i],
			 (unsigned long long)longest->ms[i]);
	}
	vp_race_end(race);
	igt_assert_eq(munmap(longest, sizeof(*longest)), 0);
	close(sync);
	close(dmabuf);
	close(gpu);
	vp_config_remove("patient");
}

/* All of them are too old at once. */
static void all_expire(void)
{
	int gpu = vp_config_open("short", "fence_timeout_ms=3000");
	struct vp_counts before = vp_counts();
	uint32_t handle = vp_create(gpu, SIZE), *fence;
	const unsigned int count = many_readers();
	unsigned int i;

	fence = calloc(count, sizeof(*fence));
	igt_assert(fence);
	attach_all(gpu, handle, fence, count);
	igt_assert_eq(vp_try_wait(gpu, handle, DRM_VPRIME_WAIT_WRITE,
				  INT64_MAX), 0);
	for (i = 0; i < count; i++)
		igt_assert_eq(vp_try_fence_signal(gpu, fence[i], 0),
			      -ETIMEDOUT);
	assert_over(gpu, handle, &before);
	free(fence);
	close(gpu);
	vp_config_remove("short");
}

/* While others are made, and to the last. */
static void timeline_expires(void)
{
	const unsigned int count = many_fences();
	int gpu = vp_config_open("short", "fence_timeout_ms=3000"), last = -1;
	uint32_t timeline = vp_timeline(gpu, "long");
	struct vp_counts before = vp_counts();
	const struct vp_fences_timeline *line;
	uint64_t seqno = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (last >= 0)
			close(last);
		last = vp_fence(gpu, timeline, &seqno);
	}
	igt_assert_eq(seqno, count);
	igt_assert_eq(vp_poll(last, POLLIN, VP_PATIENCE_MS), POLLIN);
	igt_assert_eq(vp_sync_state(last), -ETIMEDOUT);
	line = vp_fences_named("long", getpid());
	igt_assert(line);
	igt_assert_eq(line->pending, 0);
	igt_assert_eq(line->signaled, count);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, count, 0), -ETIMEDOUT);
	close(last);
	vp_await(vp_counts().fences <= before.fences);
	close(gpu);
	vp_config_remove("short");
}

igt_main
{
	igt_describe("2,000 readers' fences on one buffer, by one process, and then a writer");
	vp_subtest("one-process")
		one_process();

	igt_describe("2,000 readers' fences on one buffer, by four processes");
	vp_subtest("several-processes")
		several_processes();

	igt_describe("2,000 readers' fences on a buffer that is looked at all the while");
	vp_subtest("looked-at")
		looked_at();

	igt_describe("100,000 fences come and go, and take no memory with them");
	vp_subtest("come-and-go")
		come_and_go();

	igt_describe("10,000 timelines, each with a fence, are listed, and signal when the file is closed");
	vp_subtest("timelines")
		timelines();

	igt_describe("10,000 fences of one timeline, all pending");
	vp_subtest("long-timeline")
		long_timeline();

	igt_describe("A client is killed that has 2,000 fences pending, and other programs do not stall");
	vp_subtest("client-killed")
		client_killed();

	igt_describe("2,000 fences of one client get too old at about the same time");
	vp_subtest("all-expire")
		all_expire();

	igt_describe("100,000 fences of one timeline get too old");
	vp_subtest("timeline-expires")
		timeline_expires();
}
