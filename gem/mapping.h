/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A GPU's own mapping of a buffer.
 */
#ifndef VP_GEM_MAPPING_H
#define VP_GEM_MAPPING_H

struct vp_attachment;
struct vp_gem;

int vp_gem_map(struct vp_gem *gem, bool write);
void vp_gem_unmap(struct vp_attachment *attach);

#endif /* VP_GEM_MAPPING_H */
