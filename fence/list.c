// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: the list of fences
 *
 * A line for each timeline, below it one for each of its pending fences, and below
 * that one for each task that sleeps on the fence:
 *
 *	timeline id=7 device=vprime0 name=render kind=ordered process=demo pid=161 made=5 signaled=3 pending=2
 *	  fence seqno=4 id=0 usage=none buffer=0 age_ms=20 left_ms=9980 deadline_ms=none callbacks=1
 *	    waiter process=demo pid=162 wait_ms=12
 *
 * A program reads it in pieces, and the lists change between them. What exists
 * all the time is listed exactly once.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "fence/fence.h"
#include "fence/list.h"
#include "fence/timeline.h"

/**
 * struct vp_fence_cursor - which line of the list comes next
 * @id: id of the timeline
 * @seqno: seqno of the fence; 0 for the line of the timeline itself
 * @timeline: the timeline; valid while vp_timelines_lock is held
 * @fence: the fence, with a reference; NULL if there is none
 */
struct vp_fence_cursor {
	u64 id;
	u64 seqno;
	struct vp_timeline *timeline;
	struct vp_fence *fence;
};

/**
 * vp_plain - make a byte of a name fit for a field of a list
 * @c: any byte of a name that a program or another driver chose
 *
 * Context: Any context.
 * Return: @c, or an underscore for blanks and what is not printable ASCII.
 */
char vp_plain(char c)
{
	return c > ' ' && c < 0x7f ? c : '_';
}

/**
 * vp_show_name - print " key=name" with a name that has no blanks
 * @m: the file that is printed to
 * @key: the key
 * @name: any name; an underscore is printed for an empty one
 *
 * Context: Any context.
 */
void vp_show_name(struct seq_file *m, const char *key, const char *name)
{
	seq_printf(m, " %s=", key);
	if (!*name)
		seq_putc(m, '_');
	for (; *name; name++)
		seq_putc(m, vp_plain(*name));
}

/*
 * The first pending fence from @seqno on, with a reference; NULL if there is
 * none. @hint, a fence before it, saves the way through the list.
 */
static struct vp_fence *vp_list_fence(struct vp_timeline *timeline, u64 seqno,
				      struct vp_fence *hint)
{
	struct vp_fence *fence;

	spin_lock(&timeline->lock);
	if (hint && !list_empty(&hint->node))
		fence = list_next_entry(hint, node);
	else
		fence = list_first_entry(&timeline->pending, struct vp_fence,
					 node);
	list_for_each_entry_from(fence, &timeline->pending, node)
		if (fence->base.seqno >= seqno)
			break;
	if (list_entry_is_head(fence, &timeline->pending, node))
		fence = NULL;
	else
		dma_fence_get(&fence->base);
	spin_unlock(&timeline->lock);
	return fence;
}

/* The first timeline from @id on, after @hint; NULL if there is none. */
static struct vp_timeline *vp_list_timeline(struct vp_timeline *hint, u64 id)
{
	struct vp_timeline *timeline = hint;

	lockdep_assert_held(&vp_timelines_lock);

	if (!timeline)
		timeline = list_first_entry(&vp_timelines, struct vp_timeline,
					    node);
	list_for_each_entry_from(timeline, &vp_timelines, node)
		if (timeline->id >= id)
			return timeline;
	return NULL;
}

/* Find the line that @cursor says, or the one after it. */
static void *vp_list_seek(struct vp_fence_cursor *cursor)
{
	struct vp_fence *hint = cursor->fence;
	u64 id = cursor->id;

	cursor->fence = NULL;
	cursor->timeline = vp_list_timeline(cursor->timeline, id);
	if (cursor->timeline && cursor->timeline->id == id && cursor->seqno)
		cursor->fence = vp_list_fence(cursor->timeline, cursor->seqno,
					      hint);
	if (hint)
		dma_fence_put(&hint->base);

	if (cursor->fence) {
		cursor->seqno = cursor->fence->base.seqno;
		return cursor;
	}
	/* The timeline has no more fences: the next timeline. */
	if (cursor->timeline && cursor->timeline->id == id && cursor->seqno)
		cursor->timeline = vp_list_timeline(cursor->timeline, id + 1);
	if (!cursor->timeline)
		return NULL;
	cursor->id = cursor->timeline->id;
	cursor->seqno = 0;
	return cursor;
}

static void *vp_list_start(struct seq_file *m, loff_t *pos)
{
	struct vp_fence_cursor *cursor = m->private;

	mutex_lock(&vp_timelines_lock);
	if (!*pos) {
		cursor->id = 0;
		cursor->seqno = 0;
	}
	cursor->timeline = NULL;
	return vp_list_seek(cursor);
}

static void *vp_list_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct vp_fence_cursor *cursor = v;

	++*pos;
	cursor->seqno++;
	return vp_list_seek(cursor);
}

static void vp_list_stop(struct seq_file *m, void *v)
{
	struct vp_fence_cursor *cursor = m->private;

	if (cursor->fence)
		dma_fence_put(&cursor->fence->base);
	cursor->fence = NULL;
	/* A program that has reached the end stays there. */
	if (!v)
		cursor->id = U64_MAX;
	mutex_unlock(&vp_timelines_lock);
}

static const char *const vp_kind_names[] = {
	[VP_TIMELINE_ORDERED] = "ordered",
	[VP_TIMELINE_BUFFERS] = "buffers",
	[VP_TIMELINE_SW_SYNC] = "sw_sync",
};

static const char *const vp_fence_usage_names[] = {
	[VP_FENCE_FREE] = "none",
	[VP_FENCE_READ] = "read",
	[VP_FENCE_WRITE] = "write",
};

static void vp_list_show_timeline(struct seq_file *m,
				  struct vp_timeline *timeline)
{
	struct list_head *node;
	u64 last, signaled;
	size_t pending = 0;

	spin_lock(&timeline->lock);
	last = timeline->last;
	signaled = timeline->signaled;
	list_for_each(node, &timeline->pending)
		pending++;
	spin_unlock(&timeline->lock);

	seq_printf(m, "timeline id=%llu", timeline->id);
	vp_show_name(m, "device", timeline->device);
	vp_show_name(m, "name", timeline->name);
	seq_printf(m, " kind=%s", vp_kind_names[timeline->kind]);
	vp_show_name(m, "process", timeline->process);
	seq_printf(m, " pid=%d made=%llu signaled=%llu pending=%zu\n",
		   timeline->pid, last, signaled, pending);
}

static void vp_list_show_waiters(struct seq_file *m, struct vp_fence *fence)
{
	struct vp_fence_waiter *waiter;
	struct list_head *node;
	long callbacks = 0;

	spin_lock_irq(&fence->lock);
	if (fence->deadline == KTIME_MAX)
		seq_puts(m, " deadline_ms=none");
	else
		seq_printf(m, " deadline_ms=%lld",
			   ktime_ms_delta(fence->deadline, ktime_get()));

	/* Callbacks of others: a task that sleeps in a wait has one as well. */
	if (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->base.flags))
		list_for_each(node, &fence->base.cb_list)
			callbacks++;
	list_for_each(node, &fence->waiters)
		callbacks--;
	seq_printf(m, " callbacks=%ld\n", max(callbacks, 0L));

	list_for_each_entry(waiter, &fence->waiters, node) {
		seq_puts(m, "    waiter");
		vp_show_name(m, "process", waiter->process);
		seq_printf(m, " pid=%d wait_ms=%u\n", waiter->pid,
			   jiffies_to_msecs(jiffies - waiter->since));
	}
	spin_unlock_irq(&fence->lock);
}

static void vp_list_show_fence(struct seq_file *m, struct vp_fence *fence)
{
	ktime_t now = ktime_get();

	seq_printf(m, "  fence seqno=%llu id=%u usage=%s buffer=%llu age_ms=%lld",
		   fence->base.seqno, fence->id, vp_fence_usage_names[fence->usage],
		   fence->buffer, ktime_ms_delta(now, fence->created));
	if (fence->timeline->timeout_ms)
		seq_printf(m, " left_ms=%lld",
			   max(ktime_ms_delta(vp_fence_expires(fence), now), 0LL));
	else
		seq_puts(m, " left_ms=none");
	vp_list_show_waiters(m, fence);
}

static int vp_list_show(struct seq_file *m, void *v)
{
	struct vp_fence_cursor *cursor = v;

	if (cursor->fence)
		vp_list_show_fence(m, cursor->fence);
	else
		vp_list_show_timeline(m, cursor->timeline);
	return 0;
}

static const struct seq_operations vp_fence_list_ops = {
	.start = vp_list_start,
	.next = vp_list_next,
	.stop = vp_list_stop,
	.show = vp_list_show,
};

/**
 * vp_fence_list_open - open the list
 * @file: a file with seq_read() and seq_release_private() in its operations
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM.
 */
int vp_fence_list_open(struct file *file)
{
	return seq_open_private(file, &vp_fence_list_ops,
				sizeof(struct vp_fence_cursor));
}
