/* SPDX-License-Identifier: GPL-2.0-only */
/* The exporter of system memory. */
#ifndef VP_MEMORY_MEMORY_H
#define VP_MEMORY_MEMORY_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "prime/dmabuf.h"

struct vp_cache;
struct vp_storage;

/**
 * struct vp_memory - a buffer of system memory
 * @base: the core's part
 * @free: frees the structure that embeds this one, when no reference is left
 * @noncoherent: how many attached devices do not snoop; guarded by the buffer's
 *	reservation
 * @foreign: how many mappings foreign devices have; written under the buffer's
 *	reservation, read without
 * @lock: guards what follows it, see there
 * @storage: the pages; NULL before the first touch and after a revocation
 * @cache: the CPU's view; NULL if the CPU sees @storage
 * @low: whether storages have to be below 4 GiB
 */
struct vp_memory {
	struct vp_dmabuf base;
	void (*free)(struct vp_memory *mem);
	unsigned int noncoherent;
	unsigned int foreign;

	/*
	 * Guards the members below. The pointers hold a reference each, and are
	 * changed under the buffer's reservation as well, except for the first
	 * storage.
	 */
	spinlock_t lock;
	struct vp_storage *storage;
	struct vp_cache *cache;
	bool low;
};

u64 vp_memory_max_size(void);

int vp_memory_export(struct vp_memory *mem, size_t size, const char *name,
		     bool low);

#endif /* VP_MEMORY_MEMORY_H */
