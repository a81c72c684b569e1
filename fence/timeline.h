/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line of fences that signal in order.
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
 * enum vp_timeline_kind - which rules a timeline has
 * @VP_TIMELINE_ORDERED: fences signal in the order they were made in
 * @VP_TIMELINE_BUFFERS: fences on buffers, each for itself
 * @VP_TIMELINE_SW_SYNC: fences have numbers that a counter reaches
 */
enum vp_timeline_kind {
	VP_TIMELINE_ORDERED,
	VP_TIMELINE_BUFFERS,
	VP_TIMELINE_SW_SYNC,
};

/**
 * struct vp_timeline_owner - whose timelines they are, and go with
 * @device: its name, which lives as long as this
 * @timeout_ms: how long their fences last unless they are signalled, in
 *	milliseconds; 0 for ever
 * @no_errors: whether fences signal without an error unless their maker gave one
 * @gone: whether it makes no more; guarded by vp_timelines_lock
 */
struct vp_timeline_owner {
	const char *device;
	unsigned int timeout_ms;
	bool no_errors;
	bool gone;
};

/**
 * struct vp_timeline - a line of fences
 *
 * @ref: its maker has one, and each fence
 * @id: a number that no other timeline has had
 * @kind: which rules it has
 * @owner: whose it is
 * @context: the kernel's number for it; fences on buffers have one each
 * @no_errors: as @owner's
 * @timeout_ms: how long its fences last, in milliseconds; 0 for ever
 * @device: who makes them
 * @name: what for
 * @process: the name of the program that made the timeline
 * @pid: its process
 * @node: in vp_timelines, guarded by vp_timelines_lock
 * @signaling: held from the decision to signal several to the last of them, so
 *	that nobody else signals one of those; taken before @lock
 * @lock: guards what stands below it, see there
 * @pending: fences that have not signalled, by number
 * @last: the number that was given last; of @VP_TIMELINE_SW_SYNC, how many
 *	fences were asked for
 * @signaled: the number up to which all have; of @VP_TIMELINE_BUFFERS, how many
 * @requested: the number up to which the maker wants them signalled; these do not
 *	expire
 * @ended: the errno that all fences signal with from now on, or 0
 * @expire: due when the first of @pending may be too old
 */
struct vp_timeline {
	struct kref ref;
	u64 id;
	enum vp_timeline_kind kind;
	struct vp_timeline_owner *owner;
	u64 context;
	bool no_errors;
	unsigned int timeout_ms;
	char device[VP_FENCE_NAME_LEN];
	char name[VP_FENCE_NAME_LEN];
	char process[TASK_COMM_LEN];
	pid_t pid;
	struct list_head node;
	struct mutex signaling;

	/*
	 * Guards what stands below. Fences signal under it, so that they do so in
	 * order.
	 */
	spinlock_t lock;
	struct list_head pending;
	u64 last;
	u64 signaled;
	u64 requested;
	int ended;
	struct delayed_work expire;
};

/* Guards vp_timelines, and who is gone. Taken before any timeline's locks. */
extern struct mutex vp_timelines_lock;
/* All timelines whose maker is there, by id. */
extern struct list_head vp_timelines;

/* How many those are. */
DECLARE_PER_CPU(long, vp_timeline_count);

int vp_timelines_init(void);
void vp_timelines_fini(void);

struct vp_timeline *vp_timeline_create(enum vp_timeline_kind kind,
				       struct vp_timeline_owner *owner,
				       const char *name);
void vp_timeline_end(struct vp_timeline *timeline, int error);
void vp_timeline_destroy(struct vp_timeline *timeline, int error);
void vp_timelines_end(struct vp_timeline_owner *owner, int error);
void vp_timeline_free(struct kref *ref);

int vp_timeline_add(struct vp_fence *fence);
struct vp_fence *vp_timeline_find_at(struct vp_timeline *timeline, u32 value);
int vp_timeline_add_at(struct vp_fence *fence, u32 value);
int vp_timeline_signal(struct vp_timeline *timeline, u64 seqno, int error);
void vp_timeline_advance(struct vp_timeline *timeline, u32 count);
int vp_timeline_signal_one(struct vp_fence *fence);

/**
 * vp_timeline_get - one more reference
 * @timeline: the timeline
 *
 * Returns @timeline.
 */
static inline struct vp_timeline *vp_timeline_get(struct vp_timeline *timeline)
{
	kref_get(&timeline->ref);
	return timeline;
}

/**
 * vp_timeline_put - one reference less
 * @timeline: the timeline
 *
 * Any context.
 */
static inline void vp_timeline_put(struct vp_timeline *timeline)
{
	kref_put(&timeline->ref, vp_timeline_free);
}

#endif /* VP_FENCE_TIMELINE_H */
