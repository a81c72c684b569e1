/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dma-buf core: shared buffers, and the attachments and mappings of
 * devices.
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
#include <linux/types.h>
#include <linux/wait.h>

#include "prime/contract.h"
#include "prime/cpu_access.h"

struct device;
struct dma_buf;
struct sg_table;
struct vm_area_struct;
struct vm_fault;
struct vp_attachment;
struct vp_dmabuf;
struct vp_mapping;

/**
 * enum vp_read_only - what happens to a write through a read-only export
 * @VP_READ_ONLY_IGNORED: it is not checked
 * @VP_READ_ONLY_REPORTED: it is reported
 * @VP_READ_ONLY_ENFORCED: it is reported, and refused
 */
enum vp_read_only {
	VP_READ_ONLY_IGNORED,
	VP_READ_ONLY_REPORTED,
	VP_READ_ONLY_ENFORCED,
};

/* Room for an exporter's name, with the NUL that ends it. */
#define VP_DMABUF_NAME_LEN	32

/**
 * struct vp_dmabuf_ops - the callbacks of an exporter
 *
 * "Locked" means that the buffer's reservation is locked when the callback
 * runs, "unlocked" that the caller does not hold it. Callbacks may sleep,
 * unless they say otherwise.
 */
struct vp_dmabuf_ops {
	/**
	 * @attach: optional, unlocked. A device attaches to the buffer. The
	 * exporter may refuse it with an errno, and may keep data of its own in
	 * &vp_attachment.exporter_priv.
	 */
	int (*attach)(struct vp_dmabuf *buf, struct vp_attachment *attach);

	/** @detach: optional, unlocked. Undoes @attach. Nothing is mapped. */
	void (*detach)(struct vp_dmabuf *buf, struct vp_attachment *attach);

	/**
	 * @reach: optional, locked. Moves the memory to where the attachment's
	 * device reaches it, before it is pinned or mapped. Returns 0; -EAGAIN
	 * if the device is emulated and the caller has to wait, without the
	 * lock, until the buffer is idle; or an errno as
	 * vp_dmabuf_move_locked().
	 */
	int (*reach)(struct vp_attachment *attach);

	/**
	 * @pin: optional, locked. The memory must not move until @unpin. Calls
	 * nest. An exporter without it never moves memory of its own accord.
	 */
	int (*pin)(struct vp_attachment *attach);

	/** @unpin: required with @pin, locked. */
	void (*unpin)(struct vp_attachment *attach);

	/**
	 * @map: required, locked. Gives the device access to the buffer in
	 * direction @dir: to memory that exists, unless the device is emulated,
	 * which populates what it accesses. Allocates the mapping, zeroed
	 * except for &vp_mapping.sgt. Returns it, or an ERR_PTR.
	 */
	struct vp_mapping *(*map)(struct vp_attachment *attach,
				  enum dma_data_direction dir);

	/** @unmap: required, locked. Frees the mapping, which has no users. */
	void (*unmap)(struct vp_mapping *mapping);

	/**
	 * @populate: optional, locked or unlocked. Makes a range of bytes
	 * exist. New memory reads as zeroes. Returns 0, -ENOMEM, -ENODEV if the
	 * buffer has been revoked, or -EINTR if the process is being killed.
	 */
	int (*populate)(struct vp_dmabuf *buf, size_t offset, size_t size);

	/**
	 * @access: optional, unlocked. An emulated device reads or writes
	 * populated bytes through its mapping. A fence waits for it: it must
	 * not lock a reservation, and must not allocate.
	 */
	int (*access)(struct vp_mapping *mapping, size_t offset, void *data,
		      size_t size, bool write);

	/**
	 * @begin_cpu_access: optional, unlocked. Makes what devices wrote
	 * visible to the CPU. The fences have been waited for. An exporter
	 * whose memory is not CPU-accessible copies the data to memory that is.
	 */
	int (*begin_cpu_access)(struct vp_dmabuf *buf,
				enum dma_data_direction dir);

	/**
	 * @end_cpu_access: optional, unlocked. Makes what the CPU wrote visible
	 * to devices.
	 */
	int (*end_cpu_access)(struct vp_dmabuf *buf,
			      enum dma_data_direction dir);

	/**
	 * @mmap: optional, unlocked, with the mmap lock. For an exporter that
	 * sets up CPU mappings itself. Without @mmap and @fault the buffer has
	 * no CPU mappings. Bounds and flags have been checked.
	 */
	int (*mmap)(struct vp_dmabuf *buf, struct vm_area_struct *vma,
		    unsigned long pgoff);

	/**
	 * @fault: optional, locked. Maps the buffer's page @pgoff at the
	 * address of the fault, and neighbours where that is cheap: in the
	 * CPU's view or in the devices'. Returns 0 if the page has to be
	 * populated first.
	 */
	vm_fault_t (*fault)(struct vp_dmabuf *buf, struct vm_fault *vmf,
			    unsigned long pgoff, bool for_cpu);

	/**
	 * @vmap: optional, locked. Maps the whole buffer into the kernel. The
	 * core counts the users, and calls this for the first one.
	 */
	int (*vmap)(struct vp_dmabuf *buf, struct iosys_map *map);

	/** @vunmap: required with @vmap, locked. */
	void (*vunmap)(struct vp_dmabuf *buf, struct iosys_map *map);

	/**
	 * @move: optional, locked. Moves the memory and its content. All fences
	 * have signalled, there is no pin and no kernel mapping, and all
	 * importers have been notified. A device that keeps its stale mapping
	 * may read the old memory until @unmap, so that has to exist as long.
	 * Returns 0; or an errno, with the memory where it was.
	 */
	int (*move)(struct vp_dmabuf *buf);

	/**
	 * @revoke: optional, locked, called once. The memory can be freed:
	 * there is no access to it any more, and there will be none.
	 */
	void (*revoke)(struct vp_dmabuf *buf);

	/**
	 * @resident: optional, any context. Returns how many bytes exist now.
	 */
	size_t (*resident)(struct vp_dmabuf *buf);

	/**
	 * @release: required, unlocked. Frees the memory and the structure that
	 * embeds @buf. There is no reference left: no file, no attachment, no
	 * mapping.
	 */
	void (*release)(struct vp_dmabuf *buf);
};

/**
 * struct vp_importer_ops - the properties and callbacks of an importer
 */
struct vp_importer_ops {
	/**
	 * @emulated: whether the device is emulated: the CPU does its accesses,
	 * by vp_dmabuf_access(). Its mappings need no DMA addresses.
	 */
	bool emulated;

	/**
	 * @noncoherent: whether the device, an emulated one, does not snoop the
	 * CPU's caches
	 */
	bool noncoherent;

	/**
	 * @limited: whether the device, an emulated one, does not reach all
	 * memory of the machine
	 */
	bool limited;

	/**
	 * @revocable: whether the importer gives up its pins on
	 * @invalidate_mappings
	 */
	bool revocable;

	/**
	 * @invalidate_mappings: optional, locked. The memory is about to move
	 * or to be revoked. The importer drops its mappings with
	 * vp_dmabuf_unmap_attachment(), now or when the work that the device
	 * has begun is done, and maps again at its next access. With this
	 * callback the importer is a dynamic one, whose mappings are movable;
	 * without it each mapping pins.
	 */
	void (*invalidate_mappings)(struct vp_attachment *attach);

	/**
	 * @zap_cpu_mappings: optional, locked. Removes the CPU mappings that
	 * were made through this device, so that the next access faults.
	 */
	void (*zap_cpu_mappings)(struct vp_attachment *attach);
};

/**
 * struct vp_attachment - a device that is attached to a buffer
 * @buf: the buffer, with a reference; NULL while not attached
 * @dev: the device; the importer keeps it alive until detach
 * @ops: the importer's callbacks; NULL if it has none
 * @exporter_priv: private data of the exporter
 * @node: in &vp_dmabuf.attachments
 * @mappings: the &struct vp_mapping of the device
 * @pins: how often the importer has pinned through this attachment
 *
 * Importers embed it in a structure of their own. @node and what follows it is
 * guarded by the buffer's reservation lock.
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
 * struct vp_mapping - a device's mapping of a buffer
 * @attach: the attachment it belongs to
 * @sgt: the DMA addresses; NULL for an emulated device whose exporter needs
 *	none
 * @users: the importer until it unmaps, and each access in progress
 * @node: in &vp_attachment.mappings
 * @dir: the direction it was mapped for
 * @pinned: whether it holds a pin of its own
 * @stale: whether the importer has been told to drop it
 * @unmapped: whether it has, and only accesses use it
 *
 * Exporters embed it in a structure of their own. The memory that it maps
 * exists as long as the mapping, wherever the buffer moves meanwhile. @node and
 * what follows it is guarded by the buffer's reservation lock.
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
 * struct vp_dmabuf - a shared buffer
 * @ref: references of handles, files, mappings and attachments
 * @id: a number that no other buffer has had
 * @registered: in the registry, guarded by the registry's lock
 * @size: in bytes, whole pages
 * @ops: the exporter's callbacks
 * @resv: the reservation object: @own_resv, or the foreign exporter's
 * @own_resv: used unless the exporter brought one
 * @attachments: the &struct vp_attachment of this buffer; guarded by @resv
 * @attached: the length of @attachments; guarded by @resv
 * @pins: how often the buffer is pinned, over all attachments; guarded by @resv
 * @mapped: how many device mappings there are; written under @resv, read
 *	without
 * @vmap_users: users of @vmap_ptr; guarded by @resv
 * @vmap_ptr: the kernel mapping; guarded by @resv
 * @revoked: whether the buffer has been revoked; written under @resv, read
 *	without
 * @reclaimed: whether the exporter's revoke callback has run; guarded by @resv
 * @foreign: the foreign dma_buf that this buffer wraps, with a reference; NULL
 *	if the memory is vprime's
 * @read_only: what happens to writes by those who got it read-only. Set by the
 *	exporter, if at all.
 * @export_writable: whether the file of each export is writable, whatever was
 *	asked for. Set by the exporter, if at all.
 * @lock: guards what follows it, see there
 * @exported: the exported dma_buf; weak, cleared when that is released
 * @exported_inode: the inode of its file, which does not change; set with it
 * @exported_read_only: whether that was asked for read-only; set with it, and
 *	read without the lock by those who have a reference to it
 * @cpu_begins: begins of CPU accesses, less the ends; read without @lock, too
 * @cpu_accesses: how many CPU accesses are open
 * @accesses: the open &struct vp_cpu_access, oldest first. The last one that was
 *	closed stays for the next begin.
 * @violations: the breaches on this buffer, NULL before the first one; set
 *	once, without a lock
 * @name: the allocating device, or the name of the foreign exporter
 *
 * Exporters embed it in a structure of their own, which their release callback
 * frees.
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
	enum vp_read_only read_only;
	bool export_writable;

	/*
	 * Guards @exported and the CPU accesses. @exported holds no reference:
	 * it is followed only under this lock, which the release of that
	 * dma_buf takes before its memory is freed. Taken with nothing but
	 * GFP_ATOMIC below it.
	 */
	spinlock_t lock;
	struct dma_buf *exported;
	u64 exported_inode;
	bool exported_read_only;
	u64 cpu_begins;
	unsigned int cpu_accesses;
	struct list_head accesses;
	struct vp_violations *violations;

	char name[VP_DMABUF_NAME_LEN];
};

/**
 * struct vp_dmabuf_export_info - the description of a new buffer
 * @name: the allocating device; copied
 * @ops: the exporter's callbacks
 * @size: in bytes, whole pages, not 0
 * @resv: a reservation object that outlives the buffer, or NULL to have one
 *	made
 * @foreign: the dma_buf that the buffer wraps, or NULL
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
 * struct vp_dmabuf_counts - how many objects of the core are alive, see count.h
 * @buffers: buffers
 * @attachments: attachments
 * @mappings: device mappings
 * @pins: pins
 * @vmaps: users of kernel mappings
 * @exports: exported dma_bufs
 * @imports: buffers that wrap a foreign dma_buf
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

/*
 * Where vp_dmabuf_revoke() waits for mappings to go. Revoking is rare: all
 * buffers share it.
 */
extern struct wait_queue_head vp_revokers;

/* The exporter's side. */
int vp_dmabuf_export(struct vp_dmabuf *buf,
		     const struct vp_dmabuf_export_info *info);
void vp_dmabuf_invalidate_mappings(struct vp_dmabuf *buf);
void vp_attachment_invalidate(struct vp_attachment *attach);
void vp_dmabuf_zap_cpu_mappings(struct vp_dmabuf *buf);
bool vp_dmabuf_is_idle(struct vp_dmabuf *buf);
int vp_dmabuf_move(struct vp_dmabuf *buf);
int vp_dmabuf_move_locked(struct vp_dmabuf *buf);
int vp_dmabuf_revoke(struct vp_dmabuf *buf);

/**
 * vp_dmabuf_ref - take a reference
 * @buf: the buffer, to which the caller has a reference
 *
 * Context: Any context.
 * Return: @buf.
 */
static inline struct vp_dmabuf *vp_dmabuf_ref(struct vp_dmabuf *buf)
{
	kref_get(&buf->ref);
	return buf;
}

void vp_dmabuf_put(struct vp_dmabuf *buf);

/* The kernel's dma_buf: export.c and import.c. */
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

/* Emulated devices. */
int vp_dmabuf_reach(struct vp_attachment *attach);
int vp_dmabuf_populate(struct vp_dmabuf *buf, size_t offset, size_t size);
int vp_dmabuf_access(struct vp_mapping *mapping, size_t offset, void *data,
		     size_t size, bool write);
void vp_mapping_put(struct vp_mapping *mapping);

/**
 * vp_mapping_get - keep a mapping for an access
 * @mapping: a mapping that the importer has not unmapped
 *
 * Context: Any context. The buffer's reservation is locked.
 * Return: @mapping, for vp_mapping_put().
 */
static inline struct vp_mapping *vp_mapping_get(struct vp_mapping *mapping)
{
	dma_resv_assert_held(mapping->attach->buf->resv);

	refcount_inc(&mapping->users);
	return mapping;
}

/* CPU access: cpu.c. */
int vp_dmabuf_begin_cpu_access(struct vp_dmabuf *buf,
			       enum dma_data_direction dir);
int vp_dmabuf_end_cpu_access(struct vp_dmabuf *buf,
			     enum dma_data_direction dir);
void vp_dmabuf_end_accesses(struct vp_dmabuf *buf, bool all);

/**
 * vp_dmabuf_end_left_accesses - end CPU accesses that their processes did not
 * @buf: the buffer
 * @all: as vp_dmabuf_end_accesses()
 *
 * Context: As vp_dmabuf_end_accesses().
 */
static inline void vp_dmabuf_end_left_accesses(struct vp_dmabuf *buf, bool all)
{
	/* Most buffers have no access open. */
	if (READ_ONCE(buf->cpu_begins))
		vp_dmabuf_end_accesses(buf, all);
}

int vp_dmabuf_mmap(struct vp_dmabuf *buf, struct vm_area_struct *vma,
		   unsigned long pgoff);
vm_fault_t vp_dmabuf_fault(struct vp_dmabuf *buf, struct vm_fault *vmf,
			   unsigned long pgoff, bool for_cpu);
vm_fault_t vp_dmabuf_map_pages(struct vm_fault *vmf, pgoff_t first,
			       pgoff_t last);
pgprot_t vp_dmabuf_fault_prot(const struct vm_fault *vmf);
int vp_dmabuf_vmap(struct vp_dmabuf *buf, struct iosys_map *map);
void vp_dmabuf_vunmap(struct vp_dmabuf *buf, struct iosys_map *map);

#endif /* VP_PRIME_DMABUF_H */
