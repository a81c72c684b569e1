// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprime: virtual GPUs for sharing buffers and synchronising on them.
 *
 * Module parameters, and the order in which the parts are set up and torn down.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "drm/configfs.h"
#include "drm/debugfs.h"
#include "drm/device.h"
#include "drm/fence.h"
#include "fence/sw_sync.h"
#include "fence/timeline.h"
#include "gem/object.h"
#include "memory/storage.h"
#include "prime/cpu_access.h"

static unsigned int vp_gpus = 2;
module_param_named(gpus, vp_gpus, uint, 0444);
MODULE_PARM_DESC(gpus, "How many GPUs there are at start, 0 to 64 (default 2)");

module_param_named(strict, vp_cpu_access_strict, bool, 0644);
MODULE_PARM_DESC(strict, "Report CPU access to dma-bufs outside begin and end (default 0)");

module_param_named(user_fences, vp_user_fences, bool, 0444);
MODULE_PARM_DESC(user_fences, "Have timelines and sw_sync, whose fences programs signal; 0: only vgem's two ioctls (default 1)");

static int __init vp_main_init(void)
{
	int ret;

	if (vp_gpus > VP_MAX_GPUS) {
		pr_err("gpus=%u: there can be 0 to %u GPUs\n", vp_gpus,
		       VP_MAX_GPUS);
		return -EINVAL;
	}

	ret = vp_fences_init();
	if (ret)
		return ret;
	ret = vp_storage_init();
	if (ret)
		goto err_fences;
	ret = vp_gem_init();
	if (ret)
		goto err_storage;
	ret = vp_devices_init();
	if (ret)
		goto err_gem;
	/* The last that can fail, because from here on programs can open files. */
	ret = vp_configfs_init();
	if (ret)
		goto err_devices;
	vp_debugfs_init();
	if (vp_user_fences)
		vp_sw_sync_init();
	vp_devices_add(vp_gpus);
	return 0;

err_devices:
	vp_devices_fini();
err_gem:
	vp_gem_fini();
err_storage:
	vp_storage_fini();
err_fences:
	vp_fences_fini();
	return ret;
}

static void __exit vp_main_exit(void)
{
	vp_configfs_fini();
	vp_devices_fini();
	vp_sw_sync_fini();
	vp_debugfs_fini();
	vp_gem_fini();
	vp_storage_fini();
	vp_fences_fini();
}

module_init(vp_main_init);
module_exit(vp_main_exit);

MODULE_DESCRIPTION("Virtual GPUs for sharing buffers and synchronising on them");
MODULE_AUTHOR("The vprime developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(VP_VERSION);
MODULE_INFO(import_ns, "DMA_BUF");
