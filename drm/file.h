/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file of a device: opened, and closed.
 */
#ifndef VP_DRM_FILE_H
#define VP_DRM_FILE_H

struct drm_device;
struct drm_file;
struct file;
struct inode;
struct vp_fence_client;

struct vp_fence_client *vp_file_find_client(struct drm_file *file);
struct vp_fence_client *vp_file_client(struct drm_file *file);
void vp_file_postclose(struct drm_device *drm, struct drm_file *file);
int vp_file_release(struct inode *inode, struct file *filp);

#endif /* VP_DRM_FILE_H */
