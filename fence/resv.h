/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reservation objects: waiting for the fences of a buffer, and adding one.
 */
#ifndef VP_FENCE_RESV_H
#define VP_FENCE_RESV_H

#include <linux/dma-resv.h>

struct vp_fence;

long vp_resv_wait(struct dma_resv *resv, enum dma_resv_usage usage,
		  long timeout);
int vp_resv_claim(struct dma_resv *resv, struct vp_fence *fence);

#endif /* VP_FENCE_RESV_H */
