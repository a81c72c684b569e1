/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reservation objects: waiting for the fences of a buffer.
 */
#ifndef VP_FENCE_RESV_H
#define VP_FENCE_RESV_H

#include <linux/dma-resv.h>

long vp_resv_wait(struct dma_resv *resv, enum dma_resv_usage usage,
		  long timeout);

#endif /* VP_FENCE_RESV_H */
