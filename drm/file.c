// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: files
 *
 * The driver's part of an open file is its &struct vp_fence_client, which is
 * allocated when the file makes its first fence or timeline: most never do. Handles,
 * syncobjs and imported dma-bufs are the DRM core's.
 */
#include <linux/err.h>

#include <drm/drm_file.h>

#include "drm/file.h"
#include "fence/client.h"
#include "gem/gpu.h"

/**
 * vp_file_find_client - what makes the fences of a file
 * @file: the file
 *
 * Context: Any context.
 * Return: The client, NULL if the file has made none yet.
 */
struct vp_fence_client *vp_file_find_client(struct drm_file *file)
{
	/* Pairs with the cmpxchg() in vp_file_client(). */
	return smp_load_acquire(&file->driver_priv);
}

/**
 * vp_file_client - what makes the fences of a file that is going to make one
 * @file: the file
 *
 * Context: May sleep.
 * Return: The client, or -ENOMEM.
 */
struct vp_fence_client *vp_file_client(struct drm_file *file)
{
	struct vp_fence_client *client = vp_file_find_client(file), *other;

	if (client)
		return client;
	client = vp_fence_client_create(&to_vp_gpu(file->minor->dev)->fences);
	if (IS_ERR(client))
		return client;
	/* Another thread may have been faster. */
	other = cmpxchg(&file->driver_priv, NULL, client);
	if (!other)
		return client;
	vp_fence_client_destroy(client);
	return other;
}

/**
 * vp_file_postclose - free the driver's part of a file
 * @drm: the device
 * @file: the file, which has no handles any more
 *
 * Context: May sleep.
 */
void vp_file_postclose(struct drm_device *drm, struct drm_file *file)
{
	if (file->driver_priv)
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

	if (file->driver_priv)
		vp_fence_client_end(file->driver_priv);
	return drm_release(inode, filp);
}
