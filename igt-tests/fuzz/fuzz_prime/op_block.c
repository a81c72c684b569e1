// SPDX-License-Identifier: GPL-2.0-only
/*
 * A step that waits: a process has to, because of a fence on a buffer, while the
 * others go on; it answers when the last of the fences has signalled, and no
 * earlier. Or it is killed in the middle of it.
 *
 * GEM_WAIT waits for the fences that are there when it begins. Who is to touch the
 * buffer then waits for those that have come meanwhile, but not for what comes
 * during that: a buffer that is never idle starves nobody. For the CPU the kernel
 * has a wait of its own after that, which may see some of these or not.
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
};

static bool somebody_waits(const struct fz_run *run)
{
	for (unsigned int proc = 0; proc < run->procs; proc++)
		if (run->proc[proc].blocked)
			return true;
	return false;
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

static void begin_access(struct fz_run *run, const struct fz_step *step,
			 struct fz_waiting *waiting)
{
	struct dma_buf_sync sync = {
		.flags = waiting->write ? DMA_BUF_SYNC_RW : DMA_BUF_SYNC_READ,
	};
	struct fz_fd *fd;

	fz_each(fd, &run->proc[step->proc].fds)
		if (fd->kind == FZ_DMABUF && fd->kbuf->buf == waiting->buf) {
			send_order(run, step, fd->fd, DMA_BUF_IOCTL_SYNC,
				   &sync, sizeof(sync));
			return;
		}
	/* It has no dma-buf of that: it waits in another way. */
	waiting->mode = IN_WAIT;
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

	if (run->waiting.mode != IN_ACCESS)
		fz_map_new(run, step->proc, &call);
}

/* block: file, handle, write, mode */
void fz_do_block(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	struct fz_waiting *waiting = &run->waiting;
	struct fz_handle *handle;
	struct fz_buf *buf;

	if (!fd || !fd->file->inst || fd->file->inst->gone ||
	    fd->file->inst->limited || run->procs < 3 || somebody_waits(run))
		return;
	handle = fz_handle(fd->file, step->arg[1]);
	if (!handle || handle->buf->maker != FZ_OURS || handle->buf->revoked)
		return;
	buf = handle->buf;
	memset(waiting, 0, sizeof(*waiting));
	waiting->buf = buf;
	waiting->mode = step->arg[3] % 4;
	waiting->write = waiting->mode == IN_POKE ||
			 (waiting->mode != IN_PEEK && step->arg[2] & 1);
	if (!fz_busy(buf, waiting->write) ||
	    !others_signal(run, step->proc, buf) ||
	    (waiting->mode == IN_POKE && handle->read_only && run->enforced))
		return;
	waiting->inst = fd->file->inst;
	waiting->bytes = fz_memory_room(VP_PAGE) ? fz_memory_get(VP_PAGE) :
						   NULL;
	if (!waiting->bytes)
		return;
	if (waiting->mode == IN_POKE)
		fz_pattern(waiting->bytes, VP_PAGE, step->id, 0);
	fd->file->user = step->proc;
	if (waiting->mode == IN_ACCESS)
		begin_access(run, step, waiting);
	if (waiting->mode != IN_ACCESS)
		begin_ioctl(run, step, fd, handle, waiting);
	fz_settle(run, step->proc);
	remember_fences(waiting);
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

static void forget(struct fz_waiting *waiting)
{
	forget_fences(waiting);
	fz_memory_put(waiting->bytes, VP_PAGE);
	memset(waiting, 0, sizeof(*waiting));
}

static bool has_answered(const struct fz_run *run, unsigned int proc)
{
	return __atomic_load_n(&run->proc[proc].box->state,
			       __ATOMIC_ACQUIRE) == FZ_ANSWERED;
}

static void check_answer(struct fz_run *run, unsigned int proc)
{
	struct fz_waiting *waiting = &run->waiting;
	bool device = waiting->mode == IN_PEEK || waiting->mode == IN_POKE;
	int64_t want = device && waiting->inst_gone ? -ENODEV : 0;
	struct fz_view *view = device ? fz_view_of(waiting->buf, waiting->inst) :
					NULL;
	struct fz_order order;
	int64_t ret = fz_answer(run, proc, &order);
	/* What ended the wait is on its way to end the GPU as well. */
	bool in_time = want && !ret && waiting->inst_gone == run->now;

	if (!fz_want(run, "what had to wait", in_time ? want : ret, want) ||
	    (want && !in_time))
		return;
	if (waiting->mode == IN_ACCESS)
		fz_cpu_begin(waiting->buf, proc, waiting->write);
	if (waiting->mode == IN_POKE)
		fz_gpu_writes(view, 0, waiting->bytes, VP_PAGE);
	if (waiting->mode == IN_PEEK &&
	    memcmp(fz_gpu_sees(view, 0, VP_PAGE, false), waiting->bytes,
		   VP_PAGE))
		fz_fail(run, "a GPU that had to wait has read something else");
	if (in_time)
		fz_gpu_unmap(view);
}

/* After a step: does it have to? */
static bool goes_on_waiting(struct fz_run *run, unsigned int proc)
{
	struct fz_waiting *waiting = &run->waiting;

	if (has_to_wait(waiting))
		return true;
	if (waiting->mode == IN_WAIT ||
	    !fz_busy(waiting->buf, waiting->write))
		return false;
	fz_settle(run, proc);
	if (!waiting->again) {
		waiting->again = true;
		remember_fences(waiting);
		return true;
	}
	return waiting->mode == IN_ACCESS && !has_answered(run, proc);
}

void fz_look_after_waiting(struct fz_run *run)
{
	struct fz_map *call;
	unsigned int proc;

	for (proc = 0; proc < run->procs; proc++)
		if (run->proc[proc].blocked)
			break;
	if (proc == run->procs) {
		/* It was killed. */
		if (run->waiting.bytes)
			forget(&run->waiting);
		return;
	}
	if (goes_on_waiting(run, proc)) {
		if (has_answered(run, proc))
			fz_fail(run, "process %u does not wait for a fence that is pending",
				proc);
		return;
	}
	check_answer(run, proc);
	run->proc[proc].blocked = false;
	fz_each(call, &run->proc[proc].maps)
		if (!call->addr) {
			fz_unmap(run, proc, call);
			break;
		}
	forget(&run->waiting);
}
