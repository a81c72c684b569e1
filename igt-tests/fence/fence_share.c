// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fence that one GPU's job has on a buffer, as seen by all the others that
 * have the buffer: on any GPU, through its file, with the CPU. Other drivers
 * are in fence_foreign, crowds of readers in fence_readers.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_access.h"
#include "vp_doer.h"
#include "vp_fences.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("What a fence on a shared buffer holds up, and whom");

#define SIZE	(4 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)

#define EIO_TIMELINE	"fails"
#define SHORT_LIMIT	"fence_timeout_ms=100"

/*
 * A buffer of GPU 0 in two of its files, and on GPU 1, each with a handle of
 * its own.
 */
#define SIDES	3

struct shared {
	int gpu[SIDES];
	uint32_t handle[SIDES];
	int dmabuf;
	uint64_t id;
};

static struct shared share(void)
{
	struct shared s = { .gpu = { vp_open(0), vp_open(0), vp_open(1) } };

	s.handle[0] = vp_create(s.gpu[0], SIZE);
	s.dmabuf = vp_export(s.gpu[0], s.handle[0]);
	s.id = vp_id(s.gpu[0], s.handle[0]);
	for (int i = 1; i < SIDES; i++)
		s.handle[i] = vp_import(s.gpu[i], s.dmabuf);
	return s;
}

static void unshare(struct shared *s)
{
	close(s->dmabuf);
	for (int i = 0; i < SIDES; i++)
		close(s->gpu[i]);
}

/* ---- whoever asks ------------------------------------------------------- */

/* What poll(2) says of the file, for each of the things it can be asked. */
static void assert_polls(int dmabuf, bool readable, bool writable)
{
	const short in = readable ? POLLIN : 0, out = writable ? POLLOUT : 0;

	igt_assert_eq(vp_poll(dmabuf, POLLIN, 0), in);
	igt_assert_eq(vp_poll(dmabuf, POLLOUT, 0), out);
	igt_assert_eq(vp_poll(dmabuf, POLLIN | POLLOUT, 0), in | out);
}

/* A sync_file of what a reader, or a writer, has to wait for. */
static void assert_exported(int dmabuf, uint32_t access, bool idle)
{
	int sync = vp_dmabuf_get_sync(dmabuf, access);

	igt_assert_eq(vp_sync_state(sync), idle);
	close(sync);
}

static void assert_refused(int gpu, uint32_t handle, bool write)
{
	vp_assert_refused(vp_try_fence_attach(gpu, handle,
					      write ? DRM_VPRIME_FENCE_WRITE :
						      0, 0, NULL), EBUSY);
}

/* Everybody gets the same answer, by whatever way he asks. */
static void assert_state(const struct shared *s, bool readable, bool writable)
{
	for (int i = 0; i < SIDES; i++) {
		igt_assert_eq(vp_idle(s->gpu[i], s->handle[i], false),
			      readable);
		igt_assert_eq(vp_idle(s->gpu[i], s->handle[i], true), writable);
		if (!readable)
			assert_refused(s->gpu[i], s->handle[i], false);
		if (!writable)
			assert_refused(s->gpu[i], s->handle[i], true);
	}
	assert_polls(s->dmabuf, readable, writable);
	assert_exported(s->dmabuf, DMA_BUF_SYNC_READ, readable);
	assert_exported(s->dmabuf, DMA_BUF_SYNC_WRITE, writable);
	assert_exported(s->dmabuf, DMA_BUF_SYNC_RW, writable);
}

static void seen_by_all(bool write)
{
	struct shared s = share();
	uint32_t fence;

	assert_state(&s, true, true);
	for (int i = 0; i < SIDES; i++) {
		fence = vp_fence_attach(s.gpu[i], s.handle[i], write);
		assert_state(&s, !write, false);
		vp_fence_signal(s.gpu[i], fence);
		assert_state(&s, true, true);
	}
	unshare(&s);
}

/* Whoever reads does not mind that others do, but a writer minds each. */
static void readers_beside_readers(void)
{
	struct shared s = share();
	uint32_t fence[SIDES];

	for (int i = 0; i < SIDES; i++) {
		fence[i] = vp_fence_attach(s.gpu[i], s.handle[i], false);
		assert_state(&s, true, false);
	}
	igt_assert_eq(vp_watch(s.id)->fences, SIDES);
	for (int i = 0; i < SIDES; i++) {
		assert_state(&s, true, false);
		vp_fence_signal(s.gpu[i], fence[i]);
	}
	assert_state(&s, true, true);
	unshare(&s);
}

/* One that has signalled is no longer anybody's concern, however often. */
static void signalled(void)
{
	struct shared s = share();
	uint32_t fence;

	for (unsigned int i = 0; i < 300; i++) {
		unsigned int side = i % SIDES;

		fence = vp_fence_attach(s.gpu[side], s.handle[side], i % 2);
		vp_fence_signal(s.gpu[side], fence);
	}
	assert_state(&s, true, true);
	igt_assert_eq(vp_watch(s.id)->fences, 0);
	unshare(&s);
}

/* A job does not end because the program has no more use for the handle. */
static void handle_closed(void)
{
	struct shared s = share();
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);

	vp_close(s.gpu[0], s.handle[0]);
	/* By the other file of that GPU, and by GPU 1. */
	for (int i = 1; i < SIDES; i++)
		igt_assert(!vp_idle(s.gpu[i], s.handle[i], false));
	assert_polls(s.dmabuf, false, false);
	vp_fence_signal(s.gpu[0], fence);
	for (int i = 1; i < SIDES; i++)
		igt_assert(vp_idle(s.gpu[i], s.handle[i], true));
	assert_polls(s.dmabuf, true, true);
	unshare(&s);
}

/* All are gone that had the buffer; the fence is signalled nevertheless. */
static void buffer_gone(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	uint32_t fence = vp_fence_attach(gpu, handle, true);
	uint64_t id = vp_id(gpu, handle);

	vp_close(gpu, handle);
	igt_assert(!vp_watch_listed(id));
	vp_fence_signal(gpu, fence);
	close(gpu);
}

static void before_export(void)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf;
	uint32_t handle0 = vp_create(gpu0, SIZE), handle1;
	uint32_t fence = vp_fence_attach(gpu0, handle0, true);

	dmabuf = vp_export(gpu0, handle0);
	assert_polls(dmabuf, false, false);
	handle1 = vp_import(gpu1, dmabuf);
	igt_assert(!vp_idle(gpu1, handle1, false));
	vp_fence_signal(gpu0, fence);
	assert_polls(dmabuf, true, true);
	igt_assert(vp_idle(gpu1, handle1, true));
	close(dmabuf);
	close(gpu0);
	close(gpu1);
}

/* A buffer's fences are its own. */
static void other_buffer(void)
{
	struct shared busy = share(), idle = share();
	uint32_t fence = vp_fence_attach(busy.gpu[0], busy.handle[0], true);

	assert_state(&busy, false, false);
	assert_state(&idle, true, true);
	vp_fence_signal(busy.gpu[0], fence);
	unshare(&busy);
	unshare(&idle);
}

/* ---- whoever touches it ------------------------------------------------- */

/* GPU 0's job has a fence on the buffer. What may have to wait for it? */
enum deed {
	WAIT_READ,
	WAIT_WRITE,
	BEGIN_READ,
	BEGIN_WRITE,
	BEGIN_BOTH,
	PEEK,
	POKE,
	MOVE,
	DEEDS,
};

struct task {
	const struct shared *s;
	enum deed deed;
};

static int try_begin(int dmabuf, uint64_t access)
{
	int ret = vp_try_sync(dmabuf, DMA_BUF_SYNC_START | access);

	return ret ? ret : vp_try_sync(dmabuf, DMA_BUF_SYNC_END | access);
}

/* By GPU 1, where it is a GPU's deed. */
static int try_deed(void *data)
{
	const struct task *task = data;
	const struct shared *s = task->s;
	const uint32_t handle = s->handle[2];
	const int gpu = s->gpu[2];
	uint32_t word = 1;

	switch (task->deed) {
	case WAIT_READ:
		return vp_try_wait(gpu, handle, 0, INT64_MAX);
	case WAIT_WRITE:
		return vp_try_wait(gpu, handle, DRM_VPRIME_WAIT_WRITE,
				   INT64_MAX);
	case BEGIN_READ:
		return try_begin(s->dmabuf, DMA_BUF_SYNC_READ);
	case BEGIN_WRITE:
		return try_begin(s->dmabuf, DMA_BUF_SYNC_WRITE);
	case BEGIN_BOTH:
		return try_begin(s->dmabuf, DMA_BUF_SYNC_RW);
	case PEEK:
		return vp_try_peek(gpu, handle, 0, &word, sizeof(word));
	case POKE:
		return vp_try_poke(gpu, handle, 0, &word, sizeof(word));
	default:
		return vp_try_move(s->id);
	}
}

/* It waits for the fence of a job that writes; and if it writes, reads. */
static void blocked_until_signal(enum deed deed, bool write)
{
	struct shared s = share();
	struct task task = { &s, deed };
	struct vp_doer doer;
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], write);

	doer = vp_do(try_deed, &task);
	vp_assert_waits(&doer);
	/* Who waits has not begun. */
	igt_assert_eq(vp_watch(s.id)->cpu_open, 0);
	vp_fence_signal(s.gpu[0], fence);
	igt_assert_eq(vp_done(&doer), 0);
	igt_assert_eq(vp_waiters(), 0);
	igt_assert_eq(vp_watch(s.id)->violations, 0);
	unshare(&s);
}

static void passes(enum deed deed)
{
	struct shared s = share();
	struct task task = { &s, deed };
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], false);

	igt_assert_eq(try_deed(&task), 0);
	/* Had it waited, the fence would have signalled by itself by now. */
	vp_fence_signal(s.gpu[0], fence);
	unshare(&s);
}

/* How a job went is not the business of those who only wait for its end. */
static void after_error(enum deed deed)
{
	struct shared s = share();
	struct task task = { &s, deed };
	uint32_t timeline = vp_timeline(s.gpu[0], EIO_TIMELINE);
	int sync = vp_fence(s.gpu[0], timeline, NULL);
	struct vp_doer doer;

	vp_dmabuf_put_sync(s.dmabuf, sync, DMA_BUF_SYNC_WRITE);
	doer = vp_do(try_deed, &task);
	vp_assert_waits(&doer);
	igt_assert_eq(vp_try_timeline_signal(s.gpu[0], timeline, 1, -EIO), 0);
	igt_assert_eq(vp_done(&doer), 0);
	igt_assert_eq(vp_sync_state(sync), -EIO);
	assert_state(&s, true, true);
	close(sync);
	unshare(&s);
}

/* A job that never ends, on a GPU that gives it little time. */
static void after_limit(enum deed deed)
{
	int hung = vp_config_open("hung", SHORT_LIMIT);
	struct shared s = share();
	struct task task = { &s, deed };
	uint32_t handle = vp_import(hung, s.dmabuf), fence;

	fence = vp_fence_attach(hung, handle, true);
	igt_assert_eq(try_deed(&task), 0);
	assert_state(&s, true, true);
	igt_assert_eq(vp_try_fence_signal(hung, fence, 0), -ETIMEDOUT);
	unshare(&s);
	close(hung);
	vp_config_remove("hung");
}

/* Who moves a buffer waits, and what was in it is still there. */
static void move_keeps_pixels(void)
{
	struct shared s = share();
	struct task task = { &s, MOVE };
	void *map = vp_map(s.gpu[2], s.handle[2], SIZE, RW);
	struct vp_doer doer;
	uint32_t fence = vp_fence_attach(s.gpu[0], s.handle[0], true);

	vp_fill(map, SIZE, 1);
	doer = vp_do(try_deed, &task);
	vp_assert_waits(&doer);
	/* The job is still drawing. */
	vp_fill(map, SIZE, 2);
	vp_fence_signal(s.gpu[0], fence);
	igt_assert_eq(vp_done(&doer), 0);
	vp_assert_pattern(map, SIZE, 2);
	vp_assert_gpu_sees(s.gpu[0], s.handle[0], SIZE, 2);
	vp_unmap(map, SIZE);
	unshare(&s);
}

/* ---- three GPUs, three processes ---------------------------------------- */

#define DRAWN_BY_A	1
#define DRAWN_BY_B	2
#define ROUNDS		3

/*
 * What each process says and is told, by its socket:
 *  'f' its fence is on the buffer, 'd' draw and signal, 'e' the end.
 */
static void draw(int gpu, uint32_t handle, uint32_t seed, uint32_t fence,
		 int sock)
{
	void *map = vp_map(gpu, handle, SIZE, RW);

	vp_tell(sock, 'f');
	igt_assert_eq(vp_hear(sock), 'd');
	vp_fill(map, SIZE, seed);
	vp_fence_signal(gpu, fence);
	vp_unmap(map, SIZE);
}

static void process_a(int sock)
{
	int gpu = vp_open(0), dmabuf = vp_recv_fd(sock);
	uint32_t handle = vp_import(gpu, dmabuf);

	draw(gpu, handle, DRAWN_BY_A, vp_fence_attach(gpu, handle, true), sock);
	close(dmabuf);
	close(gpu);
}

static void assert_shows(int gpu, uint32_t handle, uint32_t seed)
{
	void *map = vp_map(gpu, handle, SIZE, PROT_READ);

	vp_assert_pattern(map, SIZE, seed);
	vp_unmap(map, SIZE);
}

static void process_b(int sock)
{
	int gpu = vp_open(1), dmabuf = vp_recv_fd(sock);
	uint32_t handle = vp_import(gpu, dmabuf), fence;

	vp_tell(sock, 'w');
	igt_assert_eq(vp_try_wait(gpu, handle, DRM_VPRIME_WAIT_WRITE,
				  INT64_MAX), 0);
	fence = vp_fence_attach(gpu, handle, true);
	assert_shows(gpu, handle, DRAWN_BY_A);
	draw(gpu, handle, DRAWN_BY_B, fence, sock);
	close(dmabuf);
	close(gpu);
}

static void process_c(int sock, unsigned int index, bool peek)
{
	int gpu = vp_open(index), dmabuf = vp_recv_fd(sock);
	uint32_t handle = vp_import(gpu, dmabuf);

	vp_tell(sock, 'w');
	if (peek) {
		vp_assert_gpu_sees(gpu, handle, SIZE, DRAWN_BY_B);
	} else {
		igt_assert_eq(vp_try_wait(gpu, handle, 0, INT64_MAX), 0);
		assert_shows(gpu, handle, DRAWN_BY_B);
	}
	close(dmabuf);
	close(gpu);
}

static void order_of_three(bool peek)
{
	unsigned int third = vp_config_plug("third", "");
	int gpu = vp_open(0), dmabuf, a[2], b[2], c[2];

	dmabuf = vp_export(gpu, vp_create(gpu, SIZE));
	close(gpu);
	for (int round = 0; round < ROUNDS; round++) {
		vp_socketpair(a);
		vp_socketpair(b);
		vp_socketpair(c);
		igt_fork(child, 1)
			process_a(a[1]);
		igt_fork(child, 1)
			process_b(b[1]);
		igt_fork(child, 1)
			process_c(c[1], third, peek);

		vp_send_fd(a[0], dmabuf);
		igt_assert_eq(vp_hear(a[0]), 'f');
		vp_send_fd(b[0], dmabuf);
		igt_assert_eq(vp_hear(b[0]), 'w');
		vp_await_waiters(1);
		vp_tell(a[0], 'd');
		/* B has seen A's picture, and C must not. */
		igt_assert_eq(vp_hear(b[0]), 'f');
		vp_send_fd(c[0], dmabuf);
		igt_assert_eq(vp_hear(c[0]), 'w');
		vp_await_waiters(1);
		vp_tell(b[0], 'd');
		igt_waitchildren();
		for (int i = 0; i < 2; i++) {
			close(a[i]);
			close(b[i]);
			close(c[i]);
		}
	}
	close(dmabuf);
	vp_config_remove("third");
}

static const struct {
	const char *name;
	bool minds_readers;
} deeds[DEEDS] = {
	[WAIT_READ] = { "wait-read", false },
	[WAIT_WRITE] = { "wait-write", true },
	[BEGIN_READ] = { "begin-read", false },
	[BEGIN_WRITE] = { "begin-write", true },
	[BEGIN_BOTH] = { "begin-both", true },
	[PEEK] = { "peek", false },
	[POKE] = { "poke", true },
	[MOVE] = { "move", true },
};

static void deed_subtests(enum deed deed)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-after-writer", deeds[deed].name);
	igt_describe("It waits for the fence of another GPU's job that writes");
	vp_subtest(name)
		blocked_until_signal(deed, true);

	if (deeds[deed].minds_readers) {
		snprintf(name, sizeof(name), "%s-after-reader",
			 deeds[deed].name);
		igt_describe("It waits for the fence of another GPU's job that reads");
		vp_subtest(name)
			blocked_until_signal(deed, false);
	} else {
		snprintf(name, sizeof(name), "%s-beside-reader",
			 deeds[deed].name);
		igt_describe("It does not wait for a job that only reads");
		vp_subtest(name)
			passes(deed);
	}

	snprintf(name, sizeof(name), "%s-after-error", deeds[deed].name);
	igt_describe("A fence that signals with an error ends the wait as any other");
	vp_subtest(name)
		after_error(deed);

	snprintf(name, sizeof(name), "%s-after-limit", deeds[deed].name);
	igt_describe("A fence that nobody signals ends the wait when it is too old");
	vp_subtest(name)
		after_limit(deed);
}

igt_main
{
	igt_describe("All who have the buffer see a writer's fence, whatever way they ask");
	vp_subtest("writer-seen-by-all")
		seen_by_all(true);

	igt_describe("A reader's fence is seen by all writers, and by no reader");
	vp_subtest("reader-seen-by-writers")
		seen_by_all(false);

	igt_describe("Readers do not mind each other, on the same GPU or another");
	vp_subtest("readers-beside-readers")
		readers_beside_readers();

	igt_describe("Fences that have signalled are in nobody's way");
	vp_subtest("signalled")
		signalled();

	igt_describe("The buffer stays busy when the handle is closed that got the fence");
	vp_subtest("handle-closed")
		handle_closed();

	igt_describe("A fence can be signalled when its buffer is gone");
	vp_subtest("buffer-gone")
		buffer_gone();

	igt_describe("A fence from before the first export is seen after it");
	vp_subtest("before-export")
		before_export();

	igt_describe("Another buffer of the same GPUs stays idle");
	vp_subtest("other-buffer")
		other_buffer();

	for (enum deed deed = 0; deed < DEEDS; deed++)
		deed_subtests(deed);

	igt_describe("What a job draws while a move waits for it is not lost");
	vp_subtest("move-keeps-pixels")
		move_keeps_pixels();

	igt_describe("A writes, B waits and writes, C waits and reads: three GPUs and processes");
	vp_subtest("order-of-three-wait")
		order_of_three(false);

	igt_describe("The same when C reads with its GPU, which waits by itself");
	vp_subtest("order-of-three-peek")
		order_of_three(true);
}
