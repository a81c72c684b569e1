// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module and its GPUs come and go: numbers it can be loaded with, what
 * keeps it from being unloaded, what a program sees when its GPU is unplugged.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_test.h"

IGT_TEST_DESCRIPTION("Loading, unloading, plugging and unplugging vprime");

#define SIZE	(4 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)

static void load_refused(const char *param)
{
	int log;

	vp_unload();
	log = vp_log_open();
	igt_assert_eq(vp_try_load(param), -EINVAL);
	igt_assert(!vp_loaded());
	igt_assert_eq(access("/sys/bus/platform/devices/vprime0", F_OK), -1);
	igt_assert_lt(0u, vp_logged(log, "vprime", "gpus"));
	close(log);
	vp_reload(VP_DEFAULT_GPUS);
}

/*
 * Older kernels have 64 of each kind of node, for all drivers, and vgem has one.
 * The GPUs that were made stay: a program may have opened one by then.
 */
static void load_many(unsigned int gpus)
{
	char params[32], line[40];
	unsigned int made;
	int log;

	vp_unload();
	vp_load_foreign("vgem");
	log = vp_log_open();
	snprintf(params, sizeof(params), "gpus=%u", gpus);
	igt_assert_eq(vp_try_load(params), 0);
	made = vp_gpus();
	igt_info("%u of %u\n", made, gpus);
	snprintf(line, sizeof(line), "made %u of %u GPUs", made, gpus);
	igt_assert_eq(vp_logged(log, line, ""), made < gpus);
	igt_assert_lte(gpus - 8, made);
	for (unsigned int i = 0; i < made; i++)
		close(vp_open(i));
	/* Its number is free, but there is no node for it. */
	if (made < gpus) {
		vp_config_make("more");
		igt_assert_eq(vp_try_config_enable("more"), -ENOSPC);
		vp_unload_foreign("vgem");
		igt_assert_eq(vp_config_enable("more"), made);
		vp_config_remove("more");
	}
	close(log);
	vp_unload_foreign("vgem");
	vp_reload(VP_DEFAULT_GPUS);
}

static void load_with(unsigned int gpus)
{
	char path[300];

	vp_reload(gpus);
	for (unsigned int i = 0; i < gpus; i++) {
		int gpu = vp_open(i);

		igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_GPU_INDEX), i);
		close(gpu);
	}
	igt_assert_eq(vp_node_path(gpus, VP_RENDER, path, sizeof(path)),
		      -ENODEV);
	vp_reload(VP_DEFAULT_GPUS);
}

static void load_without(void)
{
	char path[300];

	vp_reload(0);
	igt_assert(vp_loaded());
	igt_assert_eq(vp_node_path(0, VP_RENDER, path, sizeof(path)), -ENODEV);
	igt_assert_eq(vp_counts().buffers, 0);
	/* Nothing keeps it, either. */
	igt_assert_eq(vp_try_unload(), 0);
	vp_reload(VP_DEFAULT_GPUS);
}

static void load_default(void)
{
	vp_unload();
	igt_assert_eq(vp_try_load(""), 0);
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);
}

static void assert_unload_refused(void)
{
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);
}

static void unload_and_back(void)
{
	vp_unload();
	igt_assert(!vp_loaded());
	vp_reload(VP_DEFAULT_GPUS);
}

static void unload_node_open(enum vp_node node)
{
	int gpu = vp_open_node(1, node);

	assert_unload_refused();
	vp_create(gpu, SIZE);
	assert_unload_refused();
	close(gpu);
	unload_and_back();
}

static void unload_fd_alive(void)
{
	int gpu = vp_open(0);
	int dmabuf = vp_export(gpu, vp_create(gpu, SIZE));
	void *map;

	close(gpu);
	assert_unload_refused();
	map = vp_map_dmabuf(dmabuf, SIZE, RW);
	vp_fill(map, SIZE, 1);
	vp_assert_pattern(map, SIZE, 1);
	vp_unmap(map, SIZE);
	close(dmabuf);
	unload_and_back();
}

static void unload_mapping_alive(bool through_fd)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	int dmabuf = vp_export(gpu, handle);
	void *map = through_fd ? vp_map_dmabuf(dmabuf, SIZE, RW) :
				 vp_map(gpu, handle, SIZE, RW);

	close(dmabuf);
	close(gpu);
	assert_unload_refused();
	vp_fill(map, SIZE, 1);
	vp_assert_pattern(map, SIZE, 1);
	vp_unmap(map, SIZE);
	unload_and_back();
}

static void unload_unplugged(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	void *map = vp_map(gpu, handle, SIZE, RW);

	vp_unplug(0);
	vp_unplug(1);
	/* No GPU is left, but a file and a mapping of one that was. */
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	close(gpu);
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	vp_fill(map, SIZE, 1);
	vp_assert_pattern(map, SIZE, 1);
	vp_unmap(map, SIZE);
	unload_and_back();
}

static void unload_foreign_importer(void)
{
	int gpu = vp_open(0), foreign;
	int dmabuf = vp_export(gpu, vp_create(gpu, SIZE));

	vp_load_foreign("vgem");
	foreign = vp_open_foreign("vgem");
	vp_import(foreign, dmabuf);
	close(dmabuf);
	close(gpu);
	assert_unload_refused();
	close(foreign);
	unload_and_back();
	vp_unload_foreign("vgem");
}

static void load_and_unload(void)
{
	for (int round = 0; round < 10; round++) {
		int gpu, dmabuf;

		vp_reload(1 + (unsigned int)round % 4);
		gpu = vp_open(0);
		dmabuf = vp_export(gpu, vp_create(gpu, SIZE));
		close(gpu);
		igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
		close(dmabuf);
		/* At once: nothing is left to be freed later. */
		igt_assert_eq(vp_try_unload(), 0);
	}
	vp_reload(VP_DEFAULT_GPUS);
}

/* Every ioctl on a file whose GPU is gone, with arguments good and bad. */
static void unplugged_ioctls(enum vp_node node)
{
	int gpu = vp_open_node(0, node), other = vp_open(1), dmabuf, exported;
	uint32_t handle = vp_create(gpu, SIZE);
	uint64_t offset = vp_mmap_offset(gpu, handle);

	exported = vp_export(gpu, handle);
	dmabuf = vp_export(other, vp_create(other, SIZE));
	vp_unplug(0);

	vp_assert_refused(vp_try_create(gpu, SIZE, 0, NULL), ENODEV);
	vp_assert_refused(vp_try_create(gpu, 0, 0, NULL), ENODEV);
	vp_assert_refused(vp_try_info(gpu, handle, 0, NULL), ENODEV);
	vp_assert_refused(vp_try_info(gpu, 4711, 0, NULL), ENODEV);
	vp_assert_refused(vp_try_mmap_offset(gpu, handle, 0, NULL), ENODEV);
	vp_assert_refused(vp_try_param(gpu, DRM_VPRIME_PARAM_GPU_INDEX, 0,
				       NULL), ENODEV);
	vp_assert_refused(vp_try_create_dumb(gpu, 64, 64, 32, NULL), ENODEV);
	vp_assert_refused(vp_try_map_dumb(gpu, handle, NULL), ENODEV);
	vp_assert_refused(vp_try_destroy_dumb(gpu, handle), ENODEV);
	vp_assert_refused(vp_try_export(gpu, handle, DRM_CLOEXEC), ENODEV);
	vp_assert_refused(vp_try_import(gpu, dmabuf, NULL), ENODEV);
	vp_assert_refused(vp_try_import(gpu, exported, NULL), ENODEV);
	vp_assert_refused(vp_try_close(gpu, handle), ENODEV);
	vp_assert_refused(vp_try_mmap(gpu, offset, SIZE, RW, MAP_SHARED, NULL),
			  ENODEV);

	/* What it exported lives on elsewhere. */
	igt_assert_eq(vp_info(other, vp_import(other, exported)).size, SIZE);
	close(gpu);
	close(other);
	close(exported);
	close(dmabuf);
	vp_plug(0);
}

static void unplugged_nodes(void)
{
	char path[2][300];
	int fd;

	igt_assert_eq(vp_node_path(1, VP_PRIMARY, path[0], 300), 0);
	igt_assert_eq(vp_node_path(1, VP_RENDER, path[1], 300), 0);
	vp_unplug(1);
	for (int i = 0; i < 2; i++) {
		fd = open(path[i], O_RDWR | O_CLOEXEC);
		igt_assert_eq(fd, -1);
		igt_assert(errno == ENOENT || errno == ENODEV ||
			   errno == ENXIO);
	}
	igt_assert_eq(vp_gpus(), 1);
	/* The other one has not noticed. */
	fd = vp_open(0);
	igt_assert_eq(vp_param(fd, DRM_VPRIME_PARAM_GPU_INDEX), 0);
	close(fd);
	vp_plug(1);
}

static void plugged_again(void)
{
	int old = vp_open(0), fresh;
	uint32_t handle = vp_create(old, SIZE), again;
	int dmabuf = vp_export(old, handle);
	void *map = vp_map_dmabuf(dmabuf, SIZE, RW);

	vp_fill(map, SIZE, 1);
	vp_unplug(0);
	vp_plug(0);

	/* A GPU of the same name and number, and none of the old one's files. */
	fresh = vp_open(0);
	igt_assert_eq(vp_param(fresh, DRM_VPRIME_PARAM_GPU_INDEX), 0);
	igt_assert_eq(vp_try_info(fresh, handle, 0, NULL), -ENOENT);
	igt_assert_eq(vp_try_info(old, handle, 0, NULL), -ENODEV);
	again = vp_import(fresh, dmabuf);
	igt_assert_eq(vp_info(fresh, again).attached_gpus & 1, 1);
	vp_unmap(map, SIZE);
	close(dmabuf);
	close(old);
	map = vp_map(fresh, again, SIZE, RW);
	vp_assert_pattern(map, SIZE, 1);
	vp_unmap(map, SIZE);
	close(fresh);
}

static void plug_cycles(void)
{
	for (int round = 0; round < 10; round++) {
		int gpu = vp_open(0);
		uint32_t handle = vp_create(gpu, SIZE);
		void *map = vp_map(gpu, handle, SIZE, RW);

		vp_fill(map, SIZE, (uint32_t)round);
		vp_unplug(0);
		/* The order in which the rest goes is another in every round. */
		if (round & 1)
			close(gpu);
		vp_assert_pattern(map, SIZE, (uint32_t)round);
		vp_unmap(map, SIZE);
		if (!(round & 1))
			close(gpu);
		vp_plug(0);
	}
}

igt_main
{
	igt_describe("gpus=0 makes none");
	vp_subtest("load-0-gpus")
		load_without();

	igt_describe("gpus=64 makes as many as the kernel has nodes for beside another driver's, and says so");
	vp_subtest("load-64-gpus")
		load_many(64);

	igt_describe("gpus=65 is EINVAL and says so in the kernel log");
	vp_subtest("load-65-gpus")
		load_refused("gpus=65");

	igt_describe("gpus=-1, 4294967295 and a word are EINVAL and say so");
	vp_subtest("load-nonsense-gpus") {
		load_refused("gpus=-1");
		load_refused("gpus=4294967295");
		load_refused("gpus=many");
	}

	igt_describe("gpus=1 makes exactly one");
	vp_subtest("load-1-gpu")
		load_with(1);

	igt_describe("gpus=7 makes exactly seven");
	vp_subtest("load-7-gpus")
		load_with(7);

	igt_describe("Without the parameter there are two");
	vp_subtest("load-default")
		load_default();

	igt_describe("No unloading while a render node is open");
	vp_subtest("unload-render-open")
		unload_node_open(VP_RENDER);

	igt_describe("No unloading while a primary node is open");
	vp_subtest("unload-primary-open")
		unload_node_open(VP_PRIMARY);

	igt_describe("No unloading while an exported descriptor is all that is left");
	vp_subtest("unload-fd-alive")
		unload_fd_alive();

	igt_describe("No unloading while a handle's mapping is all that is left");
	vp_subtest("unload-mapping-alive")
		unload_mapping_alive(false);

	igt_describe("No unloading while a dma-buf's mapping is all that is left");
	vp_subtest("unload-fd-mapping-alive")
		unload_mapping_alive(true);

	igt_describe("No unloading while a file or a mapping of an unplugged GPU is left");
	vp_subtest("unload-unplugged")
		unload_unplugged();

	igt_describe("No unloading while another driver has an import");
	vp_subtest("unload-foreign-importer")
		unload_foreign_importer();

	igt_describe("Loading and unloading ten times, with one to four GPUs");
	vp_subtest("load-and-unload")
		load_and_unload();

	igt_describe("Every ioctl and mmap of an unplugged GPU's render node is ENODEV");
	vp_subtest("unplugged-ioctls-render")
		unplugged_ioctls(VP_RENDER);

	igt_describe("Every ioctl and mmap of an unplugged GPU's primary node is ENODEV");
	vp_subtest("unplugged-ioctls-primary")
		unplugged_ioctls(VP_PRIMARY);

	igt_describe("An unplugged GPU's nodes cannot be opened");
	vp_subtest("unplugged-nodes")
		unplugged_nodes();

	igt_describe("A GPU that comes back is a new one, which can import the old one's buffers");
	vp_subtest("plugged-again")
		plugged_again();

	igt_describe("Unplugging and plugging ten times, with a file and a mapping open");
	vp_subtest("plug-cycles")
		plug_cycles();
}
