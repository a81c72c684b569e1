// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: CPU access
 *
 * A program brackets its access to a mapping of a dma-buf with begin and end
 * (DMA_BUF_IOCTL_SYNC), so that caches and devices agree; a driver does the
 * same around a kernel mapping. cpu_access.c keeps the open accesses.
 */
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>

#include "compat.h"
#include "fence/resv.h"
#include "prime/dmabuf.h"
#include "prime/trace.h"

/* The fences that conflict with an access. */
static enum dma_resv_usage vp_cpu_usage(enum dma_data_direction dir)
{
	return dma_resv_usage_rw(dir == DMA_TO_DEVICE ||
				 dir == DMA_BIDIRECTIONAL);
}

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
 * vp_dmabuf_end_accesses - end CPU accesses of dead processes
 * @buf: the buffer
 * @all: also of living processes, because the dma_buf is being released
 *
 * Each is reported in the name of its process.
 *
 * Context: May sleep. The buffer's reservation is not locked.
 */
void vp_dmabuf_end_accesses(struct vp_dmabuf *buf, bool all)
{
	struct vp_cpu_access left;

	while (vp_cpu_access_take_left(buf, all, &left)) {
		vp_dmabuf_misuse_by(buf, NULL, VP_RULE_BEGIN_LEFT_OPEN,
				    left.comm, pid_nr(left.process),
				    left.started);
		put_pid(left.process);
		vp_dmabuf_finish_cpu_access(buf, left.dir);
		cond_resched();
	}
}

/**
 * vp_dmabuf_begin_cpu_access - begin a CPU access to a buffer
 * @buf: the buffer
 * @dir: DMA_FROM_DEVICE to read, DMA_TO_DEVICE to write, DMA_BIDIRECTIONAL for
 *	both
 *
 * Waits for the conflicting fences, then makes what devices wrote visible to
 * the CPU. The access begins after the wait.
 *
 * Context: May sleep, also until fences signal. The buffer's reservation is not
 *	locked.
 * Return: 0; -ERESTARTSYS if a signal ended the wait; -ENODEV if the buffer has
 *	been revoked; -ENOMEM; or the exporter's errno.
 */
int vp_dmabuf_begin_cpu_access(struct vp_dmabuf *buf,
			       enum dma_data_direction dir)
{
	long left;
	int ret;

	if (READ_ONCE(buf->revoked))
		return -ENODEV;

	left = vp_resv_wait(buf->resv, vp_cpu_usage(dir), MAX_SCHEDULE_TIMEOUT);
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
 * vp_dmabuf_end_cpu_access - end a CPU access to a buffer
 * @buf: the buffer
 * @dir: DMA_FROM_DEVICE to read, DMA_TO_DEVICE to write, DMA_BIDIRECTIONAL for
 *	both
 *
 * Makes what the CPU wrote visible to devices. An end without a begin is
 * reported, and does so too.
 *
 * Context: May sleep. The buffer's reservation is not locked.
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
 * @vma: the mapping; its vm_ops call vp_dmabuf_fault(), and its vm_private_data
 *	keeps the buffer
 * @pgoff: the page of the buffer where it begins
 *
 * Pages are made and mapped when they are touched. A foreign exporter replaces
 * the file, the vm_ops and the vm_private_data of @vma.
 *
 * Context: May sleep. Called with the mmap lock; the buffer's reservation is
 *	not locked.
 * Return: 0; -EINVAL if the mapping is private, or reaches beyond the buffer,
 *	or the exporter has no CPU mappings; -ENODEV if the buffer has been
 *	revoked; or the exporter's errno.
 */
int vp_dmabuf_mmap(struct vp_dmabuf *buf, struct vm_area_struct *vma,
		   unsigned long pgoff)
{
	unsigned long pages = buf->size >> PAGE_SHIFT;

	if (READ_ONCE(buf->revoked))
		return -ENODEV;
	/*
	 * VM_SHARED is clear in a read-only shared mapping, VM_MAYSHARE is set.
	 */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (!buf->ops->mmap && !buf->ops->fault)
		return -EINVAL;
	if (pgoff > pages || vma_pages(vma) > pages - pgoff)
		return -EINVAL;

	vp_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	if (buf->ops->mmap)
		return buf->ops->mmap(buf, vma, pgoff);

	/* Bare page frames: get_user_pages() takes no references on them. */
	vp_vm_flags_set(vma, VM_IO | VM_PFNMAP);
	return 0;
}

/*
 * Lock the reservation for a fault. If it has to wait, the mmap lock is dropped
 * for the time, as in TTM: else all that need the mmap lock wait as well.
 *
 * Returns 0 with the lock, or the result of the fault.
 */
static vm_fault_t vp_dmabuf_lock_for_fault(struct vp_dmabuf *buf,
					   struct vm_fault *vmf)
{
	if (dma_resv_trylock(buf->resv))
		return 0;

	if (!fault_flag_allow_retry_first(vmf->flags)) {
		/*
		 * In user mode a signal ends the wait: it is handled, and the
		 * access is tried again. In the kernel it would be at once.
		 */
		if (vmf->flags & FAULT_FLAG_USER)
			return dma_resv_lock_interruptible(buf->resv, NULL) ?
			       VM_FAULT_NOPAGE : 0;
		dma_resv_lock(buf->resv, NULL);
		return 0;
	}

	if (!(vmf->flags & FAULT_FLAG_RETRY_NOWAIT)) {
		/*
		 * Without the mmap lock the mapping may go, and with it the buffer
		 * and the file, which keeps the module.
		 */
		struct file *file = get_file(vmf->vma->vm_file);

		vp_dmabuf_ref(buf);
		vp_release_fault_lock(vmf);
		if (!dma_resv_lock_interruptible(buf->resv, NULL))
			dma_resv_unlock(buf->resv);
		vp_dmabuf_put(buf);
		fput(file);
	}
	return VM_FAULT_RETRY;
}

/**
 * vp_dmabuf_fault - map pages where a CPU mapping was touched
 * @buf: the buffer
 * @vmf: the fault
 * @pgoff: the page of the buffer that was touched
 * @for_cpu: map the CPU's view; else the view of devices that do not snoop
 *
 * Called by the fault handlers of the importers and of the exported dma_buf.
 *
 * Context: May sleep. Called with the mmap lock or the lock of the one mapping,
 *	which may be dropped; the buffer's reservation is not locked.
 * Return:
 * * VM_FAULT_NOPAGE: the access is to be tried again
 * * VM_FAULT_RETRY: likewise; the lock has been dropped, unless the flags of
 *   the fault forbid to wait
 * * VM_FAULT_SIGBUS: the page lies beyond the buffer, there is no memory for
 *   it, the buffer has been revoked, or the process is being killed
 */
vm_fault_t vp_dmabuf_fault(struct vp_dmabuf *buf, struct vm_fault *vmf,
			   unsigned long pgoff, bool for_cpu)
{
	vm_fault_t ret;

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

		/* A process that is being killed must not come here again. */
		if (vp_dmabuf_populate(buf, pgoff << PAGE_SHIFT, PAGE_SIZE))
			return VM_FAULT_SIGBUS;
	}
}

/**
 * vp_dmabuf_map_pages - the map_pages callback of CPU mappings
 * @vmf: the fault
 * @first: the first page of the file to map
 * @last: the last page
 *
 * Maps no page: vp_dmabuf_fault() maps as many as it can. With the callback the
 * kernel calls the fault handler under the lock of the one mapping, without the
 * mmap lock.
 *
 * Context: Any context.
 * Return: 0.
 */
vm_fault_t vp_dmabuf_map_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last)
{
	return 0;
}

/**
 * vp_dmabuf_fault_prot - the protection of pages that a fault maps
 * @vmf: the fault
 *
 * The protection of a mapping with a pfn_mkwrite callback does not allow to
 * write, so that the first write to a page faults. If the fault itself is a
 * write, its handler sees that.
 *
 * Context: Any context. Called from the exporter's fault callback.
 * Return: The protection for vmf_insert_pfn_prot().
 */
pgprot_t vp_dmabuf_fault_prot(const struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;

	if (vma->vm_ops->pfn_mkwrite && vmf->flags & FAULT_FLAG_WRITE)
		return vm_get_page_prot(vma->vm_flags);
	return vma->vm_page_prot;
}

/**
 * vp_dmabuf_vmap - map a buffer into the kernel
 * @buf: the buffer
 * @map: where the address is stored; cleared on failure
 *
 * All users share one mapping; each calls vp_dmabuf_vunmap().
 *
 * Context: May sleep. The buffer's reservation is locked; on kernels before 6.2
 *	the lock is dropped and taken again for foreign buffers.
 * Return: 0; -EOPNOTSUPP if the exporter has no kernel mappings; -ENODEV if the
 *	buffer has been revoked; -ENOMEM; -EINTR if the process is being
 *	killed; or the exporter's errno.
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
		/* Another user may have mapped it while the lock was dropped. */
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
 * @map: from vp_dmabuf_vmap(); cleared
 *
 * Context: May sleep. The buffer's reservation is locked; on kernels before 6.2
 *	the lock is dropped and taken again for foreign buffers.
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
