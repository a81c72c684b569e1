// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: reservations
 *
 * A reservation object has the fences of a buffer, each with its usage: moves by
 * the kernel, writers, readers, and bookkeeping, which only matters to what moves
 * or revokes the memory. All waits for buffers in vprime are here, but
 * those of jobs (job.c).
 *
 * A wait is for the fences that are present when it begins. Fences that are added
 * later do not extend it, so a buffer that is never idle cannot starve anyone.
 */
#include <linux/slab.h>

#include "compat.h"
#include "fence/resv.h"

/**
 * vp_resv_wait - wait for the fences that are on a buffer now
 * @resv: reservation object of the buffer
 * @usage: wait for fences of this usage and of the lower ones
 * @timeout: in jiffies; 0 to return at once, MAX_SCHEDULE_TIMEOUT for no limit
 *
 * Context: May sleep. @resv may be locked or not.
 * Return: What is left of @timeout, but at least 1, in jiffies, when all have
 *	signalled; 0 when the time is up; -ERESTARTSYS when a signal arrived.
 */
long vp_resv_wait(struct dma_resv *resv, enum dma_resv_usage usage,
		  long timeout)
{
	struct dma_fence **fences;
	unsigned int count, i;
	long left = timeout;

	/* Most buffers have never had a fence: ask that first. */
	if (!vp_resv_has_fences(resv) || dma_resv_test_signaled(resv, usage))
		return timeout ?: 1;
	if (!timeout)
		return 0;

	/* Without memory for the list, this waits for later fences as well. */
	if (dma_resv_get_fences(resv, usage, &count, &fences))
		return dma_resv_wait_timeout(resv, usage, true, timeout);

	for (i = 0; i < count && left > 0; i++)
		left = dma_fence_wait_timeout(fences[i], true, left);
	for (i = 0; i < count; i++)
		dma_fence_put(fences[i]);
	kfree(fences);
	return left;
}
