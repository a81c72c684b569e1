/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which files may write a view.
 */
#ifndef VP_GEM_WRITERS_H
#define VP_GEM_WRITERS_H

#include <linux/list.h>
#include <linux/spinlock.h>

struct drm_file;
struct drm_gem_object;

/**
 * struct vp_writer - a file that may write a view
 * @node: in &vp_writers.list
 * @file: the file; never followed, it may be any file's address when it is not
 *	in the list
 * @handles: how many handles it has got since it is one; it is none any more
 *	when as many were closed
 */
struct vp_writer {
	struct list_head node;
	const struct drm_file *file;
	unsigned int handles;
};

/**
 * struct vp_writers - the files that may write a view
 * @lock: guards all of it; taken last
 * @list: the writers
 * @first: room for one, so that most views need no more
 */
struct vp_writers {
	spinlock_t lock;
	struct list_head list;
	struct vp_writer first;
};

void vp_writers_init(struct vp_writers *writers);

int vp_gem_open(struct drm_gem_object *obj, struct drm_file *file);
void vp_gem_close(struct drm_gem_object *obj, struct drm_file *file);

bool vp_gem_may_write(struct drm_gem_object *obj, const struct drm_file *file);
bool vp_gem_is_enforced(struct drm_gem_object *obj);
int vp_gem_check_write(struct drm_gem_object *obj, const struct drm_file *file);

#endif /* VP_GEM_WRITERS_H */
