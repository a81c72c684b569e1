/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A piece of a device's work on a buffer, and the fence that says when it is done.
 */
#ifndef VP_FENCE_JOB_H
#define VP_FENCE_JOB_H

#include <linux/dma-fence.h>
#include <linux/spinlock.h>

struct dma_resv;

/* Room for a device's name, with the NUL that ends it. */
#define VP_JOB_NAME_LEN	32

/**
 * struct vp_job - a device's work on a buffer
 * @base: signals when the work is done, or will not be
 * @lock: what @base has for its lock
 * @device: whose work it is
 * @write: whether it writes the buffer
 * @cookie: from dma_fence_begin_signalling(), while the job is submitted
 * @count: how many fences it waits for
 * @fences: those fences, with a reference on each
 */
struct vp_job {
	struct dma_fence base;
	spinlock_t lock;
	char device[VP_JOB_NAME_LEN];
	bool write;
	bool cookie;
	unsigned int count;
	struct dma_fence **fences;
};

struct vp_job *vp_job_create(const char *device, bool write);
int vp_job_submit(struct vp_job *job, struct dma_resv *resv);
int vp_job_wait(struct vp_job *job);
void vp_job_finish(struct vp_job *job, int error);
void vp_job_forget(struct vp_job *job, struct dma_resv *resv);
void vp_job_put(struct vp_job *job);

#endif /* VP_FENCE_JOB_H */
