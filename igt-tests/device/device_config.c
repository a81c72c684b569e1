// SPDX-License-Identifier: GPL-2.0-only
/*
 * GPUs made with configfs: that they come and go with their folders and are as
 * those say, alone and 64 at once, and what a folder may be called. What each
 * attribute takes, refuses and does is in device_attributes.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vp_test.h"

IGT_TEST_DESCRIPTION("GPUs made with configfs: plugged in, unplugged and removed");

#define GPU		"some"
#define MAX_GPUS	64
#define MAX_SEGMENT	4294963200ull	/* what whole pages are in 32 bits */
#define SIZE		(4 * VP_PAGE)
#define NAME_31		"abcdefghijklmnopqrstuvwxyz-_.09"

static void enable_again(void)
{
	unsigned int first, second;
	uint32_t handle;
	int old, fresh;

	first = vp_config_plug("first", "dma_bits=40");
	second = vp_config_plug("second", "dma_bits=50");
	igt_assert_neq(first, second);
	for (int round = 0; round < 5; round++) {
		old = vp_open(first);
		handle = vp_create(old, SIZE);
		vp_config_disable("first");
		igt_assert_eq(vp_config_index("first"), -1);
		igt_assert_eq(vp_try_info(old, handle, 0, NULL), -ENODEV);
		igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS + 1);

		/* It takes the place that it left, and is as it was. */
		igt_assert_eq(vp_config_enable("first"), first);
		fresh = vp_open(first);
		igt_assert_eq(vp_param(fresh, DRM_VPRIME_PARAM_DMA_BITS), 40);
		igt_assert_eq(vp_try_info(fresh, handle, 0, NULL), -ENOENT);
		igt_assert_eq(vp_try_info(old, handle, 0, NULL), -ENODEV);
		close(old);
		close(fresh);
	}
	/* Changed while it is away. */
	vp_config_disable("first");
	vp_config_set("first", "dma_bits", "32");
	fresh = vp_open(vp_config_enable("first"));
	igt_assert_eq(vp_param(fresh, DRM_VPRIME_PARAM_DMA_BITS), 32);
	close(fresh);
	/* The other one has not noticed any of this. */
	igt_assert_eq(vp_config_index("second"), (int)second);
	fresh = vp_open(second);
	igt_assert_eq(vp_param(fresh, DRM_VPRIME_PARAM_DMA_BITS), 50);
	close(fresh);
	vp_config_remove("first");
	vp_config_remove("second");
}

/* By the driver's own files, as an administrator unplugs any device. */
static void unbind(void)
{
	unsigned int index = vp_config_plug(GPU, "max_segment=8192");
	char path[300];
	int gpu;

	vp_unplug(index);
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);
	vp_plug(index);
	gpu = vp_open(index);
	igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_MAX_SEGMENT), 8192);
	close(gpu);

	/* The folder can do without it. */
	vp_unplug(index);
	vp_config_disable(GPU);
	igt_assert_eq(vp_config_enable(GPU), index);
	vp_unplug(index);
	vp_config_remove(GPU);
	igt_assert_eq(vp_node_path(index, VP_RENDER, path, sizeof(path)),
		      -ENODEV);
	snprintf(path, sizeof(path), "/sys/bus/platform/devices/vprime%u",
		 index);
	igt_assert_eq(access(path, F_OK), -1);
	igt_assert_eq(vp_config_plug(GPU, ""), index);
	vp_config_remove(GPU);
}

struct wanted {
	const char *gpu;
	const char *settings;
	const char *driver;
	uint64_t coherent, dma_bits, max_segment, prime, syncobj, timeline;
};

#define BOTH	(DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT)

static const struct wanted various[] = {
	{ "plain", "", "vprime", 1, 64, MAX_SEGMENT, BOTH, 1, 1 },
	{ "narrow", "dma_bits=32 max_segment=4096 driver_name=vgem", "vgem",
	  1, 32, 4096, BOTH, 1, 1 },
	{ "sink", "prime=import coherent=0 driver_name=display-9", "display-9",
	  0, 64, MAX_SEGMENT, DRM_PRIME_CAP_IMPORT, 1, 1 },
	{ "source", "prime=export syncobj_timeline=0 driver_name=" NAME_31,
	  NAME_31, 1, 64, MAX_SEGMENT, DRM_PRIME_CAP_EXPORT, 1, 0 },
	{ "alone", "prime=none syncobj=0 dma_bits=39 max_segment=2097152",
	  "vprime", 1, 39, 2097152, 0, 0, 0 },
};

static void assert_node(unsigned int index, enum vp_node node,
			const struct wanted *wanted)
{
	int gpu = vp_open_node(index, node);
	drmVersionPtr version = drmGetVersion(gpu);

	igt_assert(version);
	igt_assert_f(!strcmp(version->name, wanted->driver),
		     "%s is of driver %s\n", wanted->gpu, version->name);
	drmFreeVersion(version);
	igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_GPU_INDEX), index);
	igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_COHERENT),
		      wanted->coherent);
	igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_DMA_BITS),
		      wanted->dma_bits);
	igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_MAX_SEGMENT),
		      wanted->max_segment);
	igt_assert_eq(vp_cap(gpu, DRM_CAP_PRIME), wanted->prime);
	igt_assert_eq(vp_cap(gpu, DRM_CAP_SYNCOBJ), wanted->syncobj);
	igt_assert_eq(vp_cap(gpu, DRM_CAP_SYNCOBJ_TIMELINE), wanted->timeline);
	igt_assert_eq(vp_cap(gpu, DRM_CAP_DUMB_BUFFER), 1);
	close(gpu);
}

/* One entry of libdrm's list, a platform device with both nodes. */
static void assert_listed(drmDevicePtr *devices, int n, unsigned int gpu)
{
	char primary[64], render[64];
	int found = 0;

	igt_assert_eq(vp_node_path(gpu, VP_PRIMARY, primary, 64), 0);
	igt_assert_eq(vp_node_path(gpu, VP_RENDER, render, 64), 0);
	for (int i = 0; i < n; i++) {
		if (!(devices[i]->available_nodes & 1 << DRM_NODE_PRIMARY) ||
		    strcmp(devices[i]->nodes[DRM_NODE_PRIMARY], primary))
			continue;
		igt_assert_eq(devices[i]->bustype, DRM_BUS_PLATFORM);
		igt_assert(devices[i]->available_nodes & 1 << DRM_NODE_RENDER);
		igt_assert_eq(strcmp(devices[i]->nodes[DRM_NODE_RENDER],
				     render), 0);
		found++;
	}
	igt_assert_eq(found, 1);
}

static void several(void)
{
	unsigned int index[VP_ARRAY_SIZE(various)];
	int n, listed = drmGetDevices2(0, NULL, 0);
	drmDevicePtr devices[2 * MAX_GPUS];

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(various); i++)
		index[i] = vp_config_plug(various[i].gpu, various[i].settings);
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(various); i++) {
		assert_node(index[i], VP_PRIMARY, &various[i]);
		assert_node(index[i], VP_RENDER, &various[i]);
	}
	/* Those that were there before are as they were. */
	for (unsigned int i = 0; i < VP_DEFAULT_GPUS; i++)
		assert_node(i, VP_RENDER, &various[0]);

	n = drmGetDevices2(0, devices, 2 * MAX_GPUS);
	igt_assert_eq(n, listed + (int)VP_ARRAY_SIZE(various));
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(various); i++)
		assert_listed(devices, n, index[i]);
	drmFreeDevices(devices, n);
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(various); i++)
		vp_config_remove(various[i].gpu);

	igt_assert_eq(drmGetDevices2(0, NULL, 0), listed);
}

static void sixty_four(void)
{
	enum { MADE = MAX_GPUS - VP_DEFAULT_GPUS };
	uint64_t all = (1ull << VP_DEFAULT_GPUS) - 1;
	drmDevicePtr devices[2 * MAX_GPUS];
	char name[16];
	int n;

	/* 6.1 has 64 primary nodes in all: no other driver has room. */
	vp_unload_foreign("vgem");
	vp_unload_foreign("virtio_gpu");

	for (unsigned int i = 0; i < MADE; i++) {
		snprintf(name, sizeof(name), "gpu%u", i);
		vp_config_make(name);
	}
	igt_assert_eq(vp_try_config_make("one-more"), -ENOSPC);
	igt_assert_eq(vp_config_gpus(), MADE);
	for (unsigned int i = 0; i < MADE; i++) {
		snprintf(name, sizeof(name), "gpu%u", i);
		all |= 1ull << vp_config_enable(name);
	}
	igt_assert_eq(all, ~0ull);
	igt_assert_eq(vp_gpus(), MAX_GPUS);
	igt_assert_eq(vp_try_config_make("one-more"), -ENOSPC);
	n = drmGetDevices2(0, devices, 2 * MAX_GPUS);
	for (unsigned int i = 0; i < MAX_GPUS; i++) {
		int gpu = vp_open(i);

		igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_GPU_INDEX), i);
		close(gpu);
		assert_listed(devices, n, i);
	}
	drmFreeDevices(devices, n);

	/* Unplugged it still exists; removed it does not. */
	vp_config_disable("gpu30");
	igt_assert_eq(vp_try_config_make("one-more"), -ENOSPC);
	vp_config_remove("gpu30");
	vp_config_plug("one-more", "");
	igt_assert_eq(vp_try_config_make("gpu30"), -ENOSPC);
	vp_config_clean();
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);
}

/* Where the kernel has too few device nodes, the last GPU does not come up. */
static void no_minors(void)
{
	enum { MADE = MAX_GPUS - VP_DEFAULT_GPUS };
	unsigned int refused = 0;
	char name[16], line[40];
	int ret, log = vp_log_open();

	vp_unload_foreign("virtio_gpu");
	vp_load_foreign("vgem");
	for (unsigned int i = 0; i < MADE; i++) {
		snprintf(name, sizeof(name), "gpu%u", i);
		vp_config_make(name);
		ret = vp_try_config_enable(name);
		if (!ret)
			continue;
		igt_assert_eq(ret, -ENOSPC);
		snprintf(line, sizeof(line), ";vprime: %s: ", name);
		igt_assert_eq(vp_logged(log, line, ""), 1);
		vp_assert_config(name, "enabled", "0");
		vp_assert_config(name, "device", "");
		refused++;
	}
	igt_info("%u GPUs refused\n", refused);
	igt_assert_lte(refused, 1);
	igt_assert_eq(vp_gpus(), MAX_GPUS - refused);
	vp_unload_foreign("vgem");
	for (unsigned int i = 0; i < MADE; i++) {
		snprintf(name, sizeof(name), "gpu%u", i);
		vp_config_enable(name);
	}
	igt_assert_eq(vp_gpus(), MAX_GPUS);
	vp_config_clean();
	close(log);
}

static void unload_refused(void)
{
	vp_config_make(GPU);
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	vp_config_enable(GPU);
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS + 1);
	vp_config_disable(GPU);
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	vp_config_remove(GPU);
	vp_unload();
	igt_assert_eq(access(VP_CONFIG_DIR, F_OK), -1);
	vp_reload(VP_DEFAULT_GPUS);
	igt_assert_eq(vp_config_gpus(), 0);
}

/* The folder goes, its GPU goes; what that left behind keeps the module. */
static void unload_buffer_left(void)
{
	int gpu = vp_config_open(GPU, "");
	int dmabuf = vp_export(gpu, vp_create(gpu, SIZE));

	vp_config_remove(GPU);
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	close(gpu);
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	close(dmabuf);
	vp_unload();
	vp_reload(VP_DEFAULT_GPUS);
}

static void without_gpus(void)
{
	char name[16];

	vp_unload_foreign("vgem");
	vp_unload_foreign("virtio_gpu");
	vp_reload(0);
	igt_assert_eq(vp_config_plug(GPU, "driver_name=only"), 0);
	assert_node(0, VP_RENDER, &(struct wanted){
		GPU, "", "only", 1, 64, MAX_SEGMENT, BOTH, 1, 1 });
	igt_assert_eq(vp_gpus(), 1);
	/* Then all 64 are there to be made. */
	for (unsigned int i = 1; i < MAX_GPUS; i++) {
		snprintf(name, sizeof(name), "gpu%u", i);
		vp_config_make(name);
	}
	igt_assert_eq(vp_try_config_make("one-more"), -ENOSPC);
	vp_config_clean();
	igt_assert_eq(vp_gpus(), 0);
	vp_reload(VP_DEFAULT_GPUS);
}

/* A name is only a name, whatever is in it. */
static void name_works(const char *name)
{
	int log = vp_log_open(), gpu;

	igt_debug("name \"%s\"\n", name);
	vp_config_make(name);
	igt_assert_eq(vp_try_config_make(name), -EEXIST);
	igt_assert_eq(vp_try_config_set(name, "dma_bits", "31"), -ERANGE);
	igt_assert_eq(vp_logged(log, ";vprime: ", ": dma_bits: "), 1);
	/* It makes no line of its own there. */
	igt_assert_eq(vp_try_config_set(name, "dma_bits", "31"), -ERANGE);
	igt_assert_eq(vp_logged(log, "dma_bits", "\\x0a"), 0);
	gpu = vp_open(vp_config_enable(name));
	igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_GPU_INDEX),
		      VP_DEFAULT_GPUS);
	vp_create(gpu, SIZE);
	close(gpu);
	vp_config_remove(name);
	igt_assert_eq(vp_try_config_remove(name), -ENOENT);
	close(log);
}

static void odd_names(void)
{
	static const char *const names[] = {
		"two words", " ", "%s%s%n%p", "gr\xc3\xbcn", "...", "-rf",
		"vprime0", "vprime2", "a:b", "new\nline", "\x01\x7f\xff",
		"\\x41", "*", "enabled", "dma_bits",
	};

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(names); i++)
		name_works(names[i]);
}

static void long_names(void)
{
	char name[257];
	int log;

	memset(name, 'n', sizeof(name));
	name[256] = 0;
	igt_assert_eq(vp_try_config_make(name), -ENAMETOOLONG);
	name[255] = 0;
	name_works(name);
	/* The log has at least the beginning of it. */
	vp_config_make(name);
	log = vp_log_open();
	igt_assert_eq(vp_try_config_set(name, "prime", "some"), -EINVAL);
	vp_config_remove(name);
	name[60] = 0;
	igt_assert_eq(vp_logged(log, name, ": prime: "), 1);
	close(log);
}

static void not_for_everybody(void)
{
	vp_config_make(GPU);
	igt_fork(child, 1) {
		igt_assert_eq(setuid(65534), 0);
		igt_assert_eq(vp_try_config_make("mine"), -EACCES);
		igt_assert_eq(vp_try_config_enable(GPU), -EACCES);
		igt_assert_eq(vp_try_config_set(GPU, "dma_bits", "32"),
			      -EACCES);
		igt_assert_neq(vp_try_config_remove(GPU), 0);
		/* Looking is free. */
		vp_assert_config(GPU, "dma_bits", "64");
		vp_assert_config(GPU, "enabled", "0");
	}
	igt_waitchildren();
	vp_config_remove(GPU);
}

static void only_folders_of_gpus(void)
{
	igt_assert_eq(vp_try_config_make(GPU "/inner"), -ENOENT);
	vp_config_make(GPU);
	igt_assert_eq(vp_try_config_make(GPU "/inner"), -EPERM);
	igt_assert_eq(symlink(VP_CONFIG_DIR "/" GPU, VP_CONFIG_DIR "/link"),
		      -1);
	igt_assert_eq(symlink(VP_CONFIG_DIR, VP_CONFIG_DIR "/" GPU "/link"),
		      -1);
	igt_assert_eq(open(VP_CONFIG_DIR "/" GPU "/file", O_CREAT | O_WRONLY,
			   0644), -1);
	igt_assert_eq(rename(VP_CONFIG_DIR "/" GPU, VP_CONFIG_DIR "/other"),
		      -1);
	igt_assert_eq(vp_config_gpus(), 1);
	vp_config_remove(GPU);
}

static void attribute_outlives(void)
{
	char value[8];
	int enabled, bits;

	vp_config_make(GPU);
	enabled = open(VP_CONFIG_DIR "/" GPU "/enabled", O_WRONLY | O_CLOEXEC);
	bits = open(VP_CONFIG_DIR "/" GPU "/dma_bits", O_RDWR | O_CLOEXEC);
	igt_assert_lte(0, enabled);
	igt_assert_lte(0, bits);
	vp_config_remove(GPU);

	igt_assert_eq(write(enabled, "1", 1), -1);
	igt_assert_eq(errno, ENOENT);
	igt_assert_eq(write(bits, "32", 2), -1);
	igt_assert_eq(errno, ENOENT);
	igt_assert_eq(read(bits, value, sizeof(value)), -1);
	igt_assert_eq(errno, ENOENT);
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);

	/* Nor do they reach the next one of that name. */
	vp_config_make(GPU);
	igt_assert_eq(write(bits, "32", 2), -1);
	vp_assert_config(GPU, "dma_bits", "64");
	vp_config_remove(GPU);
	close(enabled);
	close(bits);
}

/* @ret is success, or says that another process was faster. */
static void assert_race(int ret, int err, int other)
{
	igt_assert_f(ret == 0 || ret == -err || ret == -other, "%s\n",
		     strerror(-ret));
}

static void contest(const char *gpu, int round)
{
	char device[VP_CONFIG_LEN];

	assert_race(vp_try_config_make(gpu), EEXIST, ENOENT);
	assert_race(vp_try_config_set(gpu, "dma_bits", round & 1 ? "32" : "64"),
		    ENOENT, EBUSY);
	assert_race(vp_try_config_enable(gpu), ENOENT, ENOENT);
	assert_race(vp_try_config_get(gpu, "device", device), ENOENT, ENOENT);
	if (round & 2)
		assert_race(vp_try_config_set(gpu, "enabled", "0"), ENOENT,
			    ENOENT);
	assert_race(vp_try_config_remove(gpu), ENOENT, ENOENT);
}

static void processes_contend(void)
{
	igt_fork(child, 4)
		for (int round = 0; round < 40; round++)
			contest(GPU, round + child);
	igt_waitchildren();
	vp_config_clean();
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);
	/* Not one of the 64 places is lost. */
	for (int round = 0; round < MAX_GPUS; round++) {
		vp_config_make(GPU);
		vp_config_remove(GPU);
	}
	igt_assert_eq(vp_config_plug(GPU, ""), VP_DEFAULT_GPUS);
	vp_config_remove(GPU);
}

igt_main
{
	igt_describe("A GPU that is plugged in again is a new one, with what was set meanwhile");
	vp_subtest("enable-again")
		enable_again();

	igt_describe("The driver's bind and unbind files work on a GPU of configfs too");
	vp_subtest("unbind")
		unbind();

	igt_describe("Five different GPUs at once, each seen by libdrm as it was made");
	vp_subtest("several")
		several();

	igt_describe("64 GPUs are there and in libdrm's list; the 65th is ENOSPC");
	vp_subtest("sixty-four")
		sixty_four();

	igt_describe("A GPU for which there are no device nodes left says so, and can come later");
	vp_subtest("no-minors")
		no_minors();

	igt_describe("No unloading while there is a folder");
	vp_subtest("unload-refused")
		unload_refused();

	igt_describe("No unloading while a removed GPU's buffer is left");
	vp_subtest("unload-buffer-left")
		unload_buffer_left();

	igt_describe("Loaded with gpus=0, the first one made is vprime0, and 64 fit");
	vp_subtest("without-gpus")
		without_gpus();

	igt_describe("Names with blanks, per cents, newlines, and names of other things");
	vp_subtest("odd-names")
		odd_names();

	igt_describe("A name of 255 characters works, one of 256 does not");
	vp_subtest("long-names")
		long_names();

	igt_describe("Only root makes and changes GPUs");
	vp_subtest("not-for-everybody")
		not_for_everybody();

	igt_describe("Nothing but folders of GPUs can be made there");
	vp_subtest("only-folders-of-gpus")
		only_folders_of_gpus();

	igt_describe("An attribute's file that is still open reaches nothing after rmdir");
	vp_subtest("attribute-outlives")
		attribute_outlives();

	igt_describe("Four processes make, set, plug in and remove the same GPU");
	vp_subtest("processes-contend")
		processes_contend();
}
