/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_TIMELINE_H
#define DEMO_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#include "svg.h"

/*
 * A picture of what two processes did when, and of the fences between them.
 * All times are those of clock_ns().
 */

#define TIMELINE_BARS	32
#define TIMELINE_FENCES	8
#define TIMELINE_LABEL	24

/** struct timeline_lane - one process with its GPU; the first is drawn above the second */
struct timeline_lane {
	char device[16];
	char process[32];
};

/** struct timeline_bar - something that took time */
struct timeline_bar {
	/** @lane: 0 or 1 */
	unsigned int lane;
	/** @label: what was done, or for a wait how; in a few words */
	char label[TIMELINE_LABEL];
	uint64_t begin_ns;
	uint64_t end_ns;
	/** @fence: for a wait, the number of the fence, from 1; 0 for work */
	unsigned int fence;
};

/** struct timeline_fence - a fence, from one lane to the other */
struct timeline_fence {
	/** @lane: whose it is; the other one waits */
	unsigned int lane;
	/** @name: what is true once it has signalled */
	const char *name;
	/** @usage: "read" or "write" */
	const char *usage;
	uint64_t made_ns;
	uint64_t signalled_ns;
};

struct timeline {
	struct timeline_lane lanes[2];
	struct timeline_bar bars[TIMELINE_BARS];
	unsigned int bar_count;
	/** @fences: number n is at n - 1 */
	struct timeline_fence fences[TIMELINE_FENCES];
	unsigned int fence_count;
};

/**
 * timeline_write() - draw it as an SVG file, all of it or nothing
 * @bytes: out: length of the file
 * @why: out, when it fails: SVG_WHY bytes, one line
 *
 * Each fence is the group "fence-N" and each wait the group "wait-N" of the
 * file, and their titles have their times in ms since the first event.
 *
 * Returns: 0, or -1 with what was at @path untouched.
 */
int timeline_write(const struct timeline *timeline, const char *path, size_t *bytes, char *why);

#endif
