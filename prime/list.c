// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of buffers in debugfs: their attachments, open CPU accesses, fences
 * and breaches of the contract.
 */
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "fence/list.h"
#include "prime/dmabuf.h"
#include "prime/list.h"
#include "prime/registry.h"

/* The position is the id. */
static void *vp_list_start(struct seq_file *m, loff_t *pos)
{
	struct vp_dmabuf *buf = vp_registry_next(NULL, *pos);

	if (buf)
		*pos = buf->id;
	return buf;
}

static void *vp_list_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct vp_dmabuf *buf = v, *next = vp_registry_next(buf, buf->id + 1);

	*pos = next ? next->id : buf->id + 1;
	vp_dmabuf_put(buf);
	return next;
}

static void vp_list_stop(struct seq_file *m, void *v)
{
	if (v)
		vp_dmabuf_put(v);
}

static const char *vp_direction_name(enum dma_data_direction dir)
{
	switch (dir) {
	case DMA_BIDIRECTIONAL:
		return "bidirectional";
	case DMA_TO_DEVICE:
		return "to-device";
	case DMA_FROM_DEVICE:
		return "from-device";
	default:
		return "none";
	}
}

static const char *vp_usage_name(enum dma_resv_usage usage)
{
	switch (usage) {
	case DMA_RESV_USAGE_KERNEL:
		return "kernel";
	case DMA_RESV_USAGE_WRITE:
		return "write";
	case DMA_RESV_USAGE_READ:
		return "read";
	default:
		return "bookkeep";
	}
}

/* Shows the latest mapping: the others are stale. */
static void vp_show_attachment(struct seq_file *m,
			       struct vp_attachment *attach)
{
	struct vp_mapping *mapping;
	unsigned int pins = attach->pins;

	list_for_each_entry(mapping, &attach->mappings, node)
		pins += mapping->pinned;
	mapping = list_empty(&attach->mappings) ? NULL :
		  list_last_entry(&attach->mappings, struct vp_mapping, node);

	seq_puts(m, "  attachment");
	vp_show_name(m, "device", dev_name(attach->dev));
	vp_show_name(m, "driver", dev_driver_string(attach->dev));
	seq_printf(m, " lifetime=%s mapped=%s direction=%s pins=%u\n",
		   vp_attachment_lifetime(attach),
		   !mapping ? "no" :
		   mapping->stale || mapping->unmapped ? "stale" : "yes",
		   vp_direction_name(mapping ? mapping->dir : DMA_NONE), pins);
}

static void vp_show_cpu(struct seq_file *m, struct vp_dmabuf *buf)
{
	struct vp_cpu_access *access;

	spin_lock(&buf->lock);
	list_for_each_entry(access, &buf->accesses, node) {
		if (!buf->cpu_accesses)
			break;
		seq_printf(m, "  cpu access=%s",
			   access->dir == DMA_FROM_DEVICE ? "read" :
			   access->dir == DMA_TO_DEVICE ? "write" :
							  "read-write");
		vp_show_name(m, "process", access->comm);
		seq_printf(m, " pid=%d open_ms=%u\n", pid_nr(access->process),
			   jiffies_to_msecs(jiffies - access->since));
	}
	spin_unlock(&buf->lock);
}

/* The names may be gone once the fence has signalled: it is left out then. */
static void vp_show_fence(struct seq_file *m, struct dma_fence *fence,
			  enum dma_resv_usage usage)
{
	const char *driver, *timeline;

	rcu_read_lock();
	driver = vp_fence_driver_name(fence);
	timeline = vp_fence_timeline_name(fence);
	if (!dma_fence_is_signaled(fence)) {
		seq_puts(m, "  fence");
		vp_show_name(m, "driver", driver);
		vp_show_name(m, "timeline", timeline);
		seq_printf(m, " seqno=%llu usage=%s\n", fence->seqno,
			   vp_usage_name(usage));
	}
	rcu_read_unlock();
}

static unsigned int vp_show_fences(struct seq_file *m, struct vp_dmabuf *buf)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	dma_resv_for_each_fence(&cursor, buf->resv, DMA_RESV_USAGE_BOOKKEEP,
				fence) {
		if (dma_fence_is_signaled(fence))
			continue;
		count++;
		if (m)
			vp_show_fence(m, fence, dma_resv_iter_usage(&cursor));
	}
	return count;
}

static unsigned int vp_violations_of(struct vp_dmabuf *buf)
{
	struct vp_violations *all = READ_ONCE(buf->violations);
	unsigned int sum = 0, i;

	for (i = 0; all && i < VP_RULES; i++)
		sum += atomic_read(&all->counts[i]);
	return sum;
}

static void vp_show_violations(struct seq_file *m, struct vp_dmabuf *buf)
{
	struct vp_violations *all = READ_ONCE(buf->violations);
	unsigned int i;

	for (i = 0; all && i < VP_RULES; i++)
		if (atomic_read(&all->counts[i]))
			seq_printf(m, "  violation rule=%s count=%d\n",
				   vp_rule_name(i),
				   atomic_read(&all->counts[i]));
}

/*
 * The inode of the exported dma_buf, by which /proc/PID/fd and maps name it; 0 if
 * there is none. A file that is being closed has lost its inode before @exported is
 * cleared, so the number is the one noted at the export.
 */
static u64 vp_exported_inode(struct vp_dmabuf *buf)
{
	u64 inode;

	spin_lock(&buf->lock);
	inode = buf->exported ? buf->exported_inode : 0;
	spin_unlock(&buf->lock);
	return inode;
}

static int vp_list_show(struct seq_file *m, void *v)
{
	struct vp_dmabuf *buf = v;
	struct vp_attachment *attach;

	vp_dmabuf_end_left_accesses(buf, false);
	if (dma_resv_lock_interruptible(buf->resv, NULL))
		return -EINTR;

	seq_printf(m, "buffer id=%llu", buf->id);
	vp_show_name(m, "exporter", buf->name);
	seq_printf(m, " size=%zu resident=%zu state=%s foreign=%s exported=%s attachments=%u mapped=%u pins=%u vmaps=%u cpu=%u fences=%u violations=%u inode=%llu\n",
		   buf->size, buf->ops->resident ? buf->ops->resident(buf) : 0,
		   buf->revoked ? "revoked" : "live",
		   buf->foreign ? "yes" : "no",
		   buf->foreign || READ_ONCE(buf->exported) ? "yes" : "no",
		   buf->attached, buf->mapped, buf->pins, buf->vmap_users,
		   READ_ONCE(buf->cpu_accesses),
		   vp_show_fences(NULL, buf), vp_violations_of(buf),
		   vp_exported_inode(buf));

	list_for_each_entry_reverse(attach, &buf->attachments, node)
		vp_show_attachment(m, attach);
	vp_show_cpu(m, buf);
	vp_show_fences(m, buf);
	vp_show_violations(m, buf);
	dma_resv_unlock(buf->resv);
	return 0;
}

const struct seq_operations vp_dmabuf_list_ops = {
	.start = vp_list_start,
	.next = vp_list_next,
	.stop = vp_list_stop,
	.show = vp_list_show,
};

/**
 * vp_dmabuf_list_end_left - end the CPU accesses that dead processes left open
 *
 * Of all buffers, so that the counts that are read next include these breaches.
 *
 * Context: May sleep. No reservation is locked.
 */
void vp_dmabuf_list_end_left(void)
{
	struct vp_dmabuf *buf = vp_registry_next(NULL, 0), *next;

	while (buf) {
		vp_dmabuf_end_left_accesses(buf, false);
		next = vp_registry_next(buf, buf->id + 1);
		vp_dmabuf_put(buf);
		buf = next;
		cond_resched();
	}
}
