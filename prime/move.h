/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What moving and revoking want from the rest of the core.
 */
#ifndef VP_PRIME_MOVE_H
#define VP_PRIME_MOVE_H

struct vp_attachment;

void vp_attachment_invalidate(struct vp_attachment *attach);

#endif /* VP_PRIME_MOVE_H */
