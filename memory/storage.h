/* SPDX-License-Identifier: GPL-2.0-only */
/* The pages of a buffer. */
#ifndef VP_MEMORY_STORAGE_H
#define VP_MEMORY_STORAGE_H

#include <linux/percpu.h>
#include <linux/types.h>

struct folio;
struct vp_storage;

/* How many pages all storages have, see count.h. */
DECLARE_PER_CPU(long, vp_storage_page_count);

int vp_storage_init(void);
void vp_storage_fini(void);

u64 vp_storage_huge_page_size(void);

struct vp_storage *vp_storage_create(size_t size, bool low);
struct vp_storage *vp_storage_get(struct vp_storage *storage);
void vp_storage_put(struct vp_storage *storage);
struct vp_storage *vp_storage_copy(struct vp_storage *from, bool low);

void vp_storage_set_low(struct vp_storage *storage);
int vp_storage_populate(struct vp_storage *storage, pgoff_t first,
			unsigned long count);
struct folio *vp_storage_find(struct vp_storage *storage, pgoff_t index);
struct page *vp_storage_page(struct vp_storage *storage, pgoff_t index);
struct page **vp_storage_pages(struct vp_storage *storage);
u64 vp_storage_end(struct vp_storage *storage);
size_t vp_storage_bytes(struct vp_storage *storage);

#endif /* VP_MEMORY_STORAGE_H */
