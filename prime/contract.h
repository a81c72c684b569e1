/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of the dma-buf contract, and how often each was broken. */
#ifndef VP_PRIME_CONTRACT_H
#define VP_PRIME_CONTRACT_H

#include <linux/atomic.h>
#include <linux/types.h>

struct device;
struct vp_dmabuf;

/* The rules of the dma-buf contract; contract.c has what breaks each. */
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

/**
 * struct vp_violations - the breaches on one buffer
 * @counts: how often each rule was broken
 */
struct vp_violations {
	atomic_t counts[VP_RULES];
};

extern atomic_long_t vp_rule_counts[VP_RULES];

void vp_contract_fini(struct vp_dmabuf *buf);
const char *vp_rule_name(enum vp_rule rule);
void vp_dmabuf_misuse(struct vp_dmabuf *buf, struct device *dev,
		      enum vp_rule rule);
void vp_dmabuf_misuse_by(struct vp_dmabuf *buf, struct device *dev,
			 enum vp_rule rule, const char *process, pid_t pid,
			 u64 started);

#endif /* VP_PRIME_CONTRACT_H */
