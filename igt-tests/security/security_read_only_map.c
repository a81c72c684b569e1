// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mapping of a buffer that may only be read, and all that a process can do to
 * its own mappings, or have the kernel do: none of it writes the buffer. And the
 * same by way of a driver that is not vprime's.
 */
#define _GNU_SOURCE	/* process_vm_writev, O_DIRECT, vmsplice */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/userfaultfd.h>

#include "vp_doer.h"
#include "vp_nobody.h"
#include "vp_read_only.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("A mapping to read stays one to read");

#define SIZE	VP_READ_ONLY_SIZE
#define RW	(PROT_READ | PROT_WRITE)
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

/* A buffer of somebody else's, and this process's two ways to see it. */
struct reader {
	struct vp_read_only r;
	int gpu;
	char *map[2];
};

static struct reader reader(void)
{
	struct reader a = { .r = vp_read_only(0), .gpu = vp_open(1) };

	a.map[0] = vp_map_dmabuf(a.r.dmabuf, SIZE, PROT_READ);
	a.map[1] = vp_map(a.gpu, vp_import(a.gpu, a.r.dmabuf), SIZE, PROT_READ);
	/* All pages of the one are there, none of the other. */
	vp_assert_pattern(a.map[0], SIZE, VP_READ_ONLY_SEED);
	return a;
}

static void reader_end(struct reader *a)
{
	for (int i = 0; i < 2; i++) {
		vp_assert_pattern(a->map[i], SIZE, VP_READ_ONLY_SEED);
		vp_unmap(a->map[i], SIZE);
	}
	close(a->gpu);
	vp_read_only_end(&a->r);
}

static void touch(void)
{
	struct reader a = reader();

	for (int i = 0; i < 2; i++) {
		igt_assert_eq(vp_touch(a.map[i], true), SIGSEGV);
		igt_assert_eq(vp_touch(a.map[i] + SIZE - 1, true), SIGSEGV);
		igt_assert_eq(vp_touch(a.map[i], false), 0);
	}
	reader_end(&a);
}

/* The kernel writes for the program: none of these can be had into it. */
static void kernel_writes(void)
{
	struct reader a = reader();
	int pipes[2], zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char page[64] = "xxxxxxxx";
	struct iovec here = { page, 8 }, there;

	igt_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
	for (int i = 0; i < 2; i++) {
		igt_assert(read(zero, a.map[i], 64) < 0 && errno == EFAULT);
		igt_assert_eq(write(pipes[1], page, 8), 8);
		igt_assert(read(pipes[0], a.map[i], 8) < 0 && errno == EFAULT);
		igt_assert_eq(read(pipes[0], page, 8), 8);
		there = (struct iovec){ a.map[i], 8 };
		igt_assert_lt(process_vm_writev(getpid(), &here, 1, &there, 1,
						0), 0);
		igt_assert_lt(syscall(SYS_getrandom, a.map[i], 8, 0), 0);
		/* And out of it, which takes references on pages elsewhere. */
		igt_assert_lt(vmsplice(pipes[1], &there, 1, SPLICE_F_GIFT), 0);
	}
	close(pipes[0]);
	close(pipes[1]);
	close(zero);
	reader_end(&a);
}

static void direct_io(void)
{
	char name[] = "/tmp/vprime-direct.XXXXXX", page[4096] = "";
	struct reader a = reader();
	int file = mkostemp(name, O_CLOEXEC), fd;

	igt_assert_lte(0, file);
	igt_assert_eq(write(file, page, sizeof(page)), sizeof(page));
	/* tmpfs has it since 6.6, the root of the guest has it not. */
	fd = open(name, O_RDONLY | O_DIRECT | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		if (fd >= 0)
			igt_assert_lt(pread(fd, a.map[i], 4096, 0), 0);
		igt_assert_lt(pread(file, a.map[i], 4096, 0), 0);
	}
	close(fd);
	close(file);
	unlink(name);
	reader_end(&a);
}

/* /proc/self/mem and a debugger write to memory that the process itself cannot. */
static void own_memory_file(void)
{
	struct reader a = reader();
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	static const char text[] = "read only";
	void *code = mmap(NULL, VP_PAGE, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	igt_assert_lte(0, mem);
	igt_assert(code != MAP_FAILED);
	/* That it can be done, elsewhere. */
	if (pwrite(mem, text, 8, (off_t)(uintptr_t)code) == 8)
		igt_assert_eq(memcmp(code, text, 8), 0);
	for (int i = 0; i < 2; i++)
		igt_assert_lt(pwrite(mem, text, 8,
				     (off_t)(uintptr_t)a.map[i]), 0);
	munmap(code, VP_PAGE);
	close(mem);
	reader_end(&a);
}

static int wait_for_debugger(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return 0;
}

static void debugger(void)
{
	struct reader a = reader();
	struct vp_doer doer = vp_do(wait_for_debugger, NULL);
	int status;

	igt_assert_eq(ptrace(PTRACE_ATTACH, doer.process, 0, 0), 0);
	igt_assert_eq(waitpid(doer.process, &status, 0), doer.process);
	for (int i = 0; i < 2; i++) {
		igt_assert_lt(ptrace(PTRACE_POKEDATA, doer.process, a.map[i],
				     0x41414141l), 0);
		igt_assert_lt(ptrace(PTRACE_POKETEXT, doer.process, a.map[i],
				     0x41414141l), 0);
	}
	vp_undo(&doer);
	reader_end(&a);
}

static void advice(void)
{
	static const int advices[] = {
		MADV_NORMAL, MADV_DONTNEED, MADV_REMOVE, MADV_FREE,
		MADV_WILLNEED, MADV_DOFORK, MADV_DONTFORK, MADV_MERGEABLE,
		MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_COLD, MADV_PAGEOUT,
		MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_POPULATE_READ,
		MADV_HWPOISON, MADV_DODUMP,
	};
	struct reader a = reader();

	for (int i = 0; i < 2; i++) {
		for (size_t n = 0; n < VP_ARRAY_SIZE(advices); n++) {
			madvise(a.map[i], SIZE, advices[n]);
			madvise(a.map[i] + VP_PAGE, VP_PAGE, advices[n]);
			vp_assert_intact(&a.r);
		}
		igt_assert_lt(madvise(a.map[i], SIZE, MADV_POPULATE_WRITE), 0);
		mlock(a.map[i], SIZE);
		munlock(a.map[i], SIZE);
		msync(a.map[i], SIZE, MS_SYNC | MS_INVALIDATE);
		igt_assert_eq(vp_touch(a.map[i], true), SIGSEGV);
	}
	reader_end(&a);
}

/* Moved, split, doubled, or in another's place: it is what it was. */
static void moved(void)
{
	struct reader a = reader();
	char *place, *map;

	/* What this leaves behind when it fails is a hole. */
	map = vp_map(a.gpu, vp_import(a.gpu, a.r.dmabuf), SIZE, PROT_READ);
	remap_file_pages(map, VP_PAGE, 0, 1, 0);
	igt_assert_eq(vp_touch(map, true), SIGSEGV);
	vp_unmap(map, SIZE);

	for (int i = 0; i < 2; i++) {
		igt_assert(mremap(a.map[i], SIZE, 2 * SIZE, MREMAP_MAYMOVE) ==
			   MAP_FAILED);
		igt_assert(mremap(a.map[i], 0, SIZE, MREMAP_MAYMOVE) ==
			   MAP_FAILED);
		/* A mapping that can be written, and this one in its place. */
		place = mmap(NULL, SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		igt_assert(place != MAP_FAILED);
		map = mremap(a.map[i], SIZE, SIZE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, place);
		igt_assert(map == place);
		a.map[i] = map;
		igt_assert(mprotect(map, SIZE, RW) && errno == EACCES);
		igt_assert(mprotect(map + VP_PAGE, VP_PAGE, RW) &&
			   errno == EACCES);
		igt_assert_eq(mprotect(map + VP_PAGE, VP_PAGE, PROT_NONE), 0);
		igt_assert_eq(mprotect(map, SIZE, PROT_READ), 0);
		igt_assert_lt(syscall(SYS_pkey_mprotect, map, SIZE, RW, -1), 0);
		igt_assert_eq(vp_touch(map, true), SIGSEGV);
	}
	/* At once in the place of what is there. */
	igt_assert(mmap(a.map[0], SIZE, RW, MAP_SHARED | MAP_FIXED, a.r.dmabuf,
			0) == MAP_FAILED && errno == EACCES);
	vp_unmap(vp_map_dmabuf(a.r.dmabuf, SIZE, PROT_READ), SIZE);
	if (vp_touch(a.map[0], false))
		a.map[0] = vp_map_dmabuf(a.r.dmabuf, SIZE, PROT_READ);
	reader_end(&a);
}

static void user_faults(void)
{
	struct reader a = reader();
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register at = { .range = { .len = SIZE } };

	igt_require_f(fd >= 0, "userfaultfd: %s\n", strerror(errno));
	igt_assert_eq(ioctl(fd, UFFDIO_API, &api), 0);
	for (int i = 0; i < 2; i++) {
		at.range.start = (uintptr_t)a.map[i];
		at.mode = UFFDIO_REGISTER_MODE_MISSING;
		igt_assert_lt(ioctl(fd, UFFDIO_REGISTER, &at), 0);
		at.mode = UFFDIO_REGISTER_MODE_WP;
		igt_assert_lt(ioctl(fd, UFFDIO_REGISTER, &at), 0);
	}
	close(fd);
	reader_end(&a);
}

/* A child has a copy of the mapping, and its own ways to fail. */
static void forked(void)
{
	struct vp_read_only r = vp_read_only(0);
	void *map = vp_map_dmabuf(r.dmabuf, SIZE, PROT_READ);

	vp_as_nobody {
		igt_assert(mprotect(map, SIZE, RW) && errno == EACCES);
		igt_assert_eq(vp_touch(map, true), SIGSEGV);
		vp_assert_pattern(map, SIZE, VP_READ_ONLY_SEED);
	}
	vp_unmap(map, SIZE);
	vp_read_only_end(&r);
}

/* Huge pages are mapped by one entry each, which has to be of the same mind. */
static void huge(void)
{
	const size_t size = 4 * VP_MIB;
	int maker = vp_open(0), gpu = vp_open(1), dmabuf;
	uint32_t handle = vp_create(maker, size);
	void *theirs = vp_map(maker, handle, size, RW), *map;
	char *half;

	vp_fill_sparse(theirs, size, 1);
	dmabuf = vp_try_export(maker, handle, DRM_CLOEXEC);
	map = vp_map(gpu, vp_import(gpu, dmabuf), size, PROT_READ);
	vp_assert_pattern_sparse(map, size, 1);
	igt_assert_eq(vp_touch(map, true), SIGSEGV);
	half = (char *)map + size / 2 + VP_PAGE;
	igt_assert(mprotect(half, VP_PAGE, RW) && errno == EACCES);
	igt_assert_eq(mprotect(half, VP_PAGE, PROT_NONE), 0);
	igt_assert_eq(mprotect(half, VP_PAGE, PROT_READ), 0);
	igt_assert_eq(vp_touch(half, true), SIGSEGV);
	igt_assert_eq(read(open("/dev/zero", O_RDONLY | O_CLOEXEC), map, 64),
		      -1);
	vp_assert_pattern_sparse(theirs, size, 1);
	vp_unmap(map, size);
	vp_unmap(theirs, size);
	close(dmabuf);
	close(gpu);
	close(maker);
}

/*
 * Another driver imports it and has its own node, where what it imported lies at
 * a place that it tells nobody but that can be found.
 */
static void other_drivers_node(void)
{
	struct vp_read_only r = vp_read_only(0);
	int vgem;
	struct vp_dumb near;
	uint64_t at, found = 0;
	void *map;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	near = vp_create_dumb(vgem, 32, 32, 32);
	igt_assert_eq(vp_try_map_dumb(vgem, near.handle, &at), 0);
	igt_assert_lt(0, vp_import(vgem, r.dmabuf));
	at -= 512 * VP_PAGE < at ? 512 * VP_PAGE : at;
	for (int i = 0; i < 1024; i++, at += VP_PAGE) {
		if (vp_try_mmap(vgem, at, SIZE, PROT_READ, MAP_SHARED, &map))
			continue;
		if (vp_mismatch(map, SIZE, VP_READ_ONLY_SEED) == VP_INTACT) {
			found = at;
			igt_assert(mprotect(map, SIZE, RW) && errno == EACCES);
		}
		vp_unmap(map, SIZE);
		if (!found)
			continue;
		igt_assert_eq(vp_try_mmap(vgem, at, SIZE, RW, MAP_SHARED, NULL),
			      -EACCES);
		break;
	}
	igt_info("mapped through vgem's node: %s\n", found ? "yes" : "no");
	close(vgem);
	vp_read_only_end(&r);
	vp_unload_foreign("vgem");
}

igt_main
{
	igt_fixture
		vp_enforce_read_only(true);

	igt_describe("A write is SIGSEGV");
	vp_subtest("touch")
		vp_as_nobody
			touch();

	igt_describe("The kernel does not write to it either: read, process_vm_writev, vmsplice");
	vp_subtest("kernel-writes")
		vp_as_nobody
			kernel_writes();

	igt_describe("Nor read with O_DIRECT");
	vp_subtest("direct-io")
		vp_as_nobody
			direct_io();

	igt_describe("Nor /proc/self/mem, which writes to what else cannot be written");
	vp_subtest("proc-mem")
		vp_as_nobody
			own_memory_file();

	igt_describe("Nor a debugger");
	vp_subtest("ptrace")
		vp_as_nobody
			debugger();

	igt_describe("No advice changes what is in it, or makes it writable");
	vp_subtest("madvise")
		vp_as_nobody
			advice();

	igt_describe("Nor does moving, splitting or replacing it");
	vp_subtest("mremap")
		vp_as_nobody
			moved();

	igt_describe("Its faults are not to be had in user space");
	vp_subtest("userfaultfd")
		vp_as_nobody
			user_faults();

	igt_describe("A child's copy of it cannot be written");
	vp_subtest("fork")
		forked();

	igt_describe("Huge pages of it cannot be written");
	vp_subtest("huge")
		vp_as_nobody
			huge();

	igt_describe("Nor by way of vgem's node, when vgem has imported it");
	vp_subtest("node-of-vgem")
		other_drivers_node();
}
