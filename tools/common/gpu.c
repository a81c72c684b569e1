// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding the GPUs of a driver.
 */
#include <drm/vprime_drm.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include "gpu.h"

int gpu_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool is_driver(int fd, const char *driver)
{
	drmVersionPtr version = drmGetVersion(fd);
	bool same = version && !strcmp(version->name, driver);

	drmFreeVersion(version);
	return same;
}

/* A node in /dev, by the first folder in sysfs that @pattern fits; empty if none does */
static void find_node(const char *pattern, char path[GPU_PATH])
{
	glob_t found;

	path[0] = '\0';
	if (glob(pattern, 0, NULL, &found))
		return;
	snprintf(path, GPU_PATH, "/dev/dri/%s", strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
}

/* Returns: whether the device with folder @dir in sysfs is one of the driver's, or -errno */
static int look_at(const char *dir, const char *driver, struct gpu *gpu)
{
	struct drm_vprime_get_param get = { .param = DRM_VPRIME_PARAM_GPU_INDEX };
	char pattern[PATH_MAX];
	int fd, found;

	gpu->index = 0;
	snprintf(pattern, sizeof(pattern), "%s/drm/card*", dir);
	find_node(pattern, gpu->primary);
	snprintf(pattern, sizeof(pattern), "%s/drm/renderD*", dir);
	find_node(pattern, gpu->render);

	fd = gpu_open(*gpu->render ? gpu->render : gpu->primary);
	if (fd < 0)
		return fd;
	found = is_driver(fd, driver);
	if (found && !strcmp(driver, "vprime")) {
		found = !drmIoctl(fd, DRM_IOCTL_VPRIME_GET_PARAM, &get);
		gpu->index = (uint32_t)get.value;
	}
	close(fd);
	return found;
}

static int by_index(const void *a, const void *b)
{
	const struct gpu *one = a, *other = b;

	return (one->index > other->index) - (one->index < other->index);
}

/*
 * libdrm's drmGetDevices2() knows buses by name: before 2.4.126 it passes over
 * the faux bus, which vgem is on in Linux 7.x.
 */
int gpu_list(const char *driver, struct gpu gpus[GPU_MAX])
{
	static const char links[] = "/sys/class/drm/card*/device/drm";
	bool denied = false;
	int count = 0;
	glob_t found;
	size_t i;

	/* connectors are named after cards, but the device of one is the card */
	if (glob(links, 0, NULL, &found))
		return 0;
	for (i = 0; i < found.gl_pathc && count < GPU_MAX; i++) {
		int result;

		*strrchr(found.gl_pathv[i], '/') = '\0';
		result = look_at(found.gl_pathv[i], driver, &gpus[count]);
		if (result > 0)
			count++;
		if (result == -EACCES)
			denied = true;
	}
	globfree(&found);
	qsort(gpus, (size_t)count, sizeof(*gpus), by_index);
	return !count && denied ? -EACCES : count;
}
