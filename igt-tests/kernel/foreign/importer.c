// SPDX-License-Identifier: GPL-2.0-only
/*
 * The importer: it attaches to any dma-buf, dynamically or not, and maps any
 * into the kernel. A dynamic attachment is obedient, lazy or stubborn when it
 * is told that memory moves. Its "device" reads and writes through the DMA
 * addresses that it gets; it is on no bus, so these are the CPU's own.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "foreign.h"

static unsigned int delay_ms = 100;
module_param(delay_ms, uint, 0644);
MODULE_PARM_DESC(delay_ms, "When lazy attachments drop their mapping");

static unsigned int dma_bits = 64;
module_param(dma_bits, uint, 0644);
MODULE_PARM_DESC(dma_bits, "Address bits of the device, from the next attach on");

/* ---- attachments -------------------------------------------------------- */

/**
 * struct vp_foreign_attachment - the device's place at a buffer
 * @kbuf: the buffer, with a reference
 * @kattach: the kernel's part
 * @flags: VP_FOREIGN_LAZY, VP_FOREIGN_STUBBORN, VP_FOREIGN_STATIC
 * @work: unmaps what a lazy one was told to
 * @sgt: the mapping or NULL; guarded, with all below, by @kbuf's reservation
 * @dir: the direction of @sgt, and of the next one
 * @stale: told since @sgt was made
 * @closing: told that it goes; nothing more is queued
 * @told: how often it was told
 * @generation: how often it has mapped
 * @pins: how often it has pinned
 */
struct vp_foreign_attachment {
	struct dma_buf *kbuf;
	struct dma_buf_attachment *kattach;
	u32 flags;
	struct delayed_work work;

	struct sg_table *sgt;
	enum dma_data_direction dir;
	bool stale;
	bool closing;
	u32 told;
	u32 generation;
	u32 pins;
};

static void vp_foreign_unmap(struct vp_foreign_attachment *attach)
{
	dma_resv_assert_held(attach->kbuf->resv);

	if (attach->sgt)
		dma_buf_unmap_attachment(attach->kattach, attach->sgt,
					 attach->dir);
	attach->sgt = NULL;
	attach->stale = false;
}

static int vp_foreign_map(struct vp_foreign_attachment *attach)
{
	struct sg_table *sgt;

	dma_resv_assert_held(attach->kbuf->resv);

	sgt = dma_buf_map_attachment(attach->kattach, attach->dir);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	attach->sgt = sgt;
	attach->generation++;
	return 0;
}

static void vp_foreign_late(struct work_struct *work)
{
	struct vp_foreign_attachment *attach =
		container_of(to_delayed_work(work),
			     struct vp_foreign_attachment, work);

	dma_resv_lock(attach->kbuf->resv, NULL);
	if (attach->stale)
		vp_foreign_unmap(attach);
	dma_resv_unlock(attach->kbuf->resv);
}

/* The exporter says that memory moves, and holds the reservation lock. */
static void vp_foreign_told(struct dma_buf_attachment *kattach)
{
	struct vp_foreign_attachment *attach = kattach->importer_priv;

	dma_resv_assert_held(kattach->dmabuf->resv);

	attach->told++;
	if (!attach->sgt)
		return;
	if (!(attach->flags & (VP_FOREIGN_LAZY | VP_FOREIGN_STUBBORN))) {
		vp_foreign_unmap(attach);
		return;
	}
	attach->stale = true;
	if (attach->flags & VP_FOREIGN_LAZY && !attach->closing)
		queue_delayed_work(vp_foreign_wq, &attach->work,
				   msecs_to_jiffies(READ_ONCE(delay_ms)));
}

static const struct dma_buf_attach_ops vp_foreign_attach_ops = {
	.vp_invalidate_mappings = vp_foreign_told,
};

/**
 * vp_foreign_detach - unmap, unpin and give up a place at a buffer
 * @attach: the attachment, which nobody finds any more; it is freed
 *
 * Takes the reservation lock, and waits for a lazy attachment's work. The
 * file's mutex is held, or the file is about to go.
 */
void vp_foreign_detach(struct vp_foreign_attachment *attach)
{
	struct dma_buf *kbuf = attach->kbuf;

	dma_resv_lock(kbuf->resv, NULL);
	attach->closing = true;
	vp_foreign_unmap(attach);
	for (; attach->pins; attach->pins--)
		dma_buf_unpin(attach->kattach);
	dma_resv_unlock(kbuf->resv);

	cancel_delayed_work_sync(&attach->work);
	dma_buf_detach(kbuf, attach->kattach);
	dma_buf_put(kbuf);
	kfree(attach);
}

static struct vp_foreign_attachment *vp_foreign_new(int fd, u32 flags)
{
	struct vp_foreign_attachment *attach;
	bool dynamic = !(flags & VP_FOREIGN_STATIC);
	int ret;

	attach = kzalloc(sizeof(*attach), GFP_KERNEL);
	if (!attach)
		return ERR_PTR(-ENOMEM);
	attach->flags = flags;
	attach->dir = DMA_BIDIRECTIONAL;
	INIT_DELAYED_WORK(&attach->work, vp_foreign_late);

	attach->kbuf = dma_buf_get(fd);
	if (IS_ERR(attach->kbuf)) {
		ret = PTR_ERR(attach->kbuf);
		goto err_free;
	}
	ret = dma_coerce_mask_and_coherent(&vp_foreign_pdev->dev,
					   DMA_BIT_MASK(READ_ONCE(dma_bits)));
	if (ret)
		goto err_put;
	attach->kattach =
		dma_buf_dynamic_attach(attach->kbuf, &vp_foreign_pdev->dev,
				       dynamic ? &vp_foreign_attach_ops : NULL,
				       attach);
	if (IS_ERR(attach->kattach)) {
		ret = PTR_ERR(attach->kattach);
		goto err_put;
	}
	return attach;

err_put:
	dma_buf_put(attach->kbuf);
err_free:
	kfree(attach);
	return ERR_PTR(ret);
}

/**
 * vp_foreign_attach_ioctl - get a place at a buffer
 * @file: the open file
 * @data: a &struct vp_foreign_attach
 *
 * The file's mutex is held; takes the reservation lock.
 *
 * Returns 0; -EINVAL for flags that are unknown or exclude each other, or
 * padding that is not 0; -EBADF or -EINVAL when it is no dma-buf; -ENOMEM;
 * -EBUSY when there are no more numbers; -EIO when the machine cannot have a
 * device of so few address bits; or what the exporter fails with.
 */
int vp_foreign_attach_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_attach *arg = data;
	struct vp_foreign_attachment *attach;
	int ret;

	if (arg->pad || hweight32(arg->flags) > 1 ||
	    arg->flags & ~(VP_FOREIGN_LAZY | VP_FOREIGN_STUBBORN |
			   VP_FOREIGN_STATIC))
		return -EINVAL;

	attach = vp_foreign_new(arg->fd, arg->flags);
	if (IS_ERR(attach))
		return PTR_ERR(attach);

	ret = xa_alloc(&file->attachments, &arg->id, attach, xa_limit_31b,
		       GFP_KERNEL);
	if (ret)
		vp_foreign_detach(attach);
	return ret;
}

/**
 * vp_foreign_detach_ioctl - give a place at a buffer up
 * @file: the open file
 * @data: a &struct vp_foreign_id of an attachment
 *
 * The file's mutex is held; takes the reservation lock.
 *
 * Returns 0; -EINVAL when padding is not 0; -ENOENT without such an
 * attachment.
 */
int vp_foreign_detach_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_id *arg = data;
	struct vp_foreign_attachment *attach;

	if (arg->pad)
		return -EINVAL;
	attach = xa_erase(&file->attachments, arg->id);
	if (!attach)
		return -ENOENT;
	vp_foreign_detach(attach);
	return 0;
}

/* The attachment with that number, its buffer locked. */
static struct vp_foreign_attachment *
vp_foreign_lock(struct vp_foreign_file *file, u32 id)
{
	struct vp_foreign_attachment *attach = xa_load(&file->attachments, id);
	int ret;

	if (!attach)
		return ERR_PTR(-ENOENT);
	ret = dma_resv_lock_interruptible(attach->kbuf->resv, NULL);
	return ret ? ERR_PTR(ret) : attach;
}

/**
 * vp_foreign_map_ioctl - map a buffer for the device
 * @file: the open file
 * @data: a &struct vp_foreign_map
 *
 * The file's mutex is held; takes the reservation lock.
 *
 * Returns 0; -EINVAL for an unknown direction; -ENOENT without such an
 * attachment; -EINTR when a signal came; -EBUSY when it is mapped; or what the
 * exporter fails with.
 */
int vp_foreign_map_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_map *arg = data;
	struct vp_foreign_attachment *attach;
	int ret = -EBUSY;

	BUILD_BUG_ON(VP_FOREIGN_BIDIRECTIONAL != DMA_BIDIRECTIONAL ||
		     VP_FOREIGN_TO_DEVICE != DMA_TO_DEVICE ||
		     VP_FOREIGN_FROM_DEVICE != DMA_FROM_DEVICE);

	if (arg->direction > VP_FOREIGN_FROM_DEVICE)
		return -EINVAL;
	attach = vp_foreign_lock(file, arg->id);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	if (!attach->sgt) {
		attach->dir = arg->direction;
		ret = vp_foreign_map(attach);
	}
	dma_resv_unlock(attach->kbuf->resv);
	return ret;
}

/**
 * vp_foreign_unmap_ioctl - give the device's mapping up
 * @file: the open file
 * @data: a &struct vp_foreign_id of an attachment
 *
 * The file's mutex is held; takes the reservation lock.
 *
 * Returns 0; -EINVAL when padding is not 0; -ENOENT without such an
 * attachment; -EINTR when a signal came; -ENXIO when it is not mapped.
 */
int vp_foreign_unmap_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_id *arg = data;
	struct vp_foreign_attachment *attach;
	int ret = 0;

	if (arg->pad)
		return -EINVAL;
	attach = vp_foreign_lock(file, arg->id);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	if (attach->sgt)
		vp_foreign_unmap(attach);
	else
		ret = -ENXIO;
	dma_resv_unlock(attach->kbuf->resv);
	return ret;
}

/**
 * vp_foreign_pin_ioctl - have the memory stay where it is
 * @file: the open file
 * @data: a &struct vp_foreign_id of an attachment
 *
 * The file's mutex is held; takes the reservation lock.
 *
 * Returns 0; -EINVAL when padding is not 0; -ENOENT without such an
 * attachment; -EINTR when a signal came; -EOPNOTSUPP for a static one; or what
 * the exporter fails with.
 */
int vp_foreign_pin_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_id *arg = data;
	struct vp_foreign_attachment *attach;
	int ret = -EOPNOTSUPP;

	if (arg->pad)
		return -EINVAL;
	attach = vp_foreign_lock(file, arg->id);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	if (!(attach->flags & VP_FOREIGN_STATIC)) {
		ret = dma_buf_pin(attach->kattach);
		if (!ret)
			attach->pins++;
	}
	dma_resv_unlock(attach->kbuf->resv);
	return ret;
}

/**
 * vp_foreign_unpin_ioctl - let the memory move again
 * @file: the open file
 * @data: a &struct vp_foreign_id of an attachment
 *
 * Takes one pin back, and others may stay. The file's mutex is held; takes the
 * reservation lock.
 *
 * Returns 0; -EINVAL when padding is not 0; -ENOENT without such an
 * attachment; -EINTR when a signal came; -ENXIO when it is not pinned.
 */
int vp_foreign_unpin_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_id *arg = data;
	struct vp_foreign_attachment *attach;
	int ret = -ENXIO;

	if (arg->pad)
		return -EINVAL;
	attach = vp_foreign_lock(file, arg->id);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	if (attach->pins) {
		dma_buf_unpin(attach->kattach);
		attach->pins--;
		ret = 0;
	}
	dma_resv_unlock(attach->kbuf->resv);
	return ret;
}

/* Bytes from, or to, the DMA addresses of a table. */
static int vp_foreign_copy(struct sg_table *sgt, u64 offset, u8 *data,
			   size_t size, bool write)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		dma_addr_t addr = sg_dma_address(sg);
		u64 len = sg_dma_len(sg);

		if (offset >= len) {
			offset -= len;
			continue;
		}
		addr += offset;
		len -= offset;
		offset = 0;
		while (len && size) {
			size_t at = offset_in_page(addr);
			size_t part = min3((u64)(PAGE_SIZE - at), len,
					   (u64)size);
			u8 *page;

			if (!pfn_valid(PHYS_PFN(addr)))
				return -EIO;
			page = kmap_local_pfn(PHYS_PFN(addr));
			if (write)
				memcpy(page + at, data, part);
			else
				memcpy(data, page + at, part);
			kunmap_local(page);
			addr += part;
			data += part;
			len -= part;
			size -= part;
		}
		if (!size)
			return 0;
	}
	/* The table is shorter than the buffer. */
	return -EIO;
}

/* Have a mapping that the device may use now. The buffer is locked. */
static int vp_foreign_mapped(struct vp_foreign_attachment *attach, bool write)
{
	if (attach->sgt && attach->stale) {
		if (attach->flags & VP_FOREIGN_STUBBORN)
			return -ESTALE;
		vp_foreign_unmap(attach);
	}
	/* "To the device" is what the device reads. */
	if (attach->dir == (write ? DMA_TO_DEVICE : DMA_FROM_DEVICE))
		return -EACCES;
	return attach->sgt ? 0 : vp_foreign_map(attach);
}

static int vp_foreign_dma(struct vp_foreign_file *file,
			  struct vp_foreign_access *arg, u8 *bytes, bool write)
{
	struct vp_foreign_attachment *attach;
	struct dma_resv *resv;
	long left;
	int ret;

	attach = vp_foreign_lock(file, arg->id);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	resv = attach->kbuf->resv;

	ret = -EINVAL;
	if (arg->offset > attach->kbuf->size ||
	    arg->size > attach->kbuf->size - arg->offset)
		goto out;
	ret = vp_foreign_mapped(attach, write);
	if (ret)
		goto out;
	left = dma_resv_wait_timeout(resv, dma_resv_usage_rw(write), true,
				     MAX_SCHEDULE_TIMEOUT);
	ret = left < 0 ? left : vp_foreign_copy(attach->sgt, arg->offset, bytes,
						arg->size, write);
out:
	dma_resv_unlock(resv);
	return ret;
}

static int vp_foreign_access(struct vp_foreign_file *file,
			     struct vp_foreign_access *arg, bool write)
{
	void __user *data = u64_to_user_ptr(arg->data);
	u8 *bytes;
	int ret;

	if (arg->pad || !arg->size || arg->size > VP_FOREIGN_MAX_ACCESS)
		return -EINVAL;
	bytes = kvmalloc(arg->size, GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;

	/* A fault takes the reservation lock of what it touches: not inside. */
	ret = 0;
	if (write && copy_from_user(bytes, data, arg->size))
		ret = -EFAULT;
	if (!ret) {
		ret = mutex_lock_interruptible(&file->lock);
		if (!ret) {
			ret = vp_foreign_dma(file, arg, bytes, write);
			mutex_unlock(&file->lock);
		}
	}
	if (!ret && !write && copy_to_user(data, bytes, arg->size))
		ret = -EFAULT;
	kvfree(bytes);
	return ret;
}

/**
 * vp_foreign_read_ioctl - the device reads
 * @file: the open file
 * @data: a &struct vp_foreign_access; offset and size are in bytes
 *
 * Maps when that is needed, and waits for the fences of who writes, without a
 * limit of time. No lock is held; takes the file's mutex and in it the
 * reservation lock.
 *
 * Returns 0; -EINVAL when padding is not 0, or for a size that is 0, too large
 * or beyond the buffer; -ENOENT without such an attachment; -ESTALE for a
 * stubborn one that was told; -EACCES when its direction does not allow it;
 * -EIO when an address is none of the CPU's memory, or the exporter's table is
 * too short; -EFAULT for the program's memory; -ENOMEM; -EINTR or -ERESTARTSYS
 * when a signal came; or what the exporter fails with.
 */
int vp_foreign_read_ioctl(struct vp_foreign_file *file, void *data)
{
	return vp_foreign_access(file, data, false);
}

/**
 * vp_foreign_write_ioctl - the device writes
 * @file: the open file
 * @data: a &struct vp_foreign_access; offset and size are in bytes
 *
 * Maps when that is needed, and waits for the fences of who reads or writes,
 * without a limit of time. No lock is held; takes the file's mutex and in it
 * the reservation lock.
 *
 * Returns as vp_foreign_read_ioctl().
 */
int vp_foreign_write_ioctl(struct vp_foreign_file *file, void *data)
{
	return vp_foreign_access(file, data, true);
}

/**
 * vp_foreign_state_ioctl - say what an attachment is right now
 * @file: the open file
 * @data: a &struct vp_foreign_state
 *
 * The file's mutex is held; takes the reservation lock.
 *
 * Returns 0; -EINVAL when padding is not 0; -ENOENT without such an
 * attachment; -EINTR when a signal came.
 */
int vp_foreign_state_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_state *arg = data;
	struct vp_foreign_attachment *attach;

	if (arg->pad)
		return -EINVAL;
	attach = vp_foreign_lock(file, arg->id);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	arg->flags = (attach->sgt ? VP_FOREIGN_IS_MAPPED : 0) |
		     (attach->stale ? VP_FOREIGN_IS_STALE : 0);
	arg->told = attach->told;
	arg->generation = attach->generation;
	arg->pins = attach->pins;
	dma_resv_unlock(attach->kbuf->resv);
	return 0;
}

static int vp_foreign_find(struct sg_table *sgt, u64 offset, u64 *address)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (offset < sg_dma_len(sg)) {
			*address = sg_dma_address(sg) + offset;
			return 0;
		}
		offset -= sg_dma_len(sg);
	}
	return -EINVAL;
}

/**
 * vp_foreign_address_ioctl - say where the device finds a byte
 * @file: the open file
 * @data: a &struct vp_foreign_address; the offset is in bytes
 *
 * The file's mutex is held; takes the reservation lock.
 *
 * Returns 0; -EINVAL when padding is not 0, or the offset is beyond the
 * mapping; -ENOENT without such an attachment; -EINTR when a signal came;
 * -ENXIO when it is not mapped.
 */
int vp_foreign_address_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_address *arg = data;
	struct vp_foreign_attachment *attach;
	int ret = -ENXIO;

	if (arg->pad)
		return -EINVAL;
	attach = vp_foreign_lock(file, arg->id);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	if (attach->sgt)
		ret = vp_foreign_find(attach->sgt, arg->offset, &arg->address);
	dma_resv_unlock(attach->kbuf->resv);
	return ret;
}

/* ---- kernel mappings ---------------------------------------------------- */

/**
 * struct vp_foreign_mapping - a kernel mapping of a buffer
 * @kbuf: the buffer, with a reference
 * @map: where it is
 */
struct vp_foreign_mapping {
	struct dma_buf *kbuf;
	struct iosys_map map;
};

/**
 * vp_foreign_vunmap - give a kernel mapping up
 * @mapping: the mapping, which nobody finds any more; it is freed
 *
 * Takes the reservation lock. The file's mutex is held, or the file is about
 * to go.
 */
void vp_foreign_vunmap(struct vp_foreign_mapping *mapping)
{
	dma_resv_lock(mapping->kbuf->resv, NULL);
	vp_kernel_vunmap(mapping->kbuf, &mapping->map);
	dma_resv_unlock(mapping->kbuf->resv);
	dma_buf_put(mapping->kbuf);
	kfree(mapping);
}

/**
 * vp_foreign_vmap_ioctl - map a buffer into the kernel
 * @file: the open file
 * @data: a &struct vp_foreign_vmap
 *
 * The file's mutex is held; takes the reservation lock.
 *
 * Returns 0; -EBADF or -EINVAL when it is no dma-buf; -EINVAL when its exporter
 * cannot; -ENOMEM; -EBUSY when there are no more numbers; or what the exporter
 * fails with.
 */
int vp_foreign_vmap_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_vmap *arg = data;
	struct vp_foreign_mapping *mapping;
	int ret;

	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return -ENOMEM;
	mapping->kbuf = dma_buf_get(arg->fd);
	if (IS_ERR(mapping->kbuf)) {
		ret = PTR_ERR(mapping->kbuf);
		goto err_free;
	}

	dma_resv_lock(mapping->kbuf->resv, NULL);
	ret = vp_kernel_vmap(mapping->kbuf, &mapping->map);
	dma_resv_unlock(mapping->kbuf->resv);
	if (ret)
		goto err_put;

	ret = xa_alloc(&file->vmaps, &arg->id, mapping, xa_limit_31b,
		       GFP_KERNEL);
	if (ret)
		vp_foreign_vunmap(mapping);
	return ret;

err_put:
	dma_buf_put(mapping->kbuf);
err_free:
	kfree(mapping);
	return ret;
}

/**
 * vp_foreign_vunmap_ioctl - take a kernel mapping down
 * @file: the open file
 * @data: a &struct vp_foreign_id of a kernel mapping
 *
 * The file's mutex is held; takes the reservation lock.
 *
 * Returns 0; -EINVAL when padding is not 0; -ENOENT without such a mapping.
 */
int vp_foreign_vunmap_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_id *arg = data;
	struct vp_foreign_mapping *mapping;

	if (arg->pad)
		return -EINVAL;
	mapping = xa_erase(&file->vmaps, arg->id);
	if (!mapping)
		return -ENOENT;
	vp_foreign_vunmap(mapping);
	return 0;
}
