// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module parameter "strict": who touches a dma-buf's mapping, and has not
 * said so with DMA_BUF_IOCTL_SYNC, is told. Mappings of a GPU's node are not its
 * business.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Touching a dma-buf's mapping outside of CPU access");

#define OUTSIDE	"cpu-outside-access"
#define SIZE	(4 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)
#define READ	DMA_BUF_SYNC_READ
#define WRITE	DMA_BUF_SYNC_WRITE

struct scene {
	int gpu;
	uint32_t handle;
	size_t size;
	int dmabuf;
	uint64_t id;
};

static struct scene prepare(size_t size)
{
	struct scene scene = { .gpu = vp_open(0), .size = size };

	vp_be_another();
	scene.handle = vp_create(scene.gpu, size);
	scene.dmabuf = vp_export(scene.gpu, scene.handle);
	scene.id = vp_id(scene.gpu, scene.handle);
	return scene;
}

static void let_go(struct scene *scene)
{
	close(scene->dmabuf);
	close(scene->gpu);
}

static void assert_no_line(int log, const struct scene *scene)
{
	char words[40];

	snprintf(words, sizeof(words), "buffer %llu of",
		 (unsigned long long)scene->id);
	igt_assert_eq(vp_logged(log, "contract: ", words), 0);
}

/* There is one line, and it was me. */
static void assert_reported(int log, const struct scene *scene)
{
	char name[17] = "";

	prctl(PR_GET_NAME, name);
	vp_assert_reported(log, scene->id, OUTSIDE, "cpu", name, getpid());
}

/* Where the CPU's mapping of a shared buffer comes from. */
enum way {
	BY_FD,
	BY_HANDLE,
	BY_IMPORTER,
};

static char *map_by(struct scene *scene, enum way way)
{
	char *map;
	int gpu;

	if (way == BY_FD)
		return vp_map_dmabuf(scene->dmabuf, scene->size, RW);
	if (way == BY_HANDLE)
		return vp_map(scene->gpu, scene->handle, scene->size, RW);
	gpu = vp_open(1);
	map = vp_map(gpu, vp_import(gpu, scene->dmabuf), scene->size, RW);
	close(gpu);
	return map;
}

static void touch(char *map, size_t size)
{
	for (size_t at = 0; at < size; at += VP_PAGE)
		((volatile char *)map)[at]++;
}

/* Whether it was seen that memory was touched outside of an access. */
static bool was_seen(const struct scene *scene)
{
	igt_assert_eq(vp_watch(scene->id)->violations,
		      vp_watch_violations(scene->id, OUTSIDE));
	return vp_watch(scene->id)->violations;
}

static void touched_outside(void)
{
	struct scene scene = prepare(SIZE);
	struct scene other = prepare(VP_PAGE);
	int log = vp_log_open();
	char *map = map_by(&scene, BY_FD), *others = map_by(&other, BY_FD);
	unsigned int before = vp_watch_total(OUTSIDE), count;

	vp_strict(true);
	touch(map, scene.size);
	igt_assert(was_seen(&scene));
	igt_assert(!was_seen(&other));
	assert_reported(log, &scene);
	count = vp_watch(scene.id)->violations;
	igt_assert_eq(vp_watch_total(OUTSIDE), before + count);
	/* The touch itself has worked. */
	igt_assert_eq(map[scene.size - VP_PAGE], 1);

	touch(others, other.size);
	igt_assert(was_seen(&other));
	/* The process has its line. */
	assert_no_line(log, &other);
	vp_strict(false);
	vp_unmap(map, scene.size);
	vp_unmap(others, other.size);
	close(log);
	let_go(&scene);
	let_go(&other);
}

static void touched_after_end(size_t size)
{
	struct scene scene = prepare(size);
	char *map = map_by(&scene, BY_FD);
	int log = vp_log_open();

	vp_strict(true);
	for (int i = 1; i <= 3; i++) {
		vp_sync_start(scene.dmabuf, DMA_BUF_SYNC_RW);
		touch(map, scene.size);
		igt_assert_eq(map[0], i);
		vp_sync_end(scene.dmabuf, DMA_BUF_SYNC_RW);
		igt_assert(!was_seen(&scene));
	}
	igt_assert_eq(map[0], 3);
	igt_assert(was_seen(&scene));
	assert_reported(log, &scene);
	vp_strict(false);
	vp_unmap(map, scene.size);
	close(log);
	let_go(&scene);
}

/* As a driver in user space does, which has no part in the program's brackets. */
static void never_seen(enum way way)
{
	struct scene scene = prepare(SIZE);
	char *map, *by_fd = map_by(&scene, BY_FD);

	vp_strict(true);
	map = map_by(&scene, way);
	touch(map, scene.size);
	for (int i = 0; i < 2; i++) {
		vp_sync_start(scene.dmabuf, DMA_BUF_SYNC_RW);
		touch(by_fd, scene.size);
		vp_sync_end(scene.dmabuf, DMA_BUF_SYNC_RW);
		touch(map, scene.size);
	}
	igt_assert(!was_seen(&scene));
	igt_assert_eq(map[0], 5);
	/* The program's own mistake is. */
	touch(by_fd, scene.size);
	igt_assert(was_seen(&scene));
	vp_strict(false);
	vp_unmap(map, scene.size);
	vp_unmap(by_fd, scene.size);
	let_go(&scene);
}

/* It was shared once, and whoever had it has let go of it. */
static void alone_again(void)
{
	int gpu = vp_open(0), other = vp_open(1), dmabuf;
	uint32_t handle = vp_create(gpu, SIZE), imported;
	struct scene scene = { .id = vp_id(gpu, handle) };
	char *map = vp_map(gpu, handle, SIZE, RW);

	vp_strict(true);
	touch(map, SIZE);
	dmabuf = vp_export(gpu, handle);
	imported = vp_import(other, dmabuf);
	vp_sync_start(dmabuf, DMA_BUF_SYNC_RW);
	touch(map, SIZE);
	vp_sync_end(dmabuf, DMA_BUF_SYNC_RW);
	vp_close(other, imported);
	close(dmabuf);
	touch(map, SIZE);
	igt_assert_eq(map[0], 3);
	igt_assert(!was_seen(&scene));
	vp_strict(false);
	vp_unmap(map, SIZE);
	close(other);
	close(gpu);
}

/* The interface does not nest: the first end is the end. */
static void touched_after_first_end(void)
{
	struct scene scene = prepare(SIZE);
	char *map = map_by(&scene, BY_FD);

	vp_strict(true);
	vp_sync_start(scene.dmabuf, READ);
	vp_sync_start(scene.dmabuf, WRITE);
	touch(map, scene.size);
	vp_sync_end(scene.dmabuf, WRITE);
	igt_assert(!was_seen(&scene));
	igt_assert_eq(map[0], 1);
	igt_assert(was_seen(&scene));
	vp_sync_end(scene.dmabuf, READ);
	vp_strict(false);
	vp_unmap(map, scene.size);
	let_go(&scene);
}

/* What a program writes between the begin and the end of reading. */
static void written_in_read(size_t size, bool read_first)
{
	struct scene scene = prepare(size);
	int log = vp_log_open();
	volatile char *map;

	vp_strict(true);
	map = map_by(&scene, BY_FD);
	vp_sync_start(scene.dmabuf, DMA_BUF_SYNC_RW);
	touch((char *)map, size);
	vp_sync_end(scene.dmabuf, DMA_BUF_SYNC_RW);
	vp_sync_start(scene.dmabuf, READ);
	for (size_t at = 0; read_first && at < size; at += VP_PAGE)
		igt_assert_eq(map[at], 1);
	igt_assert(!was_seen(&scene));

	map[VP_PAGE] = 5;
	igt_assert(was_seen(&scene));
	assert_reported(log, &scene);
	/* It has worked, and was one mistake. */
	igt_assert_eq(map[VP_PAGE], 5);
	igt_assert_eq(vp_watch(scene.id)->violations, 1);
	vp_sync_end(scene.dmabuf, READ);
	vp_strict(false);
	vp_unmap((char *)map, size);
	close(log);
	let_go(&scene);
}

/* Reading and writing where that was said, by this thread or another one. */
static void written_in_write(uint64_t first, uint64_t then)
{
	struct scene scene = prepare(SIZE);
	char *map;

	vp_strict(true);
	map = map_by(&scene, BY_FD);
	vp_sync_start(scene.dmabuf, first);
	for (size_t at = 0; at < scene.size; at += VP_PAGE)
		igt_assert_eq(((volatile char *)map)[at], 0);
	if (then)
		vp_sync_start(scene.dmabuf, then);
	touch(map, scene.size);
	igt_assert_eq(map[0], 1);
	vp_sync_end(scene.dmabuf, DMA_BUF_SYNC_RW);
	igt_assert(!was_seen(&scene));
	vp_strict(false);
	vp_unmap(map, scene.size);
	let_go(&scene);
}

/* An access is there for all threads of its process, as long as it is open. */
static void touched_in_other_threads(void)
{
	struct scene scene = prepare(SIZE);
	volatile char *map;

	vp_strict(true);
	map = map_by(&scene, BY_FD);
	vp_sync_in_thread(scene.dmabuf, DMA_BUF_SYNC_START | WRITE);
	touch((char *)map, scene.size);
	vp_sync_start(scene.dmabuf, READ);
	touch((char *)map, scene.size);

	/* The writing ends, the reading goes on. */
	vp_sync_in_thread(scene.dmabuf, DMA_BUF_SYNC_END | WRITE);
	igt_assert_eq(map[0], 2);
	igt_assert(!was_seen(&scene));
	map[0] = 3;
	igt_assert(was_seen(&scene));
	vp_sync_end(scene.dmabuf, READ);
	vp_strict(false);
	vp_unmap((char *)map, scene.size);
	let_go(&scene);
}

/* A process has begun, and another one takes that for its own. */
static void touched_in_anothers(void)
{
	struct scene scene = prepare(SIZE);
	int log = vp_log_open(), sock[2];
	char *map = map_by(&scene, BY_FD);
	pid_t pid = 0;

	vp_socketpair(sock);
	vp_strict(true);
	vp_sync_start(scene.dmabuf, DMA_BUF_SYNC_RW);
	touch(map, scene.size);
	igt_fork(child, 1) {
		char *childs = map_by(&scene, BY_FD);

		pid = getpid();
		prctl(PR_SET_NAME, "borrower");
		touch(childs, scene.size);
		vp_unmap(childs, scene.size);
		igt_assert_eq(send(sock[1], &pid, sizeof(pid), 0),
			      (ssize_t)sizeof(pid));
	}
	igt_waitchildren();
	igt_assert(was_seen(&scene));
	igt_assert_eq(recv(sock[0], &pid, sizeof(pid), 0),
		      (ssize_t)sizeof(pid));
	vp_assert_reported(log, scene.id, OUTSIDE, "cpu", "borrower", pid);
	vp_sync_end(scene.dmabuf, DMA_BUF_SYNC_RW);
	vp_strict(false);
	vp_unmap(map, scene.size);
	close(sock[0]);
	close(sock[1]);
	close(log);
	let_go(&scene);
}

/* Mine has ended, and somebody else's is still open. */
static void touched_while_anothers_open(void)
{
	struct scene scene = prepare(SIZE);
	char *map = map_by(&scene, BY_FD);
	pid_t other;

	vp_strict(true);
	other = vp_start_access("reader", scene.dmabuf, READ, 1);
	vp_sync_start(scene.dmabuf, WRITE);
	touch(map, scene.size);
	vp_sync_end(scene.dmabuf, WRITE);
	igt_assert(!was_seen(&scene));
	touch(map, scene.size);
	igt_assert(was_seen(&scene));
	vp_strict(false);
	vp_kill(other);
	vp_unmap(map, scene.size);
	let_go(&scene);
}

static void not_strict(void)
{
	struct scene scene = prepare(SIZE);
	char *map = map_by(&scene, BY_FD), *second;
	int log = vp_log_open();

	touch(map, scene.size);
	vp_sync_start(scene.dmabuf, DMA_BUF_SYNC_RW);
	vp_sync_end(scene.dmabuf, DMA_BUF_SYNC_RW);
	touch(map, scene.size);
	second = map_by(&scene, BY_IMPORTER);
	touch(second, scene.size);
	/* Switched on and off again: as before. */
	vp_strict(true);
	vp_strict(false);
	vp_unmap(map, scene.size);
	map = map_by(&scene, BY_FD);
	touch(map, scene.size);
	igt_assert(!was_seen(&scene));
	assert_no_line(log, &scene);
	vp_unmap(map, scene.size);
	vp_unmap(second, scene.size);
	close(log);
	let_go(&scene);
}

igt_main
{
	igt_describe("A touch of a dma-buf's mapping in no access is reported, and works");
	vp_subtest("outside")
		touched_outside();

	igt_describe("A touch after the end is reported, of a page touched before too");
	vp_subtest("after-end")
		touched_after_end(SIZE);

	igt_describe("After the end, in huge pages");
	vp_subtest("after-end-huge")
		touched_after_end(4 * VP_MIB);

	igt_describe("A touch of the maker's own mapping is not, whoever has the dma-buf");
	vp_subtest("handle")
		never_seen(BY_HANDLE);

	igt_describe("Nor is one of an importer's mapping of its node");
	vp_subtest("importer")
		never_seen(BY_IMPORTER);

	igt_describe("Nor is anything that the only owner does, after a buffer was shared");
	vp_subtest("alone-again")
		alone_again();

	igt_describe("The first end of a thread that began twice ends its access");
	vp_subtest("after-first-end")
		touched_after_first_end();

	igt_describe("A write to a page that was read, in an access to read, is reported");
	vp_subtest("write-in-read")
		written_in_read(SIZE, true);

	igt_describe("A write to a page that was not touched before, in an access to read");
	vp_subtest("write-in-read-first")
		written_in_read(SIZE, false);

	igt_describe("A write to a page of a huge page that was read, in an access to read");
	vp_subtest("write-in-read-huge")
		written_in_read(4 * VP_MIB, true);

	igt_describe("A write to a huge page that was not touched before, in an access to read");
	vp_subtest("write-in-read-huge-first")
		written_in_read(4 * VP_MIB, false);

	igt_describe("Writing in an access to write is as it should be, and so is reading");
	vp_subtest("write-in-write")
		written_in_write(WRITE, 0);

	igt_describe("A thread that began to read begins to write, and writes what it has read");
	vp_subtest("write-in-both")
		written_in_write(READ, WRITE);

	igt_describe("An access of one thread is there for the others, until it ends");
	vp_subtest("other-threads")
		touched_in_other_threads();

	igt_describe("Another process's access does not cover mine");
	vp_subtest("in-anothers")
		touched_in_anothers();

	igt_describe("My access ends for me also while another process's is open");
	vp_subtest("anothers-open")
		touched_while_anothers_open();

	igt_describe("Without strict no touch is reported");
	vp_subtest("not-strict")
		not_strict();
}
