/* SPDX-License-Identifier: GPL-2.0-only */
/* The device mapping of a view. */
#ifndef VP_GEM_MAPPING_H
#define VP_GEM_MAPPING_H

#include <linux/types.h>

struct drm_device;
struct drm_gem_object;
struct vp_attachment;

bool vp_gem_is_enforced(struct drm_gem_object *obj);
int vp_gem_check_write(struct drm_gem_object *obj);
int vp_gem_access(struct drm_gem_object *obj, u64 offset, u64 size,
		  void __user *user, bool write);
void vp_gem_unmap(struct vp_attachment *attach);
void vp_gem_unmap_all(struct drm_device *drm);

#endif /* VP_GEM_MAPPING_H */
