/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A buffer that its maker can write, and that it has exported to be read.
 */
#ifndef VP_READ_ONLY_H
#define VP_READ_ONLY_H

#include <stdint.h>

#define VP_READ_ONLY_SIZE	(8 * 4096ul)
#define VP_READ_ONLY_SEED	77

struct vp_read_only {
	int gpu;		/* of its maker, */
	uint32_t handle;
	void *map;		/* who sees it through this, */
	int dmabuf;		/* and others through this */
};

struct vp_read_only vp_read_only(unsigned int gpu);
/* Also says that the maker can still write. */
void vp_read_only_end(struct vp_read_only *r);
/* It is what its maker has put there. */
void vp_assert_intact(const struct vp_read_only *r);

/* Neither the descriptor nor a mapping of it can be written. */
void vp_assert_read_only_fd(int dmabuf);
/* A file that was given it reads it, and cannot write it in any way. */
void vp_assert_read_only_handle(const struct vp_read_only *r, int gpu,
				uint32_t handle);
/* The same after importing it; closes @gpu. */
void vp_assert_read_only_import(const struct vp_read_only *r, int gpu,
				int dmabuf);

#endif /* VP_READ_ONLY_H */
