// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: device mappings
 *
 * A GPU maps a buffer at its first access, and keeps the mapping until the
 * memory moves, the buffer is revoked, the view is freed, or the GPU is
 * unplugged. GPUs are emulated: their jobs are DRM_IOCTL_VPRIME_GEM_PEEK and
 * DRM_IOCTL_VPRIME_GEM_POKE, and run in the calling process.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>

#include "fence/job.h"
#include "fence/resv.h"
#include "gem/gpu.h"
#include "gem/mapping.h"
#include "gem/object.h"

/*
 * Bytes per job. Data goes through kernel memory, because the program's memory
 * may be a mapping of the same buffer.
 */
#define VP_ACCESS_CHUNK	(64 * 1024ul)

/*
 * How often a job waits again for fences that were added during the previous
 * wait, before it gives up to move the buffer to where the GPU reaches it.
 */
#define VP_REACH_ROUNDS	16

/**
 * vp_gem_is_enforced - whether writes through a view are refused if it is read-only
 * @obj: the view
 *
 * The GPU that allocated the buffer decides. For a foreign buffer, the view's
 * GPU does.
 *
 * Context: Any context.
 * Return: Whether they are.
 */
bool vp_gem_is_enforced(struct drm_gem_object *obj)
{
	struct vp_dmabuf *buf = vp_gem_buf(obj);
	enum vp_read_only rule = buf->foreign ? to_vp_gpu(obj->dev)->read_only :
						buf->read_only;

	return rule == VP_READ_ONLY_ENFORCED;
}

/**
 * vp_gem_check_write - check that a view may be written through
 * @obj: the view
 *
 * A write through a read-only view is reported, and refused if
 * vp_gem_is_enforced().
 *
 * Context: Any context.
 * Return: 0; -EACCES if the write is refused.
 */
int vp_gem_check_write(struct drm_gem_object *obj)
{
	if (!to_vp_gem(obj)->read_only)
		return 0;
	vp_dmabuf_misuse(vp_gem_buf(obj), obj->dev->dev,
			 VP_RULE_WRITABLE_READ_ONLY);
	return vp_gem_is_enforced(obj) ? -EACCES : 0;
}

/**
 * vp_gem_unmap - remove a view's device mapping, if it has one
 * @attach: the view's attachment
 *
 * A job that uses the mapping goes on.
 *
 * Context: May sleep. The buffer's reservation is locked.
 */
void vp_gem_unmap(struct vp_attachment *attach)
{
	struct vp_gem *gem = container_of(attach, struct vp_gem, attach);
	struct vp_gpu *gpu = to_vp_gpu(gem->base.dev);

	dma_resv_assert_held(attach->buf->resv);

	if (!gem->mapping)
		return;
	vp_dmabuf_unmap_attachment(attach, gem->mapping, gem->mapping->dir);
	WRITE_ONCE(gem->mapping, NULL);

	spin_lock(&gpu->lock);
	list_del_init(&gem->mapped);
	spin_unlock(&gpu->lock);
}

/*
 * Map the buffer for the GPU unless it is mapped: for reading only if writes
 * through the view are refused. A view is mapped once, so one that is read-only
 * and may be written all the same is mapped in both directions from the start.
 */
static int vp_gem_map(struct vp_gem *gem)
{
	struct vp_gpu *gpu = to_vp_gpu(gem->base.dev);
	enum dma_data_direction dir = DMA_BIDIRECTIONAL;
	struct vp_mapping *mapping;
	bool gone;

	dma_resv_assert_held(gem->attach.buf->resv);

	if (gem->mapping)
		return 0;
	if (gem->read_only && vp_gem_is_enforced(&gem->base))
		dir = DMA_TO_DEVICE;
	mapping = vp_dmabuf_map_attachment(&gem->attach, dir);
	if (IS_ERR(mapping))
		return PTR_ERR(mapping);
	WRITE_ONCE(gem->mapping, mapping);

	spin_lock(&gpu->lock);
	gone = gpu->gone;
	list_add(&gem->mapped, &gpu->mapped);
	spin_unlock(&gpu->lock);
	if (gone)
		vp_gem_unmap(&gem->attach);
	return gone ? -ENODEV : 0;
}

/*
 * Takes a reference on the first view in the list. Returns NULL if the list is
 * empty (@none), or if that view is being freed.
 */
static struct vp_gem *vp_gem_first_mapped(struct vp_gpu *gpu, bool *none)
{
	struct vp_gem *gem;

	spin_lock(&gpu->lock);
	gem = list_first_entry_or_null(&gpu->mapped, struct vp_gem, mapped);
	*none = !gem;
	if (gem && !kref_get_unless_zero(&gem->base.refcount))
		gem = NULL;
	spin_unlock(&gpu->lock);
	return gem;
}

/**
 * vp_gem_unmap_all - remove all device mappings of a GPU
 * @drm: the GPU, which has been unplugged
 *
 * From now on it gets no new mappings.
 *
 * Context: May sleep. No reservation is locked.
 */
void vp_gem_unmap_all(struct drm_device *drm)
{
	struct vp_gpu *gpu = to_vp_gpu(drm);
	struct vp_dmabuf *buf;
	struct vp_gem *gem;
	bool none;

	spin_lock(&gpu->lock);
	gpu->gone = true;
	spin_unlock(&gpu->lock);
	for (;;) {
		gem = vp_gem_first_mapped(gpu, &none);
		if (none)
			return;
		if (!gem) {
			/* vp_gem_free() is about to unmap it. */
			usleep_range(100, 1000);
			continue;
		}
		buf = gem->attach.buf;
		dma_resv_lock(buf->resv, NULL);
		vp_gem_unmap(&gem->attach);
		dma_resv_unlock(buf->resv);
		drm_gem_object_put(&gem->base);
	}
}

/*
 * Map the buffer and submit the job. Returns 0 with a reference on the mapping;
 * -EAGAIN if the buffer has to be moved first and is not idle; or as
 * vp_gem_access().
 */
static int vp_gem_prepare(struct vp_gem *gem, struct vp_job *job, size_t offset,
			  size_t size, struct vp_mapping **mapping)
{
	struct vp_dmabuf *buf = gem->attach.buf;
	int ret;

	ret = vp_dmabuf_populate(buf, offset, size);
	if (ret)
		return ret;
	ret = dma_resv_lock_interruptible(buf->resv, NULL);
	if (ret)
		return ret;
	ret = vp_dmabuf_reach(&gem->attach);
	/* Pages that were made while the buffer moved are at the old place. */
	if (!ret)
		ret = vp_dmabuf_populate(buf, offset, size);
	if (!ret)
		ret = vp_gem_map(gem);
	if (!ret)
		ret = vp_job_submit(job, buf->resv);
	if (!ret)
		*mapping = vp_mapping_get(gem->mapping);
	dma_resv_unlock(buf->resv);
	return ret;
}

static int vp_gem_run(struct vp_gem *gem, struct vp_job *job,
		      struct vp_mapping *mapping, size_t offset, void *data,
		      size_t size)
{
	int ret, idx;

	ret = vp_job_wait(job);
	if (!ret && !drm_dev_enter(gem->base.dev, &idx)) {
		ret = -ENODEV;
	} else if (!ret) {
		ret = vp_dmabuf_access(mapping, offset, data, size, job->write);
		drm_dev_exit(idx);
	}
	vp_job_finish(job, ret);
	return ret;
}

static int vp_gem_do_job(struct vp_gem *gem, struct vp_job *job, size_t offset,
			 void *data, size_t size)
{
	struct vp_dmabuf *buf = gem->attach.buf;
	unsigned int rounds = VP_REACH_ROUNDS;
	struct vp_mapping *mapping;
	long left;
	int ret;

	while ((ret = vp_gem_prepare(gem, job, offset, size, &mapping))) {
		/* Another driver may have reasons of its own to say that. */
		if (ret != -EAGAIN || buf->foreign)
			return ret;
		if (!rounds--)
			return -EBUSY;
		left = vp_resv_wait(buf->resv, DMA_RESV_USAGE_BOOKKEEP,
				    MAX_SCHEDULE_TIMEOUT);
		if (left < 0)
			return left;
	}
	ret = vp_gem_run(gem, job, mapping, offset, data, size);
	vp_mapping_put(mapping);
	if (buf->foreign) {
		dma_resv_lock(buf->resv, NULL);
		vp_job_forget(job, buf->resv);
		dma_resv_unlock(buf->resv);
	}
	return ret;
}

static int vp_gem_access_chunk(struct vp_gem *gem, size_t offset, void *data,
			       size_t size, void __user *user, bool write)
{
	struct vp_job *job;
	int ret;

	if (write && copy_from_user(data, user, size))
		return -EFAULT;
	job = vp_job_create(dev_name(gem->base.dev->dev), write);
	if (!job)
		return -ENOMEM;
	ret = vp_gem_do_job(gem, job, offset, data, size);
	vp_job_put(job);
	if (!ret && !write && copy_to_user(user, data, size))
		return -EFAULT;
	return ret;
}

/**
 * vp_gem_access - let a GPU read or write a buffer
 * @obj: the GPU's view
 * @offset: in bytes
 * @size: in bytes
 * @user: memory of the program to read into or to write from
 * @write: whether the GPU writes
 *
 * Each VP_ACCESS_CHUNK is a job: it waits for the conflicting fences, and has a
 * fence on the buffer itself.
 *
 * Context: May sleep, also until fences signal. The buffer's reservation is not
 *	locked.
 * Return:
 * * 0: all bytes have been copied
 * * -EINVAL: the size is 0, or the range does not lie within the buffer
 * * -EACCES: as vp_gem_check_write()
 * * -EFAULT: @user cannot be accessed
 * * -ENODEV: the GPU has been unplugged, or the buffer revoked
 * * -EBUSY: the buffer has to be moved, and is never idle
 * * -ERESTARTSYS or -EINTR: a signal ended a wait
 * * -ENOMEM
 * * another errno: as vp_dmabuf_map_attachment() and vp_dmabuf_access()
 */
int vp_gem_access(struct drm_gem_object *obj, u64 offset, u64 size,
		  void __user *user, bool write)
{
	struct vp_gem *gem = to_vp_gem(obj);
	size_t chunk;
	void *data;
	int ret = 0;

	if (!size || offset >= obj->size || size > obj->size - offset)
		return -EINVAL;
	if (write)
		ret = vp_gem_check_write(obj);
	if (ret)
		return ret;

	data = kvmalloc(min_t(u64, size, VP_ACCESS_CHUNK),
			GFP_KERNEL | __GFP_NOWARN);
	if (!data)
		return -ENOMEM;
	while (size && !ret) {
		chunk = min_t(u64, size, VP_ACCESS_CHUNK);
		ret = vp_gem_access_chunk(gem, offset, data, chunk, user,
					  write);
		offset += chunk;
		size -= chunk;
		user += chunk;
	}
	kvfree(data);
	return ret;
}
