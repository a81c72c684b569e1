/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that a call which failed could have left behind, as vp_failslab.h compares
 * it: the module's objects, breaches of the contract, what its lists show, and
 * the process's descriptors.
 */
#ifndef VP_FAULT_STATE_H
#define VP_FAULT_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "vp_counts.h"

struct vp_fault_state {
	struct vp_counts counts;
	long violations;
	unsigned int buffer_lines, fence_lines;
	unsigned int left;	/* of an unloaded module */
	int fd;		/* the lowest number that is free */
};

struct vp_fault_state vp_fault_look(void);
/*
 * What is there is not what is wanted, nor is it so a moment later; @text gets
 * the differences. @may is what does not matter, of VP_FAULT_*.
 */
bool vp_fault_differs(const struct vp_fault_state *want, unsigned int may,
		      char *text, size_t size);

#endif /* VP_FAULT_STATE_H */
