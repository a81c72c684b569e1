/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A GPU's own mapping of a buffer.
 */
#ifndef VP_GEM_MAPPING_H
#define VP_GEM_MAPPING_H

#include <linux/types.h>

struct drm_gem_object;
struct vp_attachment;

bool vp_gem_is_enforced(struct drm_gem_object *obj);
int vp_gem_check_write(struct drm_gem_object *obj);
void vp_gem_unmap(struct vp_attachment *attach);

#endif /* VP_GEM_MAPPING_H */
