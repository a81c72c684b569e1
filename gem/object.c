// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: views
 *
 * A handle leads to a &struct vp_gem, one GPU's view of a buffer. The view has
 * the GPU's attachment, and that holds a reference on the buffer. A view is
 * freed with its last handle or CPU mapping, the buffer with its last view or
 * file, in any order.
 */
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include <drm/drm_device.h>
#include <drm/drm_mode.h>
#include <drm/drm_print.h>
#include <drm/drm_vma_manager.h>

#include "compat.h"
#include "gem/gpu.h"
#include "gem/mapping.h"
#include "gem/object.h"
#include "memory/memory.h"
#include "prime/export.h"
#include "prime/trace.h"

/*
 * The pitch of dumb buffers is a multiple of this, in bytes, as on most GPUs:
 * it reveals programs that take width times pixel size for the pitch.
 */
#define VP_DUMB_PITCH_ALIGN	64u

/**
 * struct vp_gem_buffer - a buffer that a GPU has allocated
 * @memory: the buffer
 * @view: the GPU's view of it, until that is freed; views that are imported later
 *	are allocated
 */
struct vp_gem_buffer {
	struct vp_memory memory;
	struct vp_gem view;
};

static struct kmem_cache *vp_gem_cache;
static struct kmem_cache *vp_gem_buffer_cache;

DEFINE_PER_CPU(long, vp_gem_count);

/**
 * vp_gem_init - prepare for views and buffers
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int vp_gem_init(void)
{
	vp_gem_cache = VP_KMEM_CACHE(vp_gem);
	if (!vp_gem_cache)
		return -ENOMEM;
	vp_gem_buffer_cache = VP_KMEM_CACHE(vp_gem_buffer);
	if (vp_gem_buffer_cache)
		return 0;
	kmem_cache_destroy(vp_gem_cache);
	return -ENOMEM;
}

/**
 * vp_gem_fini - undo vp_gem_init(), when no view and no buffer is left
 *
 * Context: May sleep.
 */
void vp_gem_fini(void)
{
	kmem_cache_destroy(vp_gem_buffer_cache);
	kmem_cache_destroy(vp_gem_cache);
}

static void vp_gem_zap_cpu_mappings(struct vp_attachment *attach)
{
	struct vp_gem *gem = vp_gem_from_attachment(attach);

	drm_vma_node_unmap(&gem->base.vma_node,
			   gem->base.dev->anon_inode->i_mapping);
}

#define VP_GEM_IMPORTER_OPS(is_limited, is_coherent) { \
		.emulated = true, \
		.noncoherent = !(is_coherent), \
		.limited = (is_limited), \
		.revocable = true, \
		.invalidate_mappings = vp_gem_unmap, \
		.zap_cpu_mappings = vp_gem_zap_cpu_mappings, \
	}

/* Indexed by &vp_gpu.limited and &vp_gpu.coherent. */
static const struct vp_importer_ops vp_gem_importer_ops[2][2] = {
	{ VP_GEM_IMPORTER_OPS(false, false), VP_GEM_IMPORTER_OPS(false, true) },
	{ VP_GEM_IMPORTER_OPS(true, false), VP_GEM_IMPORTER_OPS(true, true) },
};

static void vp_gem_free(struct drm_gem_object *obj)
{
	struct vp_gem *gem = to_vp_gem(obj);
	struct vp_dmabuf *buf = gem->attach.buf;
	bool imported = gem->imported;

	/*
	 * No new mapping can be made: this was the last reference. A concurrent
	 * move may still be unmapping, with the reservation lock, which
	 * vp_dmabuf_detach() waits for.
	 */
	if (READ_ONCE(gem->mapping)) {
		dma_resv_lock(buf->resv, NULL);
		vp_gem_unmap(&gem->attach);
		dma_resv_unlock(buf->resv);
	}

	/* The object uses the buffer's reservation: release it first. */
	drm_gem_object_release(obj);
	this_cpu_dec(vp_gem_count);
	/* The view of the GPU that allocated the buffer goes with the buffer. */
	vp_dmabuf_detach(&gem->attach);
	if (imported)
		kmem_cache_free(vp_gem_cache, gem);
}

static struct dma_buf *vp_gem_export(struct drm_gem_object *obj, int flags)
{
	return vp_dmabuf_kernel_get(vp_gem_buf(obj),
				    to_vp_gem(obj)->read_only ? O_RDONLY : flags);
}

static vm_fault_t vp_gem_fault(struct vm_fault *vmf)
{
	struct drm_gem_object *obj = vmf->vma->vm_private_data;

	/* The mapping is at a fake offset in the address space of the device. */
	return vp_dmabuf_fault(vp_gem_buf(obj), vmf,
			       vmf->pgoff - drm_vma_node_start(&obj->vma_node),
			       to_vp_gpu(obj->dev)->coherent);
}

/* A mapping keeps the view, through which it is zapped. */
static const struct vm_operations_struct vp_gem_vm_ops = {
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
	.fault = vp_gem_fault,
	VP_VM_OP_MAP_PAGES(vp_dmabuf_map_pages)
};

static int vp_gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	struct vp_dmabuf *buf = vp_gem_buf(obj);
	int ret;

	if (vma->vm_flags & VM_WRITE) {
		ret = vp_gem_check_write(obj);
		if (ret)
			return ret;
	} else if (to_vp_gem(obj)->read_only && vp_gem_is_enforced(obj)) {
		vp_vm_flags_clear(vma, VM_MAYWRITE);
	}
	ret = vp_dmabuf_mmap(buf, vma, vma->vm_pgoff -
				       drm_vma_node_start(&obj->vma_node));
	/*
	 * A foreign exporter has replaced the file of the mapping, which keeps
	 * the memory now: the mapping does not keep the view.
	 */
	if (!ret && vma->vm_ops != &vp_gem_vm_ops)
		drm_gem_object_put(obj);
	return ret;
}

static void vp_gem_print_info(struct drm_printer *p, unsigned int indent,
			      const struct drm_gem_object *obj)
{
	const struct vp_gem *gem = container_of(obj, struct vp_gem, base);
	struct vp_dmabuf *buf = gem->attach.buf;

	drm_printf_indent(p, indent, "origin=%s\n", buf->name);
	drm_printf_indent(p, indent, "imported=%d\n", gem->imported);
	drm_printf_indent(p, indent, "attached=%u\n", READ_ONCE(buf->attached));
}

#if VP_HAVE_GEM_STATUS
static enum drm_gem_object_status vp_gem_status(struct drm_gem_object *obj)
{
	struct vp_dmabuf *buf = vp_gem_buf(obj);

	if (buf->ops->resident && buf->ops->resident(buf))
		return DRM_GEM_OBJECT_RESIDENT;
	return 0;
}
#endif

#if VP_HAVE_GEM_RSS
static size_t vp_gem_rss(struct drm_gem_object *obj)
{
	struct vp_dmabuf *buf = vp_gem_buf(obj);

	return buf->ops->resident ? buf->ops->resident(buf) : 0;
}
#endif

static const struct drm_gem_object_funcs vp_gem_funcs = {
	.free = vp_gem_free,
	.export = vp_gem_export,
	.mmap = vp_gem_mmap,
	.print_info = vp_gem_print_info,
	.vm_ops = &vp_gem_vm_ops,
	VP_GEM_FUNC_STATUS(vp_gem_status)
	VP_GEM_FUNC_RSS(vp_gem_rss)
};

/*
 * Initialise a view, which is zeroed but for @imported and @read_only. Other
 * threads find an imported one through the buffer as soon as it is attached.
 */
static int vp_gem_init_view(struct drm_device *drm, struct vp_gem *gem,
			    struct vp_dmabuf *buf)
{
	struct vp_gpu *gpu = to_vp_gpu(drm);
	int ret;

	gem->base.funcs = &vp_gem_funcs;
	gem->base.resv = buf->resv;
	INIT_LIST_HEAD(&gem->mapped);
	drm_gem_private_object_init(drm, &gem->base, buf->size);

	ret = vp_dmabuf_attach(buf, &gem->attach, drm->dev,
			       &vp_gem_importer_ops[gpu->limited][gpu->coherent]);
	if (ret) {
		drm_gem_object_release(&gem->base);
		return ret;
	}
	this_cpu_inc(vp_gem_count);
	return 0;
}

/* The device's view of @buf, with a reference; NULL if there is none. */
static struct drm_gem_object *vp_gem_find_view(struct drm_device *drm,
					       struct vp_dmabuf *buf,
					       bool read_only)
{
	struct vp_attachment *attach;
	struct vp_gem *gem;

	dma_resv_assert_held(buf->resv);

	list_for_each_entry(attach, &buf->attachments, node) {
		gem = vp_gem_from_attachment(attach);
		/* A view without references is being freed. */
		if (gem && gem->base.dev == drm && gem->read_only == read_only &&
		    kref_get_unless_zero(&gem->base.refcount))
			return &gem->base;
	}
	return NULL;
}

/* The device's view of @buf, with a reference; made if there is none. */
static struct drm_gem_object *vp_gem_get_view(struct drm_device *drm,
					      struct vp_dmabuf *buf,
					      bool read_only)
{
	struct drm_gem_object *obj;
	struct vp_gem *gem;
	int ret;

	dma_resv_lock(buf->resv, NULL);
	obj = vp_gem_find_view(drm, buf, read_only);
	dma_resv_unlock(buf->resv);
	if (obj)
		return obj;

	gem = kmem_cache_zalloc(vp_gem_cache, GFP_KERNEL);
	if (!gem)
		return ERR_PTR(-ENOMEM);
	gem->imported = true;
	gem->read_only = read_only;
	ret = vp_gem_init_view(drm, gem, buf);
	if (ret) {
		kmem_cache_free(vp_gem_cache, gem);
		return ERR_PTR(ret);
	}
	trace_import(buf, drm->dev);
	return &gem->base;
}

/**
 * vp_gem_from_attachment - the view that an attachment belongs to
 * @attach: any attachment
 *
 * Context: Any context. The buffer's reservation is locked.
 * Return: The view, without a reference; NULL if the importer is foreign.
 */
struct vp_gem *vp_gem_from_attachment(struct vp_attachment *attach)
{
	dma_resv_assert_held(attach->buf->resv);

	if (!attach->ops || attach->ops->invalidate_mappings != vp_gem_unmap)
		return NULL;
	return container_of(attach, struct vp_gem, attach);
}

static void vp_gem_free_buffer(struct vp_memory *mem)
{
	kmem_cache_free(vp_gem_buffer_cache,
			container_of(mem, struct vp_gem_buffer, memory));
}

/*
 * A GPU that does not reach all memory gets memory that it reaches. A buffer that is
 * larger than all memory is -ENOMEM, unless the GPU allows overcommit.
 */
static struct drm_gem_object *vp_gem_create(struct drm_device *drm,
					    size_t size)
{
	struct vp_gpu *gpu = to_vp_gpu(drm);
	struct vp_gem_buffer *own;
	struct vp_dmabuf *buf;
	int ret;

	if (size > vp_memory_max_size() && size <= (MAX_LFS_FILESIZE & PAGE_MASK) &&
	    !gpu->allow_overcommit)
		return ERR_PTR(-ENOMEM);
	own = kmem_cache_zalloc(vp_gem_buffer_cache, GFP_KERNEL);
	if (!own)
		return ERR_PTR(-ENOMEM);
	buf = &own->memory.base;
	/* All before the export: from then on others find the buffer by its id. */
	own->memory.free = vp_gem_free_buffer;
	buf->read_only = gpu->read_only;
	buf->export_writable = gpu->export_writable;
	ret = vp_memory_export(&own->memory, size, dev_name(drm->dev),
			       gpu->limited);
	if (ret) {
		kmem_cache_free(vp_gem_buffer_cache, own);
		return ERR_PTR(ret);
	}

	ret = vp_gem_init_view(drm, &own->view, buf);
	vp_dmabuf_put(buf);
	return ret ? ERR_PTR(ret) : &own->view.base;
}

/**
 * vp_gem_import - get a GPU's view of a dma_buf
 * @drm: the GPU
 * @kbuf: the dma_buf, vprime's or foreign
 *
 * The callback behind DRM_IOCTL_PRIME_FD_TO_HANDLE. Two concurrent imports of a
 * buffer find the same view because the caller holds the object_name_lock of
 * @drm.
 *
 * Context: May sleep. The buffer's reservation is not locked.
 * Return: The view, with a reference; -EINVAL for a foreign dma_buf without a
 *	size; -ENOMEM; -ENODEV if the buffer has been revoked; or the
 *	exporter's errno.
 */
struct drm_gem_object *vp_gem_import(struct drm_device *drm,
				     struct dma_buf *kbuf)
{
	bool read_only = to_vp_gpu(drm)->read_only != VP_READ_ONLY_IGNORED &&
			 vp_export_is_read_only(kbuf);
	struct drm_gem_object *obj;
	struct vp_dmabuf *buf;

	lockdep_assert_held(&drm->object_name_lock);

	/* The caller keeps @kbuf alive, and that the buffer. */
	buf = vp_export_unwrap(kbuf);
	if (buf)
		return vp_gem_get_view(drm, buf, read_only);

	buf = vp_dmabuf_from_kernel(kbuf);
	if (IS_ERR(buf))
		return ERR_CAST(buf);
	obj = vp_gem_get_view(drm, buf, read_only);
	vp_dmabuf_put(buf);
	return obj;
}

/**
 * vp_gem_create_handle - allocate a buffer and make a handle for it
 * @drm: the GPU
 * @file: the file that gets the handle
 * @size: in bytes; rounded up to whole pages on success
 * @handle: where the handle is stored on success
 *
 * Context: May sleep.
 * Return: 0; -ENOMEM if there is no memory, or the buffer would be larger than
 *	all memory and the GPU does not allow overcommit; or as
 *	vp_memory_export().
 */
int vp_gem_create_handle(struct drm_device *drm, struct drm_file *file,
			 u64 *size, u32 *handle)
{
	struct drm_gem_object *obj;
	size_t bytes;
	int ret;

	/* On 32-bit machines a u64 can exceed the size of an object. */
	if (*size > SIZE_MAX)
		return -ENOMEM;
	obj = vp_gem_create(drm, *size);
	if (IS_ERR(obj))
		return PTR_ERR(obj);

	bytes = obj->size;
	ret = drm_gem_handle_create(file, obj, handle);
	/* The handle has a reference now; without one this frees the buffer. */
	drm_gem_object_put(obj);
	if (!ret)
		*size = bytes;
	return ret;
}

/**
 * vp_gem_dumb_create - allocate a dumb buffer
 * @file: the file that gets the handle
 * @drm: the GPU
 * @args: in: width and height in pixels, bpp in bits per pixel; out: pitch and
 *	size in bytes, and the handle. The flags are ignored, as in the DRM
 *	core.
 *
 * Checks what the DRM core's ioctl checks, which render nodes do not have.
 *
 * Context: May sleep.
 * Return: 0; -EINVAL if width, height or bpp is 0, or the size exceeds 32 bits;
 *	or as vp_gem_create_handle().
 */
int vp_gem_dumb_create(struct drm_file *file, struct drm_device *drm,
		       struct drm_mode_create_dumb *args)
{
	u32 pixel, pitch, bytes;
	u64 size;
	int ret;

	if (!args->width || !args->height || !args->bpp ||
	    args->bpp > U32_MAX - 8)
		return -EINVAL;
	pixel = DIV_ROUND_UP(args->bpp, 8);
	if (check_mul_overflow(args->width, pixel, &pitch) ||
	    check_add_overflow(pitch, VP_DUMB_PITCH_ALIGN - 1, &pitch))
		return -EINVAL;
	pitch = round_down(pitch, VP_DUMB_PITCH_ALIGN);
	if (check_mul_overflow(pitch, args->height, &bytes) ||
	    bytes > (u32)PAGE_MASK)
		return -EINVAL;

	size = bytes;
	ret = vp_gem_create_handle(drm, file, &size, &args->handle);
	if (ret)
		return ret;

	args->pitch = pitch;
	args->size = size;
	return 0;
}

/**
 * vp_gem_map_offset - get the mmap offset of a buffer, also of an imported one
 * @file: the file that has the handle
 * @drm: the GPU
 * @handle: the handle
 * @offset: where the offset for mmap(2) is stored, in bytes
 *
 * Context: May sleep.
 * Return: 0; -ENOENT for an unknown handle; -ENOSPC; -ENOMEM.
 */
int vp_gem_map_offset(struct drm_file *file, struct drm_device *drm, u32 handle,
		      u64 *offset)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);
	int ret;

	if (!obj)
		return -ENOENT;

	ret = drm_gem_create_mmap_offset(obj);
	if (!ret)
		*offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return ret;
}

/**
 * vp_gem_get_unmapped_area - choose the address of a mapping
 * @file: the device's file
 * @addr: the address the program asks for, or 0
 * @len: in bytes
 * @pgoff: the fake offset, in pages; ignored
 * @flags: MAP_*
 *
 * Aligns large mappings for huge pages, as the buffer begins at one.
 *
 * Context: May sleep. Called with the mmap lock.
 * Return: The address, or an errno of the kernel's own choice of addresses.
 */
unsigned long vp_gem_get_unmapped_area(struct file *file, unsigned long addr,
				       unsigned long len, unsigned long pgoff,
				       unsigned long flags)
{
	return vp_unmapped_area(file, addr, len, flags);
}
