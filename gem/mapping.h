/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A GPU's own mapping of a buffer.
 */
#ifndef VP_GEM_MAPPING_H
#define VP_GEM_MAPPING_H

struct vp_attachment;

void vp_gem_unmap(struct vp_attachment *attach);

#endif /* VP_GEM_MAPPING_H */
