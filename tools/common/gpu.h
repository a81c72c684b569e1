/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TOOLS_GPU_H
#define TOOLS_GPU_H

#include <stdint.h>

/* room for "/dev/dri/renderD128" and the like */
#define GPU_PATH	64
/* minors 0 to 63 are primary nodes, so there cannot be more */
#define GPU_MAX		64

/** struct gpu - a DRM device, found but not open */
struct gpu {
	/** @primary: path of its primary node, empty if there is none */
	char primary[GPU_PATH];
	/** @render: path of its render node, empty if there is none */
	char render[GPU_PATH];
	/** @index: N of its name vprimeN; 0 for another driver's */
	uint32_t index;
};

/**
 * gpu_list() - find the devices of one driver
 * @driver: its name, as drmGetVersion() tells it
 * @gpus: out: the devices, by index
 *
 * Returns: how many, 0 if there are none or DRM is not there at all; -EACCES if
 * none was found and some could not be looked at.
 */
int gpu_list(const char *driver, struct gpu gpus[GPU_MAX]);

/**
 * gpu_open() - open a node
 * @path: a path that gpu_list() found
 *
 * Returns: a file descriptor that is closed on exec, or -errno.
 */
int gpu_open(const char *path);

#endif
