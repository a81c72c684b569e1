// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dma-buf core from inside the kernel: what exporters and importers may
 * expect of it, beyond what ioctls reach. Each subtest but the last is a test
 * of igt-tests/kernel/vprime_core_test.c, where it reads as documentation.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vp_test.h"

IGT_TEST_DESCRIPTION("The roles of dma-buf, as a driver author meets them");

#define MODULE	"vprime_core_test"

/* How the test went that the loaded module has run. */
static int result(void)
{
	FILE *file = fopen("/sys/module/" MODULE "/parameters/result", "re");
	int value;

	igt_assert(file);
	igt_assert_eq(fscanf(file, "%d", &value), 1);
	fclose(file);
	return value;
}

/* Load the test module, which runs the test; 0 or what went wrong. */
static int run_in_kernel(const char *name, int fd)
{
	const char *build = getenv("VPRIME_BUILD");
	char path[PATH_MAX], params[64];
	int file, err;

	igt_assert_f(build, "VPRIME_BUILD does not say where the modules are\n");
	snprintf(path, sizeof(path), "%s/igt-tests/kernel/%s.ko", build, MODULE);
	snprintf(params, sizeof(params), "test=%s fd=%d", name, fd);
	file = open(path, O_RDONLY | O_CLOEXEC);
	igt_assert_f(file >= 0, "%s: %s\n", path, strerror(errno));

	err = syscall(SYS_finit_module, file, params, 0) ? -errno : 0;
	close(file);
	if (err)
		return err;
	err = result();
	/* One that failed cannot be unloaded, and fails those that follow. */
	if (!err)
		igt_assert_eq(syscall(SYS_delete_module, MODULE, 0), 0);
	return err;
}

static void run(const char *name)
{
	int err = run_in_kernel(name, -1);

	igt_assert_f(!err, "%s: %s; see the kernel log\n", name, strerror(-err));
}

static void memory(size_t size)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, size);
	uint32_t *by_handle = vp_map(gpu, handle, size, PROT_READ | PROT_WRITE);
	int dmabuf = vp_export(gpu, handle), err;
	uint32_t *by_fd = vp_map_dmabuf(dmabuf, size, PROT_READ | PROT_WRITE);
	const size_t step = VP_PAGE / sizeof(*by_handle);

	for (uint32_t page = 0; page < size / VP_PAGE; page++)
		by_handle[page * step] = page + 1;
	err = run_in_kernel("memory", dmabuf);
	igt_assert_f(!err, "%s; see the kernel log\n", strerror(-err));
	for (uint32_t page = 0; page < size / VP_PAGE; page++) {
		igt_assert_eq(by_handle[page * step], page + 2);
		igt_assert_eq(by_fd[page * step], page + 2);
	}

	vp_unmap(by_fd, size);
	vp_unmap(by_handle, size);
	close(dmabuf);
	vp_close(gpu, handle);
	close(gpu);
}

igt_main
{
	igt_describe("An exporter defines its export info and exports; it is asked for its memory once");
	vp_subtest("export")
		run("export");

	igt_describe("A buffer becomes a file, with or without close-on-exec, and the file the buffer");
	vp_subtest("fd")
		run("fd");

	igt_describe("An importer without invalidate_mappings attaches, maps, pins, unmaps and detaches");
	vp_subtest("pinned")
		run("pinned");

	igt_describe("Several importers with invalidate_mappings are told of a move and map again");
	vp_subtest("movable")
		run("movable");

	igt_describe("Breaches of the contract are counted and do no harm");
	vp_subtest("misuse")
		run("misuse");

	igt_describe("All users of a kernel mapping share one, and its failure leaves none");
	vp_subtest("vmap")
		run("vmap");

	igt_describe("CPU access waits for the fences it conflicts with, nests and is counted");
	vp_subtest("cpu-access")
		run("cpu-access");

	igt_describe("A driver that knows only the kernel's dma-buf imports a vprime buffer");
	vp_subtest("kernel-importer")
		run("kernel-importer");

	igt_describe("A driver that knows only the kernel's dma-buf exports to vprime");
	vp_subtest("kernel-exporter")
		run("kernel-exporter");

	igt_describe("A GPU's memory is the same by kernel mapping, device table, handle and file");
	vp_subtest("memory-small-pages")
		memory(3 * VP_PAGE);

	igt_describe("The same with huge pages and some small ones behind them");
	vp_subtest("memory-huge-pages")
		memory(4 * VP_MIB + 5 * VP_PAGE);

	igt_describe("A test that does not exist is an error, or none of the above would mean anything");
	vp_subtest("unknown-test")
		igt_assert_eq(run_in_kernel("no-such-test", -1), -ENOENT);
}
