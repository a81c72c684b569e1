// SPDX-License-Identifier: GPL-2.0-only
/*
 * A dma-buf that was exported without DRM_RDWR gives the right to read, and
 * nothing that is done with it gives more: neither in the process that got it,
 * nor by passing it on, through whatever GPUs and files. All that try are
 * nobody's, in a process of their own or in the one that made the buffer.
 *
 * What reads well, and what is reported, is in prime_rules; what a program might
 * do to its own mapping is in security_read_only_map.
 */
#define _GNU_SOURCE	/* fallocate */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/falloc.h>
#include <xf86drm.h>

#include "vp_access.h"
#include "vp_nobody.h"
#include "vp_read_only.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("What was exported to be read is not written");

#define SIZE	VP_READ_ONLY_SIZE
#define RW	(PROT_READ | PROT_WRITE)

static void descriptor(void)
{
	struct vp_read_only r = vp_read_only(0);
	int copy = dup(r.dmabuf), other = fcntl(r.dmabuf, F_DUPFD_CLOEXEC, 100);

	igt_assert_lte(0, copy);
	igt_assert_lte(0, other);
	vp_assert_read_only_fd(r.dmabuf);
	vp_assert_read_only_fd(copy);
	vp_assert_read_only_fd(other);
	igt_assert_eq(fcntl(copy, F_SETFL, O_RDWR | O_NONBLOCK | O_APPEND), 0);
	vp_assert_read_only_fd(copy);
	vp_assert_read_only_fd(r.dmabuf);
	close(copy);
	close(other);
	vp_read_only_end(&r);
}

/* By way of /proc, where descriptors of files are opened anew. */
static void descriptor_reopened(void)
{
	static const int modes[] = { O_RDWR, O_WRONLY, O_RDWR | O_TRUNC };
	struct vp_read_only r = vp_read_only(0);
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", r.dmabuf);
	/* The inode is its maker's; its mode is asked by nobody. */
	chmod(path, 0777);
	for (size_t i = 0; i < VP_ARRAY_SIZE(modes); i++) {
		fd = open(path, modes[i] | O_CLOEXEC);
		if (fd >= 0)
			igt_assert_neq(vp_try_mmap(fd, 0, SIZE, RW, MAP_SHARED,
						   NULL), 0);
		close(fd);
	}
	igt_assert_lt(ftruncate(r.dmabuf, 0), 0);
	igt_assert_lt(write(r.dmabuf, "x", 1), 0);
	igt_assert_lt(pwrite(r.dmabuf, "x", 1, 0), 0);
	igt_assert_lt(fallocate(r.dmabuf, FALLOC_FL_PUNCH_HOLE |
				FALLOC_FL_KEEP_SIZE, 0, VP_PAGE), 0);
	vp_assert_read_only_fd(r.dmabuf);
	vp_read_only_end(&r);
}

static void other_process(void)
{
	struct vp_read_only r = vp_read_only(0);
	int sock[2];

	vp_socketpair(sock);
	vp_send_fd(sock[0], r.dmabuf);
	vp_as_nobody {
		int passed = vp_recv_fd(sock[1]);

		vp_assert_read_only_fd(passed);
		vp_assert_read_only_fd(r.dmabuf);
		vp_assert_read_only_import(&r, vp_open(1), passed);
	}
	close(sock[0]);
	close(sock[1]);
	vp_read_only_end(&r);
}

static void import_into(unsigned int gpu, enum vp_node node)
{
	struct vp_read_only r = vp_read_only(0);

	vp_assert_read_only_import(&r, vp_open_node(gpu, node), r.dmabuf);
	vp_read_only_end(&r);
}

/* The same file has made it: it comes back as what it was. */
static void import_own(void)
{
	struct vp_read_only r = vp_read_only(0);
	uint32_t handle = vp_import(r.gpu, r.dmabuf);
	char byte = 1;

	igt_assert_eq(handle, r.handle);
	igt_assert_eq(vp_info(r.gpu, handle).flags & DRM_VPRIME_INFO_READ_ONLY,
		      0);
	vp_poke(r.gpu, handle, 0, &byte, 1);
	igt_assert_eq(*(volatile char *)r.map, 1);
	vp_unmap(vp_map(r.gpu, handle, SIZE, RW), SIZE);
	/* And when another has looked at it and is gone, too. */
	close(vp_open(0));
	vp_fill(r.map, SIZE, VP_READ_ONLY_SEED);
	vp_read_only_end(&r);
}

/* From GPU to GPU, each asking for more than it has, between processes too. */
static void chain(void)
{
	struct vp_read_only r = vp_read_only(0);
	int dmabuf = dup(r.dmabuf), next;

	for (unsigned int hop = 1; hop <= 6; hop++) {
		int gpu = vp_open(hop % 2);
		uint32_t handle = vp_import(gpu, dmabuf);

		vp_assert_read_only_handle(&r, gpu, handle);
		next = vp_try_export(gpu, handle, DRM_CLOEXEC | DRM_RDWR);
		igt_assert_lte(0, next);
		vp_assert_read_only_fd(next);
		vp_as_nobody
			vp_assert_read_only_import(&r, vp_open(1 - hop % 2),
						   next);
		close(dmabuf);
		dmabuf = next;
		/* Whoever it came from is gone. */
		close(gpu);
	}
	close(dmabuf);
	vp_read_only_end(&r);
}

/* A name on the primary node, given by one who may only read. */
static void by_name(unsigned int gpu)
{
	struct vp_read_only r = vp_read_only(0);
	int one = vp_open_node(gpu, VP_PRIMARY), other;
	struct drm_gem_flink flink = { .handle = vp_import(one, r.dmabuf) };
	struct drm_gem_open open = {};
	drm_auth_t auth = {};

	igt_assert_eq(vp_try_ioctl(one, DRM_IOCTL_GEM_FLINK, &flink), 0);
	/* The one who came first is master, and lets the other in. */
	other = vp_open_node(gpu, VP_PRIMARY);
	igt_assert_eq(vp_try_ioctl(other, DRM_IOCTL_GET_MAGIC, &auth), 0);
	igt_assert_eq(vp_try_ioctl(one, DRM_IOCTL_AUTH_MAGIC, &auth), 0);

	open.name = flink.name;
	igt_assert_eq(vp_try_ioctl(other, DRM_IOCTL_GEM_OPEN, &open), 0);
	vp_assert_read_only_handle(&r, other, open.handle);
	/* Once more, to whom it came from, and when that is gone. */
	igt_assert_eq(vp_try_ioctl(one, DRM_IOCTL_GEM_OPEN, &open), 0);
	vp_assert_read_only_handle(&r, one, open.handle);
	close(one);
	open.name = flink.name;
	if (!vp_try_ioctl(other, DRM_IOCTL_GEM_OPEN, &open))
		vp_assert_read_only_handle(&r, other, open.handle);
	close(other);
	vp_read_only_end(&r);
}

/* The one who may only read makes the other one's file wait, and no more. */
static void sync_file_is_no_write(void)
{
	struct vp_read_only r = vp_read_only(0);
	int gpu = vp_open(1), sync;
	uint32_t timeline = vp_timeline(gpu, "reader");

	sync = vp_fence(gpu, timeline, NULL);
	vp_dmabuf_put_sync(r.dmabuf, sync, DMA_BUF_SYNC_WRITE);
	igt_assert(!vp_idle(r.gpu, r.handle, false));
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert(vp_idle(r.gpu, r.handle, true));
	vp_sync_start(r.dmabuf, DMA_BUF_SYNC_RW);
	vp_sync_end(r.dmabuf, DMA_BUF_SYNC_RW);
	vp_assert_intact(&r);
	close(sync);
	close(gpu);
	vp_read_only_end(&r);
}

/*
 * The first export decides for as long as somebody has what came of it. A handle
 * that was imported has, so its right never grows by what its maker does later.
 */
static void exported_again(void)
{
	struct vp_read_only r = vp_read_only(0);
	int reader = vp_open(1), late = vp_open(1), again;
	uint32_t handle = vp_import(reader, r.dmabuf);

	close(r.dmabuf);
	again = vp_try_export(r.gpu, r.handle, DRM_CLOEXEC | DRM_RDWR);
	igt_assert_lte(0, again);
	vp_assert_read_only_fd(again);
	vp_assert_read_only_handle(&r, reader, handle);
	vp_assert_read_only_import(&r, late, again);
	igt_assert_eq(vp_import(reader, again), handle);
	vp_assert_read_only_handle(&r, reader, handle);
	r.dmabuf = again;
	close(reader);
	vp_read_only_end(&r);
}

/* A mapping to read is all that is left of it; its maker exports to write. */
static void mapping_outlives(void)
{
	struct vp_read_only r = vp_read_only(0);
	int reader = vp_open(1), fd;
	uint32_t handle = vp_import(reader, r.dmabuf);
	void *map = vp_map(reader, handle, SIZE, PROT_READ);

	vp_close(reader, handle);
	close(r.dmabuf);
	fd = vp_try_export(r.gpu, r.handle, DRM_CLOEXEC | DRM_RDWR);
	igt_assert_lte(0, fd);
	igt_assert(mprotect(map, SIZE, RW) && errno == EACCES);
	vp_assert_pattern(map, SIZE, VP_READ_ONLY_SEED);
	r.dmabuf = fd;
	vp_unmap(map, SIZE);
	close(reader);
	vp_read_only_end(&r);
}

/* Exported to be written it is, by everybody who has it, on and on. */
static void writable(void)
{
	int maker = vp_open(0), gpu = vp_open(1), other = vp_open(0), dmabuf;
	uint32_t handle = vp_create(maker, SIZE), theirs;
	char byte = 1;

	dmabuf = vp_export(maker, handle);
	for (int i = 0; i < 2; i++) {
		theirs = vp_import(i ? other : gpu, dmabuf);
		igt_assert_eq(vp_info(i ? other : gpu, theirs).flags &
			      DRM_VPRIME_INFO_READ_ONLY, 0);
		vp_poke(i ? other : gpu, theirs, 0, &byte, 1);
		vp_unmap(vp_map(i ? other : gpu, theirs, SIZE, RW), SIZE);
	}
	/* DRM_RDWR or not says nothing any more. */
	close(dmabuf);
	dmabuf = vp_try_export(maker, handle, DRM_CLOEXEC);
	igt_assert_eq(fcntl(dmabuf, F_GETFL) & O_ACCMODE, O_RDWR);
	close(dmabuf);
	close(other);
	close(gpu);
	close(maker);
}

/* On a GPU that does not enforce it is reported, and done, also by GPUs that do. */
static void reported_only(void)
{
	unsigned int maker = vp_config_plug("lenient", "enforce_read_only=0");
	unsigned int before = vp_watch_total("writable-read-only");

	vp_as_nobody {
		struct vp_read_only r = vp_read_only(maker);
		int gpu = vp_open(1);
		uint32_t handle = vp_import(gpu, r.dmabuf);
		char byte = 1;
		void *map;

		vp_poke(gpu, handle, 0, &byte, 1);
		map = vp_map(gpu, handle, SIZE, RW);
		vp_fill(map, SIZE, 5);
		vp_assert_pattern(r.map, SIZE, 5);
		vp_unmap(map, SIZE);
		map = vp_map_dmabuf(r.dmabuf, SIZE, RW);
		vp_fill(map, SIZE, 6);
		vp_assert_pattern(r.map, SIZE, 6);
		vp_unmap(map, SIZE);
	}
	igt_assert_eq(vp_watch_total("writable-read-only"), before + 3);
	vp_config_remove("lenient");
}

/* Without the writable descriptor, as other drivers are: by way of a GPU only. */
static void descriptor_as_asked(void)
{
	unsigned int maker = vp_config_plug("asked", "export_writable=0");

	vp_as_nobody {
		struct vp_read_only r = vp_read_only(maker);

		vp_assert_read_only_fd(r.dmabuf);
		vp_read_only_end(&r);
	}
	vp_config_remove("asked");
}

igt_main
{
	igt_fixture
		vp_enforce_read_only(true);

	igt_describe("The descriptor and its copies cannot be written, nor made so");
	vp_subtest("descriptor")
		vp_as_nobody
			descriptor();

	igt_describe("Nor opened anew to be written, nor changed as a file is");
	vp_subtest("descriptor-reopened")
		vp_as_nobody
			descriptor_reopened();

	igt_describe("Another process that inherits or is sent it can read, and no more");
	vp_subtest("other-process")
		other_process();

	igt_describe("A handle in another file of the GPU that made it is read-only");
	vp_subtest("import-same-gpu")
		vp_as_nobody
			import_into(0, VP_RENDER);

	igt_describe("A handle on another GPU is read-only");
	vp_subtest("import-other-gpu")
		vp_as_nobody
			import_into(1, VP_RENDER);

	igt_describe("A handle of a primary node's is read-only");
	vp_subtest("import-primary")
		vp_as_nobody
			import_into(1, VP_PRIMARY);

	igt_describe("A handle in the file that made it stays writable");
	vp_subtest("import-own")
		vp_as_nobody
			import_own();

	igt_describe("Passed on from GPU to GPU it stays read-only");
	vp_subtest("chain")
		chain();

	igt_describe("A name that a reader gives it opens read-only, on another GPU");
	vp_subtest("by-name-other-gpu")
		vp_as_nobody
			by_name(1);

	igt_describe("The same on the GPU that made it");
	vp_subtest("by-name-same-gpu")
		vp_as_nobody
			by_name(0);

	igt_describe("A reader may put a writer's fence on it and bracket CPU access, which writes nothing");
	vp_subtest("sync-file")
		vp_as_nobody
			sync_file_is_no_write();

	igt_describe("A later export of its maker's makes no reader a writer");
	vp_subtest("exported-again")
		vp_as_nobody
			exported_again();

	igt_describe("Nor a mapping to read, when that is all that is left");
	vp_subtest("mapping-outlives")
		vp_as_nobody
			mapping_outlives();

	igt_describe("A buffer that was exported to be written is written by all who have it");
	vp_subtest("writable")
		vp_as_nobody
			writable();

	igt_describe("Of a GPU with enforce_read_only=0 it is reported and done");
	vp_subtest("reported-only")
		reported_only();

	igt_describe("With export_writable=0 the descriptor is as it was asked for");
	vp_subtest("descriptor-as-asked")
		descriptor_as_asked();
}
