/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * vprime - virtual GPUs for sharing buffers and synchronising on them
 *
 * What programs see. Every ioctl here may be called on a primary node and on a
 * render node, without authentication. Beside these, a vprime node answers the
 * DRM core's own ioctls: PRIME both ways, syncobj and timeline syncobj, and the
 * dumb-buffer ioctls, which on vprime work on render nodes too.
 *
 * Rules that hold for every ioctl here:
 *
 *  - a flag bit that is not defined, and padding that is not zero, is EINVAL;
 *  - an argument pointer that cannot be read or written is EFAULT. An ioctl whose
 *    answer cannot be written has been carried out, as with the DRM core's own:
 *    an object that it made stays until the file is closed, a fence until it
 *    signals. Only descriptors are not given;
 *  - a handle that is not this file's is ENOENT;
 *  - when the GPU behind the file has been unplugged, every ioctl is ENODEV;
 *  - an ioctl that fails otherwise changes nothing, unless its description says
 *    more.
 *
 * Fences. A program makes them, and says when they signal; whoever shares the
 * buffer, or has the sync_file, waits meanwhile. Nobody waits for ever: a fence
 * that its maker does not signal does so by itself, with the error
 *
 *  - ETIMEDOUT when it is as old as DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS says,
 *  - ECANCELED when the file it was made through is closed for the last time
 *    (the program may have been killed), or its timeline destroyed,
 *  - ENODEV when the GPU is unplugged.
 *
 * The ioctls about timelines are EOPNOTSUPP when the module was loaded with
 * user_fences=0.
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

/** DRM_VPRIME_FENCE_WRITE - the fence is of somebody who writes the buffer */
#define DRM_VPRIME_FENCE_WRITE		(1u << 0)

/**
 * struct drm_vprime_fence_attach - make a fence and put it on a buffer
 *
 * Number, structure and meaning are those of vgem's DRM_IOCTL_VGEM_FENCE_ATTACH,
 * so that programs made for vgem work. From now until the fence signals the
 * buffer is busy for everybody who shares it, on any device and in any driver:
 * for writers, and with DRM_VPRIME_FENCE_WRITE for readers too. The buffer may
 * be an imported one, of vprime or of another driver.
 *
 * EINVAL: a flag that is not defined, or padding that is not 0. ENOENT: no such
 * handle. EBUSY: the buffer has a fence that conflicts: of a writer, or with
 * DRM_VPRIME_FENCE_WRITE any that others have to mind. EINTR: a signal came
 * while somebody else had the buffer locked. ENOMEM.
 */
struct drm_vprime_fence_attach {
	/** @handle: in: the buffer's handle */
	__u32 handle;
	/** @flags: in: 0 for a reader's fence, or DRM_VPRIME_FENCE_WRITE */
	__u32 flags;
	/**
	 * @fence: out: the fence's id in this file, never 0, for
	 * DRM_IOCTL_VPRIME_FENCE_SIGNAL; not given again for long after
	 */
	__u32 fence;
	/** @pad: in: must be 0 */
	__u32 pad;
};

/**
 * struct drm_vprime_fence_signal - signal a fence that was put on a buffer
 *
 * Number, structure and meaning are vgem's. The id is used up by it.
 *
 * EINVAL: @flags is not 0. ENOENT: this file has no such fence: it was never
 * given out, or to another file, or has been signalled. ETIMEDOUT: the fence
 * had signalled by itself, because it was not signalled in time; the id is used
 * up.
 */
struct drm_vprime_fence_signal {
	/** @fence: in: what DRM_IOCTL_VPRIME_FENCE_ATTACH gave */
	__u32 fence;
	/** @flags: in: must be 0, none are defined */
	__u32 flags;
};

/**
 * struct drm_vprime_gem_create - make a buffer on this GPU
 *
 * The buffer is zero when it is first read. No page of it exists before the
 * page is touched, so creating one costs no memory to speak of; touching it
 * when memory has run out is SIGBUS.
 *
 * EINVAL: @size is 0 or so large that no file could have it (above 2^63 - 1
 * after rounding up), or @flags is not 0. ENOMEM: @size is more than
 * DRM_VPRIME_PARAM_MAX_SIZE, or the kernel has no memory for its own part.
 */
struct drm_vprime_gem_create {
	/**
	 * @size: in: bytes, at least 1. out: bytes, rounded up to whole pages.
	 * Not written when the ioctl fails.
	 */
	__u64 size;
	/** @flags: in: must be 0, none are defined */
	__u32 flags;
	/** @handle: out: the new buffer's handle in this file, never 0 */
	__u32 handle;
};

/**
 * struct drm_vprime_gem_mmap_offset - where in this file to mmap a buffer
 *
 * The offset goes to mmap(2) on the file the ioctl was called on. It stays the
 * same for as long as the buffer has a handle on this GPU, and works for
 * imported buffers as well. Mappings begin at the buffer's beginning (a greater
 * offset is EINVAL), and must be MAP_SHARED (a private one is
 * EINVAL, one that reaches beyond the buffer is EINVAL too). One that can be
 * written, of a buffer that is DRM_VPRIME_INFO_READ_ONLY, is reported in the
 * kernel log and EACCES, and one that cannot never becomes one that can (both
 * unless the module's enforce_read_only is 0); one of a buffer that was revoked
 * is ENODEV. They keep the buffer alive by themselves, when the handle is closed
 * and when the GPU is unplugged. A mapping of 2 MiB or more for which the program names no address
 * gets one that huge pages can be mapped at.
 *
 * ENOMEM: the kernel has no memory, or no offset, left for it.
 */
struct drm_vprime_gem_mmap_offset {
	/** @handle: in: the buffer's handle */
	__u32 handle;
	/** @pad: in: must be 0 */
	__u32 pad;
	/** @offset: out: what to pass to mmap(2) as offset, in bytes */
	__u64 offset;
};

/** DRM_VPRIME_INFO_IMPORTED - this GPU's view came in through PRIME */
#define DRM_VPRIME_INFO_IMPORTED	(1u << 0)
/** DRM_VPRIME_INFO_EXPORTED - a dma-buf file of the buffer is alive */
#define DRM_VPRIME_INFO_EXPORTED	(1u << 1)
/** DRM_VPRIME_INFO_FOREIGN - the memory belongs to another driver */
#define DRM_VPRIME_INFO_FOREIGN		(1u << 2)
/**
 * DRM_VPRIME_INFO_REVOKED - the memory was taken away from everybody: touching
 * a mapping raises SIGBUS, and whatever would lead to it anew is ENODEV
 */
#define DRM_VPRIME_INFO_REVOKED		(1u << 3)
/**
 * DRM_VPRIME_INFO_READ_ONLY - this file has the buffer only through a dma-buf
 * that was exported without DRM_RDWR. Writing to it is reported as a breach of
 * the contract, and refused unless the module's enforce_read_only is 0.
 */
#define DRM_VPRIME_INFO_READ_ONLY	(1u << 4)

/** DRM_VPRIME_NAME_LEN - room for a name, with the NUL that ends it */
#define DRM_VPRIME_NAME_LEN		32

/**
 * struct drm_vprime_gem_info - what is known of a buffer
 *
 * A snapshot: other processes may attach and detach while it is taken.
 */
struct drm_vprime_gem_info {
	/** @handle: in: the buffer's handle */
	__u32 handle;
	/** @pad: in: must be 0 */
	__u32 pad;
	/** @size: out: bytes */
	__u64 size;
	/**
	 * @resident: out: bytes of memory that exist for the buffer now. It
	 * comes in folios, which are pages or larger as the kernel sees fit:
	 * touching one byte makes the folio around it, from a page up to a
	 * huge page or the whole buffer. 0 before the first touch, and for a
	 * buffer of another driver, which does not tell.
	 */
	__u64 resident;
	/**
	 * @attached_gpus: out: which vprime GPUs have the buffer; bit n is the
	 * GPU whose DRM_VPRIME_PARAM_GPU_INDEX is n
	 */
	__u64 attached_gpus;
	/** @attached: out: how many devices have it, those of others too */
	__u32 attached;
	/** @flags: out: DRM_VPRIME_INFO_* */
	__u32 flags;
	/**
	 * @origin: out: where it was allocated, ended by NUL: a vprime GPU's
	 * name ("vprime0"), or for another driver's the name that driver gave
	 * its dma-buf ("drm", "virtio_gpu"), cut to fit
	 */
	char origin[DRM_VPRIME_NAME_LEN];
	/**
	 * @id: out: the buffer's number, the same on every GPU; no other buffer
	 * has had it since the module was loaded. Lists and logs name buffers
	 * by it.
	 */
	__u64 id;
};

/**
 * struct drm_vprime_gem_access - the GPU reads or writes a buffer
 *
 * For DRM_IOCTL_VPRIME_GEM_PEEK, by which the GPU reads and the program gets
 * what it saw, and for DRM_IOCTL_VPRIME_GEM_POKE, by which the GPU writes what
 * the program gives. The bytes go where a job's would: through the GPU's own
 * mapping of the buffer, which is made at the first such call, after the
 * fences that are on the buffer (a peek waits for writers, a poke for all).
 * A GPU with coherent=0 does not see what is in the CPU's caches, nor the CPU
 * what the GPU wrote, before a DMA_BUF_IOCTL_SYNC.
 *
 * Large ones are done in pieces, and other users of the buffer may come in
 * between. When one fails in its middle, the pieces before have been done, and
 * also a failed one may have made the buffer's pages and mapping.
 *
 * EINVAL: @size is 0, or the range is not within the buffer, or @flags is not
 * 0. EFAULT: @data. EACCES: a poke into a buffer that is
 * DRM_VPRIME_INFO_READ_ONLY, unless the module's enforce_read_only is 0. ENODEV:
 * the buffer has been revoked. EBUSY: the memory is out of the GPU's reach
 * (dma_bits), and another device has pinned it where it is, or fence after fence
 * is put on it; or its exporter moves it again and again. EOPNOTSUPP: the memory
 * is another driver's, and none that the CPU can play the GPU on. EINTR: a signal
 * came while it waited. ENOMEM.
 */
struct drm_vprime_gem_access {
	/** @handle: in: the buffer's handle */
	__u32 handle;
	/** @flags: in: must be 0, none are defined */
	__u32 flags;
	/** @offset: in: where in the buffer, in bytes */
	__u64 offset;
	/** @size: in: bytes, at least 1 */
	__u64 size;
	/** @data: in: pointer to the program's memory of @size bytes */
	__u64 data;
};

/** DRM_VPRIME_WAIT_WRITE - wait until the buffer could be written */
#define DRM_VPRIME_WAIT_WRITE		(1u << 0)

/**
 * struct drm_vprime_gem_wait - wait until a buffer may be used
 *
 * Waits for the fences of those who write the buffer, and with
 * DRM_VPRIME_WAIT_WRITE for those of its readers too; whatever device or driver
 * they are of. Fences that come while it waits are not waited for. How they
 * signal, with an error or without, does not matter.
 *
 * EINVAL: a flag that is not defined. ENOENT: no such handle. ETIME: the time
 * came, and the buffer is busy. EINTR: a signal came; the call can be made again
 * with the same argument, and the kernel does that by itself where the signal's
 * handler was installed with SA_RESTART.
 */
struct drm_vprime_gem_wait {
	/** @handle: in: the buffer's handle */
	__u32 handle;
	/** @flags: in: 0, or DRM_VPRIME_WAIT_WRITE */
	__u32 flags;
	/**
	 * @timeout_ns: in: until when, in nanoseconds of CLOCK_MONOTONIC; a time
	 * that has passed, 0 and all that is negative too, asks without waiting.
	 * INT64_MAX is never.
	 */
	__s64 timeout_ns;
};

/**
 * struct drm_vprime_timeline_create - make a timeline
 *
 * A line of fences, numbered from 1, that signal in the order they were made
 * in. It belongs to the file, and goes with it.
 *
 * EINVAL: @flags is not 0, or @name is empty, not ended by NUL, or has other
 * than printable ASCII characters. ENOMEM.
 */
struct drm_vprime_timeline_create {
	/** @name: in: what it is for, ended by NUL; lists show it */
	char name[DRM_VPRIME_NAME_LEN];
	/** @flags: in: must be 0, none are defined */
	__u32 flags;
	/** @timeline: out: its handle in this file, never 0 */
	__u32 timeline;
};

/**
 * struct drm_vprime_timeline_destroy - destroy a timeline
 *
 * Fences that have not signalled do, with the error ECANCELED.
 *
 * EINVAL: @pad is not 0. ENOENT: no such timeline in this file.
 */
struct drm_vprime_timeline_destroy {
	/** @timeline: in: its handle */
	__u32 timeline;
	/** @pad: in: must be 0 */
	__u32 pad;
};

/**
 * struct drm_vprime_fence_create - make the next fence of a timeline
 *
 * The fence comes as a sync_file, which poll(2) waits for, and which goes into
 * whatever takes one: DMA_BUF_IOCTL_IMPORT_SYNC_FILE, a syncobj, another driver.
 *
 * EINVAL: @flags or @pad is not 0. ENOENT: no such timeline in this file.
 * EMFILE, ENFILE: no descriptor left. ENOMEM.
 */
struct drm_vprime_fence_create {
	/** @timeline: in: the timeline's handle */
	__u32 timeline;
	/** @flags: in: must be 0, none are defined */
	__u32 flags;
	/** @seqno: out: the fence's number on the timeline */
	__u64 seqno;
	/** @fd: out: the sync_file, closed on exec */
	__s32 fd;
	/** @pad: in: must be 0 */
	__u32 pad;
};

/** DRM_VPRIME_MAX_ERROR - the highest errno that a fence can signal with */
#define DRM_VPRIME_MAX_ERROR	511

/**
 * struct drm_vprime_timeline_signal - signal the fences of a timeline
 *
 * All up to and including @seqno that have not signalled do now, in their order.
 *
 * EINVAL: @error is neither 0 nor a negative errno, down to
 * -DRM_VPRIME_MAX_ERROR: other drivers pass it on to programs, and from 512 on
 * the numbers are the kernel's own. ENOENT: no such timeline in this file, or no
 * fence of that number was made on it. EALREADY: this fence has been signalled
 * before. ETIMEDOUT: it had signalled by itself, because it was not signalled in
 * time; once for each such fence, and those before it, after that it is EALREADY.
 */
struct drm_vprime_timeline_signal {
	/** @timeline: in: the timeline's handle */
	__u32 timeline;
	/**
	 * @error: in: 0, or the negative errno that all these fences signal
	 * with, for whoever asks how the work went
	 */
	__s32 error;
	/** @seqno: in: the last fence to signal, 1 or more */
	__u64 seqno;
};

/** DRM_VPRIME_PARAM_GPU_INDEX - which GPU this is: the N of its name vprimeN */
#define DRM_VPRIME_PARAM_GPU_INDEX	0
/** DRM_VPRIME_PARAM_MAX_SIZE - the largest buffer, in bytes: all of memory */
#define DRM_VPRIME_PARAM_MAX_SIZE	1
/** DRM_VPRIME_PARAM_PAGE_SIZE - sizes are rounded up to this, in bytes */
#define DRM_VPRIME_PARAM_PAGE_SIZE	2
/**
 * DRM_VPRIME_PARAM_HUGE_PAGE_SIZE - pages of this size, in bytes, are used
 * inside buffers that are large enough; 0 where the kernel has none
 */
#define DRM_VPRIME_PARAM_HUGE_PAGE_SIZE	3
/** DRM_VPRIME_PARAM_COHERENT - 1 when the GPU sees the CPU's caches, else 0 */
#define DRM_VPRIME_PARAM_COHERENT	4
/** DRM_VPRIME_PARAM_DMA_BITS - how many bits the GPU's addresses have */
#define DRM_VPRIME_PARAM_DMA_BITS	5
/** DRM_VPRIME_PARAM_MAX_SEGMENT - longest entry of its DMA tables, in bytes */
#define DRM_VPRIME_PARAM_MAX_SEGMENT	6
/** DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS - when fences signal by themselves */
#define DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS	7

/**
 * struct drm_vprime_get_param - ask for a property of this GPU
 *
 * EINVAL: no such parameter.
 */
struct drm_vprime_get_param {
	/** @param: in: DRM_VPRIME_PARAM_* */
	__u32 param;
	/** @pad: in: must be 0 */
	__u32 pad;
	/** @value: out */
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
