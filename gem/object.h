/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One device's view of a shared buffer: what a handle stands for.
 */
#ifndef VP_GEM_OBJECT_H
#define VP_GEM_OBJECT_H

#include <drm/drm_gem.h>

#include "prime/dmabuf.h"

struct drm_mode_create_dumb;

/**
 * struct vp_gem - one device's view of a buffer
 * @base: the DRM core's part; its resv is the buffer's
 * @attach: the device's place at the buffer, which holds the buffer
 * @mapping: how the device reaches it, NULL before it has to; guarded by the
 *	buffer's reservation
 * @imported: whether the view came in through PRIME
 * @read_only: whether it did so through a file that cannot be written: then nobody
 *	writes through this view
 * @mapped: in &vp_gpu.mapped, guarded by its lock; empty without @mapping
 *
 * A device has two live views of one buffer at most, one of them to read only:
 * vp_gem_import() finds those there are through the buffer's attachments. So a
 * handle is the right to do what its view allows, however it came to a file.
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
 * vp_gem_buf - the buffer that a view shows
 * @obj: the view
 *
 * Returns the buffer, which lives as long as the view, without a reference.
 */
static inline struct vp_dmabuf *vp_gem_buf(struct drm_gem_object *obj)
{
	return to_vp_gem(obj)->attach.buf;
}

int vp_gem_init(void);
void vp_gem_fini(void);
long vp_gem_views(void);

struct drm_gem_object *vp_gem_create(struct drm_device *drm, size_t size);
struct drm_gem_object *vp_gem_import(struct drm_device *drm,
				     struct dma_buf *kbuf);
struct vp_gem *vp_gem_from_attachment(struct vp_attachment *attach);

int vp_gem_access(struct drm_gem_object *obj, u64 offset, u64 size,
		  void __user *user, bool write);
void vp_gem_unmap_all(struct drm_device *drm);

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
