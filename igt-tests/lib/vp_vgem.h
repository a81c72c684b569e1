/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fences of vgem, the one driver of a stock kernel whose fences a program
 * makes and signals by itself. (libdrm's headers are without vgem's.)
 */
#ifndef VP_VGEM_H
#define VP_VGEM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Put a fence on the buffer with this handle in vgem's file, as one who writes
 * to it or one who reads it. Whoever waits for it waits until it is signalled,
 * or until vgem gives up after ten seconds.
 */
uint32_t vp_vgem_attach(int vgem, uint32_t handle, bool write);
void vp_vgem_signal(int vgem, uint32_t fence);

#endif /* VP_VGEM_H */
