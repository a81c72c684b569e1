/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of buffers; only with CONFIG_VPRIME_WATCH.
 */
#ifndef VP_DMABUF_LIST_H
#define VP_DMABUF_LIST_H

#include <linux/types.h>

struct seq_operations;
struct vp_dmabuf;

void vp_dmabuf_list_add(struct vp_dmabuf *buf);
void vp_dmabuf_list_del(struct vp_dmabuf *buf);
struct vp_dmabuf *vp_dmabuf_list_find(u64 id);
extern const struct seq_operations vp_dmabuf_list_ops;

#endif /* VP_DMABUF_LIST_H */
