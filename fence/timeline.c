// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: timelines
 *
 * A timeline makes sure that each of its fences signals: when the maker signals
 * it, when it has reached the timeout of the owner, or when maker or owner go.
 * The timeline holds a reference on the fence until then, so the fence signals
 * whatever becomes of its other users, and every wait for it ends.
 *
 * There are three kinds. The fences of an ordered timeline signal in the order of
 * their seqnos, as the kernel expects of a timeline. Fences on buffers signal in
 * any order, because users of different buffers finish at different times: to the
 * kernel each is a timeline of its own, and ours only groups those of one maker.
 * On a timeline of sw_sync the maker chooses the seqnos, and a counter passes
 * them.
 *
 * A fence gets its seqno when it is added, and a seqno is given only once: all
 * that can fail is done before.
 *
 * All fences of a timeline have the same timeout, so the first of the list is the
 * first to expire, and one delayed work per timeline is enough. It is queued when
 * a fence is added and it is not queued yet, and stays queued when fences signal
 * in time, as most do. Its delay is in jiffies, which stand still while the CPU
 * that advances them does, as a virtual one may. So the age of a fence is taken
 * from CLOCK_MONOTONIC, which does not count the time that the machine is
 * suspended.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "fence/fence.h"
#include "fence/timeline.h"

/* Fences signalled at a time, before the lock and the CPU are offered to others. */
#define VP_SIGNAL_BATCH	256

/* For &vp_timeline.expire. Memory reclaim may be waiting for what it signals. */
static struct workqueue_struct *vp_timeline_queue;

DEFINE_MUTEX(vp_timelines_lock);
LIST_HEAD(vp_timelines);
DEFINE_PER_CPU(long, vp_timeline_count);

/* The last id; guarded by vp_timelines_lock. */
static u64 vp_timeline_last_id;

static void vp_timeline_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct vp_timeline, rcu));
	module_put(THIS_MODULE);
}

static void vp_timeline_free(struct kref *ref)
{
	struct vp_timeline *timeline = container_of(ref, struct vp_timeline,
						    ref);

	/* Names are read through fences only: without, rmmod need not wait. */
	if (timeline->had_fences)
		call_rcu(&timeline->rcu, vp_timeline_free_rcu);
	else
		vp_timeline_free_rcu(&timeline->rcu);
}

/**
 * vp_timeline_put - drop a reference
 * @timeline: the timeline
 *
 * The last one is often that of a fence. Until an RCU grace period later the kernel
 * may read the fence's names, and calls this module for them.
 *
 * Context: Any context.
 */
void vp_timeline_put(struct vp_timeline *timeline)
{
	kref_put(&timeline->ref, vp_timeline_free);
}

static struct vp_fence *vp_timeline_first(struct vp_timeline *timeline)
{
	return list_first_entry_or_null(&timeline->pending, struct vp_fence,
					node);
}

/* Signal a fence that has not signalled, and that no other thread signals. */
static void vp_fence_finish(struct vp_fence *fence, int error)
{
	if (error)
		dma_fence_set_error(&fence->base, error);
	dma_fence_signal(&fence->base);
}

/* Remove a pending fence from its timeline, and signal it. */
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
	dma_fence_put(&fence->base);
}

/* Signal all pending fences up to @seqno. */
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

/* Name the process that a wait for this fence was waiting for. */
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

/* Run vp_timeline_expire() in @ns nanoseconds, or up to two jiffies later. */
static void vp_timeline_arm_timer(struct vp_timeline *timeline, s64 ns)
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
			if (!fence || ktime_before(now, vp_fence_expires(fence)))
				break;
			vp_timeline_report(timeline, fence);
			vp_timeline_finish(timeline, fence,
					   timeline->no_errors ? 0 :
								 -ETIMEDOUT);
		}
		if (done < VP_SIGNAL_BATCH && fence)
			vp_timeline_arm_timer(timeline,
					      ktime_sub(vp_fence_expires(fence), now));
		spin_unlock(&timeline->lock);
		cond_resched();
	} while (done == VP_SIGNAL_BATCH);
	mutex_unlock(&timeline->signaling);
}

/**
 * vp_fences_init - set up timelines
 *
 * Context: Loading the module. May sleep.
 * Return: 0, or -ENOMEM.
 */
int vp_fences_init(void)
{
	vp_timeline_queue = alloc_workqueue(KBUILD_MODNAME "-fences",
					    WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return vp_timeline_queue ? 0 : -ENOMEM;
}

/**
 * vp_fences_fini - undo vp_fences_init()
 *
 * Context: Unloading the module, or failing to load it: no timeline is left, and
 *	no reference on a fence. May sleep.
 */
void vp_fences_fini(void)
{
	destroy_workqueue(vp_timeline_queue);
	/* Until vp_timeline_free_rcu() and vp_job_free() have returned. */
	rcu_barrier();
}

/**
 * vp_timeline_create - make a timeline
 * @kind: in which order its fences signal
 * @owner: the device it is of
 * @name: its name; copied, and cut to VP_FENCE_NAME_LEN
 *
 * Context: May sleep. Takes vp_timelines_lock.
 * Return: The timeline, to be given to vp_timeline_destroy(); or an ERR_PTR() of
 *	-ENODEV when vp_timelines_end() was called for @owner, -ENOMEM.
 */
struct vp_timeline *vp_timeline_create(enum vp_timeline_kind kind,
				       struct vp_timeline_owner *owner,
				       const char *name)
{
	struct vp_timeline *timeline;

	timeline = kzalloc(sizeof(*timeline), GFP_KERNEL_ACCOUNT);
	if (!timeline)
		return ERR_PTR(-ENOMEM);

	__module_get(THIS_MODULE);
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
		vp_timeline_put(timeline);
		return ERR_PTR(-ENODEV);
	}
	timeline->id = ++vp_timeline_last_id;
	list_add_tail(&timeline->node, &vp_timelines);
	mutex_unlock(&vp_timelines_lock);
	this_cpu_inc(vp_timeline_count);
	return timeline;
}

/**
 * vp_timeline_end - signal all fences of a timeline, and accept no more
 * @timeline: the timeline
 * @error: the negative errno that pending fences signal with, unless the
 *	timeline has no_errors, and that vp_timeline_add() returns from now on
 *
 * Context: May sleep. Takes the locks of the timeline and of its fences, and no
 *	reservation lock: a task that waits for one of the fences may hold that.
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
 * vp_timeline_destroy - end a timeline, and drop its maker's reference
 * @timeline: from vp_timeline_create()
 * @error: as for vp_timeline_end()
 *
 * Fences that others hold a reference on stay, and keep the timeline's memory.
 *
 * Context: As vp_timeline_end(); takes vp_timelines_lock as well.
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

/* The timeline of an owner after @timeline, or its first; with a reference. */
static struct vp_timeline *vp_timeline_next(struct vp_timeline_owner *owner,
					    struct vp_timeline *timeline)
{
	lockdep_assert_held(&vp_timelines_lock);

	/* One that has been destroyed is in the list no more: start again. */
	if (!timeline || list_empty(&timeline->node))
		timeline = list_first_entry(&vp_timelines, struct vp_timeline,
					    node);
	list_for_each_entry_from(timeline, &vp_timelines, node)
		if (timeline->owner == owner && !READ_ONCE(timeline->ended)) {
			kref_get(&timeline->ref);
			return timeline;
		}
	return NULL;
}

/**
 * vp_timelines_end - end all timelines of an owner, and let it have no more
 * @owner: the owner
 * @error: as for vp_timeline_end()
 *
 * Timelines of other owners can be made and destroyed meanwhile.
 *
 * Context: As vp_timeline_end(); takes vp_timelines_lock as well.
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

/* Make a fence pending behind @after; the timeline takes a reference. */
static void vp_timeline_insert(struct vp_timeline *timeline,
			       struct vp_fence *fence, struct list_head *after)
{
	lockdep_assert_held(&timeline->lock);

	dma_fence_get(&fence->base);
	list_add(&fence->node, after);
	fence->created = ktime_get();
	if (timeline->timeout_ms && !delayed_work_pending(&timeline->expire))
		vp_timeline_arm_timer(timeline, (s64)timeline->timeout_ms *
						NSEC_PER_MSEC);
}

/**
 * vp_timeline_add - add a fence to its timeline
 * @fence: from vp_fence_create(), with a timeline that is ordered or for buffers
 *
 * The fence gets the next seqno. It may signal from now on.
 *
 * Context: Process context. Takes the lock of the timeline.
 * Return: 0, or the negative errno that the timeline has ended with.
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

/* The seqno of a value of the counter, which is less than 2^31 away from it. */
static u64 vp_timeline_seqno(struct vp_timeline *timeline, u32 value)
{
	lockdep_assert_held(&timeline->lock);

	return timeline->signaled +
	       (s32)(value - lower_32_bits(timeline->signaled));
}

/* The last pending fence whose seqno is at most @seqno; NULL if there is none. */
static struct vp_fence *vp_timeline_up_to(struct vp_timeline *timeline,
					  u64 seqno)
{
	struct vp_fence *fence;

	lockdep_assert_held(&timeline->lock);

	list_for_each_entry_reverse(fence, &timeline->pending, node)
		if (fence->base.seqno <= seqno)
			return fence;
	return NULL;
}

/**
 * vp_timeline_find_at - look up the fence for a value of the counter
 * @timeline: a timeline of sw_sync
 * @value: the value
 *
 * Context: Process context. Takes the lock of the timeline.
 * Return: The fence, with a reference for the caller; NULL if none is pending.
 */
struct vp_fence *vp_timeline_find_at(struct vp_timeline *timeline, u32 value)
{
	struct vp_fence *fence;
	u64 seqno;

	spin_lock(&timeline->lock);
	seqno = vp_timeline_seqno(timeline, value);
	fence = vp_timeline_up_to(timeline, seqno);
	if (fence && fence->base.seqno == seqno) {
		dma_fence_get(&fence->base);
		timeline->last++;
	} else {
		fence = NULL;
	}
	spin_unlock(&timeline->lock);
	return fence;
}

/**
 * vp_timeline_add_at - add a fence for a value of the counter
 * @fence: from vp_fence_create(), with a timeline of sw_sync
 * @value: the value; the fence signals at once if the counter has reached it
 *
 * Context: May sleep. Takes the locks of the timeline and of its fences.
 * Return: 0, or -EEXIST when a fence for this value is pending.
 */
int vp_timeline_add_at(struct vp_fence *fence, u32 value)
{
	struct vp_timeline *timeline = fence->timeline;
	struct vp_fence *before;
	int ret = 0;

	/*
	 * vp_timeline_advance() may still be signalling those that the counter
	 * has passed: one that signals at once comes after them.
	 */
	mutex_lock(&timeline->signaling);
	spin_lock(&timeline->lock);
	fence->base.seqno = vp_timeline_seqno(timeline, value);
	before = vp_timeline_up_to(timeline, fence->base.seqno);
	/* Below a counter that is still small, seqnos wrap around. */
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
 * vp_timeline_advance - advance the counter, and signal the fences it reaches
 * @timeline: a timeline of sw_sync
 * @count: by how much, less than 2^31
 *
 * Context: May sleep. Takes the locks of the timeline and of its fences.
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

/* The errno for a maker whose fence has signalled before it asks for that. */
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
 * @timeline: an ordered timeline
 * @seqno: seqno of the last fence to signal
 * @error: 0, or the negative errno that the fences signal with
 *
 * Context: May sleep. Takes the locks of the timeline and of its fences.
 * Return:
 * * 0: the fences have signalled
 * * -ENOENT: no fence with this seqno was added, or the timeline has ended with
 *   -ECANCELED
 * * -EALREADY: this function was called for this or a later seqno before
 * * -ETIMEDOUT: it was not, and the fence has signalled by itself
 * * another errno: the timeline has ended with it
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
 * vp_timeline_signal_one - signal a fence on a buffer
 * @fence: the fence, of a timeline for buffers
 *
 * Context: Process context. Takes the locks of the timeline and of the fence.
 * Return: 0; -ETIMEDOUT when the fence has signalled by itself; -ENOENT when the
 *	timeline has ended with -ECANCELED; else the errno that it has ended
 *	with.
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
