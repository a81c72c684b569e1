// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GPU reads and writes while others are at the buffer: GEM_PEEK and
 * GEM_POKE wait for fences and for each other, and never for themselves.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_doer.h"
#include "vp_fence.h"
#include "vp_sync.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("The GPU reads and writes while others are at the buffer");

#define RW	(PROT_READ | PROT_WRITE)
#define SIZE	(4 * VP_PAGE)
/* Two huge pages, and small ones behind them. */
#define LARGE	(4 * VP_MIB + 5 * VP_PAGE)

/* One view of a buffer: this file's handle. */
struct view {
	int gpu;
	uint32_t handle;
};

enum place {
	AT_GPU,		/* through the file of the GPU that is asked */
	AT_DMABUF,
	AT_OTHER,	/* through another GPU's file */
};

/*
 * The data are in a mapping of the very buffer, not touched yet: the copy
 * faults, and the fault wants the locks that the ioctl has.
 */
static void into_itself(enum place place, bool poke)
{
	int gpu = vp_open(0), other = vp_open(1), sock[2];

	vp_socketpair(sock);
	igt_fork(child, 1) {
		uint32_t handle = vp_create(gpu, LARGE);
		int dmabuf = vp_export(gpu, handle);
		uint32_t imported = vp_import(other, dmabuf);
		uint8_t *source = vp_map(gpu, handle, LARGE, RW), *map;
		uint8_t *edge = malloc(VP_PAGE);

		vp_fill(source, VP_MIB, 1);
		for (int round = 0; round < 3; round++) {
			map = place == AT_GPU ?
				      vp_map(gpu, handle, LARGE, RW) :
			      place == AT_DMABUF ?
				      vp_map_dmabuf(dmabuf, LARGE, RW) :
				      vp_map(other, imported, LARGE, RW);
			/* 1 MiB from the beginning goes behind 2.5 MiB. */
			if (poke)
				vp_poke(gpu, handle, 5 * VP_MIB / 2, map,
					VP_MIB);
			else
				vp_peek(gpu, handle, 0, map + 5 * VP_MIB / 2,
					VP_MIB);
			vp_assert_pattern(map + 5 * VP_MIB / 2, VP_MIB, 1);
			vp_unmap(map, LARGE);
			vp_fill(source + 5 * VP_MIB / 2, VP_MIB, 2);
		}
		/* Onto itself, and onto what overlaps: it must only end. */
		map = vp_map_dmabuf(dmabuf, LARGE, RW);
		memcpy(edge, source + VP_MIB, VP_PAGE);
		if (poke) {
			vp_poke(gpu, handle, 0, map, LARGE);
			vp_poke(gpu, handle, 0, map + 3 * VP_PAGE + 1,
				VP_MIB - 4 * VP_PAGE);
		} else {
			vp_peek(gpu, handle, 0, map, LARGE);
			vp_peek(gpu, handle, 0, map + 3 * VP_PAGE + 1,
				VP_MIB - 4 * VP_PAGE);
		}
		igt_assert_eq(memcmp(edge, source + VP_MIB, VP_PAGE), 0);
		vp_tell(sock[1], 'd');
	}
	/* One that hangs is known by its silence. */
	igt_assert_eq(vp_hear(sock[0]), 'd');
	igt_waitchildren();
	close(sock[0]);
	close(sock[1]);
	close(gpu);
	close(other);
}

struct crossing {
	struct view from;
	struct view to;
	int ret;
};

/* Copies by way of a mapping that is always new, so that it always faults. */
static void *cross(void *arg)
{
	struct crossing *crossing = arg;
	uint64_t offset;
	void *map;

	crossing->ret = vp_try_mmap_offset(crossing->to.gpu,
					   crossing->to.handle, 0, &offset);
	for (int round = 0; round < 100 && !crossing->ret; round++) {
		crossing->ret = vp_try_mmap(crossing->to.gpu, offset, SIZE, RW,
					    MAP_SHARED, &map);
		if (crossing->ret)
			break;
		if (round & 1)
			crossing->ret = vp_try_peek(crossing->from.gpu,
						    crossing->from.handle, 0,
						    map, SIZE);
		else
			crossing->ret = vp_try_poke(crossing->from.gpu,
						    crossing->from.handle, 0,
						    map, SIZE);
		munmap(map, SIZE);
	}
	return NULL;
}

/* One copies from A into a mapping of B, the other from B into one of A. */
static void into_each_other(void)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf;
	struct view a, b;
	struct crossing *ways = calloc(4, sizeof(*ways));
	pthread_t threads[4];
	void *map;

	igt_assert(ways);
	a = (struct view){ gpu0, vp_create(gpu0, SIZE) };
	b = (struct view){ gpu0, vp_create(gpu0, SIZE) };
	/* The same pixels, which therefore stay whoever copies first. */
	for (int i = 0; i < 2; i++) {
		map = vp_map(gpu0, i ? a.handle : b.handle, SIZE, RW);
		vp_fill(map, SIZE, 7);
		vp_unmap(map, SIZE);
	}
	ways[0] = (struct crossing){ a, b, 0 };
	ways[1] = (struct crossing){ b, a, 0 };
	dmabuf = vp_export(gpu0, a.handle);
	ways[2] = (struct crossing){ { gpu1, vp_import(gpu1, dmabuf) }, b, 0 };
	close(dmabuf);
	dmabuf = vp_export(gpu0, b.handle);
	ways[3] = (struct crossing){ { gpu1, vp_import(gpu1, dmabuf) }, a, 0 };
	close(dmabuf);

	for (int i = 0; i < 4; i++)
		igt_assert_eq(pthread_create(&threads[i], NULL, cross,
					     &ways[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		igt_assert_eq(ways[i].ret, 0);
	}
	map = vp_map(gpu0, a.handle, SIZE, RW);
	vp_assert_pattern(map, SIZE, 7);
	vp_unmap(map, SIZE);
	free(ways);
	close(gpu0);
	close(gpu1);
}

struct worker {
	struct view view;
	size_t offset;
	uint32_t seed;
	int ret;
};

#define WORK_SIZE	(3 * VP_PAGE + 4)

static void *work(void *arg)
{
	struct worker *worker = arg;
	uint32_t words[WORK_SIZE / 4];

	for (uint32_t round = 0; round < 200 && !worker->ret; round++) {
		vp_fill(words, WORK_SIZE, worker->seed + round);
		worker->ret = vp_try_poke(worker->view.gpu, worker->view.handle,
					  worker->offset, words, WORK_SIZE);
		memset(words, 0, WORK_SIZE);
		if (!worker->ret)
			worker->ret = vp_try_peek(worker->view.gpu,
						  worker->view.handle,
						  worker->offset, words,
						  WORK_SIZE);
		if (!worker->ret && vp_mismatch(words, WORK_SIZE, worker->seed +
						round) != VP_INTACT)
			worker->ret = -EILSEQ;
	}
	return NULL;
}

/* Parts of one buffer, neighbours by a byte, on two GPUs at the same time. */
static void many_at_once(void)
{
	enum { THREADS = 4 };
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	int gpu = vp_open(0), other = vp_open(1), dmabuf;
	uint32_t handle = vp_create(gpu, LARGE), imported;
	pthread_t threads[THREADS];

	igt_assert(workers);
	dmabuf = vp_export(gpu, handle);
	imported = vp_import(other, dmabuf);
	close(dmabuf);
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){
			.view = i & 1 ? (struct view){ other, imported } :
					(struct view){ gpu, handle },
			.offset = i * WORK_SIZE + 1,
			.seed = 1000 * i,
		};
		igt_assert_eq(pthread_create(&threads[i], NULL, work,
					     &workers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		igt_assert_eq(workers[i].ret, 0);
	}
	free(workers);
	close(gpu);
	close(other);
}

/* A vprime buffer with a view of vgem's, whose fences we signal ourselves. */
struct fenced {
	int gpu, vgem;
	uint32_t handle, imported;
	uint32_t *map;
	int sock[2];
};

static struct fenced fenced_buffer(void)
{
	struct fenced fenced = { .gpu = vp_open(0) };
	int dmabuf;

	vp_load_foreign("vgem");
	fenced.vgem = vp_open_foreign("vgem");
	fenced.handle = vp_create(fenced.gpu, SIZE);
	dmabuf = vp_export(fenced.gpu, fenced.handle);
	fenced.imported = vp_import(fenced.vgem, dmabuf);
	close(dmabuf);
	fenced.map = vp_map(fenced.gpu, fenced.handle, SIZE, RW);
	vp_fill(fenced.map, SIZE, 1);
	vp_socketpair(fenced.sock);
	return fenced;
}

static void close_fenced(struct fenced *fenced)
{
	vp_unmap(fenced->map, SIZE);
	close(fenced->gpu);
	close(fenced->vgem);
	close(fenced->sock[0]);
	close(fenced->sock[1]);
	vp_unload_foreign("vgem");
}

#define WAIT_US	300000

/* Nothing has been said, after a time in which it would have been. */
static void assert_silent(int sock)
{
	char word;

	usleep(WAIT_US);
	igt_assert_eq(recv(sock, &word, 1, MSG_DONTWAIT), -1);
	igt_assert_eq(errno, EAGAIN);
}

static void peek_waits(void)
{
	struct fenced fenced = fenced_buffer();
	uint32_t fence = vp_fence_attach(fenced.vgem, fenced.imported, true);

	igt_fork(child, 1) {
		uint32_t pixels[SIZE / 4];

		vp_tell(fenced.sock[1], 'r');
		vp_peek(fenced.gpu, fenced.handle, 0, pixels, SIZE);
		/* What was written while it waited. */
		vp_assert_pattern(pixels, SIZE, 2);
		vp_tell(fenced.sock[1], 'd');
	}
	igt_assert_eq(vp_hear(fenced.sock[0]), 'r');
	assert_silent(fenced.sock[0]);
	vp_fill(fenced.map, SIZE, 2);
	vp_fence_signal(fenced.vgem, fence);
	igt_assert_eq(vp_hear(fenced.sock[0]), 'd');
	igt_waitchildren();
	close_fenced(&fenced);
}

static void poke_waits(bool write)
{
	struct fenced fenced = fenced_buffer();
	uint32_t fence = vp_fence_attach(fenced.vgem, fenced.imported, write);

	igt_fork(child, 1) {
		uint32_t pixels[SIZE / 4];

		/* Readers do not wait for one another. */
		if (!write) {
			vp_peek(fenced.gpu, fenced.handle, 0, pixels, SIZE);
			vp_assert_pattern(pixels, SIZE, 1);
		}
		vp_fill(pixels, SIZE, 2);
		vp_tell(fenced.sock[1], 'r');
		vp_poke(fenced.gpu, fenced.handle, 0, pixels, SIZE);
		vp_tell(fenced.sock[1], 'd');
	}
	igt_assert_eq(vp_hear(fenced.sock[0]), 'r');
	assert_silent(fenced.sock[0]);
	vp_assert_pattern(fenced.map, SIZE, 1);
	vp_fence_signal(fenced.vgem, fence);
	igt_assert_eq(vp_hear(fenced.sock[0]), 'd');
	vp_assert_pattern(fenced.map, SIZE, 2);
	igt_waitchildren();
	close_fenced(&fenced);
}

/* On vgem's own buffer, which vprime has only imported. */
static void foreign_waits(void)
{
	int gpu = vp_open(0), vgem, sock[2];
	uint32_t handle, fence;
	struct vp_dumb dumb;
	int dmabuf;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	dmabuf = vp_export(vgem, dumb.handle);
	handle = vp_import(gpu, dmabuf);
	close(dmabuf);
	fence = vp_fence_attach(vgem, dumb.handle, true);
	vp_socketpair(sock);
	igt_fork(child, 1) {
		char byte;

		vp_tell(sock[1], 'r');
		vp_peek(gpu, handle, 0, &byte, 1);
		vp_tell(sock[1], 'd');
	}
	igt_assert_eq(vp_hear(sock[0]), 'r');
	assert_silent(sock[0]);
	vp_fence_signal(vgem, fence);
	igt_assert_eq(vp_hear(sock[0]), 'd');
	igt_waitchildren();
	close(sock[0]);
	close(sock[1]);
	close(gpu);
	close(vgem);
	vp_unload_foreign("vgem");
}

static void nothing(int sig)
{
	(void)sig;
}

static void interrupted(unsigned long request)
{
	struct fenced fenced = fenced_buffer();
	uint32_t fence = vp_fence_attach(fenced.vgem, fenced.imported, true);

	igt_fork(child, 1) {
		/* Without SA_RESTART: what was waiting says so. */
		struct sigaction action = { .sa_handler = nothing };
		/* It comes again, if the wait had not begun. */
		struct itimerval soon = { { 0, 100000 }, { 0, 100000 } };
		struct itimerval never = {};
		struct drm_vprime_gem_access access = {
			.handle = fenced.handle, .size = SIZE,
		};
		uint32_t pixels[SIZE / 4] = {};
		int ret, err;

		sigaction(SIGALRM, &action, NULL);
		access.data = (uintptr_t)pixels;
		setitimer(ITIMER_REAL, &soon, NULL);
		ret = ioctl(fenced.gpu, request, &access);
		err = ret ? errno : 0;
		setitimer(ITIMER_REAL, &never, NULL);
		igt_assert_eq(err, EINTR);
		igt_assert(vp_all_zero(pixels, SIZE));
	}
	igt_waitchildren();
	vp_assert_pattern(fenced.map, SIZE, 1);
	/* Had it waited for the fence, that would have ended by now. */
	vp_fence_signal(fenced.vgem, fence);
	close_fenced(&fenced);
}

static void killed(void)
{
	struct fenced fenced = fenced_buffer();
	uint32_t fence = vp_fence_attach(fenced.vgem, fenced.imported, true);

	igt_fork(child, 1) {
		char byte;

		vp_tell(fenced.sock[1], 'r');
		vp_peek(fenced.gpu, fenced.handle, 0, &byte, 1);
	}
	igt_assert_eq(vp_hear(fenced.sock[0]), 'r');
	usleep(WAIT_US);
	igt_kill_children(SIGKILL);
	igt_assert_eq(__igt_waitchildren(), 128 + SIGKILL);
	vp_fence_signal(fenced.vgem, fence);
	close_fenced(&fenced);
}

static int poke_word(void *data)
{
	const struct fenced *fenced = data;
	uint32_t word = 0x22222222;

	return vp_try_poke(fenced->gpu, fenced->handle, 0, &word, sizeof(word));
}

static int peek_word(void *data)
{
	const struct fenced *fenced = data;
	uint32_t word;

	return vp_try_peek(fenced->gpu, fenced->handle, 0, &word, sizeof(word));
}

/* The GPU's job has its fence on the buffer, beside @others. */
static void await_job(const struct fenced *fenced, const char *job,
		      unsigned int others)
{
	uint64_t id = vp_id(fenced->gpu, fenced->handle);
	const struct vp_watch_buffer *buffer = NULL;

	for (int ms = 0; ms < VP_PATIENCE_MS; ms++) {
		buffer = vp_watch(id);
		if (buffer->n_fence == others + 1)
			break;
		usleep(1000);
	}
	igt_assert_eq(buffer->n_fence, others + 1);
	for (unsigned int i = 0; i < buffer->n_fence; i++)
		others -= strcmp(buffer->fence[i].timeline, job) != 0;
	igt_assert_eq(others, 0);
}

/* Who comes while a GPU waits to write waits for its write, or is told so. */
static void not_overtaken(void)
{
	struct fenced fenced = fenced_buffer();
	uint32_t first = vp_fence_attach(fenced.vgem, fenced.imported, false);
	uint32_t other;
	struct vp_doer poke, peek;

	/* Readers do not mind each other. */
	other = vp_fence_attach(fenced.gpu, fenced.handle, false);
	vp_fence_signal(fenced.gpu, other);
	poke = vp_do(poke_word, &fenced);
	await_job(&fenced, "gpu-write", 1);
	igt_assert_eq(vp_try_fence_attach(fenced.gpu, fenced.handle, 0, 0,
					  &other), -EBUSY);
	igt_assert(!vp_idle(fenced.gpu, fenced.handle, false));
	peek = vp_do(peek_word, &fenced);
	await_job(&fenced, "gpu-read", 2);
	igt_assert(vp_doing(&poke, 0) && vp_doing(&peek, 0));

	vp_fence_signal(fenced.vgem, first);
	igt_assert_eq(vp_done(&poke), 0);
	igt_assert_eq(vp_done(&peek), 0);
	igt_assert_eq(fenced.map[0], 0x22222222);
	igt_assert(vp_idle(fenced.gpu, fenced.handle, true));
	close_fenced(&fenced);
}

/* A GPU waits for nobody who comes later, however many those are. */
static void waits_for_nobody_later(void)
{
	struct fenced fenced = fenced_buffer();
	uint32_t first = vp_fence_attach(fenced.vgem, fenced.imported, true);
	uint32_t timeline = vp_timeline(fenced.gpu, "later");
	int dmabuf = vp_export(fenced.gpu, fenced.handle), later;
	struct vp_doer peek = vp_do(peek_word, &fenced);
	uint64_t seqno;

	await_job(&fenced, "gpu-read", 1);
	later = vp_fence(fenced.gpu, timeline, &seqno);
	vp_dmabuf_put_sync(dmabuf, later, DMA_BUF_SYNC_WRITE);
	vp_fence_signal(fenced.vgem, first);
	igt_assert_eq(vp_done(&peek), 0);
	igt_assert(!vp_idle(fenced.gpu, fenced.handle, false));
	vp_timeline_signal(fenced.gpu, timeline, seqno);
	close(later);
	close(dmabuf);
	close_fenced(&fenced);
}

/* Who is killed while the GPU waits leaves no work behind, and says so. */
static void gives_up(void)
{
	struct fenced fenced = fenced_buffer();
	uint32_t first = vp_fence_attach(fenced.vgem, fenced.imported, false);
	int dmabuf = vp_export(fenced.gpu, fenced.handle), sync;
	struct vp_doer poke = vp_do(poke_word, &fenced);
	struct vp_sync state;

	await_job(&fenced, "gpu-write", 1);
	sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_READ);
	vp_undo(&poke);
	vp_sync_read(sync, &state);
	igt_assert_eq(state.status, -ECANCELED);
	igt_assert(vp_idle(fenced.gpu, fenced.handle, false));
	igt_assert(!vp_idle(fenced.gpu, fenced.handle, true));
	vp_fence_signal(fenced.vgem, first);
	vp_assert_pattern(fenced.map, SIZE, 1);
	close(sync);
	close(dmabuf);
	close_fenced(&fenced);
}

igt_main
{
	igt_describe("Read into a fresh mapping of the same buffer");
	vp_subtest("peek-into-itself") {
		into_itself(AT_GPU, false);
		into_itself(AT_DMABUF, false);
		into_itself(AT_OTHER, false);
	}

	igt_describe("Written from a fresh mapping of the same buffer");
	vp_subtest("poke-from-itself") {
		into_itself(AT_GPU, true);
		into_itself(AT_DMABUF, true);
		into_itself(AT_OTHER, true);
	}

	igt_describe("Two buffers are copied into fresh mappings of each other at the same time");
	vp_subtest("into-each-other")
		into_each_other();

	igt_describe("Four threads on two GPUs write and read neighbouring parts");
	vp_subtest("many-at-once")
		many_at_once();

	igt_describe("Reading waits for vgem's write fence, and sees what was written until then");
	vp_subtest("peek-waits")
		peek_waits();

	igt_describe("Writing waits for vgem's write fence");
	vp_subtest("poke-waits-for-writer")
		poke_waits(true);

	igt_describe("Writing waits for vgem's read fence, reading does not");
	vp_subtest("poke-waits-for-reader")
		poke_waits(false);

	igt_describe("Reading vgem's own buffer waits for its write fence");
	vp_subtest("foreign-waits")
		foreign_waits();

	igt_describe("A signal interrupts the wait before reading");
	vp_subtest("peek-interrupted")
		interrupted(DRM_IOCTL_VPRIME_GEM_PEEK);

	igt_describe("A signal interrupts the wait before writing");
	vp_subtest("poke-interrupted")
		interrupted(DRM_IOCTL_VPRIME_GEM_POKE);

	igt_describe("A process that waits can be killed");
	vp_subtest("killed")
		killed();

	igt_describe("Who comes while a GPU waits to write does not get there before it");
	vp_subtest("not-overtaken")
		not_overtaken();

	igt_describe("A GPU waits for the fences that were there, and for none that came later");
	vp_subtest("waits-for-nobody-later")
		waits_for_nobody_later();

	igt_describe("The job of a process that is killed ends with ECANCELED, and nothing is written");
	vp_subtest("gives-up")
		gives_up();
}
