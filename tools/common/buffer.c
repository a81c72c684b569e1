// SPDX-License-Identifier: GPL-2.0-only
/*
 * A buffer's life from a program's side: create or import, export, map, and
 * bracket what the CPU does to it.
 */
#define _GNU_SOURCE
#include <drm/vprime_drm.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "buffer.h"

int buffer_create_dumb(int gpu, uint32_t width, uint32_t height, struct buffer *buffer)
{
	struct drm_mode_create_dumb create = { .width = width, .height = height, .bpp = 32 };

	if (drmIoctl(gpu, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		return -errno;
	*buffer = BUFFER_NONE;
	buffer->gpu = gpu;
	buffer->handle = create.handle;
	buffer->size = create.size;
	buffer->pitch = create.pitch;
	return 0;
}

int buffer_create(int gpu, uint64_t size, struct buffer *buffer)
{
	struct drm_vprime_gem_create create = { .size = size };

	if (drmIoctl(gpu, DRM_IOCTL_VPRIME_GEM_CREATE, &create))
		return -errno;
	*buffer = BUFFER_NONE;
	buffer->gpu = gpu;
	buffer->handle = create.handle;
	buffer->size = create.size;
	return 0;
}

int buffer_export(struct buffer *buffer)
{
	if (drmPrimeHandleToFD(buffer->gpu, buffer->handle, DRM_CLOEXEC | DRM_RDWR,
			       &buffer->dmabuf)) {
		buffer->dmabuf = -1;
		return -errno;
	}
	return 0;
}

int buffer_import(int gpu, int dmabuf, struct buffer *buffer)
{
	off_t size = lseek(dmabuf, 0, SEEK_END);
	uint32_t handle;

	if (size < 0 || drmPrimeFDToHandle(gpu, dmabuf, &handle))
		return -errno;
	*buffer = BUFFER_NONE;
	buffer->gpu = gpu;
	buffer->handle = handle;
	buffer->size = (uint64_t)size;
	buffer->dmabuf = dmabuf;
	return 0;
}

int buffer_map(struct buffer *buffer)
{
	struct drm_vprime_gem_mmap_offset where = { .handle = buffer->handle };
	void *map;

	if (drmIoctl(buffer->gpu, DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET, &where))
		return -errno;
	map = mmap(NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->gpu,
		   (off_t)where.offset);
	if (map == MAP_FAILED)
		return -errno;
	buffer->map = map;
	return 0;
}

int buffer_map_dmabuf(struct buffer *buffer)
{
	void *map = mmap(NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->dmabuf, 0);

	if (map == MAP_FAILED)
		return -errno;
	buffer->map = map;
	return 0;
}

static int sync_cpu(const struct buffer *buffer, unsigned int access, uint64_t end)
{
	struct dma_buf_sync sync = { .flags = end };

	if (access & BUFFER_READ)
		sync.flags |= DMA_BUF_SYNC_READ;
	if (access & BUFFER_WRITE)
		sync.flags |= DMA_BUF_SYNC_WRITE;
	/* drmIoctl() is any file's: it tries again after EINTR and EAGAIN */
	return drmIoctl(buffer->dmabuf, DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
}

int buffer_begin(const struct buffer *buffer, unsigned int access)
{
	return sync_cpu(buffer, access, DMA_BUF_SYNC_START);
}

int buffer_end(const struct buffer *buffer, unsigned int access)
{
	return sync_cpu(buffer, access, DMA_BUF_SYNC_END);
}

void buffer_close(struct buffer *buffer)
{
	if (buffer->map)
		munmap(buffer->map, buffer->size);
	if (buffer->dmabuf >= 0)
		close(buffer->dmabuf);
	if (buffer->handle)
		drmCloseBufferHandle(buffer->gpu, buffer->handle);
	*buffer = BUFFER_NONE;
}
