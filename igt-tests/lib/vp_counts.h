/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many objects of each kind the module has: what a leak is seen by.
 */
#ifndef VP_COUNTS_H
#define VP_COUNTS_H

#include <stdbool.h>

struct vp_counts {
	long buffers;
	long views;
	long attachments;
	long mappings;
	long pins;
	long vmaps;
	long exports;
	long imports;
	long pages;
	long timelines;
	long fences;
};

struct vp_counts vp_counts(void);
/* Breaches of the dma-buf contract since the module was loaded. */
long vp_violations(void);
void vp_assert_counts_(const struct vp_counts *want, const char *what);

/*
 * What a closed descriptor held is freed a moment later when it was another
 * process's, or when a worker does it: the counts may arrive later.
 */
#define vp_assert_counts(want) \
	vp_assert_counts_(want, __FILE__ ":" VP_STRING__(__LINE__))

/*
 * @call is refused with @err, and leaves no trace: nothing was made or dropped,
 * although everything that was open still is.
 */
#define vp_assert_refused(call, err) \
	do { \
		struct vp_counts vp_before__ = vp_counts(); \
		igt_assert_eq((call), -(err)); \
		vp_assert_counts(&vp_before__); \
	} while (0)

#define VP_STRING__(x)	VP_STRING2__(x)
#define VP_STRING2__(x)	#x

#endif /* VP_COUNTS_H */
