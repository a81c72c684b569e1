/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a sync_file has in it, fence by fence.
 */
#ifndef VP_SYNC_H
#define VP_SYNC_H

#include <stdint.h>
#include <string.h>
#include <linux/sync_file.h>

#define VP_SYNC_FENCES	128

struct vp_sync {
	/* As the kernel sums them up: the first error, else pending, else 1. */
	int status;
	char name[33];
	unsigned int fences;
	struct sync_fence_info fence[VP_SYNC_FENCES];
};

void vp_sync_read(int fd, struct vp_sync *sync);
/* How many fences there are, and how many of that driver and timeline. */
unsigned int vp_sync_count(int fd);
unsigned int vp_sync_count_of(const struct vp_sync *sync, const char *driver,
			      const char *timeline);
/* The only one of that driver and timeline. */
const struct sync_fence_info *vp_sync_find(const struct vp_sync *sync,
					   const char *driver,
					   const char *timeline);

/* There is one fence in it, and it is this one. */
#define vp_assert_sync(fd, driver, timeline, state) \
	do { \
		struct vp_sync vp_sync__; \
		vp_sync_read(fd, &vp_sync__); \
		igt_assert_eq(vp_sync__.fences, 1); \
		igt_assert_eq(vp_sync_find(&vp_sync__, driver, timeline) \
			      ->status, state); \
		igt_assert_eq(vp_sync__.status, state); \
	} while (0)

/* When its only fence signalled; 0 when it has not. CLOCK_MONOTONIC. */
int64_t vp_sync_time(int fd);

/* The deadline of a wait, a hint. ENOTTY before Linux 6.4. */
int vp_try_sync_deadline(int fd, int64_t deadline_ns, uint64_t pad);

#endif /* VP_SYNC_H */
