/* SPDX-License-Identifier: GPL-2.0-only */
/* The exporter of system memory. */
#ifndef VP_MEMORY_MEMORY_H
#define VP_MEMORY_MEMORY_H

#include <linux/types.h>

struct vp_dmabuf;

int vp_memory_init(void);
void vp_memory_fini(void);

u64 vp_memory_max_size(void);

struct vp_dmabuf *vp_memory_create(size_t size, const char *name, bool low);

#endif /* VP_MEMORY_MEMORY_H */
