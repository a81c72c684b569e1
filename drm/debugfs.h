/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/debug/vprime
 */
#ifndef VP_DRM_DEBUGFS_H
#define VP_DRM_DEBUGFS_H

void vp_debugfs_init(void);
void vp_debugfs_fini(void);

#endif /* VP_DRM_DEBUGFS_H */
