// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module parameter "strict": who touches a buffer that others share, and
 * has not said so with DMA_BUF_IOCTL_SYNC, is told.
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

IGT_TEST_DESCRIPTION("Touching shared memory outside of CPU access");

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

static void touched_outside(enum way way)
{
	struct scene scene = prepare(SIZE);
	struct scene other = prepare(VP_PAGE);
	int log[2] = { vp_log_open(), vp_log_open() };
	char *map = map_by(&scene, way), *others = map_by(&other, way);
	unsigned int before = vp_watch_total(OUTSIDE), count;

	vp_strict(true);
	touch(map, scene.size);
	igt_assert(was_seen(&scene));
	igt_assert(!was_seen(&other));
	assert_reported(log[0], &scene);
	count = vp_watch(scene.id)->violations;
	igt_assert_eq(vp_watch_total(OUTSIDE), before + count);
	/* The touch itself has worked. */
	igt_assert_eq(map[scene.size - VP_PAGE], 1);

	touch(others, other.size);
	igt_assert(was_seen(&other));
	assert_reported(log[1], &other);
	vp_strict(false);
	vp_unmap(map, scene.size);
	vp_unmap(others, other.size);
	close(log[0]);
	close(log[1]);
	let_go(&scene);
	let_go(&other);
}

static void touched_after_end(enum way way, size_t size)
{
	struct scene scene = prepare(size);
	char *map = map_by(&scene, way);
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

/* Whatever the mapping. */
static void touched_within(void)
{
	struct scene scene = prepare(SIZE);
	char *by_fd = map_by(&scene, BY_FD), *by_handle, *by_importer;

	by_handle = map_by(&scene, BY_HANDLE);
	by_importer = map_by(&scene, BY_IMPORTER);
	vp_strict(true);
	vp_sync_start(scene.dmabuf, READ);
	touch(by_fd, scene.size);
	touch(by_handle, scene.size);
	touch(by_fd, scene.size);
	touch(by_handle, scene.size);
	touch(by_importer, scene.size);
	igt_assert_eq(by_fd[0], 5);
	vp_sync_end(scene.dmabuf, READ);
	igt_assert(!was_seen(&scene));
	igt_assert_eq(by_importer[0], 5);
	igt_assert(was_seen(&scene));
	vp_strict(false);
	vp_unmap(by_fd, scene.size);
	vp_unmap(by_handle, scene.size);
	vp_unmap(by_importer, scene.size);
	let_go(&scene);
}

/* Nobody shares it, so there is nobody to agree with. */
static void touched_private(void)
{
	int gpu = vp_open(0), dmabuf;
	uint32_t handle = vp_create(gpu, SIZE);
	struct scene scene = { .id = vp_id(gpu, handle) };
	char *map = vp_map(gpu, handle, SIZE, RW), *second;

	vp_strict(true);
	touch(map, SIZE);
	second = vp_map(gpu, handle, SIZE, RW);
	touch(second, SIZE);
	igt_assert(!was_seen(&scene));

	/* From its export on it is shared, through whatever mapping. */
	dmabuf = vp_export(gpu, handle);
	touch(map, SIZE);
	igt_assert(was_seen(&scene));
	igt_assert_eq(second[0], 3);
	vp_strict(false);
	vp_unmap(map, SIZE);
	vp_unmap(second, SIZE);
	close(dmabuf);
	close(gpu);
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
	vp_subtest("outside-fd")
		touched_outside(BY_FD);

	igt_describe("A touch of the maker's own mapping likewise");
	vp_subtest("outside-handle")
		touched_outside(BY_HANDLE);

	igt_describe("A touch of an importer's mapping likewise");
	vp_subtest("outside-importer")
		touched_outside(BY_IMPORTER);

	igt_describe("A touch after the end is reported, of a page touched before too");
	vp_subtest("after-end-fd")
		touched_after_end(BY_FD, SIZE);

	igt_describe("After the end, through the maker's mapping");
	vp_subtest("after-end-handle")
		touched_after_end(BY_HANDLE, SIZE);

	igt_describe("After the end, through an importer's mapping");
	vp_subtest("after-end-importer")
		touched_after_end(BY_IMPORTER, SIZE);

	igt_describe("After the end, in huge pages");
	vp_subtest("after-end-huge")
		touched_after_end(BY_HANDLE, 4 * VP_MIB);

	igt_describe("Nothing is reported within accesses, whatever the mapping");
	vp_subtest("within")
		touched_within();

	igt_describe("A buffer that is not shared may be touched at any time");
	vp_subtest("private")
		touched_private();

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
