/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timelines: fences of one maker, each of which is certain to signal.
 */
#ifndef VP_FENCE_TIMELINE_H
#define VP_FENCE_TIMELINE_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "fence/fence.h"

/* Room for the name of a device or a purpose, with the NUL that ends it. */
#define VP_FENCE_NAME_LEN	32

/**
 * enum vp_timeline_kind - in which order the fences of a timeline signal
 * @VP_TIMELINE_ORDERED: in the order in which they were added
 * @VP_TIMELINE_BUFFERS: in any order: each is on a buffer of its own
 * @VP_TIMELINE_SW_SYNC: in the order of their seqnos, which a counter reaches
 */
enum vp_timeline_kind {
	VP_TIMELINE_ORDERED,
	VP_TIMELINE_BUFFERS,
	VP_TIMELINE_SW_SYNC,
};

/**
 * struct vp_timeline_owner - a device, or another thing that has timelines
 * @device: its name, valid as long as the owner is
 * @timeout_ms: age at which a fence signals by itself, in milliseconds; 0 for
 *	never
 * @no_errors: fences signal without an error when they expire, or when their
 *	timeline ends
 * @gone: it gets no more timelines; guarded by vp_timelines_lock
 */
struct vp_timeline_owner {
	const char *device;
	unsigned int timeout_ms;
	bool no_errors;
	bool gone;
};

/**
 * struct vp_timeline - a timeline
 * @ref: held by its maker, and by each of its fences
 * @rcu: for vp_timeline_free()
 * @id: a number that no other timeline has had
 * @kind: in which order its fences signal
 * @owner: the device it is of; not to be used once the timeline is destroyed
 * @context: the fence context of its fences; those on buffers have one each
 * @had_fences: at least one fence was made for it; only set by one who holds a
 *	reference, and read when the last one is dropped
 * @no_errors: as @owner has it
 * @timeout_ms: as @owner has it, in milliseconds
 * @device: the driver's name in its fences
 * @name: the timeline's name in its fences
 * @process: name of the task that made it
 * @pid: that task's process, as a tgid
 * @node: in vp_timelines; guarded by vp_timelines_lock
 * @signaling: held while several fences are chosen and signalled, so that no
 *	other thread signals one of them in between; taken before @lock
 * @lock: guards the fields below it
 * @pending: fences that have not signalled, by seqno
 * @last: the last seqno given; of VP_TIMELINE_SW_SYNC, how many fences were
 *	asked for
 * @signaled: all fences up to this seqno have signalled; of
 *	VP_TIMELINE_SW_SYNC, the counter; of VP_TIMELINE_BUFFERS, how many
 *	fences have signalled
 * @requested: the highest seqno that the maker has signalled; of
 *	VP_TIMELINE_ORDERED only
 * @ended: 0, or the negative errno that pending fences signal with from now on,
 *	and with which new ones are refused
 * @expire: queued for when the first of @pending expires
 */
struct vp_timeline {
	struct kref ref;
	struct rcu_head rcu;
	u64 id;
	enum vp_timeline_kind kind;
	struct vp_timeline_owner *owner;
	u64 context;
	bool had_fences;
	bool no_errors;
	unsigned int timeout_ms;
	char device[VP_FENCE_NAME_LEN];
	char name[VP_FENCE_NAME_LEN];
	char process[TASK_COMM_LEN];
	pid_t pid;
	struct list_head node;
	struct mutex signaling;

	/*
	 * Guards the fields below. Fences signal under it, so that they do so
	 * in order.
	 */
	spinlock_t lock;
	struct list_head pending;
	u64 last;
	u64 signaled;
	u64 requested;
	int ended;
	struct delayed_work expire;
};

/*
 * Guards vp_timelines and &vp_timeline_owner.gone. Taken before the locks of a
 * timeline.
 */
extern struct mutex vp_timelines_lock;
/* All timelines that have not been destroyed, by id. */
extern struct list_head vp_timelines;

/* How many those are. */
DECLARE_PER_CPU(long, vp_timeline_count);

int vp_fences_init(void);
void vp_fences_fini(void);

struct vp_timeline *vp_timeline_create(enum vp_timeline_kind kind,
				       struct vp_timeline_owner *owner,
				       const char *name);
void vp_timeline_end(struct vp_timeline *timeline, int error);
void vp_timeline_destroy(struct vp_timeline *timeline, int error);
void vp_timelines_end(struct vp_timeline_owner *owner, int error);
void vp_timeline_put(struct vp_timeline *timeline);

int vp_timeline_add(struct vp_fence *fence);
struct vp_fence *vp_timeline_find_at(struct vp_timeline *timeline, u32 value);
int vp_timeline_add_at(struct vp_fence *fence, u32 value);
int vp_timeline_signal(struct vp_timeline *timeline, u64 seqno, int error);
void vp_timeline_advance(struct vp_timeline *timeline, u32 count);
int vp_timeline_signal_one(struct vp_fence *fence);

/**
 * vp_fence_expires - when a fence signals by itself
 * @fence: a fence that is pending, of a timeline with a timeout
 *
 * Context: Any context.
 * Return: The time, in CLOCK_MONOTONIC.
 */
static inline ktime_t vp_fence_expires(const struct vp_fence *fence)
{
	return ktime_add_ms(fence->created, fence->timeline->timeout_ms);
}

#endif /* VP_FENCE_TIMELINE_H */
