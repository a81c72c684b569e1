/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module tells of the fences that have not signalled: on which
 * timeline, of whom, for how long, and who waits.
 *
 * Whatever is read is checked for its format, to the last blank, and for being
 * consistent.
 */
#ifndef VP_FENCES_H
#define VP_FENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vp_line.h"

#define VP_FENCES_LIST	"/sys/kernel/debug/vprime/fences"
/* What left_ms and deadline_ms are when there is none. */
#define VP_FENCES_NONE	INT64_MIN

/* A process that is blocked in the fence. */
struct vp_fences_waiter {
	char process[VP_LINE_NAME];
	int pid;
	uint64_t wait_ms;
	const struct vp_fences_waiter *next;
};

struct vp_fences_fence {
	uint64_t seqno;
	uint64_t id;		/* what FENCE_ATTACH returned, or 0 */
	char usage[VP_LINE_NAME];
	uint64_t buffer;	/* its id, or 0 */
	uint64_t age_ms;
	int64_t left_ms;
	int64_t deadline_ms;	/* from when it was read; may be negative */
	unsigned int callbacks;

	const struct vp_fences_timeline *timeline;
	unsigned int n_waiter;
	const struct vp_fences_waiter *waiter;	/* the first of them, or NULL */
	const struct vp_fences_fence *next;
};

struct vp_fences_timeline {
	uint64_t id;
	char device[VP_LINE_NAME];
	char name[VP_LINE_NAME];
	char kind[VP_LINE_NAME];
	char process[VP_LINE_NAME];
	int pid;
	uint64_t made;
	uint64_t signaled;
	unsigned int pending;	/* and so many fences follow */

	const struct vp_fences_fence *fence;	/* the first of them, or NULL */
	const struct vp_fences_timeline *next;
};

/* The whole file, read in pieces of @piece bytes; free() it. */
char *vp_fences_text(size_t piece);
/* What a text says, to vp_fences_free(); the file's text, or one like it. */
const struct vp_fences_timeline *vp_fences_parse(const char *text);
void vp_fences_free(const struct vp_fences_timeline *list);

/*
 * Each of these reads the file. What it returns is good until the next call of
 * any of them; NULL is that there is none.
 */

/* All there is: the first timeline. */
const struct vp_fences_timeline *vp_fences(void);
const struct vp_fences_timeline *vp_fences_by_id(uint64_t id);
/* The last made of this name that the process @pid made. */
const struct vp_fences_timeline *vp_fences_named(const char *name, pid_t pid);
/* The oldest pending fence that was put on a buffer, by its id. */
const struct vp_fences_fence *vp_fences_on(uint64_t buffer);
/* What the process @pid is blocked in. */
const struct vp_fences_fence *vp_fences_blocking(pid_t pid);
/* The same as soon as it is blocked in one, within VP_PATIENCE_MS. */
const struct vp_fences_fence *vp_fences_await(pid_t pid);
/* How many are pending, of everybody. */
unsigned int vp_fences_pending(void);

/* One of a timeline's that are pending, by its number. */
const struct vp_fences_fence *
vp_fences_find(const struct vp_fences_timeline *timeline, uint64_t seqno);

#endif /* VP_FENCES_H */
