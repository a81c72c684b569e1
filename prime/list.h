/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of buffers, which only a build with the watch has.
 */
#ifndef VP_DMABUF_LIST_H
#define VP_DMABUF_LIST_H

struct seq_operations;

extern const struct seq_operations vp_dmabuf_list_ops;

#ifdef VP_WATCH

void vp_dmabuf_list_end_left(void);

#else

static inline void vp_dmabuf_list_end_left(void)
{
}

#endif

#endif /* VP_DMABUF_LIST_H */
