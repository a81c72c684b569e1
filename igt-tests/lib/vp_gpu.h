/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One call for each thing a program asks of a GPU.
 *
 * vp_x() does it and fails the subtest when it does not work; vp_try_x()
 * returns 0 (or what was asked for) or a negative errno, for subtests that are
 * about the errno.
 */
#ifndef VP_GPU_H
#define VP_GPU_H

#include <stddef.h>
#include <stdint.h>
#include <drm/vprime_drm.h>

enum vp_node {
	VP_RENDER,
	VP_PRIMARY,
};

/* A render node unless the node is named. */
int vp_open(unsigned int gpu);
int vp_open_node(unsigned int gpu, enum vp_node node);
int vp_try_open_node(unsigned int gpu, enum vp_node node, int flags);
int vp_node_path(unsigned int gpu, enum vp_node node, char *path, size_t len);

/* Any ioctl; restarted when a signal interrupts it. */
int vp_try_ioctl(int fd, unsigned long request, void *arg);

uint32_t vp_create(int gpu, uint64_t size);
int vp_try_create(int gpu, uint64_t size, uint32_t flags, uint32_t *handle);
void vp_close(int gpu, uint32_t handle);
int vp_try_close(int gpu, uint32_t handle);
uint64_t vp_param(int gpu, uint32_t param);
int vp_try_param(int gpu, uint32_t param, uint32_t pad, uint64_t *value);
/* One of the kernel's DRM_CAP_x. */
uint64_t vp_cap(int gpu, uint64_t which);
struct drm_vprime_gem_info vp_info(int gpu, uint32_t handle);
int vp_try_info(int gpu, uint32_t handle, uint32_t pad,
		struct drm_vprime_gem_info *info);
/* The buffer's number: the same on every GPU, and no other buffer's ever. */
uint64_t vp_id(int gpu, uint32_t handle);

/* The GPU reads, and writes, @size bytes of a buffer from @offset on. */
void vp_peek(int gpu, uint32_t handle, uint64_t offset, void *data,
	     size_t size);
int vp_try_peek(int gpu, uint32_t handle, uint64_t offset, void *data,
		size_t size);
void vp_poke(int gpu, uint32_t handle, uint64_t offset, const void *data,
	     size_t size);
int vp_try_poke(int gpu, uint32_t handle, uint64_t offset, const void *data,
		size_t size);

/* Dumb buffers: of vprime, and of other drivers, which have nothing else. */
struct vp_dumb {
	uint32_t handle;
	uint32_t pitch;
	uint64_t size;
};

struct vp_dumb vp_create_dumb(int gpu, uint32_t width, uint32_t height,
			      uint32_t bpp);
int vp_try_create_dumb(int gpu, uint32_t width, uint32_t height, uint32_t bpp,
		       struct vp_dumb *dumb);
int vp_try_destroy_dumb(int gpu, uint32_t handle);
int vp_try_map_dumb(int gpu, uint32_t handle, uint64_t *offset);
void *vp_map_dumb(int gpu, uint32_t handle, size_t size);

/* PRIME. vp_export() asks for O_CLOEXEC and O_RDWR. */
int vp_export(int gpu, uint32_t handle);
int vp_try_export(int gpu, uint32_t handle, uint32_t flags);
uint32_t vp_import(int gpu, int dmabuf);
int vp_try_import(int gpu, int dmabuf, uint32_t *handle);

/* Mappings: of a handle at its place in the GPU's file, and of a dma-buf. */
uint64_t vp_mmap_offset(int gpu, uint32_t handle);
int vp_try_mmap_offset(int gpu, uint32_t handle, uint32_t pad,
		       uint64_t *offset);
int vp_try_mmap(int fd, uint64_t offset, size_t size, int prot, int flags,
		void **map);
void *vp_map(int gpu, uint32_t handle, size_t size, int prot);
void *vp_map_dmabuf(int dmabuf, size_t size, int prot);
void vp_unmap(void *map, size_t size);

/* Which dma-buf a descriptor is: a number no other live one has. */
uint64_t vp_dmabuf_id(int dmabuf);
/* Tell a dma-buf that the CPU begins or ends; @flags as DMA_BUF_SYNC_*. */
int vp_try_sync(int dmabuf, uint64_t flags);
void vp_sync_start(int dmabuf, uint64_t access);
void vp_sync_end(int dmabuf, uint64_t access);
/* Another thread of this process does it, and ends. */
void vp_sync_in_thread(int dmabuf, uint64_t flags);

#endif /* VP_GPU_H */
