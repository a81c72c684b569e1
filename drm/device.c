// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: devices
 *
 * Each GPU is a platform device vprimeN, because libdrm enumerates the platform
 * bus and tells GPUs apart by the names of their devices. Its configuration is
 * the platform data. The driver can be unbound through sysfs, which unplugs the
 * GPU: ioctls on open files fail with ENODEV, fences that were made through them
 * signal with it, and buffers stay as long as anything holds them.
 *
 * An index is reserved by the module parameter, or by mkdir in configfs, and stays
 * reserved whether the GPU is plugged in or not.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/mod_devicetable.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_managed.h>
#include <drm/drm_prime.h>

#include "compat.h"
#include "drm/device.h"
#include "drm/file.h"
#include "drm/ioctl.h"
#include "gem/mapping.h"
#include "gem/object.h"

static bool vp_enforce_read_only;
module_param_named(enforce_read_only, vp_enforce_read_only, bool, 0644);
MODULE_PARM_DESC(enforce_read_only, "New GPUs refuse writes to what they exported read-only, and do not only report them (default 0)");

static bool vp_export_writable = true;
module_param_named(export_writable, vp_export_writable, bool, 0644);
MODULE_PARM_DESC(export_writable, "What new GPUs export read-only can be mapped for writing all the same, which is reported, unless they enforce (default 1)");

static const struct file_operations vp_device_fops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.release = vp_file_release,
	.unlocked_ioctl = vp_ioctl,
	.compat_ioctl = vp_ioctl_compat,
	.mmap = drm_gem_mmap,
	.get_unmapped_area = vp_gem_get_unmapped_area,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	VP_FOP_SHOW_FDINFO
	VP_FOP_FLAGS
};

static const struct drm_driver vp_device_driver = {
	.driver_features = DRIVER_GEM | DRIVER_RENDER | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE,
	.fops = &vp_device_fops,
	.postclose = vp_file_postclose,
	.ioctls = vp_ioctls,
	.num_ioctls = VP_NUM_IOCTLS,

	.gem_prime_import = vp_gem_import,
	.dumb_create = vp_gem_dumb_create,
	.dumb_map_offset = vp_gem_map_offset,
	VP_DRM_DRIVER_PRIME
	VP_DRM_DRIVER_SHOW_FDINFO

	.name = KBUILD_MODNAME,
	.desc = "virtual GPU for sharing buffers",
	VP_DRM_DRIVER_DATE("20261122")
	.major = 1,
	.minor = 0,
};

/* vprime0 and so on, filled in by vp_devices_init(); the last entry stays empty. */
static struct platform_device_id vp_device_ids[VP_MAX_GPUS + 1];

/* The GPUs of the module parameter, by index. */
static struct platform_device *vp_devices[VP_MAX_GPUS];

/* Guards vp_device_used, which has a bit for each index that is reserved. */
static DEFINE_MUTEX(vp_device_lock);
static DECLARE_BITMAP(vp_device_used, VP_MAX_GPUS);

/*
 * Guards vp_device_list, which has each device until it is freed: one that has been
 * unplugged stays as long as a file of it is open. Under it, vp_devices_each() may
 * take the DRM core's locks of a device's files and of their handles.
 */
static DEFINE_MUTEX(vp_device_list_lock);
static LIST_HEAD(vp_device_list);

/**
 * struct vp_device_data - platform data of a GPU
 * @config: its configuration
 * @error: the errno that the last probe failed with; 0 if it did not
 */
struct vp_device_data {
	struct vp_config config;
	int error;
};

static void vp_device_remove(void *data)
{
	struct drm_device *drm = data;

	/* First: ioctls that wait for these fences continue, and fail with ENODEV. */
	vp_timelines_end(&to_vp_gpu(drm)->fences.owner, -ENODEV);
	drm_dev_unplug(drm);
	vp_gem_unmap_all(drm);
}

/* The errno of the DRM core for a driver without PRIME, on kernels that have such. */
static int vp_device_no_export(struct drm_device *drm, struct drm_file *file,
			       u32 handle, u32 flags, int *fd)
{
	return -ENOSYS;
}

static int vp_device_no_import(struct drm_device *drm, struct drm_file *file,
			       int fd, u32 *handle)
{
	return -ENOSYS;
}

static void vp_device_unlist(struct drm_device *drm, void *unused)
{
	mutex_lock(&vp_device_list_lock);
	list_del(&to_vp_device(drm)->node);
	mutex_unlock(&vp_device_list_lock);
}

static int vp_device_list_add(struct vp_device *vdev)
{
	mutex_lock(&vp_device_list_lock);
	list_add_tail(&vdev->node, &vp_device_list);
	mutex_unlock(&vp_device_list_lock);
	return drmm_add_action_or_reset(&vdev->gpu.drm, vp_device_unlist, NULL);
}

/**
 * vp_devices_each - call a function for each device
 * @func: the function; the device is not freed while it runs
 * @data: passed to @func
 *
 * Includes devices that have been unplugged and still have open files.
 *
 * Context: May sleep.
 */
void vp_devices_each(void (*func)(struct drm_device *drm, void *data), void *data)
{
	struct vp_device *vdev;

	mutex_lock(&vp_device_list_lock);
	list_for_each_entry(vdev, &vp_device_list, node)
		func(&vdev->gpu.drm, data);
	mutex_unlock(&vp_device_list_lock);
}

static void vp_device_configure(struct vp_device *vdev,
				const struct vp_config *config)
{
	struct drm_device *drm = &vdev->gpu.drm;

	vdev->config = *config;
	/* drm->driver may be a copy, as drm->driver_features is. */
	vdev->driver = vp_device_driver;
	vdev->driver.name = vdev->config.driver_name;
	if (!config->prime_export)
		vdev->driver.prime_handle_to_fd = vp_device_no_export;
	if (!config->prime_import)
		vdev->driver.prime_fd_to_handle = vp_device_no_import;
	drm->driver = &vdev->driver;
	if (!config->syncobj)
		drm->driver_features &= ~DRIVER_SYNCOBJ;
	if (!config->syncobj || !config->syncobj_timeline)
		drm->driver_features &= ~DRIVER_SYNCOBJ_TIMELINE;

	vdev->gpu.coherent = config->coherent;
	vdev->gpu.dma_bits = config->dma_bits;
	vdev->gpu.max_segment = config->max_segment;
	vdev->gpu.read_only = config->enforce_read_only ?
			      VP_READ_ONLY_ENFORCED : VP_READ_ONLY_REPORTED;
	vdev->gpu.export_writable = config->export_writable &&
				    !config->enforce_read_only;
	vdev->gpu.limited = dma_addressing_limited(drm->dev);
	spin_lock_init(&vdev->gpu.lock);
	INIT_LIST_HEAD(&vdev->gpu.mapped);
}

static int vp_device_bring_up(struct platform_device *pdev,
			      const struct vp_config *config)
{
	const struct platform_device_id *id = platform_get_device_id(pdev);
	struct vp_device *vdev;
	int ret;

	ret = dma_coerce_mask_and_coherent(&pdev->dev,
					   DMA_BIT_MASK(config->dma_bits));
	if (ret)
		return ret;
	dma_set_max_seg_size(&pdev->dev, config->max_segment);

	vdev = devm_drm_dev_alloc(&pdev->dev, &vp_device_driver,
				  struct vp_device, gpu.drm);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);
	vdev->index = id->driver_data;
	vp_device_configure(vdev, config);
	vdev->gpu.fences = (struct vp_fence_device){
		.owner.device = id->name,
		.owner.timeout_ms = config->fence_timeout_ms,
		.names = { [false] = "read", [true] = "write" },
	};

	ret = vp_device_list_add(vdev);
	if (ret)
		return ret;
	ret = drm_dev_register(&vdev->gpu.drm, 0);
	if (ret)
		return ret;
	ret = devm_add_action_or_reset(&pdev->dev, vp_device_remove,
				       &vdev->gpu.drm);
	if (!ret)
		platform_set_drvdata(pdev, vdev);
	return ret;
}

static int vp_device_probe(struct platform_device *pdev)
{
	struct vp_device_data *data = dev_get_platdata(&pdev->dev);

	/* By driver_override in sysfs, any device may be bound to the driver. */
	if (!platform_get_device_id(pdev) || !data)
		return -ENODEV;

	data->error = vp_device_bring_up(pdev, &data->config);
	return data->error;
}

static struct platform_driver vp_platform_driver = {
	.probe = vp_device_probe,
	.id_table = vp_device_ids,
	.driver = {
		.name = KBUILD_MODNAME,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

/**
 * vp_device_default_config - the configuration of a GPU before any change
 *
 * Context: Any context.
 * Return: That of the GPUs of the module parameter, and of those that are made in
 *	configfs.
 */
struct vp_config vp_device_default_config(void)
{
	return (struct vp_config) {
		.coherent = true,
		.dma_bits = VP_DMA_BITS_MAX,
		.max_segment = VP_MAX_SEGMENT,
		.prime_import = true,
		.prime_export = true,
		.syncobj = true,
		.syncobj_timeline = true,
		.fence_timeout_ms = VP_FENCE_TIMEOUT_MS,
		.enforce_read_only = READ_ONCE(vp_enforce_read_only),
		.export_writable = READ_ONCE(vp_export_writable),
		.driver_name = KBUILD_MODNAME,
	};
}

/**
 * vp_device_reserve - reserve an index for a GPU
 *
 * Context: May sleep.
 * Return: The lowest free index; -ENOSPC when VP_MAX_GPUS are reserved.
 */
int vp_device_reserve(void)
{
	unsigned int index;

	mutex_lock(&vp_device_lock);
	index = find_first_zero_bit(vp_device_used, VP_MAX_GPUS);
	if (index < VP_MAX_GPUS)
		__set_bit(index, vp_device_used);
	mutex_unlock(&vp_device_lock);
	return index < VP_MAX_GPUS ? index : -ENOSPC;
}

/**
 * vp_device_release - free an index
 * @index: from vp_device_reserve(); no GPU with it is plugged in
 *
 * Context: May sleep.
 */
void vp_device_release(unsigned int index)
{
	mutex_lock(&vp_device_lock);
	__clear_bit(index, vp_device_used);
	mutex_unlock(&vp_device_lock);
}

/**
 * vp_device_plug - plug a GPU in
 * @index: its index, from vp_device_reserve()
 * @config: its configuration; copied
 *
 * Context: May sleep.
 * Return: The device, to be given to vp_device_unplug(); or an ERR_PTR() of
 *	-ENOSPC when the kernel has no DRM minors left, -ENOMEM, or what
 *	drm_dev_register() or the driver model fails with.
 */
struct platform_device *vp_device_plug(unsigned int index,
				       const struct vp_config *config)
{
	struct vp_device_data data = { .config = *config, .error = -ENOMEM };
	struct platform_device *pdev;
	int ret;

	pdev = platform_device_register_data(NULL, vp_device_ids[index].name,
					     PLATFORM_DEVID_NONE, &data,
					     sizeof(data));
	if (IS_ERR(pdev))
		return pdev;

	/* Registering succeeds even if the probe fails. */
	ret = ((struct vp_device_data *)dev_get_platdata(&pdev->dev))->error;
	if (ret) {
		platform_device_unregister(pdev);
		return ERR_PTR(ret);
	}
	return pdev;
}

/**
 * vp_device_unplug - unplug a GPU
 * @pdev: the device, or NULL
 *
 * Ioctls on its open files fail with ENODEV from now on. When this returns, its
 * fences have signalled with -ENODEV, and it has no buffer mapped. The buffers
 * stay as long as anything holds them.
 *
 * Context: May sleep. Takes reservation locks of buffers.
 */
void vp_device_unplug(struct platform_device *pdev)
{
	platform_device_unregister(pdev);
}

/**
 * vp_devices_init - register the driver, without any GPU
 *
 * Context: Loading the module. May sleep.
 * Return: 0, or a negative errno as platform_driver_register().
 */
int vp_devices_init(void)
{
	unsigned int i;

	for (i = 0; i < VP_MAX_GPUS; i++) {
		snprintf(vp_device_ids[i].name, sizeof(vp_device_ids[i].name),
			 KBUILD_MODNAME "%u", i);
		vp_device_ids[i].driver_data = i;
	}
	return platform_driver_register(&vp_platform_driver);
}

/**
 * vp_devices_add - plug in the GPUs of the module parameter
 * @gpus: how many, 0 to VP_MAX_GPUS
 *
 * When a GPU cannot be made, those before it stay, and an error is logged. Loading
 * must not fail then: a program may have opened one of them, and the kernel frees
 * the code of a module that fails to load, whether files are open or not.
 *
 * Context: Loading the module, when nothing is left that can fail. May sleep.
 */
void vp_devices_add(unsigned int gpus)
{
	struct vp_config config = vp_device_default_config();
	struct platform_device *pdev;
	unsigned int i;
	int index, ret;

	for (i = 0; i < gpus; i++) {
		index = vp_device_reserve();
		pdev = index < 0 ? ERR_PTR(index) :
				   vp_device_plug(index, &config);
		if (IS_ERR(pdev)) {
			ret = PTR_ERR(pdev);
			pr_err("made %u of %u GPUs, and no more: error %d%s\n",
			       i, gpus, ret, ret == -ENOSPC ?
			       ", the kernel has no DRM minors left" : "");
			if (index >= 0)
				vp_device_release(index);
			return;
		}
		vp_devices[index] = pdev;
	}
}

/**
 * vp_devices_fini - undo vp_devices_add() and vp_devices_init()
 *
 * Context: Unloading the module, or failing to load it. May sleep.
 */
void vp_devices_fini(void)
{
	unsigned int i = VP_MAX_GPUS;

	while (i--)
		vp_device_unplug(vp_devices[i]);
	platform_driver_unregister(&vp_platform_driver);
}
