// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: the dma-buf core
 *
 * Inside vprime every buffer is a &struct vp_dmabuf, whoever allocated it. The
 * kernel's &struct dma_buf is met at the file descriptor only, in export.c and
 * import.c. The contract is the one that Linux has had since 6.2, on every
 * kernel:
 *
 *  - The caller holds the reservation lock for: vp_dmabuf_map_attachment(),
 *    vp_dmabuf_unmap_attachment(), vp_dmabuf_pin(), vp_dmabuf_unpin(),
 *    vp_dmabuf_vmap(), vp_dmabuf_vunmap(), vp_dmabuf_invalidate_mappings(),
 *    vp_dmabuf_zap_cpu_mappings(), vp_dmabuf_move_locked(),
 *    vp_dmabuf_device_access().
 *  - The caller does not hold it for: vp_dmabuf_export(), vp_dmabuf_fd(),
 *    vp_dmabuf_get(), vp_dmabuf_put(), vp_dmabuf_attach(), vp_dmabuf_detach(),
 *    vp_dmabuf_move(), vp_dmabuf_revoke(), vp_dmabuf_begin_cpu_access(),
 *    vp_dmabuf_end_cpu_access(), vp_dmabuf_mmap(), vp_dmabuf_fault().
 *
 * References run one way: attachment -> buffer -> memory, and kernel dma_buf ->
 * buffer. The buffer knows its attachments and its kernel face weakly.
 *
 * Lock order: mmap lock, then the reservation lock, then whatever allocating
 * memory takes; &vp_dmabuf.lock comes last.
 *
 * This file has buffers, attachments, pins and device mappings. Moving and
 * revoking are in move.c, what the CPU does in cpu.c, what a device does that
 * the CPU plays in access.c, and who is told of a breach in watch.c.
 */
#include <linux/export.h>

#include "compat.h"
#include "prime/dmabuf.h"
#include "prime/move.h"
#include "prime/registry.h"
#include "prime/trace.h"

struct vp_dmabuf_counts vp_dmabuf_counts;
EXPORT_SYMBOL_GPL(vp_dmabuf_counts);

/**
 * vp_dmabuf_export - make a buffer that can be shared
 * @buf: where; the exporter's release callback frees it
 * @info: what the exporter says of it; not kept
 *
 * Kernel name: dma_buf_export(), which allocates. Here the exporter embeds the
 * buffer in what it needs for itself, and has set that up before: others may find
 * the buffer by its id at once. The caller gets the first reference. Unlocked.
 *
 * Returns 0; -EINVAL when @info lacks a size or a callback that is required, or
 * has a size that is no whole number of pages.
 */
int vp_dmabuf_export(struct vp_dmabuf *buf,
		     const struct vp_dmabuf_export_info *info)
{
	const struct vp_dmabuf_ops *ops = info->ops;

	if (!ops || !ops->map || !ops->unmap || !ops->release ||
	    !ops->pin != !ops->unpin || !ops->vmap != !ops->vunmap ||
	    !info->size || !PAGE_ALIGNED(info->size))
		return -EINVAL;

	*buf = (struct vp_dmabuf) {
		.ref = KREF_INIT(1),
		.size = info->size,
		.ops = ops,
		.resv = info->resv ?: &buf->own_resv,
		.foreign = info->foreign,
		.attachments = LIST_HEAD_INIT(buf->attachments),
	};
	if (!info->resv)
		dma_resv_init(&buf->own_resv);
	spin_lock_init(&buf->lock);
	strscpy(buf->name, info->name, sizeof(buf->name));
	vp_watch_add(buf);
	vp_registry_add(buf);

	atomic_long_inc(&vp_dmabuf_counts.buffers);
	return 0;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_export);

/*
 * Attachments hold references, so that there are some left when the last one
 * goes means that somebody dropped one that was not his. The attachments get
 * theirs back, and the last of them to go ends the buffer.
 */
static bool vp_dmabuf_is_attached(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	/* Nobody who plays by the rules can attach now. */
	if (likely(!READ_ONCE(buf->attached)))
		return false;

	dma_resv_lock(buf->resv, NULL);
	refcount_set(&buf->ref.refcount, buf->attached);
	list_for_each_entry(attach, &buf->attachments, node)
		vp_dmabuf_misuse(buf, attach->dev,
				 VP_RULE_RELEASE_WITH_ATTACHMENTS);
	dma_resv_unlock(buf->resv);
	return true;
}

static void vp_dmabuf_release(struct kref *ref)
{
	struct vp_dmabuf *buf = container_of(ref, struct vp_dmabuf, ref);

	if (vp_dmabuf_is_attached(buf))
		return;
	vp_registry_del(buf);
	vp_watch_cpu_reap(buf, true);
	vp_watch_del(buf);

	if (buf->resv == &buf->own_resv)
		dma_resv_fini(&buf->own_resv);
	buf->ops->release(buf);
	atomic_long_dec(&vp_dmabuf_counts.buffers);
}

/**
 * vp_dmabuf_put - drop a reference to a buffer
 * @buf: the buffer
 *
 * The last one frees the buffer and its memory. Unlocked, may sleep.
 */
void vp_dmabuf_put(struct vp_dmabuf *buf)
{
	kref_put(&buf->ref, vp_dmabuf_release);
}
EXPORT_SYMBOL_GPL(vp_dmabuf_put);

/**
 * vp_dmabuf_attach - give a device a place at a buffer
 * @buf: the buffer; the attachment takes a reference of its own
 * @attach: the place, whose memory is the importer's
 * @dev: the device, which the caller keeps alive until vp_dmabuf_detach()
 * @ops: what the importer offers, or NULL; decides whether its mappings are
 *	movable (it has invalidate_mappings) or pinned
 *
 * Nothing is mapped yet. Unlocked.
 *
 * Returns 0; -ENODEV when the buffer has been revoked; or what the exporter
 * refuses it with.
 */
int vp_dmabuf_attach(struct vp_dmabuf *buf, struct vp_attachment *attach,
		     struct device *dev, const struct vp_importer_ops *ops)
{
	int ret;

	*attach = (struct vp_attachment) {
		.buf = buf,
		.dev = dev,
		.ops = ops,
	};
	if (buf->ops->attach) {
		ret = buf->ops->attach(buf, attach);
		if (ret)
			goto err_free;
	}

	dma_resv_lock(buf->resv, NULL);
	ret = buf->revoked ? -ENODEV : 0;
	if (!ret) {
		list_add(&attach->node, &buf->attachments);
		buf->attached++;
		vp_dmabuf_ref(buf);
		trace_attach(attach);
	}
	dma_resv_unlock(buf->resv);
	if (ret)
		goto err_detach;

	atomic_long_inc(&vp_dmabuf_counts.attachments);
	return 0;

err_detach:
	if (buf->ops->detach)
		buf->ops->detach(buf, attach);
err_free:
	attach->buf = NULL;
	return ret;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_attach);

/**
 * vp_dmabuf_detach - give up a device's place at a buffer
 * @attach: the attachment; its memory is the importer's again, and its reference
 *	to the buffer is gone
 *
 * A mapping or pin that is still there is a breach of the contract; it is
 * reported and taken down. Unlocked.
 */
void vp_dmabuf_detach(struct vp_attachment *attach)
{
	struct vp_dmabuf *buf = attach->buf;

	if (!buf) {
		vp_dmabuf_misuse(NULL, attach->dev,
				 VP_RULE_DETACH_WITHOUT_ATTACH);
		return;
	}

	dma_resv_lock(buf->resv, NULL);
	if (attach->sgt) {
		vp_dmabuf_misuse(buf, attach->dev,
				 VP_RULE_DETACH_WHILE_MAPPED);
		vp_dmabuf_unmap_attachment(attach, attach->sgt, attach->dir);
	}
	if (attach->pins) {
		vp_dmabuf_misuse(buf, attach->dev,
				 VP_RULE_DETACH_WHILE_PINNED);
		while (attach->pins)
			vp_dmabuf_unpin(attach);
	}
	trace_detach(attach);
	list_del(&attach->node);
	buf->attached--;
	dma_resv_unlock(buf->resv);

	if (buf->ops->detach)
		buf->ops->detach(buf, attach);
	attach->buf = NULL;
	atomic_long_dec(&vp_dmabuf_counts.attachments);
	vp_dmabuf_put(buf);
}
EXPORT_SYMBOL_GPL(vp_dmabuf_detach);

static int vp_dmabuf_pin_memory(struct vp_attachment *attach)
{
	struct vp_dmabuf *buf = attach->buf;
	int ret = 0;

	if (buf->revoked)
		return -ENODEV;
	if (buf->ops->pin)
		ret = buf->ops->pin(attach);
	if (ret)
		return ret;

	buf->pins++;
	atomic_long_inc(&vp_dmabuf_counts.pins);
	return 0;
}

static void vp_dmabuf_unpin_memory(struct vp_attachment *attach)
{
	struct vp_dmabuf *buf = attach->buf;

	buf->pins--;
	if (buf->ops->unpin)
		buf->ops->unpin(attach);
	atomic_long_dec(&vp_dmabuf_counts.pins);
}

/**
 * vp_dmabuf_pin - keep a buffer's memory where it is
 * @attach: through which attachment
 *
 * Calls nest. Memory that the device does not reach is moved first. Locked.
 *
 * Returns 0; -EINVAL without an attachment; -ENODEV when the buffer has been
 * revoked; where it has to be moved, -EBUSY when it cannot, -EAGAIN when one of
 * vprime's GPUs is to wait for its fences first, and -ERESTARTSYS; or what the
 * exporter refuses it with.
 */
int vp_dmabuf_pin(struct vp_attachment *attach)
{
	int ret;

	if (!attach->buf) {
		vp_dmabuf_misuse(NULL, attach->dev,
				 VP_RULE_MAP_WITHOUT_ATTACH);
		return -EINVAL;
	}
	dma_resv_assert_held(attach->buf->resv);

	ret = vp_dmabuf_pin_memory(attach);
	if (!ret)
		attach->pins++;
	return ret;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_pin);

/**
 * vp_dmabuf_unpin - undo one vp_dmabuf_pin()
 * @attach: through which attachment
 *
 * Locked. One too many is reported and changes nothing.
 */
void vp_dmabuf_unpin(struct vp_attachment *attach)
{
	if (attach->buf)
		dma_resv_assert_held(attach->buf->resv);

	if (!attach->pins) {
		vp_dmabuf_misuse(attach->buf, attach->dev,
				 VP_RULE_UNPIN_WITHOUT_PIN);
		return;
	}
	attach->pins--;
	vp_dmabuf_unpin_memory(attach);
}
EXPORT_SYMBOL_GPL(vp_dmabuf_unpin);

/**
 * vp_dmabuf_map_attachment - map a buffer for a device
 * @attach: the device's place at the buffer
 * @dir: who will read and who will write
 *
 * An attachment has one mapping at a time. That of an importer without an
 * invalidate_mappings callback pins the buffer for as long as it is there.
 * The caller then waits for, or chains, the fences that are on the buffer.
 * Locked.
 *
 * Returns the table of DMA addresses; -EINVAL for a direction that is none, or
 * without an attachment; -EBUSY when it is mapped already; -ENODEV when the
 * buffer has been revoked; -ENOMEM, -EINTR, or what the exporter refuses it
 * with.
 */
struct sg_table *vp_dmabuf_map_attachment(struct vp_attachment *attach,
					  enum dma_data_direction dir)
{
	struct vp_dmabuf *buf = attach->buf;
	struct sg_table *sgt;
	int ret;

	if (!buf) {
		vp_dmabuf_misuse(NULL, attach->dev,
				 VP_RULE_MAP_WITHOUT_ATTACH);
		return ERR_PTR(-EINVAL);
	}
	dma_resv_assert_held(buf->resv);

	if (!valid_dma_direction(dir) || dir == DMA_NONE)
		return ERR_PTR(-EINVAL);
	if (attach->sgt) {
		vp_dmabuf_misuse(buf, attach->dev, VP_RULE_DOUBLE_MAP);
		return ERR_PTR(-EBUSY);
	}
	if (buf->revoked)
		return ERR_PTR(-ENODEV);

	if (!attach->ops || !attach->ops->invalidate_mappings) {
		ret = vp_dmabuf_pin_memory(attach);
		if (ret)
			return ERR_PTR(ret);
		attach->map_pins = true;
	}

	sgt = buf->ops->map(attach, dir);
	if (IS_ERR(sgt))
		goto err_unpin;

	attach->sgt = sgt;
	attach->dir = dir;
	WRITE_ONCE(buf->mapped, buf->mapped + 1);
	atomic_long_inc(&vp_dmabuf_counts.mappings);
	trace_map(attach);
	return sgt;

err_unpin:
	if (attach->map_pins)
		vp_dmabuf_unpin_memory(attach);
	attach->map_pins = false;
	return sgt;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_map_attachment);

/**
 * vp_dmabuf_unmap_attachment - take a device's mapping down
 * @attach: the device's place at the buffer
 * @sgt: what vp_dmabuf_map_attachment() returned
 * @dir: the direction it was mapped for
 *
 * The device must be done with it. A table that is not the attachment's is
 * reported and changes nothing. Locked.
 */
void vp_dmabuf_unmap_attachment(struct vp_attachment *attach,
				struct sg_table *sgt,
				enum dma_data_direction dir)
{
	struct vp_dmabuf *buf = attach->buf;

	if (!buf) {
		vp_dmabuf_misuse(NULL, attach->dev, VP_RULE_UNMAP_WITHOUT_MAP);
		return;
	}
	dma_resv_assert_held(buf->resv);

	if (!sgt || attach->sgt != sgt) {
		vp_dmabuf_misuse(buf, attach->dev, VP_RULE_UNMAP_WITHOUT_MAP);
		return;
	}
	if (attach->dir != dir)
		vp_dmabuf_misuse(buf, attach->dev, VP_RULE_UNMAP_DIRECTION);

	trace_unmap(attach);
	if (attach->stale)
		buf->stale--;
	attach->stale = false;
	buf->ops->unmap(attach, sgt, attach->dir);
	/* An importer that lets go of the attachment looks without the lock. */
	WRITE_ONCE(attach->sgt, NULL);
	WRITE_ONCE(buf->mapped, buf->mapped - 1);
	atomic_long_dec(&vp_dmabuf_counts.mappings);
	if (buf->revoked)
		vp_dmabuf_wake_revoker();

	if (attach->map_pins)
		vp_dmabuf_unpin_memory(attach);
	attach->map_pins = false;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_unmap_attachment);

/**
 * vp_attachment_lifetime - how long a mapping of an attachment lasts
 * @attach: the attachment; the buffer's reservation lock is held, or nobody
 *	else knows the attachment yet
 *
 * Returns "pinned", of an importer that cannot give it up; "revocable", of one
 * that can, and has pinned; "movable", of one that can and has not.
 */
const char *vp_attachment_lifetime(struct vp_attachment *attach)
{
	if (!attach->ops || !attach->ops->invalidate_mappings)
		return "pinned";
	return attach->pins ? "revocable" : "movable";
}
EXPORT_SYMBOL_GPL(vp_attachment_lifetime);
