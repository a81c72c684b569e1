/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fence: a point on a timeline, that a program signals.
 */
#ifndef VP_FENCE_FENCE_H
#define VP_FENCE_FENCE_H

#include <linux/dma-fence.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

struct vp_timeline;

/**
 * enum vp_fence_usage - what a fence stands for
 * @VP_FENCE_FREE: anything: it is handed out as a sync_file
 * @VP_FENCE_READ: reading a buffer
 * @VP_FENCE_WRITE: writing a buffer
 */
enum vp_fence_usage {
	VP_FENCE_FREE,
	VP_FENCE_READ,
	VP_FENCE_WRITE,
};

/**
 * struct vp_fence - a fence on a timeline
 * @base: the kernel's fence
 * @lock: the lock of @base; guards the fields below it
 * @timeline: the timeline, which also has the names; holds a reference
 * @node: in &vp_timeline.pending, which holds a reference on the fence; empty
 *	before the fence is added and after it has signalled; guarded by the
 *	timeline's lock
 * @created: when it was added to the timeline, in CLOCK_MONOTONIC
 * @id: its id in the client that made it; 0 if it has none
 * @next: the next of its list in &vp_fence_client.fences, if it has an id
 * @usage: what it stands for
 * @buffer: id of the buffer it was made for; 0 if none
 * @waiters: a &struct vp_fence_waiter for each task that sleeps in a wait
 * @deadline: the earliest deadline set so far, in CLOCK_MONOTONIC; KTIME_MAX if
 *	none was
 */
struct vp_fence {
	struct dma_fence base;
	struct vp_timeline *timeline;
	struct list_head node;
	ktime_t created;
	struct vp_fence *next;
	u64 buffer;
	u32 id;
	enum vp_fence_usage usage;

	/*
	 * Guards @waiters and the deadline, beside what the kernel guards with
	 * it: signalling and the list of callbacks. Taken with interrupts off.
	 * Innermost: nothing is locked under it.
	 */
	spinlock_t lock;
	struct list_head waiters;
	ktime_t deadline;
};

/**
 * struct vp_fence_waiter - a task that sleeps until a fence signals
 * @node: in &vp_fence.waiters
 * @pid: the task's process, as a tgid
 * @process: the task's name
 * @since: when the wait began, in jiffies
 * @cb: wakes the task
 * @task: the task; NULL as soon as it has been woken
 */
struct vp_fence_waiter {
	struct list_head node;
	pid_t pid;
	char process[TASK_COMM_LEN];
	unsigned long since;
	struct dma_fence_cb cb;
	struct task_struct *task;
};

/* How many fences exist, signalled or not. */
DECLARE_PER_CPU(long, vp_fence_count);

struct vp_fence *vp_fence_create(struct vp_timeline *timeline,
				 enum vp_fence_usage usage, u64 buffer);
struct vp_fence *vp_fence_from(struct dma_fence *base);

#endif /* VP_FENCE_FENCE_H */
