// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences of a buffer as a sync_file, and sync_files as fences of a buffer:
 * DMA_BUF_IOCTL_EXPORT_SYNC_FILE and IMPORT_SYNC_FILE, with vprime's GPUs and
 * the kernel's vgem on one buffer.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_sync.h"
#include "vp_test.h"
#include "vp_waits.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Fences of buffers as sync_files, and the other way round");

#define SIZE	(4 * VP_PAGE)
#define READ	DMA_BUF_SYNC_READ
#define WRITE	DMA_BUF_SYNC_WRITE
#define WAKE_MS	30000

/* Who has the buffer: GPU 0, GPU 1 and vgem. */
enum who {
	A,
	B,
	VGEM,
	ALL,
};

static const char *const driver[ALL] = { "vprime0", "vprime1", "vgem" };

struct scene {
	int fd[ALL];
	uint32_t handle[ALL];
	int dmabuf;
	/* A timeline of GPU 0's. */
	uint32_t timeline;
};

/* The buffer is vprime's, or vgem's. */
static struct scene prepare(enum who maker)
{
	struct scene scene = { .fd = { vp_open(0), vp_open(1) } };

	vp_load_foreign("vgem");
	scene.fd[VGEM] = vp_open_foreign("vgem");
	scene.handle[maker] = maker == VGEM ?
		vp_create_dumb(scene.fd[VGEM], 64, 64, 32).handle :
		vp_create(scene.fd[maker], SIZE);
	scene.dmabuf = vp_export(scene.fd[maker], scene.handle[maker]);
	for (enum who who = 0; who < ALL; who++)
		if (who != maker)
			scene.handle[who] = vp_import(scene.fd[who],
						      scene.dmabuf);
	scene.timeline = vp_timeline(scene.fd[A], "render");
	return scene;
}

static void let_go(struct scene *scene)
{
	for (enum who who = 0; who < ALL; who++)
		close(scene->fd[who]);
	close(scene->dmabuf);
}

static uint32_t attach(const struct scene *scene, enum who who, bool write)
{
	return vp_fence_attach(scene->fd[who], scene->handle[who], write);
}

static void signal_fence(const struct scene *scene, enum who who,
			 uint32_t fence)
{
	vp_fence_signal(scene->fd[who], fence);
}

/* What a fence on a buffer is called there. */
static const char *purpose(enum who who, bool write)
{
	return who == VGEM ? "unbound" : write ? "write" : "read";
}

static int try_attach(const struct scene *scene, enum who who, bool write)
{
	uint32_t fence;
	int ret;

	ret = vp_try_fence_attach(scene->fd[who], scene->handle[who],
				  write ? DRM_VPRIME_FENCE_WRITE : 0, 0,
				  &fence);
	if (!ret)
		signal_fence(scene, who, fence);
	return ret;
}

/*
 * It is so for everybody, in every way to ask: the buffer is there for readers,
 * and for writers.
 */
static void assert_free(const struct scene *scene, bool to_read, bool to_write)
{
	for (enum who who = 0; who < VGEM; who++) {
		igt_assert_eq(vp_idle(scene->fd[who], scene->handle[who],
				      false), to_read);
		igt_assert_eq(vp_idle(scene->fd[who], scene->handle[who],
				      true), to_write);
	}
	for (enum who who = 0; who < ALL; who++) {
		igt_assert_eq(try_attach(scene, who, false),
			      to_read ? 0 : -EBUSY);
		igt_assert_eq(try_attach(scene, who, true),
			      to_write ? 0 : -EBUSY);
	}
	igt_assert_eq(vp_poll(scene->dmabuf, POLLIN, 0), to_read ? POLLIN : 0);
	igt_assert_eq(vp_poll(scene->dmabuf, POLLOUT, 0),
		      to_write ? POLLOUT : 0);
}

/* What readers, and what writers, would have to wait for. */
static unsigned int fences_for(const struct scene *scene, uint32_t flags)
{
	int sync = vp_dmabuf_get_sync(scene->dmabuf, flags);
	struct vp_sync info;

	vp_sync_read(sync, &info);
	close(sync);
	/* One of nobody's stands for none. */
	return info.status == 1 ? 0 : info.fences;
}

static void export_idle(enum who maker)
{
	struct scene scene = prepare(maker);

	for (uint32_t flags = READ; flags <= DMA_BUF_SYNC_RW; flags++) {
		int sync = vp_dmabuf_get_sync(scene.dmabuf, flags);
		struct vp_sync info;

		igt_assert_eq(vp_poll(sync, POLLIN, 0), POLLIN);
		vp_sync_read(sync, &info);
		igt_assert_eq(info.fences, 1);
		igt_assert_eq(info.status, 1);
		/* What comes later is not in it. */
		signal_fence(&scene, A, attach(&scene, A, true));
		igt_assert_eq(vp_sync_state(sync), 1);
		close(sync);
	}
	let_go(&scene);
}

/* A writer's fence is for everybody. */
static void export_writer(enum who maker)
{
	struct scene scene = prepare(maker);

	for (enum who who = 0; who < ALL; who++) {
		uint32_t fence = attach(&scene, who, true);

		for (uint32_t flags = READ; flags <= DMA_BUF_SYNC_RW; flags++) {
			int sync = vp_dmabuf_get_sync(scene.dmabuf, flags);

			vp_assert_sync(sync, driver[who], purpose(who, true),
				       0);
			close(sync);
		}
		assert_free(&scene, false, false);
		signal_fence(&scene, who, fence);
		assert_free(&scene, true, true);
	}
	let_go(&scene);
}

/* Readers' fences are for writers, and signal in any order. */
static void export_readers(enum who maker)
{
	struct scene scene = prepare(maker);

	for (enum who first = 0; first < ALL; first++) {
		struct vp_sync_fence readers[ALL] = {};
		uint32_t fence[ALL];
		struct vp_sync info;
		int sync, one;

		for (enum who who = 0; who < ALL; who++) {
			fence[who] = attach(&scene, who, false);
			readers[who].driver = driver[who];
			readers[who].timeline = purpose(who, false);
		}
		sync = vp_dmabuf_get_sync(scene.dmabuf, READ);
		igt_assert_eq(vp_sync_state(sync), 1);
		close(sync);
		sync = vp_dmabuf_get_sync(scene.dmabuf, WRITE);
		vp_sync_read(sync, &info);
		vp_sync_expect(&info, readers, ALL);
		assert_free(&scene, true, false);

		signal_fence(&scene, first, fence[first]);
		vp_sync_read(sync, &info);
		readers[first].status = 1;
		vp_sync_expect(&info, readers, ALL);
		igt_assert_eq(vp_poll(sync, POLLIN, 0), 0);
		/* The next export has what is pending then. */
		one = vp_dmabuf_get_sync(scene.dmabuf, DMA_BUF_SYNC_RW);
		igt_assert_eq(vp_sync_count(one), ALL - 1);
		for (enum who who = 0; who < ALL; who++)
			if (who != first)
				signal_fence(&scene, who, fence[who]);
		igt_assert_eq(vp_poll(sync, POLLIN, WAKE_MS), POLLIN);
		igt_assert_eq(vp_poll(one, POLLIN, WAKE_MS), POLLIN);
		igt_assert_eq(vp_sync_state(sync), 1);
		close(one);
		close(sync);
		assert_free(&scene, true, true);
	}
	let_go(&scene);
}

/* Many readers may share a fence: the sync_file waits for all, in any order. */
static void export_many_readers(void)
{
	enum { READERS = 20 };
	struct scene scene = prepare(A);
	uint32_t fence[READERS], late;
	int sync;

	for (int i = 0; i < READERS; i++)
		fence[i] = attach(&scene, i & 1 ? B : A, false);
	igt_assert_eq(fences_for(&scene, READ), 0);
	sync = vp_dmabuf_get_sync(scene.dmabuf, WRITE);
	igt_assert_lte(vp_sync_count(sync), READERS);
	/* Nor for one that was not there yet. */
	late = attach(&scene, B, false);
	for (int i = 0; i < READERS; i++) {
		int next = i * 7 % READERS;

		igt_assert_eq(vp_poll(sync, POLLIN, 0), 0);
		igt_assert(!vp_idle(scene.fd[B], scene.handle[B], true));
		signal_fence(&scene, next & 1 ? B : A, fence[next]);
	}
	igt_assert_eq(vp_poll(sync, POLLIN, WAKE_MS), POLLIN);
	igt_assert_eq(vp_sync_state(sync), 1);
	assert_free(&scene, true, false);
	signal_fence(&scene, B, late);
	assert_free(&scene, true, true);
	close(sync);
	let_go(&scene);
}

/* A fence of a timeline goes in for readers or writers, and signals. */
static void import(enum who maker, uint32_t flags)
{
	struct scene scene = prepare(maker);
	uint64_t id = vp_id(scene.fd[A], scene.handle[A]);
	bool write = flags & WRITE;
	int sync, out;

	for (uint64_t seqno = 1; seqno <= 3; seqno++) {
		sync = vp_fence(scene.fd[A], scene.timeline, NULL);
		assert_free(&scene, true, true);
		vp_dmabuf_put_sync(scene.dmabuf, sync, flags);
		close(sync);
		assert_free(&scene, !write, false);
		igt_assert_eq(vp_watch(id)->fences, 1);
		igt_assert_eq(strcmp(vp_watch(id)->fence[0].usage,
				     write ? "write" : "read"), 0);
		/* It comes out as the fence that went in. */
		out = vp_dmabuf_get_sync(scene.dmabuf, WRITE);
		vp_assert_sync(out, "vprime0", "render", 0);
		igt_assert_eq(fences_for(&scene, READ), write);
		/* How it went is nothing to those who wait for the buffer. */
		igt_assert_eq(vp_try_timeline_signal(scene.fd[A],
						     scene.timeline, seqno,
						     seqno == 2 ? -EIO : 0),
			      0);
		vp_assert_sync(out, "vprime0", "render",
			       seqno == 2 ? -EIO : 1);
		assert_free(&scene, true, true);
		close(out);
	}
	let_go(&scene);
}

/* Processes that wait for the buffer, in every way, wait for the import. */
static void import_wakes(enum who maker)
{
	enum { WAITERS = 6 };
	int gpu = vp_open_patient(), other = vp_open(1), vgem = -1, dmabuf;
	uint32_t timeline = vp_timeline(gpu, "render"), handle;
	struct vp_remote waiter[WAITERS];
	struct vp_task wait[WAITERS] = {
		{ .run = vp_wait_gem }, { .run = vp_wait_peek },
		{ .run = vp_wait_poke },
		{ .run = vp_wait_poll, .flags = POLLIN },
		{ .run = vp_wait_access, .flags = READ },
		{ .run = vp_wait_access, .flags = DMA_BUF_SYNC_RW },
	};
	int sync;

	if (maker == VGEM) {
		vp_load_foreign("vgem");
		vgem = vp_open_foreign("vgem");
		dmabuf = vp_export(vgem, vp_create_dumb(vgem, 64, 64,
							32).handle);
	} else {
		dmabuf = vp_export(gpu, vp_create(gpu, SIZE));
	}
	handle = vp_import(other, dmabuf);
	sync = vp_fence(gpu, timeline, NULL);
	vp_dmabuf_put_sync(dmabuf, sync, WRITE);
	close(sync);
	for (int i = 0; i < WAITERS; i++) {
		waiter[i] = vp_remote_start("waiter");
		wait[i].fd = vp_remote_give(&waiter[i], i < 3 ? other : dmabuf);
		wait[i].handle = handle;
		vp_remote_block(&waiter[i], &wait[i]);
	}
	for (int i = 0; i < WAITERS; i++)
		vp_assert_blocked(&waiter[i]);
	vp_timeline_signal(gpu, timeline, 1);
	for (int i = 0; i < WAITERS; i++) {
		igt_assert_eq(vp_remote_result(&waiter[i], NULL),
			      wait[i].run == vp_wait_poll ? POLLIN : 0);
		vp_remote_end(&waiter[i]);
	}
	close(dmabuf);
	if (vgem >= 0)
		close(vgem);
	close(other);
	vp_close_patient(gpu);
}

/* One that has signalled, well or not, makes nobody wait. */
static void import_signalled(void)
{
	struct scene scene = prepare(A);
	int sync;

	for (int error = -EIO; error <= 0; error += EIO) {
		sync = vp_fence(scene.fd[A], scene.timeline, NULL);
		igt_assert_eq(vp_try_timeline_signal(scene.fd[A],
						     scene.timeline,
						     error ? 1 : 2, error), 0);
		vp_dmabuf_put_sync(scene.dmabuf, sync, DMA_BUF_SYNC_RW);
		close(sync);
		assert_free(&scene, true, true);
	}
	let_go(&scene);
}

/* Of a timeline a buffer has to mind the last one only. */
static void import_again(void)
{
	struct scene scene = prepare(A);
	uint64_t id = vp_id(scene.fd[A], scene.handle[A]);
	int sync[3];

	for (int i = 0; i < 3; i++)
		sync[i] = vp_fence(scene.fd[A], scene.timeline, NULL);
	vp_dmabuf_put_sync(scene.dmabuf, sync[0], READ);
	vp_dmabuf_put_sync(scene.dmabuf, sync[0], READ);
	igt_assert_eq(vp_watch(id)->fences, 1);
	vp_dmabuf_put_sync(scene.dmabuf, sync[2], READ);
	igt_assert_eq(vp_watch(id)->fences, 1);
	igt_assert_eq(vp_watch(id)->fence[0].seqno, 3);
	vp_timeline_signal(scene.fd[A], scene.timeline, 2);
	assert_free(&scene, true, false);
	vp_timeline_signal(scene.fd[A], scene.timeline, 3);
	assert_free(&scene, true, true);
	for (int i = 0; i < 3; i++)
		close(sync[i]);
	let_go(&scene);
}

/* The fences of a merged sync_file go in one by one. */
static void import_merged(void)
{
	struct scene scene = prepare(A);
	uint32_t copy = vp_timeline(scene.fd[B], "copy");
	uint64_t id = vp_id(scene.fd[A], scene.handle[A]);
	int one = vp_fence(scene.fd[A], scene.timeline, NULL);
	int two = vp_fence(scene.fd[B], copy, NULL);
	int merged = vp_sync_merge(one, two, "both");

	vp_dmabuf_put_sync(scene.dmabuf, merged, WRITE);
	close(one);
	close(two);
	close(merged);
	igt_assert_eq(vp_watch(id)->fences, 2);
	igt_assert_eq(fences_for(&scene, READ), 2);
	vp_timeline_signal(scene.fd[B], copy, 1);
	assert_free(&scene, false, false);
	igt_assert_eq(fences_for(&scene, READ), 1);
	vp_timeline_signal(scene.fd[A], scene.timeline, 1);
	assert_free(&scene, true, true);
	let_go(&scene);
}

/* A reader and a writer at once, as only a program can have it. */
static void import_beside(void)
{
	struct scene scene = prepare(A);
	uint32_t reader = attach(&scene, B, false);
	int sync = vp_fence(scene.fd[A], scene.timeline, NULL);
	struct vp_sync info;
	int out;

	vp_dmabuf_put_sync(scene.dmabuf, sync, WRITE);
	close(sync);
	assert_free(&scene, false, false);
	out = vp_dmabuf_get_sync(scene.dmabuf, READ);
	vp_assert_sync(out, "vprime0", "render", 0);
	close(out);
	out = vp_dmabuf_get_sync(scene.dmabuf, WRITE);
	vp_sync_read(out, &info);
	close(out);
	vp_assert_fences(&info, VP_FENCE("vprime0", "render", 0),
			 VP_FENCE("vprime1", "read", 0));
	vp_timeline_signal(scene.fd[A], scene.timeline, 1);
	assert_free(&scene, true, false);
	signal_fence(&scene, B, reader);
	assert_free(&scene, true, true);
	let_go(&scene);
}

/* From one buffer to another, of whatever driver, and back to where it was. */
static void buffer_to_buffer(enum who from, enum who to)
{
	struct scene source = prepare(from), target = prepare(to);
	enum who who = from == VGEM ? VGEM : B;
	uint32_t fence = attach(&source, who, false);
	int sync = vp_dmabuf_get_sync(source.dmabuf, WRITE);

	vp_dmabuf_put_sync(target.dmabuf, sync, WRITE);
	vp_dmabuf_put_sync(source.dmabuf, sync, READ);
	close(sync);
	assert_free(&source, true, false);
	assert_free(&target, false, false);
	signal_fence(&source, who, fence);
	assert_free(&source, true, true);
	assert_free(&target, true, true);
	let_go(&source);
	let_go(&target);
}

/* The buffer is all that has the fence: it signals with its timeline's end. */
static void held_by_buffer(enum who maker)
{
	struct scene scene = prepare(maker);
	int sync = vp_fence(scene.fd[A], scene.timeline, NULL);

	vp_dmabuf_put_sync(scene.dmabuf, sync, WRITE);
	close(sync);
	vp_timeline_destroy(scene.fd[A], scene.timeline);
	assert_free(&scene, true, true);
	let_go(&scene);
}

/* Nobody is left but a sync_file: the buffer has gone. */
static void outlives_buffer(void)
{
	struct scene scene = prepare(A);
	uint32_t fence = attach(&scene, A, true);
	int sync = vp_dmabuf_get_sync(scene.dmabuf, WRITE);

	for (enum who who = 0; who < ALL; who++)
		vp_close(scene.fd[who], scene.handle[who]);
	close(scene.dmabuf);
	scene.dmabuf = -1;
	igt_assert_eq(vp_counts().buffers, 0);
	vp_assert_sync(sync, "vprime0", "write", 0);
	signal_fence(&scene, A, fence);
	vp_assert_sync(sync, "vprime0", "write", 1);
	close(sync);
	for (enum who who = 0; who < ALL; who++)
		close(scene.fd[who]);
}

igt_main
{
	igt_describe("The sync_file of an idle buffer has signalled");
	vp_subtest("export-idle")
		export_idle(A);

	igt_describe("The same of a buffer of vgem's");
	vp_subtest("export-idle-foreign")
		export_idle(VGEM);

	igt_describe("A writer's fence is in the sync_file for readers and for writers");
	vp_subtest("export-writer")
		export_writer(A);

	igt_describe("The same with a buffer of vgem's");
	vp_subtest("export-writer-foreign")
		export_writer(VGEM);

	igt_describe("Readers' fences, of two GPUs and vgem, are in the sync_file for writers only");
	vp_subtest("export-readers")
		export_readers(B);

	igt_describe("The same with a buffer of vgem's");
	vp_subtest("export-readers-foreign")
		export_readers(VGEM);

	igt_describe("The sync_file of twenty readers signals with the last of them, and not with a later one");
	vp_subtest("export-many-readers")
		export_many_readers();

	igt_describe("An imported fence of a reader makes writers wait, everywhere");
	vp_subtest("import-read") {
		import(A, READ);
		import(B, READ);
	}

	igt_describe("An imported fence of a writer makes everybody wait");
	vp_subtest("import-write") {
		import(A, WRITE);
		import(B, DMA_BUF_SYNC_RW);
	}

	igt_describe("The same with a buffer of vgem's");
	vp_subtest("import-foreign") {
		import(VGEM, READ);
		import(VGEM, WRITE);
	}

	igt_describe("Processes that wait for the buffer wake up with an imported fence");
	vp_subtest("import-wakes")
		import_wakes(A);

	igt_describe("The same with a buffer of vgem's");
	vp_subtest("import-wakes-foreign")
		import_wakes(VGEM);

	igt_describe("An imported fence that has signalled makes nobody wait");
	vp_subtest("import-signalled")
		import_signalled();

	igt_describe("Of the imported fences of a timeline the last one counts");
	vp_subtest("import-again")
		import_again();

	igt_describe("Merged fences of two GPUs are imported one by one");
	vp_subtest("import-merged")
		import_merged();

	igt_describe("A writer's fence is imported beside a reader's that is there");
	vp_subtest("import-beside")
		import_beside();

	igt_describe("A fence goes from a buffer to another, and to the one it came from");
	vp_subtest("buffer-to-buffer")
		buffer_to_buffer(A, B);

	igt_describe("The same to and from buffers of vgem's");
	vp_subtest("buffer-to-buffer-foreign") {
		buffer_to_buffer(A, VGEM);
		buffer_to_buffer(VGEM, A);
	}

	igt_describe("A fence that only a buffer has signals when its timeline is destroyed");
	vp_subtest("held-by-buffer") {
		held_by_buffer(A);
		held_by_buffer(VGEM);
	}

	igt_describe("A sync_file of a buffer's fence outlives the buffer");
	vp_subtest("outlives-buffer")
		outlives_buffer();

	igt_fixture
		vp_unload_foreign("vgem");
}
