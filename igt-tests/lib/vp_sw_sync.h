/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sw_sync: a file is a timeline with a number, and fences of it signal when the
 * number has come to theirs. vprime's, or the kernel's own where it has one.
 *
 * As in vp_gpu.h, vp_x() fails the subtest when it does not work, and
 * vp_try_x() returns 0 (or what was asked for) or a negative errno.
 */
#ifndef VP_SW_SYNC_H
#define VP_SW_SYNC_H

#include <stdint.h>
#include <linux/ioctl.h>

#define VP_SW_SYNC_DIR	"/sys/kernel/debug/sync"
#define VP_SW_SYNC_PATH	VP_SW_SYNC_DIR "/sw_sync"

struct vp_sw_sync_create {
	uint32_t value;
	char name[32];
	int32_t fence;
};

struct vp_sw_sync_deadline {
	uint64_t deadline_ns;
	uint32_t pad;
	int32_t fence_fd;
};

#define VP_SW_SYNC_CREATE_FENCE	_IOWR('W', 0, struct vp_sw_sync_create)
#define VP_SW_SYNC_INC		_IOW('W', 1, uint32_t)
#define VP_SW_SYNC_GET_DEADLINE	_IOWR('W', 2, struct vp_sw_sync_deadline)

/* A new timeline; its number is 0. */
int vp_sw_sync(void);
int vp_try_sw_sync(void);
/* A sync_file that signals at @value. */
int vp_sw_fence(int timeline, uint32_t value);
int vp_try_sw_fence(int timeline, uint32_t value);
void vp_sw_inc(int timeline, uint32_t by);
/* The earliest deadline of one of its fences, in CLOCK_MONOTONIC. */
int vp_try_sw_deadline(int timeline, int sync, uint64_t *deadline_ns);

#endif /* VP_SW_SYNC_H */
