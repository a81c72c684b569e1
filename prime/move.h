/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What moving and revoking want from the rest of the core.
 */
#ifndef VP_PRIME_MOVE_H
#define VP_PRIME_MOVE_H

void vp_dmabuf_wake_revoker(void);

#endif /* VP_PRIME_MOVE_H */
