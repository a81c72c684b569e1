/* SPDX-License-Identifier: GPL-2.0-only */
/* Views: what a handle stands for. */
#ifndef VP_GEM_OBJECT_H
#define VP_GEM_OBJECT_H

#include <linux/percpu.h>

#include <drm/drm_gem.h>

#include "prime/dmabuf.h"

struct drm_device;
struct drm_file;
struct drm_mode_create_dumb;
struct file;

/**
 * struct vp_gem - a GPU's view of a buffer
 * @base: the DRM core's part; its resv is the buffer's
 * @attach: the GPU's attachment, which has a reference on the buffer
 * @mapping: the device mapping, NULL if there is none; guarded by the buffer's
 *	reservation
 * @imported: whether the view was made by an import through PRIME
 * @read_only: whether that was through a read-only file: then the view must not
 *	be written through
 * @mapped: in &vp_gpu.mapped, guarded by its lock; empty without @mapping
 *
 * A GPU has at most two views of a buffer, one of them read-only:
 * vp_gem_import() finds them in the buffer's list of attachments. So a handle
 * allows what its view allows, however the file got it.
 */
struct vp_gem {
	struct drm_gem_object base;
	struct vp_attachment attach;
	struct vp_mapping *mapping;
	bool imported;
	bool read_only;
	struct list_head mapped;
};

static inline struct vp_gem *to_vp_gem(struct drm_gem_object *obj)
{
	return container_of(obj, struct vp_gem, base);
}

/**
 * vp_gem_buf - the buffer of a view
 * @obj: the view, which keeps the buffer
 *
 * Context: Any context.
 * Return: The buffer, without a reference.
 */
static inline struct vp_dmabuf *vp_gem_buf(struct drm_gem_object *obj)
{
	return to_vp_gem(obj)->attach.buf;
}

/* How many views there are, see count.h. */
DECLARE_PER_CPU(long, vp_gem_count);

int vp_gem_init(void);
void vp_gem_fini(void);

struct drm_gem_object *vp_gem_import(struct drm_device *drm,
				     struct dma_buf *kbuf);
struct vp_gem *vp_gem_from_attachment(struct vp_attachment *attach);

int vp_gem_create_handle(struct drm_device *drm, struct drm_file *file,
			 u64 *size, u32 *handle);
int vp_gem_dumb_create(struct drm_file *file, struct drm_device *drm,
		       struct drm_mode_create_dumb *args);
int vp_gem_map_offset(struct drm_file *file, struct drm_device *drm,
		      u32 handle, u64 *offset);

unsigned long vp_gem_get_unmapped_area(struct file *file, unsigned long addr,
				       unsigned long len, unsigned long pgoff,
				       unsigned long flags);

#endif /* VP_GEM_OBJECT_H */
