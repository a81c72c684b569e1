// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: the dma-buf core
 *
 * Each buffer in vprime is a &struct vp_dmabuf, whether a GPU of vprime's or
 * another driver allocated it. Only export.c and import.c know the kernel's
 * &struct dma_buf. The contract is that of Linux since 6.2, on all kernels: the
 * reservation lock is held for whatever maps, pins or moves, and not for the
 * rest. Each function's Context says which.
 *
 * References run one way: attachment -> buffer -> memory, and exported dma_buf
 * -> buffer. The buffer's pointers to its attachments and to its exported
 * dma_buf hold no reference.
 *
 * Lock order: the mmap lock, the reservation lock, the locks of memory
 * allocation, &vp_dmabuf.lock.
 *
 * This file has buffers, attachments, pins and device mappings. Moving and
 * revoking are in move.c, CPU access in cpu.c, and breaches of the contract in
 * contract.c.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat.h"
#include "prime/dmabuf.h"
#include "prime/registry.h"
#include "prime/trace.h"

DEFINE_PER_CPU(struct vp_dmabuf_counts, vp_dmabuf_counts);
VP_EXPORT_PER_CPU_FOR_TESTS(vp_dmabuf_counts);

DECLARE_WAIT_QUEUE_HEAD(vp_revokers);

/**
 * vp_dmabuf_export - initialise a buffer
 * @buf: the buffer, zeroed, embedded in a structure that the exporter has set
 *	up: other threads can find the buffer by its id at once
 * @info: its description; not kept
 *
 * The counterpart of dma_buf_export(), which allocates. The caller gets the
 * first reference. The last one calls the exporter's release callback, which
 * frees the memory of @buf.
 *
 * Context: May sleep.
 * Return: 0; -EINVAL if the size is 0 or not a whole number of pages.
 */
int vp_dmabuf_export(struct vp_dmabuf *buf,
		     const struct vp_dmabuf_export_info *info)
{
	if (!info->size || !PAGE_ALIGNED(info->size))
		return -EINVAL;

	kref_init(&buf->ref);
	buf->size = info->size;
	buf->ops = info->ops;
	buf->foreign = info->foreign;
	buf->resv = info->resv ?: &buf->own_resv;
	if (!info->resv)
		dma_resv_init(&buf->own_resv);
	INIT_LIST_HEAD(&buf->attachments);
	INIT_LIST_HEAD(&buf->accesses);
	spin_lock_init(&buf->lock);
	strscpy(buf->name, info->name, sizeof(buf->name));
	vp_registry_add(buf);

	this_cpu_inc(vp_dmabuf_counts.buffers);
	return 0;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_export);

static void vp_dmabuf_release(struct kref *ref)
{
	struct vp_dmabuf *buf = container_of(ref, struct vp_dmabuf, ref);

	/* Attachments hold references: one reference too many was dropped. */
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
 * vp_dmabuf_put - drop a reference
 * @buf: the buffer
 *
 * The last reference frees the buffer and its memory. A buffer with attachments
 * is not freed: the missing reference is reported, and the memory leaks.
 *
 * Context: May sleep. No reservation is locked.
 */
void vp_dmabuf_put(struct vp_dmabuf *buf)
{
	kref_put(&buf->ref, vp_dmabuf_release);
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_put);

/**
 * vp_dmabuf_attach - attach a device to a buffer
 * @buf: the buffer
 * @attach: the attachment, in memory of the importer; takes a reference on @buf
 * @dev: the device; the caller keeps it alive until vp_dmabuf_detach()
 * @ops: properties and callbacks of the importer, or NULL. Its mappings are
 *	movable if it has an invalidate_mappings callback, else they pin.
 *
 * Nothing is mapped yet.
 *
 * Context: May sleep. The buffer's reservation is not locked.
 * Return: 0; -ENODEV if the buffer has been revoked; or the exporter's errno.
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
	ret = READ_ONCE(buf->revoked) ? -ENODEV : 0;
	if (!ret && buf->ops->attach)
		ret = buf->ops->attach(buf, attach);
	if (ret)
		goto err_free;

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
 * vp_dmabuf_reach - move a buffer to where a device reaches it
 * @attach: the device's attachment
 *
 * Context: May sleep, also until fences signal. The buffer's reservation is
 *	locked.
 * Return: 0; -ENODEV if the buffer has been revoked; -EAGAIN if the device is
 *	emulated and the caller has to wait, without the lock, until the buffer
 *	is idle; or as vp_dmabuf_move_locked().
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
 * vp_mapping_put - drop the mapping that an access has used
 * @mapping: from vp_mapping_get(); the caller keeps the attachment alive
 *
 * Context: May sleep. The buffer's reservation is not locked.
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
 * vp_dmabuf_detach - detach a device from a buffer
 * @attach: the attachment; no access uses its mappings. The caller may free it
 *	afterwards.
 *
 * Drops the attachment's reference on the buffer. A mapping or a pin that is
 * still there is a breach of the contract: it is reported and removed.
 *
 * Context: May sleep. The buffer's reservation is not locked.
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
 * vp_dmabuf_pin - keep the memory of a buffer where it is
 * @attach: the device's attachment
 *
 * Calls nest. Memory that the device does not reach is moved first.
 *
 * Context: May sleep, also until fences signal. The buffer's reservation is
 *	locked.
 * Return: 0; an errno as vp_dmabuf_reach(); or the exporter's errno.
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
 * @attach: the device's attachment
 *
 * An unpin without a pin is reported and changes nothing.
 *
 * Context: May sleep. The buffer's reservation is locked.
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
 * @attach: the device's attachment
 * @dir: what the device is going to do with it
 *
 * A mapping of an importer without an invalidate_mappings callback pins the
 * buffer. Mapping may move the buffer: the caller then waits for, or chains,
 * the fences on it, those of DMA_RESV_USAGE_KERNEL included.
 *
 * Context: May sleep, also until fences signal. The buffer's reservation is
 *	locked.
 * Return: The mapping; -EINVAL for a @dir that is not valid; -ENOMEM; -EINTR if
 *	the process is being killed; an errno as vp_dmabuf_reach(); or the
 *	exporter's errno.
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
 * vp_dmabuf_unmap_attachment - remove a device's mapping
 * @attach: the device's attachment
 * @mapping: from vp_dmabuf_map_attachment()
 * @dir: the direction it was mapped for
 *
 * The memory stays until the accesses that use the mapping are done. A mapping
 * that is not the attachment's is reported and nothing changes.
 *
 * Context: May sleep. The buffer's reservation is locked.
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
 * vp_dmabuf_populate - make memory exist before a device accesses it
 * @buf: the buffer
 * @offset: in bytes
 * @size: in bytes; the range lies within the buffer
 *
 * Called before the reservation is locked, so that users of other memory of the
 * buffer do not wait for the allocation; and again with the lock, because a
 * move in between takes only the memory that it found when it began.
 *
 * Context: May sleep. The buffer's reservation may be locked.
 * Return: 0; -ENOMEM; -ENODEV if the buffer has been revoked; -EINTR if the
 *	process is being killed.
 */
int vp_dmabuf_populate(struct vp_dmabuf *buf, size_t offset, size_t size)
{
	return buf->ops->populate ? buf->ops->populate(buf, offset, size) : 0;
}

/**
 * vp_dmabuf_access - let an emulated device read or write a buffer
 * @mapping: the device's mapping, from vp_mapping_get()
 * @offset: in bytes
 * @data: kernel memory to write from or to read into
 * @size: in bytes; the range lies within the buffer and has been populated
 * @write: whether the device writes
 *
 * The conflicting fences have signalled, and a fence of the caller is on the
 * buffer.
 *
 * Context: May sleep, but a fence waits for it: it allocates nothing, and
 *	neither it nor the caller locks a reservation.
 * Return: 0; -EINVAL if the mapping has another direction; -EOPNOTSUPP if the
 *	CPU does not reach the exporter's memory; -EFAULT if the exporter's
 *	table is too short.
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
 * vp_attachment_lifetime - the lifetime of the mappings of an attachment
 * @attach: the attachment
 *
 * Context: Any context. The buffer's reservation is locked, unless no other
 *	thread knows the attachment.
 * Return: "pinned" if the importer cannot give a mapping up; "revocable" if it
 *	has pinned and can; "movable" if it has not pinned and can.
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
