// SPDX-License-Identifier: GPL-2.0-only
/*
 * sync_file ioctls on what is no sync_file, dma-buf's sync_file ioctls on what
 * is no dma-buf, and both with arguments that nobody may use: the exact errno,
 * and nothing has changed.
 */
#define _GNU_SOURCE	/* O_TMPFILE */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_sw_sync.h"
#include "vp_sync.h"
#include "vp_syncobj.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Wrong arguments to the ioctls of sync_files and dma-bufs");

/* An address that is not this process's. */
#define NOWHERE	((void *)(uintptr_t)8)

enum kind {
	SYNC_FILE,
	DMA_BUF,
	RENDER_NODE,
	PRIMARY_NODE,
	SYNCOBJ,
	SW_SYNC,
	EVENTFD,
	PIPE,
	REGULAR,
	NOTHING,	/* a descriptor of no file */
	KINDS,
};

static const char *const kind_name[KINDS] = {
	"sync_file", "dma-buf", "render node", "primary node", "syncobj",
	"sw_sync", "eventfd", "pipe", "regular file", "nothing",
};

/* One descriptor of each kind, and what they came from. */
struct scene {
	int gpu;
	uint32_t timeline;
	int pipe_end;
	int fd[KINDS];
};

static struct scene prepare(void)
{
	struct scene scene = { .gpu = vp_open(0) };
	int pipe_fd[2];

	scene.timeline = vp_timeline(scene.gpu, "render");
	igt_assert_eq(pipe(pipe_fd), 0);
	scene.pipe_end = pipe_fd[1];
	scene.fd[SYNC_FILE] = vp_fence(scene.gpu, scene.timeline, NULL);
	scene.fd[DMA_BUF] = vp_export(scene.gpu, vp_create(scene.gpu, VP_PAGE));
	scene.fd[RENDER_NODE] = vp_open(1);
	scene.fd[PRIMARY_NODE] = vp_open_node(1, VP_PRIMARY);
	scene.fd[SYNCOBJ] = vp_syncobj_to_fd(scene.gpu,
					     vp_syncobj(scene.gpu, 0));
	scene.fd[SW_SYNC] = vp_sw_sync();
	scene.fd[EVENTFD] = eventfd(0, EFD_CLOEXEC);
	scene.fd[PIPE] = pipe_fd[0];
	scene.fd[REGULAR] = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	scene.fd[NOTHING] = dup(scene.gpu);
	for (int kind = 0; kind < KINDS; kind++)
		igt_assert_lte(0, scene.fd[kind]);
	close(scene.fd[NOTHING]);
	return scene;
}

/* The fence and the buffer are as they were. */
static void let_go(struct scene *scene)
{
	vp_assert_sync(scene->fd[SYNC_FILE], "vprime0", "render", 0);
	igt_assert_eq(vp_poll(scene->fd[DMA_BUF], POLLIN | POLLOUT, 0),
		      POLLIN | POLLOUT);
	vp_timeline_signal(scene->gpu, scene->timeline, 1);
	vp_assert_sync(scene->fd[SYNC_FILE], "vprime0", "render", 1);
	for (int kind = 0; kind < NOTHING; kind++)
		close(scene->fd[kind]);
	close(scene->pipe_end);
	close(scene->gpu);
}

#define assert_errno(kind, call, err) \
	do { \
		int vp_ret__ = (call); \
		igt_assert_f(vp_ret__ == -(err), "%s: %s gives %d, not %d\n", \
			     kind_name[kind], #call, vp_ret__, -(err)); \
	} while (0)

/* Whoever does not know an ioctl says so. */
static int unknown(enum kind kind)
{
	return kind == NOTHING ? EBADF : ENOTTY;
}

static void sync_ioctls_elsewhere(void)
{
	struct scene scene = prepare();
	struct vp_counts before = vp_counts();

	for (enum kind kind = DMA_BUF; kind < KINDS; kind++) {
		struct sync_file_info info = {};

		assert_errno(kind, vp_try_sync_info(scene.fd[kind], &info),
			     unknown(kind));
		assert_errno(kind, vp_try_sync_merge(scene.fd[kind],
						     scene.fd[SYNC_FILE], "x"),
			     unknown(kind));
		assert_errno(kind, vp_try_sync_deadline(scene.fd[kind], 1, 0),
			     unknown(kind));
	}
	vp_assert_counts(&before);
	let_go(&scene);
}

static void dmabuf_ioctls_elsewhere(void)
{
	struct scene scene = prepare();
	struct vp_counts before = vp_counts();

	for (enum kind kind = 0; kind < KINDS; kind++) {
		if (kind == DMA_BUF)
			continue;
		assert_errno(kind, vp_try_dmabuf_get_sync(scene.fd[kind],
							  DMA_BUF_SYNC_RW),
			     unknown(kind));
		assert_errno(kind, vp_try_dmabuf_put_sync(scene.fd[kind],
							  scene.fd[SYNC_FILE],
							  DMA_BUF_SYNC_RW),
			     unknown(kind));
	}
	vp_assert_counts(&before);
	let_go(&scene);
}

static void no_sync_file(void)
{
	struct scene scene = prepare();
	struct vp_counts before = vp_counts();
	uint32_t syncobj = vp_syncobj(scene.gpu, 0);

	for (enum kind kind = DMA_BUF; kind < KINDS; kind++) {
		int fd = scene.fd[kind];

		assert_errno(kind, vp_try_sync_merge(scene.fd[SYNC_FILE], fd,
						     "x"), ENOENT);
		assert_errno(kind, vp_try_dmabuf_put_sync(scene.fd[DMA_BUF],
							  fd, DMA_BUF_SYNC_RW),
			     EINVAL);
		assert_errno(kind, vp_try_syncobj_put_sync(scene.gpu, syncobj,
							   fd), EINVAL);
	}
	igt_assert_eq(vp_try_sync_merge(scene.fd[SYNC_FILE], -1, "x"),
		      -ENOENT);
	igt_assert_eq(vp_try_dmabuf_put_sync(scene.fd[DMA_BUF], -1,
					     DMA_BUF_SYNC_RW), -EINVAL);
	vp_syncobj_destroy(scene.gpu, syncobj);
	vp_assert_counts(&before);
	let_go(&scene);
}

static void sync_arguments(void)
{
	struct scene scene = prepare();
	struct vp_counts before = vp_counts();
	int sync = scene.fd[SYNC_FILE];
	struct sync_fence_info fence;
	struct sync_merge_data merge;
	struct sync_file_info info;

	for (uint32_t bit = 1; bit; bit <<= 1) {
		info = (struct sync_file_info){ .flags = bit };
		igt_assert_eq(vp_try_sync_info(sync, &info), -EINVAL);
		info = (struct sync_file_info){ .pad = bit };
		igt_assert_eq(vp_try_sync_info(sync, &info), -EINVAL);
		merge = (struct sync_merge_data){ .fd2 = sync, .flags = bit };
		igt_assert_eq(vp_try_ioctl(sync, SYNC_IOC_MERGE, &merge),
			      -EINVAL);
		merge = (struct sync_merge_data){ .fd2 = sync, .pad = bit };
		igt_assert_eq(vp_try_ioctl(sync, SYNC_IOC_MERGE, &merge),
			      -EINVAL);
	}
	igt_assert_eq(vp_try_ioctl(sync, SYNC_IOC_FILE_INFO, NOWHERE),
		      -EFAULT);
	igt_assert_eq(vp_try_ioctl(sync, SYNC_IOC_MERGE, NOWHERE), -EFAULT);
	info = (struct sync_file_info){
		.num_fences = 1, .sync_fence_info = (uintptr_t)NOWHERE,
	};
	igt_assert_eq(vp_try_sync_info(sync, &info), -EFAULT);
	/* An ioctl that there has never been, and one that was withdrawn. */
	igt_assert_eq(vp_try_ioctl(sync, _IO(SYNC_IOC_MAGIC, 77), NULL),
		      -ENOTTY);
	igt_assert_eq(vp_try_ioctl(sync, _IO(SYNC_IOC_MAGIC, 0), NULL),
		      -ENOTTY);

	/* And more room than is needed is right. */
	info = (struct sync_file_info){
		.num_fences = 1, .sync_fence_info = (uintptr_t)&fence,
	};
	igt_assert_eq(vp_try_sync_info(sync, &info), 0);
	igt_assert_eq(info.num_fences, 1);
	vp_assert_counts(&before);
	let_go(&scene);
}

static void too_little_room(void)
{
	struct scene scene = prepare();
	uint32_t timeline = vp_timeline(scene.gpu, "copy");
	struct sync_fence_info fence[2];
	struct sync_file_info info = {
		.num_fences = 1, .sync_fence_info = (uintptr_t)fence,
	};
	int sync, merged;

	sync = vp_fence(scene.gpu, timeline, NULL);
	merged = vp_sync_merge(scene.fd[SYNC_FILE], sync, "both");
	memset(fence, 0x55, sizeof(fence));
	igt_assert_eq(vp_try_sync_info(merged, &info), -EINVAL);
	for (size_t i = 0; i < sizeof(fence); i++)
		igt_assert_eq(((char *)fence)[i], 0x55);
	info.num_fences = 2;
	igt_assert_eq(vp_try_sync_info(merged, &info), 0);
	igt_assert_eq(info.num_fences, 2);
	vp_timeline_signal(scene.gpu, timeline, 1);
	close(sync);
	close(merged);
	let_go(&scene);
}

static void dmabuf_arguments(void)
{
	struct scene scene = prepare();
	struct vp_counts before = vp_counts();
	int dmabuf = scene.fd[DMA_BUF], sync = scene.fd[SYNC_FILE];

	igt_assert_eq(vp_try_dmabuf_get_sync(dmabuf, 0), -EINVAL);
	igt_assert_eq(vp_try_dmabuf_put_sync(dmabuf, sync, 0), -EINVAL);
	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (bit & DMA_BUF_SYNC_RW)
			continue;
		for (uint32_t flags = 0; flags <= DMA_BUF_SYNC_RW; flags++) {
			igt_assert_eq(vp_try_dmabuf_get_sync(dmabuf,
							     bit | flags),
				      -EINVAL);
			igt_assert_eq(vp_try_dmabuf_put_sync(dmabuf, sync,
							     bit | flags),
				      -EINVAL);
		}
	}
	igt_assert_eq(vp_try_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
				   NOWHERE), -EFAULT);
	igt_assert_eq(vp_try_ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
				   NOWHERE), -EFAULT);
	vp_assert_counts(&before);
	let_go(&scene);
}

/* A page whose first bytes can be read, and none be written. */
static void *read_only(const void *bytes, size_t size)
{
	void *page = mmap(NULL, VP_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	igt_assert(page != MAP_FAILED);
	memcpy(page, bytes, size);
	igt_assert_eq(mprotect(page, VP_PAGE, PROT_READ), 0);
	return page;
}

/* The fd that could not be told is not there: the next one has its number. */
static void answer_not_writable(void)
{
	struct scene scene = prepare();
	struct vp_counts before = vp_counts();
	int dmabuf = scene.fd[DMA_BUF], sync = scene.fd[SYNC_FILE], next;
	struct drm_vprime_fence_create create = { .timeline = scene.timeline };
	struct dma_buf_export_sync_file out = { .flags = DMA_BUF_SYNC_RW };
	struct sync_merge_data merge = { .name = "x", .fd2 = sync };
	uint32_t value = 0;

	next = dup(sync);
	close(next);
	igt_assert_eq(vp_try_ioctl(sync, SYNC_IOC_MERGE,
				   read_only(&merge, sizeof(merge))), -EFAULT);
	igt_assert_eq(vp_try_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
				   read_only(&out, sizeof(out))), -EFAULT);
	igt_assert_eq(vp_try_ioctl(scene.fd[SW_SYNC], VP_SW_SYNC_CREATE_FENCE,
				   read_only(&value, sizeof(value))), -EFAULT);
	vp_assert_counts(&before);
	/* This one is made, and keeps its number: 1 was the last before it. */
	igt_assert_eq(vp_try_ioctl(scene.gpu, DRM_IOCTL_VPRIME_FENCE_CREATE,
				   read_only(&create, sizeof(create))),
		      -EFAULT);
	igt_assert_eq(vp_counts().fences, before.fences + 1);
	igt_assert_eq(dup(sync), next);
	close(next);
	let_go(&scene);
}

/* No descriptor is left, for each that makes one. */
static void out_of_descriptors(void)
{
	struct scene scene = prepare();
	uint32_t syncobj = vp_syncobj(scene.gpu, DRM_SYNCOBJ_CREATE_SIGNALED);
	struct vp_counts before = vp_counts();
	int sync = scene.fd[SYNC_FILE];
	struct rlimit old, none;

	igt_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)dup(sync);
	close((int)none.rlim_cur);
	/* What is read for the counts needs a descriptor, too: not now. */
	igt_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	igt_assert_eq(vp_try_sync_merge(sync, sync, "x"), -EMFILE);
	igt_assert_eq(vp_try_dmabuf_get_sync(scene.fd[DMA_BUF],
					     DMA_BUF_SYNC_RW), -EMFILE);
	igt_assert_eq(vp_try_fence(scene.gpu, scene.timeline, 0, 0, NULL),
		      -EMFILE);
	igt_assert_eq(vp_try_sw_fence(scene.fd[SW_SYNC], 1), -EMFILE);
	igt_assert_eq(vp_try_syncobj_get_sync(scene.gpu, syncobj), -EMFILE);
	igt_assert_eq(vp_try_syncobj_to_fd(scene.gpu, syncobj), -EMFILE);
	igt_assert_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	vp_assert_counts(&before);
	/* The number was not used up. */
	igt_assert_eq(vp_try_timeline_signal(scene.gpu, scene.timeline, 2, 0),
		      -ENOENT);
	vp_syncobj_destroy(scene.gpu, syncobj);
	let_go(&scene);
}

igt_main
{
	igt_describe("sync_file ioctls on other files are ENOTTY, on no file EBADF");
	vp_subtest("sync-ioctls-elsewhere")
		sync_ioctls_elsewhere();

	igt_describe("dma-buf's sync_file ioctls on other files are ENOTTY, on no file EBADF");
	vp_subtest("dmabuf-ioctls-elsewhere")
		dmabuf_ioctls_elsewhere();

	igt_describe("What wants a sync_file takes no other file: ENOENT or EINVAL");
	vp_subtest("no-sync-file")
		no_sync_file();

	igt_describe("Flags and padding of sync_file ioctls are EINVAL, bad pointers EFAULT");
	vp_subtest("sync-arguments")
		sync_arguments();

	igt_describe("Too little room for the fences is EINVAL, and nothing is written");
	vp_subtest("too-little-room")
		too_little_room();

	igt_describe("Flags of dma-buf's sync_file ioctls are EINVAL, bad pointers EFAULT");
	vp_subtest("dmabuf-arguments")
		dmabuf_arguments();

	igt_describe("A fence whose descriptor cannot be told is EFAULT, and there is no descriptor");
	vp_subtest("answer-not-writable")
		answer_not_writable();

	igt_describe("Without a descriptor left making a sync_file is EMFILE, and there is no fence");
	vp_subtest("out-of-descriptors")
		out_of_descriptors();
}
