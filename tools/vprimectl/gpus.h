/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_GPUS_H
#define VPRIMECTL_GPUS_H

#include "../common/gpu.h"

/**
 * gpus_list() - find the GPUs that are plugged in, by sysfs and without opening them
 * @gpus: out: by index; @primary and @render are paths in /dev
 *
 * Ends the program when the module is not loaded. Returns: how many.
 */
int gpus_list(struct gpu gpus[GPU_MAX]);

/** gpus_find_nodes() - fill in the nodes of a GPU, by its index; empty if it has none */
void gpus_find_nodes(struct gpu *gpu);

/** gpus_find_config() - its folder in configfs, empty if it has none */
void gpus_find_config(const struct gpu *gpu, char config[256]);

#endif
