// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: devices
 *
 * Each GPU is a platform device vprimeN, because libdrm lists what sits on the
 * platform bus and takes devices of different names for different GPUs. The
 * driver binds to them as any other, so that unbinding one through sysfs is
 * unplugging it: open files then get ENODEV, and buffers live on with whoever
 * has them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-mapping.h>
#include <linux/mod_devicetable.h>
#include <linux/platform_device.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_prime.h>

#include "compat.h"
#include "drm/device.h"
#include "drm/ioctl.h"
#include "gem/object.h"

static const struct file_operations vp_device_fops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.release = drm_release,
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

static struct platform_device *vp_devices[VP_MAX_GPUS];

/* vprime0 and so on, made at start; the empty entry at the end stops. */
static struct platform_device_id vp_device_ids[VP_MAX_GPUS + 1];

/* Why the last probe failed; vp_devices_init() probes one at a time. */
static int vp_device_error;

static void vp_device_unplug(void *drm)
{
	drm_dev_unplug(drm);
}

static int vp_device_probe(struct platform_device *pdev)
{
	const struct platform_device_id *id = platform_get_device_id(pdev);
	struct vp_device *vdev;
	int ret;

	/* Somebody bound the driver to a device that is not ours. */
	ret = -ENODEV;
	if (!id)
		goto out;

	ret = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		goto out;
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);

	vdev = devm_drm_dev_alloc(&pdev->dev, &vp_device_driver,
				  struct vp_device, drm);
	if (IS_ERR(vdev)) {
		ret = PTR_ERR(vdev);
		goto out;
	}
	vdev->index = id->driver_data;

	ret = drm_dev_register(&vdev->drm, 0);
	if (ret)
		goto out;

	ret = devm_add_action_or_reset(&pdev->dev, vp_device_unplug,
				       &vdev->drm);
	if (!ret)
		platform_set_drvdata(pdev, vdev);
out:
	vp_device_error = ret;
	return ret;
}

static struct platform_driver vp_platform_driver = {
	.probe = vp_device_probe,
	.id_table = vp_device_ids,
	.driver = {
		.name = KBUILD_MODNAME,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

static int vp_device_add(unsigned int index)
{
	struct platform_device *pdev;

	vp_device_error = -ENODEV;
	pdev = platform_device_register_simple(vp_device_ids[index].name,
					       PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);

	/* Registering succeeds when binding fails. */
	if (!platform_get_drvdata(pdev)) {
		platform_device_unregister(pdev);
		return vp_device_error;
	}
	vp_devices[index] = pdev;
	return 0;
}

static void vp_devices_remove(void)
{
	unsigned int i = VP_MAX_GPUS;

	while (i--) {
		platform_device_unregister(vp_devices[i]);
		vp_devices[i] = NULL;
	}
}

/**
 * vp_devices_init - make the GPUs
 * @gpus: how many, 1 to VP_MAX_GPUS
 *
 * Returns 0, with all of them there, or an errno with none: -ENOSPC when the
 * kernel has no more DRM minors, -ENOMEM, or as the DRM core and the driver
 * model say.
 */
int vp_devices_init(unsigned int gpus)
{
	unsigned int i;
	int ret;

	for (i = 0; i < VP_MAX_GPUS; i++) {
		snprintf(vp_device_ids[i].name, sizeof(vp_device_ids[i].name),
			 KBUILD_MODNAME "%u", i);
		vp_device_ids[i].driver_data = i;
	}

	ret = platform_driver_register(&vp_platform_driver);
	if (ret)
		return ret;

	for (i = 0; i < gpus; i++) {
		ret = vp_device_add(i);
		if (ret) {
			pr_err("cannot make GPU %u of %u: error %d%s\n", i + 1,
			       gpus, ret, ret == -ENOSPC ?
			       ", the kernel has no DRM minors left" : "");
			goto err_remove;
		}
	}
	return 0;

err_remove:
	vp_devices_remove();
	platform_driver_unregister(&vp_platform_driver);
	return ret;
}

/**
 * vp_devices_fini - unplug and remove all GPUs
 */
void vp_devices_fini(void)
{
	vp_devices_remove();
	platform_driver_unregister(&vp_platform_driver);
}
