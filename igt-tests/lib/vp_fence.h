/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fences: those that a program makes on a GPU and signals itself, as seen
 * through the buffer, through sync_files, and by waiting.
 *
 * As in vp_gpu.h, vp_x() fails the subtest when it does not work, and
 * vp_try_x() returns 0 (or what was asked for) or a negative errno.
 */
#ifndef VP_FENCE_H
#define VP_FENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>
#include <linux/sync_file.h>

/* Fences on buffers; vgem's node takes the same calls. */
uint32_t vp_fence_attach(int gpu, uint32_t handle, bool write);
int vp_try_fence_attach(int gpu, uint32_t handle, uint32_t flags, uint32_t pad,
			uint32_t *fence);
void vp_fence_signal(int gpu, uint32_t fence);
int vp_try_fence_signal(int gpu, uint32_t fence, uint32_t flags);

/* Waiting for a buffer; until a time of vp_now_ns(). */
int vp_try_wait(int gpu, uint32_t handle, uint32_t flags, int64_t until_ns);
/* Is it idle for somebody who reads, or writes? */
bool vp_idle(int gpu, uint32_t handle, bool write);
/* CLOCK_MONOTONIC */
int64_t vp_now_ns(void);
int64_t vp_in_ms(int64_t ms);

/*
 * A guest may be slow, or stand still for seconds. Tests say what does not happen
 * too early, and that the rest happens; how soon it does is for tools/bench. This
 * bound only ends a hang.
 */
#define VP_PATIENCE_MS	120000

/* Wait until @condition holds. */
#define vp_await(condition) \
	do { \
		int64_t vp_end__ = vp_in_ms(VP_PATIENCE_MS); \
		while (!(condition)) { \
			igt_assert_f(vp_now_ns() < vp_end__, \
				     "it has not come: %s\n", \
				     #condition); \
			usleep(5000); \
		} \
	} while (0)

/* Timelines. */
uint32_t vp_timeline(int gpu, const char *name);
int vp_try_timeline(int gpu, const char *name, uint32_t flags,
		    uint32_t *timeline);
void vp_timeline_destroy(int gpu, uint32_t timeline);
int vp_try_timeline_destroy(int gpu, uint32_t timeline, uint32_t pad);
void vp_timeline_signal(int gpu, uint32_t timeline, uint64_t seqno);
int vp_try_timeline_signal(int gpu, uint32_t timeline, uint64_t seqno,
			   int error);
/* The timeline's next fence, as a sync_file; @seqno may be NULL. */
int vp_fence(int gpu, uint32_t timeline, uint64_t *seqno);
int vp_try_fence(int gpu, uint32_t timeline, uint32_t flags, uint32_t pad,
		 uint64_t *seqno);

/* sync_files. The state is 0 when it is pending, 1, or a negative errno. */
int vp_sync_state(int sync);
struct sync_file_info vp_sync_info(int sync, struct sync_fence_info *fences,
				   uint32_t room);
int vp_try_sync_info(int fd, struct sync_file_info *info);
int vp_sync_merge(int one, int other, const char *name);
int vp_try_sync_merge(int one, int other, const char *name);

/* poll(2) of one descriptor, in whole milliseconds; POLL*, 0 when time is up. */
short vp_poll(int fd, short events, int ms);

/* What waits on a dma-buf as a sync_file, and the other way round;
 * @flags is DMA_BUF_SYNC_READ, _WRITE or _RW. */
int vp_dmabuf_get_sync(int dmabuf, uint32_t flags);
int vp_try_dmabuf_get_sync(int dmabuf, uint32_t flags);
void vp_dmabuf_put_sync(int dmabuf, int sync, uint32_t flags);
int vp_try_dmabuf_put_sync(int dmabuf, int sync, uint32_t flags);

#endif /* VP_FENCE_H */
