// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vp_fence.h"
#include "vp_igt.h"
#include "vp_module.h"
#include "vp_vgem.h"

#define CLASS_DIR	"/sys/class/drm"
#define POLL_MS		10

bool vp_vgem_loaded(void)
{
	return access("/sys/module/vgem", F_OK) == 0;
}

enum vp_vgem vp_vgem_which(void)
{
	FILE *file = fopen("/sys/module/vgem/taint", "re");
	char taint[32];
	size_t len;

	igt_assert_f(file, "vgem is not loaded\n");
	len = fread(taint, 1, sizeof(taint) - 1, file);
	taint[len] = 0;
	fclose(file);
	/* O: it is not one of the kernel's own tree. */
	return strchr(taint, 'O') ? VP_VGEM_OURS : VP_VGEM_STOCK;
}

bool vp_vgem_maps_imports(void)
{
	/* The helper is a module that comes with the kernel's vgem. */
	igt_assert(vp_vgem_loaded());
	return system("grep -q drm_gem_shmem_prime_import_no_map /proc/kallsyms");
}

int vp_try_vgem_load(void)
{
	return vp_try_load_module("vgem");
}

int vp_try_vgem_unload(void)
{
	return vp_try_unload_module("vgem");
}

void vp_vgem_unload(void)
{
	int ret = -EWOULDBLOCK;

	for (int ms = 0; ret == -EWOULDBLOCK && ms < VP_PATIENCE_MS; ms += POLL_MS) {
		if (ms)
			usleep(POLL_MS * 1000);
		ret = vp_try_vgem_unload();
	}
	igt_assert_f(ret == 0, "unloading vgem: %s\n", strerror(-ret));
	igt_assert(!vp_vgem_loaded());
}

void vp_vgem_load(enum vp_vgem which)
{
	if (vp_vgem_loaded())
		vp_vgem_unload();
	if (which == VP_VGEM_STOCK)
		vp_load_foreign("vgem");
	else
		igt_assert_eq(vp_try_vgem_load(), 0);
	igt_assert_eq(vp_vgem_which(), which);
}

void vp_vgem_end(void)
{
	if (vp_vgem_loaded())
		vp_vgem_unload();
}

/*
 * Nodes in sysfs are links to below their devices. vgem's was on the platform
 * bus, and is on the faux bus in Linux 7.x.
 */
static bool is_vgem(const char *node)
{
	char path[300], to[300];
	ssize_t len;

	snprintf(path, sizeof(path), CLASS_DIR "/%s", node);
	len = readlink(path, to, sizeof(to) - 1);
	if (len < 0)
		return false;
	to[len] = 0;
	return strstr(to, "/vgem/drm/");
}

int vp_vgem_node_path(enum vp_node node, char *path, size_t len)
{
	const char *prefix = node == VP_PRIMARY ? "card" : "renderD";
	DIR *dir = opendir(CLASS_DIR);
	struct dirent *entry;
	int ret = -ENODEV;

	if (!dir)
		return -ENODEV;
	while (ret && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) ||
		    !is_vgem(entry->d_name))
			continue;
		snprintf(path, len, "/dev/dri/%s", entry->d_name);
		ret = 0;
	}
	closedir(dir);
	return ret;
}

void vp_vgem_device_dir(char path[PATH_MAX])
{
	char node[300], link[300];

	igt_assert_eq(vp_vgem_node_path(VP_PRIMARY, node, sizeof(node)), 0);
	snprintf(link, sizeof(link), CLASS_DIR "/%s/device",
		 strrchr(node, '/') + 1);
	igt_assert(realpath(link, path));
}

int vp_vgem_open(enum vp_node node)
{
	char path[300];
	int fd;

	igt_assert_eq(vp_vgem_node_path(node, path, sizeof(path)), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
	return fd;
}
