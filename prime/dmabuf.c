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
 *    vp_dmabuf_zap_cpu_mappings().
 *  - The caller does not hold it for: vp_dmabuf_export(), vp_dmabuf_fd(),
 *    vp_dmabuf_get(), vp_dmabuf_put(), vp_dmabuf_attach(), vp_dmabuf_detach(),
 *    vp_dmabuf_begin_cpu_access(), vp_dmabuf_end_cpu_access(),
 *    vp_dmabuf_mmap(), vp_dmabuf_fault().
 *
 * References run one way: attachment -> buffer -> memory, and kernel dma_buf ->
 * buffer. The buffer knows its attachments and its kernel face weakly.
 *
 * Lock order: mmap lock, then the reservation lock, then whatever allocating
 * memory takes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-buf.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "compat.h"
#include "prime/dmabuf.h"
#include "prime/export.h"

struct vp_dmabuf_counts vp_dmabuf_counts;
EXPORT_SYMBOL_GPL(vp_dmabuf_counts);

/**
 * vp_dmabuf_misuse - somebody broke the contract
 * @buf: the buffer it happened on
 * @dev: the device it was done for, or NULL when it was the CPU
 * @rule: the rule, as "who did what"
 *
 * One rate-limited line in the kernel log that names device, buffer, process
 * and rule, and one more in the count of violations. Any context.
 */
void vp_dmabuf_misuse(struct vp_dmabuf *buf, struct device *dev,
		      const char *rule)
{
	atomic_long_inc(&vp_dmabuf_counts.violations);
	pr_warn_ratelimited("dma-buf contract: %s: %s, buffer of %s, %zu bytes, by %s[%d]\n",
			    dev ? dev_name(dev) : "cpu", rule, buf->name,
			    buf->size, current->comm, task_pid_nr(current));
}
EXPORT_SYMBOL_GPL(vp_dmabuf_misuse);

/**
 * vp_dmabuf_export - make a buffer that can be shared
 * @buf: where; the exporter's release callback frees it
 * @info: what the exporter says of it; not kept
 *
 * Kernel name: dma_buf_export(), which allocates. Here the exporter embeds the
 * buffer in what it needs for itself. The caller gets the first reference.
 * Unlocked.
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
		.attachments = LIST_HEAD_INIT(buf->attachments),
	};
	if (!info->resv)
		dma_resv_init(&buf->own_resv);
	spin_lock_init(&buf->exported_lock);
	strscpy(buf->name, info->name, sizeof(buf->name));

	atomic_long_inc(&vp_dmabuf_counts.buffers);
	return 0;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_export);

static void vp_dmabuf_release(struct kref *ref)
{
	struct vp_dmabuf *buf = container_of(ref, struct vp_dmabuf, ref);

	if (atomic_read(&buf->cpu_accesses))
		vp_dmabuf_misuse(buf, NULL, "CPU access left open at release");

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
 * Returns 0, or what the exporter refuses it with.
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
			return ret;
	}
	vp_dmabuf_ref(buf);

	dma_resv_lock(buf->resv, NULL);
	list_add(&attach->node, &buf->attachments);
	buf->attached++;
	dma_resv_unlock(buf->resv);

	atomic_long_inc(&vp_dmabuf_counts.attachments);
	return 0;
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

	dma_resv_lock(buf->resv, NULL);
	if (attach->sgt) {
		vp_dmabuf_misuse(buf, attach->dev, "detach while mapped");
		vp_dmabuf_unmap_attachment(attach, attach->sgt, attach->dir);
	}
	if (attach->pins) {
		vp_dmabuf_misuse(buf, attach->dev, "detach while pinned");
		while (attach->pins)
			vp_dmabuf_unpin(attach);
	}
	list_del(&attach->node);
	buf->attached--;
	dma_resv_unlock(buf->resv);

	if (buf->ops->detach)
		buf->ops->detach(buf, attach);
	atomic_long_dec(&vp_dmabuf_counts.attachments);
	vp_dmabuf_put(buf);
}
EXPORT_SYMBOL_GPL(vp_dmabuf_detach);

static int vp_dmabuf_pin_memory(struct vp_attachment *attach)
{
	struct vp_dmabuf *buf = attach->buf;
	int ret = 0;

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
 * Calls nest. Locked.
 *
 * Returns 0, or what the exporter refuses it with.
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
EXPORT_SYMBOL_GPL(vp_dmabuf_pin);

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
		vp_dmabuf_misuse(attach->buf, attach->dev, "unpin without pin");
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
 * Returns the table of DMA addresses; -EINVAL for a direction that is none,
 * -EBUSY when the attachment is mapped already, -ENOMEM, -EINTR, or what the
 * exporter refuses it with.
 */
struct sg_table *vp_dmabuf_map_attachment(struct vp_attachment *attach,
					  enum dma_data_direction dir)
{
	struct vp_dmabuf *buf = attach->buf;
	struct sg_table *sgt;
	int ret;

	dma_resv_assert_held(buf->resv);

	if (!valid_dma_direction(dir) || dir == DMA_NONE)
		return ERR_PTR(-EINVAL);
	if (attach->sgt) {
		vp_dmabuf_misuse(buf, attach->dev, "map while mapped");
		return ERR_PTR(-EBUSY);
	}

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

	dma_resv_assert_held(buf->resv);

	if (!sgt || attach->sgt != sgt) {
		vp_dmabuf_misuse(buf, attach->dev, "unmap without map");
		return;
	}
	if (attach->dir != dir)
		vp_dmabuf_misuse(buf, attach->dev,
				 "unmap in another direction than map");

	buf->ops->unmap(attach, sgt, attach->dir);
	attach->sgt = NULL;
	WRITE_ONCE(buf->mapped, buf->mapped - 1);
	atomic_long_dec(&vp_dmabuf_counts.mappings);

	if (attach->map_pins)
		vp_dmabuf_unpin_memory(attach);
	attach->map_pins = false;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_unmap_attachment);

/**
 * vp_dmabuf_zap_cpu_mappings - take all CPU mappings of a buffer down
 * @buf: the buffer
 *
 * Through every device and through the file; programs fault at their next
 * touch and get the pages that are there then. Locked.
 */
void vp_dmabuf_zap_cpu_mappings(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	dma_resv_assert_held(buf->resv);

	list_for_each_entry(attach, &buf->attachments, node)
		if (attach->ops && attach->ops->zap_cpu_mappings)
			attach->ops->zap_cpu_mappings(attach);
	vp_export_zap_cpu_mappings(buf);
}
EXPORT_SYMBOL_GPL(vp_dmabuf_zap_cpu_mappings);

/**
 * vp_dmabuf_invalidate_mappings - tell everybody that the memory moves
 * @buf: the buffer
 *
 * Takes down every movable device mapping and every CPU mapping; the next use
 * maps again. Pinned mappings stay, and so the exporter must not move a buffer
 * whose @pins is not 0. Kernel name: dma_buf_move_notify(), since 2026
 * dma_buf_invalidate_mappings(). Locked.
 */
void vp_dmabuf_invalidate_mappings(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	dma_resv_assert_held(buf->resv);

	list_for_each_entry(attach, &buf->attachments, node)
		if (attach->ops && attach->ops->invalidate_mappings)
			attach->ops->invalidate_mappings(attach);
	vp_dmabuf_zap_cpu_mappings(buf);
}
EXPORT_SYMBOL_GPL(vp_dmabuf_invalidate_mappings);

/**
 * vp_dmabuf_begin_cpu_access - the CPU is about to touch a buffer
 * @buf: the buffer
 * @dir: DMA_FROM_DEVICE to read, DMA_TO_DEVICE to write, or both
 *
 * Waits for the fences that conflict with the access, then makes visible what
 * devices wrote. Accesses nest and are counted. Unlocked.
 *
 * Returns 0, -ERESTARTSYS when a signal ended the wait, or the exporter's errno.
 */
int vp_dmabuf_begin_cpu_access(struct vp_dmabuf *buf,
			       enum dma_data_direction dir)
{
	bool write = dir == DMA_TO_DEVICE || dir == DMA_BIDIRECTIONAL;
	long left;
	int ret;

	left = dma_resv_wait_timeout(buf->resv, dma_resv_usage_rw(write), true,
				     MAX_SCHEDULE_TIMEOUT);
	if (left < 0)
		return left;

	if (buf->ops->begin_cpu_access && READ_ONCE(buf->mapped)) {
		ret = buf->ops->begin_cpu_access(buf, dir);
		if (ret)
			return ret;
	}
	atomic_inc(&buf->cpu_accesses);
	return 0;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_begin_cpu_access);

/**
 * vp_dmabuf_end_cpu_access - the CPU has touched a buffer
 * @buf: the buffer
 * @dir: as at the begin
 *
 * Makes what the CPU wrote visible to devices. An end without a begin is
 * reported, and still does that. Unlocked.
 *
 * Returns 0 or the exporter's errno.
 */
int vp_dmabuf_end_cpu_access(struct vp_dmabuf *buf,
			     enum dma_data_direction dir)
{
	int ret = 0;

	vp_dmabuf_count_end(buf);
	if (buf->ops->end_cpu_access && READ_ONCE(buf->mapped))
		ret = buf->ops->end_cpu_access(buf, dir);
	return ret;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_end_cpu_access);

/**
 * vp_dmabuf_mmap - set up a CPU mapping of a buffer
 * @buf: the buffer
 * @vma: the mapping to be; its vm_ops and vm_private_data lead to
 *	vp_dmabuf_fault() and keep the buffer
 * @pgoff: the page of the buffer it begins at
 *
 * No page is mapped, or made, before it is touched. An exporter that maps in
 * a way of its own (a foreign one does) replaces the file, vm_ops and
 * vm_private_data of @vma. Called with the mmap lock, unlocked.
 *
 * Returns 0; -EINVAL when the mapping is private, reaches beyond the buffer, or
 * the exporter has no CPU mappings; else the exporter's errno.
 */
int vp_dmabuf_mmap(struct vp_dmabuf *buf, struct vm_area_struct *vma,
		   unsigned long pgoff)
{
	unsigned long pages = buf->size >> PAGE_SHIFT;

	/* VM_SHARED is clear in read-only shared mappings; this one is not. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (!buf->ops->mmap && !buf->ops->fault)
		return -EINVAL;
	if (pgoff > pages || vma_pages(vma) > pages - pgoff)
		return -EINVAL;

	vp_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	if (buf->ops->mmap)
		return buf->ops->mmap(buf, vma, pgoff);

	/* Bare page frames: nobody can take references on them behind us. */
	vp_vm_flags_set(vma, VM_IO | VM_PFNMAP);
	return 0;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_fault);
EXPORT_SYMBOL_GPL(vp_dmabuf_mmap);

/**
 * vp_dmabuf_fault - put pages where a CPU mapping was touched
 * @buf: the buffer
 * @vmf: the fault
 * @pgoff: the page of the buffer that was touched
 *
 * Unlocked, called by the fault handlers of those who set up mappings.
 *
 * Returns VM_FAULT_NOPAGE when the touch is to be tried again, VM_FAULT_SIGBUS
 * when there is no such page or no memory for it.
 */
vm_fault_t vp_dmabuf_fault(struct vp_dmabuf *buf, struct vm_fault *vmf,
			   unsigned long pgoff)
{
	vm_fault_t ret;

	if (pgoff >= buf->size >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;

	/* A signal ends the wait: it is handled, and the touch comes again. */
	if (dma_resv_lock_interruptible(buf->resv, NULL))
		return VM_FAULT_NOPAGE;
	ret = buf->ops->fault(buf, vmf, pgoff);
	dma_resv_unlock(buf->resv);
	return ret;
}

/**
 * vp_dmabuf_vmap - map a whole buffer into the kernel
 * @buf: the buffer
 * @map: where the address is stored; cleared on failure
 *
 * All users share one mapping; each ends with vp_dmabuf_vunmap(). Locked; on
 * kernels before 6.2 the lock is dropped and taken again for foreign buffers.
 *
 * Returns 0; -EOPNOTSUPP when the exporter cannot; -ENOMEM.
 */
int vp_dmabuf_vmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	struct iosys_map ptr;
	int ret;

	dma_resv_assert_held(buf->resv);

	iosys_map_clear(map);
	if (!buf->ops->vmap)
		return -EOPNOTSUPP;

	if (!buf->vmap_users) {
		ret = buf->ops->vmap(buf, &ptr);
		if (ret)
			return ret;
		/* Another may have come first while the lock was dropped. */
		if (buf->vmap_users)
			buf->ops->vunmap(buf, &ptr);
		else
			buf->vmap_ptr = ptr;
	}
	buf->vmap_users++;
	*map = buf->vmap_ptr;
	atomic_long_inc(&vp_dmabuf_counts.vmaps);
	return 0;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_vmap);

/**
 * vp_dmabuf_vunmap - undo one vp_dmabuf_vmap()
 * @buf: the buffer
 * @map: what that stored; cleared
 *
 * Locked. One too many, or another address, is reported and changes nothing.
 */
void vp_dmabuf_vunmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	struct iosys_map ptr;

	dma_resv_assert_held(buf->resv);

	if (!buf->vmap_users || !iosys_map_is_equal(&buf->vmap_ptr, map)) {
		vp_dmabuf_misuse(buf, NULL, "vunmap without vmap");
		return;
	}
	iosys_map_clear(map);
	atomic_long_dec(&vp_dmabuf_counts.vmaps);
	if (--buf->vmap_users)
		return;

	ptr = buf->vmap_ptr;
	iosys_map_clear(&buf->vmap_ptr);
	buf->ops->vunmap(buf, &ptr);
}
EXPORT_SYMBOL_GPL(vp_dmabuf_vunmap);
