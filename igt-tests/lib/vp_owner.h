/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another process that has a GPU open, and makes fences there. What becomes of
 * them when it dies is seen from here.
 */
#ifndef VP_OWNER_H
#define VP_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "vp_remote.h"

struct vp_owner {
	struct vp_remote remote;
	int gpu;	/* its descriptor */
};

struct vp_owner vp_owner_start(unsigned int gpu);
void vp_owner_kill(struct vp_owner *owner);
void vp_owner_end(struct vp_owner *owner);

/* @name must be there for as long as the program. */
uint32_t vp_owner_timeline(const struct vp_owner *owner, const char *name);
/* The timeline's next fence; the owner keeps no descriptor of it. */
int vp_owner_fence(const struct vp_owner *owner, uint32_t timeline);
/* Its handle of our buffer; and a fence of its on that, by the fence's id. */
uint32_t vp_owner_import(const struct vp_owner *owner, int dmabuf);
uint32_t vp_owner_attach(const struct vp_owner *owner, uint32_t handle,
			 bool write);
int vp_owner_signal(const struct vp_owner *owner, uint32_t timeline,
		    uint64_t seqno);
/* It forks; the child has all that it has, does nothing, and is ours to kill. */
pid_t vp_owner_fork(const struct vp_owner *owner);

#endif /* VP_OWNER_H */
