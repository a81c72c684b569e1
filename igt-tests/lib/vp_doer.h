/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that does one thing, which may block, and what came of it.
 */
#ifndef VP_DOER_H
#define VP_DOER_H

#include <stdbool.h>
#include <sys/types.h>

struct vp_doer {
	pid_t process;
	int result;	/* a descriptor */
};

/*
 * Start one. It has copies of all that this process has open. @deed must not
 * assert anything, and what it returns is the result.
 */
struct vp_doer vp_do(int (*deed)(void *data), void *data);
/* It has not ended, not even within so many milliseconds. */
bool vp_doing(const struct vp_doer *doer, int ms);
/* It is blocked in one of vprime's fences, or will be within VP_PATIENCE_MS. */
void vp_assert_waits(const struct vp_doer *doer);
/* Wait for the end, VP_PATIENCE_MS at most, and the result. */
int vp_done(struct vp_doer *doer);
/* Kill it, which must be possible. */
void vp_undo(struct vp_doer *doer);

/*
 * How many are blocked in one of vprime's fences, of all processes. Who waits
 * for a fence that is shared by others counts for each of these.
 */
unsigned int vp_waiters(void);
/* Wait until there are that many or more, VP_PATIENCE_MS at most. */
void vp_await_waiters(unsigned int count);

/*
 * A process that opens a GPU, puts so many fences on a buffer, and then does
 * nothing until it is killed.
 */
pid_t vp_start_fences(unsigned int gpu, int dmabuf, bool write,
		      unsigned int count);

#endif /* VP_DOER_H */
