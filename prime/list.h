/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of buffers; only with CONFIG_VPRIME_WATCH.
 */
#ifndef VP_DMABUF_LIST_H
#define VP_DMABUF_LIST_H

struct seq_operations;

extern const struct seq_operations vp_dmabuf_list_ops;

#endif /* VP_DMABUF_LIST_H */
