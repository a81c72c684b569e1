// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is root's: every file of the module's in debugfs, configfs and sysfs, also
 * where somebody has mounted debugfs for all to see, so that nothing but the mode
 * of a file stands before it; and what the DRM core keeps for the master of a
 * primary node and for those whom he lets in.
 */
#define _GNU_SOURCE	/* nftw */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vp_nobody.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("What is root's, or the master's, is not everybody's");

#define DEBUGFS		"/sys/kernel/debug"
#define MAX_FILES	4096

/* All that is below a folder, as root sees it. */
static struct entry {
	char path[256];
	mode_t mode;
} entries[MAX_FILES];
static size_t n_entries;

static int collect(const char *path, const struct stat *st, int type,
		   struct FTW *walk)
{
	struct entry *entry = &entries[n_entries];

	(void)walk;
	if (type == FTW_SL || n_entries == MAX_FILES)
		return 0;
	snprintf(entry->path, sizeof(entry->path), "%s", path);
	entry->mode = st->st_mode;
	n_entries++;
	return 0;
}

/* Fails when there is less than one would think: nothing is refused easily. */
static void collect_below(const char *path, size_t least)
{
	size_t before = n_entries;

	igt_assert_eq(nftw(path, collect, 16, FTW_PHYS), 0);
	igt_debug("%zu below %s\n", n_entries - before, path);
	igt_assert_lte(least, n_entries - before);
	igt_assert_lt(n_entries, MAX_FILES);
}

static void assert_refused(int ret, const char *what, const struct entry *entry)
{
	igt_assert_f(ret < 0 && (errno == EACCES || errno == EPERM ||
				 errno == EROFS),
		     "%s: %s: %s\n", entry->path, what,
		     ret < 0 ? strerror(errno) : "done");
}

static void cannot_open(const struct entry *entry, int mode)
{
	assert_refused(open(entry->path, mode | O_CLOEXEC | O_NONBLOCK),
		       mode == O_RDONLY ? "read" : "write", entry);
}

/* Neither what is in it nor what is said of it can be changed. */
static void cannot_change(const struct entry *entry)
{
	char inside[300];

	assert_refused(chmod(entry->path, 0777), "chmod", entry);
	assert_refused(chown(entry->path, VP_NOBODY, VP_NOBODY), "chown",
		       entry);
	if (!S_ISDIR(entry->mode)) {
		cannot_open(entry, O_WRONLY);
		cannot_open(entry, O_RDWR);
		assert_refused(truncate(entry->path, 0), "truncate", entry);
		return;
	}
	snprintf(inside, sizeof(inside), "%s/vprime-new", entry->path);
	assert_refused(mkdir(inside, 0777), "mkdir", entry);
	assert_refused(open(inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0666),
		       "create", entry);
	assert_refused(rmdir(entry->path), "rmdir", entry);
}

static void debugfs(bool opened)
{
	int gpu = vp_open(0);

	/* Something for the files to tell of. */
	vp_fence_attach(gpu, vp_create(gpu, VP_PAGE), true);
	vp_counts();
	n_entries = 0;
	collect_below(DEBUGFS "/vprime", 6);
	if (!access(DEBUGFS "/sync", F_OK))
		collect_below(DEBUGFS "/sync", 2);
	for (size_t i = 0; i < n_entries; i++)
		igt_assert_f(S_ISDIR(entries[i].mode) ||
			     !(entries[i].mode & 0077),
			     "%s: mode %o\n", entries[i].path, entries[i].mode);
	if (opened)
		igt_assert_eq(mount("debugfs", DEBUGFS, "debugfs", MS_REMOUNT,
				    "mode=755"), 0);
	vp_as_nobody {
		igt_assert_eq(!access(DEBUGFS "/vprime", X_OK), opened);
		for (size_t i = 0; i < n_entries; i++) {
			if (!S_ISDIR(entries[i].mode))
				cannot_open(&entries[i], O_RDONLY);
			cannot_change(&entries[i]);
		}
	}
	if (opened)
		igt_assert_eq(mount("debugfs", DEBUGFS, "debugfs", MS_REMOUNT,
				    "mode=700"), 0);
	close(gpu);
}

/* Its attributes may be read: that says no more than DRM_VPRIME_GET_PARAM. */
static void configfs(void)
{
	vp_config_plug("secret", "dma_bits=40");
	n_entries = 0;
	collect_below(VP_CONFIG_DIR, 10);
	vp_as_nobody {
		for (size_t i = 0; i < n_entries; i++)
			cannot_change(&entries[i]);
		igt_assert_eq(vp_try_config_make("theirs"), -EACCES);
		igt_assert_eq(vp_try_config_remove("secret"), -EACCES);
	}
	vp_assert_config("secret", "dma_bits", "40");
	vp_config_remove("secret");
}

static void sysfs(void)
{
	n_entries = 0;
	collect_below("/sys/module/vprime", 10);
	collect_below("/sys/bus/platform/drivers/vprime", 3);
	collect_below("/sys/devices/platform/vprime0", 10);
	for (size_t i = 0; i < n_entries; i++)
		igt_assert_f(!(entries[i].mode & 0022), "%s: mode %o\n",
			     entries[i].path, entries[i].mode);
	vp_as_nobody
		for (size_t i = 0; i < n_entries; i++)
			cannot_change(&entries[i]);
}

static void module(void)
{
	vp_as_nobody {
		igt_assert_eq(vp_try_unload(), -EPERM);
		igt_assert_eq(vp_try_load("gpus=1"), -EPERM);
	}
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);
}

/* ---- the primary node ---- */

/* Of what vprime has, all is everybody's but the names. */
static void not_authenticated(void)
{
	int master = vp_open_node(0, VP_PRIMARY);
	int other = vp_open_node(0, VP_PRIMARY);
	struct drm_gem_flink flink = {
		.handle = vp_create(other, VP_PAGE),
	};
	struct drm_gem_flink named = {
		.handle = vp_create(master, VP_PAGE),
	};
	struct drm_gem_open open = {};
	drm_auth_t auth = {};
	char byte = 1;

	igt_assert_eq(vp_try_ioctl(master, DRM_IOCTL_GEM_FLINK, &named), 0);
	igt_assert_eq(vp_try_ioctl(other, DRM_IOCTL_GEM_FLINK, &flink),
		      -EACCES);
	for (open.name = 0; open.name < 64; open.name++)
		igt_assert_eq(vp_try_ioctl(other, DRM_IOCTL_GEM_OPEN, &open),
			      -EACCES);
	vp_poke(other, flink.handle, 0, &byte, 1);
	close(vp_export(other, flink.handle));

	/* Let in, it may; and nobody lets himself in. */
	igt_assert_eq(vp_try_ioctl(other, DRM_IOCTL_GET_MAGIC, &auth), 0);
	igt_assert_eq(vp_try_ioctl(other, DRM_IOCTL_AUTH_MAGIC, &auth),
		      -EACCES);
	igt_assert_eq(vp_try_ioctl(master, DRM_IOCTL_AUTH_MAGIC, &auth), 0);
	open.name = named.name;
	igt_assert_eq(vp_try_ioctl(other, DRM_IOCTL_GEM_OPEN, &open), 0);
	igt_assert_eq(vp_try_ioctl(other, DRM_IOCTL_GEM_FLINK, &flink), 0);
	close(other);
	close(master);
}

static void not_master(void)
{
	int master = vp_open_node(0, VP_PRIMARY);
	int other = vp_open_node(0, VP_PRIMARY);
	int render = vp_open(0);

	igt_assert_neq(vp_try_ioctl(other, DRM_IOCTL_SET_MASTER, NULL), 0);
	igt_assert_neq(vp_try_ioctl(other, DRM_IOCTL_DROP_MASTER, NULL), 0);
	igt_assert_eq(vp_try_ioctl(render, DRM_IOCTL_SET_MASTER, NULL),
		      -EACCES);
	igt_assert_eq(vp_try_ioctl(render, DRM_IOCTL_DROP_MASTER, NULL),
		      -EACCES);
	/* Who was it may be it again, once there is none. */
	igt_assert_eq(vp_try_ioctl(master, DRM_IOCTL_DROP_MASTER, NULL), 0);
	igt_assert_eq(vp_try_ioctl(other, DRM_IOCTL_SET_MASTER, NULL), -EACCES);
	igt_assert_eq(vp_try_ioctl(master, DRM_IOCTL_SET_MASTER, NULL), 0);
	close(render);
	close(other);
	close(master);
}

igt_main
{
	igt_describe("No file in debugfs is opened, changed or made by others");
	vp_subtest("debugfs")
		debugfs(false);

	igt_describe("Nor when debugfs itself is open to all");
	vp_subtest("debugfs-open-to-all")
		debugfs(true);

	igt_describe("No GPU is made, changed or removed in configfs");
	vp_subtest("configfs")
		configfs();

	igt_describe("No parameter is set, no GPU unplugged or plugged in through sysfs");
	vp_subtest("sysfs")
		sysfs();

	igt_describe("The module is neither loaded nor unloaded");
	vp_subtest("module")
		module();

	igt_describe("Primary node: names for buffers are for those whom the master let in");
	vp_subtest("primary-not-authenticated")
		vp_as_nobody
			not_authenticated();

	igt_describe("Primary node: nobody makes himself master, or unmakes another");
	vp_subtest("primary-not-master")
		vp_as_nobody
			not_master();
}
