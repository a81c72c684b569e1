// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences that it puts onto any dma-buf, and that a program or time signals.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "foreign.h"

/**
 * struct vp_foreign_fence_object - a fence that a program or time signals
 * @base: the kernel's part
 * @lock: the fence's own
 * @timeout: signals it; has a reference while it is queued
 */
struct vp_foreign_fence_object {
	struct dma_fence base;
	spinlock_t lock;	/* see above */
	struct delayed_work timeout;
};

static const char *vp_foreign_fence_driver(struct dma_fence *fence)
{
	return VP_FOREIGN_DEVICE;
}

static const char *vp_foreign_fence_timeline(struct dma_fence *fence)
{
	return "test";
}

static void vp_foreign_fence_free(struct rcu_head *rcu)
{
	struct dma_fence *fence = container_of(rcu, struct dma_fence, rcu);

	kfree(container_of(fence, struct vp_foreign_fence_object, base));
	/* Last. Unloading waits for callbacks that have not returned. */
	module_put(THIS_MODULE);
}

static void vp_foreign_fence_release(struct dma_fence *fence)
{
	call_rcu(&fence->rcu, vp_foreign_fence_free);
}

static const struct dma_fence_ops vp_foreign_fence_ops = {
	.get_driver_name = vp_foreign_fence_driver,
	.get_timeline_name = vp_foreign_fence_timeline,
	.release = vp_foreign_fence_release,
};

static void vp_foreign_expired(struct work_struct *work)
{
	struct vp_foreign_fence_object *fence =
		container_of(to_delayed_work(work),
			     struct vp_foreign_fence_object, timeout);

	dma_fence_signal(&fence->base);
	dma_fence_put(&fence->base);
}

/**
 * vp_foreign_signal - signal, and drop the reference of the file's table
 * @fence: the fence, which nobody finds any more
 *
 * Takes the fence's lock and needs no other. It is signalled on return, also
 * when its time was up just now.
 */
void vp_foreign_signal(struct vp_foreign_fence_object *fence)
{
	if (cancel_delayed_work(&fence->timeout)) {
		dma_fence_signal(&fence->base);
		dma_fence_put(&fence->base);
	} else {
		/* It is expiring: have it signalled when we return. */
		dma_fence_signal(&fence->base);
	}
	dma_fence_put(&fence->base);
}

static struct vp_foreign_fence_object *vp_foreign_new_fence(void)
{
	struct vp_foreign_fence_object *fence;

	fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	if (!fence)
		return NULL;
	/* Others may hold it for longer than we have the file open. */
	__module_get(THIS_MODULE);
	spin_lock_init(&fence->lock);
	INIT_DELAYED_WORK(&fence->timeout, vp_foreign_expired);
	dma_fence_init(&fence->base, &vp_foreign_fence_ops, &fence->lock,
		       dma_fence_context_alloc(1), 1);
	return fence;
}

static int vp_foreign_put_on(struct dma_buf *kbuf, struct dma_fence *fence,
			     enum dma_resv_usage usage)
{
	int ret;

	dma_resv_lock(kbuf->resv, NULL);
	ret = dma_resv_reserve_fences(kbuf->resv, 1);
	if (!ret)
		dma_resv_add_fence(kbuf->resv, fence, usage);
	dma_resv_unlock(kbuf->resv);
	return ret;
}

/**
 * vp_foreign_fence_late - a buffer of ours moves for a while
 * @kbuf: the buffer
 *
 * Context: the reservation is locked.
 *
 * Return: 0, with a fence on it; -ENOMEM.
 */
int vp_foreign_fence_late(struct dma_buf *kbuf)
{
	struct vp_foreign_fence_object *fence;
	int ret;

	dma_resv_assert_held(kbuf->resv);

	ret = dma_resv_reserve_fences(kbuf->resv, 1);
	if (ret)
		return ret;
	fence = vp_foreign_new_fence();
	if (!fence)
		return -ENOMEM;
	dma_resv_add_fence(kbuf->resv, &fence->base, DMA_RESV_USAGE_KERNEL);
	queue_delayed_work(vp_foreign_wq, &fence->timeout,
			   msecs_to_jiffies(VP_FOREIGN_LATE_MS));
	return 0;
}

/**
 * vp_foreign_fence_ioctl - put a fence onto a buffer
 * @file: the open file
 * @data: a &struct vp_foreign_fence; the timeout is in ms
 *
 * No lock is held; takes the reservation lock.
 *
 * Returns 0; -EINVAL for an unknown usage, or a timeout that is 0 or too long;
 * -EBADF or -EINVAL when it is no dma-buf; -ENOMEM; -EBUSY when there are no
 * more numbers.
 */
int vp_foreign_fence_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_fence *arg = data;
	struct vp_foreign_fence_object *fence;
	struct dma_buf *kbuf;
	int ret;

	BUILD_BUG_ON(VP_FOREIGN_USAGE_KERNEL != DMA_RESV_USAGE_KERNEL ||
		     VP_FOREIGN_USAGE_WRITE != DMA_RESV_USAGE_WRITE ||
		     VP_FOREIGN_USAGE_READ != DMA_RESV_USAGE_READ ||
		     VP_FOREIGN_USAGE_BOOKKEEP != DMA_RESV_USAGE_BOOKKEEP);

	if (arg->usage > VP_FOREIGN_USAGE_BOOKKEEP || !arg->timeout_ms ||
	    arg->timeout_ms > VP_FOREIGN_MAX_TIMEOUT_MS)
		return -EINVAL;
	kbuf = dma_buf_get(arg->fd);
	if (IS_ERR(kbuf))
		return PTR_ERR(kbuf);

	ret = -ENOMEM;
	fence = vp_foreign_new_fence();
	if (!fence)
		goto out;
	dma_fence_get(&fence->base);
	queue_delayed_work(vp_foreign_wq, &fence->timeout,
			   msecs_to_jiffies(arg->timeout_ms));

	ret = vp_foreign_put_on(kbuf, &fence->base, arg->usage);
	if (!ret)
		ret = xa_alloc(&file->fences, &arg->id, fence, xa_limit_31b,
			       GFP_KERNEL);
	if (ret)
		vp_foreign_signal(fence);
out:
	dma_buf_put(kbuf);
	return ret;
}

/**
 * vp_foreign_signal_ioctl - signal a fence before its time
 * @file: the open file
 * @data: a &struct vp_foreign_id of a fence
 *
 * No lock is held; takes the fence's lock.
 *
 * Returns 0; -EINVAL when padding is not 0; -ENOENT without such a fence.
 */
int vp_foreign_signal_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_id *arg = data;
	struct vp_foreign_fence_object *fence;

	if (arg->pad)
		return -EINVAL;
	fence = xa_erase(&file->fences, arg->id);
	if (!fence)
		return -ENOENT;
	vp_foreign_signal(fence);
	return 0;
}
