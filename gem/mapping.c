// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: device mappings
 *
 * A GPU maps a buffer when it first has to read or write it, and keeps the
 * mapping until the memory moves, is revoked, the view goes, or the GPU is
 * unplugged. Until there is an engine, the GPU's jobs are what
 * DRM_IOCTL_VPRIME_GEM_PEEK and _POKE ask for, and the process that asks does
 * them.
 */
#include <linux/delay.h>
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
 * As much is one job, in bytes: it is copied through memory of the kernel's,
 * because the program's own may be a mapping of the very same buffer.
 */
#define VP_ACCESS_CHUNK	(64 * 1024ul)

/*
 * A buffer that has to come into the GPU's reach first is waited for until it is
 * idle, and so often again for the fences that came meanwhile.
 */
#define VP_REACH_ROUNDS	16

/**
 * vp_gem_is_enforced - is what may only be read kept from being written
 * @obj: a view on the GPU
 *
 * Context: any.
 *
 * Return: whether the GPU's driver is told so.
 */
bool vp_gem_is_enforced(struct drm_gem_object *obj)
{
	const bool *enforce = to_vp_gpu(obj->dev)->enforce_read_only;

	return enforce && READ_ONCE(*enforce);
}

/**
 * vp_gem_check_write - somebody is about to write through a view
 * @obj: the view
 *
 * One that is to be read only is reported, and refused unless the GPU's driver is
 * told to let it pass.
 *
 * Context: any that may allocate.
 *
 * Return: 0 or -EACCES.
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
 * vp_gem_unmap - drop a GPU's mapping of a buffer, if there is one
 * @attach: the attachment of a view
 *
 * What the GPU is doing with it goes on.
 *
 * Context: the buffer's reservation is locked.
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
 * Make sure that the GPU has the buffer mapped. A view that is to be read only is
 * mapped for that as long as nobody writes.
 */
static int vp_gem_map(struct vp_gem *gem, bool write)
{
	struct vp_gpu *gpu = to_vp_gpu(gem->base.dev);
	enum dma_data_direction dir = DMA_BIDIRECTIONAL;
	struct vp_mapping *mapping;
	bool gone;

	dma_resv_assert_held(gem->attach.buf->resv);

	if (write && gem->mapping && gem->mapping->dir == DMA_TO_DEVICE)
		vp_gem_unmap(&gem->attach);
	if (gem->mapping)
		return 0;
	if (!write && gem->read_only)
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

/* A mapped view of the GPU with a reference; NULL if it is being freed. */
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
 * vp_gem_unmap_all - drop all device mappings of a GPU
 * @drm: the GPU, which has been unplugged
 *
 * Nobody makes new ones from here on.
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
			/* Whoever frees it unmaps it in a moment. */
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
 * Map the buffer, and put the job on it. Returns 0 with the mapping to be used; or
 * as vp_gem_access(), and -EAGAIN when the buffer has to come into the GPU's reach
 * first, and is not idle.
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
	/* What was made while the buffer moved is not where it is now. */
	if (!ret)
		ret = vp_dmabuf_populate(buf, offset, size);
	if (!ret)
		ret = vp_gem_map(gem, job->write);
	if (!ret)
		ret = vp_job_submit(job, buf->resv);
	if (!ret)
		*mapping = vp_mapping_get(gem->mapping);
	dma_resv_unlock(buf->resv);
	return ret;
}

/* The job runs; no reservation is locked. */
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
		if (ret != -EAGAIN)
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
 * vp_gem_access - a GPU reads or writes a buffer
 * @obj: the GPU's view
 * @offset: where, in bytes
 * @size: bytes
 * @user: the program's memory, that is read into or written from
 * @write: whether the GPU writes
 *
 * A job for each VP_ACCESS_CHUNK: each waits for the fences that conflict when its
 * turn comes, and whoever comes later waits for it.
 *
 * Context: unlocked, sleeps.
 *
 * Return: 0; -EINVAL for a size of 0 or a range that is not within the buffer;
 * -EACCES as vp_gem_check_write(); -EFAULT for @user; -ENODEV when the GPU has
 * been unplugged or the buffer revoked; -EBUSY when it is out of the GPU's reach
 * and never idle; -ERESTARTSYS or -EINTR; -ENOMEM; or as
 * vp_dmabuf_map_attachment() and vp_dmabuf_access().
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
