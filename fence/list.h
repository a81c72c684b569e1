/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timelines and their pending fences as text, for debugfs.
 */
#ifndef VP_FENCE_LIST_H
#define VP_FENCE_LIST_H

struct file;
struct seq_file;

char vp_plain(char c);
void vp_show_name(struct seq_file *m, const char *key, const char *name);
int vp_fence_list_open(struct file *file);

#endif /* VP_FENCE_LIST_H */
