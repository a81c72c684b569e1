// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: debugfs
 *
 * /sys/kernel/debug/vprime/counts has one line "name number" for each kind of
 * object. A test that leaves nothing behind finds the same numbers before and
 * after; violations alone only ever grows.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "drm/debugfs.h"
#include "gem/memory.h"
#include "gem/object.h"
#include "prime/dmabuf.h"

static struct dentry *vp_debugfs_root;

static void vp_debugfs_count(struct seq_file *m, const char *name,
			     atomic_long_t *count)
{
	seq_printf(m, "%s %ld\n", name, atomic_long_read(count));
}

static int vp_debugfs_counts_show(struct seq_file *m, void *unused)
{
	struct vp_dmabuf_counts *counts = &vp_dmabuf_counts;

	vp_debugfs_count(m, "buffers", &counts->buffers);
	seq_printf(m, "views %ld\n", vp_gem_views());
	vp_debugfs_count(m, "attachments", &counts->attachments);
	vp_debugfs_count(m, "mappings", &counts->mappings);
	vp_debugfs_count(m, "pins", &counts->pins);
	vp_debugfs_count(m, "vmaps", &counts->vmaps);
	vp_debugfs_count(m, "exports", &counts->exports);
	vp_debugfs_count(m, "imports", &counts->imports);
	seq_printf(m, "pages %ld\n", vp_memory_pages());
	vp_debugfs_count(m, "violations", &counts->violations);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vp_debugfs_counts);

/**
 * vp_debugfs_init - make the folder
 *
 * A kernel without debugfs does without it.
 */
void vp_debugfs_init(void)
{
	vp_debugfs_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("counts", 0400, vp_debugfs_root, NULL,
			    &vp_debugfs_counts_fops);
}

/**
 * vp_debugfs_fini - remove the folder
 */
void vp_debugfs_fini(void)
{
	debugfs_remove_recursive(vp_debugfs_root);
}
