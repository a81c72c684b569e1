/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's sw_sync, for kernels that were built without it.
 */
#ifndef VP_FENCE_SW_SYNC_H
#define VP_FENCE_SW_SYNC_H

void vp_sw_sync_init(void);
void vp_sw_sync_fini(void);

#endif /* VP_FENCE_SW_SYNC_H */
