/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A buffer on a GPU that does not snoop the CPU's caches, and the CPU at it.
 */
#ifndef VP_SCENE_H
#define VP_SCENE_H

#include <stddef.h>
#include <stdint.h>
#include <linux/dma-buf.h>

#define VP_LINE		64		/* bytes, of a cache */
#define VP_SCENE_SIZE	16384

#define VP_READ		DMA_BUF_SYNC_READ
#define VP_WRITE	DMA_BUF_SYNC_WRITE
#define VP_BOTH		DMA_BUF_SYNC_RW

#define VP_OLD		0x11111111u
#define VP_NEW		0x22222222u
#define VP_NEWER	0x33333333u

/* The CPU's ways to the buffer. */
enum vp_way {
	VP_BY_FD,	/* the descriptor; the GPU has made the buffer */
	VP_BY_IMPORT,	/* the same; another one has, and is gone */
	VP_BY_SNOOPING,	/* the node of a GPU that snoops, which has made it */
	VP_WAYS
};

/* A buffer full of VP_OLD, which the GPU and the CPU have mapped. */
struct vp_scene {
	int gpu;
	uint32_t handle;
	int maker;	/* the GPU that snoops, or -1 */
	int dmabuf;
	uint64_t id;
	size_t size;
	char *map;	/* the CPU's */
};

/* A GPU "odd", with coherent=0. */
int vp_open_noncoherent(void);

/* @gpu is the scene's. */
struct vp_scene vp_scene_prepare(int gpu, size_t size, enum vp_way way);
void vp_scene_let_go(struct vp_scene *scene);
/* With a GPU of coherent=0, of VP_SCENE_SIZE, and each of the ways. */
void vp_all_ways(void (*test)(struct vp_scene *scene));

/* A word, at @offset in bytes. */
void vp_cpu_writes(const struct vp_scene *scene, size_t offset, uint32_t word);
uint32_t vp_cpu_sees(const struct vp_scene *scene, size_t offset);
void vp_gpu_writes(const struct vp_scene *scene, size_t offset, uint32_t word);
uint32_t vp_gpu_sees(const struct vp_scene *scene, size_t offset);
void vp_sync_pair(const struct vp_scene *scene, uint64_t access);

/* Each side has written a line that the other has not been shown. */
#define VP_CPUS		0		/* where */
#define VP_GPUS		(4096 + VP_LINE)

void vp_differ(const struct vp_scene *scene);
/* Both lines are there, with a bracket. */
void vp_assert_cpu_has_all(const struct vp_scene *scene);
void vp_assert_all_there(const struct vp_scene *scene);
/* The bug is there, and the whole of it, after what was done to the buffer. */
void vp_assert_still_noncoherent(const struct vp_scene *scene);

#endif /* VP_SCENE_H */
