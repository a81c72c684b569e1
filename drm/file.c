// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: files
 *
 * The driver's part of an open file is its &struct vp_fence_client. Handles,
 * syncobjs and imported dma-bufs are the DRM core's.
 */
#include <linux/err.h>

#include <drm/drm_file.h>

#include "drm/file.h"
#include "fence/client.h"

/**
 * vp_file_open - set up a file of a device that is being opened
 * @file: the file
 * @fences: what the device's files share that make fences
 *
 * For &drm_driver.open.
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM.
 */
int vp_file_open(struct drm_file *file, struct vp_fence_device *fences)
{
	struct vp_fence_client *client = vp_fence_client_create(fences);

	if (IS_ERR(client))
		return PTR_ERR(client);
	file->driver_priv = client;
	return 0;
}

/**
 * vp_file_postclose - undo vp_file_open()
 * @drm: the device
 * @file: the file, which has no handles any more
 *
 * Context: May sleep.
 */
void vp_file_postclose(struct drm_device *drm, struct drm_file *file)
{
	vp_fence_client_destroy(file->driver_priv);
}

/**
 * vp_file_release - release a file of a device
 * @inode: its inode
 * @filp: the file
 *
 * drm_release() takes reservation locks of buffers before it calls the driver; so
 * the fences of the file signal before it is called.
 *
 * Context: May sleep.
 * Return: 0, as drm_release().
 */
int vp_file_release(struct inode *inode, struct file *filp)
{
	struct drm_file *file = filp->private_data;

	vp_fence_client_end(file->driver_priv);
	return drm_release(inode, filp);
}
