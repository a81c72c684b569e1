/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/config/vprime
 */
#ifndef VP_DRM_CONFIGFS_H
#define VP_DRM_CONFIGFS_H

#if IS_ENABLED(CONFIG_CONFIGFS_FS)
int vp_configfs_init(void);
void vp_configfs_fini(void);
#else
static inline int vp_configfs_init(void)
{
	return 0;
}

static inline void vp_configfs_fini(void)
{
}
#endif

#endif /* VP_DRM_CONFIGFS_H */
