// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: ioctls
 *
 * vprime's own ioctls go through the DRM core's dispatcher and table. A few ioctls
 * are handled before the core sees them:
 *
 *  - the dumb-buffer ioctls, because the core refuses them on render nodes, where
 *    software renderers and headless compositors need them;
 *  - DRM_CAP_DUMB_BUFFER, because the core reports dumb buffers only for drivers
 *    with modesetting, and DRM_CAP_PRIME, because the core of newer kernels takes
 *    it for granted;
 *  - DRM_IOCTL_VPRIME_FENCE_CREATE, because its descriptor must not be installed
 *    before the results have been written to the program.
 *
 * What another ioctl has made stays if its results cannot be written, as with the
 * core's own: it goes when the program closes the file.
 */
#include <linux/compat.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_mode.h>

#include "compat.h"
#include "drm/device.h"
#include "drm/fence.h"
#include "drm/ioctl.h"
#include "memory/memory.h"
#include "gem/mapping.h"
#include "gem/object.h"
#include "memory/storage.h"

static int vp_ioctl_gem_create(struct drm_device *drm, void *data,
			       struct drm_file *file)
{
	struct drm_vprime_gem_create *args = data;

	if (args->flags)
		return -EINVAL;
	return vp_gem_create_handle(drm, file, &args->size, &args->handle);
}

static int vp_ioctl_gem_mmap_offset(struct drm_device *drm, void *data,
				    struct drm_file *file)
{
	struct drm_vprime_gem_mmap_offset *args = data;

	if (args->pad)
		return -EINVAL;
	return vp_gem_map_offset(file, drm, args->handle, &args->offset);
}

static void vp_ioctl_describe(struct drm_gem_object *obj,
			      struct drm_vprime_gem_info *args)
{
	struct vp_dmabuf *buf = vp_gem_buf(obj);
	struct vp_attachment *attach;
	struct vp_gem *gem;

	args->size = buf->size;
	args->resident = buf->ops->resident ? buf->ops->resident(buf) : 0;
	strscpy(args->origin, buf->name, sizeof(args->origin));
	args->id = buf->id;

	args->flags = 0;
	if (to_vp_gem(obj)->imported)
		args->flags |= DRM_VPRIME_INFO_IMPORTED;
	if (buf->foreign)
		args->flags |= DRM_VPRIME_INFO_FOREIGN;
	if (buf->foreign || READ_ONCE(buf->exported))
		args->flags |= DRM_VPRIME_INFO_EXPORTED;
	if (READ_ONCE(buf->revoked))
		args->flags |= DRM_VPRIME_INFO_REVOKED;
	if (to_vp_gem(obj)->read_only)
		args->flags |= DRM_VPRIME_INFO_READ_ONLY;

	args->attached = 0;
	args->attached_gpus = 0;
	dma_resv_lock(buf->resv, NULL);
	list_for_each_entry(attach, &buf->attachments, node) {
		gem = vp_gem_from_attachment(attach);
		/* A view without references is being freed. */
		if (gem && !kref_read(&gem->base.refcount))
			continue;
		args->attached++;
		if (gem)
			args->attached_gpus |=
				BIT_ULL(to_vp_device(gem->base.dev)->index);
	}
	dma_resv_unlock(buf->resv);
}

static int vp_ioctl_gem_info(struct drm_device *drm, void *data,
			     struct drm_file *file)
{
	struct drm_vprime_gem_info *args = data;
	struct drm_gem_object *obj;

	if (args->pad)
		return -EINVAL;
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;

	vp_ioctl_describe(obj, args);
	drm_gem_object_put(obj);
	return 0;
}

static int vp_ioctl_get_param(struct drm_device *drm, void *data,
			      struct drm_file *file)
{
	struct drm_vprime_get_param *args = data;

	if (args->pad)
		return -EINVAL;

	switch (args->param) {
	case DRM_VPRIME_PARAM_GPU_INDEX:
		args->value = to_vp_device(drm)->index;
		return 0;
	case DRM_VPRIME_PARAM_MAX_SIZE:
		args->value = vp_memory_max_size();
		return 0;
	case DRM_VPRIME_PARAM_PAGE_SIZE:
		args->value = PAGE_SIZE;
		return 0;
	case DRM_VPRIME_PARAM_HUGE_PAGE_SIZE:
		args->value = vp_storage_huge_page_size();
		return 0;
	case DRM_VPRIME_PARAM_COHERENT:
		args->value = to_vp_gpu(drm)->coherent;
		return 0;
	case DRM_VPRIME_PARAM_DMA_BITS:
		args->value = to_vp_gpu(drm)->dma_bits;
		return 0;
	case DRM_VPRIME_PARAM_MAX_SEGMENT:
		args->value = to_vp_gpu(drm)->max_segment;
		return 0;
	case DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS:
		args->value = to_vp_device(drm)->config.fence_timeout_ms;
		return 0;
	default:
		return -EINVAL;
	}
}

static int vp_ioctl_gem_access(struct drm_device *drm, void *data,
			       struct drm_file *file, bool write)
{
	struct drm_vprime_gem_access *args = data;
	struct drm_gem_object *obj;
	int ret;

	if (args->flags)
		return -EINVAL;
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;

	ret = vp_gem_access(obj, args->offset, args->size,
			    u64_to_user_ptr(args->data), write);
	drm_gem_object_put(obj);
	return ret;
}

static int vp_ioctl_gem_peek(struct drm_device *drm, void *data,
			     struct drm_file *file)
{
	return vp_ioctl_gem_access(drm, data, file, false);
}

static int vp_ioctl_gem_poke(struct drm_device *drm, void *data,
			     struct drm_file *file)
{
	return vp_ioctl_gem_access(drm, data, file, true);
}

/* The ioctls that the core dispatches; vp_ioctl() handles the others. */
const struct drm_ioctl_desc vp_ioctls[VP_NUM_IOCTLS] = {
	DRM_IOCTL_DEF_DRV(VPRIME_FENCE_ATTACH, vp_ioctl_fence_attach,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VPRIME_FENCE_SIGNAL, vp_ioctl_fence_signal,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VPRIME_GEM_CREATE, vp_ioctl_gem_create,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VPRIME_GEM_MMAP_OFFSET, vp_ioctl_gem_mmap_offset,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VPRIME_GEM_INFO, vp_ioctl_gem_info,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VPRIME_GET_PARAM, vp_ioctl_get_param,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VPRIME_GEM_PEEK, vp_ioctl_gem_peek,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VPRIME_GEM_POKE, vp_ioctl_gem_poke,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VPRIME_GEM_WAIT, vp_ioctl_gem_wait,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VPRIME_TIMELINE_CREATE, vp_ioctl_timeline_create,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VPRIME_TIMELINE_DESTROY, vp_ioctl_timeline_destroy,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VPRIME_TIMELINE_SIGNAL, vp_ioctl_timeline_signal,
			  DRM_RENDER_ALLOW),
};

static int vp_ioctl_create_dumb(struct drm_device *drm, void *data,
				struct drm_file *file)
{
	struct drm_mode_create_dumb *args = data;

	args->handle = 0;
	args->pitch = 0;
	args->size = 0;
	return vp_gem_dumb_create(file, drm, args);
}

static int vp_ioctl_map_dumb(struct drm_device *drm, void *data,
			     struct drm_file *file)
{
	struct drm_mode_map_dumb *args = data;

	return vp_gem_map_offset(file, drm, args->handle, &args->offset);
}

static int vp_ioctl_destroy_dumb(struct drm_device *drm, void *data,
				 struct drm_file *file)
{
	struct drm_mode_destroy_dumb *args = data;

	return drm_gem_handle_delete(file, args->handle);
}

/* -ENOIOCTLCMD for a capability that the core reports. */
static int vp_ioctl_get_cap(struct drm_device *drm, void *data,
			    struct drm_file *file)
{
	struct drm_get_cap *args = data;
	struct vp_config *config = &to_vp_device(drm)->config;

	switch (args->capability) {
	case DRM_CAP_DUMB_BUFFER:
		args->value = 1;
		return 0;
	case DRM_CAP_PRIME:
		args->value = (config->prime_import ? DRM_PRIME_CAP_IMPORT : 0) |
			      (config->prime_export ? DRM_PRIME_CAP_EXPORT : 0);
		return 0;
	default:
		return -ENOIOCTLCMD;
	}
}

/* Arguments of the ioctls that vp_ioctl_answer() handles. */
union vp_ioctl_args {
	struct drm_get_cap cap;
	struct drm_mode_create_dumb create_dumb;
	struct drm_mode_map_dumb map_dumb;
	struct drm_mode_destroy_dumb destroy_dumb;
};

/*
 * Handles sizes as the core's dispatcher does: the argument of an older program
 * may be shorter, and is filled up with zeroes; that of a newer one may be longer,
 * and the rest is not touched. Not inlined, to keep the arguments off the stack
 * of the ioctls that go to the core.
 */
static noinline long vp_ioctl_answer(struct file *filp, unsigned int cmd,
				     void __user *user, drm_ioctl_t *func,
				     size_t size)
{
	union vp_ioctl_args args = {};
	long ret;

	size = min_t(size_t, _IOC_SIZE(cmd), size);
	if ((cmd & IOC_IN) && copy_from_user(&args, user, size))
		return -EFAULT;

	ret = drm_ioctl_kernel(filp, func, &args, DRM_RENDER_ALLOW);
	if (ret != -ENOIOCTLCMD && (cmd & IOC_OUT) &&
	    copy_to_user(user, &args, size))
		return -EFAULT;
	return ret;
}

/* @member is the member of union vp_ioctl_args for the argument. */
#define VP_IOCTL_ANSWER(filp, cmd, user, func, member) \
	vp_ioctl_answer(filp, cmd, user, func, \
			sizeof_field(union vp_ioctl_args, member))

/* As vp_ioctl_answer(), for vp_ioctl_fence_create(), which writes its results. */
static noinline long vp_ioctl_answer_fence(struct file *filp, unsigned int cmd,
					   void __user *user)
{
	struct vp_ioctl_fence request = {
		.user = user,
		.size = min_t(size_t, _IOC_SIZE(cmd), sizeof(request.args)),
	};

	if (copy_from_user(&request.args, user, request.size))
		return -EFAULT;
	return drm_ioctl_kernel(filp, vp_ioctl_fence_create, &request,
				DRM_RENDER_ALLOW);
}

/*
 * The arguments have the same layout for 32-bit programs. Returns -ENOIOCTLCMD for
 * what the core handles.
 */
static long vp_ioctl_own(struct file *filp, unsigned int cmd, void __user *user)
{
	if (DRM_IOCTL_TYPE(cmd) != DRM_IOCTL_BASE)
		return -ENOTTY;

	switch (DRM_IOCTL_NR(cmd)) {
	case DRM_IOCTL_NR(DRM_IOCTL_VPRIME_FENCE_CREATE):
		return vp_ioctl_answer_fence(filp, cmd, user);
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_CREATE_DUMB):
		return VP_IOCTL_ANSWER(filp, cmd, user, vp_ioctl_create_dumb,
				       create_dumb);
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_MAP_DUMB):
		return VP_IOCTL_ANSWER(filp, cmd, user, vp_ioctl_map_dumb,
				       map_dumb);
	case DRM_IOCTL_NR(DRM_IOCTL_MODE_DESTROY_DUMB):
		return VP_IOCTL_ANSWER(filp, cmd, user, vp_ioctl_destroy_dumb,
				       destroy_dumb);
	case DRM_IOCTL_NR(DRM_IOCTL_GET_CAP):
		return VP_IOCTL_ANSWER(filp, cmd, user, vp_ioctl_get_cap, cap);
	default:
		return -ENOIOCTLCMD;
	}
}

/**
 * vp_ioctl - handle an ioctl
 * @filp: a file of a GPU
 * @cmd: the ioctl
 * @arg: user pointer to its argument
 *
 * Context: May sleep.
 * Return: 0 or more on success; -ENOTTY for an ioctl that is not of the DRM core
 *	or vprime; else a negative errno as the description of the ioctl says.
 */
long vp_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	long ret = vp_ioctl_own(filp, cmd, (void __user *)arg);

	return ret == -ENOIOCTLCMD ? drm_ioctl(filp, cmd, arg) : ret;
}

#ifdef CONFIG_COMPAT
/**
 * vp_ioctl_compat - handle an ioctl of a 32-bit program on a 64-bit kernel
 * @filp: a file of a GPU
 * @cmd: the ioctl
 * @arg: 32-bit user pointer to its argument
 *
 * Context: May sleep.
 * Return: As vp_ioctl().
 */
long vp_ioctl_compat(struct file *filp, unsigned int cmd, unsigned long arg)
{
	long ret = vp_ioctl_own(filp, cmd, compat_ptr(arg));

	return ret == -ENOIOCTLCMD ? drm_compat_ioctl(filp, cmd, arg) : ret;
}
#endif
