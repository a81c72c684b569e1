// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: the watch
 *
 * Whoever breaks the dma-buf contract is told so by name: once per buffer and
 * rule in the kernel log, and counted every time. Built with
 * CONFIG_VPRIME_WATCH, the watch also knows the CPU accesses that are open on
 * each buffer and by which process, and shows all buffers as a list (list.c).
 *
 * A process may die between the begin and the end of a CPU access. Nothing
 * tells the exporter, so open accesses of the dead are looked for where
 * somebody meets the buffer next: at a begin, an end, a listing, or its end.
 * They are reported, and ended in the name of the dead.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-buf.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "fence/list.h"
#include "prime/dmabuf.h"
#include "prime/trace.h"

atomic_long_t vp_rule_counts[VP_RULES];

/* What a rule is called, and what the device or the CPU did. */
static const struct {
	const char *name;
	const char *what;
} vp_rules[VP_RULES] = {
	[VP_RULE_UNMAP_WITHOUT_MAP] = {
		"unmap-without-map", "unmaps what it has not mapped" },
	[VP_RULE_UNMAP_DIRECTION] = {
		"unmap-direction", "unmaps in another direction than it mapped" },
	[VP_RULE_DETACH_WHILE_MAPPED] = {
		"detach-while-mapped", "detaches with its mapping in place" },
	[VP_RULE_DETACH_WHILE_PINNED] = {
		"detach-while-pinned", "detaches with its pin in place" },
	[VP_RULE_UNPIN_WITHOUT_PIN] = {
		"unpin-without-pin", "unpins what it has not pinned" },
	[VP_RULE_END_WITHOUT_BEGIN] = {
		"end-without-begin", "access ends that has not begun" },
	[VP_RULE_BEGIN_LEFT_OPEN] = {
		"begin-left-open", "access began and was never ended" },
	[VP_RULE_WRITABLE_READ_ONLY] = {
		"writable-read-only", "wants to write through a read-only file" },
	[VP_RULE_CPU_OUTSIDE_ACCESS] = {
		"cpu-outside-access", "touches memory outside begin and end" },
	[VP_RULE_NOT_UNMAPPED] = {
		"not-unmapped", "keeps its mapping of a revoked buffer" },
	[VP_RULE_RELEASE_WITH_ATTACHMENTS] = {
		"release-with-attachments", "is attached while the last reference is dropped" },
};

/**
 * vp_rule_name - a rule's name
 * @rule: the rule
 *
 * Returns a string of lower-case letters and hyphens.
 */
const char *vp_rule_name(enum vp_rule rule)
{
	return vp_rules[rule].name;
}

/*
 * Enough for a program that breaks every rule on several buffers at once; a
 * flood beyond that says nothing new.
 */
static DEFINE_RATELIMIT_STATE(vp_misuse_limit, 5 * HZ, 64);

static void vp_misuse_by(struct vp_dmabuf *buf, struct device *dev,
			 enum vp_rule rule, const char *process, pid_t pid)
{
	const char *who = dev ? dev_name(dev) : "cpu";
	char comm[TASK_COMM_LEN] = "";
	unsigned int i;

	for (i = 0; i < sizeof(comm) - 1 && process[i]; i++)
		comm[i] = vp_plain(process[i]);

	atomic_long_inc(&vp_rule_counts[rule]);
	this_cpu_inc(vp_dmabuf_counts.violations);
	trace_violation(buf, who, vp_rules[rule].name);

	if (buf && vp_watch_violation(buf, rule))
		return;
	/* What the limit swallows comes with the next breach. */
	if (!__ratelimit(&vp_misuse_limit))
		return;
	if (buf && vp_watch_reported(buf, rule))
		return;
	if (buf)
		pr_warn("dma-buf contract: %s: %s %s; buffer %llu of %s, %zu bytes, by %s[%d]\n",
			vp_rules[rule].name, who, vp_rules[rule].what, buf->id,
			buf->name, buf->size, comm, pid);
	else
		pr_warn("dma-buf contract: %s: %s %s; no buffer, by %s[%d]\n",
			vp_rules[rule].name, who, vp_rules[rule].what, comm,
			pid);
}

/**
 * vp_dmabuf_misuse - somebody broke the contract
 * @buf: the buffer it happened on, or NULL when there is none
 * @dev: the device it was done for, or NULL when it was the CPU
 * @rule: the rule
 *
 * One more in the counts of violations and, the first time for this buffer and
 * rule, one rate-limited line in the kernel log that names device, buffer,
 * process and rule. Any context.
 */
void vp_dmabuf_misuse(struct vp_dmabuf *buf, struct device *dev,
		      enum vp_rule rule)
{
	vp_misuse_by(buf, dev, rule, current->comm, task_tgid_nr(current));
}

#ifdef VP_WATCH

bool vp_watch_strict;
module_param_named(strict, vp_watch_strict, bool, 0644);
MODULE_PARM_DESC(strict, "Report CPU access to shared buffers outside begin and end (default 0)");

/**
 * vp_watch_add - watch a new buffer
 * @buf: the buffer
 */
void vp_watch_add(struct vp_dmabuf *buf)
{
	INIT_LIST_HEAD(&buf->watch.cpu);
}

/**
 * vp_watch_del - stop watching a buffer that goes
 * @buf: the buffer; nobody has a reference, or an access open
 */
void vp_watch_del(struct vp_dmabuf *buf)
{
	struct vp_cpu_access *kept;

	kept = list_first_entry_or_null(&buf->watch.cpu, struct vp_cpu_access,
					node);
	if (kept) {
		put_pid(kept->process);
		kfree(kept);
	}
	if (buf->watch.violations)
		kfree(buf->watch.violations);
}

/**
 * vp_watch_violation - count a breach on a buffer
 * @buf: the buffer
 * @rule: what was broken
 *
 * Any context. Returns whether it has been in the log.
 */
bool vp_watch_violation(struct vp_dmabuf *buf, enum vp_rule rule)
{
	struct vp_violations *all = READ_ONCE(buf->watch.violations), *mine;

	if (!all) {
		mine = kzalloc(sizeof(*mine), GFP_ATOMIC);
		all = cmpxchg(&buf->watch.violations, NULL, mine);
		if (all)
			kfree(mine);
		else
			all = mine;
	}
	/* Without memory for it, it is not counted here, but always told. */
	if (!all)
		return false;
	atomic_inc(&all->counts[rule]);
	return test_bit(rule, &all->reported);
}

/**
 * vp_watch_reported - a breach on a buffer goes to the log
 * @buf: the buffer
 * @rule: what was broken, and has been counted
 *
 * Any context. Returns whether another was faster.
 */
bool vp_watch_reported(struct vp_dmabuf *buf, enum vp_rule rule)
{
	struct vp_violations *all = READ_ONCE(buf->watch.violations);

	return all && test_and_set_bit(rule, &all->reported);
}

/*
 * So many CPU accesses to one buffer may a process have open. A program that
 * never ends what it begins runs for hours before it is told, and yet somebody
 * has to end them all when it dies.
 */
#define VP_CPU_NESTED	(1u << 20)

/*
 * The accesses that the current process has open, or NULL. A kernel thread may
 * end what somebody else began for it (@any); everybody else has to end what he
 * began himself.
 */
static struct vp_cpu_access *vp_watch_cpu_find(struct vp_dmabuf *buf,
					       bool any)
{
	struct pid *process = task_tgid(current);
	struct vp_cpu_access *access, *other = NULL;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(access, &buf->watch.cpu, node) {
		if (!access->nested)
			continue;
		if (access->process == process)
			return access;
		other = access;
	}
	return any ? other : NULL;
}

/* The one that is kept at the head of the list, if it is free; or NULL. */
static struct vp_cpu_access *vp_watch_cpu_kept(struct vp_dmabuf *buf)
{
	struct pid *process = task_tgid(current);
	struct vp_cpu_access *kept;

	lockdep_assert_held(&buf->lock);

	kept = list_first_entry_or_null(&buf->watch.cpu, struct vp_cpu_access,
					node);
	if (!kept || kept->nested)
		return NULL;
	if (kept->process != process) {
		put_pid(kept->process);
		kept->process = get_pid(process);
	}
	return kept;
}

/* Take an access off the list; returns memory to kfree(), if any. */
static struct vp_cpu_access *vp_watch_cpu_close(struct vp_dmabuf *buf,
						struct vp_cpu_access *access)
{
	buf->cpu_accesses -= access->nested;
	access->nested = 0;
	if (list_is_first(&access->node, &buf->watch.cpu))
		return NULL;
	list_del(&access->node);
	put_pid(access->process);
	return access;
}

/* Where a new access of the current process goes; the lock may be dropped. */
static struct vp_cpu_access *vp_watch_cpu_open(struct vp_dmabuf *buf)
{
	struct vp_cpu_access *access = vp_watch_cpu_kept(buf), *more;

	if (access)
		return access;

	/* The first one ever, or somebody else is at it as well. */
	spin_unlock(&buf->lock);
	vp_watch_cpu_reap(buf, false);
	more = kzalloc(sizeof(*more), GFP_KERNEL_ACCOUNT);
	spin_lock(&buf->lock);
	if (!more)
		return NULL;

	/* Another thread of the process may have been faster. */
	access = vp_watch_cpu_find(buf, false) ?: vp_watch_cpu_kept(buf);
	if (access) {
		kfree(more);
		return access;
	}
	more->process = get_pid(task_tgid(current));
	list_add_tail(&more->node, &buf->watch.cpu);
	return more;
}

/**
 * vp_watch_cpu_begin - the current process begins a CPU access
 * @buf: the buffer
 * @dir: for what
 *
 * Returns 0; -ENOMEM; or -EOVERFLOW when the process has more open than anybody
 * needs.
 */
int vp_watch_cpu_begin(struct vp_dmabuf *buf, enum dma_data_direction dir)
{
	struct vp_cpu_access *access;
	int ret = 0;

	spin_lock(&buf->lock);
	/* Mostly it is the same process again and again. */
	access = list_first_entry_or_null(&buf->watch.cpu,
					  struct vp_cpu_access, node);
	if (!access || access->process != task_tgid(current))
		access = vp_watch_cpu_find(buf, false) ?:
			 vp_watch_cpu_open(buf);
	if (unlikely(!access)) {
		ret = -ENOMEM;
		goto out;
	}
	if (access->nested >= VP_CPU_NESTED || buf->cpu_accesses == UINT_MAX) {
		ret = -EOVERFLOW;
		goto out;
	}
	if (!access->nested) {
		access->dir = dir;
		access->since = jiffies;
		memcpy(access->comm, current->comm, sizeof(access->comm));
	} else if (access->dir != dir) {
		access->dir = DMA_BIDIRECTIONAL;
	}
	access->nested++;
	buf->cpu_accesses++;
out:
	spin_unlock(&buf->lock);
	return ret;
}

/**
 * vp_watch_cpu_end - the current process ends a CPU access
 * @buf: the buffer
 *
 * Returns whether it had one open. One that it had not is reported.
 */
bool vp_watch_cpu_end(struct vp_dmabuf *buf)
{
	struct vp_cpu_access *access, *gone = NULL;
	bool others;

	spin_lock(&buf->lock);
	access = vp_watch_cpu_find(buf, current->flags & PF_KTHREAD);
	if (access && access->nested == 1) {
		gone = vp_watch_cpu_close(buf, access);
	} else if (access) {
		access->nested--;
		buf->cpu_accesses--;
	}
	others = buf->cpu_accesses;
	spin_unlock(&buf->lock);

	if (gone)
		kfree(gone);
	if (others)
		vp_watch_cpu_reap(buf, false);
	if (!access)
		vp_dmabuf_misuse(buf, NULL, VP_RULE_END_WITHOUT_BEGIN);
	return access;
}

/**
 * vp_watch_cpu_is_open - does the current process have an access open
 * @buf: the buffer
 */
bool vp_watch_cpu_is_open(struct vp_dmabuf *buf)
{
	bool open;

	spin_lock(&buf->lock);
	open = vp_watch_cpu_find(buf, false);
	spin_unlock(&buf->lock);
	return open;
}

/* Will this process never run again? */
static bool vp_process_is_dead(struct pid *process)
{
	struct task_struct *task;
	bool dead;

	rcu_read_lock();
	task = pid_task(process, PIDTYPE_TGID);
	dead = !task || !atomic_read(&task->signal->live);
	rcu_read_unlock();
	return dead;
}

/**
 * vp_watch_cpu_reap - end the CPU accesses of processes that died in one
 * @buf: the buffer
 * @all: of the living too, because what they could end it by is gone
 *
 * Each process is reported once, and all its accesses ended. Unlocked.
 */
void vp_watch_cpu_reap(struct vp_dmabuf *buf, bool all)
{
	struct vp_cpu_access *access, *next, copy;
	struct vp_cpu_access *gone;

	do {
		copy.process = NULL;
		gone = NULL;
		spin_lock(&buf->lock);
		list_for_each_entry_safe(access, next, &buf->watch.cpu, node) {
			if (!access->nested ||
			    (!all && !vp_process_is_dead(access->process)))
				continue;
			copy = *access;
			get_pid(copy.process);
			gone = vp_watch_cpu_close(buf, access);
			break;
		}
		spin_unlock(&buf->lock);
		if (!copy.process)
			return;

		kfree(gone);
		vp_misuse_by(buf, NULL, VP_RULE_BEGIN_LEFT_OPEN, copy.comm,
			     pid_nr(copy.process));
		put_pid(copy.process);
		copy.nested = 1;
		while (copy.nested--) {
			vp_dmabuf_finish_cpu_access(buf, copy.dir);
			cond_resched();
		}
	} while (1);
}

#else

/* Without the watch, accesses are counted and nothing else. */

int vp_watch_cpu_begin(struct vp_dmabuf *buf, enum dma_data_direction dir)
{
	int ret = 0;

	spin_lock(&buf->lock);
	if (buf->cpu_accesses == UINT_MAX)
		ret = -EOVERFLOW;
	else
		buf->cpu_accesses++;
	spin_unlock(&buf->lock);
	return ret;
}

bool vp_watch_cpu_end(struct vp_dmabuf *buf)
{
	bool open;

	spin_lock(&buf->lock);
	open = buf->cpu_accesses;
	if (open)
		buf->cpu_accesses--;
	spin_unlock(&buf->lock);

	if (!open)
		vp_dmabuf_misuse(buf, NULL, VP_RULE_END_WITHOUT_BEGIN);
	return open;
}

void vp_watch_cpu_reap(struct vp_dmabuf *buf, bool all)
{
	if (all && buf->cpu_accesses) {
		vp_dmabuf_misuse(buf, NULL, VP_RULE_BEGIN_LEFT_OPEN);
		/* Which way they went is not known: both. */
		while (buf->cpu_accesses) {
			buf->cpu_accesses = 0;
			vp_dmabuf_finish_cpu_access(buf, DMA_BIDIRECTIONAL);
		}
	}
}

#endif
