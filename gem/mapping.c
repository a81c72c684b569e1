// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: device mappings
 *
 * A GPU maps a buffer when it first has to read or write it, and keeps the
 * mapping until the memory moves, is revoked, the view goes, or the GPU is
 * unplugged. Until there is an engine, the GPU's reads and writes are what
 * DRM_IOCTL_VPRIME_GEM_PEEK and _POKE ask for.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>

#include "fence/resv.h"
#include "gem/gpu.h"
#include "gem/mapping.h"
#include "gem/object.h"

/*
 * As much is copied at a time, in bytes: with the reservation lock held, and
 * through memory of the kernel's, because the program's own may be a mapping of
 * the very same buffer.
 */
#define VP_ACCESS_CHUNK	(64 * 1024ul)

/*
 * A buffer that has to come into the GPU's reach first is waited for until it is
 * idle, and so often again for the fences that came meanwhile.
 */
#define VP_REACH_ROUNDS	16

/**
 * vp_gem_map - make sure that a GPU has a buffer mapped
 * @gem: the GPU's view; the buffer's reservation lock is held, and the GPU is
 *	plugged in and stays so meanwhile
 * @write: whether the GPU is going to write. Views that are to be read only
 *	are mapped for that as long as nobody does.
 *
 * Returns 0; -EAGAIN when the buffer has to move first and is not idle; or as
 * vp_dmabuf_map_attachment().
 */
int vp_gem_map(struct vp_gem *gem, bool write)
{
	struct vp_gpu *gpu = to_vp_gpu(gem->base.dev);
	enum dma_data_direction dir = DMA_BIDIRECTIONAL;
	struct sg_table *sgt;

	dma_resv_assert_held(gem->attach.buf->resv);

	if (write && gem->attach.sgt && gem->attach.dir == DMA_TO_DEVICE)
		vp_gem_unmap(&gem->attach);
	if (gem->attach.sgt)
		return 0;
	if (!write && READ_ONCE(gem->read_only))
		dir = DMA_TO_DEVICE;
	sgt = vp_dmabuf_map_attachment(&gem->attach, dir);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);

	spin_lock(&gpu->lock);
	list_add(&gem->mapped, &gpu->mapped);
	spin_unlock(&gpu->lock);
	return 0;
}

/**
 * vp_gem_unmap - drop a GPU's mapping of a buffer, if there is one
 * @attach: the attachment of a view; the buffer's reservation lock is held
 */
void vp_gem_unmap(struct vp_attachment *attach)
{
	struct vp_gem *gem = vp_gem_from_attachment(attach);
	struct vp_gpu *gpu = to_vp_gpu(gem->base.dev);

	dma_resv_assert_held(attach->buf->resv);

	if (!attach->sgt)
		return;
	vp_dmabuf_unmap_attachment(attach, attach->sgt, attach->dir);

	spin_lock(&gpu->lock);
	list_del_init(&gem->mapped);
	spin_unlock(&gpu->lock);
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
 * @drm: the GPU, which has been unplugged: nobody makes new ones
 */
void vp_gem_unmap_all(struct drm_device *drm)
{
	struct vp_gpu *gpu = to_vp_gpu(drm);
	struct vp_dmabuf *buf;
	struct vp_gem *gem;
	bool none;

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

static int vp_gem_map_plugged(struct vp_gem *gem, bool write)
{
	int ret, idx;

	if (!drm_dev_enter(gem->base.dev, &idx))
		return -ENODEV;
	ret = vp_gem_map(gem, write);
	drm_dev_exit(idx);
	return ret;
}

/*
 * Returns as vp_gem_access(); -EAGAIN when the buffer has to move first, and is
 * not idle; -EINPROGRESS when its exporter is moving it.
 */
static int vp_gem_access_locked(struct vp_gem *gem, size_t offset, void *data,
				size_t size, bool write)
{
	struct dma_resv *resv = gem->attach.buf->resv;
	int ret, idx;

	dma_resv_assert_held(resv);

	ret = vp_gem_map_plugged(gem, write);
	if (ret)
		return ret;
	/* Mapping has made the exporter move: dynamic importers wait themselves. */
	if (!dma_resv_test_signaled(resv, DMA_RESV_USAGE_KERNEL))
		return -EINPROGRESS;

	if (!drm_dev_enter(gem->base.dev, &idx))
		return -ENODEV;
	ret = vp_dmabuf_device_access(&gem->attach, offset, data, size, write);
	drm_dev_exit(idx);
	return ret;
}

static int vp_gem_access_chunk(struct vp_gem *gem, size_t offset, void *data,
			       size_t size, void __user *user, bool write)
{
	enum dma_resv_usage usage = dma_resv_usage_rw(write);
	struct vp_dmabuf *buf = gem->attach.buf;
	int rounds = VP_REACH_ROUNDS, ret;

	if (write && copy_from_user(data, user, size))
		return -EFAULT;

	do {
		ret = vp_resv_lock_idle(buf->resv, usage);
		if (ret)
			return ret;
		ret = vp_gem_access_locked(gem, offset, data, size, write);
		dma_resv_unlock(buf->resv);
		/* It has to move first, which waits for everybody. */
		if (ret == -EAGAIN)
			usage = DMA_RESV_USAGE_BOOKKEEP;
	} while ((ret == -EAGAIN || ret == -EINPROGRESS) && rounds--);
	if (ret == -EAGAIN || ret == -EINPROGRESS)
		return -EBUSY;

	if (!ret && !write && copy_to_user(user, data, size))
		return -EFAULT;
	return ret;
}

/**
 * vp_gem_access - a GPU reads or writes a buffer
 * @obj: the GPU's view
 * @file: the file by which it is asked to
 * @offset: where, in bytes
 * @size: bytes
 * @user: the program's memory, that is read into or written from
 * @write: whether the GPU writes
 *
 * Waits for the fences that conflict, and maps the buffer for the GPU if it is
 * not mapped. Unlocked.
 *
 * Returns 0; -EINVAL for a size of 0 or a range that is not within the buffer;
 * -EACCES as vp_gem_check_write(); -EFAULT for @user; -ENODEV when the GPU has
 * been unplugged or the buffer revoked; -EBUSY when it is out of the GPU's reach
 * and never idle, or its exporter moves it again and again; -ERESTARTSYS or -EINTR; -ENOMEM; or as
 * vp_dmabuf_map_attachment() and vp_dmabuf_device_access().
 */
int vp_gem_access(struct drm_gem_object *obj, struct drm_file *file,
		  u64 offset, u64 size, void __user *user, bool write)
{
	struct vp_gem *gem = to_vp_gem(obj);
	size_t chunk;
	void *data;
	int ret = 0;

	if (!size || offset >= obj->size || size > obj->size - offset)
		return -EINVAL;
	if (write)
		ret = vp_gem_check_write(obj, file);
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
