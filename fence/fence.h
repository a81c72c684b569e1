/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One fence: when it signals, some work on some buffer is done.
 */
#ifndef VP_FENCE_FENCE_H
#define VP_FENCE_FENCE_H

#include <linux/dma-fence.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/rhashtable-types.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

struct seq_file;
struct vp_timeline;

/**
 * enum vp_fence_usage - what a fence was made for
 * @VP_FENCE_FREE: whatever its holder puts it to
 * @VP_FENCE_READ: for a buffer that is being read
 * @VP_FENCE_WRITE: for a buffer that is being written
 */
enum vp_fence_usage {
	VP_FENCE_FREE,
	VP_FENCE_READ,
	VP_FENCE_WRITE,
};

/**
 * struct vp_fence - one fence
 *
 * @base: the kernel's part
 * @lock: what @base has for its lock; guards what stands below it, see there
 * @timeline: where it is a point, and where it has its names from; holds a
 *	reference
 * @node: in &vp_timeline.pending, which holds a reference; empty before it has
 *	joined and after it has signalled; guarded by the timeline's lock
 * @created: when it joined, by CLOCK_MONOTONIC
 * @expires: when it signals by itself, by the same; only on a timeline with a
 *	limit
 * @id: what its maker calls it, 0 if nothing
 * @by_id: in &vp_fence_client.fences, when it has an id
 * @usage: what it was made for
 * @buffer: the number of the buffer it was made for, 0 if none
 * @waiters: the &struct vp_fence_waiter of those who sleep until it signals
 * @has_deadline: whether somebody said by when he needs it
 * @deadline: the earliest time that was said, of CLOCK_MONOTONIC
 */
struct vp_fence {
	struct dma_fence base;
	struct vp_timeline *timeline;
	struct list_head node;
	ktime_t created;
	ktime_t expires;
	u32 id;
	struct rhash_head by_id;
	enum vp_fence_usage usage;
	u64 buffer;

	/*
	 * Guards @waiters and the deadline, beside what the kernel guards with it:
	 * signalling and the list of callbacks. Taken with interrupts off. Innermost:
	 * nothing is locked under it.
	 */
	spinlock_t lock;
	struct list_head waiters;
	bool has_deadline;
	ktime_t deadline;
};

/**
 * struct vp_fence_waiter - somebody who sleeps until a fence signals
 * @node: in &vp_fence.waiters
 * @pid: his process
 * @process: its name
 * @since: since when, in jiffies
 * @cb: wakes him
 * @task: whom to wake; NULL when that has been done, and this is his again
 */
struct vp_fence_waiter {
	struct list_head node;
	pid_t pid;
	char process[TASK_COMM_LEN];
	unsigned long since;
	struct dma_fence_cb cb;
	struct task_struct *task;
};

/* How many fences are alive, signalled or not. */
DECLARE_PER_CPU(long, vp_fence_count);

int vp_fences_init(void);
void vp_fences_fini(void);

struct vp_fence *vp_fence_create(struct vp_timeline *timeline,
				 enum vp_fence_usage usage, u64 buffer);
void vp_fence_finish(struct vp_fence *fence, int error);
struct vp_fence *vp_fence_from(struct dma_fence *base);

static inline struct vp_fence *vp_fence_get(struct vp_fence *fence)
{
	dma_fence_get(&fence->base);
	return fence;
}

static inline void vp_fence_put(struct vp_fence *fence)
{
	dma_fence_put(&fence->base);
}

#endif /* VP_FENCE_FENCE_H */
