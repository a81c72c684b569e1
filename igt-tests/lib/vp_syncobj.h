/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * syncobjs, by libdrm's calls, of which some return a negative errno and some -1.
 *
 * As in vp_gpu.h, vp_x() fails the subtest when it does not work, and
 * vp_try_x() returns 0 (or what was asked for) or a negative errno. Times are
 * CLOCK_MONOTONIC, in nanoseconds; one that has passed asks without waiting.
 */
#ifndef VP_SYNCOBJ_H
#define VP_SYNCOBJ_H

#include <stdbool.h>
#include <stdint.h>

uint32_t vp_syncobj(int gpu, uint32_t flags);
int vp_try_syncobj(int gpu, uint32_t flags, uint32_t *handle);
void vp_syncobj_destroy(int gpu, uint32_t handle);
int vp_try_syncobj_destroy(int gpu, uint32_t handle);

/* The syncobj itself as a descriptor, and back, on any GPU. */
int vp_syncobj_to_fd(int gpu, uint32_t handle);
int vp_try_syncobj_to_fd(int gpu, uint32_t handle);
uint32_t vp_syncobj_from_fd(int gpu, int fd);
int vp_try_syncobj_from_fd(int gpu, int fd, uint32_t *handle);

/* The fence that is in it just now, as a sync_file; and another one instead. */
int vp_syncobj_get_sync(int gpu, uint32_t handle);
int vp_try_syncobj_get_sync(int gpu, uint32_t handle);
void vp_syncobj_put_sync(int gpu, uint32_t handle, int sync);
int vp_try_syncobj_put_sync(int gpu, uint32_t handle, int sync);

void vp_syncobj_signal(int gpu, uint32_t handle);
int vp_try_syncobj_signal(int gpu, const uint32_t *handles, uint32_t count);
void vp_syncobj_reset(int gpu, uint32_t handle);
int vp_try_syncobj_reset(int gpu, const uint32_t *handles, uint32_t count);
/* @first, when not NULL, is where in @handles one that has signalled is. */
int vp_try_syncobj_wait(int gpu, const uint32_t *handles, uint32_t count,
			int64_t until_ns, uint32_t flags, uint32_t *first);
/* Has it? Fails the subtest when it has no fence. */
bool vp_syncobj_done(int gpu, uint32_t handle);

/* Points of timelines. A point 0 of a transfer is the whole syncobj. */
void vp_syncobj_signal_point(int gpu, uint32_t handle, uint64_t point);
int vp_try_syncobj_signal_point(int gpu, uint32_t handle, uint64_t point);
int vp_try_syncobj_wait_point(int gpu, uint32_t handle, uint64_t point,
			      int64_t until_ns, uint32_t flags);
bool vp_syncobj_point_done(int gpu, uint32_t handle, uint64_t point);
uint64_t vp_syncobj_query(int gpu, uint32_t handle, uint32_t flags);
int vp_try_syncobj_query(int gpu, uint32_t handle, uint32_t flags,
			 uint64_t *point);
void vp_syncobj_transfer(int gpu, uint32_t to, uint64_t to_point, uint32_t from,
			 uint64_t from_point);
int vp_try_syncobj_transfer(int gpu, uint32_t to, uint64_t to_point,
			    uint32_t from, uint64_t from_point, uint32_t flags);
/* A sync_file becomes a point; and a point's fence comes as one. */
void vp_syncobj_put_point(int gpu, uint32_t handle, uint64_t point, int sync);
int vp_syncobj_get_point(int gpu, uint32_t handle, uint64_t point);

/* Not in libdrm 2.4.114, nor in kernels before 6.6. */
int vp_try_syncobj_eventfd(int gpu, uint32_t handle, uint64_t point, int fd,
			   uint32_t flags, uint32_t pad);

#endif /* VP_SYNCOBJ_H */
