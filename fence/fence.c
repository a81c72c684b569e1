// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: fences
 *
 * A &struct dma_fence that records what it is for and which tasks sleep on it.
 * A sync_file or the reservation object of another driver may hold it for any time:
 * it holds its timeline, which has its names and keeps this module.
 *
 * When a fence signals is up to its timeline: see timeline.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/minmax.h>
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
 * The waiter is on the stack of the task, which may return as soon as it sees
 * waiter->task cleared: that is the last access to the waiter.
 */
static void vp_fence_wake(struct dma_fence *base, struct dma_fence_cb *cb)
{
	struct vp_fence_waiter *waiter = container_of(cb,
						      struct vp_fence_waiter,
						      cb);
	struct task_struct *task = get_task_struct(waiter->task);

	lockdep_assert_held(&to_vp_fence(base)->lock);

	list_del(&waiter->node);
	/* Pairs with the acquires of the waiting task. */
	smp_store_release(&waiter->task, NULL);
	wake_up_process(task);
	put_task_struct(task);
}

/* Withdraws a waiter; false if the fence has signalled and woken it before. */
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
		/* Pairs with vp_fence_wake(). */
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
 * As dma_fence_default_wait(), but the sleeping task is listed, and does not take
 * the fence's lock when it is woken: the signaller still holds the lock, and the
 * task would spin.
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
	/* Pairs with vp_fence_wake(). */
	if (smp_load_acquire(&waiter.task) &&
	    vp_fence_stop_waiting(fence, &waiter))
		return left;
	return max(left, 1L);
}

/* The deadline is only listed: the program that signals can read it there. */
static void __maybe_unused
vp_fence_set_deadline(struct dma_fence *base, ktime_t deadline)
{
	struct vp_fence *fence = to_vp_fence(base);
	unsigned long flags;

	spin_lock_irqsave(&fence->lock, flags);
	/* KTIME_MAX is none. */
	fence->deadline = min3(fence->deadline, deadline, KTIME_MAX - 1);
	spin_unlock_irqrestore(&fence->lock, flags);
}

/* The kernel's sw_sync taints too, for the same reason. */
static void vp_fence_taint(void)
{
	pr_warn("%*pE[%d] makes fences that programs signal. A GPU's driver whose memory management waits for one can deadlock this machine\n",
		(int)strnlen(current->comm, TASK_COMM_LEN), current->comm,
		task_tgid_nr(current));
	add_taint(TAINT_SOFTLOCKUP, LOCKDEP_STILL_OK);
}

static void vp_fence_release(struct dma_fence *base)
{
	struct vp_fence *fence = to_vp_fence(base);
	struct vp_timeline *timeline = fence->timeline;

	this_cpu_dec(vp_fence_count);
	kfree_rcu(fence, base.rcu);
	/*
	 * Last: it keeps this module, until an RCU grace period later. That does
	 * not end before rcu_read_unlock(), and the return that is left relies on
	 * the rest of unloading taking longer.
	 */
	rcu_read_lock();
	vp_timeline_put(timeline);
	rcu_read_unlock();
}

static const struct dma_fence_ops vp_fence_ops = {
	.get_driver_name = vp_fence_get_driver_name,
	.get_timeline_name = vp_fence_get_timeline_name,
	VP_FENCE_OP_WAIT(vp_fence_wait)
	VP_FENCE_OP_SET_DEADLINE(vp_fence_set_deadline)
	.release = vp_fence_release,
};

/**
 * vp_fence_create - make a fence
 * @timeline: the timeline it is to be added to; the fence takes a reference
 * @usage: what it stands for
 * @buffer: id of the buffer it is made for; 0 if none
 *
 * The fence is to be added to the timeline with vp_timeline_add() or
 * vp_timeline_add_at() before others see it: only then does it get a seqno. The
 * tracepoint dma_fence_init therefore shows the seqno 0.
 *
 * Context: May sleep. The caller sees to it that the module is not unloaded.
 * Return: The fence, with a reference for the caller; NULL when out of memory.
 */
struct vp_fence *vp_fence_create(struct vp_timeline *timeline,
				 enum vp_fence_usage usage, u64 buffer)
{
	struct vp_fence *fence = kmalloc(sizeof(*fence), GFP_KERNEL_ACCOUNT);
	u64 context = timeline->context;

	if (!fence)
		return NULL;

	DO_ONCE_LITE(vp_fence_taint);
	kref_get(&timeline->ref);
	WRITE_ONCE(timeline->had_fences, true);
	fence->timeline = timeline;
	INIT_LIST_HEAD(&fence->node);
	fence->created = 0;
	fence->id = 0;
	fence->usage = usage;
	fence->buffer = buffer;
	spin_lock_init(&fence->lock);
	INIT_LIST_HEAD(&fence->waiters);
	fence->deadline = KTIME_MAX;
	/* The kernel expects the fences of one context to signal in order. */
	if (timeline->kind == VP_TIMELINE_BUFFERS)
		context = dma_fence_context_alloc(1);
	dma_fence_init(&fence->base, &vp_fence_ops, &fence->lock, context, 0);
	this_cpu_inc(vp_fence_count);
	return fence;
}

/**
 * vp_fence_from - find out whether a fence is of this module
 * @base: any fence, signalled or not: a fence of this module has a release
 *	callback, so the kernel leaves it its operations when it signals
 *
 * Context: Any context.
 * Return: The fence, without a further reference; NULL if it is of another
 *	driver.
 */
struct vp_fence *vp_fence_from(struct dma_fence *base)
{
	return vp_fence_has_ops(base, &vp_fence_ops) ? to_vp_fence(base) : NULL;
}
