/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual GPU.
 */
#ifndef VP_DRM_DEVICE_H
#define VP_DRM_DEVICE_H

#include <drm/drm_drv.h>

#include "drm/config.h"
#include "gem/gpu.h"

struct platform_device;

/* The most GPUs there can be: bit n of a __u64 stands for GPU n. */
#define VP_MAX_GPUS	64

/**
 * struct vp_device - a virtual GPU
 * @node: its place in the list that vp_devices_each() walks
 * @gpu: the GPU as gem/ sees it, with the DRM device
 * @config: its configuration
 * @driver: its copy of the driver, with a name of its own
 * @index: the N of its name vprimeN
 */
struct vp_device {
	struct list_head node;
	struct vp_gpu gpu;
	struct vp_config config;
	struct drm_driver driver;
	unsigned int index;
};

/**
 * to_vp_device - the GPU that a DRM device belongs to
 * @drm: the DRM device
 *
 * Context: Any context.
 * Return: The GPU.
 */
static inline struct vp_device *to_vp_device(struct drm_device *drm)
{
	return container_of(drm, struct vp_device, gpu.drm);
}

int vp_devices_init(void);
void vp_devices_add(unsigned int gpus);
void vp_devices_fini(void);
void vp_devices_each(void (*func)(struct drm_device *drm, void *data), void *data);

struct vp_config vp_device_default_config(void);
int vp_device_reserve(void);
void vp_device_release(unsigned int index);
struct platform_device *vp_device_plug(unsigned int index,
				       const struct vp_config *config);
void vp_device_unplug(struct platform_device *pdev);

#endif /* VP_DRM_DEVICE_H */
