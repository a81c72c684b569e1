/* SPDX-License-Identifier: GPL-2.0-only */
/* What all GPUs have, those of vgem.ko included. */
#ifndef VP_GEM_GPU_H
#define VP_GEM_GPU_H

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include <drm/drm_device.h>

#include "fence/client.h"
#include "prime/dmabuf.h"

/*
 * The longest entry of a DMA table, in bytes: entries are whole pages, and
 * their length has 32 bits.
 */
#define VP_MAX_SEGMENT	((unsigned int)(U32_MAX & PAGE_MASK))

/**
 * struct vp_gpu - a GPU
 * @drm: the DRM core's part
 * @fences: shared by its files that make fences
 * @coherent: whether it snoops the CPU's caches
 * @dma_bits: how many bits its DMA addresses have, 32 to 64
 * @limited: whether the machine has memory beyond those
 * @max_segment: the longest entry of a DMA table that it takes, in bytes; whole
 *	pages
 * @read_only: what happens to writes by those who got a buffer of this GPU
 *	read-only, or got a foreign buffer read-only on this GPU
 * @export_writable: whether the exports of its buffers are all writable
 * @allow_overcommit: whether its buffers may be larger than all memory
 * @lock: guards @mapped and @gone
 * @mapped: the &struct vp_gem that have a device mapping
 * @gone: whether the GPU has been unplugged, and maps nothing any more
 *
 * All members but @mapped and @gone are set before the device is registered,
 * and do not change.
 */
struct vp_gpu {
	struct drm_device drm;
	struct vp_fence_device fences;
	bool coherent;
	unsigned int dma_bits;
	bool limited;
	unsigned int max_segment;
	enum vp_read_only read_only;
	bool export_writable;
	bool allow_overcommit;

	/*
	 * Guards @mapped and @gone. A view in the list may be losing its last
	 * reference: a reference is taken only if the count is not zero, under
	 * this lock, which the unmapping takes to remove the view before it is
	 * freed.
	 */
	spinlock_t lock;
	struct list_head mapped;
	bool gone;
};

static inline struct vp_gpu *to_vp_gpu(struct drm_device *drm)
{
	return container_of(drm, struct vp_gpu, drm);
}

#endif /* VP_GEM_GPU_H */
