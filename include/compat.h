/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where kernels differ, and nowhere else.
 *
 * Distributions backport, so nothing here asks for a version: include/probe.sh
 * compiles a line or two for each question against the headers at hand, and
 * vp_probe.h holds the answers as VP_HAVE_* macros that are 0 or 1.
 */
#ifndef VP_COMPAT_H
#define VP_COMPAT_H

#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "vp_probe.h"

#if VP_HAVE_FAUX_DEVICE
#include <linux/device/faux.h>
#endif
#if VP_HAVE_DRM_MODE_SIZE_DUMB
#include <drm/drm_dumb_buffers.h>
#endif
#if !VP_HAVE_INSERT_PFN_PMD_LONG
#include <linux/pfn_t.h>
#endif

/*
 * What only modules that test vprime call is exported to these, where they are
 * built. The namespace is a string since 6.13.
 */
#if !defined(VP_TESTS)
#define VP_EXPORT_FOR_TESTS(symbol)
#elif VP_HAVE_BARE_NAMESPACE
#define VP_EXPORT_FOR_TESTS(symbol)	EXPORT_SYMBOL_NS_GPL(symbol, VPRIME_TESTS)
#else
#define VP_EXPORT_FOR_TESTS(symbol)	EXPORT_SYMBOL_NS_GPL(symbol, "VPRIME_TESTS")
#endif

/* vma->vm_flags may not be written directly since 6.3. */
static inline void vp_vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
#if VP_HAVE_VM_FLAGS_SET
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void vp_vm_flags_clear(struct vm_area_struct *vma,
				     vm_flags_t flags)
{
#if VP_HAVE_VM_FLAGS_SET
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

/*
 * A reference on a file that may be losing its last one. The caller makes sure
 * that the memory stays. Since 6.7 the count is not ours to increment.
 */
static inline bool vp_get_file_unless_dying(struct file *file)
{
#if VP_HAVE_GET_FILE_ACTIVE
	return get_file_active(&file);
#else
	return get_file_rcu(file);
#endif
}

/* Lets go of what the fault handler was called with: since 6.4 not always mmap_lock. */
static inline void vp_release_fault_lock(struct vm_fault *vmf)
{
#if VP_HAVE_RELEASE_FAULT_LOCK
	release_fault_lock(vmf);
#else
	mmap_read_unlock(vmf->vma->vm_mm);
#endif
}

/* pfn_t left the kernel in 6.17. */
static inline vm_fault_t vp_insert_pfn_pmd(struct vm_fault *vmf,
					   unsigned long pfn, bool write)
{
#if !IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE)
	return VM_FAULT_FALLBACK;
#elif VP_HAVE_INSERT_PFN_PMD_LONG
	return vmf_insert_pfn_pmd(vmf, pfn, write);
#else
	return vmf_insert_pfn_pmd(vmf, pfn_to_pfn_t(pfn), write);
#endif
}

/*
 * An address at which huge pages can be mapped, for a file's beginning. Without
 * huge pages any address will do: mm_get_unmapped_area() came in 6.10 in the
 * place of a pointer in the mm, and later lost its first argument.
 */
static inline unsigned long vp_unmapped_area(struct file *file,
					     unsigned long addr,
					     unsigned long len,
					     unsigned long flags)
{
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	return thp_get_unmapped_area(file, addr, len, 0, flags);
#elif VP_HAVE_MM_GET_UNMAPPED_AREA_FILE
	return mm_get_unmapped_area(file, addr, len, 0, flags);
#elif VP_HAVE_MM_GET_UNMAPPED_AREA
	return mm_get_unmapped_area(current->mm, file, addr, len, 0, flags);
#else
	return current->mm->get_unmapped_area(file, addr, len, 0, flags);
#endif
}

/* A tmpfs file that reserves no memory. The flags became a type of their own in 7.x. */
static inline struct file *vp_shmem_file_setup(struct vfsmount *mnt,
					       const char *name, loff_t size)
{
#if VP_HAVE_SHMEM_VMA_FLAGS
	return shmem_file_setup_with_mnt(mnt, name, size,
					 mk_vma_flags(VMA_NORESERVE_BIT));
#else
	return shmem_file_setup_with_mnt(mnt, name, size, VM_NORESERVE);
#endif
}

/*
 * A device that is nothing but a place in sysfs: on the faux bus, or where the
 * kernel has none on the platform bus, as the kernel's own vgem is.
 *
 * Returns the device, or an ERR_PTR().
 */
static inline struct device *vp_bare_device_create(const char *name)
{
#if VP_HAVE_FAUX_DEVICE
	struct faux_device *faux = faux_device_create(name, NULL, NULL);

	/* It does not say why not. */
	return faux ? &faux->dev : ERR_PTR(-ENODEV);
#else
	struct platform_device *platform;

	platform = platform_device_register_simple(name, PLATFORM_DEVID_NONE,
						   NULL, 0);
	return IS_ERR(platform) ? ERR_CAST(platform) : &platform->dev;
#endif
}

static inline void vp_bare_device_destroy(struct device *dev)
{
#if VP_HAVE_FAUX_DEVICE
	faux_device_destroy(to_faux_device(dev));
#else
	platform_device_unregister(to_platform_device(dev));
#endif
}

/*
 * Kernels that know it call a fault handler under the lock of the one mapping, and
 * not under mmap_lock at the second try, if there is a map_pages as well.
 */
#if VP_HAVE_RELEASE_FAULT_LOCK
#define VP_VM_OP_MAP_PAGES(func)	.map_pages = (func),
#else
#define VP_VM_OP_MAP_PAGES(func)
#endif

/* DRM nodes of newer kernels refuse to open without this. */
#ifdef FOP_UNSIGNED_OFFSET
#define VP_FOP_FLAGS	.fop_flags = FOP_UNSIGNED_OFFSET,
#else
#define VP_FOP_FLAGS
#endif

/* How an exporter says that memory moves: renamed in 2026. */
#if VP_HAVE_INVALIDATE_MAPPINGS
#define vp_invalidate_mappings		invalidate_mappings
#define vp_kernel_invalidate_mappings	dma_buf_invalidate_mappings
#else
#define vp_invalidate_mappings		move_notify
#define vp_kernel_invalidate_mappings	dma_buf_move_notify
#endif

/*
 * Does mapping pin for an importer that could be told as well? Where the kernel
 * has been built without move notification, an option that is gone since.
 */
#define VP_KERNEL_PINS_AT_MAP \
	(!VP_HAVE_ATTACH_REVOCABLE && !IS_ENABLED(CONFIG_DMABUF_MOVE_NOTIFY))

/* An importer that can be told to unmap. */
static inline bool vp_kernel_attach_can_be_told(struct dma_buf_attachment *kattach)
{
#if VP_HAVE_ATTACH_REVOCABLE
	return dma_buf_attach_revocable(kattach);
#else
	return kattach->importer_ops &&
	       kattach->importer_ops->vp_invalidate_mappings;
#endif
}

/*
 * Since 6.2 everything that maps runs under the reservation lock, static
 * attachments and vmap included. Before that, a static exporter is called
 * without it, and may take it.
 */
#if VP_HAVE_DMA_BUF_LOCKED

static inline void vp_kernel_vmap_lock(struct dma_resv *resv)
{
}

static inline void vp_kernel_vmap_unlock(struct dma_resv *resv)
{
}

static inline int vp_kernel_vmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	return dma_buf_vmap(kbuf, map);
}

static inline void vp_kernel_vunmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	dma_buf_vunmap(kbuf, map);
}

/* Attaching the way the exporter works lets the kernel map when we map. */
static inline bool vp_kernel_wants_dynamic_attach(struct dma_buf *kbuf)
{
	return dma_buf_is_dynamic(kbuf);
}

#else

static inline void vp_kernel_vmap_lock(struct dma_resv *resv)
{
	dma_resv_lock(resv, NULL);
}

static inline void vp_kernel_vmap_unlock(struct dma_resv *resv)
{
	dma_resv_unlock(resv);
}

static inline int vp_kernel_vmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	int ret;

	dma_resv_unlock(kbuf->resv);
	ret = dma_buf_vmap(kbuf, map);
	dma_resv_lock(kbuf->resv, NULL);
	return ret;
}

static inline void vp_kernel_vunmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	dma_resv_unlock(kbuf->resv);
	dma_buf_vunmap(kbuf, map);
	dma_resv_lock(kbuf->resv, NULL);
}

/*
 * With a dynamic attachment the kernel maps a static exporter at once, at
 * attach, without the lock; later calls under the lock get that mapping. The
 * price is that such an import is mapped before somebody needs it.
 */
static inline bool vp_kernel_wants_dynamic_attach(struct dma_buf *kbuf)
{
	return true;
}

#endif

/* Has the reservation object ever had a fence? For those in a hurry. */
static inline bool vp_resv_has_fences(struct dma_resv *resv)
{
	return rcu_access_pointer(resv->fences);
}

/*
 * Whether a fence has these operations. On newer kernels the pointer is protected
 * by RCU, and becomes NULL at any moment when the fence signals, unless the
 * operations include release or wait: it is for the kernel to follow, not for us.
 */
static inline bool vp_fence_has_ops(struct dma_fence *fence,
				    const struct dma_fence_ops *ops)
{
	return (const struct dma_fence_ops __force *)READ_ONCE(fence->ops) ==
	       ops;
}

/*
 * A fence's names; in an RCU read-side section, as they may go with it. Newer
 * kernels read the pointer themselves and mark it as protected by RCU. They are
 * the driver's as long as the fence is pending: the newer kernels have names of
 * their own for all those that have signalled.
 */
static inline const char *vp_fence_driver_name(struct dma_fence *fence)
{
#if VP_HAVE_FENCE_NAMES_RCU
	return (const char __force *)dma_fence_driver_name(fence);
#else
	return fence->ops->get_driver_name(fence);
#endif
}

static inline const char *vp_fence_timeline_name(struct dma_fence *fence)
{
#if VP_HAVE_FENCE_NAMES_RCU
	return (const char __force *)dma_fence_timeline_name(fence);
#else
	return fence->ops->get_timeline_name(fence);
#endif
}

/* A fence that is told who waits for it, and by when: not on every kernel. */
#if VP_HAVE_FENCE_OP_WAIT
#define VP_FENCE_OP_WAIT(func)	.wait = (func),
#else
#define VP_FENCE_OP_WAIT(func)
#endif

#if VP_HAVE_FENCE_OP_SET_DEADLINE
#define VP_FENCE_OP_SET_DEADLINE(func)	.set_deadline = (func),
#else
#define VP_FENCE_OP_SET_DEADLINE(func)
#endif

/* What drm_driver wants to be told, and what newer ones do by themselves. */
#if VP_HAVE_DRM_DRIVER_PRIME_MMAP
#define VP_DRM_DRIVER_PRIME \
	.prime_handle_to_fd = drm_gem_prime_handle_to_fd, \
	.prime_fd_to_handle = drm_gem_prime_fd_to_handle,
#else
#define VP_DRM_DRIVER_PRIME
#endif

/*
 * Pitch and size of a dumb buffer as the DRM core would have them; 0 or an errno.
 * Where it does not say, rows begin where the last one ends, and it has checked
 * the product itself.
 */
#if VP_HAVE_DRM_MODE_SIZE_DUMB
#define VP_DRM_SIZE_DUMB(drm, args)	drm_mode_size_dumb(drm, args, 0, 0)
#else
#define VP_DRM_SIZE_DUMB(drm, args) ({					\
	(args)->pitch = DIV_ROUND_UP_ULL((u64)(args)->width * (args)->bpp, 8); \
	(args)->size = PAGE_ALIGN((u64)(args)->pitch * (args)->height);	\
	0; })
#endif

#if VP_HAVE_DRM_DRIVER_DATE
#define VP_DRM_DRIVER_DATE(when)	.date = (when),
#else
#define VP_DRM_DRIVER_DATE(when)
#endif

/* Memory statistics in /proc/PID/fdinfo. */
#if VP_HAVE_DRM_SHOW_FDINFO
#define VP_FOP_SHOW_FDINFO	.show_fdinfo = drm_show_fdinfo,
#define VP_DRM_DRIVER_SHOW_FDINFO	.show_fdinfo = drm_show_memory_stats,
#else
#define VP_FOP_SHOW_FDINFO
#define VP_DRM_DRIVER_SHOW_FDINFO
#endif

#if VP_HAVE_GEM_STATUS
#define VP_GEM_FUNC_STATUS(func)	.status = (func),
#else
#define VP_GEM_FUNC_STATUS(func)
#endif

#if VP_HAVE_GEM_RSS
#define VP_GEM_FUNC_RSS(func)	.rss = (func),
#else
#define VP_GEM_FUNC_RSS(func)
#endif

#endif /* VP_COMPAT_H */
