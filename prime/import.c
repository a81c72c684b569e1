// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: importing dma_bufs from the kernel
 *
 * A dma_buf of vprime's is unwrapped: it leads to the buffer that it exports. A
 * foreign one is wrapped, once, in a buffer whose exporter callbacks call the
 * kernel's dma-buf functions. GPUs that import the same foreign dma_buf share
 * the wrapper, and with it one reservation object and one id.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "prime/dmabuf.h"
#include "prime/export.h"

/**
 * struct vp_import - a buffer that wraps a foreign dma_buf
 * @base: the core's part; its @foreign is the dma_buf, with a reference
 * @node: in vp_import_table
 */
struct vp_import {
	struct vp_dmabuf base;
	struct hlist_node node;
};

/*
 * Guards vp_import_table. A wrapper in the table may be losing its last
 * reference: a reference is taken only if the count is not zero, under this
 * lock, which the release takes to remove the wrapper before it frees it.
 */
static DEFINE_MUTEX(vp_import_lock);
static DEFINE_HASHTABLE(vp_import_table, 8);

static void vp_import_moved(struct dma_buf_attachment *kattach)
{
	struct vp_attachment *attach = kattach->importer_priv;

	dma_resv_assert_held(attach->buf->resv);

	/*
	 * Each attachment to the wrapper has one of its own in the kernel,
	 * which notifies each of them. The foreign exporter removes CPU
	 * mappings.
	 */
	if (attach->ops && attach->ops->invalidate_mappings)
		vp_attachment_invalidate(attach);
}

static const struct dma_buf_attach_ops vp_import_attach_ops = {
	.vp_invalidate_mappings = vp_import_moved,
};

static int vp_import_attach(struct vp_dmabuf *buf, struct vp_attachment *attach)
{
	const struct dma_buf_attach_ops *ops = NULL;
	struct dma_buf_attachment *kattach;

	if (vp_kernel_wants_dynamic_attach(buf->foreign))
		ops = &vp_import_attach_ops;

	kattach = dma_buf_dynamic_attach(buf->foreign, attach->dev, ops,
					 attach);
	if (IS_ERR(kattach))
		return PTR_ERR(kattach);
	attach->exporter_priv = kattach;
	return 0;
}

static void vp_import_detach(struct vp_dmabuf *buf,
			     struct vp_attachment *attach)
{
	dma_buf_detach(buf->foreign, attach->exporter_priv);
}

static int vp_import_pin(struct vp_attachment *attach)
{
	struct dma_buf_attachment *kattach = attach->exporter_priv;

	/* The kernel pins for a static importer. */
	return kattach->importer_ops ? dma_buf_pin(kattach) : 0;
}

static void vp_import_unpin(struct vp_attachment *attach)
{
	struct dma_buf_attachment *kattach = attach->exporter_priv;

	if (kattach->importer_ops)
		dma_buf_unpin(kattach);
}

/* The exporter knows the DMA mask of the device, but need not respect it. */
static bool vp_import_is_within_reach(struct device *dev, struct sg_table *sgt)
{
	u64 limit = dma_get_mask(dev);
	struct scatterlist *sg;
	unsigned int i;

	if (limit == DMA_BIT_MASK(64))
		return true;
	for_each_sgtable_dma_sg(sgt, sg, i)
		if (sg_dma_address(sg) > limit ||
		    sg_dma_len(sg) - 1 > limit - sg_dma_address(sg))
			return false;
	return true;
}

/*
 * Are the device's DMA addresses physical ones? With an IOMMU or an offset they
 * are not, and the CPU cannot do the device's accesses with them.
 */
static int vp_import_check_direct(struct device *dev)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_DMA32);
	dma_addr_t address;
	int ret = -ENOMEM;

	if (!page)
		return ret;
	address = dma_map_page(dev, page, 0, PAGE_SIZE, DMA_TO_DEVICE);
	if (!dma_mapping_error(dev, address)) {
		dma_unmap_page(dev, address, PAGE_SIZE, DMA_TO_DEVICE);
		ret = address == page_to_phys(page) ? 0 : -EOPNOTSUPP;
	}
	__free_page(page);
	return ret;
}

static struct vp_mapping *vp_import_map(struct vp_attachment *attach,
					enum dma_data_direction dir)
{
	struct vp_mapping *mapping;
	struct sg_table *sgt;
	int ret = 0;

	if (attach->ops && attach->ops->emulated)
		ret = vp_import_check_direct(attach->dev);
	if (ret)
		return ERR_PTR(ret);
	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL_ACCOUNT);
	if (!mapping)
		return ERR_PTR(-ENOMEM);
	sgt = dma_buf_map_attachment(attach->exporter_priv, dir);
	if (!IS_ERR(sgt) && !vp_import_is_within_reach(attach->dev, sgt)) {
		dma_buf_unmap_attachment(attach->exporter_priv, sgt, dir);
		sgt = ERR_PTR(-EIO);
	}
	if (IS_ERR(sgt)) {
		kfree(mapping);
		return ERR_CAST(sgt);
	}
	mapping->sgt = sgt;
	return mapping;
}

static void vp_import_unmap(struct vp_mapping *mapping)
{
	dma_buf_unmap_attachment(mapping->attach->exporter_priv, mapping->sgt,
				 mapping->dir);
	kfree(mapping);
}

/*
 * Memory outside the device's DMA mask is bounced, and most exporters never
 * sync, so that the device would work on a copy. An emulated device accesses
 * synchronously, so each access is synced: exactly its range, because syncing
 * more would lose what others write beside it.
 */
static void vp_import_sync(struct vp_mapping *mapping, struct scatterlist *sg,
			   size_t offset, size_t size, bool for_cpu)
{
	struct device *dev = mapping->attach->dev;

	if (!dma_addressing_limited(dev))
		return;
	if (for_cpu)
		dma_sync_single_range_for_cpu(dev, sg_dma_address(sg), offset,
					      size, mapping->dir);
	else
		dma_sync_single_range_for_device(dev, sg_dma_address(sg),
						 offset, size, mapping->dir);
}

/* Copy from or to one entry of the table, page by page. */
static int vp_import_copy(dma_addr_t address, u8 *data, size_t size, bool write)
{
	size_t bytes;
	u8 *page;

	for (; size; address += bytes, data += bytes, size -= bytes) {
		bytes = min_t(size_t, size,
			      PAGE_SIZE - offset_in_page(address));
		/* Device memory has no struct page, and is not for the CPU. */
		if (!pfn_valid(PHYS_PFN(address)))
			return -EOPNOTSUPP;
		page = kmap_local_page(pfn_to_page(PHYS_PFN(address)));
		if (write)
			memcpy(page + offset_in_page(address), data, bytes);
		else
			memcpy(data, page + offset_in_page(address), bytes);
		kunmap_local(page);
	}
	return 0;
}

static int vp_import_access(struct vp_mapping *mapping, size_t offset,
			    void *data, size_t size, bool write)
{
	struct scatterlist *sg;
	unsigned int i;
	size_t bytes;
	int ret;

	for_each_sgtable_dma_sg(mapping->sgt, sg, i) {
		if (offset >= sg_dma_len(sg)) {
			offset -= sg_dma_len(sg);
			continue;
		}
		bytes = min_t(size_t, size, sg_dma_len(sg) - offset);
		vp_import_sync(mapping, sg, offset, bytes, false);
		ret = vp_import_copy(sg_dma_address(sg) + offset, data, bytes,
				     write);
		if (ret)
			return ret;
		if (write)
			vp_import_sync(mapping, sg, offset, bytes, true);
		data += bytes;
		size -= bytes;
		if (!size)
			return 0;
		offset = 0;
	}
	return -EFAULT;
}

static int vp_import_mmap(struct vp_dmabuf *buf, struct vm_area_struct *vma,
			  unsigned long pgoff)
{
	vma->vm_ops = NULL;
	vma->vm_private_data = NULL;
	return dma_buf_mmap(buf->foreign, vma, pgoff);
}

static int vp_import_vmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	return vp_kernel_vmap(buf->foreign, map);
}

static void vp_import_vunmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	vp_kernel_vunmap(buf->foreign, map);
}

static void vp_import_release(struct vp_dmabuf *buf)
{
	struct vp_import *import = container_of(buf, struct vp_import, base);

	mutex_lock(&vp_import_lock);
	hash_del(&import->node);
	mutex_unlock(&vp_import_lock);

	dma_buf_put(buf->foreign);
	kfree(import);
	this_cpu_dec(vp_dmabuf_counts.imports);
}

static const struct vp_dmabuf_ops vp_import_ops = {
	.attach = vp_import_attach,
	.detach = vp_import_detach,
	.pin = vp_import_pin,
	.unpin = vp_import_unpin,
	.map = vp_import_map,
	.unmap = vp_import_unmap,
	.access = vp_import_access,
	.mmap = vp_import_mmap,
	.vmap = vp_import_vmap,
	.vunmap = vp_import_vunmap,
	.release = vp_import_release,
};

/* The wrapper of @kbuf, with a reference; NULL if there is none. */
static struct vp_dmabuf *vp_import_find(struct dma_buf *kbuf)
{
	struct vp_import *import;

	lockdep_assert_held(&vp_import_lock);

	hash_for_each_possible(vp_import_table, import, node,
			       (unsigned long)kbuf)
		if (import->base.foreign == kbuf &&
		    kref_get_unless_zero(&import->base.ref))
			return &import->base;
	return NULL;
}

static struct vp_dmabuf *vp_import_wrap(struct dma_buf *kbuf)
{
	DEFINE_VP_DMABUF_EXPORT_INFO(info);
	struct vp_import *import;
	int ret;

	lockdep_assert_held(&vp_import_lock);

	import = kzalloc(sizeof(*import), GFP_KERNEL_ACCOUNT);
	if (!import)
		return ERR_PTR(-ENOMEM);

	info.name = kbuf->exp_name;
	info.ops = &vp_import_ops;
	/* The last page counts as a whole one, as in the DRM core's helpers. */
	info.size = PAGE_ALIGN(kbuf->size);
	info.resv = kbuf->resv;
	info.foreign = kbuf;
	get_dma_buf(kbuf);
	ret = vp_dmabuf_export(&import->base, &info);
	if (ret) {
		dma_buf_put(kbuf);
		kfree(import);
		return ERR_PTR(ret);
	}

	hash_add(vp_import_table, &import->node, (unsigned long)kbuf);
	this_cpu_inc(vp_dmabuf_counts.imports);
	return &import->base;
}

/**
 * vp_dmabuf_from_kernel - get the buffer of a dma_buf
 * @kbuf: any dma_buf; the caller keeps it alive during the call
 *
 * The size of a wrapper is that of the dma_buf, rounded up to whole pages. A
 * CPU mapping reaches only the pages that the dma_buf has in full.
 *
 * Context: May sleep. The buffer's reservation is not locked.
 * Return: The buffer, with a reference; -EINVAL for a foreign dma_buf without a
 *	size; -ENOMEM.
 */
struct vp_dmabuf *vp_dmabuf_from_kernel(struct dma_buf *kbuf)
{
	struct vp_dmabuf *buf = vp_export_unwrap(kbuf);

	if (buf)
		return vp_dmabuf_ref(buf);

	mutex_lock(&vp_import_lock);
	buf = vp_import_find(kbuf);
	if (!buf)
		buf = vp_import_wrap(kbuf);
	mutex_unlock(&vp_import_lock);
	return buf;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_from_kernel);
