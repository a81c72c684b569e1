/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways to wait for a fence, as tasks for another process (vp_remote.h).
 * All wait for as long as it takes.
 */
#ifndef VP_WAITS_H
#define VP_WAITS_H

#include "vp_remote.h"

/*
 * A GPU of its own, which is vprime2, with fences that last for a minute: what
 * waits for one must not depend on a machine that is quick.
 */
#define VP_PATIENT	"vprime2"
int vp_open_patient(void);
void vp_close_patient(int gpu);

/* GEM_WAIT of @handle on the GPU @fd, with @flags. */
int vp_wait_gem(struct vp_task *task);
/* The GPU @fd reads, or writes, a word of @handle. */
int vp_wait_peek(struct vp_task *task);
int vp_wait_poke(struct vp_task *task);
/* poll(2) and epoll(7) of @fd for @flags; returns what it is ready for. */
int vp_wait_poll(struct vp_task *task);
int vp_wait_epoll(struct vp_task *task);
/* Begin a CPU access to the dma-buf @fd, DMA_BUF_SYNC_* in @flags, and end it. */
int vp_wait_access(struct vp_task *task);
/*
 * The syncobj whose descriptor is @fd2, on the GPU @fd, with the flags of a
 * wait: itself, or its point @value. Also for those that are not submitted.
 */
int vp_wait_syncobj(struct vp_task *task);
int vp_wait_point(struct vp_task *task);

#endif /* VP_WAITS_H */
