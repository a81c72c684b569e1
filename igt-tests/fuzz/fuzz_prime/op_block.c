// SPDX-License-Identifier: GPL-2.0-only
/*
 * A step that waits: a process has to, because of a fence on a buffer, while the
 * others go on, or wait as well. It answers when the last of the fences has
 * signalled that were there at the call, and no earlier; for those that come
 * meanwhile it does not wait. Or it is killed in the middle of it.
 *
 * A GPU's access is a job with a fence of its own, for which all later accesses wait.
 * For the CPU the kernel has a wait of its own after ours, which may
 * see fences that have come meanwhile, or not. A move waits until the buffer is
 * idle. Revoking it does not end the jobs that are there, and waits for
 * them, and once more for fences that have come meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/dma-buf.h>

#include "fuzz.h"
#include "vp_test.h"

enum {
	IN_WAIT,
	IN_PEEK,
	IN_POKE,
	IN_ACCESS,
	IN_MOVE,
	IN_REVOKE,
	N_MODES,
};

/* Those keep the buffer by its dma-buf. */
static bool needs_dmabuf(const struct fz_waiting *waiting)
{
	return waiting->mode >= IN_ACCESS;
}

/* The fences of others only: who waits cannot signal. */
static bool others_signal(const struct fz_run *run, unsigned int proc,
			  const struct fz_buf *buf)
{
	struct fz_use *use;
	struct fz_map *map;
	struct fz_fd *fd;

	fz_each(use, &buf->uses) {
		if (use->fence->state)
			continue;
		fz_each(map, &run->proc[proc].maps)
			if (map->file && map->file == use->fence->file)
				return false;
		fz_each(fd, &run->proc[proc].fds)
			if (fd->kind == FZ_FILE && fd->file == use->fence->file)
				return false;
	}
	return true;
}

static void forget_fences(struct fz_waiting *waiting)
{
	struct fz_fence *fence;

	fz_each(fence, &waiting->fences)
		fz_fence_put(fence);
	fz_vec_free(&waiting->fences);
}

/* What is there now. */
static void remember_fences(struct fz_waiting *waiting)
{
	struct fz_use *use;

	forget_fences(waiting);
	fz_each(use, &waiting->buf->uses) {
		if (use->fence->state || (!waiting->write && !use->write))
			continue;
		use->fence->refs++;
		fz_push(&waiting->fences, use->fence);
	}
}

static void send_order(struct fz_run *run, const struct fz_step *step, int fd,
		       unsigned long request, const void *arg, size_t size)
{
	struct fz_order order = {
		.command = FZ_IOCTL, .fd = fd, .request = request,
		.size = (unsigned int)size,
	};

	memcpy(order.data, arg, size);
	fz_send(run, step->proc, &order);
}

static struct fz_fd *dmabuf_of(const struct fz_run *run, unsigned int proc,
			       const struct fz_buf *buf)
{
	struct fz_fd *fd;

	fz_each(fd, &run->proc[proc].fds)
		if (fd->kind == FZ_DMABUF && fd->kbuf->buf == buf)
			return fd;
	return NULL;
}

static void begin_access(struct fz_run *run, const struct fz_step *step,
			 const struct fz_waiting *waiting)
{
	struct dma_buf_sync sync = {
		.flags = waiting->write ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ,
	};

	send_order(run, step, dmabuf_of(run, step->proc, waiting->buf)->fd,
		   DMA_BUF_IOCTL_SYNC, &sync, sizeof(sync));
}

static void begin_debugfs(struct fz_run *run, const struct fz_step *step,
			  const struct fz_waiting *waiting)
{
	struct fz_order order = {
		.command = FZ_WRITE, .a = { waiting->buf->number },
	};

	order.size = (unsigned int)sprintf((char *)order.data, FZ_DEBUGFS "%s",
			waiting->mode == IN_MOVE ? "move" : "revoke") + 1;
	fz_send(run, step->proc, &order);
}

static void begin_ioctl(struct fz_run *run, const struct fz_step *step,
			struct fz_fd *fd, const struct fz_handle *handle,
			const struct fz_waiting *waiting)
{
	struct drm_vprime_gem_wait wait = {
		.handle = handle->value, .flags = waiting->write,
		.timeout_ns = INT64_MAX,
	};
	struct drm_vprime_gem_access access = {
		.handle = handle->value, .size = VP_PAGE,
		.data = (uintptr_t)waiting->bytes,
	};

	if (waiting->mode == IN_WAIT)
		send_order(run, step, fd->fd, DRM_IOCTL_VPRIME_GEM_WAIT, &wait,
			   sizeof(wait));
	else
		send_order(run, step, fd->fd,
			   waiting->mode == IN_POKE ?
			   DRM_IOCTL_VPRIME_GEM_POKE :
			   DRM_IOCTL_VPRIME_GEM_PEEK, &access, sizeof(access));
}

/* What the call itself holds, whoever closes handle and descriptor meanwhile. */
static void hold(struct fz_run *run, const struct fz_step *step,
		 struct fz_fd *fd, const struct fz_handle *handle)
{
	struct fz_map call = {
		.buf = handle->buf, .view = handle->view, .file = fd->file,
	};

	if (!needs_dmabuf(&run->proc[step->proc].waiting))
		fz_map_new(run, step->proc, &call);
}

/* Somebody has to be left to signal. */
static bool may_wait(const struct fz_run *run)
{
	unsigned int others = 0;

	for (unsigned int proc = 0; proc < run->procs; proc++)
		others += run->proc[proc].alive && !run->proc[proc].blocked;
	return others > 1;
}

/*
 * Those who wait for the same fence, and not for each other, go on in any order.
 * Is it known what each sees?
 */
static bool is_order_known(const struct fz_run *run,
			   const struct fz_waiting *late)
{
	const struct fz_waiting *early;

	for (unsigned int proc = 0; proc < run->procs; proc++) {
		early = &run->proc[proc].waiting;
		if (early->buf != late->buf || early == late)
			continue;
		if (late->mode == IN_POKE && early->mode == IN_ACCESS &&
		    !early->begun)
			return false;
		/* One that snoops shows the other what the CPU wrote. */
		if (late->mode == IN_PEEK && early->mode == IN_PEEK &&
		    late->view->inst->coherent != early->view->inst->coherent)
			return false;
	}
	return true;
}

/* The job takes its place in the line. */
static void submit(struct fz_run *run, const struct fz_step *step,
		   struct fz_waiting *waiting)
{
	fz_gpu_map(waiting->view);
	waiting->job = fz_fence_new(run, step->id, NULL, NULL);
	fz_use(waiting->buf, waiting->job, waiting->write);
}

/* What the call is going to be. */
static bool plan(struct fz_run *run, const struct fz_step *step,
		 const struct fz_handle *handle, struct fz_waiting *waiting)
{
	bool device;

	waiting->buf = handle->buf;
	waiting->mode = step->arg[3] % N_MODES;
	/* Where it cannot do that it waits in another way. */
	if ((needs_dmabuf(waiting) &&
	     (handle->buf->maker != FZ_OURS ||
	      !dmabuf_of(run, step->proc, handle->buf))) ||
	    (waiting->mode > IN_ACCESS &&
	     (!handle->buf->number || handle->buf->pins)))
		waiting->mode = IN_WAIT;
	device = waiting->mode == IN_PEEK || waiting->mode == IN_POKE;
	waiting->write = waiting->mode == IN_POKE ||
			 waiting->mode > IN_ACCESS ||
			 (!device && step->arg[2] & 1);
	waiting->view = device ? handle->view : NULL;
	return fz_busy(handle->buf, waiting->write) &&
	       others_signal(run, step->proc, handle->buf) &&
	       is_order_known(run, waiting) && fz_memory_room(VP_PAGE) &&
	       !(waiting->mode == IN_POKE && handle->view->read_only &&
		 run->enforced);
}

/* block: file, handle, write, mode */
void fz_do_block(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	struct fz_waiting *waiting = &run->proc[step->proc].waiting;
	struct fz_handle *handle;

	if (!fd || !fd->file->inst || fd->file->inst->gone ||
	    !may_wait(run))
		return;
	handle = fz_handle(fd->file, step->arg[1]);
	if (!handle || handle->buf->revoked ||
	    (fd->file->inst->limited && !handle->buf->low) ||
	    !fz_may_map(run, handle->buf, handle->view))
		return;
	if (!plan(run, step, handle, waiting)) {
		memset(waiting, 0, sizeof(*waiting));
		return;
	}
	waiting->bytes = fz_memory_get(VP_PAGE);
	if (waiting->mode == IN_POKE)
		fz_pattern(waiting->bytes, VP_PAGE, step->id, 0);
	/* It is reported before it waits. */
	if (waiting->mode == IN_POKE && handle->view->read_only)
		run->violations++;
	fd->file->user = step->proc;
	if (waiting->mode == IN_ACCESS)
		begin_access(run, step, waiting);
	else if (waiting->mode > IN_ACCESS)
		begin_debugfs(run, step, waiting);
	else
		begin_ioctl(run, step, fd, handle, waiting);
	fz_settle(run, step->proc);
	remember_fences(waiting);
	if (waiting->view)
		submit(run, step, waiting);
	if (waiting->mode == IN_REVOKE) {
		waiting->buf->revoked = true;
		fz_gpu_unmap_all(waiting->buf);
	}
	hold(run, step, fd, handle);
	run->proc[step->proc].blocked = true;
	run->did = true;
}

static bool has_to_wait(const struct fz_waiting *waiting)
{
	struct fz_fence *fence;

	fz_each(fence, &waiting->fences)
		if (!fence->state)
			return true;
	return false;
}

static bool has_answered(const struct fz_run *run, unsigned int proc)
{
	return __atomic_load_n(&run->proc[proc].box->state,
			       __ATOMIC_ACQUIRE) == FZ_ANSWERED;
}

/* The fences have signalled that were there when it began. */
static bool access_goes_on(struct fz_run *run, unsigned int proc)
{
	struct fz_waiting *waiting = &run->proc[proc].waiting;

	fz_settle(run, proc);
	if (!waiting->begun && waiting->buf->revoked)
		return false;
	if (!waiting->begun)
		fz_cpu_begin(waiting->buf, proc, waiting->write);
	waiting->begun = true;
	return fz_busy(waiting->buf, waiting->write) &&
	       !has_answered(run, proc);
}

static bool move_goes_on(struct fz_run *run, unsigned int proc)
{
	struct fz_waiting *waiting = &run->proc[proc].waiting;

	if (waiting->buf->revoked || waiting->buf->pins ||
	    !fz_busy(waiting->buf, true))
		return false;
	fz_settle(run, proc);
	remember_fences(waiting);
	return true;
}

static bool revoke_goes_on(struct fz_run *run, unsigned int proc)
{
	struct fz_waiting *waiting = &run->proc[proc].waiting;

	if (waiting->begun)
		return false;
	fz_settle(run, proc);
	remember_fences(waiting);
	waiting->begun = true;
	return has_to_wait(waiting);
}

/* After a step: does it have to? */
static bool goes_on_waiting(struct fz_run *run, unsigned int proc)
{
	const struct fz_waiting *waiting = &run->proc[proc].waiting;

	if (has_to_wait(waiting))
		return true;
	switch (waiting->mode) {
	case IN_ACCESS:
		return access_goes_on(run, proc);
	case IN_MOVE:
		return move_goes_on(run, proc);
	case IN_REVOKE:
		return revoke_goes_on(run, proc);
	default:
		return false;
	}
}

/* The GPU has done it. */
static void check_job(struct fz_run *run, const struct fz_waiting *waiting)
{
	if (waiting->mode == IN_POKE)
		fz_gpu_writes(waiting->view, 0, waiting->bytes, VP_PAGE);
	else if (memcmp(fz_gpu_reads(waiting->view, 0, VP_PAGE),
			waiting->bytes, VP_PAGE))
		fz_fail(run, "a GPU that had to wait has read something else");
}

static int64_t expected_answer(const struct fz_waiting *waiting)
{
	/* What a job has prepared before a revoke it does. */
	if (waiting->inst_gone || (waiting->mode == IN_ACCESS &&
				   !waiting->begun))
		return -ENODEV;
	if (waiting->mode != IN_MOVE)
		return 0;
	return waiting->buf->revoked ? -ENODEV : waiting->buf->pins ? -EBUSY :
								      0;
}

static void check_answer(struct fz_run *run, unsigned int proc)
{
	struct fz_waiting *waiting = &run->proc[proc].waiting;
	int64_t want = expected_answer(waiting);
	struct fz_map *call = NULL, *map;
	struct fz_order order;
	int64_t ret = fz_answer(run, proc, &order);
	/* What ended the wait is on its way to end the GPU as well. */
	bool in_time = want && !ret && waiting->inst_gone == run->now;

	fz_want(run, "what had to wait", in_time ? want : ret, want);
	if (waiting->view && !ret)
		check_job(run, waiting);
	if (waiting->mode == IN_MOVE && !ret)
		fz_gpu_unmap_all(waiting->buf);
	if (waiting->mode == IN_REVOKE && !ret)
		waiting->buf->reclaimed = true;
	fz_stop_waiting(run, proc, ret < 0 ? (int)ret : 1);
	fz_each(map, &run->proc[proc].maps)
		if (!map->addr)
			call = map;
	if (call)
		fz_unmap(run, proc, call);
}

void fz_stop_waiting(struct fz_run *run, unsigned int proc, int state)
{
	struct fz_waiting *waiting = &run->proc[proc].waiting;

	if (waiting->job)
		fz_fence_end(run, waiting->job, state);
	forget_fences(waiting);
	fz_memory_put(waiting->bytes, VP_PAGE);
	memset(waiting, 0, sizeof(*waiting));
	run->proc[proc].blocked = false;
}

void fz_look_after_waiting(struct fz_run *run)
{
	unsigned int proc;
	bool more;

	/* What one is done with another may have waited for. */
	do {
		more = false;
		for (proc = 0; proc < run->procs; proc++) {
			if (run->failed || !run->proc[proc].blocked ||
			    goes_on_waiting(run, proc))
				continue;
			check_answer(run, proc);
			more = true;
		}
	} while (more);
	for (proc = 0; proc < run->procs; proc++)
		if (has_to_wait(&run->proc[proc].waiting) &&
		    has_answered(run, proc))
			fz_fail(run, "process %u does not wait for a fence that is pending",
				proc);
}
