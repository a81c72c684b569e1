/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kind of GPU a GPU is.
 */
#ifndef VP_DRM_CONFIG_H
#define VP_DRM_CONFIG_H

#include <linux/types.h>

#include "gem/gpu.h"

/* Room for a driver's name, with the NUL that ends it. */
#define VP_DRIVER_NAME_LEN	32

#define VP_DMA_BITS_MIN		32
#define VP_DMA_BITS_MAX		64

/* As long as vgem waits for a program that should signal, and the range. */
#define VP_FENCE_TIMEOUT_MS	10000
#define VP_FENCE_TIMEOUT_MIN_MS	1
#define VP_FENCE_TIMEOUT_MAX_MS	60000

/**
 * struct vp_config - what kind of GPU a GPU is
 * @coherent: whether it sees what is in the CPU's caches
 * @dma_bits: how many bits its addresses have, VP_DMA_BITS_MIN to _MAX
 * @max_segment: the longest entry of its DMA tables in bytes: whole pages, one
 *	to VP_MAX_SEGMENT
 * @prime_import: whether it imports through PRIME
 * @prime_export: whether it exports through PRIME
 * @syncobj: whether it has sync objects
 * @syncobj_timeline: whether it has those with timelines, if it has any
 * @fence_timeout_ms: how long its fences last that are not signalled, in
 *	milliseconds, VP_FENCE_TIMEOUT_MIN_MS to _MAX_MS
 * @driver_name: what programs are told that the driver is called
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
	char driver_name[VP_DRIVER_NAME_LEN];
};

/* A GPU that nobody has said anything of. */
#define VP_CONFIG_DEFAULT { \
	.coherent = true, \
	.dma_bits = VP_DMA_BITS_MAX, \
	.max_segment = VP_MAX_SEGMENT, \
	.prime_import = true, \
	.prime_export = true, \
	.syncobj = true, \
	.syncobj_timeline = true, \
	.fence_timeout_ms = VP_FENCE_TIMEOUT_MS, \
	.driver_name = KBUILD_MODNAME, \
}

#endif /* VP_DRM_CONFIG_H */
