// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vp_fence.h"
#include "vp_igt.h"
#include "vp_module.h"

#define DRIVER_DIR	"/sys/bus/platform/drivers/vprime"
#define MAX_CARDS	64
#define POLL_MS		10

/* What vp_enforce_read_only() was told last. */
static bool enforced;

bool vp_kernel_is_debug(void)
{
	return access("/sys/kernel/debug/kmemleak", F_OK) == 0;
}

static void module_path(const char *module, char ko[256])
{
	const char *build = getenv("VPRIME_BUILD");

	igt_assert_f(build, "VPRIME_BUILD does not say where %s.ko is\n",
		     module);
	snprintf(ko, 256, "%s/%s.ko", build, module);
}

/* The kernel does not look for what a module needs: that is modprobe's work. */
static void load_dependencies(const char *ko)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "for m in $(modinfo -F depends '%s' | tr ',' ' '); do modprobe \"$m\" || exit 1; done",
		 ko);
	igt_assert_eq(system(command), 0);
}

static int open_file(const char *ko)
{
	int fd = open(ko, O_RDONLY | O_CLOEXEC);

	igt_assert_f(fd >= 0, "%s: %s\n", ko, strerror(errno));
	return fd;
}

int vp_module_file(void)
{
	char ko[256];

	module_path("vprime", ko);
	load_dependencies(ko);
	return open_file(ko);
}

static int load(const char *ko, const char *params)
{
	int fd = open_file(ko), ret;

	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

int vp_try_load(const char *params)
{
	static bool loaded_dependencies;
	char ko[256];

	module_path("vprime", ko);
	if (!loaded_dependencies)
		load_dependencies(ko);
	loaded_dependencies = true;
	return load(ko, params);
}

int vp_try_unload(void)
{
	return vp_try_unload_module("vprime");
}

int vp_try_load_module(const char *module)
{
	char ko[256];

	module_path(module, ko);
	/* Each time: modprobe -r takes away what nobody needs any more. */
	load_dependencies(ko);
	return load(ko, "");
}

int vp_try_unload_module(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK) ? -errno : 0;
}

bool vp_loaded(void)
{
	return access("/sys/module/vprime", F_OK) == 0;
}

unsigned int vp_gpus(void)
{
	DIR *dir = opendir(DRIVER_DIR);
	unsigned int n, gpus = 0;
	struct dirent *entry;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "vprime%u", &n) == 1)
			gpus++;
	closedir(dir);
	return gpus;
}

void vp_unload(void)
{
	int ret = -EWOULDBLOCK;

	/* What another process held is let go a moment after its death. */
	for (int ms = 0; ret == -EWOULDBLOCK && ms < VP_PATIENCE_MS; ms += POLL_MS) {
		if (ms)
			usleep(POLL_MS * 1000);
		ret = vp_try_unload();
	}
	igt_assert_f(ret == 0, "unloading vprime: %s\n", strerror(-ret));
}

void vp_reload(unsigned int gpus)
{
	char params[48];
	int ret;

	if (vp_loaded())
		vp_unload();
	snprintf(params, sizeof(params), "gpus=%u enforce_read_only=%d", gpus,
		 enforced);
	ret = vp_try_load(params);
	igt_assert_f(ret == 0, "loading vprime %s: %s\n", params,
		     strerror(-ret));
	igt_assert_eq(vp_gpus(), gpus);
}

/* A test of the parameter may have failed with it set. */
static bool has(const char *parameter, bool on)
{
	char path[80], is = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/vprime/parameters/%s",
		 parameter);
	file = fopen(path, "re");
	if (file) {
		is = (char)fgetc(file);
		fclose(file);
	}
	return is == (on ? 'Y' : 'N');
}

void vp_ensure(unsigned int gpus)
{
	if (!vp_loaded() || vp_gpus() != gpus || !has("user_fences", true) ||
	    !has("enforce_read_only", enforced) || !has("export_writable", true))
		vp_reload(gpus);
}

void vp_enforce_read_only(bool on)
{
	enforced = on;
	vp_ensure(VP_DEFAULT_GPUS);
}

static void write_driver_file(const char *file, unsigned int gpu)
{
	char path[80], name[32];
	int fd, len;

	snprintf(path, sizeof(path), DRIVER_DIR "/%s", file);
	len = snprintf(name, sizeof(name), "vprime%u", gpu);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
	igt_assert_f(write(fd, name, (size_t)len) == len, "%s > %s: %s\n", name,
		     path, strerror(errno));
	close(fd);
}

void vp_unplug(unsigned int gpu)
{
	write_driver_file("unbind", gpu);
}

void vp_plug(unsigned int gpu)
{
	write_driver_file("bind", gpu);
}

static int modprobe(const char *how, const char *driver)
{
	char command[256];

	snprintf(command, sizeof(command), "modprobe %s %s", how, driver);
	return system(command);
}

static bool foreign_loaded(const char *driver)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/module/%s", driver);
	return access(path, F_OK) == 0;
}

void vp_load_foreign(const char *driver)
{
	if (!foreign_loaded(driver))
		igt_assert_eq(modprobe("-q", driver), 0);
}

void vp_require_foreign(const char *driver)
{
	igt_require_f(foreign_loaded(driver) || !modprobe("-q", driver),
		      "this kernel has no %s\n", driver);
}

void vp_reload_foreign(const char *driver, const char *params)
{
	char what[200];

	vp_unload_foreign(driver);
	snprintf(what, sizeof(what), "%s %s", driver, params);
	igt_assert_eq(modprobe("-q", what), 0);
}

void vp_unload_foreign(const char *driver)
{
	if (foreign_loaded(driver))
		igt_assert_eq(modprobe("-r", driver), 0);
}

int vp_open_foreign(const char *driver)
{
	drmVersionPtr version;
	bool found;
	char path[40];
	int fd;

	for (int card = 0; card < MAX_CARDS; card++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", card);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		version = drmGetVersion(fd);
		found = version && !strcmp(version->name, driver);
		drmFreeVersion(version);
		if (found)
			return fd;
		close(fd);
	}
	igt_assert_f(false, "no node of driver %s\n", driver);
	return -1;
}
