/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration of a GPU.
 */
#ifndef VP_DRM_CONFIG_H
#define VP_DRM_CONFIG_H

#include <linux/types.h>

#include "gem/gpu.h"

/* Room for a driver's name, with the NUL that ends it. */
#define VP_DRIVER_NAME_LEN	32

#define VP_DMA_BITS_MIN		32
#define VP_DMA_BITS_MAX		64

/* Milliseconds after which fences signal by themselves: vgem's, and the range. */
#define VP_FENCE_TIMEOUT_MS	10000
#define VP_FENCE_TIMEOUT_MIN_MS	1
#define VP_FENCE_TIMEOUT_MAX_MS	60000

/**
 * struct vp_config - the configuration of a GPU
 * @coherent: it snoops the CPU's caches
 * @dma_bits: width of its DMA addresses, VP_DMA_BITS_MIN to _MAX
 * @max_segment: the longest segment of its DMA tables, in bytes: whole pages, at
 *	least one, at most VP_MAX_SEGMENT
 * @prime_import: it imports through PRIME
 * @prime_export: it exports through PRIME
 * @syncobj: it has syncobjs
 * @syncobj_timeline: it has timeline syncobjs; only with @syncobj
 * @fence_timeout_ms: age at which its fences signal by themselves, in
 *	milliseconds, VP_FENCE_TIMEOUT_MIN_MS to _MAX_MS
 * @enforce_read_only: writes through read-only exports are refused
 * @export_writable: all exports are writable, unless @enforce_read_only
 * @driver_name: name of the driver, as DRM_IOCTL_VERSION reports it
 */
struct vp_config {
	bool coherent;
	unsigned int dma_bits;
	unsigned int max_segment;
	bool prime_import;
	bool prime_export;
	bool syncobj;
	bool syncobj_timeline;
	unsigned int fence_timeout_ms;
	bool enforce_read_only;
	bool export_writable;
	char driver_name[VP_DRIVER_NAME_LEN];
};

#endif /* VP_DRM_CONFIG_H */
