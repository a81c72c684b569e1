// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one GPU does by itself: make buffers, say what they are, map them.
 */
#include <errno.h>
#include <fcntl.h>
#include <dlfcn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <gbm.h>
#include <xf86drm.h>

#include "vp_access.h"
#include "vp_resident.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Buffers of one vprime GPU: create, info, map, limits");

static const enum vp_node nodes[] = { VP_RENDER, VP_PRIMARY };

static void driver_name(void)
{
	for (unsigned int n = 0; n < VP_ARRAY_SIZE(nodes); n++) {
		int gpu = vp_open_node(0, nodes[n]);
		drmVersionPtr version = drmGetVersion(gpu);

		igt_assert(version);
		igt_assert_eq(strcmp(version->name, "vprime"), 0);
		drmFreeVersion(version);
		close(gpu);
	}
}

static void caps(void)
{
	static const struct {
		uint64_t cap, value;
	} wanted[] = {
		{ DRM_CAP_DUMB_BUFFER, 1 },
		{ DRM_CAP_PRIME, DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT },
		{ DRM_CAP_SYNCOBJ, 1 },
		{ DRM_CAP_SYNCOBJ_TIMELINE, 1 },
	};

	for (unsigned int n = 0; n < VP_ARRAY_SIZE(nodes); n++) {
		int gpu = vp_open_node(0, nodes[n]);

		for (unsigned int i = 0; i < VP_ARRAY_SIZE(wanted); i++) {
			uint64_t value = ~0ull;

			igt_assert_eq(drmGetCap(gpu, wanted[i].cap, &value), 0);
			igt_assert_eq(value, wanted[i].value);
		}
		close(gpu);
	}
}

static void syncobj(void)
{
	int gpu = vp_open(0);
	uint64_t point = 0, five = 5;
	uint32_t handle;

	igt_assert_eq(drmSyncobjCreate(gpu, 0, &handle), 0);
	igt_assert_eq(drmSyncobjTimelineSignal(gpu, &handle, &five, 1), 0);
	igt_assert_eq(drmSyncobjQuery(gpu, &handle, &point, 1), 0);
	igt_assert_eq(point, five);
	igt_assert_eq(drmSyncobjDestroy(gpu, handle), 0);
	close(gpu);
}

static void params(void)
{
	for (unsigned int n = 0; n < VP_DEFAULT_GPUS; n++) {
		for (unsigned int i = 0; i < VP_ARRAY_SIZE(nodes); i++) {
			int gpu = vp_open_node(n, nodes[i]);
			uint64_t max = vp_param(gpu, DRM_VPRIME_PARAM_MAX_SIZE);
			uint64_t huge;

			igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_GPU_INDEX),
				      n);
			igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_PAGE_SIZE),
				      (uint64_t)sysconf(_SC_PAGESIZE));
			igt_assert_eq(max % VP_PAGE, 0);
			/* All of the memory, which no kernel gives out whole. */
			igt_assert_lte((uint64_t)sysconf(_SC_AVPHYS_PAGES) *
				       VP_PAGE, max);
			huge = vp_param(gpu, DRM_VPRIME_PARAM_HUGE_PAGE_SIZE);
			igt_assert(huge == 0 || huge == 2 * VP_MIB);
			close(gpu);
		}
	}
}

static void create_and_info(void)
{
	static const struct {
		uint64_t asked, given;
	} sizes[] = {
		{ 1, VP_PAGE },
		{ VP_PAGE - 1, VP_PAGE },
		{ VP_PAGE, VP_PAGE },
		{ VP_PAGE + 1, 2 * VP_PAGE },
		{ 2 * VP_MIB - 1, 2 * VP_MIB },
		{ 2 * VP_MIB + 1, 2 * VP_MIB + VP_PAGE },
	};
	int gpu = vp_open(1);

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(sizes); i++) {
		struct drm_vprime_gem_create create = { .size = sizes[i].asked };
		struct drm_vprime_gem_info info;

		igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_GEM_CREATE,
					   &create), 0);
		igt_assert_neq(create.handle, 0);
		igt_assert_eq(create.size, sizes[i].given);

		info = vp_info(gpu, create.handle);
		igt_assert_eq(info.size, sizes[i].given);
		igt_assert_eq(info.resident, 0);
		igt_assert_eq(info.attached_gpus, 1ull << 1);
		igt_assert_eq(info.attached, 1);
		igt_assert_eq(info.flags, 0);
		igt_assert_eq(strcmp(info.origin, "vprime1"), 0);
		vp_close(gpu, create.handle);
	}
	close(gpu);
}

/* A memory figure of a GPU's file in bytes, as programs like nvtop read it. */
static long long memory_figure(int gpu, const char *name)
{
	char path[64], line[128], key[64], unit[8];
	long long value, figure = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", gpu);
	file = fopen(path, "re");
	igt_assert(file);
	while (fgets(line, sizeof(line), file)) {
		unit[0] = '\0';
		if (sscanf(line, "%63[^:]: %lld %7s", key, &value, unit) < 2 ||
		    strcmp(key, name))
			continue;
		figure = value << (!strcmp(unit, "KiB") ? 10 :
				   !strcmp(unit, "MiB") ? 20 : 0);
	}
	fclose(file);
	return figure;
}

static void fdinfo(void)
{
	struct vp_counts before = vp_counts();
	int gpu = vp_open(0), dmabuf;
	uint32_t handle, shared;
	uint64_t resident;
	char *map;

	/* grep knows whether the DRM core can; what it says is then a must. */
	igt_require_f(!system("grep -q drm_show_memory_stats /proc/kallsyms"),
		      "this kernel's DRM core has no memory statistics\n");
	igt_assert_eq(memory_figure(gpu, "drm-total-memory"), 0);

	handle = vp_create(gpu, 16 * VP_PAGE);
	shared = vp_create(gpu, 4 * VP_PAGE);
	dmabuf = vp_export(gpu, shared);
	igt_assert_eq(memory_figure(gpu, "drm-total-memory"), 20 * VP_PAGE);
	igt_assert_eq(memory_figure(gpu, "drm-shared-memory"), 4 * VP_PAGE);
	/* The DRM core leaves out what there is nothing of. */
	igt_assert_lte(memory_figure(gpu, "drm-resident-memory"), 0);

	map = vp_map(gpu, handle, 16 * VP_PAGE, PROT_READ | PROT_WRITE);
	map[0] = map[VP_PAGE] = map[2 * VP_PAGE] = 1;
	resident = vp_info(gpu, handle).resident;
	vp_assert_resident(resident, 3 * VP_PAGE, 16 * VP_PAGE);
	igt_assert_eq(memory_figure(gpu, "drm-resident-memory"), resident);
	igt_assert_eq(vp_watch(vp_id(gpu, handle))->resident, resident);
	igt_assert_eq(vp_counts().pages - before.pages, resident / VP_PAGE);

	/* The sum of two. */
	vp_gpu_fill(gpu, shared, 4 * VP_PAGE, 1);
	igt_assert_eq(vp_info(gpu, shared).resident, 4 * VP_PAGE);
	igt_assert_eq(memory_figure(gpu, "drm-resident-memory"),
		      resident + 4 * VP_PAGE);
	igt_assert_eq(vp_counts().pages - before.pages,
		      resident / VP_PAGE + 4);

	vp_unmap(map, 16 * VP_PAGE);
	close(dmabuf);
	vp_close(gpu, handle);
	vp_close(gpu, shared);
	igt_assert_eq(memory_figure(gpu, "drm-total-memory"), 0);
	igt_assert_lte(memory_figure(gpu, "drm-resident-memory"), 0);
	close(gpu);
}

static void counts_follow(void)
{
	struct vp_counts before = vp_counts(), now;
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, 4 * VP_PAGE);
	int dmabuf;
	void *map;

	/* If these numbers stood still, every leak check here would be blind. */
	now = vp_counts();
	igt_assert_eq(now.buffers, before.buffers + 1);
	igt_assert_eq(now.views, before.views + 1);
	igt_assert_eq(now.exports, before.exports);
	igt_assert_eq(now.pages, before.pages);

	map = vp_map(gpu, handle, 4 * VP_PAGE, PROT_READ | PROT_WRITE);
	vp_fill(map, 4 * VP_PAGE, 1);
	now = vp_counts();
	igt_assert_lt(before.pages, now.pages);

	dmabuf = vp_export(gpu, handle);
	now = vp_counts();
	igt_assert_eq(now.exports, before.exports + 1);

	close(dmabuf);
	vp_unmap(map, 4 * VP_PAGE);
	vp_close(gpu, handle);
	close(gpu);
}

static void mmap_offset(void)
{
	int gpu = vp_open(0);
	uint32_t a = vp_create(gpu, VP_PAGE), b = vp_create(gpu, VP_PAGE);
	uint64_t offset = vp_mmap_offset(gpu, a), dumb_offset = 0;
	char *map_a, *map_b;

	igt_assert_eq(vp_mmap_offset(gpu, a), offset);
	igt_assert_neq(vp_mmap_offset(gpu, b), offset);
	/* One buffer, one place: the dumb ioctl tells the same. */
	igt_assert_eq(vp_try_map_dumb(gpu, a, &dumb_offset), 0);
	igt_assert_eq(dumb_offset, offset);

	map_a = vp_map(gpu, a, VP_PAGE, PROT_READ | PROT_WRITE);
	map_b = vp_map(gpu, b, VP_PAGE, PROT_READ | PROT_WRITE);
	vp_fill(map_a, VP_PAGE, 1);
	igt_assert(vp_all_zero(map_b, VP_PAGE));
	vp_fill(map_b, VP_PAGE, 2);
	vp_assert_pattern(map_a, VP_PAGE, 1);

	vp_unmap(map_a, VP_PAGE);
	vp_unmap(map_b, VP_PAGE);
	close(gpu);
}

static void dumb(enum vp_node node)
{
	int gpu = vp_open_node(0, node);
	struct drm_mode_create_dumb small = {
		.width = 1, .height = 1, .bpp = 32,
	};
	struct vp_dumb dumb;
	void *map;

	igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_MODE_CREATE_DUMB, &small), 0);
	igt_assert_eq(small.pitch, 64);
	igt_assert_eq(small.size, VP_PAGE);
	igt_assert_eq(vp_try_destroy_dumb(gpu, small.handle), 0);

	/* 100 pixels are 400 bytes, 448 when rounded up to 64. */
	dumb = vp_create_dumb(gpu, 100, 100, 32);
	igt_assert_eq(dumb.pitch, 448);
	igt_assert_eq(dumb.size, 45056);
	igt_assert_eq(vp_info(gpu, dumb.handle).size, dumb.size);
	map = vp_map_dumb(gpu, dumb.handle, dumb.size);
	igt_assert(vp_all_zero(map, dumb.size));
	vp_fill(map, dumb.size, 3);
	vp_assert_pattern(map, dumb.size, 3);
	vp_unmap(map, dumb.size);
	igt_assert_eq(vp_try_destroy_dumb(gpu, dumb.handle), 0);
	igt_assert_eq(vp_try_info(gpu, dumb.handle, 0, NULL), -ENOENT);

	/* 12 bits take 2 bytes, as the DRM core counts them. */
	dumb = vp_create_dumb(gpu, 64, 32, 12);
	igt_assert_eq(dumb.pitch, 128);
	igt_assert_eq(dumb.size, VP_PAGE);
	close(gpu);
}

static void many_handles(void)
{
	enum { COUNT = 20000 };
	struct vp_counts before = vp_counts(), now;
	int gpu = vp_open(0);
	uint32_t *handles = calloc(COUNT, sizeof(*handles));
	uint8_t *seen = calloc(4 * COUNT, 1);
	void *map;

	igt_assert(handles && seen);
	for (int i = 0; i < COUNT; i++) {
		handles[i] = vp_create(gpu, VP_PAGE);
		/* The DRM core gives the smallest free number. */
		igt_assert_lt(handles[i], 4 * COUNT);
		igt_assert_eq(seen[handles[i]]++, 0);
	}
	now = vp_counts();
	igt_assert_eq(now.buffers, before.buffers + COUNT);
	igt_assert_eq(now.pages, before.pages);

	/* The last is as good as the first. */
	map = vp_map(gpu, handles[COUNT - 1], VP_PAGE, PROT_READ | PROT_WRITE);
	vp_fill(map, VP_PAGE, 4);
	vp_assert_pattern(map, VP_PAGE, 4);
	vp_unmap(map, VP_PAGE);

	/* Half by hand, half with the file. */
	for (int i = 0; i < COUNT; i += 2)
		vp_close(gpu, handles[i]);
	now = vp_counts();
	igt_assert_eq(now.buffers, before.buffers + COUNT / 2);
	close(gpu);
	free(handles);
	free(seen);
}

static void max_size(void)
{
	int gpu = vp_open(0);
	uint64_t max = vp_param(gpu, DRM_VPRIME_PARAM_MAX_SIZE);
	uint32_t handle = vp_create(gpu, max);
	struct drm_vprime_gem_info info = vp_info(gpu, handle);
	char *map = vp_map(gpu, handle, max, PROT_READ | PROT_WRITE);

	igt_assert_eq(info.size, max);
	igt_assert_eq(info.resident, 0);
	map[0] = 1;
	map[max - 1] = 2;
	/* Its two ends exist now, and at most a huge page around each. */
	info = vp_info(gpu, handle);
	igt_assert_lte(2 * VP_PAGE, info.resident);
	igt_assert_lte(info.resident, 4 * VP_MIB);
	vp_unmap(map, max);
	close(gpu);
}

static void memory_comes_back(void)
{
	int gpu = vp_open(0);
	const uint64_t size = 16 * VP_MIB;

	for (int round = 0; round < 3; round++) {
		uint32_t handle = vp_create(gpu, size);
		char *map = vp_map(gpu, handle, size, PROT_READ | PROT_WRITE);

		/* What an earlier round wrote must not be seen here. */
		for (uint64_t at = 0; at < size; at += VP_PAGE) {
			igt_assert_eq(map[at], 0);
			map[at] = 0x55;
		}
		vp_unmap(map, size);
		vp_close(gpu, handle);
	}
	close(gpu);
}

static void process_dies(void)
{
	int sock[2];

	vp_socketpair(sock);
	igt_fork(child, 1) {
		int gpu = vp_open(0);
		uint32_t handle = vp_create(gpu, 8 * VP_PAGE);
		void *map = vp_map(gpu, handle, 8 * VP_PAGE,
				   PROT_READ | PROT_WRITE);

		vp_fill(map, 8 * VP_PAGE, 1);
		vp_export(gpu, handle);
		vp_tell(sock[1], 'r');
		pause();
	}
	igt_assert_eq(vp_hear(sock[0]), 'r');
	igt_assert_lt(0, vp_counts().buffers);
	igt_kill_children(9);
	igt_assert_eq(__igt_waitchildren(), 128 + 9);
	close(sock[0]);
	close(sock[1]);
}

#define SYMBOL(lib, name) __typeof__(name) *name##_p = dlsym(lib, #name)

/* In a process of its own, because Mesa leaves threads and files behind. */
static void gbm_in_child(enum vp_node node)
{
	void *lib = dlopen("libgbm.so.1", RTLD_NOW);
	SYMBOL(lib, gbm_create_device);
	SYMBOL(lib, gbm_device_destroy);
	SYMBOL(lib, gbm_bo_create);
	SYMBOL(lib, gbm_bo_destroy);
	SYMBOL(lib, gbm_bo_get_fd);
	SYMBOL(lib, gbm_bo_get_handle);
	SYMBOL(lib, gbm_bo_get_stride);
	int gpu = vp_open_node(0, node), other = vp_open(1), dmabuf;
	struct gbm_device *device;
	struct gbm_bo *bo;
	uint32_t handle;
	size_t size;
	void *map, *own;

	igt_assert_f(lib, "%s\n", dlerror());
	device = gbm_create_device_p(gpu);
	igt_assert(device);
	bo = gbm_bo_create_p(device, 64, 64, GBM_FORMAT_XRGB8888,
			     GBM_BO_USE_RENDERING | GBM_BO_USE_LINEAR);
	igt_assert_f(bo, "gbm_bo_create: %s\n", strerror(errno));
	igt_assert_lte(64 * 4, gbm_bo_get_stride_p(bo));
	size = gbm_bo_get_stride_p(bo) * 64;

	dmabuf = gbm_bo_get_fd_p(bo);
	igt_assert_lte(0, dmabuf);
	handle = vp_import(other, dmabuf);
	igt_assert_eq(strcmp(vp_info(other, handle).origin, "vprime0"), 0);

	own = vp_map(gpu, gbm_bo_get_handle_p(bo).u32, size,
		     PROT_READ | PROT_WRITE);
	vp_fill(own, size, 4);
	map = vp_map(other, handle, size, PROT_READ);
	vp_assert_pattern(map, size, 4);
	vp_unmap(map, size);

	/* GBM may have exported to read; drawing works even so. */
	map = vp_map(other, handle, size, PROT_READ | PROT_WRITE);
	vp_fill(map, size, 5);
	vp_assert_pattern(own, size, 5);
	vp_unmap(own, size);

	gbm_bo_destroy_p(bo);
	gbm_device_destroy_p(device);
	vp_assert_pattern(map, size, 5);
}

static void gbm(enum vp_node node)
{
	igt_fork(child, 1)
		gbm_in_child(node);
	igt_waitchildren();
}

igt_main
{
	igt_describe("Both nodes say that their driver is vprime");
	vp_subtest("driver-name")
		driver_name();

	igt_describe("PRIME both ways, dumb buffers, syncobj and timeline syncobj on both nodes");
	vp_subtest("caps")
		caps();

	igt_describe("A timeline syncobj can be made, signalled and asked on a render node");
	vp_subtest("syncobj")
		syncobj();

	igt_describe("Every parameter has the value its documentation says");
	vp_subtest("get-param")
		params();

	igt_describe("Sizes are rounded up to pages, and GEM_INFO knows a fresh buffer");
	vp_subtest("create-and-info")
		create_and_info();

	igt_describe("The object counts move when objects are made");
	vp_subtest("counts-follow")
		counts_follow();

	igt_describe("Each file's memory is in its fdinfo, where the kernel has that");
	vp_subtest("fdinfo")
		fdinfo();

	igt_describe("A buffer's mmap offset is its own, stays, and leads to its pages");
	vp_subtest("mmap-offset")
		mmap_offset();

	igt_describe("Dumb buffers on the render node: made, mapped, destroyed");
	vp_subtest("dumb-render")
		dumb(VP_RENDER);

	igt_describe("Dumb buffers on the primary node: made, mapped, destroyed");
	vp_subtest("dumb-primary")
		dumb(VP_PRIMARY);

	igt_describe("20,000 buffers live at once, and all go again");
	vp_subtest("many-handles")
		many_handles();

	igt_describe("A buffer as large as MAX_SIZE costs nothing until it is touched");
	vp_subtest("max-size")
		max_size();

	igt_describe("Memory that had another buffer's contents comes back zero");
	vp_subtest("fresh-memory-is-zero")
		memory_comes_back();

	igt_describe("A process that is killed leaves nothing behind");
	vp_subtest("process-dies")
		process_dies();

	igt_describe("GBM allocates on the render node, and another GPU imports it");
	vp_subtest("gbm-render")
		gbm(VP_RENDER);

	igt_describe("GBM allocates on the primary node, and another GPU imports it");
	vp_subtest("gbm-primary")
		gbm(VP_PRIMARY);
}
