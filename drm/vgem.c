// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: the vgem personality
 *
 * A module in place of the kernel's vgem: one device of that name, with vgem's
 * ioctls and results, on vprime's memory and fences. It is built from the same
 * files as vprime, but independent of it: both can be loaded.
 *
 * It differs from the kernel's vgem in this:
 *
 *  - memory is cached, and in huge pages where they are available;
 *  - a fence that is still referenced keeps the module from being unloaded;
 *  - the exporter name of its dma-bufs is "vgem", not "drm";
 *  - an imported buffer is mapped for the device when that is needed, and not
 *    pinned (the kernel's vgem maps it at import, and in 7.x not at all).
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_mode.h>
#include <drm/drm_prime.h>
#include <drm/vgem_drm.h>

#include "compat.h"
#include "drm/fence.h"
#include "drm/file.h"
#include "fence/client.h"
#include "gem/gpu.h"
#include "memory/storage.h"
#include "gem/mapping.h"
#include "gem/object.h"

/* Milliseconds after which a fence signals by itself, as in the kernel's vgem. */
#define VP_VGEM_TIMEOUT_MS	10000

static int vp_vgem_dumb_create(struct drm_file *file, struct drm_device *drm,
			       struct drm_mode_create_dumb *args)
{
	int ret;

	ret = VP_DRM_SIZE_DUMB(drm, args);
	if (ret)
		return ret;
	return vp_gem_create_handle(drm, file, &args->size, &args->handle);
}

/* The kernel's vgem does not let programs map buffers of other drivers. */
static int vp_vgem_dumb_map_offset(struct drm_file *file,
				   struct drm_device *drm, u32 handle,
				   u64 *offset)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);
	bool foreign;

	if (!obj)
		return -ENOENT;
	foreign = vp_gem_buf(obj)->foreign;
	drm_gem_object_put(obj);
	return foreign ? -EINVAL :
			 vp_gem_map_offset(file, drm, handle, offset);
}

static const struct file_operations vp_vgem_fops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.release = vp_file_release,
	.unlocked_ioctl = drm_ioctl,
	.compat_ioctl = drm_compat_ioctl,
	.mmap = drm_gem_mmap,
	.get_unmapped_area = vp_gem_get_unmapped_area,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	VP_FOP_FLAGS
};

static const struct drm_ioctl_desc vp_vgem_ioctls[] = {
	DRM_IOCTL_DEF_DRV(VGEM_FENCE_ATTACH, vp_ioctl_fence_attach,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VGEM_FENCE_SIGNAL, vp_ioctl_fence_signal,
			  DRM_RENDER_ALLOW),
};

static const struct drm_driver vp_vgem_driver = {
	.driver_features = DRIVER_GEM | DRIVER_RENDER,
	.fops = &vp_vgem_fops,
	.postclose = vp_file_postclose,
	.ioctls = vp_vgem_ioctls,
	.num_ioctls = ARRAY_SIZE(vp_vgem_ioctls),

	.gem_prime_import = vp_gem_import,
	.dumb_create = vp_vgem_dumb_create,
	.dumb_map_offset = vp_vgem_dumb_map_offset,
	VP_DRM_DRIVER_PRIME

	.name = "vgem",
	.desc = "Virtual GEM provider",
	VP_DRM_DRIVER_DATE("20120112")
	.major = 1,
	.minor = 0,
};

static struct device *vp_vgem_dev;
static struct vp_gpu *vp_vgem;

static int vp_vgem_bring_up(struct device *dev)
{
	struct vp_gpu *gpu;
	int ret;

	ret = dma_coerce_mask_and_coherent(dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	gpu = devm_drm_dev_alloc(dev, &vp_vgem_driver, struct vp_gpu, drm);
	if (IS_ERR(gpu))
		return PTR_ERR(gpu);
	vp_vgem = gpu;

	gpu->coherent = true;
	gpu->dma_bits = 64;
	gpu->max_segment = VP_MAX_SEGMENT;
	gpu->allow_overcommit = true;
	spin_lock_init(&gpu->lock);
	INIT_LIST_HEAD(&gpu->mapped);

	gpu->fences = (struct vp_fence_device){
		.owner.device = "vgem",
		.owner.timeout_ms = VP_VGEM_TIMEOUT_MS,
		.owner.no_errors = true,
		.names = { "unbound", "unbound" },
	};
	return drm_dev_register(&gpu->drm, 0);
}

/* The device is on the same bus as the kernel's vgem. */
static int vp_vgem_plug(void)
{
	int ret;

	vp_vgem_dev = vp_bare_device_create("vgem");
	if (IS_ERR(vp_vgem_dev))
		return PTR_ERR(vp_vgem_dev);

	ret = -ENOMEM;
	if (!devres_open_group(vp_vgem_dev, NULL, GFP_KERNEL))
		goto err_destroy;
	ret = vp_vgem_bring_up(vp_vgem_dev);
	if (!ret)
		return 0;

	devres_release_group(vp_vgem_dev, NULL);
err_destroy:
	vp_bare_device_destroy(vp_vgem_dev);
	return ret;
}

static void vp_vgem_unplug(void)
{
	drm_dev_unregister(&vp_vgem->drm);
	vp_timelines_end(&vp_vgem->fences.owner, -ENODEV);
	vp_gem_unmap_all(&vp_vgem->drm);
	devres_release_group(vp_vgem_dev, NULL);
	vp_bare_device_destroy(vp_vgem_dev);
}

static int __init vp_vgem_init(void)
{
	int ret;

	ret = vp_fences_init();
	if (ret)
		return ret;
	ret = vp_storage_init();
	if (ret)
		goto err_fences;
	ret = vp_gem_init();
	if (ret)
		goto err_storage;
	ret = vp_vgem_plug();
	if (ret)
		goto err_gem;
	return 0;

err_gem:
	vp_gem_fini();
err_storage:
	vp_storage_fini();
err_fences:
	vp_fences_fini();
	return ret;
}

static void __exit vp_vgem_exit(void)
{
	vp_vgem_unplug();
	vp_gem_fini();
	vp_storage_fini();
	vp_fences_fini();
}

module_init(vp_vgem_init);
module_exit(vp_vgem_exit);

MODULE_DESCRIPTION("vgem, on vprime's memory and fences");
MODULE_AUTHOR("The vprime developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(VP_VERSION);
MODULE_INFO(import_ns, "DMA_BUF");
