/* SPDX-License-Identifier: GPL-2.0-only */
/* The list of buffers in debugfs. */
#ifndef VP_PRIME_LIST_H
#define VP_PRIME_LIST_H

#include <linux/seq_file.h>

extern const struct seq_operations vp_dmabuf_list_ops;

void vp_dmabuf_list_end_left(void);

#endif /* VP_PRIME_LIST_H */
