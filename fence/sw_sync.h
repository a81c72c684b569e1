/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fences that a counter passes, for kernels that lack them.
 */
#ifndef VP_FENCE_SW_SYNC_H
#define VP_FENCE_SW_SYNC_H

void vp_sw_sync_init(void);
void vp_sw_sync_fini(void);

#endif /* VP_FENCE_SW_SYNC_H */
