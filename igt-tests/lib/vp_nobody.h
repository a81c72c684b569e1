/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes without any privilege: user and group nobody, no supplementary
 * group, no capability. Render nodes are theirs to open, as udev arranges it for
 * the users of a machine.
 *
 * What such a process may do is decided by what it has open, so a client is an
 * open file of a GPU: two files in one process are as strange to each other as
 * two processes, and easier to tell about.
 */
#ifndef VP_NOBODY_H
#define VP_NOBODY_H

#include <stdbool.h>
#include <sys/types.h>

#include "vp_igt.h"
#include "vp_remote.h"

#define VP_NOBODY	65534

/*
 * What follows is done as nobody, in a process of its own that may assert; this
 * one waits for its end. What it has open is open there too.
 */
#define vp_as_nobody \
	for (bool vp_here__ = vp_nobody_begin(); vp_here__; \
	     vp_here__ = vp_nobody_end()) \
		for (; __igt_fork(); exit(0)) \
			for (bool vp_in__ = vp_nobody_enter(); vp_in__; \
			     vp_in__ = false)

bool vp_nobody_begin(void);	/* true */
bool vp_nobody_enter(void);	/* true */
bool vp_nobody_end(void);	/* false */

/* The same in another process that is told what to do. */
struct vp_remote vp_nobody_start(const char *name);

/*
 * For processes that are made otherwise: become nobody, with @group as the only
 * supplementary group unless it is 0. Returns 0 or a negative errno.
 */
int vp_become_nobody(gid_t group);

/* Nodes get their modes from udevd, a moment after they appear. */
void vp_await_udev(void);
/* The nodes of all GPUs of vprime: their mode, and the group they belong to. */
void vp_nodes_mode(mode_t render, mode_t primary, gid_t group);

#endif /* VP_NOBODY_H */
