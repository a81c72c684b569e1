/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TOOLS_BUFFER_H
#define TOOLS_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/** struct buffer - one open GPU's view of a buffer, and this process's mapping of it */
struct buffer {
	/** @gpu: the open GPU; not the buffer's to close */
	int gpu;
	/** @handle: the buffer in @gpu, 0 if there is none */
	uint32_t handle;
	/** @size: bytes */
	uint64_t size;
	/** @pitch: bytes from a row to the next, where a picture's layout was asked for */
	uint32_t pitch;
	/** @dmabuf: file descriptor of the dma-buf, -1 if there is none; closed with the buffer */
	int dmabuf;
	/** @map: where it is mapped, or NULL */
	void *map;
};

/* what a struct buffer is before there is anything in it */
#define BUFFER_NONE	((struct buffer){ .gpu = -1, .dmabuf = -1 })

/*
 * All of these return 0 or -errno. One that fails leaves the buffer as it was,
 * and buffer_close() takes a buffer that got only part of the way.
 */

/**
 * buffer_create_dumb() - create by DRM_IOCTL_MODE_CREATE_DUMB, 32 bits a pixel
 *
 * Works on every driver's primary node, and on vprime's render nodes. The
 * driver chooses the pitch.
 */
int buffer_create_dumb(int gpu, uint32_t width, uint32_t height, struct buffer *buffer);

/** buffer_create() - create by DRM_IOCTL_VPRIME_GEM_CREATE, @size in bytes */
int buffer_create(int gpu, uint64_t size, struct buffer *buffer);

/** buffer_export() - make its dma-buf, readable and writable */
int buffer_export(struct buffer *buffer);

/**
 * buffer_import() - have a GPU's view of a dma-buf
 * @gpu: an open GPU
 * @dmabuf: stays the caller's if this fails, becomes the buffer's otherwise
 * @buffer: out
 */
int buffer_import(int gpu, int dmabuf, struct buffer *buffer);

/**
 * buffer_map() - map it whole through its GPU, to read and to write
 *
 * On a GPU that does not snoop the CPU's caches that is what the GPU sees.
 */
int buffer_map(struct buffer *buffer);

/** buffer_map_dmabuf() - map it whole through its dma-buf, as the CPU sees it */
int buffer_map_dmabuf(struct buffer *buffer);

/* which way a CPU access goes */
#define BUFFER_READ	1u
#define BUFFER_WRITE	2u

/**
 * buffer_begin() - before the CPU touches a mapping of the buffer
 * @access: BUFFER_READ, BUFFER_WRITE or both
 *
 * The buffer needs its dma-buf for it, as DMA_BUF_IOCTL_SYNC is that file's.
 */
int buffer_begin(const struct buffer *buffer, unsigned int access);

/** buffer_end() - after it; with the same @access */
int buffer_end(const struct buffer *buffer, unsigned int access);

/** buffer_close() - give back mapping, handle and dma-buf, whatever there is */
void buffer_close(struct buffer *buffer);

#endif
