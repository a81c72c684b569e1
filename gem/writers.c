// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: who may write
 *
 * A dma-buf that was exported without DRM_RDWR gives the right to read. It must
 * not turn into more on its way through a handle, so each handle remembers: the
 * file that gets one may write when the buffer had, just then, no dma-buf or one
 * that can be written. That is who made the buffer, and who was given it to
 * write. A handle to what came in read-only holds the read-only dma-buf, so that
 * nobody can make another one meanwhile.
 *
 * What is kept is the right, not its absence: whoever is late, with a handle
 * that another thread closes just now, finds none.
 */
#include <linux/slab.h>

#include <drm/drm_device.h>
#include <drm/drm_gem.h>

#include "gem/gpu.h"
#include "gem/object.h"
#include "gem/writers.h"
#include "prime/export.h"
#include "prime/watch.h"

/**
 * vp_writers_init - nobody may write yet
 * @writers: a new view's
 */
void vp_writers_init(struct vp_writers *writers)
{
	spin_lock_init(&writers->lock);
	INIT_LIST_HEAD(&writers->list);
	writers->first.file = NULL;
}

static struct vp_writer *vp_writers_find(struct vp_writers *writers,
					 const struct drm_file *file)
{
	struct vp_writer *writer;

	lockdep_assert_held(&writers->lock);

	list_for_each_entry(writer, &writers->list, node)
		if (writer->file == file)
			return writer;
	return NULL;
}

/* One more handle, if the file is a writer already or there is room for it. */
static bool vp_writers_add(struct vp_writers *writers,
			   const struct drm_file *file, struct vp_writer *more)
{
	struct vp_writer *writer;

	lockdep_assert_held(&writers->lock);

	writer = vp_writers_find(writers, file);
	if (writer) {
		writer->handles++;
		return true;
	}
	writer = writers->first.file ? more : &writers->first;
	if (!writer)
		return false;
	writer->file = file;
	writer->handles = 1;
	list_add(&writer->node, &writers->list);
	return true;
}

/**
 * vp_gem_open - a file gets a handle to a view
 * @obj: the view
 * @file: the file
 *
 * Called by the DRM core, for whatever gives a handle. Unlocked, sleeps.
 *
 * Returns 0, or -ENOMEM, with which there is no handle.
 */
int vp_gem_open(struct drm_gem_object *obj, struct drm_file *file)
{
	struct vp_writers *writers = &to_vp_gem(obj)->writers;
	struct vp_writer *more = NULL;
	bool added;

	/* Who has a handle to write with does not lose it by another one. */
	if (vp_export_is_read_only(vp_gem_buf(obj)) &&
	    !vp_gem_may_write(obj, file))
		return 0;

	spin_lock(&writers->lock);
	added = vp_writers_add(writers, file, NULL);
	spin_unlock(&writers->lock);
	if (added)
		return 0;

	more = kmalloc(sizeof(*more), GFP_KERNEL_ACCOUNT);
	if (!more)
		return -ENOMEM;
	more->file = NULL;
	spin_lock(&writers->lock);
	vp_writers_add(writers, file, more);
	spin_unlock(&writers->lock);
	/* Another thread, or the file that had the first room, was faster. */
	if (!more->file)
		kfree(more);
	return 0;
}

/**
 * vp_gem_close - a file closes a handle to a view
 * @obj: the view
 * @file: the file
 *
 * Called by the DRM core, before it takes the right to map away. Unlocked.
 */
void vp_gem_close(struct drm_gem_object *obj, struct drm_file *file)
{
	struct vp_writers *writers = &to_vp_gem(obj)->writers;
	struct vp_writer *writer;

	spin_lock(&writers->lock);
	writer = vp_writers_find(writers, file);
	if (writer && --writer->handles)
		writer = NULL;
	if (writer) {
		list_del(&writer->node);
		writer->file = NULL;
	}
	spin_unlock(&writers->lock);
	if (writer && writer != &writers->first)
		kfree(writer);
}

/**
 * vp_gem_may_write - may a file write a view
 * @obj: the view
 * @file: the file
 *
 * Unlocked.
 *
 * Returns whether it has a handle that allows it.
 */
bool vp_gem_may_write(struct drm_gem_object *obj, const struct drm_file *file)
{
	struct vp_writers *writers = &to_vp_gem(obj)->writers;
	bool may;

	spin_lock(&writers->lock);
	may = vp_writers_find(writers, file);
	spin_unlock(&writers->lock);
	return may;
}

/**
 * vp_gem_is_enforced - are files kept from writing what they may only read
 * @obj: a view on the GPU
 *
 * Returns whether the GPU's driver is told so.
 */
bool vp_gem_is_enforced(struct drm_gem_object *obj)
{
	const bool *enforce = to_vp_gpu(obj->dev)->enforce_read_only;

	return enforce && READ_ONCE(*enforce);
}

/**
 * vp_gem_check_write - a file is about to write a view, or have it written
 * @obj: the view
 * @file: the file
 *
 * Who may not is reported, and refused unless the GPU's driver is told to let
 * it pass. Unlocked.
 *
 * Returns 0 or -EACCES.
 */
int vp_gem_check_write(struct drm_gem_object *obj, const struct drm_file *file)
{
	if (!to_vp_gpu(obj->dev)->enforce_read_only ||
	    vp_gem_may_write(obj, file))
		return 0;
	vp_dmabuf_misuse(vp_gem_buf(obj), obj->dev->dev,
			 VP_RULE_WRITABLE_READ_ONLY);
	return vp_gem_is_enforced(obj) ? -EACCES : 0;
}
