// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding the GPUs of a driver.
 */
#include <drm/vprime_drm.h>
#include <errno.h>
#include <fcntl.h>
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

/* Returns: whether it is one of the driver's, or -errno */
static int look_at(drmDevicePtr device, const char *driver, struct gpu *gpu)
{
	struct drm_vprime_get_param get = { .param = DRM_VPRIME_PARAM_GPU_INDEX };
	int fd, found;

	memset(gpu, 0, sizeof(*gpu));
	if (device->available_nodes & 1 << DRM_NODE_PRIMARY)
		snprintf(gpu->primary, GPU_PATH, "%s", device->nodes[DRM_NODE_PRIMARY]);
	if (device->available_nodes & 1 << DRM_NODE_RENDER)
		snprintf(gpu->render, GPU_PATH, "%s", device->nodes[DRM_NODE_RENDER]);

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

int gpu_list(const char *driver, struct gpu gpus[GPU_MAX])
{
	drmDevicePtr devices[2 * GPU_MAX];
	int found, count = 0, i;
	bool denied = false;

	/* flags 0: no need to have PCI's revisions looked up */
	found = drmGetDevices2(0, devices, 2 * GPU_MAX);
	if (found < 0)
		return 0;
	if (found > 2 * GPU_MAX)
		found = 2 * GPU_MAX;
	for (i = 0; i < found && count < GPU_MAX; i++) {
		int result = look_at(devices[i], driver, &gpus[count]);

		if (result > 0)
			count++;
		if (result == -EACCES)
			denied = true;
	}
	drmFreeDevices(devices, found);
	qsort(gpus, (size_t)count, sizeof(*gpus), by_index);
	return !count && denied ? -EACCES : count;
}
