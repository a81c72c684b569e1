/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a sync_file has in it, fence by fence.
 */
#ifndef VP_SYNC_H
#define VP_SYNC_H

#include <stdbool.h>
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
unsigned int vp_sync_count(int fd);

/*
 * A fence as a test expects it: of that driver and timeline, in that state, and
 * signalled at that time unless it is 0. On newer kernels a fence lets go of its
 * driver when it signals, and has the same names from then on as every other one
 * that has signalled: there these are expected, in place of @driver and
 * @timeline, and only @status and @timestamp_ns tell such fences apart.
 */
struct vp_sync_fence {
	const char *driver, *timeline;
	int status;
	int64_t timestamp_ns;
};

#define VP_FENCE(driver_name, timeline_name, state, ...) \
	{ .driver = (driver_name), .timeline = (timeline_name), \
	  .status = (state), __VA_ARGS__ }

/* Whether this kernel takes the names of fences that have signalled away. */
bool vp_sync_detaches(void);
/* These are in it, in any order, and no others. */
void vp_sync_expect(const struct vp_sync *sync,
		    const struct vp_sync_fence *fence, unsigned int count);

#define vp_assert_fences(sync, ...) \
	do { \
		const struct vp_sync_fence vp_fences__[] = { __VA_ARGS__ }; \
		vp_sync_expect(sync, vp_fences__, \
			       sizeof(vp_fences__) / sizeof(vp_fences__[0])); \
	} while (0)

/* There is one fence in it, and it is this one. */
#define vp_assert_sync(fd, driver, timeline, state) \
	do { \
		struct vp_sync vp_sync__; \
		vp_sync_read(fd, &vp_sync__); \
		vp_assert_fences(&vp_sync__, VP_FENCE(driver, timeline, state)); \
		igt_assert_eq(vp_sync__.status, state); \
	} while (0)

/* When its only fence signalled; 0 when it has not. CLOCK_MONOTONIC. */
int64_t vp_sync_time(int fd);

/* The deadline of a wait, a hint. ENOTTY before Linux 6.4. */
int vp_try_sync_deadline(int fd, int64_t deadline_ns, uint64_t pad);

#endif /* VP_SYNC_H */
