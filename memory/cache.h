/* SPDX-License-Identifier: GPL-2.0-only */
/* The CPU's view of buffers that GPUs use which do not snoop. */
#ifndef VP_MEMORY_CACHE_H
#define VP_MEMORY_CACHE_H

#include <linux/types.h>

struct page;
struct vp_cache;
struct vp_storage;

struct vp_cache *vp_cache_create(void);
struct vp_cache *vp_cache_get(struct vp_cache *cache);
void vp_cache_put(struct vp_cache *cache);

struct page *vp_cache_touch(struct vp_cache *cache, struct vp_storage *storage,
			    pgoff_t index);
void vp_cache_write(struct vp_cache *cache, struct vp_storage *storage,
		    size_t offset, const void *data, size_t size);
void vp_cache_sync(struct vp_cache *cache, struct vp_storage *storage,
		   size_t offset, size_t size, bool to_cpu, bool to_device);

#endif /* VP_MEMORY_CACHE_H */
