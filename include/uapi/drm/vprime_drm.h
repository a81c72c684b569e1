/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * vprime - virtual GPUs for sharing buffers and synchronising on them
 *
 * The interface for programs. The ioctls below can be called on primary nodes and
 * on render nodes, without authentication. A vprime node also has the DRM core's
 * own ioctls: PRIME, syncobj and timeline syncobj, and the dumb-buffer ioctls,
 * which vprime allows on render nodes too.
 *
 * Rules for all of these ioctls:
 *
 *  - EINVAL: a flag is set that is not defined, or padding is not zero.
 *  - ENOENT: the handle, or the id, is not one of this file.
 *  - EFAULT: the argument cannot be read or written. If only the results cannot be
 *    written, the ioctl has been carried out, as with the DRM core's own: an
 *    object that it made stays until the file is closed, and a fence until it
 *    signals. A descriptor is not installed in that case.
 *  - ENODEV: the GPU has been unplugged.
 *  - An ioctl that fails with another errno has no effect, unless its description
 *    says otherwise.
 *
 * Fences. A program makes fences, and signals them. What shares the buffer, or has
 * the sync_file, waits until then. A fence that its maker does not signal signals
 * by itself, with the error
 *
 *  - ETIMEDOUT when it reaches the age DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS,
 *  - ECANCELED when the file that made it is closed for the last time, as when the
 *    program is killed, or when its timeline is destroyed,
 *  - ENODEV when the GPU is unplugged.
 *
 * If the module was loaded with user_fences=0, the three ioctls for timelines and
 * DRM_IOCTL_VPRIME_FENCE_CREATE fail with EOPNOTSUPP.
 */
#ifndef _UAPI_VPRIME_DRM_H_
#define _UAPI_VPRIME_DRM_H_

#if defined(__KERNEL__)
#include <drm/drm.h>
#else
#include "drm.h"	/* libdrm's: pkg-config --cflags libdrm */
#endif

#if defined(__cplusplus)
extern "C" {
#endif

#define DRM_VPRIME_FENCE_ATTACH		0x01
#define DRM_VPRIME_FENCE_SIGNAL		0x02
#define DRM_VPRIME_GEM_CREATE		0x10
#define DRM_VPRIME_GEM_MMAP_OFFSET	0x11
#define DRM_VPRIME_GEM_INFO		0x12
#define DRM_VPRIME_GET_PARAM		0x13
#define DRM_VPRIME_GEM_PEEK		0x14
#define DRM_VPRIME_GEM_POKE		0x15
#define DRM_VPRIME_GEM_WAIT		0x16
#define DRM_VPRIME_TIMELINE_CREATE	0x17
#define DRM_VPRIME_TIMELINE_DESTROY	0x18
#define DRM_VPRIME_TIMELINE_SIGNAL	0x19
#define DRM_VPRIME_FENCE_CREATE		0x1a

/** DRM_VPRIME_FENCE_WRITE - the fence stands for writing the buffer */
#define DRM_VPRIME_FENCE_WRITE		(1u << 0)

/**
 * struct drm_vprime_fence_attach - make a fence and add it to a buffer
 *
 * Argument of DRM_IOCTL_VPRIME_FENCE_ATTACH, which has the number, structure and
 * meaning of DRM_IOCTL_VGEM_FENCE_ATTACH, so that programs for vgem work. Until
 * the fence signals, the buffer is busy on all devices and in all drivers that
 * share it: for writing, and with DRM_VPRIME_FENCE_WRITE for reading as well. The
 * buffer may be imported, from vprime or from another driver.
 *
 * Errors:
 *
 *  - EINVAL: @flags has an undefined bit, or @pad is not 0.
 *  - ENOENT: @handle is not a handle of this file.
 *  - EBUSY: a conflicting fence is pending on the buffer: one for writing or moving
 *    it, or with DRM_VPRIME_FENCE_WRITE also one for reading.
 *  - EINTR: a signal arrived while another task had the buffer locked.
 *  - ENOMEM: out of memory.
 */
struct drm_vprime_fence_attach {
	/** @handle: in: the buffer's handle */
	__u32 handle;
	/** @flags: in: 0 for reading, or DRM_VPRIME_FENCE_WRITE */
	__u32 flags;
	/**
	 * @fence: out: the fence's id in this file, never 0, for
	 * DRM_IOCTL_VPRIME_FENCE_SIGNAL; an id is not given again soon
	 */
	__u32 fence;
	/** @pad: in: must be 0 */
	__u32 pad;
};

/**
 * struct drm_vprime_fence_signal - signal a fence that was added to a buffer
 *
 * Argument of DRM_IOCTL_VPRIME_FENCE_SIGNAL, which has the number, structure and
 * meaning of DRM_IOCTL_VGEM_FENCE_SIGNAL. The id is not valid afterwards.
 *
 * Errors:
 *
 *  - EINVAL: @flags is not 0.
 *  - ENOENT: @fence is not the id of a fence of this file: it was never given, was
 *    given to another file, or has been signalled with this ioctl before.
 *  - ETIMEDOUT: the fence had signalled by itself, because this ioctl came too
 *    late. The id is not valid afterwards.
 */
struct drm_vprime_fence_signal {
	/** @fence: in: an id from DRM_IOCTL_VPRIME_FENCE_ATTACH */
	__u32 fence;
	/** @flags: in: must be 0, none are defined */
	__u32 flags;
};

/**
 * struct drm_vprime_gem_create - make a buffer on this GPU
 *
 * Argument of DRM_IOCTL_VPRIME_GEM_CREATE. The buffer is filled with zeroes. Its
 * pages are allocated when they are touched first; if that fails, the access
 * raises SIGBUS.
 *
 * Errors:
 *
 *  - EINVAL: @size is 0, or larger than any file can be (2^63 - 1 bytes, after
 *    rounding up), or @flags is not 0.
 *  - ENOMEM: @size is larger than DRM_VPRIME_PARAM_MAX_SIZE, or out of memory.
 */
struct drm_vprime_gem_create {
	/**
	 * @size: in: in bytes, at least 1; out: rounded up to whole pages. Not
	 * changed if the ioctl fails.
	 */
	__u64 size;
	/** @flags: in: must be 0, none are defined */
	__u32 flags;
	/** @handle: out: the new buffer's handle in this file, never 0 */
	__u32 handle;
};

/**
 * struct drm_vprime_gem_mmap_offset - get the offset at which to mmap a buffer
 *
 * Argument of DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET, for buffers of this GPU and for
 * imported ones. The offset is for mmap(2) on this file, and stays the same as
 * long as the buffer has a handle on this GPU.
 *
 * Errors:
 *
 *  - EINVAL: @pad is not 0.
 *  - ENOENT: @handle is not a handle of this file.
 *  - ENOSPC: the device has no offset left.
 *  - ENOMEM: out of memory.
 *
 * A mapping keeps the buffer alive, also when the handle is closed or the GPU is
 * unplugged. If the program does not ask for an address, a mapping of at least the
 * size of a huge page gets one at which huge pages can be mapped. A mapping of a
 * DRM_VPRIME_INFO_READ_ONLY buffer cannot be made writable with mprotect(2)
 * where enforce_read_only is 1. On a GPU with coherent=0 a mapping
 * shows what the GPU sees, and needs no DMA_BUF_IOCTL_SYNC; mappings of the dma-buf
 * and of GPUs with coherent=1 show what the CPU sees. Errors of mmap(2):
 *
 *  - EINVAL: the mapping is not MAP_SHARED, does not begin at @offset, or is longer
 *    than the buffer.
 *  - EACCES: the mapping is writable, the buffer DRM_VPRIME_INFO_READ_ONLY, and
 *    enforce_read_only 1. With 0 it succeeds. Either way it is reported.
 *  - ENODEV: the buffer has been revoked.
 */
struct drm_vprime_gem_mmap_offset {
	/** @handle: in: the buffer's handle */
	__u32 handle;
	/** @pad: in: must be 0 */
	__u32 pad;
	/** @offset: out: the offset for mmap(2), in bytes */
	__u64 offset;
};

/** DRM_VPRIME_INFO_IMPORTED - this GPU imported the buffer through PRIME */
#define DRM_VPRIME_INFO_IMPORTED	(1u << 0)
/**
 * DRM_VPRIME_INFO_EXPORTED - the buffer has a dma-buf
 *
 * This does not say that somebody has a descriptor. The dma-buf lives for as long
 * as there is a descriptor, a mapping of one or another driver's import, or a
 * handle, on any GPU, that it was exported from or imported to: the DRM core keeps
 * the dma-buf with those handles.
 */
#define DRM_VPRIME_INFO_EXPORTED	(1u << 1)
/** DRM_VPRIME_INFO_FOREIGN - the memory belongs to another driver */
#define DRM_VPRIME_INFO_FOREIGN		(1u << 2)
/**
 * DRM_VPRIME_INFO_REVOKED - the buffer has been revoked, on all devices: touching
 * a mapping raises SIGBUS, and mapping, importing or accessing it fails with
 * ENODEV
 */
#define DRM_VPRIME_INFO_REVOKED		(1u << 3)
/**
 * DRM_VPRIME_INFO_READ_ONLY - this file has got the buffer only from dma-bufs
 * that were exported without DRM_RDWR. Writing to it is reported as a violation
 * of the dma-buf contract. It fails if enforce_read_only is 1 on the GPU that
 * allocated the buffer, or for a DRM_VPRIME_INFO_FOREIGN buffer on this GPU. Set it
 * where programs that do not trust each other share buffers, or to find those that
 * write what they were given to read; Mesa before 26.1 does so, and crashes.
 */
#define DRM_VPRIME_INFO_READ_ONLY	(1u << 4)

/** DRM_VPRIME_NAME_LEN - size of a name in bytes, with the terminating NUL */
#define DRM_VPRIME_NAME_LEN		32

/**
 * struct drm_vprime_gem_info - get information about a buffer
 *
 * Argument of DRM_IOCTL_VPRIME_GEM_INFO. The buffer may change while the
 * information is gathered, and after that.
 *
 * Errors:
 *
 *  - EINVAL: @pad is not 0.
 *  - ENOENT: @handle is not a handle of this file.
 */
struct drm_vprime_gem_info {
	/** @handle: in: the buffer's handle */
	__u32 handle;
	/** @pad: in: must be 0 */
	__u32 pad;
	/** @size: out: in bytes */
	__u64 size;
	/**
	 * @resident: out: memory that is allocated for the buffer, in bytes.
	 * Touching a byte allocates the folio around it, which the kernel
	 * chooses: from a page to a huge page or the whole buffer. 0 before the
	 * first touch, and for a buffer of another driver.
	 */
	__u64 resident;
	/**
	 * @attached_gpus: out: the vprime GPUs that are attached to the buffer;
	 * bit n is the GPU whose DRM_VPRIME_PARAM_GPU_INDEX is n
	 */
	__u64 attached_gpus;
	/** @attached: out: how many devices are attached, of all drivers */
	__u32 attached;
	/** @flags: out: DRM_VPRIME_INFO_* */
	__u32 flags;
	/**
	 * @origin: out: the name of the vprime GPU that allocated the buffer
	 * ("vprime0"), or for a buffer of another driver the exporter name of
	 * its dma-buf ("drm", "virtio_gpu"); cut to fit, NUL-terminated
	 */
	char origin[DRM_VPRIME_NAME_LEN];
	/**
	 * @id: out: id of the buffer, the same on all GPUs, and not given to
	 * another buffer until the module is unloaded. The lists in debugfs and
	 * the kernel log have it.
	 */
	__u64 id;
};

/**
 * struct drm_vprime_gem_access - let the GPU read or write a buffer
 *
 * Argument of DRM_IOCTL_VPRIME_GEM_PEEK, with which the GPU reads and the program
 * gets what it read, and of DRM_IOCTL_VPRIME_GEM_POKE, with which the GPU writes
 * what the program gives. The access is made through the GPU's mapping of the
 * buffer; the first access makes the mapping. Only the memory that is accessed is
 * allocated.
 *
 * An access is a job, as on any GPU. It takes note of the fences that are on the
 * buffer, a peek of those for moving and writing, a poke of all, and puts one of its
 * own on the buffer, for reading or for writing. It waits for those it noted, and for
 * none that come later; all who come later wait for it. A signal ends the wait, and
 * the job's fence signals with -ECANCELED. So a program must not wait for an access
 * while a fence is pending that it is itself to signal, if another GPU may be waiting
 * for that fence to access the buffer.
 *
 * A GPU with coherent=0 sees what the CPU wrote after a DMA_BUF_IOCTL_SYNC with
 * DMA_BUF_SYNC_END and DMA_BUF_SYNC_WRITE, and the CPU what the GPU wrote after one
 * with DMA_BUF_SYNC_START.
 *
 * A large access is a job for each 64 KiB, and other users of the buffer may come in
 * between. If it fails, the jobs before have been done, and pages and a mapping
 * may have been allocated.
 *
 * Errors:
 *
 *  - EINVAL: @size is 0, the range is not within the buffer, or @flags is not 0.
 *  - ENOENT: @handle is not a handle of this file.
 *  - EFAULT: @data cannot be read or written.
 *  - EACCES: a poke, the buffer is DRM_VPRIME_INFO_READ_ONLY, and
 *    enforce_read_only 1. With 0 it succeeds. Either way it is reported.
 *  - ENODEV: the buffer has been revoked.
 *  - EBUSY: the memory is beyond the GPU's dma_bits, and cannot be moved because
 *    another device has pinned it or new fences are added all the time.
 *  - EOPNOTSUPP: the buffer is of another driver, and is not system memory that
 *    the CPU can address, or an IOMMU is between the GPU and memory.
 *  - EIO: the buffer is of another driver, whose memory is beyond the GPU's
 *    dma_bits.
 *  - EINTR: a signal arrived while the access waited.
 *  - ENFILE: the system's limit on open files is reached.
 *  - ENOMEM: out of memory.
 *  - Another driver that exports the buffer may refuse the mapping with another
 *    errno.
 */
struct drm_vprime_gem_access {
	/** @handle: in: the buffer's handle */
	__u32 handle;
	/** @flags: in: must be 0, none are defined */
	__u32 flags;
	/** @offset: in: where in the buffer the access begins, in bytes */
	__u64 offset;
	/** @size: in: length of the access in bytes, at least 1 */
	__u64 size;
	/** @data: in: pointer to memory of the program, of @size bytes */
	__u64 data;
};

/** DRM_VPRIME_WAIT_WRITE - wait until the buffer can be written */
#define DRM_VPRIME_WAIT_WRITE		(1u << 0)

/**
 * struct drm_vprime_gem_wait - wait for the fences on a buffer
 *
 * Argument of DRM_IOCTL_VPRIME_GEM_WAIT. Waits for the fences for writing that are
 * on the buffer, and with DRM_VPRIME_WAIT_WRITE also for those for reading, of all
 * devices and drivers. Fences that are added during the wait do not extend it. The
 * error that a fence signals with makes no difference.
 *
 * Errors:
 *
 *  - EINVAL: @flags has an undefined bit.
 *  - ENOENT: @handle is not a handle of this file.
 *  - ETIME: a fence is still pending at @timeout_ns.
 *  - EINTR: a signal arrived. The call can be made again with the same argument;
 *    the kernel does that if the signal's handler was installed with SA_RESTART.
 */
struct drm_vprime_gem_wait {
	/** @handle: in: the buffer's handle */
	__u32 handle;
	/** @flags: in: 0, or DRM_VPRIME_WAIT_WRITE */
	__u32 flags;
	/**
	 * @timeout_ns: in: the absolute time at which the wait ends, in
	 * nanoseconds of CLOCK_MONOTONIC. With one in the past, such as 0 or a
	 * negative one, the ioctl does not wait; with INT64_MAX the wait has no
	 * timeout.
	 */
	__s64 timeout_ns;
};

/**
 * struct drm_vprime_timeline_create - make a timeline
 *
 * Argument of DRM_IOCTL_VPRIME_TIMELINE_CREATE. The fences of a timeline have
 * seqnos from 1 on, and signal in their order. The timeline is destroyed when the
 * file is closed for the last time.
 *
 * Errors:
 *
 *  - EINVAL: @flags is not 0, or @name is empty, has no terminating NUL, or has
 *    characters that are not printable ASCII.
 *  - EOPNOTSUPP: the module was loaded with user_fences=0.
 *  - ENOMEM: out of memory.
 */
struct drm_vprime_timeline_create {
	/** @name: in: NUL-terminated name, to be shown in lists */
	char name[DRM_VPRIME_NAME_LEN];
	/** @flags: in: must be 0, none are defined */
	__u32 flags;
	/** @timeline: out: the timeline's handle in this file, never 0 */
	__u32 timeline;
};

/**
 * struct drm_vprime_timeline_destroy - destroy a timeline
 *
 * Argument of DRM_IOCTL_VPRIME_TIMELINE_DESTROY. Pending fences signal with the
 * error ECANCELED.
 *
 * Errors:
 *
 *  - EINVAL: @pad is not 0.
 *  - ENOENT: @timeline is not a timeline of this file.
 *  - EOPNOTSUPP: the module was loaded with user_fences=0.
 */
struct drm_vprime_timeline_destroy {
	/** @timeline: in: the timeline's handle */
	__u32 timeline;
	/** @pad: in: must be 0 */
	__u32 pad;
};

/**
 * struct drm_vprime_fence_create - make the next fence of a timeline
 *
 * Argument of DRM_IOCTL_VPRIME_FENCE_CREATE. The fence is returned as a sync_file,
 * for poll(2), DMA_BUF_IOCTL_IMPORT_SYNC_FILE, syncobjs and other drivers. If the
 * ioctl fails with EFAULT because @seqno and @fd cannot be written, the fence is on
 * the timeline nevertheless.
 *
 * Errors:
 *
 *  - EINVAL: @flags or @pad is not 0.
 *  - ENOENT: @timeline is not a timeline of this file.
 *  - EMFILE: the process's limit on open files is reached.
 *  - EOPNOTSUPP: the module was loaded with user_fences=0.
 *  - ENOMEM: out of memory, or the system's limit on open files is reached.
 */
struct drm_vprime_fence_create {
	/** @timeline: in: the timeline's handle */
	__u32 timeline;
	/** @flags: in: must be 0, none are defined */
	__u32 flags;
	/** @seqno: out: the fence's seqno on the timeline */
	__u64 seqno;
	/** @fd: out: descriptor of the sync_file, with O_CLOEXEC */
	__s32 fd;
	/** @pad: in: must be 0 */
	__u32 pad;
};

/**
 * DRM_VPRIME_MAX_ERROR - the highest errno that a fence can signal with: those
 * from 512 on are internal to the kernel, and drivers pass the errors of fences on
 * to programs
 */
#define DRM_VPRIME_MAX_ERROR	511

/**
 * struct drm_vprime_timeline_signal - signal the fences of a timeline
 *
 * Argument of DRM_IOCTL_VPRIME_TIMELINE_SIGNAL. All pending fences up to and
 * including @seqno signal, in their order.
 *
 * Errors:
 *
 *  - EINVAL: @error is not in the range of -DRM_VPRIME_MAX_ERROR to 0.
 *  - ENOENT: @timeline is not a timeline of this file, or no fence of it has had
 *    the number @seqno.
 *  - EALREADY: this ioctl was called for @seqno, or for a later one, before.
 *  - ETIMEDOUT: it was not, and the fence had signalled by itself. A second call
 *    for it fails with EALREADY.
 *  - EOPNOTSUPP: the module was loaded with user_fences=0.
 */
struct drm_vprime_timeline_signal {
	/** @timeline: in: the timeline's handle */
	__u32 timeline;
	/**
	 * @error: in: 0, or the negative errno that these fences signal with, as
	 * SYNC_IOC_FILE_INFO reports it
	 */
	__s32 error;
	/** @seqno: in: seqno of the last fence to signal, at least 1 */
	__u64 seqno;
};

/** DRM_VPRIME_PARAM_GPU_INDEX - the N of the GPU's name vprimeN */
#define DRM_VPRIME_PARAM_GPU_INDEX	0
/**
 * DRM_VPRIME_PARAM_MAX_SIZE - size of the largest buffer, in bytes: all memory of
 * the machine
 */
#define DRM_VPRIME_PARAM_MAX_SIZE	1
/**
 * DRM_VPRIME_PARAM_PAGE_SIZE - size of a page, in bytes; sizes of buffers are
 * rounded up to it
 */
#define DRM_VPRIME_PARAM_PAGE_SIZE	2
/**
 * DRM_VPRIME_PARAM_HUGE_PAGE_SIZE - size of the huge pages that large buffers can
 * have, in bytes; 0 if the kernel has none
 */
#define DRM_VPRIME_PARAM_HUGE_PAGE_SIZE	3
/** DRM_VPRIME_PARAM_COHERENT - 1 if the GPU snoops the CPU's caches, else 0 */
#define DRM_VPRIME_PARAM_COHERENT	4
/** DRM_VPRIME_PARAM_DMA_BITS - width of the GPU's DMA addresses, in bits */
#define DRM_VPRIME_PARAM_DMA_BITS	5
/**
 * DRM_VPRIME_PARAM_MAX_SEGMENT - longest segment in the GPU's DMA tables, in bytes
 */
#define DRM_VPRIME_PARAM_MAX_SEGMENT	6
/**
 * DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS - age at which a fence signals by itself, in
 * milliseconds
 */
#define DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS	7

/**
 * struct drm_vprime_get_param - get a parameter of the GPU
 *
 * Argument of DRM_IOCTL_VPRIME_GET_PARAM.
 *
 * Errors:
 *
 *  - EINVAL: @param is not defined, or @pad is not 0.
 */
struct drm_vprime_get_param {
	/** @param: in: DRM_VPRIME_PARAM_* */
	__u32 param;
	/** @pad: in: must be 0 */
	__u32 pad;
	/** @value: out: the parameter's value */
	__u64 value;
};

#define DRM_IOCTL_VPRIME_FENCE_ATTACH \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VPRIME_FENCE_ATTACH, \
		 struct drm_vprime_fence_attach)
#define DRM_IOCTL_VPRIME_FENCE_SIGNAL \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VPRIME_FENCE_SIGNAL, \
		struct drm_vprime_fence_signal)
#define DRM_IOCTL_VPRIME_GEM_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VPRIME_GEM_CREATE, \
		 struct drm_vprime_gem_create)
#define DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VPRIME_GEM_MMAP_OFFSET, \
		 struct drm_vprime_gem_mmap_offset)
#define DRM_IOCTL_VPRIME_GEM_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VPRIME_GEM_INFO, \
		 struct drm_vprime_gem_info)
#define DRM_IOCTL_VPRIME_GET_PARAM \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VPRIME_GET_PARAM, \
		 struct drm_vprime_get_param)
#define DRM_IOCTL_VPRIME_GEM_PEEK \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VPRIME_GEM_PEEK, \
		struct drm_vprime_gem_access)
#define DRM_IOCTL_VPRIME_GEM_POKE \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VPRIME_GEM_POKE, \
		struct drm_vprime_gem_access)
#define DRM_IOCTL_VPRIME_GEM_WAIT \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VPRIME_GEM_WAIT, \
		struct drm_vprime_gem_wait)
#define DRM_IOCTL_VPRIME_TIMELINE_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VPRIME_TIMELINE_CREATE, \
		 struct drm_vprime_timeline_create)
#define DRM_IOCTL_VPRIME_TIMELINE_DESTROY \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VPRIME_TIMELINE_DESTROY, \
		struct drm_vprime_timeline_destroy)
#define DRM_IOCTL_VPRIME_TIMELINE_SIGNAL \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VPRIME_TIMELINE_SIGNAL, \
		struct drm_vprime_timeline_signal)
#define DRM_IOCTL_VPRIME_FENCE_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VPRIME_FENCE_CREATE, \
		 struct drm_vprime_fence_create)

#if defined(__cplusplus)
}
#endif

#endif /* _UAPI_VPRIME_DRM_H_ */
