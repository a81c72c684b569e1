// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: jobs
 *
 * What a GPU does with a buffer has two steps, as on a real one. To prepare it,
 * under the buffer's reservation lock, the job takes note of the fences that
 * conflict and puts its own on the buffer. Jobs and fences that come later wait for
 * it, and it does not wait for them. To run, without the lock, it waits for the
 * noted fences, does the work, and signals.
 *
 * From its submission to its signal a job allocates nothing and takes no lock
 * under which memory is allocated: memory management may be waiting for it.
 */
#include <linux/dma-resv.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "fence/job.h"

static struct vp_job *to_vp_job(struct dma_fence *base)
{
	return container_of(base, struct vp_job, base);
}

static const char *vp_job_driver_name(struct dma_fence *base)
{
	return to_vp_job(base)->device;
}

static const char *vp_job_timeline_name(struct dma_fence *base)
{
	return to_vp_job(base)->write ? "gpu-write" : "gpu-read";
}

static void vp_job_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct vp_job, base.rcu));
	/* Unloading waits until this has returned: vp_fences_fini(). */
	module_put(THIS_MODULE);
}

static void vp_job_release(struct dma_fence *base)
{
	/* So that the grace period does not end here: see vp_fence_release(). */
	rcu_read_lock();
	call_rcu(&base->rcu, vp_job_free);
	rcu_read_unlock();
}

static const struct dma_fence_ops vp_job_ops = {
	.get_driver_name = vp_job_driver_name,
	.get_timeline_name = vp_job_timeline_name,
	.release = vp_job_release,
};

/**
 * vp_job_create - a job that has not been submitted
 * @device: the name of the device that does it; copied
 * @write: whether it writes the buffer
 *
 * Context: sleeps; something else keeps the module in place.
 *
 * Return: the job, for vp_job_put(); NULL without memory.
 */
struct vp_job *vp_job_create(const char *device, bool write)
{
	struct vp_job *job;

	/* At the limit of its memory the program gets ENOMEM, and is not killed. */
	job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL |
				    __GFP_NOWARN);
	if (!job)
		return NULL;
	__module_get(THIS_MODULE);
	spin_lock_init(&job->lock);
	strscpy(job->device, device, sizeof(job->device));
	job->write = write;
	/* Jobs end in any order, so each is a timeline of its own to the kernel. */
	dma_fence_init(&job->base, &vp_job_ops, &job->lock,
		       dma_fence_context_alloc(1), 1);
	return job;
}

/**
 * vp_job_submit - put a job's fence on a buffer
 * @job: from vp_job_create()
 * @resv: the buffer's reservation
 *
 * From here on others wait for it: vp_job_finish() has to follow, whatever
 * happens, and soon after the fences that are there now have signalled.
 *
 * Context: the reservation is locked. Allocates.
 *
 * Return: 0, or -ENOMEM.
 */
int vp_job_submit(struct vp_job *job, struct dma_resv *resv)
{
	int ret;

	dma_resv_assert_held(resv);

	ret = dma_resv_reserve_fences(resv, 1);
	if (!ret)
		ret = dma_resv_get_fences(resv, dma_resv_usage_rw(job->write),
					  &job->count, &job->fences);
	if (ret)
		return ret;
	dma_resv_add_fence(resv, &job->base, job->write ? DMA_RESV_USAGE_WRITE :
							  DMA_RESV_USAGE_READ);
	return 0;
}

/**
 * vp_job_wait - wait until a job may run
 * @job: one that has been submitted
 *
 * Context: unlocked, sleeps. What comes between it and vp_job_finish() is on the
 * way to a fence's signal.
 *
 * Return: 0; -ERESTARTSYS when a signal came.
 */
int vp_job_wait(struct vp_job *job)
{
	long left = 1;
	unsigned int i;

	for (i = 0; i < job->count && left > 0; i++)
		left = dma_fence_wait(job->fences[i], true) ?: 1;
	job->cookie = dma_fence_begin_signalling();
	return left < 0 ? left : 0;
}

/**
 * vp_job_finish - a job has been done, or will not be
 * @job: one that has been waited for, with whatever result
 * @error: 0, or the negative errno of what went wrong
 *
 * Context: unlocked.
 */
void vp_job_finish(struct vp_job *job, int error)
{
	/* Of what the kernel keeps to itself, other drivers shall not hear. */
	if (error == -ERESTARTSYS)
		error = -ECANCELED;
	if (error)
		dma_fence_set_error(&job->base, error);
	dma_fence_signal(&job->base);
	dma_fence_end_signalling(job->cookie);
}

/**
 * vp_job_forget - let a buffer not keep a job that is finished
 * @job: the job
 * @resv: the buffer's reservation
 *
 * A job keeps the module in place, and the reservation of another driver's buffer
 * may keep its fences for as long as the buffer is there.
 *
 * Context: the reservation is locked.
 */
void vp_job_forget(struct vp_job *job, struct dma_resv *resv)
{
	struct dma_fence *stub = dma_fence_get_stub();

	dma_resv_assert_held(resv);

	dma_resv_replace_fences(resv, job->base.context, stub,
				job->write ? DMA_RESV_USAGE_WRITE :
					     DMA_RESV_USAGE_READ);
	dma_fence_put(stub);
}

/**
 * vp_job_put - the maker of a job is done with it
 * @job: from vp_job_create(); finished, if it has been submitted
 *
 * Context: unlocked.
 */
void vp_job_put(struct vp_job *job)
{
	unsigned int i;

	for (i = 0; i < job->count; i++)
		dma_fence_put(job->fences[i]);
	kfree(job->fences);
	job->fences = NULL;
	job->count = 0;
	dma_fence_put(&job->base);
}
