// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: fences
 *
 * A &struct dma_fence that knows where it comes from and who sleeps on it. Its
 * code is this module's, and everybody may hold it for as long as he likes, in
 * a sync_file or in another driver's reservation: so each one keeps the module
 * in place, until the grace period after its last reference, in which others
 * may still be reading its names.
 *
 * Who signals it, and when, is its timeline's business.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/once_lite.h>
#include <linux/panic.h>
#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "compat.h"
#include "fence/fence.h"
#include "fence/timeline.h"

DEFINE_PER_CPU(long, vp_fence_count);

static struct kmem_cache *vp_fence_cache;

static struct vp_fence *to_vp_fence(struct dma_fence *base)
{
	return container_of(base, struct vp_fence, base);
}

static const char *vp_fence_get_driver_name(struct dma_fence *base)
{
	return to_vp_fence(base)->timeline->device;
}

static const char *vp_fence_get_timeline_name(struct dma_fence *base)
{
	return to_vp_fence(base)->timeline->name;
}

/*
 * The last that is done with a waiter is to say so in it: he goes on at once, and
 * with him the memory he is in. Runs under the fence's lock.
 */
static void vp_fence_wake(struct dma_fence *base, struct dma_fence_cb *cb)
{
	struct vp_fence_waiter *waiter = container_of(cb,
						      struct vp_fence_waiter,
						      cb);
	struct task_struct *task = get_task_struct(waiter->task);

	list_del(&waiter->node);
	smp_store_release(&waiter->task, NULL);
	wake_up_process(task);
	put_task_struct(task);
}

/* Nobody has woken this waiter, and nobody shall. */
static bool vp_fence_stop_waiting(struct vp_fence *fence,
				  struct vp_fence_waiter *waiter)
{
	if (!dma_fence_remove_callback(&fence->base, &waiter->cb))
		return false;
	spin_lock_irq(&fence->lock);
	list_del(&waiter->node);
	spin_unlock_irq(&fence->lock);
	return true;
}

static signed long vp_fence_sleep(struct vp_fence_waiter *waiter,
				  bool interruptible, signed long left)
{
	while (left > 0) {
		set_current_state(interruptible ? TASK_INTERRUPTIBLE :
						  TASK_UNINTERRUPTIBLE);
		if (!smp_load_acquire(&waiter->task))
			break;
		if (interruptible && signal_pending(current))
			left = -ERESTARTSYS;
		else
			left = schedule_timeout(left);
	}
	__set_current_state(TASK_RUNNING);
	return left;
}

/*
 * As the kernel's own dma_fence_default_wait(), but seen while it sleeps, and
 * without the fence's lock when it wakes: the signaller has that still, and the
 * waiter would spin until it is let go.
 */
static signed long __maybe_unused
vp_fence_wait(struct dma_fence *base, bool interruptible, signed long timeout)
{
	struct vp_fence *fence = to_vp_fence(base);
	struct vp_fence_waiter waiter;
	signed long left;

	if (!timeout)
		return dma_fence_is_signaled(base);

	waiter.pid = task_tgid_nr(current);
	memcpy(waiter.process, current->comm, sizeof(waiter.process));
	waiter.since = jiffies;
	waiter.task = current;

	spin_lock_irq(&fence->lock);
	list_add_tail(&waiter.node, &fence->waiters);
	spin_unlock_irq(&fence->lock);

	if (dma_fence_add_callback(base, &waiter.cb, vp_fence_wake)) {
		spin_lock_irq(&fence->lock);
		list_del(&waiter.node);
		spin_unlock_irq(&fence->lock);
		return timeout;
	}

	left = vp_fence_sleep(&waiter, interruptible, timeout);
	if (smp_load_acquire(&waiter.task) &&
	    vp_fence_stop_waiting(fence, &waiter))
		return left;
	return max(left, 1L);
}

/* The hint is kept to be shown: who signals is a program, and can look. */
static void __maybe_unused
vp_fence_set_deadline(struct dma_fence *base, ktime_t deadline)
{
	struct vp_fence *fence = to_vp_fence(base);
	unsigned long flags;

	spin_lock_irqsave(&fence->lock, flags);
	if (!fence->has_deadline || ktime_before(deadline, fence->deadline))
		fence->deadline = deadline;
	fence->has_deadline = true;
	spin_unlock_irqrestore(&fence->lock, flags);
}

/* As the kernel's own sw_sync does, and vgem should. */
static void vp_fence_taint(void)
{
	pr_warn("%*pE[%d] makes fences that programs signal. A GPU's driver whose memory management waits for one can deadlock this machine\n",
		(int)strnlen(current->comm, TASK_COMM_LEN), current->comm,
		task_tgid_nr(current));
	add_taint(TAINT_SOFTLOCKUP, LOCKDEP_STILL_OK);
}

static void vp_fence_free(struct rcu_head *rcu)
{
	struct vp_fence *fence = container_of(rcu, struct vp_fence, base.rcu);

	vp_timeline_put(fence->timeline);
	kmem_cache_free(vp_fence_cache, fence);
	/* Unloading waits until this has returned: vp_fences_fini(). */
	module_put(THIS_MODULE);
}

static void vp_fence_release(struct dma_fence *base)
{
	this_cpu_dec(vp_fence_count);
	call_rcu(&base->rcu, vp_fence_free);
}

static const struct dma_fence_ops vp_fence_ops = {
	.get_driver_name = vp_fence_get_driver_name,
	.get_timeline_name = vp_fence_get_timeline_name,
	VP_FENCE_OP_WAIT(vp_fence_wait)
	VP_FENCE_OP_SET_DEADLINE(vp_fence_set_deadline)
	.release = vp_fence_release,
};

/**
 * vp_fences_init - make fences possible
 *
 * Returns 0, or -ENOMEM.
 */
int vp_fences_init(void)
{
	int ret;

	vp_fence_cache = KMEM_CACHE(vp_fence, SLAB_ACCOUNT);
	if (!vp_fence_cache)
		return -ENOMEM;
	ret = vp_timelines_init();
	if (ret)
		kmem_cache_destroy(vp_fence_cache);
	return ret;
}

/**
 * vp_fences_fini - undo vp_fences_init(), when no fence is left
 */
void vp_fences_fini(void)
{
	vp_timelines_fini();
	rcu_barrier();
	kmem_cache_destroy(vp_fence_cache);
}

/**
 * vp_fence_create - make a fence that has no number yet
 * @timeline: where it is to be a point; the fence takes a reference
 * @usage: what it is made for
 * @buffer: the number of the buffer it is made for, 0 if none
 *
 * Others may see it when it has joined its timeline, with vp_timeline_add(). The
 * tracepoint dma_fence_init shows the number 0, for that reason.
 *
 * Context: sleeps; something else keeps the module in place.
 *
 * Return: the fence, with the caller's reference; NULL without memory.
 */
struct vp_fence *vp_fence_create(struct vp_timeline *timeline,
				 enum vp_fence_usage usage, u64 buffer)
{
	struct vp_fence *fence = kmem_cache_alloc(vp_fence_cache, GFP_KERNEL);
	u64 context = timeline->context;

	if (!fence)
		return NULL;

	DO_ONCE_LITE(vp_fence_taint);
	__module_get(THIS_MODULE);
	fence->timeline = vp_timeline_get(timeline);
	INIT_LIST_HEAD(&fence->node);
	fence->created = 0;
	fence->expires = 0;
	fence->id = 0;
	fence->usage = usage;
	fence->buffer = buffer;
	spin_lock_init(&fence->lock);
	INIT_LIST_HEAD(&fence->waiters);
	fence->has_deadline = false;
	/* A context of its own: the kernel takes one context's fences to be in order. */
	if (timeline->kind == VP_TIMELINE_BUFFERS)
		context = dma_fence_context_alloc(1);
	dma_fence_init(&fence->base, &vp_fence_ops, &fence->lock, context, 0);
	this_cpu_inc(vp_fence_count);
	return fence;
}

/**
 * vp_fence_finish - signal a fence
 * @fence: one that has not signalled; the caller sees to it that nobody else
 *	signals it, and has a reference
 * @error: 0, or a negative errno for those who ask how it went
 *
 * Any context; callbacks run in it.
 */
void vp_fence_finish(struct vp_fence *fence, int error)
{
	if (error)
		dma_fence_set_error(&fence->base, error);
	dma_fence_signal(&fence->base);
}

/**
 * vp_fence_from - is a fence one of this module's?
 * @base: any fence, signalled or not: a fence with a release callback keeps its operations
 *
 * Returns it as what it is, or NULL when it is another driver's.
 */
struct vp_fence *vp_fence_from(struct dma_fence *base)
{
	return vp_fence_has_ops(base, &vp_fence_ops) ? to_vp_fence(base) : NULL;
}
