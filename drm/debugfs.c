// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: debugfs
 *
 * /sys/kernel/debug/vprime, for root:
 *
 *  - counts: a line "name number" for each kind of object. The numbers are of
 *    objects that exist now; violations is how many there were since the module
 *    was loaded.
 *  - violations: the same for each rule of the dma-buf contract.
 *  - buffers: all buffers, each with its attachments, open CPU accesses, pending
 *    fences and violations; prime/list.c has the format.
 *  - clients: all open files of the GPUs, also of those that have been unplugged,
 *    each with the process that has it, and its handles with the id of the buffer
 *    that each leads to.
 *  - fences: all timelines, each with its pending fences and the tasks that sleep
 *    on them; fence/list.c has the format.
 *  - move, revoke: writing the id of a buffer, in decimal, moves or revokes it.
 */
#include <linux/debugfs.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include <drm/drm_file.h>

#include "compat.h"
#include "count.h"
#include "drm/device.h"
#include "drm/debugfs.h"
#include "fence/fence.h"
#include "fence/list.h"
#include "fence/timeline.h"
#include "gem/object.h"
#include "memory/storage.h"
#include "prime/dmabuf.h"
#include "prime/list.h"
#include "prime/registry.h"

static struct dentry *vp_debugfs_root;

static void vp_debugfs_count(struct seq_file *m, const char *name,
			     const long __percpu *count)
{
	seq_printf(m, "%s %ld\n", name, vp_count_read(count));
}

static int vp_debugfs_counts_show(struct seq_file *m, void *unused)
{
	vp_dmabuf_list_end_left();
	vp_debugfs_count(m, "buffers", &vp_dmabuf_counts.buffers);
	vp_debugfs_count(m, "views", &vp_gem_count);
	vp_debugfs_count(m, "attachments", &vp_dmabuf_counts.attachments);
	vp_debugfs_count(m, "mappings", &vp_dmabuf_counts.mappings);
	vp_debugfs_count(m, "pins", &vp_dmabuf_counts.pins);
	vp_debugfs_count(m, "vmaps", &vp_dmabuf_counts.vmaps);
	vp_debugfs_count(m, "exports", &vp_dmabuf_counts.exports);
	vp_debugfs_count(m, "imports", &vp_dmabuf_counts.imports);
	vp_debugfs_count(m, "pages", &vp_storage_page_count);
	vp_debugfs_count(m, "timelines", &vp_timeline_count);
	vp_debugfs_count(m, "fences", &vp_fence_count);
	vp_debugfs_count(m, "violations", &vp_dmabuf_counts.violations);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vp_debugfs_counts);

static int vp_debugfs_violations_show(struct seq_file *m, void *unused)
{
	enum vp_rule rule;

	vp_dmabuf_list_end_left();
	for (rule = 0; rule < VP_RULES; rule++)
		seq_printf(m, "%s %ld\n", vp_rule_name(rule),
			   atomic_long_read(&vp_rule_counts[rule]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vp_debugfs_violations);

/*
 * Size of the buffer that a read(2) fills, in bytes. Each read has to find its
 * place in the list again, so with a page at a time a long list takes long.
 */
#define VP_LIST_CHUNK	(64 * 1024)

static void vp_debugfs_give_room(struct file *file)
{
	struct seq_file *m = file->private_data;

	m->buf = kvmalloc(VP_LIST_CHUNK, GFP_KERNEL);
	if (m->buf)
		m->size = VP_LIST_CHUNK;
}

static int vp_debugfs_fences_open(struct inode *inode, struct file *file)
{
	int ret = vp_fence_list_open(file);

	if (!ret)
		vp_debugfs_give_room(file);
	return ret;
}

static const struct file_operations vp_debugfs_fences_fops = {
	.owner = THIS_MODULE,
	.open = vp_debugfs_fences_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

/* Prints the handles of a file, or with a NULL @m only counts them. */
static unsigned int vp_debugfs_handles(struct seq_file *m, struct drm_file *file,
				       u64 *bytes)
{
	struct drm_gem_object *obj;
	unsigned int count = 0;
	int handle = 0;

	while (handle < INT_MAX && !(m && seq_has_overflowed(m))) {
		handle++;
		/* One at a time: a file can have a great many of them. */
		spin_lock(&file->table_lock);
		obj = idr_get_next(&file->object_idr, &handle);
		if (obj) {
			*bytes += obj->size;
			if (m)
				seq_printf(m, "  handle id=%d buffer=%llu\n", handle,
					   vp_gem_buf(obj)->id);
		}
		spin_unlock(&file->table_lock);
		if (!obj)
			break;
		count++;
		cond_resched();
	}
	return count;
}

/* The process that has a file, or the number of one that is gone. */
static void vp_debugfs_process(struct seq_file *m, struct drm_file *file)
{
	struct task_struct *task;
	struct pid *pid;

	rcu_read_lock();
	pid = vp_drm_file_pid(file);
	task = pid_task(pid, PIDTYPE_TGID) ?: pid_task(pid, PIDTYPE_PID);
	vp_show_name(m, "process", task ? task->group_leader->comm : "gone");
	seq_printf(m, " pid=%d", task ? task_tgid_nr(task) : pid_nr(pid));
	rcu_read_unlock();
}

static void vp_debugfs_client(struct seq_file *m, struct drm_file *file)
{
	unsigned int handles;
	u64 bytes = 0;

	handles = vp_debugfs_handles(NULL, file, &bytes);
	seq_puts(m, "client");
	vp_show_name(m, "device", dev_name(file->minor->dev->dev));
	vp_debugfs_process(m, file);
	seq_printf(m, " minor=%d handles=%u bytes=%llu\n", file->minor->index,
		   handles, bytes);
	vp_debugfs_handles(m, file, &bytes);
}

static void vp_debugfs_clients_of(struct drm_device *drm, void *m)
{
	struct drm_file *file;

	mutex_lock(&drm->filelist_mutex);
	list_for_each_entry_reverse(file, &drm->filelist, lhead)
		if (!seq_has_overflowed(m))
			vp_debugfs_client(m, file);
	mutex_unlock(&drm->filelist_mutex);
}

static int vp_debugfs_clients_show(struct seq_file *m, void *unused)
{
	vp_devices_each(vp_debugfs_clients_of, m);
	return 0;
}

/* All of it has to fit in the buffer: each time that it does not, it is printed again, in twice the room. */
static int vp_debugfs_clients_open(struct inode *inode, struct file *file)
{
	return single_open_size(file, vp_debugfs_clients_show, NULL, VP_LIST_CHUNK);
}

static const struct file_operations vp_debugfs_clients_fops = {
	.owner = THIS_MODULE,
	.open = vp_debugfs_clients_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static int vp_debugfs_buffers_open(struct inode *inode, struct file *file)
{
	int ret = seq_open(file, &vp_dmabuf_list_ops);

	if (!ret)
		vp_debugfs_give_room(file);
	return ret;
}

static const struct file_operations vp_debugfs_buffers_fops = {
	.owner = THIS_MODULE,
	.open = vp_debugfs_buffers_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release,
};

/* Call @func for the buffer with this id. */
static int vp_debugfs_do(u64 id, int (*func)(struct vp_dmabuf *buf))
{
	struct vp_dmabuf *buf = vp_registry_next(NULL, id);
	int ret;

	if (!buf)
		return -ENOENT;
	ret = buf->id == id ? func(buf) : -ENOENT;
	vp_dmabuf_put(buf);
	return ret;
}

static int vp_debugfs_move(void *data, u64 id)
{
	return vp_debugfs_do(id, vp_dmabuf_move);
}
DEFINE_DEBUGFS_ATTRIBUTE(vp_debugfs_move_fops, NULL, vp_debugfs_move, "%llu\n");

static int vp_debugfs_revoke(void *data, u64 id)
{
	return vp_debugfs_do(id, vp_dmabuf_revoke);
}
DEFINE_DEBUGFS_ATTRIBUTE(vp_debugfs_revoke_fops, NULL, vp_debugfs_revoke,
			 "%llu\n");

/**
 * vp_debugfs_init - make the directory and its files
 *
 * Does nothing on a kernel without debugfs.
 *
 * Context: Loading the module. May sleep.
 */
void vp_debugfs_init(void)
{
	vp_debugfs_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("counts", 0400, vp_debugfs_root, NULL,
			    &vp_debugfs_counts_fops);
	debugfs_create_file("violations", 0400, vp_debugfs_root, NULL,
			    &vp_debugfs_violations_fops);
	debugfs_create_file("clients", 0400, vp_debugfs_root, NULL,
			    &vp_debugfs_clients_fops);
	debugfs_create_file("fences", 0400, vp_debugfs_root, NULL,
			    &vp_debugfs_fences_fops);
	debugfs_create_file("buffers", 0400, vp_debugfs_root, NULL,
			    &vp_debugfs_buffers_fops);
	debugfs_create_file_unsafe("move", 0200, vp_debugfs_root, NULL,
				   &vp_debugfs_move_fops);
	debugfs_create_file_unsafe("revoke", 0200, vp_debugfs_root, NULL,
				   &vp_debugfs_revoke_fops);
}

/**
 * vp_debugfs_fini - remove the directory and its files
 *
 * Context: Unloading the module. May sleep.
 */
void vp_debugfs_fini(void)
{
	debugfs_remove_recursive(vp_debugfs_root);
}
