/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that is never served: whoever reads, or writes, a page of it stands
 * still there, in user space or in the kernel, until he is killed. Made with
 * userfaultfd(2), which takes root; used by whoever has the memory.
 */
#ifndef VP_STUCK_H
#define VP_STUCK_H

#include <stdbool.h>
#include <stddef.h>

struct vp_stuck {
	int fd;
	char *page;	/* a page that is there, followed by the one that is not */
};

/*
 * With @writes the page can be read, and only who writes to it stands still, from
 * when it is protected on. These assert nothing: they are for the process that is
 * to stand still, of which @fd is passed to another. They return 0 or a negative
 * errno.
 */
int vp_try_stuck(bool writes, struct vp_stuck *stuck);
int vp_try_stuck_protect(const struct vp_stuck *stuck);
/* Where the last @before bytes are there, and the rest is not. */
void *vp_stuck_at(const struct vp_stuck *stuck, size_t before);
/* Wait until somebody stands still there; false after so many milliseconds. */
bool vp_stuck_wait(int fd, int ms);

#endif /* VP_STUCK_H */
