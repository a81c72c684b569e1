/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls about fences.
 */
#ifndef VP_DRM_FENCE_H
#define VP_DRM_FENCE_H

#include <linux/types.h>

#include <drm/vprime_drm.h>

struct drm_device;
struct drm_file;
struct file;
struct inode;

/**
 * struct vp_ioctl_fence - a program asks for a fence
 * @args: what it asks, and is answered
 * @user: where the answer goes
 * @size: how much of it the program knows, in bytes
 */
struct vp_ioctl_fence {
	struct drm_vprime_fence_create args;
	void __user *user;
	size_t size;
};

/* Whether programs have timelines; fences on buffers they have as with vgem. */
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

int vp_file_release(struct inode *inode, struct file *filp);

#endif /* VP_DRM_FENCE_H */
