// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: the dma-buf contract
 *
 * Each breach of a rule is counted, per buffer and in all. The first breach of a
 * rule on a buffer is logged.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/pid.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "fence/list.h"
#include "prime/contract.h"
#include "prime/dmabuf.h"
#include "prime/trace.h"

atomic_long_t vp_rule_counts[VP_RULES];

/*
 * The name of a rule, and what follows "cpu" or the name of the device in the
 * log.
 */
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

/* Count a breach on its buffer. Returns whether such a breach has been logged. */
static bool vp_violation_count(struct vp_dmabuf *buf, enum vp_rule rule)
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
	/* Without memory for the count each breach is logged. */
	if (!all)
		return false;
	atomic_inc(&all->counts[rule]);
	return test_bit(rule, &all->reported);
}

/* Returns whether another thread has just logged such a breach. */
static bool vp_violation_report(struct vp_dmabuf *buf, enum vp_rule rule)
{
	struct vp_violations *all = READ_ONCE(buf->violations);

	return all && test_and_set_bit(rule, &all->reported);
}

/* Enough for a program that breaks every rule on several buffers at once. */
static DEFINE_RATELIMIT_STATE(vp_misuse_limit, 5 * HZ, 64);

/**
 * vp_dmabuf_misuse_by - report a breach of the contract by any process
 * @buf: the buffer
 * @dev: the device it was done for, or NULL for the CPU
 * @rule: the broken rule
 * @process: the name of the process
 * @pid: the number of the process
 *
 * Counts the breach. The first one of a rule on a buffer is logged, with the
 * names of device, buffer, process and rule, and rate-limited.
 *
 * Context: Any context.
 */
void vp_dmabuf_misuse_by(struct vp_dmabuf *buf, struct device *dev,
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

	if (vp_violation_count(buf, rule))
		return;
	/* A breach that the limit suppresses is logged when it comes again. */
	if (!__ratelimit(&vp_misuse_limit))
		return;
	if (vp_violation_report(buf, rule))
		return;
	pr_warn("dma-buf contract: %s: %s %s; buffer %llu of %s, %zu bytes, by %s[%d]\n",
		vp_rules[rule].name, who, vp_rules[rule].what, buf->id,
		buf->name, buf->size, comm, pid);
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
	vp_dmabuf_misuse_by(buf, dev, rule, current->comm,
			    task_tgid_nr(current));
}
