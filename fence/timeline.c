// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: timelines
 *
 * Fences are made on a timeline, which makes sure that each of them signals: when
 * its maker says so, when it is older than the owner's limit, or when maker or
 * owner are gone. The timeline holds a reference until then, so a fence signals
 * whatever becomes of its other users, and every wait for it ends.
 *
 * There are three kinds. An ordered timeline is one as the kernel means it: its
 * fences signal by number. On one for buffers each fence is a timeline of its own
 * to the kernel, because users of different buffers finish when they finish; they
 * are kept together because they have the same maker and limit. The third kind
 * is sw_sync's, where the maker chooses the numbers and a counter passes them.
 *
 * A fence gets its number when it joins the line, and a number is given once:
 * everything that can fail comes before.
 *
 * All fences of a timeline last equally long, so the first in the line is the
 * first to expire, and one piece of delayed work is enough. It is queued when the
 * line begins, and not touched when fences signal in time: most do. Delays count
 * jiffies, which stand still while the processor that moves them on does, as that
 * of a virtual machine may; how old a fence is, the clock says. Time that the
 * machine is suspended does not count.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "fence/fence.h"
#include "fence/timeline.h"

/* So many fences signal before others get the processor, or the lock. */
#define VP_SIGNAL_BATCH	256

/* Memory management may be waiting for what signals here. */
static struct workqueue_struct *vp_timeline_queue;

DEFINE_MUTEX(vp_timelines_lock);
LIST_HEAD(vp_timelines);
DEFINE_PER_CPU(long, vp_timeline_count);

/* The last id; guarded by vp_timelines_lock. */
static u64 vp_timeline_last_id;

static struct vp_fence *vp_timeline_first(struct vp_timeline *timeline)
{
	return list_first_entry_or_null(&timeline->pending, struct vp_fence,
					node);
}

/* Take a fence that has not signalled out of the line, and signal it. */
static void vp_timeline_finish(struct vp_timeline *timeline,
			       struct vp_fence *fence, int error)
{
	lockdep_assert_held(&timeline->lock);

	list_del_init(&fence->node);
	if (timeline->kind == VP_TIMELINE_BUFFERS)
		timeline->signaled++;
	else if (fence->base.seqno > timeline->signaled)
		timeline->signaled = fence->base.seqno;
	vp_fence_finish(fence, error);
	vp_fence_put(fence);
}

/* Signal all up to a number, in pieces. */
static void vp_timeline_finish_all(struct vp_timeline *timeline, u64 seqno,
				   int error)
{
	struct vp_fence *fence;
	unsigned int done;

	lockdep_assert_held(&timeline->signaling);

	do {
		spin_lock(&timeline->lock);
		for (done = 0; done < VP_SIGNAL_BATCH; done++) {
			fence = vp_timeline_first(timeline);
			if (!fence || fence->base.seqno > seqno)
				break;
			vp_timeline_finish(timeline, fence, error);
		}
		spin_unlock(&timeline->lock);
		cond_resched();
	} while (done == VP_SIGNAL_BATCH);
}

/* Those who wait for it will want to know whom they waited for. */
static void vp_timeline_report(struct vp_timeline *timeline,
			       struct vp_fence *fence)
{
	pr_notice_ratelimited("fence %llu of %s (%*pE), by %*pE[%d], was not signalled in %u ms\n",
			      fence->base.seqno, timeline->device,
			      (int)strlen(timeline->name), timeline->name,
			      (int)strnlen(timeline->process, TASK_COMM_LEN),
			      timeline->process, timeline->pid,
			      timeline->timeout_ms);
}

/* Look at the line again when so much time has passed, or a little later. */
static void vp_timeline_look_in(struct vp_timeline *timeline, s64 ns)
{
	mod_delayed_work(vp_timeline_queue, &timeline->expire,
			 nsecs_to_jiffies(ns) + 1);
}

static void vp_timeline_expire(struct work_struct *work)
{
	struct vp_timeline *timeline = container_of(work, struct vp_timeline,
						    expire.work);
	struct vp_fence *fence;
	unsigned int done;
	ktime_t now;

	mutex_lock(&timeline->signaling);
	do {
		spin_lock(&timeline->lock);
		now = ktime_get();
		for (done = 0; done < VP_SIGNAL_BATCH; done++) {
			fence = vp_timeline_first(timeline);
			if (!fence || ktime_before(now, fence->expires))
				break;
			vp_timeline_report(timeline, fence);
			vp_timeline_finish(timeline, fence,
					   timeline->no_errors ? 0 :
								 -ETIMEDOUT);
		}
		if (done < VP_SIGNAL_BATCH && fence)
			vp_timeline_look_in(timeline,
					    ktime_sub(fence->expires, now));
		spin_unlock(&timeline->lock);
		cond_resched();
	} while (done == VP_SIGNAL_BATCH);
	mutex_unlock(&timeline->signaling);
}

/**
 * vp_timelines_init - make timelines possible
 *
 * Return: 0, or -ENOMEM.
 */
int vp_timelines_init(void)
{
	vp_timeline_queue = alloc_workqueue(KBUILD_MODNAME "-fences",
					    WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return vp_timeline_queue ? 0 : -ENOMEM;
}

/**
 * vp_timelines_fini - undo vp_timelines_init(), when no timeline is left
 */
void vp_timelines_fini(void)
{
	destroy_workqueue(vp_timeline_queue);
}

/**
 * vp_timeline_create - make a timeline
 * @kind: which rules it has
 * @owner: whose it is
 * @name: what for; copied, and cut where it is too long
 *
 * Unlocked, sleeps.
 *
 * Returns the timeline, for vp_timeline_destroy(); -ENODEV when the owner is
 * gone; -ENOMEM.
 */
struct vp_timeline *vp_timeline_create(enum vp_timeline_kind kind,
				       struct vp_timeline_owner *owner,
				       const char *name)
{
	struct vp_timeline *timeline;

	timeline = kzalloc(sizeof(*timeline), GFP_KERNEL_ACCOUNT);
	if (!timeline)
		return ERR_PTR(-ENOMEM);

	kref_init(&timeline->ref);
	timeline->kind = kind;
	timeline->owner = owner;
	timeline->context = dma_fence_context_alloc(1);
	timeline->no_errors = owner->no_errors;
	timeline->timeout_ms = owner->timeout_ms;
	strscpy(timeline->device, owner->device, sizeof(timeline->device));
	strscpy(timeline->name, name, sizeof(timeline->name));
	memcpy(timeline->process, current->comm, sizeof(timeline->process));
	timeline->pid = task_tgid_nr(current);
	INIT_LIST_HEAD(&timeline->node);
	mutex_init(&timeline->signaling);
	spin_lock_init(&timeline->lock);
	INIT_LIST_HEAD(&timeline->pending);
	INIT_DELAYED_WORK(&timeline->expire, vp_timeline_expire);

	mutex_lock(&vp_timelines_lock);
	if (owner->gone) {
		mutex_unlock(&vp_timelines_lock);
		kfree(timeline);
		return ERR_PTR(-ENODEV);
	}
	timeline->id = ++vp_timeline_last_id;
	list_add_tail(&timeline->node, &vp_timelines);
	mutex_unlock(&vp_timelines_lock);
	this_cpu_inc(vp_timeline_count);
	return timeline;
}

/**
 * vp_timeline_end - make no more fences
 * @timeline: the timeline
 * @error: a negative errno, which fences signal with that have not, and which
 *	those get who want another one
 *
 * Unlocked, sleeps; takes no reservation lock, so that those who wait for a
 * fence with one held get on.
 */
void vp_timeline_end(struct vp_timeline *timeline, int error)
{
	mutex_lock(&timeline->signaling);
	spin_lock(&timeline->lock);
	timeline->ended = error;
	spin_unlock(&timeline->lock);
	vp_timeline_finish_all(timeline, U64_MAX,
			       timeline->no_errors ? 0 : error);
	mutex_unlock(&timeline->signaling);
}

/**
 * vp_timeline_destroy - a timeline's maker is done with it
 * @timeline: from vp_timeline_create()
 * @error: a negative errno, which fences signal with that have not
 *
 * Fences that others hold go on living, and keep what they need of it.
 * Unlocked, sleeps.
 */
void vp_timeline_destroy(struct vp_timeline *timeline, int error)
{
	vp_timeline_end(timeline, error);
	cancel_delayed_work_sync(&timeline->expire);

	mutex_lock(&vp_timelines_lock);
	list_del_init(&timeline->node);
	mutex_unlock(&vp_timelines_lock);
	this_cpu_dec(vp_timeline_count);
	vp_timeline_put(timeline);
}

/* An owner's next timeline after another, or its first; with a reference. */
static struct vp_timeline *vp_timeline_next(struct vp_timeline_owner *owner,
					    struct vp_timeline *timeline)
{
	/* One that has been destroyed meanwhile leads nowhere. */
	if (!timeline || list_empty(&timeline->node))
		timeline = list_first_entry(&vp_timelines, struct vp_timeline,
					    node);
	list_for_each_entry_from(timeline, &vp_timelines, node)
		if (timeline->owner == owner && !READ_ONCE(timeline->ended))
			return vp_timeline_get(timeline);
	return NULL;
}

/**
 * vp_timelines_end - an owner is gone
 * @owner: whose timelines make no fences any more
 * @error: a negative errno, which their fences signal with that have not, and
 *	which those get who want another one
 *
 * Other owners' timelines can be made and destroyed meanwhile.
 *
 * Context: unlocked, sleeps.
 */
void vp_timelines_end(struct vp_timeline_owner *owner, int error)
{
	struct vp_timeline *timeline = NULL, *last;

	mutex_lock(&vp_timelines_lock);
	owner->gone = true;
	do {
		last = timeline;
		timeline = vp_timeline_next(owner, last);
		mutex_unlock(&vp_timelines_lock);
		if (last)
			vp_timeline_put(last);
		if (!timeline)
			return;
		vp_timeline_end(timeline, error);
		mutex_lock(&vp_timelines_lock);
	} while (true);
}

/* For vp_timeline_put(). */
void vp_timeline_free(struct kref *ref)
{
	kfree(container_of(ref, struct vp_timeline, ref));
}

/* Put a fence into the line, which takes its own reference. */
static void vp_timeline_insert(struct vp_timeline *timeline,
			       struct vp_fence *fence, struct list_head *after)
{
	lockdep_assert_held(&timeline->lock);

	list_add(&vp_fence_get(fence)->node, after);
	fence->created = ktime_get();
	if (!timeline->timeout_ms)
		return;
	fence->expires = ktime_add_ms(fence->created, timeline->timeout_ms);
	if (!delayed_work_pending(&timeline->expire))
		vp_timeline_look_in(timeline,
				    (s64)timeline->timeout_ms * NSEC_PER_MSEC);
}

/**
 * vp_timeline_add - let a fence join the line
 * @fence: from vp_fence_create(), on a timeline that is ordered, or for buffers
 *
 * It gets the next number. From here on others may signal it.
 *
 * Context: any lock but that of a timeline or a fence may be held.
 *
 * Return: 0, or the error that the timeline has ended with.
 */
int vp_timeline_add(struct vp_fence *fence)
{
	struct vp_timeline *timeline = fence->timeline;
	int ended;

	spin_lock(&timeline->lock);
	ended = timeline->ended;
	if (!ended) {
		fence->base.seqno = ++timeline->last;
		vp_timeline_insert(timeline, fence, timeline->pending.prev);
	}
	spin_unlock(&timeline->lock);
	return ended;
}

/* The number of a value of the counter, ahead of it or behind by less than 2^31. */
static u64 vp_timeline_seqno(struct vp_timeline *timeline, u32 value)
{
	lockdep_assert_held(&timeline->lock);

	return timeline->signaled +
	       (s32)(value - lower_32_bits(timeline->signaled));
}

/* The last fence whose number is not above one; NULL if there is none. */
static struct vp_fence *vp_timeline_up_to(struct vp_timeline *timeline,
					  u64 seqno)
{
	struct vp_fence *fence;

	list_for_each_entry_reverse(fence, &timeline->pending, node)
		if (fence->base.seqno <= seqno)
			return fence;
	return NULL;
}

/**
 * vp_timeline_find_at - is there a fence for a value of the counter?
 * @timeline: one of sw_sync
 * @value: the value
 *
 * Context: unlocked.
 *
 * Return: the fence, with a reference for the caller; NULL if none is pending.
 */
struct vp_fence *vp_timeline_find_at(struct vp_timeline *timeline, u32 value)
{
	struct vp_fence *fence;
	u64 seqno;

	spin_lock(&timeline->lock);
	seqno = vp_timeline_seqno(timeline, value);
	fence = vp_timeline_up_to(timeline, seqno);
	if (fence && fence->base.seqno == seqno) {
		vp_fence_get(fence);
		timeline->last++;
	} else {
		fence = NULL;
	}
	spin_unlock(&timeline->lock);
	return fence;
}

/**
 * vp_timeline_add_at - let a fence join the line for a value of the counter
 * @fence: from vp_fence_create(), on a timeline of sw_sync; it signals at once
 *	when the counter is there
 * @value: the value
 *
 * Context: unlocked, sleeps.
 *
 * Return: 0; -EEXIST when there is one.
 */
int vp_timeline_add_at(struct vp_fence *fence, u32 value)
{
	struct vp_timeline *timeline = fence->timeline;
	struct vp_fence *before;
	int ret = 0;

	/* One that signals at once does so after those that the counter has passed. */
	mutex_lock(&timeline->signaling);
	spin_lock(&timeline->lock);
	fence->base.seqno = vp_timeline_seqno(timeline, value);
	before = vp_timeline_up_to(timeline, fence->base.seqno);
	/* Behind a counter that has just begun, numbers wrap around. */
	if ((s64)(fence->base.seqno - timeline->signaled) <= 0)
		vp_fence_finish(fence, 0);
	else if (before && before->base.seqno == fence->base.seqno)
		ret = -EEXIST;
	else
		vp_timeline_insert(timeline, fence,
				   before ? &before->node : &timeline->pending);
	timeline->last += !ret;
	spin_unlock(&timeline->lock);
	mutex_unlock(&timeline->signaling);
	return ret;
}

/**
 * vp_timeline_advance - move the counter on
 * @timeline: one of sw_sync
 * @count: by how much, less than 2^31
 *
 * The fences that it passes signal. Unlocked, sleeps.
 */
void vp_timeline_advance(struct vp_timeline *timeline, u32 count)
{
	u64 seqno;

	mutex_lock(&timeline->signaling);
	spin_lock(&timeline->lock);
	timeline->signaled += count;
	seqno = timeline->signaled;
	spin_unlock(&timeline->lock);
	vp_timeline_finish_all(timeline, seqno, 0);
	mutex_unlock(&timeline->signaling);
}

/* Why a fence that has signalled did so, to the maker who comes late. */
static int vp_timeline_late(struct vp_timeline *timeline)
{
	lockdep_assert_held(&timeline->lock);

	switch (timeline->ended) {
	case 0:
		return -ETIMEDOUT;
	case -ECANCELED:
		return -ENOENT;
	default:
		return timeline->ended;
	}
}

/**
 * vp_timeline_signal - signal all fences up to one
 * @timeline: one that is ordered
 * @seqno: that one's number
 * @error: 0, or the negative errno they signal with
 *
 * Unlocked, sleeps.
 *
 * Returns 0; -ENOENT when no such fence was made, or the timeline has been
 * destroyed; the error that it has ended with otherwise; -EALREADY when this
 * was called for the fence, or for a later one, before; -ETIMEDOUT when it was
 * not, and the fence has signalled by itself.
 */
int vp_timeline_signal(struct vp_timeline *timeline, u64 seqno, int error)
{
	int ret = 0;

	mutex_lock(&timeline->signaling);
	spin_lock(&timeline->lock);
	if (timeline->ended) {
		ret = vp_timeline_late(timeline);
	} else if (!seqno || seqno > timeline->last) {
		ret = -ENOENT;
	} else if (seqno <= timeline->requested) {
		ret = -EALREADY;
	} else {
		timeline->requested = seqno;
		if (seqno <= timeline->signaled)
			ret = vp_timeline_late(timeline);
	}
	spin_unlock(&timeline->lock);

	if (!ret)
		vp_timeline_finish_all(timeline, seqno, error);
	mutex_unlock(&timeline->signaling);
	return ret;
}

/**
 * vp_timeline_signal_one - signal a fence that was made for a buffer
 * @fence: the fence
 *
 * Unlocked.
 *
 * Returns 0; -ETIMEDOUT when it had signalled by itself, or the error that the
 * timeline has ended with.
 */
int vp_timeline_signal_one(struct vp_fence *fence)
{
	struct vp_timeline *timeline = fence->timeline;
	int ret = 0;

	spin_lock(&timeline->lock);
	if (list_empty(&fence->node))
		ret = vp_timeline_late(timeline);
	else
		vp_timeline_finish(timeline, fence, 0);
	spin_unlock(&timeline->lock);
	return ret;
}
