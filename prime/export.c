// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: exporting buffers to the kernel
 *
 * A buffer gets a &struct dma_buf when a file descriptor is asked for, and has
 * at most one at a time: the DRM core, and programs that compare inodes,
 * identify the buffer by it. The dma_buf holds a reference on the buffer. The
 * buffer's pointer to it holds none, so closing the last descriptor frees the
 * dma_buf, and the next export makes a new one.
 *
 * A foreign driver that attaches to the dma_buf gets a &struct vp_attachment
 * like any importer. Because these dma_bufs can be pinned, all kernels call
 * map, unmap, pin and unpin with the reservation lock held, which is the core's
 * rule.
 */
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "prime/dmabuf.h"
#include "prime/export.h"
#include "prime/trace.h"

/* The kernel has notified it: vp_export_invalidate_mappings(). */
static void vp_export_invalidated(struct vp_attachment *attach)
{
}

static const struct vp_importer_ops vp_export_movable_ops = {
	.invalidate_mappings = vp_export_invalidated,
	.revocable = VP_HAVE_ATTACH_REVOCABLE,
};

static int vp_export_attach(struct dma_buf *kbuf,
			    struct dma_buf_attachment *kattach)
{
	const struct vp_importer_ops *ops = NULL;
	struct vp_attachment *attach;
	int ret;

	if (vp_kernel_attach_can_be_told(kattach))
		ops = &vp_export_movable_ops;

	attach = kmalloc(sizeof(*attach), GFP_KERNEL_ACCOUNT);
	if (!attach)
		return -ENOMEM;

	ret = vp_dmabuf_attach(kbuf->priv, attach, kattach->dev, ops);
	if (ret) {
		kfree(attach);
		return ret;
	}
	kattach->priv = attach;
	return 0;
}

static void vp_export_detach(struct dma_buf *kbuf,
			     struct dma_buf_attachment *kattach)
{
	struct vp_attachment *attach = kattach->priv;

	vp_dmabuf_detach(attach);
	kfree(attach);
}

/*
 * The kernel pins for a static importer that maps, and WARNs if that fails. In
 * the core its mapping pins, and may fail with -EBUSY.
 */
static int vp_export_pin(struct dma_buf_attachment *kattach)
{
	return kattach->importer_ops ? vp_dmabuf_pin(kattach->priv) : 0;
}

static void vp_export_unpin(struct dma_buf_attachment *kattach)
{
	if (kattach->importer_ops)
		vp_dmabuf_unpin(kattach->priv);
}

/* Whether writes through the dma_buf are reported. */
static bool vp_export_forbids_writes(struct dma_buf *kbuf)
{
	struct vp_dmabuf *buf = kbuf->priv;

	return buf->read_only != VP_READ_ONLY_IGNORED &&
	       vp_export_is_read_only(kbuf);
}

static struct sg_table *vp_export_map(struct dma_buf_attachment *kattach,
				      enum dma_data_direction dir)
{
	struct vp_mapping *mapping;

	/*
	 * Drivers map in both directions that only read, and kernels before 7.x
	 * do so for static importers. One direction is meant.
	 */
	if (dir == DMA_FROM_DEVICE && vp_export_forbids_writes(kattach->dmabuf))
		vp_dmabuf_misuse(kattach->dmabuf->priv, kattach->dev,
				 VP_RULE_WRITABLE_READ_ONLY);
	mapping = vp_dmabuf_map_attachment(kattach->priv, dir);
	return IS_ERR(mapping) ? ERR_CAST(mapping) : mapping->sgt;
}

static void vp_export_unmap(struct dma_buf_attachment *kattach,
			    struct sg_table *sgt, enum dma_data_direction dir)
{
	struct vp_attachment *attach = kattach->priv;
	struct vp_mapping *mapping;

	list_for_each_entry(mapping, &attach->mappings, node)
		if (mapping->sgt == sgt)
			break;
	if (list_entry_is_head(mapping, &attach->mappings, node))
		mapping = NULL;
	vp_dmabuf_unmap_attachment(attach, mapping, dir);
}

static int vp_export_begin_cpu_access(struct dma_buf *kbuf,
				      enum dma_data_direction dir)
{
	return vp_dmabuf_begin_cpu_access(kbuf->priv, dir);
}

static int vp_export_end_cpu_access(struct dma_buf *kbuf,
				    enum dma_data_direction dir)
{
	struct vp_dmabuf *buf = kbuf->priv;
	int ret = vp_dmabuf_end_cpu_access(buf, dir);

	/* The next access after the end has to fault, so that it is checked. */
	if (vp_cpu_access_is_strict() && !vp_cpu_access_is_open(buf, true)) {
		dma_resv_lock(buf->resv, NULL);
		vp_export_zap_cpu_mappings(buf);
		dma_resv_unlock(buf->resv);
	}
	return ret;
}

static vm_fault_t vp_export_fault(struct vm_fault *vmf)
{
	struct vp_dmabuf *buf = vmf->vma->vm_private_data;
	vm_fault_t ret = vp_dmabuf_fault(buf, vmf, vmf->pgoff, true);

	if (ret == VM_FAULT_NOPAGE)
		vp_cpu_access_check(buf, vmf->flags & FAULT_FLAG_WRITE);
	return ret;
}

static vm_fault_t vp_export_write(struct vm_fault *vmf)
{
	vp_cpu_access_check(vmf->vma->vm_private_data, true);
	return 0;
}

/* The mapping's file is that of the dma_buf, which keeps the buffer. */
static const struct vm_operations_struct vp_export_vm_ops = {
	.fault = vp_export_fault,
	VP_VM_OP_MAP_PAGES(vp_dmabuf_map_pages)
};

/* A page is mapped read-only by a read, so that the first write faults. */
static const struct vm_operations_struct vp_export_strict_vm_ops = {
	.fault = vp_export_fault,
	VP_VM_OP_MAP_PAGES(vp_dmabuf_map_pages)
	.pfn_mkwrite = vp_export_write,
};

/*
 * The kernel refuses writable mappings of a read-only dma_buf's own file. An
 * importer passes on mappings of its device's file, whose mode says nothing
 * about the dma_buf.
 */
static int vp_export_check_mmap(struct dma_buf *kbuf,
				struct vm_area_struct *vma)
{
	struct vp_dmabuf *buf = kbuf->priv;

	if (!vp_export_forbids_writes(kbuf))
		return 0;
	/* vp_dmabuf_mmap() refuses these, with its own errno. */
	if (!(vma->vm_flags & VM_MAYSHARE) || READ_ONCE(buf->revoked))
		return 0;
	if (vma->vm_flags & VM_WRITE)
		vp_dmabuf_misuse(buf, NULL, VP_RULE_WRITABLE_READ_ONLY);
	if (buf->read_only != VP_READ_ONLY_ENFORCED)
		return 0;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	vp_vm_flags_clear(vma, VM_MAYWRITE);
	return 0;
}

static int vp_export_mmap(struct dma_buf *kbuf, struct vm_area_struct *vma)
{
	int ret = vp_export_check_mmap(kbuf, vma);

	if (ret)
		return ret;
	vma->vm_ops = vp_cpu_access_is_strict() ? &vp_export_strict_vm_ops :
						  &vp_export_vm_ops;
	vma->vm_private_data = kbuf->priv;
	return vp_dmabuf_mmap(kbuf->priv, vma, vma->vm_pgoff);
}

static int vp_export_vmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	struct vp_dmabuf *buf = kbuf->priv;
	int ret;

	vp_kernel_vmap_lock(buf->resv);
	ret = vp_dmabuf_vmap(buf, map);
	vp_kernel_vmap_unlock(buf->resv);
	return ret;
}

static void vp_export_vunmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	struct vp_dmabuf *buf = kbuf->priv;

	vp_kernel_vmap_lock(buf->resv);
	vp_dmabuf_vunmap(buf, map);
	vp_kernel_vmap_unlock(buf->resv);
}

static void vp_export_release(struct dma_buf *kbuf)
{
	struct vp_dmabuf *buf = kbuf->priv;
	struct dma_buf_attachment *kattach;

	/* A driver that is still attached has put a reference too many. */
	list_for_each_entry(kattach, &kbuf->attachments, node)
		vp_dmabuf_misuse(buf, kattach->dev,
				 VP_RULE_RELEASE_WITH_ATTACHMENTS);
	/*
	 * The accesses were begun through this file, which can no longer end
	 * them.
	 */
	vp_dmabuf_end_left_accesses(buf, true);

	spin_lock(&buf->lock);
	if (buf->exported == kbuf)
		buf->exported = NULL;
	spin_unlock(&buf->lock);

	this_cpu_dec(vp_dmabuf_counts.exports);
	vp_dmabuf_put(buf);
}

const struct dma_buf_ops vp_export_ops = {
	.attach = vp_export_attach,
	.detach = vp_export_detach,
	.pin = vp_export_pin,
	.unpin = vp_export_unpin,
	.map_dma_buf = vp_export_map,
	.unmap_dma_buf = vp_export_unmap,
	.release = vp_export_release,
	.begin_cpu_access = vp_export_begin_cpu_access,
	.end_cpu_access = vp_export_end_cpu_access,
	.mmap = vp_export_mmap,
	.vmap = vp_export_vmap,
	.vunmap = vp_export_vunmap,
};

/* The buffer's dma_buf, with a reference; NULL if it has none. */
static struct dma_buf *vp_export_find(struct vp_dmabuf *buf)
{
	struct dma_buf *kbuf;

	if (!READ_ONCE(buf->exported))
		return NULL;

	spin_lock(&buf->lock);
	kbuf = buf->exported;
	if (kbuf && !vp_get_file_unless_dying(kbuf->file))
		kbuf = NULL;
	spin_unlock(&buf->lock);
	return kbuf;
}

/*
 * Returns whether @kbuf is the dma_buf of @buf now; else another thread was
 * faster.
 */
static bool vp_export_install(struct vp_dmabuf *buf, struct dma_buf *kbuf,
			      bool read_only)
{
	struct dma_buf *other;
	bool installed = false;

	spin_lock(&buf->lock);
	other = buf->exported;
	if (!other || !file_count(other->file)) {
		buf->exported = kbuf;
		buf->exported_inode = file_inode(kbuf->file)->i_ino;
		WRITE_ONCE(buf->exported_read_only, read_only);
		installed = true;
	}
	spin_unlock(&buf->lock);
	return installed;
}

/**
 * vp_dmabuf_kernel_get - get the dma_buf of a buffer
 * @buf: the buffer
 * @flags: O_RDWR or O_RDONLY, if a dma_buf has to be made
 *
 * The dma_buf of a foreign buffer is the foreign driver's own. With O_RDONLY the
 * file is read-only, unless &vp_dmabuf.export_writable.
 *
 * Context: May sleep. The buffer's reservation is not locked.
 * Return: The dma_buf, with a reference; -ENOMEM or -ENFILE.
 */
struct dma_buf *vp_dmabuf_kernel_get(struct vp_dmabuf *buf, int flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *kbuf;

	if (buf->foreign) {
		get_dma_buf(buf->foreign);
		return buf->foreign;
	}

	do {
		kbuf = vp_export_find(buf);
		if (kbuf)
			return kbuf;

		info.ops = &vp_export_ops;
		info.size = buf->size;
		info.flags = flags | (buf->export_writable ? O_RDWR : 0);
		info.resv = buf->resv;
		info.priv = vp_dmabuf_ref(buf);
		kbuf = dma_buf_export(&info);
		if (IS_ERR(kbuf)) {
			vp_dmabuf_put(buf);
			return kbuf;
		}
		this_cpu_inc(vp_dmabuf_counts.exports);

		if (vp_export_install(buf, kbuf, !(flags & O_RDWR))) {
			trace_export(buf);
			return kbuf;
		}
		dma_buf_put(kbuf);
	} while (1);
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_kernel_get);

/**
 * vp_export_invalidate_mappings - tell foreign importers to drop their mappings
 * @buf: the buffer
 *
 * One call to the kernel notifies all dynamic importers. One that has pinned
 * takes it as a revocation.
 *
 * Context: May sleep. The buffer's reservation is locked.
 */
void vp_export_invalidate_mappings(struct vp_dmabuf *buf)
{
	struct dma_buf *kbuf;

	dma_resv_assert_held(buf->resv);

	kbuf = vp_export_find(buf);
	if (!kbuf)
		return;
	vp_kernel_invalidate_mappings(kbuf);
	dma_buf_put(kbuf);
}

/**
 * vp_export_zap_cpu_mappings - remove the CPU mappings of the dma_buf's file
 * @buf: the buffer
 *
 * Context: May sleep. The buffer's reservation is locked.
 */
void vp_export_zap_cpu_mappings(struct vp_dmabuf *buf)
{
	struct dma_buf *kbuf;

	dma_resv_assert_held(buf->resv);

	kbuf = vp_export_find(buf);
	if (!kbuf)
		return;
	unmap_mapping_range(kbuf->file->f_mapping, 0, 0, 1);
	dma_buf_put(kbuf);
}
