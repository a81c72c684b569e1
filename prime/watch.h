/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The watch: who has which buffer, who is at it with the CPU, and which rules
 * of the contract were broken on it. Built with CONFIG_VPRIME_WATCH, as it is
 * unless somebody turns it off; without it, breaches are still reported and
 * counted, but not per buffer, and nothing is listed.
 */
#ifndef VP_PRIME_WATCH_H
#define VP_PRIME_WATCH_H

#include <linux/atomic.h>
#include <linux/dma-direction.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>

struct device;
struct pid;
struct seq_file;
struct vp_dmabuf;

/**
 * enum vp_rule - the rules of the dma-buf contract that can be broken
 *
 * Their names and what is said of them are in watch.c.
 */
enum vp_rule {
	VP_RULE_UNMAP_WITHOUT_MAP,
	VP_RULE_UNMAP_DIRECTION,
	VP_RULE_DETACH_WHILE_MAPPED,
	VP_RULE_DETACH_WHILE_PINNED,
	VP_RULE_UNPIN_WITHOUT_PIN,
	VP_RULE_END_WITHOUT_BEGIN,
	VP_RULE_BEGIN_LEFT_OPEN,
	VP_RULE_WRITABLE_READ_ONLY,
	VP_RULE_CPU_OUTSIDE_ACCESS,
	VP_RULE_NOT_UNMAPPED,
	VP_RULE_RELEASE_WITH_ATTACHMENTS,
	VP_RULES
};

extern atomic_long_t vp_rule_counts[VP_RULES];

const char *vp_rule_name(enum vp_rule rule);

#ifdef VP_WATCH

/**
 * struct vp_cpu_access - the CPU accesses that one process has open
 * @node: in &vp_watch.cpu
 * @process: whose; referenced
 * @since: when the first began, in jiffies
 * @nested: how many; 0 when it is kept for the next
 * @dir: their directions together
 * @comm: what the process was called then; kept because it may die
 */
struct vp_cpu_access {
	struct list_head node;
	struct pid *process;
	unsigned long since;
	unsigned int nested;
	enum dma_data_direction dir;
	char comm[TASK_COMM_LEN];
};

/**
 * struct vp_violations - the breaches on a buffer; all of it is atomic
 * @reported: a bit for each rule whose breach has been in the log
 * @counts: how often each rule was broken
 */
struct vp_violations {
	unsigned long reported;
	atomic_t counts[VP_RULES];
};

/**
 * struct vp_watch - what is kept of a buffer only to be looked at
 * @violations: NULL until there is one; published once
 * @cpu: the &struct vp_cpu_access that are open, and at its head one that may
 *	be kept for the next, as it is mostly the same process; guarded by
 *	&vp_dmabuf.lock
 */
struct vp_watch {
	struct vp_violations *violations;
	struct list_head cpu;
};

extern bool vp_watch_strict;

/**
 * vp_watch_is_strict - is the module parameter "strict" set
 *
 * It may change at any time.
 */
static inline bool vp_watch_is_strict(void)
{
	return READ_ONCE(vp_watch_strict);
}

void vp_watch_add(struct vp_dmabuf *buf);
void vp_watch_del(struct vp_dmabuf *buf);
bool vp_watch_violation(struct vp_dmabuf *buf, enum vp_rule rule);
bool vp_watch_reported(struct vp_dmabuf *buf, enum vp_rule rule);

int vp_watch_cpu_begin(struct vp_dmabuf *buf, enum dma_data_direction dir);
bool vp_watch_cpu_end(struct vp_dmabuf *buf);
bool vp_watch_cpu_is_open(struct vp_dmabuf *buf);
void vp_watch_cpu_reap(struct vp_dmabuf *buf, bool all);

#else

struct vp_watch {
};

static inline bool vp_watch_is_strict(void)
{
	return false;
}

static inline void vp_watch_add(struct vp_dmabuf *buf)
{
}

static inline void vp_watch_del(struct vp_dmabuf *buf)
{
}

static inline bool vp_watch_violation(struct vp_dmabuf *buf, enum vp_rule rule)
{
	return false;
}

static inline bool vp_watch_reported(struct vp_dmabuf *buf, enum vp_rule rule)
{
	return false;
}

int vp_watch_cpu_begin(struct vp_dmabuf *buf, enum dma_data_direction dir);
bool vp_watch_cpu_end(struct vp_dmabuf *buf);

static inline bool vp_watch_cpu_is_open(struct vp_dmabuf *buf)
{
	return true;
}

void vp_watch_cpu_reap(struct vp_dmabuf *buf, bool all);

#endif

#endif /* VP_PRIME_WATCH_H */
