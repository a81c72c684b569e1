/* SPDX-License-Identifier: GPL-2.0-only */
/* The CPU accesses to a buffer that threads have open. */
#ifndef VP_PRIME_CPU_ACCESS_H
#define VP_PRIME_CPU_ACCESS_H

#include <linux/dma-direction.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>

struct pid;
struct vp_dmabuf;

/**
 * struct vp_cpu_access - an open CPU access
 * @node: in &vp_dmabuf.accesses
 * @thread: the thread that began it; referenced
 * @process: the thread's process; referenced
 * @since: when it began, in jiffies
 * @dir: its direction; DMA_BIDIRECTIONAL if begun for reading and for writing
 * @started: when the process started: its leader's start_boottime
 * @comm: the process's name at the begin
 */
struct vp_cpu_access {
	struct list_head node;
	struct pid *thread;
	struct pid *process;
	unsigned long since;
	enum dma_data_direction dir;
	u64 started;
	char comm[TASK_COMM_LEN];
};

int vp_cpu_access_begin(struct vp_dmabuf *buf, enum dma_data_direction dir);
bool vp_cpu_access_end(struct vp_dmabuf *buf);

extern bool vp_cpu_access_strict;

/**
 * vp_cpu_access_is_strict - the value of the module parameter "strict"
 *
 * Context: Any context.
 * Return: Its value, which may change at any time.
 */
static inline bool vp_cpu_access_is_strict(void)
{
	return READ_ONCE(vp_cpu_access_strict);
}

void vp_cpu_access_fini(struct vp_dmabuf *buf);
bool vp_cpu_access_is_open(struct vp_dmabuf *buf, bool write);
void vp_cpu_access_check(struct vp_dmabuf *buf, bool write);
bool vp_cpu_access_take_left(struct vp_dmabuf *buf, bool all,
			     struct vp_cpu_access *left);

#endif /* VP_PRIME_CPU_ACCESS_H */
