// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU's way to a buffer: through a handle, through the dma-buf, in another
 * process, in part, in huge pages, and for longer than all else.
 */
#define _GNU_SOURCE	/* mremap */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vp_resident.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Mappings of buffers and dma-bufs");

#define SIZE	(16 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)
#define HUGE	(2 * VP_MIB)

static void handle_and_fd(void)
{
	int gpu = vp_open(0), dmabuf;
	uint32_t handle = vp_create(gpu, SIZE);
	void *by_handle = vp_map(gpu, handle, SIZE, RW), *by_fd, *second;

	igt_assert(vp_all_zero(by_handle, SIZE));
	vp_fill(by_handle, SIZE, 1);
	dmabuf = vp_export(gpu, handle);
	by_fd = vp_map_dmabuf(dmabuf, SIZE, RW);
	vp_assert_pattern(by_fd, SIZE, 1);
	vp_fill(by_fd, SIZE, 2);
	vp_assert_pattern(by_handle, SIZE, 2);
	second = vp_map(gpu, handle, SIZE, RW);
	igt_assert_neq((uintptr_t)second, (uintptr_t)by_handle);
	vp_assert_pattern(second, SIZE, 2);

	vp_unmap(by_handle, SIZE);
	vp_unmap(by_fd, SIZE);
	vp_unmap(second, SIZE);
	close(dmabuf);
	close(gpu);
}

/* Touched through the dma-buf before any handle was mapped. */
static void fd_first(void)
{
	int gpu = vp_open(0), other = vp_open(1);
	int dmabuf = vp_export(gpu, vp_create(gpu, SIZE));
	void *map = vp_map_dmabuf(dmabuf, SIZE, RW), *imported;

	igt_assert(vp_all_zero(map, SIZE));
	vp_fill(map, SIZE, 1);
	imported = vp_map(other, vp_import(other, dmabuf), SIZE, RW);
	vp_assert_pattern(imported, SIZE, 1);
	vp_unmap(map, SIZE);
	vp_unmap(imported, SIZE);
	close(dmabuf);
	close(gpu);
	close(other);
}

static void read_only(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	int dmabuf = vp_try_export(gpu, handle, DRM_CLOEXEC);
	char *rw = vp_map(gpu, handle, SIZE, RW);
	char *ro = vp_map(gpu, handle, SIZE, PROT_READ);
	char *ro_fd = vp_map_dmabuf(dmabuf, SIZE, PROT_READ);

	/* The first touch of a page, by reading. */
	igt_assert(vp_all_zero(ro, VP_PAGE));
	vp_fill(rw, SIZE, 1);
	vp_assert_pattern(ro, SIZE, 1);
	vp_assert_pattern(ro_fd, SIZE, 1);
	igt_assert_eq(vp_touch(ro, true), SIGSEGV);
	igt_assert_eq(vp_touch(ro_fd + SIZE - 1, true), SIGSEGV);
	vp_assert_pattern(rw, SIZE, 1);

	/* The node may be written, so this mapping may be made writable. */
	igt_assert_eq(mprotect(ro, SIZE, RW), 0);
	igt_assert_eq(vp_touch(ro, true), 0);

	vp_unmap(rw, SIZE);
	vp_unmap(ro, SIZE);
	vp_unmap(ro_fd, SIZE);
	close(dmabuf);
	close(gpu);
}

static void alone(bool through_fd)
{
	struct vp_counts before = vp_counts();
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	int dmabuf = vp_export(gpu, handle);
	char *map = through_fd ? vp_map_dmabuf(dmabuf, SIZE, RW) :
				 vp_map(gpu, handle, SIZE, RW);

	/* Only half of the pages are there when the rest goes. */
	vp_fill(map, SIZE / 2, 1);
	close(dmabuf);
	vp_close(gpu, handle);
	close(gpu);

	igt_assert_eq(vp_counts().buffers, before.buffers + 1);
	vp_assert_pattern(map, SIZE / 2, 1);
	igt_assert(vp_all_zero(map + SIZE / 2, SIZE / 2));
	vp_fill(map, SIZE, 2);
	vp_assert_pattern(map, SIZE, 2);
	vp_unmap(map, SIZE);
	vp_assert_counts(&before);
}

static void unplugged(void)
{
	const size_t size = 4 * VP_MIB;
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, size);
	char *map = vp_map(gpu, handle, size, RW);

	vp_fill_sparse(map, size / 2, 1);
	vp_unplug(0);
	/* Pages that are there, and pages that are made only now. */
	vp_assert_pattern_sparse(map, size / 2, 1);
	igt_assert(vp_all_zero(map + size / 2, VP_PAGE));
	vp_fill_sparse(map, size, 2);
	close(gpu);
	vp_assert_pattern_sparse(map, size, 2);
	vp_unmap(map, size);
	vp_plug(0);
}

static void forked(void)
{
	int gpu = vp_open(0), sock[2];
	uint32_t handle = vp_create(gpu, SIZE);
	void *map = vp_map(gpu, handle, SIZE, RW);

	vp_socketpair(sock);
	vp_fill(map, SIZE, 1);
	igt_fork(child, 1) {
		vp_assert_pattern(map, SIZE, 1);
		/* Shared, so not copied when one of the two writes. */
		vp_fill(map, SIZE, 2);
		vp_tell(sock[1], 'w');
		igt_assert_eq(vp_hear(sock[1]), 'W');
		vp_assert_pattern(map, SIZE, 3);
	}
	igt_assert_eq(vp_hear(sock[0]), 'w');
	vp_assert_pattern(map, SIZE, 2);
	vp_fill(map, SIZE, 3);
	vp_tell(sock[0], 'W');
	igt_waitchildren();
	vp_unmap(map, SIZE);
	close(sock[0]);
	close(sock[1]);
	close(gpu);
}

static void passed_to_child(void)
{
	int sock[2], gpu, dmabuf;
	void *map;

	vp_socketpair(sock);
	igt_fork(child, 1) {
		int received = vp_recv_fd(sock[1]);
		void *there = vp_map_dmabuf(received, SIZE, RW);

		close(received);
		vp_assert_pattern(there, SIZE, 1);
		vp_fill(there, SIZE, 2);
	}
	gpu = vp_open(0);
	dmabuf = vp_export(gpu, vp_create(gpu, SIZE));
	map = vp_map_dmabuf(dmabuf, SIZE, RW);
	vp_fill(map, SIZE, 1);
	vp_send_fd(sock[0], dmabuf);
	igt_waitchildren();
	vp_assert_pattern(map, SIZE, 2);
	vp_unmap(map, SIZE);
	close(dmabuf);
	close(gpu);
	close(sock[0]);
	close(sock[1]);
}

static void partial(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	int dmabuf = vp_export(gpu, handle);
	char *whole = vp_map(gpu, handle, SIZE, RW);

	vp_fill(whole, SIZE, 1);
	for (size_t offset = 0; offset < SIZE; offset += VP_PAGE) {
		for (size_t size = VP_PAGE; offset + size <= SIZE;
		     size += 5 * VP_PAGE) {
			void *part;

			igt_assert_eq(vp_try_mmap(dmabuf, offset, size, RW,
						  MAP_SHARED, &part), 0);
			igt_assert_eq(vp_mismatch_at(part, offset, size, 1),
				      VP_INTACT);
			vp_unmap(part, size);
		}
	}

	/* The beginning only, through the handle. */
	vp_unmap(whole, SIZE);
	whole = vp_map(gpu, handle, 3 * VP_PAGE, RW);
	vp_assert_pattern(whole, 3 * VP_PAGE, 1);
	vp_unmap(whole, 3 * VP_PAGE);
	close(dmabuf);
	close(gpu);
}

/* Parts that lie across huge pages, or beside them. */
static void partial_huge(void)
{
	static const struct {
		size_t offset, size;
	} parts[] = {
		{ 0, HUGE }, { HUGE, HUGE }, { VP_PAGE, HUGE },
		{ HUGE - VP_PAGE, HUGE + 2 * VP_PAGE },
		{ HUGE / 2, 3 * HUGE }, { 4 * HUGE - VP_PAGE, VP_PAGE },
	};
	const size_t size = 4 * HUGE;
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, size);
	int dmabuf = vp_export(gpu, handle);
	uint32_t *whole = vp_map(gpu, handle, size, RW);

	for (size_t at = 0; at < size; at += VP_PAGE)
		whole[at / 4] = (uint32_t)at;
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(parts); i++) {
		void *map;
		uint32_t *part;

		igt_assert_eq(vp_try_mmap(dmabuf, parts[i].offset,
					  parts[i].size, RW, MAP_SHARED, &map),
			      0);
		part = map;
		for (size_t at = 0; at < parts[i].size; at += VP_PAGE)
			igt_assert_eq(part[at / 4], parts[i].offset + at);
		vp_unmap(map, parts[i].size);
	}
	vp_unmap(whole, size);
	close(dmabuf);
	close(gpu);
}

/* Huge memory at an address that is not: only small pages can be mapped. */
static void unaligned_address(void)
{
	const size_t size = 2 * HUGE;
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, size);
	uint64_t offset = vp_mmap_offset(gpu, handle);
	char *room = mmap(NULL, size + 2 * HUGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *wanted = room + HUGE - ((uintptr_t)room & (HUGE - 1)) + VP_PAGE;
	char *map;

	igt_assert(room != MAP_FAILED);
	map = mmap(wanted, size, RW, MAP_SHARED | MAP_FIXED, gpu,
		   (off_t)offset);
	igt_assert(map == wanted);
	igt_assert(vp_all_zero(map, VP_PAGE));
	vp_fill_sparse(map, size, 1);
	vp_assert_pattern_sparse(map, size, 1);
	munmap(room, size + 2 * HUGE);

	map = vp_map(gpu, handle, size, RW);
	vp_assert_pattern_sparse(map, size, 1);
	vp_unmap(map, size);
	close(gpu);
}

static long minor_faults(void)
{
	struct rusage usage;

	igt_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_minflt;
}

/* Bytes of this process's page tables, of which huge pages need less. */
static long page_tables(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	long kib = -1;

	igt_assert(status);
	while (fgets(line, sizeof(line), status))
		sscanf(line, "VmPTE: %ld kB", &kib);
	fclose(status);
	igt_assert_lte(0, kib);
	return kib * (long)VP_KIB;
}

/*
 * A dma-buf's file is the kernel's, which gives such mappings no particular
 * address before 6.7; a program that wants huge pages names one.
 */
static char *map_dmabuf_aligned(int dmabuf, size_t size)
{
	char *room = mmap(NULL, size + HUGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *wanted = room + HUGE - ((uintptr_t)room & (HUGE - 1));

	igt_assert(room != MAP_FAILED);
	munmap(room, size + HUGE);
	igt_assert(mmap(wanted, size, RW, MAP_SHARED | MAP_FIXED_NOREPLACE,
			dmabuf, 0) == wanted);
	return wanted;
}

static void huge_faults(bool through_fd)
{
	const size_t size = 64 * VP_MIB;
	const long huge_pages = (long)(size / HUGE), some = 16;
	int gpu = vp_open(0), dmabuf;
	uint32_t handle;
	long before, first, again, tables;
	char *map;

	igt_require_f(vp_param(gpu, DRM_VPRIME_PARAM_HUGE_PAGE_SIZE) == HUGE,
		      "the kernel has no huge pages\n");
	handle = vp_create(gpu, size);
	dmabuf = vp_export(gpu, handle);
	for (int pass = 0; pass < 2; pass++) {
		map = through_fd ? map_dmabuf_aligned(dmabuf, size) :
				   vp_map(gpu, handle, size, RW);
		igt_assert_eq((uintptr_t)map % HUGE, 0);
		tables = page_tables();
		before = minor_faults();
		for (size_t at = 0; at < size; at += VP_PAGE)
			map[at]++;
		*(pass ? &again : &first) = minor_faults() - before;
		/* One entry a huge page, and not a table of small ones. */
		tables = page_tables() - tables;
		igt_assert_lt(tables, huge_pages * (long)VP_PAGE / 2);
		vp_unmap(map, size);
	}
	igt_info("%ld faults when the pages are made, %ld when they are there\n",
		 first, again);
	igt_assert_lte(huge_pages, first);
	igt_assert_lte(first, huge_pages + some);
	igt_assert_lte(again, huge_pages + some);
	igt_assert_eq(vp_info(gpu, handle).resident, size);
	close(dmabuf);
	close(gpu);
}

static void resident(void)
{
	int gpu = vp_open(0);
	uint32_t small = vp_create(gpu, SIZE), large = vp_create(gpu, 4 * HUGE);
	struct vp_counts before = vp_counts();
	char *map;

	map = vp_map(gpu, small, SIZE, RW);
	igt_assert_eq(vp_info(gpu, small).resident, 0);
	igt_assert_eq(vp_counts().pages, before.pages);
	map[5 * VP_PAGE] = 1;
	vp_assert_resident(vp_info(gpu, small).resident, VP_PAGE, SIZE);
	igt_assert_lt(before.pages, vp_counts().pages);
	map[9 * VP_PAGE] = 1;
	vp_assert_resident(vp_info(gpu, small).resident, 2 * VP_PAGE, SIZE);
	vp_fill(map, SIZE, 1);
	igt_assert_eq(vp_info(gpu, small).resident, SIZE);
	vp_unmap(map, SIZE);
	igt_assert_eq(vp_info(gpu, small).resident, SIZE);

	map = vp_map(gpu, large, 4 * HUGE, RW);
	igt_assert_eq(vp_info(gpu, large).resident, 0);
	map[HUGE + 1] = 1;
	vp_assert_resident(vp_info(gpu, large).resident, VP_PAGE, 4 * HUGE);
	igt_assert_lte(vp_info(gpu, large).resident, HUGE);
	vp_fill_sparse(map, 4 * HUGE, 1);
	igt_assert_eq(vp_info(gpu, large).resident, 4 * HUGE);
	vp_unmap(map, 4 * HUGE);
	close(gpu);
}

/* A last page that is not huge, after some that may be. */
static void odd_size(size_t size)
{
	int gpu = vp_open(0), other = vp_open(1), dmabuf;
	uint32_t handle = vp_create(gpu, size);
	char *map = vp_map(gpu, handle, size, RW), *imported;

	igt_assert(vp_all_zero(map, size));
	vp_fill_sparse(map, size, 1);
	dmabuf = vp_export(gpu, handle);
	imported = vp_map(other, vp_import(other, dmabuf), size, RW);
	vp_assert_pattern_sparse(imported, size, 1);
	vp_assert_refused(vp_try_mmap(dmabuf, 0, size + VP_PAGE, RW,
				      MAP_SHARED, NULL), EINVAL);
	vp_assert_refused(vp_try_mmap(gpu, vp_mmap_offset(gpu, handle),
				      size + VP_PAGE, RW, MAP_SHARED, NULL),
			  EINVAL);
	vp_unmap(map, size);
	vp_unmap(imported, size);
	close(dmabuf);
	close(gpu);
	close(other);
}

static void moved(void)
{
	const size_t size = 2 * HUGE, room_size = 2 * size + 3 * HUGE;
	int gpu = vp_open(0);
	char *map = vp_map(gpu, vp_create(gpu, size), size, RW), *old;
	char *room = mmap(NULL, room_size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *aligned = room + HUGE - ((uintptr_t)room & (HUGE - 1));
	char *odd = aligned + size + HUGE + VP_PAGE;

	igt_assert(room != MAP_FAILED);
	vp_fill_sparse(map, size, 1);
	old = map;
	map = mremap(old, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, aligned);
	igt_assert(map == aligned);
	vp_assert_pattern_sparse(map, size, 1);
	igt_assert_eq(vp_touch(old, false), SIGSEGV);

	/* And to an address that no huge page can be mapped at. */
	map = mremap(map, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, odd);
	igt_assert(map == odd);
	vp_assert_pattern_sparse(map, size, 1);
	igt_assert_eq(vp_touch(aligned, false), SIGSEGV);

	/* A buffer does not grow, so neither does its mapping. */
	igt_assert(mremap(map, size, size + VP_PAGE, MREMAP_MAYMOVE) ==
		   MAP_FAILED);
	igt_assert_eq(errno, EFAULT);
	igt_assert(mremap(map, size, HUGE, 0) == map);
	vp_assert_pattern_sparse(map, HUGE, 1);
	igt_assert_eq(vp_touch(map + HUGE, false), SIGSEGV);
	munmap(room, room_size);
	close(gpu);
}

static void hole(void)
{
	const size_t size = 2 * HUGE, at = HUGE / 2;
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, size);
	char *map = vp_map(gpu, handle, size, RW), *again;

	vp_fill_sparse(map, size, 1);
	vp_unmap(map + at, VP_PAGE);
	igt_assert_eq(vp_touch(map + at, false), SIGSEGV);
	igt_assert_eq(vp_touch(map + at - 1, true), 0);
	igt_assert_eq(vp_touch(map + at + VP_PAGE, true), 0);
	vp_assert_pattern_sparse(map, at, 1);

	/* What the hole showed is still in the buffer. */
	again = vp_map(gpu, handle, size, RW);
	vp_assert_pattern_sparse(again, size, 1);
	vp_unmap(again, size);
	vp_unmap(map, size);
	close(gpu);
}

static void protected(void)
{
	const size_t size = 2 * HUGE, at = HUGE / 2;
	int gpu = vp_open(0);
	char *map = vp_map(gpu, vp_create(gpu, size), size, RW);

	vp_fill_sparse(map, size, 1);
	igt_assert_eq(mprotect(map + at, VP_PAGE, PROT_READ), 0);
	igt_assert_eq(vp_touch(map + at, true), SIGSEGV);
	igt_assert_eq(vp_touch(map + at, false), 0);
	igt_assert_eq(vp_touch(map + at - 1, true), 0);
	igt_assert_eq(vp_touch(map + at + VP_PAGE, true), 0);
	igt_assert_eq(mprotect(map, size, PROT_READ), 0);
	igt_assert_eq(vp_touch(map, true), SIGSEGV);
	igt_assert_eq(vp_touch(map + size - 1, true), SIGSEGV);
	vp_assert_pattern_sparse(map, size, 1);
	igt_assert_eq(mprotect(map, size, PROT_NONE), 0);
	igt_assert_eq(vp_touch(map, false), SIGSEGV);
	igt_assert_eq(mprotect(map, size, RW), 0);
	igt_assert_eq(vp_touch(map, true), 0);
	igt_assert_eq(vp_touch(map + size - 1, true), 0);
	vp_assert_pattern_sparse(map, size, 1);
	vp_unmap(map, size);
	close(gpu);
}

/* The kernel writes into the mapping itself when a program reads into it. */
static void used_by_the_kernel(void)
{
	int gpu = vp_open(0), pipe_fd[2];
	char *map = vp_map(gpu, vp_create(gpu, SIZE), SIZE, RW);
	uint32_t page[VP_PAGE / 4];

	igt_assert_eq(pipe(pipe_fd), 0);
	vp_fill(page, VP_PAGE, 1);
	igt_assert_eq(write(pipe_fd[1], page, VP_PAGE), (ssize_t)VP_PAGE);
	/* Not touched before: this is the page's first fault. */
	igt_assert_eq(read(pipe_fd[0], map + VP_PAGE, VP_PAGE),
		      (ssize_t)VP_PAGE);
	vp_assert_pattern(map + VP_PAGE, VP_PAGE, 1);
	igt_assert_eq(write(pipe_fd[1], map + VP_PAGE, VP_PAGE),
		      (ssize_t)VP_PAGE);
	vp_unmap(map, SIZE);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	close(gpu);
}

igt_main
{
	igt_describe("A handle's mapping and the dma-buf's are the same pages");
	vp_subtest("handle-and-fd")
		handle_and_fd();

	igt_describe("A buffer that is touched through its dma-buf first");
	vp_subtest("fd-first")
		fd_first();

	igt_describe("Read-only mappings show what is written elsewhere, and take no write");
	vp_subtest("read-only")
		read_only();

	igt_describe("A handle's mapping is all that is left of a buffer");
	vp_subtest("alone-handle")
		alone(false);

	igt_describe("A dma-buf's mapping is all that is left of a buffer");
	vp_subtest("alone-fd")
		alone(true);

	igt_describe("A mapping outlives its GPU, also for pages that nobody had touched");
	vp_subtest("unplugged")
		unplugged();

	igt_describe("A forked child has the same pages, not a copy");
	vp_subtest("forked")
		forked();

	igt_describe("A child that is handed the descriptor maps it, and needs it no longer");
	vp_subtest("passed-to-child")
		passed_to_child();

	igt_describe("Every part of a dma-buf can be mapped");
	vp_subtest("partial")
		partial();

	igt_describe("Parts of a buffer of huge pages");
	vp_subtest("partial-huge")
		partial_huge();

	igt_describe("Huge pages at an address that is not a multiple of theirs");
	vp_subtest("unaligned-address")
		unaligned_address();

	igt_describe("64 MiB through the handle: aligned, a fault and an entry for each huge page");
	vp_subtest("huge-handle")
		huge_faults(false);

	igt_describe("64 MiB through the dma-buf, at an aligned address: likewise");
	vp_subtest("huge-fd")
		huge_faults(true);

	igt_describe("No page exists before it is touched");
	vp_subtest("resident")
		resident();

	igt_describe("3 MiB: one huge page and a half");
	vp_subtest("size-3-mib")
		odd_size(3 * VP_MIB);

	igt_describe("2 MiB and a page");
	vp_subtest("size-2-mib-and-a-page")
		odd_size(2 * VP_MIB + VP_PAGE);

	igt_describe("A page less than 2 MiB");
	vp_subtest("size-2-mib-less-a-page")
		odd_size(2 * VP_MIB - VP_PAGE);

	igt_describe("mremap moves and shrinks a mapping, but does not grow it");
	vp_subtest("mremap")
		moved();

	igt_describe("A page is unmapped out of the middle of a huge one");
	vp_subtest("hole")
		hole();

	igt_describe("mprotect on a page of a huge one, and on all, and back");
	vp_subtest("mprotect")
		protected();

	igt_describe("read(2) and write(2) on a mapping");
	vp_subtest("used-by-the-kernel")
		used_by_the_kernel();
}
