/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of a buffer.
 */
#ifndef VP_GEM_STORAGE_H
#define VP_GEM_STORAGE_H

#include <linux/types.h>

struct folio;
struct vp_storage;

int vp_storage_init(void);
void vp_storage_fini(void);

u64 vp_storage_huge_page_size(void);
long vp_storage_total_pages(void);

struct vp_storage *vp_storage_create(size_t size, bool low);
struct vp_storage *vp_storage_copy(struct vp_storage *from, size_t size,
				   bool low);
struct vp_storage *vp_storage_chain(struct vp_storage *storage,
				    struct vp_storage *older);
void vp_storage_destroy(struct vp_storage *storage);

struct folio *vp_storage_folio(struct vp_storage *storage, pgoff_t index,
			       bool *made);
struct folio *vp_storage_find(struct vp_storage *storage, pgoff_t index);
size_t vp_storage_bytes(struct vp_storage *storage);

#endif /* VP_GEM_STORAGE_H */
