/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory as devices see it that do not snoop the CPU's caches.
 */
#ifndef VP_GEM_SHADOW_H
#define VP_GEM_SHADOW_H

#include <linux/mm_types.h>

struct vp_shadow;

struct vp_shadow *vp_shadow_create(struct page **cpu, unsigned long count,
				   bool low);
void vp_shadow_destroy(struct vp_shadow *shadow);
struct page **vp_shadow_pages(struct vp_shadow *shadow);

void vp_shadow_to_device(struct vp_shadow *shadow, size_t offset, size_t size);
void vp_shadow_to_cpu(struct vp_shadow *shadow, size_t offset, size_t size);
void vp_shadow_mark_written(struct vp_shadow *shadow, size_t offset,
			    size_t size);

#endif /* VP_GEM_SHADOW_H */
