// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: what the CPU does with a buffer
 *
 * A program brackets what it does to a dma-buf's mapping with begin and end
 * (DMA_BUF_IOCTL_SYNC), so that caches and devices agree; a driver does the same
 * around a kernel mapping. cpu_access.c knows which accesses are open.
 */
#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <linux/pid.h>

#include "compat.h"
#include "fence/resv.h"
#include "prime/dmabuf.h"
#include "prime/trace.h"

/* Which fences an access has to wait for. */
static enum dma_resv_usage vp_cpu_usage(enum dma_data_direction dir)
{
	return dma_resv_usage_rw(dir == DMA_TO_DEVICE ||
				 dir == DMA_BIDIRECTIONAL);
}

/* An end without its bookkeeping. Returns 0 or the exporter's errno. */
static int vp_dmabuf_finish_cpu_access(struct vp_dmabuf *buf,
				       enum dma_data_direction dir)
{
	int ret = 0;

	if (buf->ops->end_cpu_access)
		ret = buf->ops->end_cpu_access(buf, dir);
	trace_cpu_access(buf, false, dir);
	return ret;
}

/**
 * vp_dmabuf_end_left_accesses - end the CPU accesses of processes that died
 * @buf: the buffer
 * @all: of the living too, because their dma-buf is gone
 *
 * Each is reported, and ended in the name of its process.
 *
 * Context: unlocked, may sleep.
 */
void vp_dmabuf_end_left_accesses(struct vp_dmabuf *buf, bool all)
{
	struct vp_cpu_access left;

	while (vp_cpu_access_take_left(buf, all, &left)) {
		vp_dmabuf_misuse_by(buf, NULL, VP_RULE_BEGIN_LEFT_OPEN,
				    left.comm, pid_nr(left.process));
		put_pid(left.process);
		vp_dmabuf_finish_cpu_access(buf, left.dir);
		cond_resched();
	}
}

/**
 * vp_dmabuf_begin_cpu_access - the CPU is about to touch a buffer
 * @buf: the buffer
 * @dir: DMA_FROM_DEVICE to read, DMA_TO_DEVICE to write, or both
 *
 * Waits for the fences that conflict with the access, then makes visible what
 * devices wrote. Until the wait is over nothing has begun.
 *
 * Context: unlocked, may sleep.
 *
 * Return: 0; -ERESTARTSYS when a signal ended the wait; -ENODEV when the buffer
 * has been revoked; -ENOMEM; or the exporter's errno.
 */
int vp_dmabuf_begin_cpu_access(struct vp_dmabuf *buf,
			       enum dma_data_direction dir)
{
	long left;
	int ret;

	if (READ_ONCE(buf->revoked))
		return -ENODEV;

	left = vp_resv_wait(buf->resv, vp_cpu_usage(dir),
			    MAX_SCHEDULE_TIMEOUT);
	if (left < 0)
		return left;
	if (READ_ONCE(buf->revoked))
		return -ENODEV;

	vp_dmabuf_end_left_accesses(buf, false);
	if (buf->ops->begin_cpu_access) {
		ret = buf->ops->begin_cpu_access(buf, dir);
		if (ret)
			return ret;
	}
	ret = vp_cpu_access_begin(buf, dir);
	if (ret && buf->ops->end_cpu_access)
		buf->ops->end_cpu_access(buf, dir);
	if (ret)
		return ret;
	trace_cpu_access(buf, true, dir);
	return 0;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_begin_cpu_access);

/**
 * vp_dmabuf_end_cpu_access - the CPU has touched a buffer
 * @buf: the buffer
 * @dir: DMA_FROM_DEVICE if it has read, DMA_TO_DEVICE if it has written, or both
 *
 * Makes what the CPU wrote visible to devices, also at an end that is reported
 * because the buffer has had more ends than begins.
 *
 * Context: unlocked, may sleep.
 *
 * Return: 0 or the exporter's errno.
 */
int vp_dmabuf_end_cpu_access(struct vp_dmabuf *buf,
			     enum dma_data_direction dir)
{
	if (!vp_cpu_access_end(buf))
		vp_dmabuf_misuse(buf, NULL, VP_RULE_END_WITHOUT_BEGIN);
	vp_dmabuf_end_left_accesses(buf, false);
	return vp_dmabuf_finish_cpu_access(buf, dir);
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_end_cpu_access);

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
 * the exporter has no CPU mappings; -ENODEV when the buffer has been revoked;
 * else the exporter's errno.
 */
int vp_dmabuf_mmap(struct vp_dmabuf *buf, struct vm_area_struct *vma,
		   unsigned long pgoff)
{
	unsigned long pages = buf->size >> PAGE_SHIFT;

	if (READ_ONCE(buf->revoked))
		return -ENODEV;
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

/*
 * Lock the reservation for a fault. Where it is taken, mmap_lock is let go for the
 * wait, as TTM does: or whoever wants that one for anything waits as well.
 *
 * Returns 0 with the lock, or what the fault is to return.
 */
static vm_fault_t vp_dmabuf_lock_for_fault(struct vp_dmabuf *buf,
					   struct vm_fault *vmf)
{
	if (dma_resv_trylock(buf->resv))
		return 0;

	/* A signal ends the wait: it is handled, and the touch comes again. */
	if (!fault_flag_allow_retry_first(vmf->flags))
		return dma_resv_lock_interruptible(buf->resv, NULL) ?
		       VM_FAULT_NOPAGE : 0;

	if (!(vmf->flags & FAULT_FLAG_RETRY_NOWAIT)) {
		/* What the mapping keeps may go with it from here on. */
		vp_dmabuf_ref(buf);
		vp_release_fault_lock(vmf);
		if (!dma_resv_lock_interruptible(buf->resv, NULL))
			dma_resv_unlock(buf->resv);
		vp_dmabuf_put(buf);
	}
	return VM_FAULT_RETRY;
}

/**
 * vp_dmabuf_fault - put pages where a CPU mapping was touched
 * @buf: the buffer
 * @vmf: the fault
 * @pgoff: the page of the buffer that was touched
 * @for_cpu: whether it is to be seen as the CPU does, or as devices do that do
 *	not snoop the CPU's caches
 *
 * Called by the fault handlers of those who set up mappings.
 *
 * Context: mmap_lock, or the lock of the one mapping; both may be let go.
 *
 * Return: VM_FAULT_NOPAGE when the touch is to be tried again; VM_FAULT_RETRY, with
 * the lock let go unless the flags of the fault say that it must not wait;
 * VM_FAULT_SIGBUS when there is no such page, no memory for it, or it has been
 * revoked.
 */
vm_fault_t vp_dmabuf_fault(struct vp_dmabuf *buf, struct vm_fault *vmf,
			   unsigned long pgoff, bool for_cpu)
{
	vm_fault_t ret;
	int error;

	if (pgoff >= buf->size >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;

	for (;;) {
		ret = vp_dmabuf_lock_for_fault(buf, vmf);
		if (ret)
			return ret;
		ret = buf->revoked ? VM_FAULT_SIGBUS :
				     buf->ops->fault(buf, vmf, pgoff, for_cpu);
		dma_resv_unlock(buf->resv);
		if (ret)
			return ret;

		error = vp_dmabuf_populate(buf, pgoff << PAGE_SHIFT, PAGE_SIZE);
		if (error)
			return error == -EINTR ? VM_FAULT_NOPAGE :
						 VM_FAULT_SIGBUS;
	}
}

/**
 * vp_dmabuf_map_pages - map pages around one that is read
 * @vmf: the fault
 * @first: the first page of the file
 * @last: the last
 *
 * Maps none: vp_dmabuf_fault() maps as many as it can. That there is a callback tells
 * the kernel that it may be called under the lock of the one mapping.
 *
 * Context: any.
 *
 * Return: 0.
 */
vm_fault_t vp_dmabuf_map_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last)
{
	return 0;
}

/**
 * vp_dmabuf_fault_prot - the protection of the pages that a fault maps
 * @vmf: the fault
 *
 * Where the first write to a page is to be seen, the mapping's own protection
 * does not allow it. A fault that writes is seen as it is.
 *
 * Context: from the exporter's fault callback.
 *
 * Return: the protection for vmf_insert_pfn_prot().
 */
pgprot_t vp_dmabuf_fault_prot(const struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;

	if (vma->vm_ops->pfn_mkwrite && vmf->flags & FAULT_FLAG_WRITE)
		return vm_get_page_prot(vma->vm_flags);
	return vma->vm_page_prot;
}

/**
 * vp_dmabuf_vmap - map a whole buffer into the kernel
 * @buf: the buffer
 * @map: where the address is stored; cleared on failure
 *
 * All users share one mapping; each ends with vp_dmabuf_vunmap(). Locked; on
 * kernels before 6.2 the lock is dropped and taken again for foreign buffers.
 *
 * Returns 0; -EOPNOTSUPP when the exporter cannot; -ENODEV when the buffer has
 * been revoked; -ENOMEM.
 */
int vp_dmabuf_vmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	struct iosys_map ptr;
	int ret;

	dma_resv_assert_held(buf->resv);

	iosys_map_clear(map);
	if (!buf->ops->vmap)
		return -EOPNOTSUPP;
	if (buf->revoked)
		return -ENODEV;

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
	this_cpu_inc(vp_dmabuf_counts.vmaps);
	return 0;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_vmap);

/**
 * vp_dmabuf_vunmap - undo one vp_dmabuf_vmap()
 * @buf: the buffer
 * @map: what that stored; cleared
 *
 * Locked.
 */
void vp_dmabuf_vunmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	struct iosys_map ptr;

	dma_resv_assert_held(buf->resv);

	if (WARN_ON(!buf->vmap_users ||
		    !iosys_map_is_equal(&buf->vmap_ptr, map)))
		return;

	iosys_map_clear(map);
	this_cpu_dec(vp_dmabuf_counts.vmaps);
	if (--buf->vmap_users)
		return;

	ptr = buf->vmap_ptr;
	iosys_map_clear(&buf->vmap_ptr);
	buf->ops->vunmap(buf, &ptr);
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_vunmap);
