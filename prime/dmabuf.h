/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dma-buf core: one shared buffer, and the places devices have at it.
 */
#ifndef VP_PRIME_DMABUF_H
#define VP_PRIME_DMABUF_H

#include <linux/dma-direction.h>
#include <linux/dma-resv.h>
#include <linux/iosys-map.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "prime/contract.h"
#include "prime/cpu_access.h"

struct device;
struct dma_buf;
struct sg_table;
struct vm_area_struct;
struct vp_attachment;
struct vp_dmabuf;
struct vp_mapping;

/* Room for an exporter's name, with the NUL that ends it. */
#define VP_DMABUF_NAME_LEN	32

/**
 * struct vp_dmabuf_ops - what an exporter does for its buffers
 *
 * "Locked" below means that the buffer's reservation lock is held when the
 * callback runs, "unlocked" that it is not. Callbacks may sleep.
 */
struct vp_dmabuf_ops {
	/**
	 * @attach: optional, unlocked. A device is about to get a place at the
	 * buffer; the exporter may refuse with an errno, and may keep something
	 * of its own in &vp_attachment.exporter_priv.
	 */
	int (*attach)(struct vp_dmabuf *buf, struct vp_attachment *attach);

	/** @detach: optional, unlocked. Undoes @attach; nothing is mapped. */
	void (*detach)(struct vp_dmabuf *buf, struct vp_attachment *attach);

	/**
	 * @reach: optional, locked. Puts the memory where the attachment's
	 * device reaches it, before it is pinned or mapped. Returns 0; -EAGAIN
	 * when that is a device that the CPU plays, and it is to wait first
	 * until the buffer is idle; or as vp_dmabuf_move_locked().
	 */
	int (*reach)(struct vp_attachment *attach);

	/**
	 * @pin: optional, locked. The memory may not move until @unpin. Calls
	 * nest. Without it the exporter's memory never moves by itself.
	 */
	int (*pin)(struct vp_attachment *attach);

	/** @unpin: required with @pin, locked. */
	void (*unpin)(struct vp_attachment *attach);

	/**
	 * @map: required, locked. Makes the memory exist that the device may
	 * reach by @dir, and lets the device reach it. Allocates the mapping,
	 * zeroed but for &vp_mapping.sgt; returns it, or an ERR_PTR.
	 */
	struct vp_mapping *(*map)(struct vp_attachment *attach,
				  enum dma_data_direction dir);

	/** @unmap: required, locked. Nobody uses the mapping: frees it. */
	void (*unmap)(struct vp_mapping *mapping);

	/**
	 * @populate: optional, locked or not. Makes some bytes exist, which read
	 * as zeroes until then. Returns 0, -ENOMEM, -ENODEV when the buffer has
	 * been revoked, or -EINTR when the process is being killed.
	 */
	int (*populate)(struct vp_dmabuf *buf, size_t offset, size_t size);

	/**
	 * @access: optional. A device that the CPU plays reads or writes bytes
	 * that have been populated, through its mapping. On the way to a
	 * fence's signal: takes no reservation lock and allocates nothing.
	 */
	int (*access)(struct vp_mapping *mapping, size_t offset, void *data,
		      size_t size, bool write);

	/**
	 * @begin_cpu_access: optional, unlocked. The CPU is about to look:
	 * whatever devices wrote must be visible to it. Fences have been
	 * waited for. An exporter whose memory the CPU cannot reach brings the
	 * data to where it can.
	 */
	int (*begin_cpu_access)(struct vp_dmabuf *buf,
				enum dma_data_direction dir);

	/** @end_cpu_access: optional, unlocked. The reverse of the above. */
	int (*end_cpu_access)(struct vp_dmabuf *buf,
			      enum dma_data_direction dir);

	/**
	 * @mmap: optional, unlocked, mmap lock held. For an exporter that sets
	 * up CPU mappings in a way of its own; others have @fault instead, or
	 * cannot be mapped. Bounds and flags have been checked.
	 */
	int (*mmap)(struct vp_dmabuf *buf, struct vm_area_struct *vma,
		    unsigned long pgoff);

	/**
	 * @fault: optional, locked. Puts the buffer's page @pgoff, and more
	 * where it is cheap, at the place of the fault: as the CPU sees it, or
	 * as the devices do. Returns 0 when it has to be populated first.
	 */
	vm_fault_t (*fault)(struct vp_dmabuf *buf, struct vm_fault *vmf,
			    unsigned long pgoff, bool for_cpu);

	/**
	 * @vmap: optional, locked. One kernel mapping of the whole buffer; the
	 * core counts users and asks once.
	 */
	int (*vmap)(struct vp_dmabuf *buf, struct iosys_map *map);

	/** @vunmap: required with @vmap, locked. */
	void (*vunmap)(struct vp_dmabuf *buf, struct iosys_map *map);

	/**
	 * @move: optional, locked. Puts the memory elsewhere, with what is in
	 * it. All fences have signalled, nobody has a pin or a kernel mapping,
	 * and everybody has been told. A device that keeps its old mapping all
	 * the same may go on reading the old memory until @unmap, so that has
	 * to stay as long. Returns 0 or an errno, with the memory where it was.
	 */
	int (*move)(struct vp_dmabuf *buf);

	/**
	 * @revoke: optional, locked, once. Nobody can reach the memory any
	 * more, and nobody will: it can be freed.
	 */
	void (*revoke)(struct vp_dmabuf *buf);

	/** @resident: optional, any context. How many bytes exist now. */
	size_t (*resident)(struct vp_dmabuf *buf);

	/**
	 * @release: required, unlocked. The last reference is gone: no file,
	 * no attachment, no mapping. Frees the memory, and what @buf is in.
	 */
	void (*release)(struct vp_dmabuf *buf);
};

/**
 * struct vp_importer_ops - what an importer offers the core
 */
struct vp_importer_ops {
	/**
	 * @emulated: whether the CPU plays the device, by vp_dmabuf_access():
	 * its mappings need no DMA addresses
	 */
	bool emulated;

	/**
	 * @noncoherent: whether the device, which the CPU plays, does not see
	 * what is in the CPU's caches
	 */
	bool noncoherent;

	/**
	 * @revocable: whether a pin is given up when the importer is told
	 */
	bool revocable;

	/**
	 * @invalidate_mappings: optional, locked. The memory is about to move,
	 * or to be taken away: drop the device's mappings with
	 * vp_dmabuf_unmap_attachment(), now or as soon as the device is done
	 * with what it has begun, and map again at the next use. Having it
	 * makes the importer's mappings movable; without it every mapping
	 * pins.
	 */
	void (*invalidate_mappings)(struct vp_attachment *attach);

	/**
	 * @zap_cpu_mappings: optional, locked. Tear down the CPU mappings that
	 * were made through this device, so that the next touch faults.
	 */
	void (*zap_cpu_mappings)(struct vp_attachment *attach);
};

/**
 * struct vp_attachment - one device's place at a buffer
 *
 * Importers embed it in a structure of their own, zeroed before the attach.
 *
 * @buf: the buffer, on which the attachment holds a reference; NULL while it
 *	is not attached
 * @dev: the device; whoever attached keeps it alive until detach
 * @ops: the importer's callbacks, NULL for one that has none
 * @exporter_priv: the exporter's own
 * @node: in &vp_dmabuf.attachments
 * @mappings: the device's &struct vp_mapping
 * @pins: how often the importer has pinned through this attachment
 *
 * Everything from @node on is guarded by the buffer's reservation lock.
 */
struct vp_attachment {
	struct vp_dmabuf *buf;
	struct device *dev;
	const struct vp_importer_ops *ops;
	void *exporter_priv;

	struct list_head node;
	struct list_head mappings;
	unsigned int pins;
};

/**
 * struct vp_mapping - a device's way to a buffer's memory
 *
 * Exporters embed it in a structure of their own. What it leads to stays as long
 * as it is there, wherever the buffer's memory moves meanwhile.
 *
 * @attach: whose it is
 * @sgt: the DMA addresses; NULL for a device that the CPU plays, if its exporter
 *	needs none
 * @users: the importer, until it unmaps, and each access that is under way
 *
 * @node: in &vp_attachment.mappings
 * @dir: who reads and who writes
 * @pinned: whether it holds a pin of its own
 * @stale: whether the importer has been told to drop it
 * @unmapped: whether it has, and only accesses use it
 *
 * Everything from @node on is guarded by the buffer's reservation lock.
 */
struct vp_mapping {
	struct vp_attachment *attach;
	struct sg_table *sgt;
	refcount_t users;

	struct list_head node;
	enum dma_data_direction dir;
	bool pinned;
	bool stale;
	bool unmapped;
};

/**
 * struct vp_dmabuf - one shared buffer
 *
 * Exporters embed it in a structure of their own, which release frees.
 *
 * @ref: handles, files, mappings and attachments keep it
 * @id: a number that no other buffer has had
 * @registered: in the registry, guarded by its lock
 * @size: in bytes, whole pages
 * @ops: the exporter's callbacks
 * @resv: the reservation object: &own_resv, or the foreign exporter's
 * @own_resv: used unless the exporter brought one
 * @attachments: the &struct vp_attachment of this buffer; guarded by @resv
 * @attached: how many those are; guarded by @resv
 * @pins: how often the buffer is pinned, over all attachments; guarded by @resv
 * @mapped: how many mappings devices have; written under @resv, read without
 * @vmap_users: users of @vmap_ptr; guarded by @resv
 * @vmap_ptr: the one kernel mapping; guarded by @resv
 * @revoked: whether the memory has been taken away for good; written under
 *	@resv, read without
 * @reclaimed: whether the exporter has been told that it can free what was
 *	revoked; guarded by @resv
 * @foreign: the kernel's buffer that this one wraps, on which it holds a
 *	reference; NULL when the memory is vprime's
 * @enforce_read_only: whether who got the buffer to read is kept from writing it;
 *	NULL when nobody looks at that. The exporter may set it.
 * @lock: guards what stands below it, see there
 * @exported: the kernel's face of this buffer; weak, cleared when that goes
 * @cpu_begins: begins of CPU accesses, less the ends
 * @cpu_accesses: how many are in @open_accesses
 * @open_accesses: the &struct vp_cpu_access that are open, oldest first; as all
 *	that follows, only in a build with the watch
 * @spare_access: one for the next begin, or NULL
 * @violations: the breaches on this buffer, NULL until there is one; set once,
 *	without a lock
 * @name: who allocated it: the device, or what a foreign driver calls itself
 */
struct vp_dmabuf {
	struct kref ref;
	u64 id;
	struct list_head registered;
	size_t size;
	const struct vp_dmabuf_ops *ops;
	struct dma_resv *resv;
	struct dma_resv own_resv;

	struct list_head attachments;
	unsigned int attached;
	unsigned int pins;
	unsigned int mapped;
	bool revoked;
	bool reclaimed;
	unsigned int vmap_users;
	struct iosys_map vmap_ptr;

	struct dma_buf *foreign;
	const bool *enforce_read_only;

	/*
	 * Guards @exported and what there is of CPU accesses. The pointer
	 * @exported holds no reference, so it is followed only under this lock,
	 * which the release of the kernel's buffer takes before that memory can
	 * go.
	 */
	spinlock_t lock;
	struct dma_buf *exported;
	u64 cpu_begins;
	unsigned int cpu_accesses;
#ifdef VP_WATCH
	struct list_head open_accesses;
	struct vp_cpu_access *spare_access;
	struct vp_violations *violations;
#endif

	char name[VP_DMABUF_NAME_LEN];
};

/**
 * struct vp_dmabuf_export_info - what an exporter says of a new buffer
 * @name: who allocates it; copied
 * @ops: the exporter's callbacks
 * @size: bytes, whole pages, not 0
 * @resv: a reservation object that outlives the buffer, or NULL for its own
 * @foreign: the kernel's dma-buf that the buffer wraps, or NULL
 */
struct vp_dmabuf_export_info {
	const char *name;
	const struct vp_dmabuf_ops *ops;
	size_t size;
	struct dma_resv *resv;
	struct dma_buf *foreign;
};

#define DEFINE_VP_DMABUF_EXPORT_INFO(info) \
	struct vp_dmabuf_export_info info = { .name = KBUILD_MODNAME }

/**
 * struct vp_dmabuf_counts - how many things of the core are alive, see count.h
 * @buffers: buffers
 * @attachments: places of devices at buffers
 * @mappings: device mappings
 * @pins: pins
 * @vmaps: users of kernel mappings
 * @exports: kernel dma-bufs that show a vprime buffer
 * @imports: buffers that wrap a foreign dma-buf
 * @violations: breaches of the contract since the module was loaded
 */
struct vp_dmabuf_counts {
	long buffers;
	long attachments;
	long mappings;
	long pins;
	long vmaps;
	long exports;
	long imports;
	long violations;
};

DECLARE_PER_CPU(struct vp_dmabuf_counts, vp_dmabuf_counts);

/* Those in vp_dmabuf_revoke() until a mapping goes; there are few, so they share it. */
extern struct wait_queue_head vp_revokers;

/* The exporter's side. */
int vp_dmabuf_export(struct vp_dmabuf *buf,
		     const struct vp_dmabuf_export_info *info);
void vp_dmabuf_invalidate_mappings(struct vp_dmabuf *buf);
void vp_dmabuf_zap_cpu_mappings(struct vp_dmabuf *buf);
bool vp_dmabuf_is_idle(struct vp_dmabuf *buf);
int vp_dmabuf_move(struct vp_dmabuf *buf);
int vp_dmabuf_move_locked(struct vp_dmabuf *buf);
int vp_dmabuf_revoke(struct vp_dmabuf *buf);

/**
 * vp_dmabuf_ref - one more reference to a buffer that the caller has one to
 * @buf: the buffer
 *
 * Returns @buf.
 */
static inline struct vp_dmabuf *vp_dmabuf_ref(struct vp_dmabuf *buf)
{
	kref_get(&buf->ref);
	return buf;
}

void vp_dmabuf_put(struct vp_dmabuf *buf);

/* The file descriptor's side: export.c and import.c. */
struct dma_buf *vp_dmabuf_kernel_get(struct vp_dmabuf *buf, int flags);
struct vp_dmabuf *vp_dmabuf_from_kernel(struct dma_buf *kbuf);

/* The importer's side. */
int vp_dmabuf_attach(struct vp_dmabuf *buf, struct vp_attachment *attach,
		     struct device *dev, const struct vp_importer_ops *ops);
void vp_dmabuf_detach(struct vp_attachment *attach);
int vp_dmabuf_pin(struct vp_attachment *attach);
void vp_dmabuf_unpin(struct vp_attachment *attach);
struct vp_mapping *vp_dmabuf_map_attachment(struct vp_attachment *attach,
					    enum dma_data_direction dir);
void vp_dmabuf_unmap_attachment(struct vp_attachment *attach,
				struct vp_mapping *mapping,
				enum dma_data_direction dir);
const char *vp_attachment_lifetime(struct vp_attachment *attach);

/* A device that the CPU plays. */
int vp_dmabuf_reach(struct vp_attachment *attach);
int vp_dmabuf_populate(struct vp_dmabuf *buf, size_t offset, size_t size);
int vp_dmabuf_access(struct vp_mapping *mapping, size_t offset, void *data,
		     size_t size, bool write);
void vp_mapping_put(struct vp_mapping *mapping);

/**
 * vp_mapping_get - keep a mapping for an access
 * @mapping: one that the importer has not unmapped
 *
 * Context: the buffer's reservation is locked.
 *
 * Return: @mapping, for vp_mapping_put().
 */
static inline struct vp_mapping *vp_mapping_get(struct vp_mapping *mapping)
{
	refcount_inc(&mapping->users);
	return mapping;
}

/* The CPU's side: cpu.c. */
int vp_dmabuf_begin_cpu_access(struct vp_dmabuf *buf,
			       enum dma_data_direction dir);
int vp_dmabuf_end_cpu_access(struct vp_dmabuf *buf,
			     enum dma_data_direction dir);
void vp_dmabuf_end_left_accesses(struct vp_dmabuf *buf, bool all);
int vp_dmabuf_mmap(struct vp_dmabuf *buf, struct vm_area_struct *vma,
		   unsigned long pgoff);
vm_fault_t vp_dmabuf_fault(struct vp_dmabuf *buf, struct vm_fault *vmf,
			   unsigned long pgoff, bool for_cpu);
vm_fault_t vp_dmabuf_map_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last);
pgprot_t vp_dmabuf_fault_prot(const struct vm_fault *vmf);
int vp_dmabuf_vmap(struct vp_dmabuf *buf, struct iosys_map *map);
void vp_dmabuf_vunmap(struct vp_dmabuf *buf, struct iosys_map *map);

#endif /* VP_PRIME_DMABUF_H */
