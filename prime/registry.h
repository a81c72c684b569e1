/* SPDX-License-Identifier: GPL-2.0-only */
/* All buffers, by id. */
#ifndef VP_PRIME_REGISTRY_H
#define VP_PRIME_REGISTRY_H

#include <linux/types.h>

struct vp_dmabuf;

void vp_registry_add(struct vp_dmabuf *buf);
void vp_registry_del(struct vp_dmabuf *buf);
struct vp_dmabuf *vp_registry_next(struct vp_dmabuf *before, u64 id);

#endif /* VP_PRIME_REGISTRY_H */
