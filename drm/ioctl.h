/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ioctls of a GPU's file.
 */
#ifndef VP_DRM_IOCTL_H
#define VP_DRM_IOCTL_H

#include <drm/drm_ioctl.h>
#include <drm/vprime_drm.h>

/* Of the numbers below 0x10, two are vgem's and the others are unused. */
#define VP_NUM_IOCTLS	(DRM_VPRIME_TIMELINE_SIGNAL + 1)

extern const struct drm_ioctl_desc vp_ioctls[VP_NUM_IOCTLS];

long vp_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
#ifdef CONFIG_COMPAT
long vp_ioctl_compat(struct file *filp, unsigned int cmd, unsigned long arg);
#else
#define vp_ioctl_compat NULL
#endif

#endif /* VP_DRM_IOCTL_H */
