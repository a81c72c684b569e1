/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module tells of its buffers: the list of them, and how often each
 * rule of the dma-buf contract was broken.
 *
 * Whatever is read is checked for its format, to the last blank.
 */
#ifndef VP_WATCH_H
#define VP_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vp_line.h"

#define VP_WATCH_DIR	"/sys/kernel/debug/vprime"
#define VP_WATCH_LIST	VP_WATCH_DIR "/buffers"
#define VP_WATCH_NAME	VP_LINE_NAME
#define VP_WATCH_LINES	128

struct vp_watch_attachment {
	char device[VP_WATCH_NAME];
	char driver[VP_WATCH_NAME];
	char lifetime[VP_WATCH_NAME];
	char mapped[VP_WATCH_NAME];
	char direction[VP_WATCH_NAME];
	unsigned int pins;
};

struct vp_watch_cpu {
	char access[VP_WATCH_NAME];
	char process[VP_WATCH_NAME];
	int pid;
	unsigned int open_ms;
};

struct vp_watch_fence {
	char driver[VP_WATCH_NAME];
	char timeline[VP_WATCH_NAME];
	uint64_t seqno;
	char usage[VP_WATCH_NAME];
};

struct vp_watch_violation {
	char rule[VP_WATCH_NAME];
	unsigned int count;
};

/* A buffer's line; and n_x lines x below it, in their order. */
struct vp_watch_buffer {
	uint64_t id;
	char exporter[VP_WATCH_NAME];
	uint64_t size;
	uint64_t resident;
	char state[VP_WATCH_NAME];
	bool foreign;
	bool exported;
	unsigned int attachments;
	unsigned int mapped;
	unsigned int pins;
	unsigned int vmaps;
	unsigned int cpu_open;
	unsigned int fences;
	unsigned int violations;
	uint64_t inode;		/* of its dma-buf, 0 without one */

	unsigned int n_attachment, n_cpu, n_fence, n_violation;
	struct vp_watch_attachment attachment[VP_WATCH_LINES];
	struct vp_watch_cpu cpu[VP_WATCH_LINES];
	struct vp_watch_fence fence[VP_WATCH_LINES];
	struct vp_watch_violation violation[VP_WATCH_LINES];
};

/* The whole list, read in pieces of @piece bytes; free() it. */
char *vp_watch_text(size_t piece);
/* The buffer that @text begins with, and the text after it; NULL at its end. */
const char *vp_watch_next(const char *text, struct vp_watch_buffer *buffer);

bool vp_watch_listed(uint64_t id);
/* A buffer that is listed. What is returned is good until the next call. */
const struct vp_watch_buffer *vp_watch(uint64_t id);
/* A device's line, or NULL; the same holds. */
const struct vp_watch_attachment *vp_watch_attachment(uint64_t id,
						      const char *device);
/* How often a rule was broken: on a buffer, and on all since the load. */
unsigned int vp_watch_violations(uint64_t id, const char *rule);
unsigned int vp_watch_total(const char *rule);
/*
 * The kernel logs a process's first breach of a rule. From here on this process has
 * another name, and so counts as another one, whose first is yet to come.
 */
void vp_be_another(void);
/*
 * Since @log was opened there is one line for this rule and the listed buffer.
 * It names @device, "cpu" for none, and as the one who did it this process.
 */
void vp_assert_reported(int log, uint64_t id, const char *rule,
			const char *device, const char *name, pid_t process);
/* The name of rule number @i; NULL after the last. */
const char *vp_watch_rule(unsigned int i);

/* Have a buffer's memory moved, or taken from everybody. */
int vp_try_move(uint64_t id);
int vp_try_revoke(uint64_t id);

/* Whether touches outside of CPU accesses are looked for. */
void vp_strict(bool on);

#endif /* VP_WATCH_H */
