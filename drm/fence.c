// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: ioctls about fences
 *
 * The program's side of &struct vp_fence_client, which a file has from its first
 * fence or timeline on. The first two ioctls are vgem's.
 */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_utils.h>
#include <drm/vgem_drm.h>

#include "compat.h"
#include "drm/fence.h"
#include "drm/file.h"
#include "fence/client.h"
#include "fence/fence.h"
#include "fence/resv.h"
#include "gem/object.h"

static_assert(sizeof(struct drm_vprime_fence_attach) ==
	      sizeof(struct drm_vgem_fence_attach));
static_assert(sizeof(struct drm_vprime_fence_signal) ==
	      sizeof(struct drm_vgem_fence_signal));
static_assert(DRM_IOCTL_VPRIME_FENCE_ATTACH == DRM_IOCTL_VGEM_FENCE_ATTACH);
static_assert(DRM_IOCTL_VPRIME_FENCE_SIGNAL == DRM_IOCTL_VGEM_FENCE_SIGNAL);
static_assert(DRM_VPRIME_FENCE_WRITE == VGEM_FENCE_WRITE);

bool vp_user_fences = true;

/**
 * vp_ioctl_fence_attach - make a fence and add it to a buffer
 * @drm: the device
 * @data: the program's &struct drm_vprime_fence_attach
 * @file: the program's file
 *
 * Context: May sleep.
 * Return: 0, or a negative errno as the description of @data's structure says.
 */
int vp_ioctl_fence_attach(struct drm_device *drm, void *data,
			  struct drm_file *file)
{
	struct drm_vprime_fence_attach *args = data;
	struct vp_fence_client *client;
	struct drm_gem_object *obj;
	int ret;

	if (args->flags & ~DRM_VPRIME_FENCE_WRITE || args->pad)
		return -EINVAL;
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;

	client = vp_file_client(file);
	ret = IS_ERR(client) ? PTR_ERR(client) :
	      vp_fence_client_attach(client, obj->resv, vp_gem_buf(obj)->id,
				     args->flags & DRM_VPRIME_FENCE_WRITE,
				     &args->fence);
	drm_gem_object_put(obj);
	return ret;
}

/**
 * vp_ioctl_fence_signal - signal a fence that was added to a buffer
 * @drm: the device
 * @data: the program's &struct drm_vprime_fence_signal
 * @file: the program's file
 *
 * Context: May sleep.
 * Return: 0, or a negative errno as the description of @data's structure says.
 */
int vp_ioctl_fence_signal(struct drm_device *drm, void *data,
			  struct drm_file *file)
{
	struct vp_fence_client *client = vp_file_find_client(file);
	struct drm_vprime_fence_signal *args = data;

	if (args->flags)
		return -EINVAL;
	return client ? vp_fence_client_signal(client, args->fence) : -ENOENT;
}

/**
 * vp_ioctl_gem_wait - wait for the fences on a buffer
 * @drm: the device
 * @data: the program's &struct drm_vprime_gem_wait
 * @file: the program's file
 *
 * Context: May sleep.
 * Return: 0, or a negative errno as the description of @data's structure says.
 */
int vp_ioctl_gem_wait(struct drm_device *drm, void *data,
		      struct drm_file *file)
{
	struct drm_vprime_gem_wait *args = data;
	enum dma_resv_usage usage;
	struct drm_gem_object *obj;
	long timeout, left;

	if (args->flags & ~DRM_VPRIME_WAIT_WRITE)
		return -EINVAL;
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;

	/* The timeout is up by CLOCK_MONOTONIC, which jiffies may be ahead of. */
	usage = dma_resv_usage_rw(args->flags & DRM_VPRIME_WAIT_WRITE);
	do {
		timeout = args->timeout_ns == S64_MAX ? MAX_SCHEDULE_TIMEOUT :
			  drm_timeout_abs_to_jiffies(args->timeout_ns);
		left = vp_resv_wait(obj->resv, usage, timeout);
	} while (!left && timeout);
	drm_gem_object_put(obj);
	if (left < 0)
		return left;
	return left ? 0 : -ETIME;
}

/* Terminated, not empty, and all printable ASCII. */
static bool vp_ioctl_name_is_good(const char *name)
{
	size_t length = strnlen(name, DRM_VPRIME_NAME_LEN), i;

	for (i = 0; i < length; i++)
		if (!isascii(name[i]) || !isprint(name[i]))
			return false;
	return length && length < DRM_VPRIME_NAME_LEN;
}

/**
 * vp_ioctl_timeline_create - make a timeline
 * @drm: the device
 * @data: the program's &struct drm_vprime_timeline_create
 * @file: the program's file
 *
 * Context: May sleep.
 * Return: 0, or a negative errno as the description of @data's structure says.
 */
int vp_ioctl_timeline_create(struct drm_device *drm, void *data,
			     struct drm_file *file)
{
	struct drm_vprime_timeline_create *args = data;
	struct vp_fence_client *client;

	if (!vp_user_fences)
		return -EOPNOTSUPP;
	if (args->flags || !vp_ioctl_name_is_good(args->name))
		return -EINVAL;
	client = vp_file_client(file);
	if (IS_ERR(client))
		return PTR_ERR(client);
	return vp_fence_client_add_timeline(client, args->name,
					    &args->timeline);
}

/**
 * vp_ioctl_timeline_destroy - destroy a timeline
 * @drm: the device
 * @data: the program's &struct drm_vprime_timeline_destroy
 * @file: the program's file
 *
 * Context: May sleep.
 * Return: 0, or a negative errno as the description of @data's structure says.
 */
int vp_ioctl_timeline_destroy(struct drm_device *drm, void *data,
			      struct drm_file *file)
{
	struct vp_fence_client *client = vp_file_find_client(file);
	struct drm_vprime_timeline_destroy *args = data;

	if (!vp_user_fences)
		return -EOPNOTSUPP;
	if (args->pad)
		return -EINVAL;
	return client ? vp_fence_client_remove_timeline(client, args->timeline) :
			-ENOENT;
}

/* A timeline of the file with a reference, or NULL. */
static struct vp_timeline *vp_ioctl_timeline(struct drm_file *file, u32 handle)
{
	struct vp_fence_client *client = vp_file_find_client(file);

	return client ? vp_fence_client_timeline(client, handle) : NULL;
}

/**
 * vp_ioctl_timeline_signal - signal the fences of a timeline up to one
 * @drm: the device
 * @data: the program's &struct drm_vprime_timeline_signal
 * @file: the program's file
 *
 * Context: May sleep.
 * Return: 0, or a negative errno as the description of @data's structure says.
 */
int vp_ioctl_timeline_signal(struct drm_device *drm, void *data,
			     struct drm_file *file)
{
	struct drm_vprime_timeline_signal *args = data;
	struct vp_timeline *timeline;
	int ret;

	if (!vp_user_fences)
		return -EOPNOTSUPP;
	if (args->error > 0 || args->error < -DRM_VPRIME_MAX_ERROR)
		return -EINVAL;
	timeline = vp_ioctl_timeline(file, args->timeline);
	if (!timeline)
		return -ENOENT;
	ret = vp_timeline_signal(timeline, args->seqno, args->error);
	vp_timeline_put(timeline);
	return ret;
}

/* Writes the results to the program before it installs the descriptor. */
static int vp_ioctl_fence_publish(struct vp_timeline *timeline,
				  struct vp_ioctl_fence *request)
{
	struct drm_vprime_fence_create *args = &request->args;
	struct sync_file *sync = NULL;
	struct vp_fence *fence;
	int ret;

	fence = vp_fence_create(timeline, VP_FENCE_FREE, 0);
	if (!fence)
		return -ENOMEM;
	ret = get_unused_fd_flags(O_CLOEXEC);
	if (ret < 0)
		goto out_fence;
	args->fd = ret;

	sync = sync_file_create(&fence->base);
	ret = sync ? vp_timeline_add(fence) : -ENOMEM;
	/* Another thread has destroyed the timeline in the meantime. */
	if (ret == -ECANCELED)
		ret = -ENOENT;
	if (ret)
		goto out_fd;

	args->seqno = fence->base.seqno;
	if (copy_to_user(request->user, args, request->size)) {
		ret = -EFAULT;
		goto out_fd;
	}
	fd_install(args->fd, sync->file);
	goto out_fence;

out_fd:
	put_unused_fd(args->fd);
	if (sync)
		fput(sync->file);
out_fence:
	dma_fence_put(&fence->base);
	return ret;
}

/**
 * vp_ioctl_fence_create - make the next fence of a timeline
 * @drm: the device
 * @data: a &struct vp_ioctl_fence
 * @file: the program's file
 *
 * Writes the results to the program itself. If it cannot, the fence stays on the
 * timeline, and signals with the others.
 *
 * Context: May sleep.
 * Return: 0, or a negative errno as the description of
 *	&struct drm_vprime_fence_create says.
 */
int vp_ioctl_fence_create(struct drm_device *drm, void *data,
			  struct drm_file *file)
{
	struct vp_ioctl_fence *request = data;
	struct vp_timeline *timeline;
	int ret;

	if (!vp_user_fences)
		return -EOPNOTSUPP;
	if (request->args.flags || request->args.pad)
		return -EINVAL;
	timeline = vp_ioctl_timeline(file, request->args.timeline);
	if (!timeline)
		return -ENOENT;
	ret = vp_ioctl_fence_publish(timeline, request);
	vp_timeline_put(timeline);
	return ret;
}
