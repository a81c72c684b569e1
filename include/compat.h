/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that depends on the kernel that the module is built for.
 *
 * Distributions backport, so this does not go by the kernel's version: for each
 * question, include/probe.sh compiles a line or two against the headers, and
 * vp_probe.h has the result as a VP_HAVE_* macro that is 0 or 1.
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

/* Before 6.5, the kernel may merge any cache without a constructor. */
#ifndef SLAB_NO_MERGE
#define SLAB_NO_MERGE	0
#endif

/*
 * A cache of a structure. Its objects are charged to the memory cgroup of the task
 * that allocates them. Not merged with others, so that the kernel reports objects
 * that are left when the module is unloaded. Names of caches are unique, and both
 * vprime and vgem have one.
 */
#define VP_KMEM_CACHE(type) \
	kmem_cache_create(KBUILD_MODNAME "_" #type, sizeof(struct type), \
			  __alignof__(struct type), \
			  SLAB_ACCOUNT | SLAB_NO_MERGE, NULL)

/* As the kernel's own, for sparse: the address space would be lost. */
#ifdef __CHECKER__
#define VP_EXPORT_PER_CPU_FOR_TESTS(variable)
#else
#define VP_EXPORT_PER_CPU_FOR_TESTS(variable)	VP_EXPORT_FOR_TESTS(variable)
#endif

/* Since 6.3, the flags of a mapping must not be written directly. */
#if VP_HAVE_VM_FLAGS_SET
#define vp_vm_flags_set		vm_flags_set
#define vp_vm_flags_clear	vm_flags_clear
#else
#define vp_vm_flags_set(vma, flags)	((void)((vma)->vm_flags |= (flags)))
#define vp_vm_flags_clear(vma, flags)	((void)((vma)->vm_flags &= ~(flags)))
#endif

/**
 * vp_get_file_unless_dying - take a reference on a file that may have none left
 * @file: the file; the caller sees to it that its memory is not freed
 *
 * Since 6.7, the count of a file has a type of its own.
 *
 * Context: Any context.
 * Return: Whether the reference has been taken.
 */
static inline bool vp_get_file_unless_dying(struct file *file)
{
#if VP_HAVE_GET_FILE_ACTIVE
	return get_file_active(&file);
#else
	return get_file_rcu(file);
#endif
}

/* What a fault handler unlocks before it returns VM_FAULT_RETRY: since 6.4 not always the mmap lock. */
#if VP_HAVE_RELEASE_FAULT_LOCK
#define vp_release_fault_lock		release_fault_lock
#else
#define vp_release_fault_lock(vmf)	mmap_read_unlock((vmf)->vma->vm_mm)
#endif

/**
 * vp_insert_pfn_pmd - map a huge page in a page fault
 * @vmf: the fault, with an aligned address
 * @pfn: the huge page's first page frame
 * @write: map it writable
 *
 * pfn_t left the kernel in 6.17.
 *
 * Context: As vmf_insert_pfn_pmd().
 * Return: As vmf_insert_pfn_pmd(); VM_FAULT_FALLBACK on a kernel without huge
 *	pages.
 */
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

/**
 * vp_unmapped_area - find an address for a mapping of a file's beginning
 * @file: the file
 * @addr: the address the program would like, or 0
 * @len: length in bytes
 * @flags: MAP_*
 *
 * The address is one at which huge pages can be mapped, if the kernel has any.
 * mm_get_unmapped_area() replaced a pointer in the mm in 6.10, and later lost its
 * first argument.
 *
 * Context: The mmap lock is held.
 * Return: The address, or a negative errno.
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

/* A tmpfs file that reserves no memory. The flags have a type of their own since 7.x. */
#if VP_HAVE_SHMEM_VMA_FLAGS
#define vp_shmem_file_setup(mnt, name, size) \
	shmem_file_setup_with_mnt(mnt, name, size, mk_vma_flags(VMA_NORESERVE_BIT))
#else
#define vp_shmem_file_setup(mnt, name, size) \
	shmem_file_setup_with_mnt(mnt, name, size, VM_NORESERVE)
#endif

/**
 * vp_bare_device_create - make a device that only has a place in sysfs
 * @name: its name
 *
 * It is on the faux bus, or on the platform bus if the kernel has no faux bus: as
 * the kernel's own vgem.
 *
 * Context: May sleep.
 * Return: The device, or an ERR_PTR().
 */
static inline struct device *vp_bare_device_create(const char *name)
{
#if VP_HAVE_FAUX_DEVICE
	struct faux_device *faux = faux_device_create(name, NULL, NULL);

	/* There is no errno to pass on. */
	return faux ? &faux->dev : ERR_PTR(-ENODEV);
#else
	struct platform_device *platform;

	platform = platform_device_register_simple(name, PLATFORM_DEVID_NONE,
						   NULL, 0);
	return IS_ERR(platform) ? ERR_CAST(platform) : &platform->dev;
#endif
}

/**
 * vp_bare_device_destroy - remove a device
 * @dev: from vp_bare_device_create()
 *
 * Context: May sleep.
 */
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

/* Newer kernels refuse to open DRM nodes without this flag. */
#ifdef FOP_UNSIGNED_OFFSET
#define VP_FOP_FLAGS	.fop_flags = FOP_UNSIGNED_OFFSET,
#else
#define VP_FOP_FLAGS
#endif

/* How an exporter tells importers that the memory moves: renamed in 2026. */
#if VP_HAVE_INVALIDATE_MAPPINGS
#define vp_invalidate_mappings		invalidate_mappings
#define vp_kernel_invalidate_mappings	dma_buf_invalidate_mappings
#else
#define vp_invalidate_mappings		move_notify
#define vp_kernel_invalidate_mappings	dma_buf_move_notify
#endif

/**
 * vp_kernel_attach_can_be_told - whether an importer unmaps when it is told to
 * @kattach: the importer's attachment
 *
 * Context: Any context.
 * Return: Whether it does.
 */
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
 * Since 6.2, callers of the kernel's dma-buf API hold the reservation lock for all
 * that maps, vmap and static attachments included. Before, vmap and the callbacks
 * of static exporters are called without it, and may take it.
 */

/**
 * vp_kernel_vmap_lock - take the lock in an exporter's vmap or vunmap callback
 * @resv: reservation object of the buffer
 *
 * Context: In the callback, which the kernel calls with @resv locked since 6.2.
 */
static inline void vp_kernel_vmap_lock(struct dma_resv *resv)
{
	if (!VP_HAVE_DMA_BUF_LOCKED)
		dma_resv_lock(resv, NULL);
}

/**
 * vp_kernel_vmap_unlock - undo vp_kernel_vmap_lock()
 * @resv: reservation object of the buffer
 *
 * Context: In the callback.
 */
static inline void vp_kernel_vmap_unlock(struct dma_resv *resv)
{
	if (!VP_HAVE_DMA_BUF_LOCKED)
		dma_resv_unlock(resv);
}

/**
 * vp_kernel_vmap - map a dma_buf into the kernel's address space
 * @kbuf: the dma_buf
 * @map: where the address is stored
 *
 * Context: May sleep. The reservation lock is held; before 6.2 it is dropped and
 *	taken again.
 * Return: 0, or a negative errno as dma_buf_vmap().
 */
static inline int vp_kernel_vmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	int ret;

	vp_kernel_vmap_unlock(kbuf->resv);
	ret = dma_buf_vmap(kbuf, map);
	vp_kernel_vmap_lock(kbuf->resv);
	return ret;
}

/**
 * vp_kernel_vunmap - undo vp_kernel_vmap()
 * @kbuf: the dma_buf
 * @map: the address
 *
 * Context: As vp_kernel_vmap().
 */
static inline void vp_kernel_vunmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	vp_kernel_vmap_unlock(kbuf->resv);
	dma_buf_vunmap(kbuf, map);
	vp_kernel_vmap_lock(kbuf->resv);
}

/**
 * vp_kernel_wants_dynamic_attach - whether to import with a dynamic attachment
 * @kbuf: the dma_buf
 *
 * If the attachment is of the exporter's kind, the kernel maps the buffer when we
 * map it. Before 6.2 it has to be dynamic: then the kernel maps a static exporter
 * at attach, without the reservation lock, and later calls under the lock return
 * that mapping. So there, such a buffer is mapped before that is needed.
 *
 * Context: Any context.
 * Return: Whether it should be dynamic.
 */
static inline bool vp_kernel_wants_dynamic_attach(struct dma_buf *kbuf)
{
	return !VP_HAVE_DMA_BUF_LOCKED || dma_buf_is_dynamic(kbuf);
}

/**
 * vp_resv_has_fences - whether a reservation object has ever had a fence
 * @resv: the reservation object
 *
 * Faster than to look for fences that are pending.
 *
 * Context: Any context; the result may be out of date without the lock.
 * Return: Whether it has.
 */
static inline bool vp_resv_has_fences(struct dma_resv *resv)
{
	return rcu_access_pointer(resv->fences);
}

/**
 * vp_fence_has_ops - whether a fence has these operations
 * @fence: any fence
 * @ops: operations with a release or wait callback
 *
 * On newer kernels, the pointer becomes NULL when a fence without these callbacks
 * signals, and following it takes RCU. So it is only compared.
 *
 * Context: Any context.
 * Return: Whether it has.
 */
static inline bool vp_fence_has_ops(struct dma_fence *fence,
				    const struct dma_fence_ops *ops)
{
	return (const struct dma_fence_ops __force *)READ_ONCE(fence->ops) ==
	       ops;
}

/*
 * The names of a fence, in an RCU read-side critical section, in which they are valid. Newer kernels have fixed ones for
 * a fence that has signalled; on older ones the fence's driver has to be there.
 */
#if VP_HAVE_FENCE_NAMES_RCU
#define vp_fence_driver_name(fence)	((const char __force *)dma_fence_driver_name(fence))
#define vp_fence_timeline_name(fence)	((const char __force *)dma_fence_timeline_name(fence))
#else
#define vp_fence_driver_name(fence)	((fence)->ops->get_driver_name(fence))
#define vp_fence_timeline_name(fence)	((fence)->ops->get_timeline_name(fence))
#endif

/* Callbacks of a fence that not every kernel has. */
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

/* What newer kernels do for a drm_driver without these callbacks. */
#if VP_HAVE_DRM_DRIVER_PRIME_MMAP
#define VP_DRM_DRIVER_PRIME \
	.prime_handle_to_fd = drm_gem_prime_handle_to_fd, \
	.prime_fd_to_handle = drm_gem_prime_fd_to_handle,
#else
#define VP_DRM_DRIVER_PRIME
#endif

/*
 * Sets pitch and size of a dumb buffer, in bytes, as the DRM core's helper does; 0
 * or an errno. Without the helper, rows have no padding, and the core has checked
 * the size for overflow.
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

/*
 * The process that has a file; before 6.4 the thread that opened it. RCU guards the pointer from 6.7 on, before it
 * does not change.
 */
#define vp_drm_file_pid(file) \
	rcu_dereference(*(struct pid __rcu *__force *)&(file)->pid)

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
