// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that is not vprime's, and knows nothing but the kernel's own
 * dma-buf: what tests share buffers with, as no driver that a machine without a
 * GPU has is a dynamic importer, or an exporter that moves its memory or fails
 * when it is told to. Its ioctls, on /dev/vprime_foreign, are described in
 * vprime_foreign.h. It uses nothing of vprime's but compat.h. Never installed.
 *
 *  - As importer it attaches to any dma-buf, dynamically or not. A dynamic
 *    attachment is obedient, lazy or stubborn when it is told that memory
 *    moves. Its "device" reads and writes through the DMA addresses that it
 *    gets; it is on no bus, so these are the CPU's own.
 *  - As exporter it has pages that can be pinned and moved, or not, and each of
 *    its steps can be made to fail.
 *  - It puts fences onto any dma-buf, and maps any into the kernel.
 *
 * Closing the file signals its fences and gives up its attachments and kernel
 * mappings; exported buffers live as long as somebody has them.
 *
 * Locks: the file's mutex makes attachments and kernel mappings of one file
 * wait for each other, and is outside the reservation lock. That guards what an
 * attachment is right now. Inside it is the mutex of an exported buffer, that
 * guards its pages: older kernels call a static exporter without the former.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "compat.h"
#include "vprime_foreign.h"

static unsigned int fail_attach;
module_param(fail_attach, uint, 0644);
MODULE_PARM_DESC(fail_attach, "errno that attaching to our buffers fails with");

static unsigned int fail_map;
module_param(fail_map, uint, 0644);
MODULE_PARM_DESC(fail_map, "errno that mapping our buffers fails with");

static unsigned int delay_ms = 100;
module_param(delay_ms, uint, 0644);
MODULE_PARM_DESC(delay_ms, "When lazy attachments drop their mapping");

static struct platform_device *vp_foreign_pdev;
static struct workqueue_struct *vp_foreign_wq;

/**
 * struct vp_foreign_file - an open file
 * @lock: one ioctl about attachments and kernel mappings at a time
 * @attachments: number -> &struct vp_foreign_attachment
 * @vmaps: number -> &struct vp_foreign_mapping
 * @fences: number -> &struct vp_foreign_fence_object, with a reference
 */
struct vp_foreign_file {
	struct mutex lock;
	struct xarray attachments;
	struct xarray vmaps;
	struct xarray fences;
};

/* ---- the importer ------------------------------------------------------- */

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

static void vp_foreign_detach(struct vp_foreign_attachment *attach)
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

static int vp_foreign_attach_ioctl(struct vp_foreign_file *file, void *data)
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

static int vp_foreign_detach_ioctl(struct vp_foreign_file *file, void *data)
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

static int vp_foreign_map_ioctl(struct vp_foreign_file *file, void *data)
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

static int vp_foreign_unmap_ioctl(struct vp_foreign_file *file, void *data)
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

static int vp_foreign_pin_ioctl(struct vp_foreign_file *file, void *data)
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

static int vp_foreign_unpin_ioctl(struct vp_foreign_file *file, void *data)
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

static int vp_foreign_read_ioctl(struct vp_foreign_file *file, void *data)
{
	return vp_foreign_access(file, data, false);
}

static int vp_foreign_write_ioctl(struct vp_foreign_file *file, void *data)
{
	return vp_foreign_access(file, data, true);
}

static int vp_foreign_state_ioctl(struct vp_foreign_file *file, void *data)
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

static int vp_foreign_address_ioctl(struct vp_foreign_file *file, void *data)
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

static void vp_foreign_vunmap(struct vp_foreign_mapping *mapping)
{
	dma_resv_lock(mapping->kbuf->resv, NULL);
	vp_kernel_vunmap(mapping->kbuf, &mapping->map);
	dma_resv_unlock(mapping->kbuf->resv);
	dma_buf_put(mapping->kbuf);
	kfree(mapping);
}

static int vp_foreign_vmap_ioctl(struct vp_foreign_file *file, void *data)
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

static int vp_foreign_vunmap_ioctl(struct vp_foreign_file *file, void *data)
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

/* ---- the exporter ------------------------------------------------------- */

/**
 * struct vp_foreign_exported - memory of ours, the exported buffer's priv
 * @ops: the dma_buf's, which differ between buffers
 * @count: how many pages
 * @deaf: whether it hands out addresses without asking the DMA API
 * @fail_lock: guards @fail; taken in any context of a callback
 * @fail: for each step, with what errno and how often to fail
 * @lock: guards all below
 * @pages: the memory
 * @attachments: how many devices have it
 * @maps: how many have it mapped
 * @pins: how often they have pinned it
 * @vmaps: whether the kernel has it mapped
 * @accesses: CPU accesses begun and not ended
 * @moves: how often it has moved
 * @dma_mask: what the device reaches that attached last
 * @max_segment: the longest entry of a table that it takes
 */
struct vp_foreign_exported {
	struct dma_buf_ops ops;
	unsigned int count;
	bool deaf;

	spinlock_t fail_lock;	/* see above */
	struct {
		unsigned int error;
		unsigned int count;
	} fail[VP_FOREIGN_FAIL_STEPS];

	struct mutex lock;	/* see above */
	struct page **pages;
	unsigned int attachments;
	unsigned int maps;
	unsigned int pins;
	unsigned int vmaps;
	unsigned int accesses;
	unsigned int moves;
	u64 dma_mask;
	unsigned int max_segment;
};

static void vp_foreign_free_pages(struct page **pages, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count && pages[i]; i++)
		__free_page(pages[i]);
	kvfree(pages);
}

static struct page **vp_foreign_alloc_pages(unsigned int count)
{
	struct page **pages;
	unsigned int i;

	pages = kvcalloc(count, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return NULL;
	for (i = 0; i < count; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[i]) {
			vp_foreign_free_pages(pages, count);
			return NULL;
		}
	}
	return pages;
}

/* What a step is to fail with this time: 0 or a negative errno. */
static int vp_foreign_failure(struct vp_foreign_exported *exported,
			      enum vp_foreign_step step)
{
	int ret = 0;

	if (step == VP_FOREIGN_FAIL_ATTACH)
		ret = -(int)READ_ONCE(fail_attach);
	if (step == VP_FOREIGN_FAIL_MAP)
		ret = -(int)READ_ONCE(fail_map);

	spin_lock(&exported->fail_lock);
	if (exported->fail[step].count) {
		ret = -(int)exported->fail[step].error;
		if (exported->fail[step].count != ~0u)
			exported->fail[step].count--;
	}
	spin_unlock(&exported->fail_lock);
	return ret;
}

/* One more, or one less, of something that is counted. */
static void vp_foreign_count(struct vp_foreign_exported *exported,
			     unsigned int *counter, int change)
{
	mutex_lock(&exported->lock);
	*counter += change;
	mutex_unlock(&exported->lock);
}

static int vp_foreign_op_attach(struct dma_buf *kbuf,
				struct dma_buf_attachment *kattach)
{
	struct vp_foreign_exported *exported = kbuf->priv;
	int ret = vp_foreign_failure(exported, VP_FOREIGN_FAIL_ATTACH);

	if (ret)
		return ret;
	mutex_lock(&exported->lock);
	exported->attachments++;
	exported->dma_mask = dma_get_mask(kattach->dev);
	exported->max_segment = dma_get_max_seg_size(kattach->dev);
	mutex_unlock(&exported->lock);
	return 0;
}

static void vp_foreign_op_detach(struct dma_buf *kbuf,
				 struct dma_buf_attachment *kattach)
{
	struct vp_foreign_exported *exported = kbuf->priv;

	vp_foreign_count(exported, &exported->attachments, -1);
}

static int vp_foreign_op_pin(struct dma_buf_attachment *kattach)
{
	struct vp_foreign_exported *exported = kattach->dmabuf->priv;
	int ret = vp_foreign_failure(exported, VP_FOREIGN_FAIL_PIN);

	dma_resv_assert_held(kattach->dmabuf->resv);

	if (!ret)
		vp_foreign_count(exported, &exported->pins, 1);
	return ret;
}

static void vp_foreign_op_unpin(struct dma_buf_attachment *kattach)
{
	struct vp_foreign_exported *exported = kattach->dmabuf->priv;

	dma_resv_assert_held(kattach->dmabuf->resv);

	vp_foreign_count(exported, &exported->pins, -1);
}

/*
 * Who imports from here has its device played by the CPU: no cache is between.
 * And the DMA API's debugging takes several mappings of a page for a mistake
 * unless syncing is left to us.
 */
#define VP_FOREIGN_DMA_ATTRS	DMA_ATTR_SKIP_CPU_SYNC

static void vp_foreign_fill_deaf(struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(sgt, sg, i) {
		sg_dma_address(sg) = sg_phys(sg);
		sg_dma_len(sg) = sg->length;
	}
}

static int vp_foreign_fill(struct vp_foreign_exported *exported,
			   struct device *dev, struct sg_table *sgt,
			   enum dma_data_direction dir)
{
	size_t size = (size_t)exported->count << PAGE_SHIFT;
	int ret;

	lockdep_assert_held(&exported->lock);

	ret = sg_alloc_table_from_pages_segment(sgt, exported->pages,
						exported->count, 0, size,
						dma_get_max_seg_size(dev),
						GFP_KERNEL);
	if (ret)
		return ret;
	if (exported->deaf)
		vp_foreign_fill_deaf(sgt);
	else
		ret = dma_map_sgtable(dev, sgt, dir, VP_FOREIGN_DMA_ATTRS);
	if (ret)
		sg_free_table(sgt);
	else
		exported->maps++;
	return ret;
}

static struct sg_table *vp_foreign_op_map(struct dma_buf_attachment *kattach,
					  enum dma_data_direction dir)
{
	struct vp_foreign_exported *exported = kattach->dmabuf->priv;
	int ret = vp_foreign_failure(exported, VP_FOREIGN_FAIL_MAP);
	struct sg_table *sgt;

	if (ret)
		return ERR_PTR(ret);
	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);

	mutex_lock(&exported->lock);
	ret = vp_foreign_fill(exported, kattach->dev, sgt, dir);
	mutex_unlock(&exported->lock);
	if (!ret)
		return sgt;
	kfree(sgt);
	return ERR_PTR(ret);
}

static void vp_foreign_op_unmap(struct dma_buf_attachment *kattach,
				struct sg_table *sgt,
				enum dma_data_direction dir)
{
	struct vp_foreign_exported *exported = kattach->dmabuf->priv;

	if (!exported->deaf)
		dma_unmap_sgtable(kattach->dev, sgt, dir, VP_FOREIGN_DMA_ATTRS);
	sg_free_table(sgt);
	kfree(sgt);
	vp_foreign_count(exported, &exported->maps, -1);
}

static int vp_foreign_op_begin(struct dma_buf *kbuf,
			       enum dma_data_direction dir)
{
	struct vp_foreign_exported *exported = kbuf->priv;
	int ret = vp_foreign_failure(exported, VP_FOREIGN_FAIL_BEGIN);

	if (!ret)
		vp_foreign_count(exported, &exported->accesses, 1);
	return ret;
}

static int vp_foreign_op_end(struct dma_buf *kbuf, enum dma_data_direction dir)
{
	struct vp_foreign_exported *exported = kbuf->priv;

	vp_foreign_count(exported, &exported->accesses, -1);
	return 0;
}

/*
 * The page goes into the page table under the lock: a move that comes in
 * between would miss it.
 */
static vm_fault_t vp_foreign_fault(struct vm_fault *vmf)
{
	struct vp_foreign_exported *exported = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	mutex_lock(&exported->lock);
	if (vmf->pgoff < exported->count)
		ret = vmf_insert_pfn(vmf->vma, vmf->address & PAGE_MASK,
				     page_to_pfn(exported->pages[vmf->pgoff]));
	mutex_unlock(&exported->lock);
	return ret;
}

static const struct vm_operations_struct vp_foreign_vm_ops = {
	.fault = vp_foreign_fault,
};

static int vp_foreign_op_mmap(struct dma_buf *kbuf, struct vm_area_struct *vma)
{
	int ret = vp_foreign_failure(kbuf->priv, VP_FOREIGN_FAIL_MMAP);

	if (ret)
		return ret;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vp_vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &vp_foreign_vm_ops;
	vma->vm_private_data = kbuf->priv;
	return 0;
}

static int vp_foreign_op_vmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	struct vp_foreign_exported *exported = kbuf->priv;
	int ret = vp_foreign_failure(exported, VP_FOREIGN_FAIL_VMAP);
	void *address;

	if (ret)
		return ret;

	mutex_lock(&exported->lock);
	address = vmap(exported->pages, exported->count, VM_MAP, PAGE_KERNEL);
	if (address)
		exported->vmaps++;
	mutex_unlock(&exported->lock);
	if (!address)
		return -ENOMEM;
	iosys_map_set_vaddr(map, address);
	return 0;
}

static void vp_foreign_op_vunmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	struct vp_foreign_exported *exported = kbuf->priv;

	vunmap(map->vaddr);
	vp_foreign_count(exported, &exported->vmaps, -1);
}

static void vp_foreign_free(struct vp_foreign_exported *exported)
{
	vp_foreign_free_pages(exported->pages, exported->count);
	mutex_destroy(&exported->lock);
	kfree(exported);
}

static void vp_foreign_op_release(struct dma_buf *kbuf)
{
	struct vp_foreign_exported *exported = kbuf->priv;

	/* Whoever counts wrong, it shows here. */
	WARN_ON(exported->attachments || exported->maps || exported->pins ||
		exported->vmaps);
	vp_foreign_free(exported);
}

static struct vp_foreign_exported *vp_foreign_alloc(unsigned int count,
						    u32 flags)
{
	struct vp_foreign_exported *exported;

	exported = kzalloc(sizeof(*exported), GFP_KERNEL);
	if (!exported)
		return NULL;
	exported->pages = vp_foreign_alloc_pages(count);
	if (!exported->pages) {
		kfree(exported);
		return NULL;
	}
	exported->count = count;
	exported->deaf = flags & VP_FOREIGN_DEAF;
	exported->ops = (struct dma_buf_ops) {
		.attach = vp_foreign_op_attach,
		.detach = vp_foreign_op_detach,
		.map_dma_buf = vp_foreign_op_map,
		.unmap_dma_buf = vp_foreign_op_unmap,
		.begin_cpu_access = vp_foreign_op_begin,
		.end_cpu_access = vp_foreign_op_end,
		.release = vp_foreign_op_release,
	};
	if (flags & VP_FOREIGN_DYNAMIC) {
		exported->ops.pin = vp_foreign_op_pin;
		exported->ops.unpin = vp_foreign_op_unpin;
	}
	if (!(flags & VP_FOREIGN_NO_MMAP))
		exported->ops.mmap = vp_foreign_op_mmap;
	if (!(flags & VP_FOREIGN_NO_VMAP)) {
		exported->ops.vmap = vp_foreign_op_vmap;
		exported->ops.vunmap = vp_foreign_op_vunmap;
	}
	spin_lock_init(&exported->fail_lock);
	mutex_init(&exported->lock);
	return exported;
}

static int vp_foreign_export_ioctl(struct vp_foreign_file *file, void *data)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct vp_foreign_export *arg = data;
	struct vp_foreign_exported *exported;
	struct dma_buf *kbuf;

	if (!arg->size || !PAGE_ALIGNED(arg->size) ||
	    arg->size > VP_FOREIGN_MAX_SIZE ||
	    arg->flags & ~(VP_FOREIGN_DYNAMIC | VP_FOREIGN_NO_MMAP |
			   VP_FOREIGN_NO_VMAP | VP_FOREIGN_DEAF))
		return -EINVAL;

	exported = vp_foreign_alloc(arg->size >> PAGE_SHIFT, arg->flags);
	if (!exported)
		return -ENOMEM;

	info.ops = &exported->ops;
	info.size = arg->size;
	info.flags = O_RDWR;
	info.priv = exported;
	kbuf = dma_buf_export(&info);
	if (IS_ERR(kbuf)) {
		vp_foreign_free(exported);
		return PTR_ERR(kbuf);
	}
	arg->fd = dma_buf_fd(kbuf, O_CLOEXEC);
	if (arg->fd < 0)
		dma_buf_put(kbuf);
	return min(arg->fd, 0);
}

/* The dma_buf behind a descriptor, with a reference, if it is one of ours. */
static struct dma_buf *vp_foreign_own(int fd)
{
	struct dma_buf *kbuf = dma_buf_get(fd);

	if (IS_ERR(kbuf) || kbuf->ops->release == vp_foreign_op_release)
		return kbuf;
	dma_buf_put(kbuf);
	return ERR_PTR(-EINVAL);
}

static int vp_foreign_fail_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_fail *arg = data;
	struct vp_foreign_exported *exported;
	struct dma_buf *kbuf;

	if (arg->step >= VP_FOREIGN_FAIL_STEPS || !arg->error ||
	    arg->error > MAX_ERRNO)
		return -EINVAL;
	kbuf = vp_foreign_own(arg->fd);
	if (IS_ERR(kbuf))
		return PTR_ERR(kbuf);
	exported = kbuf->priv;

	spin_lock(&exported->fail_lock);
	exported->fail[arg->step].error = arg->error;
	exported->fail[arg->step].count = arg->count;
	spin_unlock(&exported->fail_lock);
	dma_buf_put(kbuf);
	return 0;
}

/*
 * Swap a buffer's pages with others. Nobody can fault a page in meanwhile, and
 * programs lose theirs before the first byte is copied.
 */
static int vp_foreign_swap(struct dma_buf *kbuf, struct page ***pages)
{
	struct vp_foreign_exported *exported = kbuf->priv;
	unsigned int i;

	lockdep_assert_held(&exported->lock);

	if (exported->maps || exported->pins || exported->vmaps)
		return -EBUSY;

	unmap_mapping_range(kbuf->file->f_mapping, 0, 0, 1);
	for (i = 0; i < exported->count; i++)
		copy_highpage((*pages)[i], exported->pages[i]);
	swap(*pages, exported->pages);
	exported->moves++;
	return 0;
}

static int vp_foreign_move(struct dma_buf *kbuf)
{
	struct vp_foreign_exported *exported = kbuf->priv;
	struct page **pages;
	long left;
	int ret;

	if (!exported->ops.pin)
		return -EOPNOTSUPP;
	pages = vp_foreign_alloc_pages(exported->count);
	if (!pages)
		return -ENOMEM;

	dma_resv_lock(kbuf->resv, NULL);
	left = dma_resv_wait_timeout(kbuf->resv, DMA_RESV_USAGE_BOOKKEEP, true,
				     MAX_SCHEDULE_TIMEOUT);
	ret = left < 0 ? left : 0;
	if (!ret) {
		/*
		 * Even when it is pinned: kernels without MOVE_NOTIFY pin for
		 * everybody who maps, also for those who let go when told.
		 */
		vp_kernel_invalidate_mappings(kbuf);
		mutex_lock(&exported->lock);
		ret = vp_foreign_swap(kbuf, &pages);
		mutex_unlock(&exported->lock);
	}
	dma_resv_unlock(kbuf->resv);
	vp_foreign_free_pages(pages, exported->count);
	return ret;
}

static int vp_foreign_move_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_fd *arg = data;
	struct dma_buf *kbuf;
	int ret;

	if (arg->pad)
		return -EINVAL;
	kbuf = vp_foreign_own(arg->fd);
	if (IS_ERR(kbuf))
		return PTR_ERR(kbuf);
	ret = vp_foreign_move(kbuf);
	dma_buf_put(kbuf);
	return ret;
}

static int vp_foreign_buffer_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_buffer *arg = data;
	struct vp_foreign_exported *exported;
	struct dma_buf *kbuf;

	if (arg->pad)
		return -EINVAL;
	kbuf = vp_foreign_own(arg->fd);
	if (IS_ERR(kbuf))
		return PTR_ERR(kbuf);
	exported = kbuf->priv;

	mutex_lock(&exported->lock);
	arg->attachments = exported->attachments;
	arg->maps = exported->maps;
	arg->pins = exported->pins;
	arg->vmaps = exported->vmaps;
	arg->accesses = exported->accesses;
	arg->moves = exported->moves;
	arg->dma_mask = exported->dma_mask;
	arg->max_segment = exported->max_segment;
	mutex_unlock(&exported->lock);
	dma_buf_put(kbuf);
	return 0;
}

/* ---- fences ------------------------------------------------------------- */

/**
 * struct vp_foreign_fence_object - a fence that a program or time signals
 * @base: the kernel's part
 * @lock: the fence's own
 * @timeout: signals it; has a reference while it is queued
 */
struct vp_foreign_fence_object {
	struct dma_fence base;
	spinlock_t lock;	/* see above */
	struct delayed_work timeout;
};

static const char *vp_foreign_fence_driver(struct dma_fence *fence)
{
	return VP_FOREIGN_DEVICE;
}

static const char *vp_foreign_fence_timeline(struct dma_fence *fence)
{
	return "test";
}

static void vp_foreign_fence_free(struct rcu_head *rcu)
{
	struct dma_fence *fence = container_of(rcu, struct dma_fence, rcu);

	kfree(container_of(fence, struct vp_foreign_fence_object, base));
	/* Last. Unloading waits for callbacks that have not returned. */
	module_put(THIS_MODULE);
}

static void vp_foreign_fence_release(struct dma_fence *fence)
{
	call_rcu(&fence->rcu, vp_foreign_fence_free);
}

static const struct dma_fence_ops vp_foreign_fence_ops = {
	.get_driver_name = vp_foreign_fence_driver,
	.get_timeline_name = vp_foreign_fence_timeline,
	.release = vp_foreign_fence_release,
};

static void vp_foreign_expired(struct work_struct *work)
{
	struct vp_foreign_fence_object *fence =
		container_of(to_delayed_work(work),
			     struct vp_foreign_fence_object, timeout);

	dma_fence_signal(&fence->base);
	dma_fence_put(&fence->base);
}

/* Signal, and drop the reference of the file's table. */
static void vp_foreign_signal(struct vp_foreign_fence_object *fence)
{
	if (cancel_delayed_work(&fence->timeout)) {
		dma_fence_signal(&fence->base);
		dma_fence_put(&fence->base);
	} else {
		/* It is expiring: have it signalled when we return. */
		dma_fence_signal(&fence->base);
	}
	dma_fence_put(&fence->base);
}

static struct vp_foreign_fence_object *vp_foreign_new_fence(void)
{
	struct vp_foreign_fence_object *fence;

	fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	if (!fence)
		return NULL;
	/* Others may hold it for longer than we have the file open. */
	__module_get(THIS_MODULE);
	spin_lock_init(&fence->lock);
	INIT_DELAYED_WORK(&fence->timeout, vp_foreign_expired);
	dma_fence_init(&fence->base, &vp_foreign_fence_ops, &fence->lock,
		       dma_fence_context_alloc(1), 1);
	return fence;
}

static int vp_foreign_put_on(struct dma_buf *kbuf, struct dma_fence *fence,
			     enum dma_resv_usage usage)
{
	int ret;

	dma_resv_lock(kbuf->resv, NULL);
	ret = dma_resv_reserve_fences(kbuf->resv, 1);
	if (!ret)
		dma_resv_add_fence(kbuf->resv, fence, usage);
	dma_resv_unlock(kbuf->resv);
	return ret;
}

static int vp_foreign_fence_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_fence *arg = data;
	struct vp_foreign_fence_object *fence;
	struct dma_buf *kbuf;
	int ret;

	BUILD_BUG_ON(VP_FOREIGN_USAGE_KERNEL != DMA_RESV_USAGE_KERNEL ||
		     VP_FOREIGN_USAGE_WRITE != DMA_RESV_USAGE_WRITE ||
		     VP_FOREIGN_USAGE_READ != DMA_RESV_USAGE_READ ||
		     VP_FOREIGN_USAGE_BOOKKEEP != DMA_RESV_USAGE_BOOKKEEP);

	if (arg->usage > VP_FOREIGN_USAGE_BOOKKEEP || !arg->timeout_ms ||
	    arg->timeout_ms > VP_FOREIGN_MAX_TIMEOUT_MS)
		return -EINVAL;
	kbuf = dma_buf_get(arg->fd);
	if (IS_ERR(kbuf))
		return PTR_ERR(kbuf);

	ret = -ENOMEM;
	fence = vp_foreign_new_fence();
	if (!fence)
		goto out;
	dma_fence_get(&fence->base);
	queue_delayed_work(vp_foreign_wq, &fence->timeout,
			   msecs_to_jiffies(arg->timeout_ms));

	ret = vp_foreign_put_on(kbuf, &fence->base, arg->usage);
	if (!ret)
		ret = xa_alloc(&file->fences, &arg->id, fence, xa_limit_31b,
			       GFP_KERNEL);
	if (ret)
		vp_foreign_signal(fence);
out:
	dma_buf_put(kbuf);
	return ret;
}

static int vp_foreign_signal_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_id *arg = data;
	struct vp_foreign_fence_object *fence;

	if (arg->pad)
		return -EINVAL;
	fence = xa_erase(&file->fences, arg->id);
	if (!fence)
		return -ENOENT;
	vp_foreign_signal(fence);
	return 0;
}

/* ---- the file ----------------------------------------------------------- */

union vp_foreign_arg {
	struct vp_foreign_attach attach;
	struct vp_foreign_map map;
	struct vp_foreign_id id;
	struct vp_foreign_access access;
	struct vp_foreign_state state;
	struct vp_foreign_address address;
	struct vp_foreign_vmap vmap;
	struct vp_foreign_export export;
	struct vp_foreign_fail fail;
	struct vp_foreign_fd fd;
	struct vp_foreign_buffer buffer;
	struct vp_foreign_fence fence;
};

#define VP_FOREIGN_IOCTL(cmd, func, locked) \
	[_IOC_NR(VP_FOREIGN_##cmd)] = { VP_FOREIGN_##cmd, func, locked }

static const struct {
	unsigned int cmd;
	int (*func)(struct vp_foreign_file *file, void *data);
	bool locked;	/* it wants the file's mutex held */
} vp_foreign_ioctls[] = {
	VP_FOREIGN_IOCTL(ATTACH, vp_foreign_attach_ioctl, true),
	VP_FOREIGN_IOCTL(DETACH, vp_foreign_detach_ioctl, true),
	VP_FOREIGN_IOCTL(MAP, vp_foreign_map_ioctl, true),
	VP_FOREIGN_IOCTL(UNMAP, vp_foreign_unmap_ioctl, true),
	VP_FOREIGN_IOCTL(PIN, vp_foreign_pin_ioctl, true),
	VP_FOREIGN_IOCTL(UNPIN, vp_foreign_unpin_ioctl, true),
	VP_FOREIGN_IOCTL(READ, vp_foreign_read_ioctl, false),
	VP_FOREIGN_IOCTL(WRITE, vp_foreign_write_ioctl, false),
	VP_FOREIGN_IOCTL(STATE, vp_foreign_state_ioctl, true),
	VP_FOREIGN_IOCTL(VMAP, vp_foreign_vmap_ioctl, true),
	VP_FOREIGN_IOCTL(VUNMAP, vp_foreign_vunmap_ioctl, true),
	VP_FOREIGN_IOCTL(EXPORT, vp_foreign_export_ioctl, false),
	VP_FOREIGN_IOCTL(FAIL, vp_foreign_fail_ioctl, false),
	VP_FOREIGN_IOCTL(MOVE, vp_foreign_move_ioctl, false),
	VP_FOREIGN_IOCTL(BUFFER, vp_foreign_buffer_ioctl, false),
	VP_FOREIGN_IOCTL(ADD_FENCE, vp_foreign_fence_ioctl, false),
	VP_FOREIGN_IOCTL(SIGNAL, vp_foreign_signal_ioctl, false),
	VP_FOREIGN_IOCTL(ADDRESS, vp_foreign_address_ioctl, true),
};

static long vp_foreign_ioctl(struct file *filp, unsigned int cmd,
			     unsigned long user)
{
	struct vp_foreign_file *file = filp->private_data;
	void __user *data = (void __user *)user;
	unsigned int nr = _IOC_NR(cmd);
	union vp_foreign_arg arg;
	int ret;

	if (nr >= ARRAY_SIZE(vp_foreign_ioctls) ||
	    cmd != vp_foreign_ioctls[nr].cmd)
		return -ENOTTY;
	if (copy_from_user(&arg, data, _IOC_SIZE(cmd)))
		return -EFAULT;

	if (vp_foreign_ioctls[nr].locked) {
		ret = mutex_lock_interruptible(&file->lock);
		if (ret)
			return ret;
		ret = vp_foreign_ioctls[nr].func(file, &arg);
		mutex_unlock(&file->lock);
	} else {
		ret = vp_foreign_ioctls[nr].func(file, &arg);
	}
	if (!ret && _IOC_DIR(cmd) & _IOC_READ &&
	    copy_to_user(data, &arg, _IOC_SIZE(cmd)))
		ret = -EFAULT;
	return ret;
}

static int vp_foreign_open(struct inode *inode, struct file *filp)
{
	struct vp_foreign_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	xa_init_flags(&file->attachments, XA_FLAGS_ALLOC1);
	xa_init_flags(&file->vmaps, XA_FLAGS_ALLOC1);
	xa_init_flags(&file->fences, XA_FLAGS_ALLOC1);
	filp->private_data = file;
	return 0;
}

static int vp_foreign_release(struct inode *inode, struct file *filp)
{
	struct vp_foreign_file *file = filp->private_data;
	struct vp_foreign_fence_object *fence;
	struct vp_foreign_attachment *attach;
	struct vp_foreign_mapping *mapping;
	unsigned long id;

	/* First, as others may wait for these with the buffers locked. */
	xa_for_each(&file->fences, id, fence)
		vp_foreign_signal(fence);
	xa_for_each(&file->vmaps, id, mapping)
		vp_foreign_vunmap(mapping);
	xa_for_each(&file->attachments, id, attach)
		vp_foreign_detach(attach);

	xa_destroy(&file->fences);
	xa_destroy(&file->vmaps);
	xa_destroy(&file->attachments);
	mutex_destroy(&file->lock);
	kfree(file);
	return 0;
}

static const struct file_operations vp_foreign_fops = {
	.owner = THIS_MODULE,
	.open = vp_foreign_open,
	.release = vp_foreign_release,
	.unlocked_ioctl = vp_foreign_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice vp_foreign_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = VP_FOREIGN_NAME,
	.fops = &vp_foreign_fops,
	.mode = 0600,
};

static int __init vp_foreign_init(void)
{
	int ret;

	vp_foreign_wq = alloc_workqueue(VP_FOREIGN_NAME, WQ_UNBOUND, 0);
	if (!vp_foreign_wq)
		return -ENOMEM;

	vp_foreign_pdev = platform_device_register_simple(VP_FOREIGN_DEVICE,
							  PLATFORM_DEVID_NONE,
							  NULL, 0);
	if (IS_ERR(vp_foreign_pdev)) {
		ret = PTR_ERR(vp_foreign_pdev);
		goto err_wq;
	}
	ret = dma_coerce_mask_and_coherent(&vp_foreign_pdev->dev,
					   DMA_BIT_MASK(64));
	if (ret)
		goto err_pdev;

	/* Its addresses must be the CPU's: the device is us. */
	ret = -EOPNOTSUPP;
	if (device_iommu_mapped(&vp_foreign_pdev->dev))
		goto err_pdev;

	ret = misc_register(&vp_foreign_misc);
	if (ret)
		goto err_pdev;
	return 0;

err_pdev:
	platform_device_unregister(vp_foreign_pdev);
err_wq:
	destroy_workqueue(vp_foreign_wq);
	return ret;
}

static void __exit vp_foreign_exit(void)
{
	misc_deregister(&vp_foreign_misc);
	platform_device_unregister(vp_foreign_pdev);
	destroy_workqueue(vp_foreign_wq);
	rcu_barrier();
}

module_init(vp_foreign_init);
module_exit(vp_foreign_exit);

MODULE_DESCRIPTION("A driver that is not vprime's, for vprime's tests");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, "DMA_BUF");
