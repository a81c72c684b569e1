// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attributes of GPUs made with configfs: what each takes and refuses, and
 * what a GPU can do with it. How far one reaches is in device_reach.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vp_test.h"

IGT_TEST_DESCRIPTION("What each attribute of a GPU takes, refuses and does");

#define GPU		"some"
#define MAX_SEGMENT	4294963200ull	/* what whole pages are in 32 bits */
#define FENCE_TIMEOUT_MS	10000
#define SIZE		(4 * VP_PAGE)
#define RW		(PROT_READ | PROT_WRITE)
#define NAME_31		"abcdefghijklmnopqrstuvwxyz-_.09"

#define MAX_VALUES	12

struct attribute {
	const char *name;
	const char *value;	/* when the folder is new */
	struct {
		const char *written, *read;
	} accepted[MAX_VALUES];
	struct {
		const char *written;
		int err;
	} refused[MAX_VALUES];
};

#define BOOLEAN \
	.accepted = { \
		{ "0", "0" }, { "1", "1" }, { "n", "0" }, { "y", "1" }, \
		{ "off", "0" }, { "on", "1" }, { "0\n", "0" }, \
		{ "1\n", "1" }, \
	}, \
	.refused = { \
		{ "\n", EINVAL }, { "maybe", EINVAL }, { "-1", EINVAL }, \
		{ "2", EINVAL }, { " ", EINVAL }, { "o", EINVAL }, \
	}

static const struct attribute attributes[] = {
	{ .name = "coherent", .value = "1", BOOLEAN },
	{ .name = "enforce_read_only", .value = "0", BOOLEAN },
	{ .name = "export_writable", .value = "1", BOOLEAN },
	{ .name = "syncobj", .value = "1", BOOLEAN },
	{ .name = "syncobj_timeline", .value = "1", BOOLEAN },
	{
		.name = "dma_bits", .value = "64",
		.accepted = {
			{ "32", "32" }, { "33", "33" }, { "63", "63" },
			{ "64", "64" }, { "32\n", "32" }, { "64\n", "64" },
			{ "064", "64" },
		},
		.refused = {
			{ "\n", EINVAL }, { "many", EINVAL }, { "32x", EINVAL },
			{ "3 2", EINVAL }, { "40.0", EINVAL },
			{ "31", ERANGE }, { "65", ERANGE }, { "0", ERANGE },
			/* 32 and 64 again, when bits are lost. */
			{ "4294967328", ERANGE },
			{ "18446744073709551648", ERANGE },
			{ "99999999999999999999999999999999", ERANGE },
		},
	},
	{
		.name = "max_segment", .value = "4294963200",
		.accepted = {
			{ "4096", "4096" }, { "8192", "8192" },
			{ "4294963200", "4294963200" }, { "4096\n", "4096" },
		},
		.refused = {
			{ "\n", EINVAL }, { "4k", EINVAL }, { "page", EINVAL },
			{ "4096 ,", EINVAL },
			{ "0", ERANGE }, { "4095", ERANGE }, { "4097", ERANGE },
			{ "4294963201", ERANGE }, { "4294967296", ERANGE },
			/* 4096 again, when bits are lost. */
			{ "4294971392", ERANGE },
			{ "18446744073709555712", ERANGE },
		},
	},
	{
		.name = "fence_timeout_ms", .value = "10000",
		.accepted = {
			{ "1", "1" }, { "100", "100" }, { "59999", "59999" },
			{ "60000", "60000" }, { "1\n", "1" },
			{ "60000\n", "60000" }, { "0100", "100" },
		},
		.refused = {
			{ "\n", EINVAL }, { "never", EINVAL },
			{ "100ms", EINVAL }, { "1 00", EINVAL },
			{ "0.5", EINVAL }, { "-1", EINVAL },
			{ "0", ERANGE }, { "60001", ERANGE },
			/* 1 and 100 again, when bits are lost. */
			{ "65537", ERANGE }, { "4294967297", ERANGE },
			{ "18446744073709551716", ERANGE },
		},
	},
	{
		.name = "prime", .value = "both",
		.accepted = {
			{ "import", "import" }, { "export", "export" },
			{ "none", "none" }, { "both", "both" },
			{ "import\n", "import" }, { "both\n", "both" },
		},
		.refused = {
			{ "\n", EINVAL }, { "imp", EINVAL }, { "1", EINVAL },
			{ "importer", EINVAL }, { "import export", EINVAL },
			{ "Both", EINVAL }, { "both\n\n", EINVAL },
		},
	},
	{
		.name = "driver_name", .value = "vprime",
		.accepted = {
			{ "x", "x" }, { NAME_31, NAME_31 }, { "vgem", "vgem" },
			{ "A.B-c_9\n", "A.B-c_9" },
			{ NAME_31 "\n", NAME_31 }, { ".", "." },
		},
		.refused = {
			{ "\n", EINVAL }, { "two words", EINVAL },
			{ "a/b", EINVAL }, { "100%", EINVAL },
			{ "gr\xc3\xbcn", EINVAL }, { "a\nb", EINVAL },
			{ "tab\t", EINVAL }, { "a\n\n", EINVAL },
			{ NAME_31 "x", ENAMETOOLONG },
			{ NAME_31 NAME_31 NAME_31 NAME_31 NAME_31,
			  ENAMETOOLONG },
		},
	},
};

/* What a folder reads as: to see that a refused write changed nothing. */
struct snapshot {
	char values[VP_ARRAY_SIZE(attributes)][VP_CONFIG_LEN];
	char enabled[VP_CONFIG_LEN];
	char device[VP_CONFIG_LEN];
	unsigned int gpus;
};

static struct snapshot snapshot(const char *gpu)
{
	struct snapshot shot = { .gpus = vp_gpus() };

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(attributes); i++)
		vp_config_get(gpu, attributes[i].name, shot.values[i]);
	vp_config_get(gpu, "enabled", shot.enabled);
	vp_config_get(gpu, "device", shot.device);
	return shot;
}

static bool unchanged(const struct snapshot *a, const struct snapshot *b)
{
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(attributes); i++)
		if (strcmp(a->values[i], b->values[i]))
			return false;
	return !strcmp(a->enabled, b->enabled) &&
	       !strcmp(a->device, b->device) && a->gpus == b->gpus;
}

/* The write fails, changes nothing, and one line of the log says why. */
static void assert_refused(const char *attribute, const void *value, size_t len,
			   int err)
{
	struct snapshot before = snapshot(GPU), after;
	int log = vp_log_open(), ret;
	unsigned int lines;
	char begin[64];

	ret = vp_try_config_write(GPU, attribute, value, len);
	igt_assert_f(ret == -err, "\"%.*s\" > %s: %s, wanted %s\n", (int)len,
		     (const char *)value, attribute, strerror(-ret),
		     strerror(err));
	snprintf(begin, sizeof(begin), ";vprime: " GPU ": %s: ", attribute);
	lines = vp_logged(log, begin, "");
	igt_assert_f(lines == 1, "\"%.*s\" > %s: %u lines in the log\n",
		     (int)len, (const char *)value, attribute, lines);
	after = snapshot(GPU);
	igt_assert(unchanged(&before, &after));
	close(log);
}

static void accepts(const struct attribute *attribute)
{
	vp_config_make(GPU);
	vp_assert_config(GPU, attribute->name, attribute->value);
	for (unsigned int i = 0; attribute->accepted[i].written; i++) {
		vp_config_set(GPU, attribute->name,
			      attribute->accepted[i].written);
		vp_assert_config(GPU, attribute->name,
				 attribute->accepted[i].read);
		/* None of it keeps the GPU from coming up. */
		vp_config_enable(GPU);
		vp_assert_config(GPU, attribute->name,
				 attribute->accepted[i].read);
		vp_config_disable(GPU);
		vp_assert_config(GPU, attribute->name,
				 attribute->accepted[i].read);
	}
	vp_config_remove(GPU);
}

static void refuses(const struct attribute *attribute)
{
	vp_config_make(GPU);
	for (unsigned int i = 0; attribute->refused[i].written; i++)
		assert_refused(attribute->name, attribute->refused[i].written,
			       strlen(attribute->refused[i].written),
			       attribute->refused[i].err);
	assert_refused(attribute->name, "", 1, EINVAL);
	vp_config_enable(GPU);
	vp_config_remove(GPU);
}

static void busy(const struct attribute *attribute)
{
	vp_config_plug(GPU, "");
	for (unsigned int i = 0; attribute->accepted[i].written; i++)
		assert_refused(attribute->name, attribute->accepted[i].written,
			       strlen(attribute->accepted[i].written), EBUSY);
	assert_refused(attribute->name, attribute->value,
		       strlen(attribute->value), EBUSY);
	vp_config_disable(GPU);
	vp_config_set(GPU, attribute->name, attribute->accepted[0].written);
	vp_assert_config(GPU, attribute->name, attribute->accepted[0].read);
	vp_config_remove(GPU);
}

static void overlong(void)
{
	char name[3000];

	memset(name, 'x', sizeof(name));
	vp_config_make(GPU);
	assert_refused("driver_name", name, 32, ENAMETOOLONG);
	assert_refused("driver_name", name, 33, ENAMETOOLONG);
	assert_refused("driver_name", name, sizeof(name), ENAMETOOLONG);
	assert_refused("prime", name, sizeof(name), EINVAL);
	assert_refused("coherent", name, sizeof(name), EINVAL);
	assert_refused("enabled", name, sizeof(name), EINVAL);
	assert_refused("dma_bits", name, sizeof(name), EINVAL);
	memset(name, '9', sizeof(name));
	assert_refused("dma_bits", name, sizeof(name), ERANGE);
	assert_refused("max_segment", name, sizeof(name), ERANGE);
	assert_refused("fence_timeout_ms", name, sizeof(name), ERANGE);
	vp_config_remove(GPU);
}

static void defaults(void)
{
	int gpu;

	vp_config_make(GPU);
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(attributes); i++)
		vp_assert_config(GPU, attributes[i].name, attributes[i].value);
	vp_assert_config(GPU, "enabled", "0");
	vp_assert_config(GPU, "device", "");
	/* A folder is no GPU yet. */
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);

	igt_assert_eq(vp_config_enable(GPU), VP_DEFAULT_GPUS);
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS + 1);
	vp_assert_config(GPU, "enabled", "1");
	vp_assert_config(GPU, "device", "vprime2");
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(attributes); i++)
		vp_assert_config(GPU, attributes[i].name, attributes[i].value);

	/* And one of gpus= is as one with the defaults. */
	for (unsigned int i = 0; i < VP_DEFAULT_GPUS + 1; i++) {
		gpu = vp_open(i);
		igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_GPU_INDEX), i);
		igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_COHERENT), 1);
		igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_DMA_BITS), 64);
		igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_MAX_SEGMENT),
			      MAX_SEGMENT);
		igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS),
			      FENCE_TIMEOUT_MS);
		close(gpu);
	}
	vp_config_remove(GPU);
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);
}

static void enabled(void)
{
	static const struct {
		const char *written, *read;
	} writes[] = {
		{ "0", "0" }, { "1", "1" }, { "1\n", "1" }, { "y", "1" },
		{ "0\n", "0" }, { "0", "0" }, { "on", "1" }, { "off", "0" },
		{ "y", "1" }, { "n", "0" },
	};
	static const char *const nonsense[] = { "\n", "maybe", "-1", " " };

	vp_config_make(GPU);
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(writes); i++) {
		vp_config_set(GPU, "enabled", writes[i].written);
		vp_assert_config(GPU, "enabled", writes[i].read);
		igt_assert_eq(vp_config_index(GPU),
			      writes[i].read[0] == '1' ? VP_DEFAULT_GPUS : -1);
		for (unsigned int n = 0; n < VP_ARRAY_SIZE(nonsense); n++)
			assert_refused("enabled", nonsense[n],
				       strlen(nonsense[n]), EINVAL);
	}
	vp_config_remove(GPU);
}

static void read_only_device(void)
{
	vp_config_make(GPU);
	igt_assert_eq(vp_try_config_set(GPU, "device", "vprime7"), -EACCES);
	vp_assert_config(GPU, "device", "");
	vp_config_enable(GPU);
	igt_assert_eq(vp_try_config_set(GPU, "device", "vprime7"), -EACCES);
	vp_assert_config(GPU, "device", "vprime2");
	vp_config_remove(GPU);
}

/* What prime= leaves works as ever; the rest is ENOSYS without a trace. */
static void prime(const char *settings, bool imports, bool exports)
{
	unsigned int index = vp_config_plug(GPU, settings);
	static const enum vp_node nodes[] = { VP_RENDER, VP_PRIMARY };
	int other = vp_open(0);
	int dmabuf = vp_export(other, vp_create(other, SIZE));
	void *theirs = vp_map_dmabuf(dmabuf, SIZE, RW), *map;

	vp_fill(theirs, SIZE, 1);
	for (unsigned int n = 0; n < VP_ARRAY_SIZE(nodes); n++) {
		int gpu = vp_open_node(index, nodes[n]), own;
		uint32_t handle = vp_create(gpu, SIZE);

		igt_assert_eq(vp_cap(gpu, DRM_CAP_PRIME),
			      (imports ? DRM_PRIME_CAP_IMPORT : 0) |
			      (exports ? DRM_PRIME_CAP_EXPORT : 0));
		/* By itself it is as able as any. */
		map = vp_map(gpu, handle, SIZE, RW);
		vp_fill(map, SIZE, 2);

		if (exports) {
			own = vp_export(gpu, handle);
			vp_unmap(map, SIZE);
			map = vp_map(other, vp_import(other, own), SIZE, RW);
			vp_assert_pattern(map, SIZE, 2);
			/* Its own fd is no exception to what it imports. */
			if (imports)
				igt_assert_eq(vp_import(gpu, own), handle);
			else
				vp_assert_refused(vp_try_import(gpu, own, NULL),
						  ENOSYS);
			close(own);
		} else {
			vp_assert_refused(vp_try_export(gpu, handle, 0),
					  ENOSYS);
			vp_assert_refused(vp_try_export(gpu, handle,
							DRM_CLOEXEC | DRM_RDWR),
					  ENOSYS);
			vp_assert_refused(vp_try_export(gpu, 4711, 0), ENOSYS);
		}
		vp_unmap(map, SIZE);

		if (imports) {
			handle = vp_import(gpu, dmabuf);
			map = vp_map(gpu, handle, SIZE, RW);
			vp_assert_pattern(map, SIZE, 1);
			vp_unmap(map, SIZE);
			/* An import is not exported again, either. */
			if (!exports)
				vp_assert_refused(vp_try_export(gpu, handle, 0),
						  ENOSYS);
		} else {
			vp_assert_refused(vp_try_import(gpu, dmabuf, NULL),
					  ENOSYS);
			vp_assert_refused(vp_try_import(gpu, -1, NULL), ENOSYS);
		}
		close(gpu);
	}
	vp_unmap(theirs, SIZE);
	close(dmabuf);
	close(other);
	vp_config_remove(GPU);
}

static int try_syncobj(int gpu, unsigned long request)
{
	/* Nothing in it is wrong but that it is asked. */
	char args[64] = {};

	return vp_try_ioctl(gpu, request, args);
}

static const unsigned long syncobj_ioctls[] = {
	DRM_IOCTL_SYNCOBJ_CREATE, DRM_IOCTL_SYNCOBJ_DESTROY,
	DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE,
	DRM_IOCTL_SYNCOBJ_WAIT, DRM_IOCTL_SYNCOBJ_RESET,
	DRM_IOCTL_SYNCOBJ_SIGNAL,
};

static const unsigned long timeline_ioctls[] = {
	DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, DRM_IOCTL_SYNCOBJ_QUERY,
	DRM_IOCTL_SYNCOBJ_TRANSFER, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL,
};

static void assert_no_timeline(int gpu)
{
	igt_assert_eq(vp_cap(gpu, DRM_CAP_SYNCOBJ_TIMELINE), 0);
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(timeline_ioctls); i++)
		igt_assert_eq(try_syncobj(gpu, timeline_ioctls[i]),
			      -EOPNOTSUPP);
}

static void no_syncobj(const char *settings)
{
	int gpu = vp_config_open(GPU, settings), other;

	igt_assert_eq(vp_cap(gpu, DRM_CAP_SYNCOBJ), 0);
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(syncobj_ioctls); i++)
		igt_assert_eq(try_syncobj(gpu, syncobj_ioctls[i]),
			      -EOPNOTSUPP);
	assert_no_timeline(gpu);

	/* The others have not lost theirs. */
	other = vp_open(0);
	igt_assert_eq(try_syncobj(other, DRM_IOCTL_SYNCOBJ_CREATE), 0);
	close(other);
	close(gpu);
	vp_config_remove(GPU);
}

static void no_timeline(void)
{
	int gpu = vp_config_open(GPU, "syncobj_timeline=0"), other;
	uint64_t point = 1;
	uint32_t syncobj;

	igt_assert_eq(vp_cap(gpu, DRM_CAP_SYNCOBJ), 1);
	assert_no_timeline(gpu);
	igt_assert_eq(drmSyncobjCreate(gpu, 0, &syncobj), 0);
	igt_assert_eq(drmSyncobjSignal(gpu, &syncobj, 1), 0);
	igt_assert_eq(drmSyncobjWait(gpu, &syncobj, 1, 0, 0, NULL), 0);
	igt_assert_eq(drmSyncobjDestroy(gpu, syncobj), 0);

	other = vp_open(0);
	igt_assert_eq(drmSyncobjCreate(other, 0, &syncobj), 0);
	igt_assert_eq(drmSyncobjTimelineSignal(other, &syncobj, &point, 1), 0);
	close(other);
	close(gpu);
	vp_config_remove(GPU);
}

static void attribute_subtests(const struct attribute *attribute)
{
	char name[64];

	snprintf(name, sizeof(name), "accepts-%s", attribute->name);
	igt_describe("Each value that this attribute may have is taken, read back and works");
	vp_subtest(name)
		accepts(attribute);

	snprintf(name, sizeof(name), "refuses-%s", attribute->name);
	igt_describe("Other values of this attribute are refused, and the kernel log says why");
	vp_subtest(name)
		refuses(attribute);

	snprintf(name, sizeof(name), "busy-%s", attribute->name);
	igt_describe("This attribute stays as it is while the GPU is plugged in");
	vp_subtest(name)
		busy(attribute);
}

igt_main
{
	igt_describe("A new GPU is as one of gpus=, and not plugged in yet");
	vp_subtest("defaults")
		defaults();

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(attributes); i++)
		attribute_subtests(&attributes[i]);

	igt_describe("Values of thousands of characters are refused");
	vp_subtest("refuses-overlong")
		overlong();

	igt_describe("enabled plugs in and unplugs, in all spellings, and refuses nonsense");
	vp_subtest("enabled")
		enabled();

	igt_describe("device tells where the GPU is, and cannot be written");
	vp_subtest("device-read-only")
		read_only_device();

	igt_describe("prime=import: imports as ever, and exports nothing");
	vp_subtest("prime-import")
		prime("prime=import", true, false);

	igt_describe("prime=export: exports as ever, and imports nothing");
	vp_subtest("prime-export")
		prime("prime=export", false, true);

	igt_describe("prime=none: a GPU for itself");
	vp_subtest("prime-none")
		prime("prime=none", false, false);

	igt_describe("prime=both is what a GPU is without it");
	vp_subtest("prime-both")
		prime("prime=both", true, true);

	igt_describe("syncobj=0: no syncobjs, and no timelines whatever syncobj_timeline says");
	vp_subtest("syncobj-off") {
		no_syncobj("syncobj=0");
		no_syncobj("syncobj=0 syncobj_timeline=0");
	}

	igt_describe("syncobj_timeline=0: syncobjs without timelines");
	vp_subtest("timeline-off")
		no_timeline();
}
