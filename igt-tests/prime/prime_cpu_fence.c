// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the CPU waits for before it touches a buffer, and a GPU before it does:
 * the fences of those who are still at it. vgem's stand for a GPU's jobs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Waiting for fences before CPU access");

#define SIZE		(4 * VP_PAGE)
#define READ		DMA_BUF_SYNC_READ
#define WRITE		DMA_BUF_SYNC_WRITE
#define BLOCKED_MS	300

/* A buffer of GPU 0, its dma-buf, and vgem's import of it. */
struct scene {
	int gpu;
	uint32_t handle;
	int dmabuf;
	uint64_t id;
	int vgem;
	uint32_t imported;
};

static struct scene prepare(void)
{
	struct scene scene = { .gpu = vp_open(0) };

	vp_load_foreign("vgem");
	scene.vgem = vp_open_foreign("vgem");
	scene.handle = vp_create(scene.gpu, SIZE);
	scene.dmabuf = vp_export(scene.gpu, scene.handle);
	scene.id = vp_id(scene.gpu, scene.handle);
	scene.imported = vp_import(scene.vgem, scene.dmabuf);
	return scene;
}

static void let_go(struct scene *scene)
{
	close(scene->vgem);
	close(scene->dmabuf);
	close(scene->gpu);
}

static void assert_no_access(const struct scene *scene)
{
	igt_assert_eq(vp_watch(scene->id)->cpu_open, 0);
	igt_assert_eq(vp_watch(scene->id)->n_cpu, 0);
	igt_assert_eq(vp_watch(scene->id)->violations, 0);
}

/* What may have to wait for a fence. */
enum deed {
	BEGIN_READ,
	BEGIN_WRITE,
	BEGIN_BOTH,
	PEEK,
	POKE,
};

static int try_deed(const struct scene *scene, enum deed deed)
{
	static const uint64_t access[] = {
		[BEGIN_READ] = READ,
		[BEGIN_WRITE] = WRITE,
		[BEGIN_BOTH] = DMA_BUF_SYNC_RW,
	};
	uint32_t word = 1;
	int ret;

	switch (deed) {
	case PEEK:
		return vp_try_peek(scene->gpu, scene->handle, 0, &word,
				   sizeof(word));
	case POKE:
		return vp_try_poke(scene->gpu, scene->handle, 0, &word,
				   sizeof(word));
	default:
		ret = vp_try_sync(scene->dmabuf,
				  DMA_BUF_SYNC_START | access[deed]);
		if (!ret)
			ret = vp_try_sync(scene->dmabuf,
					  DMA_BUF_SYNC_END | access[deed]);
		return ret;
	}
}

static bool hears_within(int sock, int ms)
{
	struct pollfd hears = { .fd = sock, .events = POLLIN };

	return poll(&hears, 1, ms) > 0;
}

static void fence_blocks(bool writing, enum deed deed)
{
	struct scene scene = prepare();
	uint32_t fence;
	int sock[2];

	vp_socketpair(sock);
	fence = vp_fence_attach(scene.vgem, scene.imported, writing);
	igt_fork(child, 1) {
		vp_tell(sock[1], 'r');
		igt_assert_eq(try_deed(&scene, deed), 0);
		vp_tell(sock[1], 'd');
	}
	igt_assert_eq(vp_hear(sock[0]), 'r');
	igt_assert(!hears_within(sock[0], BLOCKED_MS));
	/* Who waits has not begun. */
	assert_no_access(&scene);
	vp_fence_signal(scene.vgem, fence);
	igt_assert_eq(vp_hear(sock[0]), 'd');
	igt_waitchildren();
	assert_no_access(&scene);
	close(sock[0]);
	close(sock[1]);
	let_go(&scene);
}

static void fence_lets_pass(bool writing, enum deed deed)
{
	struct scene scene = prepare();
	uint32_t fence = vp_fence_attach(scene.vgem, scene.imported, writing);

	igt_assert_eq(try_deed(&scene, deed), 0);
	/* Had that waited, the fence would have signalled by itself by now. */
	vp_fence_signal(scene.vgem, fence);
	assert_no_access(&scene);
	let_go(&scene);
}

/* A job may be queued while the CPU is at it; the end waits for nobody. */
static void fence_and_end(void)
{
	struct scene scene = prepare();
	uint32_t fence;

	vp_sync_start(scene.dmabuf, DMA_BUF_SYNC_RW);
	fence = vp_fence_attach(scene.vgem, scene.imported, true);
	vp_sync_end(scene.dmabuf, DMA_BUF_SYNC_RW);
	vp_fence_signal(scene.vgem, fence);
	assert_no_access(&scene);
	let_go(&scene);
}

static void ignore_signal(int sig)
{
	(void)sig;
}

static void interrupted(void)
{
	struct dma_buf_sync sync = { DMA_BUF_SYNC_START | READ };
	struct scene scene = prepare();
	uint32_t fence = vp_fence_attach(scene.vgem, scene.imported, true);

	igt_fork(child, 1) {
		/* Not SA_RESTART: the program asked to be told. */
		struct sigaction action = { .sa_handler = ignore_signal };
		struct itimerval soon = { { 0, 100000 }, { 0, 100000 } };
		struct itimerval never = {};
		int ret, err;

		sigaction(SIGALRM, &action, NULL);
		setitimer(ITIMER_REAL, &soon, NULL);
		ret = ioctl(scene.dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
		err = ret ? errno : 0;
		setitimer(ITIMER_REAL, &never, NULL);
		igt_assert_eq(err, EINTR);
	}
	igt_waitchildren();
	assert_no_access(&scene);
	vp_fence_signal(scene.vgem, fence);

	/* And nothing is the worse for it. */
	vp_sync_start(scene.dmabuf, READ);
	igt_assert_eq(vp_watch(scene.id)->cpu_open, 1);
	vp_sync_end(scene.dmabuf, READ);
	assert_no_access(&scene);
	let_go(&scene);
}

/* A process that waits has not begun, so it leaves nothing open. */
static void killed_while_waiting(void)
{
	struct scene scene = prepare();
	uint32_t fence = vp_fence_attach(scene.vgem, scene.imported, true);
	pid_t child = fork();

	igt_assert_lte(0, child);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		vp_try_sync(scene.dmabuf, DMA_BUF_SYNC_START | WRITE);
		_exit(0);
	}
	usleep(BLOCKED_MS * 1000);
	igt_assert_eq(waitpid(child, NULL, WNOHANG), 0);
	vp_kill(child);
	assert_no_access(&scene);
	vp_fence_signal(scene.vgem, fence);
	let_go(&scene);
}

igt_main
{
	igt_describe("A reader waits for a job that writes");
	vp_subtest("writing-reader-waits")
		fence_blocks(true, BEGIN_READ);

	igt_describe("A writer waits for a job that writes");
	vp_subtest("writing-writer-waits")
		fence_blocks(true, BEGIN_WRITE);

	igt_describe("A writer waits for a job that only reads");
	vp_subtest("reading-writer-waits")
		fence_blocks(false, BEGIN_WRITE);

	igt_describe("Who reads and writes waits for a job that only reads");
	vp_subtest("reading-both-wait")
		fence_blocks(false, BEGIN_BOTH);

	igt_describe("A reader does not wait for a job that only reads");
	vp_subtest("reading-reader-passes")
		fence_lets_pass(false, BEGIN_READ);

	igt_describe("A GPU that reads waits for a job that writes");
	vp_subtest("writing-peek-waits")
		fence_blocks(true, PEEK);

	igt_describe("A GPU that reads does not wait for a job that only reads");
	vp_subtest("reading-peek-passes")
		fence_lets_pass(false, PEEK);

	igt_describe("A GPU that writes waits for a job that only reads");
	vp_subtest("reading-poke-waits")
		fence_blocks(false, POKE);

	igt_describe("The end of an access waits for nobody");
	vp_subtest("end-passes")
		fence_and_end();

	igt_describe("A signal ends the wait, and nothing has begun");
	vp_subtest("interrupted")
		interrupted();

	igt_describe("A process can be killed while it waits, and leaves nothing open");
	vp_subtest("killed-while-waiting")
		killed_while_waiting();

	igt_fixture
		vp_unload_foreign("vgem");
}
