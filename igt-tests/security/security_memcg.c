// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory is charged to the memory cgroup of the client that has it made: pages of
 * buffers to who touches them first, what the kernel needs for buffers, fences
 * and timelines to who asks for those. So a limit on a client's cgroup holds, is
 * felt by nobody else, and all is given back when the client goes.
 *
 * The client is nobody's, and alone in its cgroup.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vp_access.h"
#include "vp_cgroup.h"
#include "vp_nobody.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Memory is charged to the client that has it made");

#define GROUP	"vprime-client"
#define SIZE	(16 * VP_MIB)
#define SLACK	VP_MIB
#define MANY	10000
#define LIMIT	(32 * VP_MIB)
/* Objects are small, and a kernel that looks on takes its time for each. */
#define LIMIT_OBJECTS	(8 * VP_MIB)
/* So that the client has the processor for itself most of the time. */
#define OTHERS_REST_MS	500
/* The kernel lets itself go beyond a limit, for what it cannot be without. */
#define BEYOND	(16 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)

struct client {
	struct vp_remote remote;
	struct vp_task task;
};

static struct client client(uint64_t limit, unsigned int gpu)
{
	struct client c;

	vp_cgroup_make(GROUP, limit);
	c.remote = vp_nobody_start("client");
	vp_cgroup_enter(GROUP, c.remote.process);
	c.task = (struct vp_task){
		.fd = vp_remote_open(&c.remote, gpu),
	};
	return c;
}

static int tell(struct client *c, int (*run)(struct vp_task *task))
{
	c->task.run = run;
	return vp_remote_do(&c->remote, &c->task);
}

static void client_end(struct client *c)
{
	vp_remote_end(&c->remote);
	igt_assert(vp_cgroup_settles(GROUP, "shmem", 0));
	vp_cgroup_remove(GROUP);
}

/* ---- what it does; no assertions there ---- */

static int create(struct vp_task *task)
{
	return vp_try_create(task->fd, task->value, 0, &task->handle);
}

/* Touch all of it, in a mapping of a file. */
static int touch_in(int fd, uint64_t offset, uint64_t size)
{
	void *map;
	int ret;

	ret = vp_try_mmap(fd, offset, size, RW, MAP_SHARED, &map);
	if (ret)
		return ret;
	for (uint64_t at = 0; at < size && !ret; at += VP_PAGE)
		ret = vp_touch((char *)map + at, true);
	munmap(map, size);
	return ret;
}

static int touch(struct vp_task *task)
{
	uint64_t offset;
	int ret;

	ret = vp_try_mmap_offset(task->fd, task->handle, 0, &offset);
	return ret ? ret : touch_in(task->fd, offset, task->value);
}

static int touch_dmabuf(struct vp_task *task)
{
	int dmabuf, ret;

	dmabuf = vp_try_export(task->fd, task->handle,
			       DRM_CLOEXEC | DRM_RDWR);
	if (dmabuf < 0)
		return dmabuf;
	ret = touch_in(dmabuf, 0, task->value);
	close(dmabuf);
	return ret;
}

/* What the GPU does not access does not exist by that. */
static int peek(struct vp_task *task)
{
	static char data[64 * VP_KIB];
	int ret = 0;

	for (uint64_t at = 0; at < task->value && !ret; at += sizeof(data))
		ret = vp_try_peek(task->fd, task->handle, at, data,
				  sizeof(data));
	return ret;
}

static int close_handle(struct vp_task *task)
{
	return vp_try_close(task->fd, task->handle);
}

static int import(struct vp_task *task)
{
	return vp_try_import(task->fd, task->fd2, &task->handle);
}

static int export(struct vp_task *task)
{
	return vp_try_export(task->fd, task->handle, DRM_CLOEXEC | DRM_RDWR);
}

static int close_file(struct vp_task *task)
{
	return close(task->fd);
}

static int buffers(struct vp_task *task)
{
	uint32_t handle;
	int ret = 0;

	for (uint64_t i = 0; i < task->value && !ret; i++)
		ret = vp_try_create(task->fd, VP_PAGE, 0, &handle);
	return ret;
}

/* On a new buffer now and then: the kernel walks all that are on one. */
static int fences(struct vp_task *task)
{
	enum { EACH = 64 };
	uint32_t handle, fence;
	int ret = 0;

	for (uint64_t i = 0; i < task->value && !ret; i++) {
		if (i % EACH == 0)
			ret = vp_try_create(task->fd, VP_PAGE, 0, &handle);
		if (!ret)
			ret = vp_try_fence_attach(task->fd, handle, 0, 0, &fence);
	}
	return ret;
}

static int timelines(struct vp_task *task)
{
	uint32_t timeline;
	int ret = 0;

	for (uint64_t i = 0; i < task->value && !ret; i++)
		ret = vp_try_timeline(task->fd, "many", 0, &timeline);
	return ret;
}

/* ---- pages ---- */

static void pages(int (*way)(struct vp_task *task))
{
	struct client c = client(VP_CGROUP_NO_LIMIT, 0);
	uint64_t before = vp_cgroup_stat(GROUP, "shmem"), all;

	c.task.value = SIZE;
	igt_assert_eq(tell(&c, create), 0);
	/* It exists, but not its memory. */
	igt_assert_lt(vp_cgroup_stat(GROUP, "shmem"), before + SLACK);
	igt_assert_eq(tell(&c, way), 0);
	igt_assert_lte(before + SIZE, vp_cgroup_stat(GROUP, "shmem"));
	all = vp_cgroup_bytes(GROUP);
	igt_assert_lte(SIZE, all);
	igt_assert_eq(tell(&c, close_handle), 0);
	igt_assert(vp_cgroup_settles(GROUP, "shmem", before));
	igt_assert_lte(vp_cgroup_bytes(GROUP) + SIZE - SLACK, all);
	client_end(&c);
}

/* The pages that the CPU sees beside a GPU that does not snoop. */
static void cpu_view(void)
{
	unsigned int gpu = vp_config_plug("odd", "coherent=0");
	struct client c = client(VP_CGROUP_NO_LIMIT, gpu);
	uint64_t all;

	c.task.value = SIZE;
	igt_assert_eq(tell(&c, create), 0);
	igt_assert_eq(tell(&c, touch), 0);
	all = vp_cgroup_bytes(GROUP);
	igt_assert_eq(tell(&c, touch_dmabuf), 0);
	igt_assert_lte(all + SIZE, vp_cgroup_bytes(GROUP));
	igt_assert_eq(tell(&c, close_file), 0);
	igt_assert(vp_cgroup_settles(GROUP, "shmem", 0));
	igt_assert_lt(vp_cgroup_bytes(GROUP), all - SIZE + 2 * SLACK);
	client_end(&c);
	vp_config_remove("odd");
}

/* Root has it put elsewhere: that is no gift. */
static void moved(void)
{
	struct client c = client(VP_CGROUP_NO_LIMIT, 0);
	int dmabuf, gpu = vp_open(0);
	uint64_t id;

	c.task.value = SIZE;
	igt_assert_eq(tell(&c, create), 0);
	igt_assert_eq(tell(&c, touch), 0);
	igt_assert_lte(SIZE, vp_cgroup_stat(GROUP, "shmem"));
	dmabuf = vp_remote_take(&c.remote, tell(&c, export));
	id = vp_id(gpu, vp_import(gpu, dmabuf));
	close(dmabuf);
	igt_assert_eq(vp_try_move(id), 0);
	close(gpu);
	igt_assert_lte(SIZE, vp_cgroup_stat(GROUP, "shmem"));
	client_end(&c);
}

/* Somebody else's buffer: what it touches first there it pays for itself. */
static void of_another(void)
{
	struct client c = client(VP_CGROUP_NO_LIMIT, 1);
	int gpu = vp_open(0), dmabuf;
	uint32_t handle = vp_create(gpu, SIZE);
	void *map = vp_map(gpu, handle, SIZE, RW);

	vp_fill_sparse(map, SIZE / 2, 1);
	dmabuf = vp_export(gpu, handle);
	c.task.fd2 = vp_remote_give(&c.remote, dmabuf);
	igt_assert_eq(tell(&c, import), 0);
	igt_assert_lt(vp_cgroup_stat(GROUP, "shmem"), SLACK);
	c.task.value = SIZE;
	igt_assert_eq(tell(&c, touch), 0);
	igt_assert_lte(SIZE / 2 - SLACK, vp_cgroup_stat(GROUP, "shmem"));
	igt_assert_lt(vp_cgroup_stat(GROUP, "shmem"), SIZE / 2 + SLACK);
	vp_unmap(map, SIZE);
	close(dmabuf);
	close(gpu);
	client_end(&c);
}

/* ---- what the kernel needs for itself ---- */

/* At least so many bytes for each of them, and all of it back. */
static void objects(int (*way)(struct vp_task *task), uint64_t each)
{
	struct client c = client(VP_CGROUP_NO_LIMIT, 0);
	uint64_t before, now;

	c.task.value = VP_PAGE;
	igt_assert_eq(tell(&c, create), 0);
	/* What is charged is counted in batches of some pages. */
	c.task.value = 100;
	igt_assert_eq(tell(&c, way), 0);
	before = vp_cgroup_stat(GROUP, "slab");
	c.task.value = MANY;
	igt_assert_eq(tell(&c, way), 0);
	now = vp_cgroup_stat(GROUP, "slab");
	igt_info("%lld bytes for each of %d\n",
		 ((long long)now - (long long)before) / MANY, MANY);
	igt_assert_lte(before + each * MANY, now);
	igt_assert_eq(tell(&c, close_file), 0);
	igt_assert(vp_cgroup_settles(GROUP, "slab",
				     before + each * MANY / 4));
	client_end(&c);
}

/* ---- limits ---- */

/* It is refused, or killed in its own cgroup, and everybody else lives. */
static void limited(int (*way)(struct vp_task *task), uint64_t value,
		    uint64_t limit)
{
	struct vp_counts before = vp_counts();
	struct client c = client(limit, 0);
	int gpu = vp_open(0), ret;
	uint32_t handle = vp_create(gpu, SIZE);

	c.task.value = 256 * VP_MIB;
	igt_assert_eq(tell(&c, create), 0);
	c.task.value = value;
	c.task.run = way;
	vp_remote_begin(&c.remote, &c.task);
	do {
		vp_gpu_fill(gpu, handle, SIZE, 1);
	} while (!vp_poll(c.remote.sock, POLLIN | POLLHUP, OTHERS_REST_MS));
	if (vp_cgroup_events(GROUP, "oom_kill")) {
		igt_info("killed\n");
	} else {
		ret = vp_remote_result(&c.remote, NULL);
		igt_info("refused: %d\n", ret);
		igt_assert(ret == -ENOMEM || ret == SIGBUS);
	}
	/* Pages of buffers keep to the limit; it was the limit that was met. */
	igt_assert_lte(vp_cgroup_stat(GROUP, "shmem"), limit);
	igt_assert_lt(0ull, vp_cgroup_events(GROUP, "max"));
	igt_assert_lte(vp_cgroup_bytes(GROUP), limit + BEYOND);
	vp_assert_gpu_sees(gpu, handle, SIZE, 1);
	/* It holds all that it got, and others get what they want. */
	vp_gpu_fill(gpu, vp_create(gpu, SIZE), SIZE, 2);
	vp_remote_kill(&c.remote);
	vp_cgroup_remove(GROUP);
	close(gpu);
	vp_assert_counts(&before);
}

igt_main
{
	igt_describe("Pages that the CPU touches are the client's until it closes the buffer");
	vp_subtest("pages-by-cpu")
		pages(touch);

	igt_describe("Pages that its GPU needs are");
	vp_subtest("pages-by-gpu")
		pages(peek);

	igt_describe("Pages that the CPU sees beside its GPU, which does not snoop, are as well");
	vp_subtest("pages-of-cpu-view")
		cpu_view();

	igt_describe("Pages stay the client's when root has the buffer moved");
	vp_subtest("pages-moved")
		moved();

	igt_describe("Pages of another's buffer are whose who touches them first");
	vp_subtest("pages-of-another")
		of_another();

	igt_describe("What a buffer takes beside its pages is charged, and given back");
	vp_subtest("objects-buffers")
		objects(buffers, 600);

	igt_describe("What a fence takes is");
	vp_subtest("objects-fences")
		objects(fences, 150);

	igt_describe("What a timeline takes is");
	vp_subtest("objects-timelines")
		objects(timelines, 200);

	igt_describe("Beyond its limit a client gets no page, and others do");
	vp_subtest("limit-pages")
		limited(touch, 256 * VP_MIB, LIMIT);

	igt_describe("Nor for its GPU");
	vp_subtest("limit-pages-by-gpu")
		limited(peek, 256 * VP_MIB, LIMIT);

	igt_describe("Nor a buffer, however small");
	vp_subtest("limit-buffers")
		limited(buffers, 1000000, LIMIT_OBJECTS);

	igt_describe("Nor a fence");
	vp_subtest("limit-fences")
		limited(fences, 1000000, LIMIT_OBJECTS);

	igt_describe("Nor a timeline");
	vp_subtest("limit-timelines")
		limited(timelines, 1000000, LIMIT_OBJECTS);
}
