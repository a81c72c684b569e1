// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out while GPUs are made, changed, plugged in and out, and removed:
 * in configfs, and by the driver's bind and unbind files.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vp_failslab.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Each allocation in making and unplugging GPUs fails, one after the other");

#define NAME		"fault"
/* Longer than configfs has room for in what the module gives it. */
#define LONG_NAME	"a-gpu-whose-name-is-longer-than-most"
#define MOST_GPUS	64
#define DRIVER_DIR	"/sys/bus/platform/drivers/vprime/"

/* What the call that is swept needs, and what it has made. */
static struct {
	const char *name;
	const char *attribute;
	const char *value;
	char path[128];
	int file;
} s;

/* Who uses a GPU that is unplugged. */
static struct {
	int gpu, other, dmabuf, sync;
	uint32_t handle;
	void *map;
} busy;

/* ---- folders ---- */

static void name_folder(void)
{
	s.name = NAME;
	snprintf(s.path, sizeof(s.path), VP_CONFIG_DIR "/%s", s.name);
}

static void name_long_folder(void)
{
	s.name = LONG_NAME;
	snprintf(s.path, sizeof(s.path), VP_CONFIG_DIR "/%s", s.name);
}

static int make_folder(void)
{
	return mkdir(s.path, 0755) ? -errno : 0;
}

/* Its attributes work, and complain of what is none by the folder's name. */
static void use_folder(void)
{
	igt_assert_eq(vp_try_config_set(s.name, "coherent", "2"), -EINVAL);
	vp_config_set(s.name, "coherent", "0");
	vp_assert_config(s.name, "coherent", "0");
}

static int drop_folder(void)
{
	return rmdir(s.path) ? -errno : 0;
}

static void must_drop_folder(void)
{
	igt_assert_eq(drop_folder(), 0);
}

static void must_make_folder(void)
{
	igt_assert_eq(make_folder(), 0);
}

static void make_plugged(void)
{
	must_make_folder();
	vp_config_enable(s.name);
}

/* ---- attributes ---- */

static void open_attribute(const char *attribute, const char *value)
{
	char path[160];

	name_folder();
	must_make_folder();
	s.attribute = attribute;
	s.value = value;
	snprintf(path, sizeof(path), "%s/%s", s.path, attribute);
	s.file = open(path, O_RDWR | O_CLOEXEC);
	igt_assert_f(s.file >= 0, "%s: %s\n", path, strerror(errno));
}

static void close_attribute(void)
{
	close(s.file);
	must_drop_folder();
}

static int write_attribute(void)
{
	return pwrite(s.file, s.value, strlen(s.value), 0) < 0 ? -errno : 0;
}

static void use_attribute(void)
{
	vp_assert_config(s.name, s.attribute, s.value);
}

#define ATTRIBUTE(function, attribute, value) \
static void function(void) \
{ \
	open_attribute(attribute, value); \
}

ATTRIBUTE(open_coherent, "coherent", "0")
ATTRIBUTE(open_dma_bits, "dma_bits", "40")
ATTRIBUTE(open_max_segment, "max_segment", "65536")
ATTRIBUTE(open_prime, "prime", "import")
ATTRIBUTE(open_syncobj, "syncobj", "0")
ATTRIBUTE(open_syncobj_timeline, "syncobj_timeline", "0")
ATTRIBUTE(open_fence_timeout_ms, "fence_timeout_ms", "5000")
ATTRIBUTE(open_enforce_read_only, "enforce_read_only", "1")
ATTRIBUTE(open_export_writable, "export_writable", "0")
ATTRIBUTE(open_driver_name, "driver_name", "fault.ed")
ATTRIBUTE(open_enabled, "enabled", "1")

static int read_attribute(void)
{
	char text[64];

	return pread(s.file, text, sizeof(text), 0) < 0 ? -errno : 0;
}

/* Each opening has a page of its own, which the first read makes. */
static void open_fresh(void)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/driver_name", s.path);
	s.file = open(path, O_RDONLY | O_CLOEXEC);
	igt_assert_lte(0, s.file);
}

static void close_fresh(void)
{
	close(s.file);
}

/* ---- plugging in and out ---- */

static void write_value(const char *value)
{
	igt_assert_eq(pwrite(s.file, value, 1, 0), 1);
}

/* The node may be missing: making that is not part of making a device. */
static void use_gpu(void)
{
	vp_assert_config(s.name, "enabled", "1");
	igt_assert_lte(VP_DEFAULT_GPUS, vp_config_index(s.name));
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS + 1);
}

static void unplug(void)
{
	write_value("0");
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);
}

static void plug(void)
{
	write_value("1");
}

static void open_disabling(void)
{
	open_attribute("enabled", "0");
}

static void use_unplugged(void)
{
	vp_assert_config(s.name, "enabled", "0");
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);
}

static void open_binding(const char *file)
{
	s.value = "vprime1";
	s.file = open(file, O_WRONLY | O_CLOEXEC);
	igt_assert_lte(0, s.file);
}

static void open_bind(void)
{
	open_binding(DRIVER_DIR "bind");
}

static void open_unbind(void)
{
	open_binding(DRIVER_DIR "unbind");
}

static void close_binding(void)
{
	close(s.file);
	vp_ensure(VP_DEFAULT_GPUS);
}

static void unbind(void)
{
	vp_unplug(1);
}

static void bind(void)
{
	vp_plug(1);
}

/* With all that a client of the GPU can have, and share with another GPU. */
static void make_busy(void)
{
	uint32_t word = 1, timeline;

	busy.gpu = vp_open(1);
	busy.other = vp_open(0);
	busy.handle = vp_create(busy.gpu, VP_PAGE);
	vp_poke(busy.gpu, busy.handle, 0, &word, sizeof(word));
	busy.map = vp_map(busy.gpu, busy.handle, VP_PAGE, PROT_READ);
	busy.dmabuf = vp_export(busy.gpu, busy.handle);
	vp_peek(busy.other, vp_import(busy.other, busy.dmabuf), 0, &word,
		sizeof(word));
	vp_fence_attach(busy.gpu, busy.handle, true);
	timeline = vp_timeline(busy.gpu, "fault");
	busy.sync = vp_fence(busy.gpu, timeline, NULL);
}

static void drop_busy(void)
{
	igt_assert_eq(vp_sync_state(busy.sync), -ENODEV);
	close(busy.sync);
	close(busy.dmabuf);
	vp_unmap(busy.map, VP_PAGE);
	close(busy.other);
	close(busy.gpu);
	bind();
}

/* When this fails the DRM core of 6.12 puts a device that is an errno. */
#define DRM_OOPS	"drm_sysfs_minor_alloc"

#define STORE(name_, open_) \
	{ .name = "set-" name_, .what = "Writing the attribute " name_, \
	  .begin = open_, .call = write_attribute, .verify = use_attribute, \
	  .end = close_attribute, .least = 1 }

static const struct vp_fault_op ops[] = {
	{ .name = "mkdir", .what = "Making a GPU's folder",
	  .begin = name_folder, .call = make_folder, .verify = use_folder,
	  .undo = must_drop_folder, .least = 5 },
	{ .name = "mkdir-long", .what = "Making a GPU's folder with a long name",
	  .begin = name_long_folder, .call = make_folder,
	  .verify = use_folder, .undo = must_drop_folder, .least = 6 },
	{ .name = "rmdir", .what = "Removing a GPU's folder",
	  .begin = name_folder, .prepare = must_make_folder,
	  .call = drop_folder },
	{ .name = "rmdir-enabled",
	  .what = "Removing a GPU's folder while it is plugged in",
	  .begin = name_folder, .prepare = make_plugged,
	  .call = drop_folder },

	STORE("coherent", open_coherent),
	STORE("dma_bits", open_dma_bits),
	STORE("max_segment", open_max_segment),
	STORE("prime", open_prime),
	STORE("syncobj", open_syncobj),
	STORE("syncobj_timeline", open_syncobj_timeline),
	STORE("fence_timeout_ms", open_fence_timeout_ms),
	STORE("enforce_read_only", open_enforce_read_only),
	STORE("export_writable", open_export_writable),
	STORE("driver_name", open_driver_name),
	{ .name = "get", .what = "Reading an attribute",
	  .begin = open_driver_name, .prepare = open_fresh,
	  .call = read_attribute, .finish = close_fresh,
	  .end = must_drop_folder, .least = 1 },

	/* The platform bus calls it EINVAL when it has no memory for a name. */
	{ .name = "enable", .what = "Plugging a GPU in",
	  .begin = open_enabled, .call = write_attribute, .verify = use_gpu,
	  .undo = unplug, .end = close_attribute, .least = 50,
	  .errnos = { EINVAL }, .spare = DRM_OOPS },
	{ .name = "disable", .what = "Unplugging a GPU",
	  .begin = open_disabling, .prepare = plug, .call = write_attribute,
	  .verify = use_unplugged, .end = close_attribute, .least = 1,
	  .most = 2 },
	{ .name = "bind", .what = "Plugging a GPU in by the driver's file",
	  .begin = open_bind, .prepare = unbind, .call = write_attribute,
	  .end = close_binding, .least = 50, .spare = DRM_OOPS },
	/* The kernel copies what is written; from there on nothing may fail. */
	{ .name = "unbind", .what = "Unplugging a GPU by the driver's file",
	  .begin = open_unbind, .call = write_attribute, .undo = bind,
	  .end = close_binding, .least = 1, .most = 1 },
	{ .name = "unbind-busy", .what = "Unplugging a GPU that is in use",
	  .begin = open_unbind, .prepare = make_busy, .call = write_attribute,
	  .finish = drop_busy, .end = close_binding, .least = 1, .most = 1 },
};

/* A number that was not given back is missed when all are wanted. */
static void all_numbers(void)
{
	char name[16];

	for (int i = VP_DEFAULT_GPUS; i < MOST_GPUS; i++) {
		snprintf(name, sizeof(name), "%d", i);
		vp_config_make(name);
	}
	igt_assert_eq(vp_try_config_make("more"), -ENOSPC);
	vp_config_clean();
}

igt_main
{
	vp_fault_begin();
	vp_fault_subtests(ops, VP_ARRAY_SIZE(ops));

	igt_describe("After all that failed there can be as many GPUs as before");
	vp_subtest("all-numbers")
		all_numbers();
	vp_fault_end();
}
