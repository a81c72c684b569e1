// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: reservations
 *
 * A buffer's reservation has the fences of those who use it, each with its
 * usage: the kernel's own moves, writers, readers, and bookkeeping that nobody
 * waits for but who moves or takes away the memory. Everything in vprime that
 * waits for a buffer, or makes others wait, does it here.
 *
 * Who waits waits for the fences that are there when he begins. New ones do not
 * hold him up, so that a buffer which is never idle starves nobody.
 */
#include <linux/slab.h>

#include "compat.h"
#include "fence/fence.h"
#include "fence/resv.h"
#include "fence/timeline.h"

/**
 * vp_resv_wait - wait until a buffer may be used
 * @resv: its reservation
 * @usage: fences of this usage and stronger ones are waited for
 * @timeout: in jiffies, 0 to only ask, MAX_SCHEDULE_TIMEOUT for ever
 *
 * For the fences that are there now. With the reservation lock or without.
 *
 * Returns what is left of @timeout, 1 at least, in jiffies; 0 when time is up;
 * -ERESTARTSYS when a signal came.
 */
long vp_resv_wait(struct dma_resv *resv, enum dma_resv_usage usage,
		  long timeout)
{
	struct dma_fence **fences;
	unsigned int count, i;
	long left = timeout;

	/* Most buffers have never had a fence. */
	if (!vp_resv_has_fences(resv) || dma_resv_test_signaled(resv, usage))
		return timeout ?: 1;
	if (!timeout)
		return 0;

	/* Without memory for the list, for those that come as well. */
	if (dma_resv_get_fences(resv, usage, &count, &fences))
		return dma_resv_wait_timeout(resv, usage, true, timeout);

	for (i = 0; i < count && left > 0; i++)
		left = dma_fence_wait_timeout(fences[i], true, left);
	for (i = 0; i < count; i++)
		dma_fence_put(fences[i]);
	kfree(fences);
	return left;
}

/**
 * vp_resv_claim - put a new fence on a buffer that has none it conflicts with
 * @resv: the buffer's reservation
 * @fence: from vp_fence_create(), for reading or for writing; joins its timeline
 *
 * Context: the reservation is locked. Allocates.
 *
 * Return: 0; -EBUSY when there is a fence that a user of this kind has to wait
 * for; -ENOMEM; or as vp_timeline_add().
 */
int vp_resv_claim(struct dma_resv *resv, struct vp_fence *fence)
{
	bool write = fence->usage == VP_FENCE_WRITE;
	int ret;

	dma_resv_assert_held(resv);

	if (!dma_resv_test_signaled(resv, dma_resv_usage_rw(write)))
		return -EBUSY;
	ret = dma_resv_reserve_fences(resv, 1);
	if (!ret)
		ret = vp_timeline_add(fence);
	if (!ret)
		dma_resv_add_fence(resv, &fence->base,
				   write ? DMA_RESV_USAGE_WRITE :
					   DMA_RESV_USAGE_READ);
	return ret;
}
