// SPDX-License-Identifier: GPL-2.0-only
/*
 * What PRIME refuses: descriptors that are no dma-bufs, flags nobody defined,
 * mappings a dma-buf does not allow, and no descriptors left. Each leaves no
 * trace in the module's object counts while everything is still open.
 */
#define _GNU_SOURCE	/* memfd_create */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_test.h"

IGT_TEST_DESCRIPTION("Bad descriptors, flags and mappings of dma-bufs");

static void not_a_dmabuf(void)
{
	int gpu = vp_open(1), sock[2];
	int others[6];

	igt_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	others[0] = open("/dev/null", O_RDWR);
	others[1] = memfd_create("not a dma-buf", 0);
	others[2] = eventfd(0, 0);
	others[3] = sock[0];
	others[4] = sock[1];
	others[5] = vp_open(0);

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(others); i++) {
		igt_assert_lte(0, others[i]);
		vp_assert_refused(vp_try_import(gpu, others[i], NULL), EINVAL);
		close(others[i]);
	}
	/* The GPU's own file is not one either. */
	vp_assert_refused(vp_try_import(gpu, gpu, NULL), EINVAL);
	close(gpu);
}

static void fd_minus_one(void)
{
	int gpu = vp_open(0);

	vp_assert_refused(vp_try_import(gpu, -1, NULL), EBADF);
	vp_assert_refused(vp_try_import(gpu, 0x7fffffff, NULL), EBADF);
	close(gpu);
}

static void closed_fd(void)
{
	int exporter = vp_open(0), importer = vp_open(1);
	int dmabuf = vp_export(exporter, vp_create(exporter, VP_PAGE));

	close(dmabuf);
	vp_assert_refused(vp_try_import(importer, dmabuf, NULL), EBADF);
	close(importer);
	close(exporter);
}

static void unknown_flags(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, VP_PAGE);

	for (int bit = 0; bit < 32; bit++) {
		uint32_t flags = 1u << bit;

		if (flags & (DRM_CLOEXEC | DRM_RDWR))
			continue;
		vp_assert_refused(vp_try_export(gpu, handle, flags), EINVAL);
		vp_assert_refused(vp_try_export(gpu, handle,
						flags | DRM_RDWR), EINVAL);
	}
	igt_assert_eq(vp_info(gpu, handle).flags, 0);
	close(gpu);
}

/* As `ulimit -n`: every descriptor below the limit is taken already. */
static struct rlimit no_fds_left(void)
{
	int next = open("/dev/null", O_RDONLY);
	struct rlimit old, none;

	igt_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)next;
	close(next);
	igt_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	return old;
}

static void export_no_fds(void)
{
	int gpu = vp_open(0), importer = vp_open(1), fresh, again, dmabuf;
	uint32_t never = vp_create(gpu, VP_PAGE);
	uint32_t already = vp_create(gpu, VP_PAGE);
	struct vp_counts before, after;
	struct rlimit old;

	dmabuf = vp_export(gpu, already);
	before = vp_counts();

	/* Reading the counts takes a descriptor too, so no assertions in here. */
	old = no_fds_left();
	fresh = vp_try_export(gpu, never, DRM_CLOEXEC | DRM_RDWR);
	again = vp_try_export(gpu, already, DRM_CLOEXEC | DRM_RDWR);
	setrlimit(RLIMIT_NOFILE, &old);

	igt_assert_eq(fresh, -EMFILE);
	igt_assert_eq(again, -EMFILE);
	after = vp_counts();
	igt_assert_eq(after.buffers, before.buffers);
	igt_assert_eq(after.views, before.views);
	vp_close(gpu, never);
	vp_close(gpu, already);

	/* The export that was there has not suffered. */
	vp_close(importer, vp_import(importer, dmabuf));
	close(dmabuf);
	close(importer);
	close(gpu);
}

/*
 * The DRM core of 6.1 makes the dma-buf before it asks for a descriptor, and
 * keeps it for the handle: there a hundred attempts leave no more than one
 * would. Later ones ask first (and have the function that the test looks for),
 * and leave nothing. On both, nothing is left once the handle is closed.
 */
static void export_no_fds_no_trace(void)
{
	int gpu = vp_open(0), ret = -EMFILE;
	struct vp_counts none = vp_counts(), before, after;
	uint32_t handle = vp_create(gpu, VP_PAGE);
	struct rlimit old;

	before = vp_counts();
	old = no_fds_left();
	for (int i = 0; i < 100 && ret == -EMFILE; i++)
		ret = vp_try_export(gpu, handle, DRM_CLOEXEC);
	setrlimit(RLIMIT_NOFILE, &old);
	igt_assert_eq(ret, -EMFILE);

	after = vp_counts();
	if (system("grep -q drm_gem_prime_handle_to_dmabuf /proc/kallsyms")) {
		igt_assert_lte(after.exports, before.exports + 1);
		after.exports = before.exports;
	}
	igt_assert_eq(memcmp(&after, &before, sizeof(after)), 0);

	/* With descriptors again, the same export works. */
	close(vp_export(gpu, handle));
	vp_close(gpu, handle);
	vp_assert_counts(&none);
	close(gpu);
}

static void mmap_private(void)
{
	int gpu = vp_open(0);
	int dmabuf = vp_export(gpu, vp_create(gpu, VP_PAGE));

	vp_assert_refused(vp_try_mmap(dmabuf, 0, VP_PAGE,
				      PROT_READ | PROT_WRITE, MAP_PRIVATE,
				      NULL), EINVAL);
	vp_assert_refused(vp_try_mmap(dmabuf, 0, VP_PAGE, PROT_READ,
				      MAP_PRIVATE, NULL), EINVAL);
	close(dmabuf);
	close(gpu);
}

static void mmap_beyond_end(void)
{
	static const struct {
		uint64_t offset;
		size_t size;
	} bad[] = {
		{ 0, 3 * VP_PAGE },
		{ VP_PAGE, 2 * VP_PAGE },
		{ 2 * VP_PAGE, VP_PAGE },
		{ 1ull << 40, VP_PAGE },
		/* So far that the end wraps back into the buffer. */
		{ (1ull << 63) - VP_PAGE, 2 * VP_PAGE },
	};
	int gpu = vp_open(0);
	int dmabuf = vp_export(gpu, vp_create(gpu, 2 * VP_PAGE));

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(bad); i++) {
		struct vp_counts before = vp_counts();
		int ret = vp_try_mmap(dmabuf, bad[i].offset, bad[i].size,
				      PROT_READ, MAP_SHARED, NULL);

		/* Offsets no file can have are the kernel's to refuse. */
		igt_assert_f(ret == -EINVAL ||
			     (ret == -EOVERFLOW && bad[i].offset >= 1ull << 40),
			     "mmap at %#llx: %s\n",
			     (unsigned long long)bad[i].offset, strerror(-ret));
		vp_assert_counts(&before);
	}
	close(dmabuf);
	close(gpu);
}

static void mmap_read_only(void)
{
	int gpu = vp_config_open("strict", "export_writable=0");
	int dmabuf = vp_try_export(gpu, vp_create(gpu, VP_PAGE), DRM_CLOEXEC);
	void *map;

	igt_assert_lte(0, dmabuf);
	vp_assert_refused(vp_try_mmap(dmabuf, 0, VP_PAGE,
				      PROT_READ | PROT_WRITE, MAP_SHARED,
				      NULL), EACCES);
	vp_assert_refused(vp_try_mmap(dmabuf, 0, VP_PAGE, PROT_WRITE,
				      MAP_SHARED, NULL), EACCES);

	/* Nor can a mapping that may be read be made one that may be written. */
	map = vp_map_dmabuf(dmabuf, VP_PAGE, PROT_READ);
	igt_assert_eq(mprotect(map, VP_PAGE, PROT_READ | PROT_WRITE), -1);
	igt_assert_eq(errno, EACCES);
	vp_unmap(map, VP_PAGE);
	close(dmabuf);
	close(gpu);
	vp_config_remove("strict");
}

static void bad_sync(void)
{
	static const uint64_t bad[] = {
		0, DMA_BUF_SYNC_END, 1ull << 3, 1ull << 63,
		DMA_BUF_SYNC_READ | 1ull << 4,
	};
	int gpu = vp_open(0);
	int dmabuf = vp_export(gpu, vp_create(gpu, VP_PAGE));

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(bad); i++)
		vp_assert_refused(vp_try_sync(dmabuf, bad[i]), EINVAL);
	close(dmabuf);
	close(gpu);
}

igt_main
{
	igt_describe("Importing a descriptor that is no dma-buf is EINVAL");
	vp_subtest("import-not-a-dmabuf")
		not_a_dmabuf();

	igt_describe("Importing descriptor -1, or one never opened, is EBADF");
	vp_subtest("import-fd-minus-one")
		fd_minus_one();

	igt_describe("Importing a descriptor that was closed is EBADF");
	vp_subtest("import-closed-fd")
		closed_fd();

	igt_describe("Every export flag but CLOEXEC and RDWR is EINVAL");
	vp_subtest("export-unknown-flags")
		unknown_flags();

	igt_describe("Exporting with no descriptor left is EMFILE, for a buffer exported before and not");
	vp_subtest("export-no-fds")
		export_no_fds();

	igt_describe("Such exports leave nothing that outlives the handle, and one works later");
	vp_subtest("export-no-fds-no-trace")
		export_no_fds_no_trace();

	igt_describe("A private mapping of a dma-buf is EINVAL, even to read only");
	vp_subtest("mmap-private")
		mmap_private();

	igt_describe("A mapping beyond a dma-buf's end is EINVAL");
	vp_subtest("mmap-beyond-end")
		mmap_beyond_end();

	igt_describe("A writable mapping of a read-only dma-buf is EACCES, at once and later");
	vp_subtest("mmap-read-only")
		mmap_read_only();

	igt_describe("DMA_BUF_IOCTL_SYNC with flags that say nothing, or too much, is EINVAL");
	vp_subtest("sync-bad-flags")
		bad_sync();
}
