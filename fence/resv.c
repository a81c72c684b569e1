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
 *
 * The kernel looks at every fence of a reservation whenever it adds one, so a
 * thousand readers would make each further one a thousand times as dear. From
 * VP_READERS_ALONE readers on, vprime's share a group: one fence that signals
 * when all of them have. Nobody can tell, because a group takes new readers only
 * while the reservation is the only one that has it. As soon as somebody waits
 * for it, or has it in a sync_file, it stays what it was when he got it.
 */
#include <linux/slab.h>

#include "compat.h"
#include "fence/fence.h"
#include "fence/resv.h"
#include "fence/timeline.h"

/* So many readers' fences stand for themselves. */
#define VP_READERS_ALONE	8

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
 * vp_resv_lock_idle - lock a buffer when it may be used
 * @resv: its reservation; locked when this succeeds
 * @usage: fences of this usage and stronger ones are waited for
 *
 * Waits without the lock: who is to signal may have to touch the buffer first.
 * Fences that come between the wait and the lock are waited for once; those that
 * come during that came later than the caller, and wait for him. Unlocked.
 *
 * Returns 0, with the lock held and none left of those fences that were there at
 * the call; -ERESTARTSYS or -EINTR when a signal came.
 */
int vp_resv_lock_idle(struct dma_resv *resv, enum dma_resv_usage usage)
{
	int rounds = 2, ret;
	long left;

	for (;;) {
		left = vp_resv_wait(resv, usage, MAX_SCHEDULE_TIMEOUT);
		if (left < 0)
			return left;
		ret = dma_resv_lock_interruptible(resv, NULL);
		if (ret)
			return ret;
		if (!--rounds || dma_resv_test_signaled(resv, usage))
			return 0;
		dma_resv_unlock(resv);
	}
}

/**
 * vp_resv_add - make others wait for a fence
 * @resv: the buffer's reservation
 * @fence: the fence; the reservation takes a reference
 * @usage: what for
 *
 * Locked.
 *
 * Returns 0 or -ENOMEM.
 */
int vp_resv_add(struct dma_resv *resv, struct dma_fence *fence,
		enum dma_resv_usage usage)
{
	int ret;

	dma_resv_assert_held(resv);

	ret = dma_resv_reserve_fences(resv, 1);
	if (!ret)
		dma_resv_add_fence(resv, fence, usage);
	return ret;
}

/*
 * Does nobody know this group but the reservation it is on? Its members have
 * one reference together.
 */
static bool vp_group_is_open(struct vp_fence *group)
{
	return kref_read(&group->base.refcount) == 2;
}

/*
 * Let a group stand for a fence, unless all of its members have signalled. A
 * fence that has signalled itself meanwhile needs nobody to stand for it.
 */
static bool vp_group_join(struct vp_fence *group, struct vp_fence *fence)
{
	bool pending;

	if (!atomic_inc_not_zero(&group->members))
		return false;

	spin_lock_irq(&fence->lock);
	pending = !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->base.flags);
	if (pending)
		fence->group = group;
	spin_unlock_irq(&fence->lock);

	if (!pending)
		vp_fence_leave(group, 0);
	return true;
}

/* A new group of one, on the reservation. */
static int vp_group_open(struct dma_resv *resv, struct vp_fence *fence,
			 struct vp_timeline *readers)
{
	struct vp_fence *group = vp_fence_alloc(readers);
	int ret;

	if (!group)
		return -ENOMEM;
	vp_fence_start(group, dma_fence_context_alloc(1), 1);
	/* Until the first has joined, this function is a member, */
	atomic_set(&group->members, 1);
	ret = vp_resv_add(resv, &group->base, DMA_RESV_USAGE_READ);
	if (!ret)
		vp_group_join(group, fence);
	/* and its reference is that of the members. */
	vp_fence_leave(group, 0);
	return ret;
}

/**
 * vp_resv_claim - use a buffer that nobody else does, in a way that conflicts
 * @resv: its reservation
 * @fence: signals when the use is over; made for reading or for writing
 * @readers: the timeline of groups
 *
 * Locked.
 *
 * Returns 0; -EBUSY when there is a fence that a user of this kind has to wait
 * for; -ENOMEM.
 */
int vp_resv_claim(struct dma_resv *resv, struct vp_fence *fence,
		  struct vp_timeline *readers)
{
	bool write = fence->usage == VP_FENCE_WRITE;
	struct vp_fence *group = NULL, *other;
	unsigned int others = 0;
	struct dma_resv_iter cursor;
	struct dma_fence *base;

	dma_resv_assert_held(resv);

	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_READ, base) {
		if (dma_fence_is_signaled(base))
			continue;
		if (write ||
		    dma_resv_iter_usage(&cursor) <= DMA_RESV_USAGE_WRITE)
			return -EBUSY;
		others++;
		other = vp_fence_from(base);
		if (other && atomic_read(&other->members) &&
		    vp_group_is_open(other))
			group = other;
	}

	if (write)
		return vp_resv_add(resv, &fence->base, DMA_RESV_USAGE_WRITE);
	if (others < VP_READERS_ALONE)
		return vp_resv_add(resv, &fence->base, DMA_RESV_USAGE_READ);
	if (group && vp_group_join(group, fence))
		return 0;
	return vp_group_open(resv, fence, readers);
}
