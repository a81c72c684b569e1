/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPU accesses: which threads have one open to a buffer.
 */
#ifndef VP_PRIME_CPU_ACCESS_H
#define VP_PRIME_CPU_ACCESS_H

#include <linux/dma-direction.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>

struct pid;
struct vp_dmabuf;

/**
 * struct vp_cpu_access - a CPU access that a thread has open
 * @node: in &vp_dmabuf.open_accesses
 * @thread: the thread that began it; referenced
 * @process: the thread's process; referenced
 * @since: when it began, in jiffies
 * @dir: for what; the directions together if it was begun more than once
 * @comm: the thread's name at the begin
 */
struct vp_cpu_access {
	struct list_head node;
	struct pid *thread;
	struct pid *process;
	unsigned long since;
	enum dma_data_direction dir;
	char comm[TASK_COMM_LEN];
};

int vp_cpu_access_begin(struct vp_dmabuf *buf, enum dma_data_direction dir);
bool vp_cpu_access_end(struct vp_dmabuf *buf);

#ifdef VP_WATCH

extern bool vp_cpu_access_strict;

/**
 * vp_cpu_access_is_strict - is the module parameter "strict" set
 *
 * Context: any.
 *
 * Return: whether it is now; it may change at any time.
 */
static inline bool vp_cpu_access_is_strict(void)
{
	return READ_ONCE(vp_cpu_access_strict);
}

void vp_cpu_access_init(struct vp_dmabuf *buf);
void vp_cpu_access_fini(struct vp_dmabuf *buf);
bool vp_cpu_access_is_open(struct vp_dmabuf *buf, bool write);
void vp_cpu_access_check(struct vp_dmabuf *buf, bool write);
bool vp_cpu_access_take_left(struct vp_dmabuf *buf, bool all,
			     struct vp_cpu_access *left);

#else

static inline bool vp_cpu_access_is_strict(void)
{
	return false;
}

static inline void vp_cpu_access_init(struct vp_dmabuf *buf)
{
}

static inline void vp_cpu_access_fini(struct vp_dmabuf *buf)
{
}

static inline bool vp_cpu_access_is_open(struct vp_dmabuf *buf, bool write)
{
	return true;
}

static inline void vp_cpu_access_check(struct vp_dmabuf *buf, bool write)
{
}

static inline bool vp_cpu_access_take_left(struct vp_dmabuf *buf, bool all,
					   struct vp_cpu_access *left)
{
	return false;
}

#endif

#endif /* VP_PRIME_CPU_ACCESS_H */
