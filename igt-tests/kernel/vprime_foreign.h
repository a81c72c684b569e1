/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of /dev/vprime_foreign: see foreign/main.c. For tests only, so
 * nothing here is promised to anybody.
 *
 * In all of them padding must be 0, and a descriptor is one of a dma-buf, of
 * whatever driver where not said otherwise. Numbers that an ioctl gives out
 * (of attachments, kernel mappings, fences) hold in the same open file only,
 * and are ENOENT elsewhere.
 */
#ifndef VPRIME_FOREIGN_H
#define VPRIME_FOREIGN_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VP_FOREIGN_NAME		"vprime_foreign"
/* The device that imports, as it is called in logs and lists. */
#define VP_FOREIGN_DEVICE	"vprime-foreign"

/* ---- the importer ------------------------------------------------------- */

/*
 * What an attachment does when it is told that memory moves. An obedient one
 * (none of these) drops its mapping at once. All map again at the next access
 * but the stubborn one, whose accesses are ESTALE from then on.
 */
/* Drops it some time after being told; the module's delay_ms says when. */
#define VP_FOREIGN_LAZY		(1u << 0)
/* Does nothing: only UNMAP, DETACH and closing the file drop its mapping. */
#define VP_FOREIGN_STUBBORN	(1u << 1)
/* Cannot be told at all. */
#define VP_FOREIGN_STATIC	(1u << 2)

/* Get a place at a buffer. Nothing is mapped by us before MAP or an access. */
struct vp_foreign_attach {
	__s32 fd;	/* in */
	__u32 flags;	/* in: at most one of the above */
	__u32 id;	/* out: never 0 */
	__u32 pad;
};

/* As the kernel counts them. */
#define VP_FOREIGN_BIDIRECTIONAL	0
#define VP_FOREIGN_TO_DEVICE		1
#define VP_FOREIGN_FROM_DEVICE		2

/* Map it now, and from now on for this direction. EBUSY when it is mapped. */
struct vp_foreign_map {
	__u32 id;
	__u32 direction;
};

/* What takes a number and nothing else. */
struct vp_foreign_id {
	__u32 id;
	__u32 pad;
};

/*
 * The device reads, or writes: bytes at the DMA addresses of its mapping, after
 * waiting for the fences that the access conflicts with. All or nothing.
 * EINVAL: size 0, more than VP_FOREIGN_MAX_ACCESS, or beyond the buffer;
 * EACCES: the direction it is mapped for does not allow it.
 */
struct vp_foreign_access {
	__u32 id;
	__u32 pad;
	__u64 offset;
	__u64 size;
	__u64 data;	/* pointer */
};

#define VP_FOREIGN_MAX_ACCESS	(16u << 20)

#define VP_FOREIGN_IS_MAPPED	(1u << 0)
/* Mapped, and told after that. */
#define VP_FOREIGN_IS_STALE	(1u << 1)

struct vp_foreign_state {
	__u32 id;		/* in */
	__u32 flags;		/* out: VP_FOREIGN_IS_* */
	__u32 told;		/* out: how often it was told to move */
	__u32 generation;	/* out: how often it has mapped */
	__u32 pins;		/* out */
	__u32 pad;
};

/* ENXIO when it is not mapped. */
struct vp_foreign_address {
	__u32 id;		/* in */
	__u32 pad;
	__u64 offset;		/* in: of a byte in the buffer */
	__u64 address;		/* out: where the device finds it */
};

/* ---- kernel mappings of any dma-buf ------------------------------------- */

struct vp_foreign_vmap {
	__s32 fd;	/* in */
	__u32 id;	/* out: for VUNMAP */
};

/* ---- the exporter ------------------------------------------------------- */

/* Can be pinned, told to move, and only pinned memory cannot. */
#define VP_FOREIGN_DYNAMIC	(1u << 0)
#define VP_FOREIGN_NO_MMAP	(1u << 1)
#define VP_FOREIGN_NO_VMAP	(1u << 2)
/* Hands out the CPU's addresses, whatever the importer reaches. */
#define VP_FOREIGN_DEAF		(1u << 3)
/*
 * Only with VP_FOREIGN_DYNAMIC: mapping makes it move the memory, which takes
 * VP_FOREIGN_LATE_MS, and until then it has a fence of usage KERNEL on it.
 */
#define VP_FOREIGN_LATE		(1u << 4)
#define VP_FOREIGN_LATE_MS	2000

#define VP_FOREIGN_MAX_SIZE	(64u << 20)

struct vp_foreign_export {
	__u64 size;	/* in: bytes, at most the above */
	__u32 flags;	/* in */
	__s32 fd;	/* out: O_RDWR, O_CLOEXEC */
};

enum vp_foreign_step {
	VP_FOREIGN_FAIL_ATTACH,
	VP_FOREIGN_FAIL_MAP,
	VP_FOREIGN_FAIL_VMAP,
	VP_FOREIGN_FAIL_MMAP,
	VP_FOREIGN_FAIL_BEGIN,	/* begin_cpu_access */
	VP_FOREIGN_FAIL_PIN,
	VP_FOREIGN_FAIL_STEPS,
};

/*
 * Let a step fail for one of our buffers. Beware: the kernel's own
 * dma_buf_vmap() WARNs, once, when an exporter's vmap fails.
 */
struct vp_foreign_fail {
	__s32 fd;
	__u32 step;
	__u32 error;	/* an errno, positive */
	__u32 count;	/* how often: 0 never, ~0 always */
};

/* What takes a descriptor and nothing else. */
struct vp_foreign_fd {
	__s32 fd;
	__u32 pad;
};

/* Of one of our buffers, from its exporter's side. */
struct vp_foreign_buffer {
	__s32 fd;		/* in */
	__u32 attachments;	/* out: and so on */
	__u32 maps;
	__u32 pins;
	__u32 vmaps;
	__u32 accesses;		/* CPU accesses begun and not ended */
	__u32 moves;
	__u32 pad;
	/* What the device that attached last has said of itself. */
	__u64 dma_mask;		/* out */
	__u64 max_segment;	/* out: bytes */
};

/* ---- fences ------------------------------------------------------------- */

#define VP_FOREIGN_USAGE_KERNEL		0
#define VP_FOREIGN_USAGE_WRITE		1
#define VP_FOREIGN_USAGE_READ		2
#define VP_FOREIGN_USAGE_BOOKKEEP	3

#define VP_FOREIGN_MAX_TIMEOUT_MS	60000u

/*
 * Put an unsignalled fence onto a buffer. SIGNAL, closing the file or the
 * timeout signals it, whichever is first.
 */
struct vp_foreign_fence {
	__s32 fd;		/* in */
	__u32 usage;		/* in: as above */
	__u32 timeout_ms;	/* in: 1 to VP_FOREIGN_MAX_TIMEOUT_MS */
	__u32 id;		/* out: for SIGNAL */
};

#define VP_FOREIGN_ATTACH	_IOWR('v', 0, struct vp_foreign_attach)
/* Unmaps and unpins before it detaches. */
#define VP_FOREIGN_DETACH	_IOW('v', 1, struct vp_foreign_id)
#define VP_FOREIGN_MAP		_IOW('v', 2, struct vp_foreign_map)
/* ENXIO when it is not mapped. */
#define VP_FOREIGN_UNMAP	_IOW('v', 3, struct vp_foreign_id)
/* EOPNOTSUPP for static ones. Calls nest. */
#define VP_FOREIGN_PIN		_IOW('v', 4, struct vp_foreign_id)
/* ENXIO when it is not pinned. */
#define VP_FOREIGN_UNPIN	_IOW('v', 5, struct vp_foreign_id)
#define VP_FOREIGN_READ		_IOW('v', 6, struct vp_foreign_access)
#define VP_FOREIGN_WRITE	_IOW('v', 7, struct vp_foreign_access)
#define VP_FOREIGN_STATE	_IOWR('v', 8, struct vp_foreign_state)
#define VP_FOREIGN_VMAP		_IOWR('v', 9, struct vp_foreign_vmap)
#define VP_FOREIGN_VUNMAP	_IOW('v', 10, struct vp_foreign_id)
#define VP_FOREIGN_EXPORT	_IOWR('v', 11, struct vp_foreign_export)
/* Our buffers only, as the two below; EINVAL for others. */
#define VP_FOREIGN_FAIL		_IOW('v', 12, struct vp_foreign_fail)
/*
 * Tells the importers, unless one has pinned it, then moves to other pages.
 * EBUSY: it is pinned, or still mapped; EOPNOTSUPP: not a dynamic one.
 */
#define VP_FOREIGN_MOVE		_IOW('v', 13, struct vp_foreign_fd)
#define VP_FOREIGN_BUFFER	_IOWR('v', 14, struct vp_foreign_buffer)
#define VP_FOREIGN_ADD_FENCE	_IOWR('v', 15, struct vp_foreign_fence)
#define VP_FOREIGN_SIGNAL	_IOW('v', 16, struct vp_foreign_id)
#define VP_FOREIGN_ADDRESS	_IOWR('v', 17, struct vp_foreign_address)

#endif /* VPRIME_FOREIGN_H */
