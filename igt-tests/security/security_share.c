// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one client does to a GPU that it shares with others, or to a buffer that
 * it shares with others: however much it makes, and however long it keeps others
 * waiting, they go on, at the latest when its fences are too old. The client is
 * nobody's; the other one is this program, which measures how long it takes.
 *
 * That fences come and go by the ten thousand is in fence_scale, what becomes
 * of those of the dead in fence_death, clients that stand still in the middle
 * of a call in security_stuck.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_access.h"
#include "vp_bystander.h"
#include "vp_doer.h"
#include "vp_nobody.h"
#include "vp_pair.h"
#include "vp_race.h"
#include "vp_syncobj.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("One client does not stop another");

#define SIZE	(16 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)
/* A client that is not refused ends by itself, after so many or so long. */
#define MANY	100000
#define ENOUGH	500
#define FLOOD_MS	10000
#define FLOOD_MS_DEBUG	3000
#define LIMIT_MS	1000
#define LIMIT	"fence_timeout_ms=1000"

/* ---- the one that does too much ---- */

enum kind {
	HANDLES,
	EXPORTS,
	FENCES,
	TIMELINES,
	SYNC_FILES,
	SYNCOBJS,
};

/* No assertion here: this is another process. */
static int make_one(int gpu, uint32_t handle, enum kind kind, uint32_t timeline)
{
	uint32_t made;
	int fd;

	switch (kind) {
	case HANDLES:
		return vp_try_create(gpu, VP_PAGE, 0, &made);
	case EXPORTS:
		if (vp_try_create(gpu, VP_PAGE, 0, &made))
			return -ENOMEM;
		fd = vp_try_export(gpu, made, DRM_CLOEXEC | DRM_RDWR);
		if (fd < 0)
			return fd;
		return close(fd);
	case FENCES:
		return vp_try_fence_attach(gpu, handle, 0, 0, &made);
	case TIMELINES:
		return vp_try_timeline(gpu, "flood", 0, &made);
	case SYNC_FILES:
		fd = vp_try_fence(gpu, timeline, 0, 0, NULL);
		return fd < 0 ? fd : 0;
	case SYNCOBJS:
		return vp_try_syncobj(gpu, 0, &made);
	}
	return -EINVAL;
}

/* Make things of a kind on the GPU @fd until refused; returns how many. */
static int flood(struct vp_task *task)
{
	int64_t until = vp_in_ms(vp_kernel_is_debug() ? FLOOD_MS_DEBUG : FLOOD_MS);
	uint32_t timeline = 0;
	int made = 0;

	if (vp_try_timeline(task->fd, "flood", 0, &timeline))
		return -EINVAL;
	for (; made <= ENOUGH || (made < MANY && vp_now_ns() < until); made++)
		if (make_one(task->fd, task->handle, task->flags, timeline))
			break;
	return made;
}

static int import(struct vp_task *task)
{
	return vp_try_import(task->fd, task->fd2, &task->handle);
}

static int close_file(struct vp_task *task)
{
	return close(task->fd) ? -errno : 0;
}

/* ---- the other one ---- */

/* Over and over until the client is done with what it was told. */
static unsigned int do_meanwhile(struct vp_bystander *o, struct vp_remote *client)
{
	unsigned int rounds = 0;

	do {
		vp_bystander_round(o);
		rounds++;
	} while (!vp_poll(client->sock, POLLIN, 0));
	return rounds;
}

static void flooded(enum kind kind)
{
	struct vp_counts before = vp_counts();
	struct vp_bystander o = vp_bystander();
	struct vp_remote client = vp_nobody_start("flood");
	struct vp_task task = { .run = import };
	unsigned int rounds;
	int made;

	task.fd = vp_remote_open(&client, 0);
	task.fd2 = vp_remote_give(&client, o.pair.dmabuf);
	igt_assert_eq(vp_remote_do(&client, &task), 0);

	task.run = flood;
	task.flags = kind;
	vp_remote_begin(&client, &task);
	rounds = do_meanwhile(&o, &client);
	made = vp_remote_result(&client, NULL);
	igt_info("made %d while the other did %u rounds, the longest in %lld ms\n",
		 made, rounds, (long long)o.longest_ms);
	igt_assert_lt(ENOUGH, made);

	/* With all of it there, and while it goes. */
	for (int i = 0; i < 50; i++)
		vp_bystander_round(&o);
	task.run = close_file;
	vp_remote_begin(&client, &task);
	do_meanwhile(&o, &client);
	igt_assert_eq(vp_remote_result(&client, NULL), 0);
	igt_info("then the longest in %lld ms\n", (long long)o.longest_ms);
	vp_remote_end(&client);
	vp_bystander_end(&o);
	vp_assert_counts(&before);
}

/* ---- the one that keeps others waiting ---- */

/* A shared buffer, and a client that has it too, on a GPU of its own. */
struct shared {
	struct vp_pair pair;
	struct vp_remote client;
	struct vp_task task;
};

static struct shared shared(size_t size, const char *settings)
{
	struct shared s = { .pair = vp_pair(size) };
	unsigned int gpu = vp_config_plug("theirs", settings);

	s.client = vp_nobody_start("rude");
	s.task.fd = vp_remote_open(&s.client, gpu);
	s.task.fd2 = vp_remote_give(&s.client, s.pair.dmabuf);
	s.task.run = import;
	igt_assert_eq(vp_remote_do(&s.client, &s.task), 0);
	return s;
}

static void shared_end(struct shared *s)
{
	vp_remote_kill(&s->client);
	vp_pair_end(&s->pair);
	vp_config_remove("theirs");
}

/* The fence is the task's value. */
static int attach(struct vp_task *task)
{
	uint32_t fence = 0;
	int ret = vp_try_fence_attach(task->fd, task->handle, task->flags, 0,
				      &fence);

	task->value = fence;
	return ret;
}

static int peek(struct vp_task *task)
{
	char byte;

	return vp_try_peek(task->fd, task->handle, 0, &byte, 1);
}

/*
 * One reader's fence after the other, so that there is one at all times, until told
 * to stop. A call of another client that waits for an idle buffer leads to ETIME.
 */
static int read_on_and_on(struct vp_task *task)
{
	const struct vp_race *race = (void *)(uintptr_t)task->value;
	int64_t until = vp_in_ms(VP_PATIENCE_MS);
	uint32_t last = 0, fence;
	int ret;

	while (!race->stop) {
		if (vp_now_ns() >= until)
			return -ETIME;
		fence = 0;
		ret = vp_try_fence_attach(task->fd, task->handle, 0, 0, &fence);
		/* A GPU waits to write: it comes first. */
		if (ret && ret != -EBUSY)
			return ret;
		if (last)
			vp_try_fence_signal(task->fd, last, 0);
		last = fence;
		usleep(LIMIT_MS * 1000 / 4);
	}
	return 0;
}

static int begin_often(struct vp_task *task)
{
	for (uint64_t i = 0; i < task->value; i++)
		if (vp_try_sync(task->fd2, DMA_BUF_SYNC_START |
				DMA_BUF_SYNC_RW))
			return -EIO;
	return 0;
}

/* It never signals its fence. Each way to wait ends when that is too old. */
static void held_until_limit(void)
{
	struct shared s = shared(SIZE, LIMIT);
	int *gpu = s.pair.gpu;
	uint32_t *handle = s.pair.handle;
	char byte = 1;

	for (int way = 0; way < 5; way++) {
		int64_t due = vp_in_ms(LIMIT_MS);

		s.task.run = attach;
		s.task.flags = DRM_VPRIME_FENCE_WRITE;
		igt_assert_eq(vp_remote_do(&s.client, &s.task), 0);
		igt_assert(!vp_idle(gpu[1], handle[1], false) ||
			   vp_now_ns() >= due);
		switch (way) {
		case 0:
			vp_poke(gpu[0], handle[0], 0, &byte, 1);
			break;
		case 1:
			vp_peek(gpu[1], handle[1], 0, &byte, 1);
			break;
		case 2:
			vp_sync_start(s.pair.dmabuf, DMA_BUF_SYNC_RW);
			vp_sync_end(s.pair.dmabuf, DMA_BUF_SYNC_RW);
			break;
		case 3:
			vp_poll(s.pair.dmabuf, POLLOUT, -1);
			break;
		case 4:
			igt_assert_eq(vp_try_wait(gpu[0], handle[0],
						  DRM_VPRIME_WAIT_WRITE,
						  INT64_MAX), 0);
			break;
		}
		igt_assert_lte(due, vp_now_ns());
		igt_assert(vp_idle(gpu[1], handle[1], true));
	}
	shared_end(&s);
}

static int use_cpu(void *data)
{
	const int *dmabuf = data;
	int ret = vp_try_sync(*dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);

	return ret ? ret : vp_try_sync(*dmabuf, DMA_BUF_SYNC_END |
						DMA_BUF_SYNC_RW);
}

/*
 * Each of its fences is young, but the buffer is never idle: the others are done
 * with theirs while it still goes on.
 */
static void held_by_many(void)
{
	struct vp_race *race = vp_race_begin();
	struct shared s = shared(SIZE, LIMIT);
	struct vp_doer cpu;
	int *gpu = s.pair.gpu;
	uint32_t *handle = s.pair.handle;
	char byte = 1;

	s.task.run = read_on_and_on;
	s.task.value = (uintptr_t)race;
	vp_remote_begin(&s.client, &s.task);
	vp_await(!vp_idle(gpu[0], handle[0], true));
	igt_assert_eq(vp_try_wait(gpu[0], handle[0], DRM_VPRIME_WAIT_WRITE,
				  INT64_MAX), 0);
	vp_poke(gpu[0], handle[0], 0, &byte, 1);
	/*
	 * The kernel waits once more by itself, and from the start again when the
	 * list of fences is another one; where it checks its mutexes, that is so
	 * with every fence, until the client ends.
	 */
	cpu = vp_do(use_cpu, &s.pair.dmabuf);
	if (vp_kernel_is_debug())
		race->stop = true;
	igt_assert_eq(vp_done(&cpu), 0);
	race->stop = true;
	igt_assert_eq(vp_remote_result(&s.client, NULL), 0);
	shared_end(&s);
	vp_race_end(race);
}

/*
 * Its GPU does not reach where the buffer lies, so the buffer has to move, which
 * has to wait for the fence that the client has put there itself. Nobody else
 * has to wait who does not want the buffer idle.
 */
static void held_by_a_move(void)
{
	const size_t size = 64 * VP_MIB;
	struct shared s = shared(size, "dma_bits=32 fence_timeout_ms=60000");
	int *gpu = s.pair.gpu, stranger = vp_open(0), theirs;
	uint32_t *handle = s.pair.handle, own;
	void *map = vp_map(gpu[0], handle[0], size, RW);
	bool blocked;
	char byte;

	vp_drop_file_pages();
	vp_fill_sparse(map, size, 1);
	s.task.run = attach;
	s.task.flags = 0;
	igt_assert_eq(vp_remote_do(&s.client, &s.task), 0);
	theirs = vp_remote_take(&s.client, s.task.fd);
	s.task.run = peek;
	vp_remote_begin(&s.client, &s.task);
	vp_await((blocked = vp_remote_is_blocked(&s.client)) ||
		 vp_poll(s.client.sock, POLLIN, 0));
	if (!blocked) {
		close(theirs);
		vp_unmap(map, size);
		close(stranger);
		shared_end(&s);
	}
	igt_require_f(blocked,
		      "no memory above 4 GiB, or nothing to wait for\n");

	/* Of the shared buffer, */
	vp_info(gpu[0], handle[0]);
	vp_touch(map, true);
	vp_peek(gpu[1], handle[1], 0, &byte, 1);
	vp_close(stranger, vp_import(stranger, s.pair.dmabuf));
	/* and of what has nothing to do with it. */
	own = vp_create(stranger, SIZE);
	close(vp_export(stranger, own));
	igt_assert(vp_remote_is_blocked(&s.client));
	vp_fence_signal(theirs, (uint32_t)s.task.value);
	close(theirs);
	igt_assert_eq(vp_remote_result(&s.client, NULL), 0);
	vp_unmap(map, size);
	close(stranger);
	shared_end(&s);
}

/*
 * It begins CPU access as often as it likes, and dies: whoever meets the buffer
 * next has to end them all.
 */
static void begun_by_the_dead(const char *settings)
{
	const size_t size = 4 * VP_MIB;
	struct shared s = shared(size, settings);
	int gpu = vp_open(VP_DEFAULT_GPUS);
	uint32_t handle = vp_import(gpu, s.pair.dmabuf);
	int64_t began;
	char byte;

	vp_sync_start(s.pair.dmabuf, DMA_BUF_SYNC_READ);
	s.task.run = begin_often;
	s.task.value = 20000;
	igt_assert_eq(vp_remote_do(&s.client, &s.task), 0);
	/* It would have been slower to begin with the GPU's mapping there. */
	vp_peek(gpu, handle, 0, &byte, 1);
	vp_kill(s.client.process);
	began = vp_now_ns();
	vp_sync_end(s.pair.dmabuf, DMA_BUF_SYNC_READ);
	igt_info("ended in %lld ms\n",
		 (long long)(vp_now_ns() - began) / 1000000);
	igt_assert_eq(vp_watch(s.pair.id)->cpu_open, 0);
	close(s.client.sock);
	close(gpu);
	vp_pair_end(&s.pair);
	vp_config_remove("theirs");
}

static const struct {
	const char *name, *what;
	enum kind kind;
} floods[] = {
	{ "flood-handles", "A client makes 100,000 buffers", HANDLES },
	{ "flood-exports", "A client makes 100,000 buffers and exports each",
	  EXPORTS },
	{ "flood-fences", "A client puts 100,000 fences on a shared buffer",
	  FENCES },
	{ "flood-timelines", "A client makes 100,000 timelines", TIMELINES },
	{ "flood-sync-files", "A client makes fences until it has no descriptor",
	  SYNC_FILES },
	{ "flood-syncobjs", "A client makes 100,000 syncobjs", SYNCOBJS },
};

igt_main
{
	for (volatile size_t i = 0; i < VP_ARRAY_SIZE(floods); i++) {
		igt_describe_f("%s: others go on meanwhile, and closing gives it all back",
			       floods[i].what);
		vp_subtest(floods[i].name)
			flooded(floods[i].kind);
	}

	igt_describe("A fence that its maker never signals delays others until it is too old");
	vp_subtest("held-until-limit")
		held_until_limit();

	igt_describe("A buffer that is never idle delays others for no longer");
	vp_subtest("held-by-many")
		held_by_many();

	igt_describe("A move that waits for a fence keeps nobody from the buffer, nor from others");
	vp_subtest("held-by-a-move")
		held_by_a_move();

	igt_describe("CPU accesses that a client began by the thousand are ended by the next client that uses the buffer");
	vp_subtest("begun-by-the-dead")
		begun_by_the_dead("coherent=1");

	igt_describe("The same on a GPU that does not snoop");
	vp_subtest("begun-by-the-dead-incoherent")
		begun_by_the_dead("coherent=0");
}
