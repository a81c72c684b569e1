// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out while the module is loaded and unloaded, and while its
 * parameters are written. What fails is what the module's own start allocates:
 * the kernel has read and placed it by then.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vp_failslab.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Each allocation in loading the module fails, one after the other");

#define PARAMETERS	"/sys/module/vprime/parameters/"

static struct {
	int file, log;
	unsigned int gpus;
	const char *params;
	const char *value;
} s;

/* ---- loading ---- */

static void open_module(void)
{
	s.file = vp_module_file();
	vp_unload();
}

static void close_module(void)
{
	close(s.file);
	vp_ensure(VP_DEFAULT_GPUS);
}

static void load_none(void)
{
	s.gpus = 0;
	s.params = "gpus=0";
	open_module();
}

static void load_two(void)
{
	s.gpus = 2;
	s.params = "gpus=2";
	open_module();
	s.log = vp_log_open();
}

static int load(void)
{
	return syscall(SYS_finit_module, s.file, s.params, 0) ? -errno : 0;
}

/* It is all there; but for nodes in /dev, which the kernel does without. */
static void use_module(void)
{
	igt_assert_eq(vp_gpus(), s.gpus);
	vp_config_make("fault");
	vp_config_remove("fault");
}

/*
 * The module is there when a GPU is not, and says so; it must be as good as with
 * none, and can be unloaded.
 */
static int load_gpus(void)
{
	unsigned int made, gpus = s.gpus;
	char line[40], text[VP_LOG_LINE];
	const char *error;
	int ret = load();

	if (ret)
		return ret;
	made = vp_gpus();
	snprintf(line, sizeof(line), "made %u of %u GPUs", made, gpus);
	igt_assert_eq(vp_log_lines(s.log, line, "", text), made < gpus);
	if (made == gpus)
		return 0;
	error = strstr(text, "error -");
	igt_assert(error && sscanf(error, "error %d", &ret) == 1);
	s.gpus = made;
	use_module();
	s.gpus = gpus;
	vp_unload();
	return ret;
}

static void close_log(void)
{
	close(s.log);
	close_module();
}

static void must_load(void)
{
	igt_assert_eq(load(), 0);
}

static int unload(void)
{
	return vp_try_unload();
}

/* ---- parameters ---- */

static void open_parameter(const char *file, const char *value)
{
	s.value = value;
	s.file = open(file, O_RDWR | O_CLOEXEC);
	igt_assert_f(s.file >= 0, "%s: %s\n", file, strerror(errno));
}

static void open_strict(void)
{
	open_parameter(PARAMETERS "strict", "1");
}

static void open_enforce(void)
{
	open_parameter(PARAMETERS "enforce_read_only", "1");
}

static int write_parameter(void)
{
	return pwrite(s.file, s.value, 1, 0) < 0 ? -errno : 0;
}

static void assert_parameter(char value)
{
	char is = 0;

	igt_assert_eq(pread(s.file, &is, 1, 0), 1);
	igt_assert_eq(is, value);
}

static void use_parameter(void)
{
	assert_parameter(s.value[0] == '1' ? 'Y' : 'N');
}

static void put_back(void)
{
	igt_assert_eq(pwrite(s.file, s.value[0] == '1' ? "0" : "1", 1, 0), 1);
}

static void close_parameter(void)
{
	assert_parameter(s.value[0] == '1' ? 'N' : 'Y');
	close(s.file);
}

static const struct vp_fault_op ops[] = {
	/*
	 * The kernel writes a stack into its log when there is no new cache; and
	 * calls it EINVAL when a module's folder of drivers is not made.
	 */
	{ .name = "load", .what = "Loading the module without GPUs",
	  .begin = load_none, .call = load, .verify = use_module,
	  .undo = vp_unload, .end = close_module, .least = 10, .every = 2,
	  .errnos = { EINVAL },
	  .within = "do_one_initcall", .spare = "__kmem_cache_create_args" },
	/* See fault_configfs, which has them all, for who is spared and the errno. */
	{ .name = "load-gpus", .what = "Loading the module with two GPUs",
	  .begin = load_two, .call = load_gpus, .verify = use_module,
	  .undo = vp_unload, .end = close_log, .least = 10, .every = 12,
	  .within = "platform_device_register_full",
	  .spare = "drm_sysfs_minor_alloc", .errnos = { EINVAL } },
	{ .name = "unload", .what = "Unloading the module",
	  .begin = load_none, .prepare = must_load, .call = unload,
	  .end = close_module, .may = VP_FAULT_NEVER },

	{ .name = "set-strict", .what = "Writing the parameter strict",
	  .begin = open_strict, .call = write_parameter,
	  .verify = use_parameter, .undo = put_back,
	  .end = close_parameter, .least = 1 },
	{ .name = "set-enforce-read-only",
	  .what = "Writing the parameter enforce_read_only",
	  .begin = open_enforce, .call = write_parameter,
	  .verify = use_parameter, .undo = put_back,
	  .end = close_parameter, .least = 1 },
};

igt_main
{
	vp_fault_begin();
	vp_fault_subtests(ops, VP_ARRAY_SIZE(ops));
	vp_fault_end();
}
