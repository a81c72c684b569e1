/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ioctls for fences and timelines.
 */
#ifndef VP_DRM_FENCE_H
#define VP_DRM_FENCE_H

#include <linux/types.h>

#include <drm/vprime_drm.h>

struct drm_device;
struct drm_file;

/**
 * struct vp_ioctl_fence - argument of vp_ioctl_fence_create()
 * @args: copy of the program's argument
 * @user: the program's argument, to which the results are written
 * @size: size of the program's argument, in bytes; at most that of @args
 */
struct vp_ioctl_fence {
	struct drm_vprime_fence_create args;
	void __user *user;
	size_t size;
};

/* Programs may make timelines. Without this, they have vgem's two ioctls. */
extern bool vp_user_fences;

int vp_ioctl_fence_attach(struct drm_device *drm, void *data,
			  struct drm_file *file);
int vp_ioctl_fence_signal(struct drm_device *drm, void *data,
			  struct drm_file *file);
int vp_ioctl_gem_wait(struct drm_device *drm, void *data,
		      struct drm_file *file);
int vp_ioctl_timeline_create(struct drm_device *drm, void *data,
			     struct drm_file *file);
int vp_ioctl_timeline_destroy(struct drm_device *drm, void *data,
			      struct drm_file *file);
int vp_ioctl_timeline_signal(struct drm_device *drm, void *data,
			     struct drm_file *file);
int vp_ioctl_fence_create(struct drm_device *drm, void *data,
			  struct drm_file *file);

#endif /* VP_DRM_FENCE_H */
