// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: the dma-buf contract
 *
 * Each breach of a rule is counted. A process's first breach of a rule is logged,
 * on whatever buffer: a compositor breaks it on each frame, and in new buffers all
 * the time. Breaches are also counted per buffer.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/pid.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "fence/list.h"
#include "prime/contract.h"
#include "prime/dmabuf.h"
#include "prime/trace.h"

atomic_long_t vp_rule_counts[VP_RULES];

/*
 * The name of a rule, what follows "cpu" or the name of the device in the log, and
 * what to do about it.
 */
static const struct {
	const char *name;
	const char *what;
	const char *advice;
} vp_rules[VP_RULES] = {
	[VP_RULE_UNMAP_WITHOUT_MAP] = {
		"unmap-without-map", "unmaps what it has not mapped",
		"unmap each mapping once, by its own attachment" },
	[VP_RULE_UNMAP_DIRECTION] = {
		"unmap-direction", "unmaps in another direction than it mapped",
		"unmap in the direction of the map" },
	[VP_RULE_DETACH_WHILE_MAPPED] = {
		"detach-while-mapped", "detaches with its mapping in place",
		"unmap before detaching" },
	[VP_RULE_DETACH_WHILE_PINNED] = {
		"detach-while-pinned", "detaches with its pin in place",
		"unpin before detaching" },
	[VP_RULE_UNPIN_WITHOUT_PIN] = {
		"unpin-without-pin", "unpins what it has not pinned",
		"unpin once for each pin" },
	[VP_RULE_END_WITHOUT_BEGIN] = {
		"end-without-begin", "access ends that has not begun",
		"call DMA_BUF_IOCTL_SYNC with START first" },
	[VP_RULE_BEGIN_LEFT_OPEN] = {
		"begin-left-open", "access began and was never ended",
		"call DMA_BUF_IOCTL_SYNC with END" },
	[VP_RULE_WRITABLE_READ_ONLY] = {
		"writable-read-only", "wants to write through a read-only file",
		"export with DRM_RDWR, as Mesa does from 26.1 on" },
	[VP_RULE_CPU_OUTSIDE_ACCESS] = {
		"cpu-outside-access", "touches memory outside begin and end",
		"put it between DMA_BUF_IOCTL_SYNC's START and END" },
	[VP_RULE_NOT_UNMAPPED] = {
		"not-unmapped", "keeps its mapping of a revoked buffer",
		"unmap when told that mappings are invalid" },
	[VP_RULE_RELEASE_WITH_ATTACHMENTS] = {
		"release-with-attachments", "is attached while the last reference is dropped",
		"detach before dma_buf_put()" },
};

/**
 * vp_rule_name - the name of a rule
 * @rule: the rule
 *
 * Context: Any context.
 * Return: A string of lower-case letters and hyphens.
 */
const char *vp_rule_name(enum vp_rule rule)
{
	return vp_rules[rule].name;
}

/**
 * vp_contract_fini - free the breaches of a buffer
 * @buf: a buffer without references
 *
 * Context: Any context.
 */
void vp_contract_fini(struct vp_dmabuf *buf)
{
	kfree(buf->violations);
}

/* Without memory for its counts, a buffer has none. */
static void vp_violation_count(struct vp_dmabuf *buf, enum vp_rule rule)
{
	struct vp_violations *all = READ_ONCE(buf->violations), *mine;

	if (!all) {
		mine = kzalloc(sizeof(*mine), GFP_ATOMIC);
		all = cmpxchg(&buf->violations, NULL, mine);
		if (all)
			kfree(mine);
		else
			all = mine;
	}
	if (all)
		atomic_inc(&all->counts[rule]);
}

/* Enough for several processes that break every rule at once. */
static DEFINE_RATELIMIT_STATE(vp_misuse_limit, 5 * HZ, 64);

/**
 * struct vp_offender - a process that was logged
 * @pid: its number
 * @started: when it started, which tells it from one that had the number before
 * @comm: its name
 * @rules: the rules it was logged for, a bit each
 */
struct vp_offender {
	pid_t pid;
	u64 started;
	char comm[TASK_COMM_LEN];
	unsigned long rules;
};

/*
 * Guards vp_offenders and vp_next_offender. Taken under any lock, with nothing below
 * it, and with interrupts off.
 */
static DEFINE_SPINLOCK(vp_offender_lock);

/*
 * The processes that were logged last; each takes the place of the one that was
 * there longest. One that has been replaced, or executes another program, is
 * logged again.
 */
static struct vp_offender vp_offenders[64];
static unsigned int vp_next_offender;

static struct vp_offender *vp_offender_find(const struct vp_offender *who)
{
	unsigned int i;

	lockdep_assert_held(&vp_offender_lock);

	for (i = 0; i < ARRAY_SIZE(vp_offenders); i++)
		if (vp_offenders[i].pid == who->pid &&
		    vp_offenders[i].started == who->started &&
		    !strcmp(vp_offenders[i].comm, who->comm))
			return &vp_offenders[i];
	return NULL;
}

static bool vp_offender_is_known(const struct vp_offender *who,
				 enum vp_rule rule)
{
	struct vp_offender *known;
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&vp_offender_lock, flags);
	known = vp_offender_find(who);
	ret = known && test_bit(rule, &known->rules);
	spin_unlock_irqrestore(&vp_offender_lock, flags);
	return ret;
}

/* Returns whether it was not known yet. */
static bool vp_offender_note(const struct vp_offender *who, enum vp_rule rule)
{
	struct vp_offender *known;
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&vp_offender_lock, flags);
	known = vp_offender_find(who);
	if (!known) {
		known = &vp_offenders[vp_next_offender++ %
				      ARRAY_SIZE(vp_offenders)];
		*known = *who;
	}
	first = !__test_and_set_bit(rule, &known->rules);
	spin_unlock_irqrestore(&vp_offender_lock, flags);
	return first;
}

/*
 * Returns whether it is the process's first breach of the rule. One that the limit
 * suppresses is logged when it comes again. The limit is asked without the lock: it
 * prints itself how many it has suppressed.
 */
static bool vp_contract_must_log(const struct vp_offender *who,
				 enum vp_rule rule)
{
	return !vp_offender_is_known(who, rule) &&
	       __ratelimit(&vp_misuse_limit) && vp_offender_note(who, rule);
}

/**
 * vp_dmabuf_misuse_by - report a breach of the contract by any process
 * @buf: the buffer
 * @dev: the device it was done for, or NULL for the CPU
 * @rule: the broken rule
 * @process: the name of the process
 * @pid: the number of the process
 * @started: its leader's start_boottime
 *
 * Counts the breach. The process's first one of a rule is logged, with the names
 * of device, buffer, process and rule and what to do about it, and rate-limited.
 *
 * Context: Any context.
 */
void vp_dmabuf_misuse_by(struct vp_dmabuf *buf, struct device *dev,
			 enum vp_rule rule, const char *process, pid_t pid,
			 u64 started)
{
	const char *who = dev ? dev_name(dev) : "cpu";
	struct vp_offender offender = { .pid = pid, .started = started };
	unsigned int i;

	for (i = 0; i < sizeof(offender.comm) - 1 && process[i]; i++)
		offender.comm[i] = vp_plain(process[i]);

	atomic_long_inc(&vp_rule_counts[rule]);
	this_cpu_inc(vp_dmabuf_counts.violations);
	trace_violation(buf, who, vp_rules[rule].name);

	vp_violation_count(buf, rule);
	if (!vp_contract_must_log(&offender, rule))
		return;
	pr_warn("dma-buf contract: %s: %s %s; buffer %llu of %s, %zu bytes, by %s[%d]: %s\n",
		vp_rules[rule].name, who, vp_rules[rule].what, buf->id,
		buf->name, buf->size, offender.comm, pid, vp_rules[rule].advice);
}

/**
 * vp_dmabuf_misuse - report a breach of the contract by the current process
 * @buf: the buffer
 * @dev: the device it was done for, or NULL for the CPU
 * @rule: the broken rule
 *
 * Context: Any context.
 */
void vp_dmabuf_misuse(struct vp_dmabuf *buf, struct device *dev,
		      enum vp_rule rule)
{
	/* A thread's own name says little: "llvmpipe-0" is one of Mesa's. */
	vp_dmabuf_misuse_by(buf, dev, rule, current->group_leader->comm,
			    task_tgid_nr(current),
			    current->group_leader->start_boottime);
}
