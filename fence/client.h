/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fences and timelines that a program makes through one file.
 */
#ifndef VP_FENCE_CLIENT_H
#define VP_FENCE_CLIENT_H

#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "fence/timeline.h"

struct dma_resv;
struct vp_fence;

/**
 * struct vp_fence_device - what the clients of a device share
 * @owner: owns their timelines
 * @names: the timeline's name in fences for reading, and in those for writing
 */
struct vp_fence_device {
	struct vp_timeline_owner owner;
	const char *names[2];
};

/**
 * struct vp_fence_client - the fences of one file
 * @device: what it shares with others; outlives the file
 * @buffers: the timelines of fences for reading and for writing; NULL before
 *	the first such fence
 * @timelines: the program's timelines, by handle
 * @lock: guards the fields below it
 * @fences: lists of the fences on buffers that the program has not signalled, by
 *	the lowest bits of their ids; holds a reference on each
 * @lists: how many lists those are, a power of two
 * @count: how many fences
 * @grow_at: with more fences than this, the lists are doubled; doubled then,
 *	whether there is memory for more lists or not
 * @last_id: the last id given; ids have 31 bits and wrap around
 */
struct vp_fence_client {
	struct vp_fence_device *device;
	struct vp_timeline *buffers[2];
	struct xarray timelines;

	/* Guards the fields below. Nothing is locked under it. */
	spinlock_t lock;
	struct vp_fence **fences;
	unsigned int lists;
	unsigned int count;
	unsigned int grow_at;
	u32 last_id;
};

struct vp_fence_client *vp_fence_client_create(struct vp_fence_device *device);
void vp_fence_client_end(struct vp_fence_client *client);
void vp_fence_client_destroy(struct vp_fence_client *client);

int vp_fence_client_attach(struct vp_fence_client *client,
			   struct dma_resv *resv, u64 buffer, bool write,
			   u32 *id);
int vp_fence_client_signal(struct vp_fence_client *client, u32 id);

int vp_fence_client_add_timeline(struct vp_fence_client *client,
				 const char *name, u32 *handle);
int vp_fence_client_remove_timeline(struct vp_fence_client *client,
				    u32 handle);
struct vp_timeline *vp_fence_client_timeline(struct vp_fence_client *client,
					     u32 handle);

#endif /* VP_FENCE_CLIENT_H */
