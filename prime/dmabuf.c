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
 *    vp_dmabuf_zap_cpu_mappings(), vp_dmabuf_move_locked().
 *  - The caller does not hold it for: vp_dmabuf_export(), vp_dmabuf_put(),
 *    vp_dmabuf_attach(), vp_dmabuf_detach(),
 *    vp_dmabuf_move(), vp_dmabuf_revoke(), vp_dmabuf_begin_cpu_access(),
 *    vp_dmabuf_end_cpu_access(), vp_dmabuf_mmap(), vp_dmabuf_fault(),
 *    vp_dmabuf_access(), vp_mapping_put().
 *
 * References run one way: attachment -> buffer -> memory, and kernel dma_buf ->
 * buffer. The buffer knows its attachments and its kernel face weakly.
 *
 * Lock order: mmap lock, then the reservation lock, then whatever allocating
 * memory takes; &vp_dmabuf.lock comes last.
 *
 * This file has buffers, attachments, pins and device mappings. Moving and
 * revoking are in move.c, what the CPU does in cpu.c, and who is told of a breach
 * in contract.c.
 */

#include "compat.h"
#include "prime/dmabuf.h"
#include "prime/registry.h"
#include "prime/trace.h"

DEFINE_PER_CPU(struct vp_dmabuf_counts, vp_dmabuf_counts);
VP_EXPORT_FOR_TESTS(vp_dmabuf_counts);

DECLARE_WAIT_QUEUE_HEAD(vp_revokers);

/**
 * vp_dmabuf_export - make a buffer that can be shared
 * @buf: where; the exporter's release callback frees it
 * @info: what the exporter says of it; not kept
 *
 * Kernel name: dma_buf_export(), which allocates. Here the exporter embeds the
 * buffer in what it needs for itself, and has set that up before: others may find
 * the buffer by its id at once. The caller gets the first reference. Unlocked.
 *
 * Returns 0; -EINVAL when @info lacks a size, or has one that is no whole number of
 * pages.
 */
int vp_dmabuf_export(struct vp_dmabuf *buf,
		     const struct vp_dmabuf_export_info *info)
{
	if (!info->size || !PAGE_ALIGNED(info->size))
		return -EINVAL;

	*buf = (struct vp_dmabuf) {
		.ref = KREF_INIT(1),
		.size = info->size,
		.ops = info->ops,
		.resv = info->resv ?: &buf->own_resv,
		.foreign = info->foreign,
		.attachments = LIST_HEAD_INIT(buf->attachments),
	};
	if (!info->resv)
		dma_resv_init(&buf->own_resv);
	spin_lock_init(&buf->lock);
	strscpy(buf->name, info->name, sizeof(buf->name));
	vp_cpu_access_init(buf);
	vp_registry_add(buf);

	this_cpu_inc(vp_dmabuf_counts.buffers);
	return 0;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_export);

static void vp_dmabuf_release(struct kref *ref)
{
	struct vp_dmabuf *buf = container_of(ref, struct vp_dmabuf, ref);

	/* Attachments hold references: somebody dropped one that was not his. */
	if (READ_ONCE(buf->attached)) {
		vp_dmabuf_misuse(buf, NULL, VP_RULE_RELEASE_WITH_ATTACHMENTS);
		return;
	}
	vp_registry_del(buf);
	vp_cpu_access_fini(buf);
	vp_contract_fini(buf);

	if (buf->resv == &buf->own_resv)
		dma_resv_fini(&buf->own_resv);
	buf->ops->release(buf);
	this_cpu_dec(vp_dmabuf_counts.buffers);
}

/**
 * vp_dmabuf_put - drop a reference to a buffer
 * @buf: the buffer
 *
 * The last one frees the buffer and its memory. A buffer with attachments is not
 * freed: the reference that is missing is reported, and the memory leaks.
 *
 * Context: unlocked, may sleep.
 */
void vp_dmabuf_put(struct vp_dmabuf *buf)
{
	kref_put(&buf->ref, vp_dmabuf_release);
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_put);

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
		.mappings = LIST_HEAD_INIT(attach->mappings),
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

	this_cpu_inc(vp_dmabuf_counts.attachments);
	return 0;

err_detach:
	if (buf->ops->detach)
		buf->ops->detach(buf, attach);
err_free:
	attach->buf = NULL;
	return ret;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_attach);

/**
 * vp_dmabuf_reach - bring a buffer to where a device reaches it
 * @attach: the device's place at the buffer
 *
 * Context: the buffer's reservation is locked. May wait for fences.
 *
 * Return: 0; -EAGAIN when the CPU plays the device, and is to wait without the lock
 * until the buffer is idle; or as vp_dmabuf_move_locked().
 */
int vp_dmabuf_reach(struct vp_attachment *attach)
{
	struct vp_dmabuf *buf = attach->buf;

	dma_resv_assert_held(buf->resv);

	if (buf->revoked)
		return -ENODEV;
	return buf->ops->reach ? buf->ops->reach(attach) : 0;
}

static int vp_dmabuf_pin_memory(struct vp_attachment *attach)
{
	struct vp_dmabuf *buf = attach->buf;
	int ret;

	ret = vp_dmabuf_reach(attach);
	if (!ret && buf->ops->pin)
		ret = buf->ops->pin(attach);
	if (ret)
		return ret;

	buf->pins++;
	this_cpu_inc(vp_dmabuf_counts.pins);
	return 0;
}

static void vp_dmabuf_unpin_memory(struct vp_attachment *attach)
{
	struct vp_dmabuf *buf = attach->buf;

	buf->pins--;
	if (buf->ops->unpin)
		buf->ops->unpin(attach);
	this_cpu_dec(vp_dmabuf_counts.pins);
}

/* The last user of a mapping is gone. */
static void vp_mapping_free(struct vp_mapping *mapping)
{
	struct vp_attachment *attach = mapping->attach;
	struct vp_dmabuf *buf = attach->buf;
	bool pinned = mapping->pinned;

	dma_resv_assert_held(buf->resv);

	list_del(&mapping->node);
	buf->ops->unmap(mapping);
	WRITE_ONCE(buf->mapped, buf->mapped - 1);
	this_cpu_dec(vp_dmabuf_counts.mappings);
	if (buf->revoked)
		wake_up_all(&vp_revokers);
	if (pinned)
		vp_dmabuf_unpin_memory(attach);
}

/**
 * vp_mapping_put - an access is done with a mapping
 * @mapping: from vp_mapping_get()
 *
 * Context: unlocked, may sleep; the caller keeps the attachment.
 */
void vp_mapping_put(struct vp_mapping *mapping)
{
	struct dma_resv *resv = mapping->attach->buf->resv;

	if (refcount_dec_not_one(&mapping->users))
		return;
	dma_resv_lock(resv, NULL);
	if (refcount_dec_and_test(&mapping->users))
		vp_mapping_free(mapping);
	dma_resv_unlock(resv);
}
VP_EXPORT_FOR_TESTS(vp_mapping_put);

/**
 * vp_dmabuf_detach - give up a device's place at a buffer
 * @attach: the attachment; its memory is the importer's again, and its reference
 *	to the buffer is gone. None of its mappings is used by an access.
 *
 * A mapping or pin that is still there is a breach of the contract; it is
 * reported and taken down.
 *
 * Context: unlocked, may sleep.
 */
void vp_dmabuf_detach(struct vp_attachment *attach)
{
	struct vp_dmabuf *buf = attach->buf;
	struct vp_mapping *mapping, *next;

	dma_resv_lock(buf->resv, NULL);
	if (!list_empty(&attach->mappings))
		vp_dmabuf_misuse(buf, attach->dev,
				 VP_RULE_DETACH_WHILE_MAPPED);
	list_for_each_entry_safe(mapping, next, &attach->mappings, node)
		vp_dmabuf_unmap_attachment(attach, mapping, mapping->dir);
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
	this_cpu_dec(vp_dmabuf_counts.attachments);
	vp_dmabuf_put(buf);
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_detach);

/**
 * vp_dmabuf_pin - keep a buffer's memory where it is
 * @attach: through which attachment
 *
 * Calls nest. Memory that the device does not reach is moved first. Locked.
 *
 * Return: 0; -ENODEV when the buffer has been revoked; where it has to be moved,
 * -EBUSY when it cannot, -EAGAIN when a device that the CPU plays is to wait for
 * its fences first, and -ERESTARTSYS; or what the exporter refuses it with.
 */
int vp_dmabuf_pin(struct vp_attachment *attach)
{
	int ret;

	dma_resv_assert_held(attach->buf->resv);

	ret = vp_dmabuf_pin_memory(attach);
	if (!ret)
		attach->pins++;
	return ret;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_pin);

/**
 * vp_dmabuf_unpin - undo one vp_dmabuf_pin()
 * @attach: through which attachment
 *
 * Locked. One too many is reported and changes nothing.
 */
void vp_dmabuf_unpin(struct vp_attachment *attach)
{
	dma_resv_assert_held(attach->buf->resv);

	if (!attach->pins) {
		vp_dmabuf_misuse(attach->buf, attach->dev,
				 VP_RULE_UNPIN_WITHOUT_PIN);
		return;
	}
	attach->pins--;
	vp_dmabuf_unpin_memory(attach);
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_unpin);

/**
 * vp_dmabuf_map_attachment - map a buffer for a device
 * @attach: the device's place at the buffer
 * @dir: who will read and who will write
 *
 * Mappings of an importer without an invalidate_mappings callback pin the buffer
 * for as long as they are there. The caller then waits for, or chains, the fences
 * that are on the buffer: also those of usage KERNEL, as mapping may have made
 * its exporter move it.
 *
 * Context: the buffer's reservation is locked.
 *
 * Return: the mapping; -EINVAL for a direction that is none; -ENODEV when the
 * buffer has been revoked; -ENOMEM, -EINTR, or what the exporter refuses it with.
 */
struct vp_mapping *vp_dmabuf_map_attachment(struct vp_attachment *attach,
					    enum dma_data_direction dir)
{
	bool pin = !attach->ops || !attach->ops->invalidate_mappings;
	struct vp_dmabuf *buf = attach->buf;
	struct vp_mapping *mapping;
	int ret;

	dma_resv_assert_held(buf->resv);

	if (!valid_dma_direction(dir) || dir == DMA_NONE)
		return ERR_PTR(-EINVAL);

	ret = pin ? vp_dmabuf_pin_memory(attach) : vp_dmabuf_reach(attach);
	if (ret)
		return ERR_PTR(ret);
	mapping = buf->ops->map(attach, dir);
	if (IS_ERR(mapping)) {
		if (pin)
			vp_dmabuf_unpin_memory(attach);
		return mapping;
	}

	mapping->attach = attach;
	mapping->dir = dir;
	mapping->pinned = pin;
	refcount_set(&mapping->users, 1);
	list_add_tail(&mapping->node, &attach->mappings);
	WRITE_ONCE(buf->mapped, buf->mapped + 1);
	this_cpu_inc(vp_dmabuf_counts.mappings);
	trace_map(mapping);
	return mapping;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_map_attachment);

static bool vp_attachment_has(struct vp_attachment *attach,
			      struct vp_mapping *mapping)
{
	struct vp_mapping *one;

	list_for_each_entry(one, &attach->mappings, node)
		if (one == mapping)
			return !one->unmapped;
	return false;
}

/**
 * vp_dmabuf_unmap_attachment - take a device's mapping down
 * @attach: the device's place at the buffer
 * @mapping: what vp_dmabuf_map_attachment() returned
 * @dir: the direction it was mapped for
 *
 * It goes when the accesses that use it are done. One that is not the
 * attachment's is reported and changes nothing.
 *
 * Context: the buffer's reservation is locked.
 */
void vp_dmabuf_unmap_attachment(struct vp_attachment *attach,
				struct vp_mapping *mapping,
				enum dma_data_direction dir)
{
	struct vp_dmabuf *buf = attach->buf;

	dma_resv_assert_held(buf->resv);

	if (!vp_attachment_has(attach, mapping)) {
		vp_dmabuf_misuse(buf, attach->dev, VP_RULE_UNMAP_WITHOUT_MAP);
		return;
	}
	if (mapping->dir != dir)
		vp_dmabuf_misuse(buf, attach->dev, VP_RULE_UNMAP_DIRECTION);

	trace_unmap(mapping);
	mapping->unmapped = true;
	if (refcount_dec_and_test(&mapping->users))
		vp_mapping_free(mapping);
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_unmap_attachment);

/**
 * vp_dmabuf_populate - make memory exist that a device is going to use
 * @buf: the buffer
 * @offset: where, in bytes
 * @size: bytes; what is asked for lies within the buffer
 *
 * Before the reservation is locked, so that nobody waits for it who wants other
 * memory of the buffer, or only its lock. With the lock once more, because a move
 * in between takes along what it found when it began.
 *
 * Context: the buffer's reservation is locked or not. Sleeps.
 *
 * Return: 0; -ENOMEM; -ENODEV when the buffer has been revoked; -EINTR when the
 * process is being killed.
 */
int vp_dmabuf_populate(struct vp_dmabuf *buf, size_t offset, size_t size)
{
	return buf->ops->populate ? buf->ops->populate(buf, offset, size) : 0;
}

/**
 * vp_dmabuf_access - a device that the CPU plays reads or writes a buffer
 * @mapping: the device's way to it, kept for this by vp_mapping_get()
 * @offset: where in the buffer, in bytes
 * @data: kernel memory that is written from, or read into
 * @size: bytes; they lie within the buffer, and have been populated
 * @write: whether the device writes
 *
 * The fences that conflict have signalled, and one of the caller's keeps others
 * away.
 *
 * Context: no reservation is locked; on the way to a fence's signal.
 *
 * Return: 0; -EINVAL for a direction that was not mapped; -EOPNOTSUPP when the
 * exporter's memory is none that the CPU reaches; -EFAULT when its table is too
 * short.
 */
int vp_dmabuf_access(struct vp_mapping *mapping, size_t offset, void *data,
		     size_t size, bool write)
{
	enum dma_data_direction dir = write ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
	struct vp_dmabuf *buf = mapping->attach->buf;

	if (mapping->dir != dir && mapping->dir != DMA_BIDIRECTIONAL)
		return -EINVAL;
	if (!buf->ops->access)
		return -EOPNOTSUPP;
	return buf->ops->access(mapping, offset, data, size, write);
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_access);

/**
 * vp_attachment_lifetime - how long a mapping of an attachment lasts
 * @attach: the attachment; the buffer's reservation lock is held, or nobody
 *	else knows the attachment yet
 *
 * Return: "pinned", of an importer that cannot give it up; "revocable", of one
 * that has pinned and can; "movable", of one that can and has not pinned.
 */
const char *vp_attachment_lifetime(struct vp_attachment *attach)
{
	if (!attach->ops || !attach->ops->invalidate_mappings)
		return "pinned";
	if (!attach->pins)
		return "movable";
	return attach->ops->revocable ? "revocable" : "pinned";
}
VP_EXPORT_FOR_TESTS(vp_attachment_lifetime);
