/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual GPU.
 */
#ifndef VP_DRM_DEVICE_H
#define VP_DRM_DEVICE_H

#include <drm/drm_device.h>

/* As many as a machine can have: bit n of a __u64 stands for GPU n. */
#define VP_MAX_GPUS	64

/**
 * struct vp_device - one virtual GPU
 * @drm: the DRM core's part
 * @index: which one it is: the N of its name vprimeN
 */
struct vp_device {
	struct drm_device drm;
	unsigned int index;
};

static inline struct vp_device *to_vp_device(struct drm_device *drm)
{
	return container_of(drm, struct vp_device, drm);
}

int vp_devices_init(unsigned int gpus);
void vp_devices_fini(void);

#endif /* VP_DRM_DEVICE_H */
