/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A buffer that two GPUs have: what most tests of fences begin with.
 */
#ifndef VP_PAIR_H
#define VP_PAIR_H

#include <stddef.h>
#include <stdint.h>

/* Made on GPU 0, exported, and imported on GPU 1. */
struct vp_pair {
	int gpu[2];
	uint32_t handle[2];
	int dmabuf;
	uint64_t id;
};

struct vp_pair vp_pair(size_t size);
/* Also when a GPU of them has been unplugged meanwhile. */
void vp_pair_end(struct vp_pair *pair);

#endif /* VP_PAIR_H */
