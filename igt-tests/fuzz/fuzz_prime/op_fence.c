// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps about fences: on buffers, on timelines, and waiting.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <linux/dma-buf.h>

#include "fuzz.h"
#include "vp_test.h"

#define NO_SUCH_NUMBER	0x7ffffffdu
/* More than there ever are in one sync_file. */
#define INFO_FENCES	8192

static struct fz_fd *gpu_file(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);

	return fd && fd->file->inst ? fd : NULL;
}

/* attach: file, handle, write, how */
void fz_do_attach(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = gpu_file(run, step);
	bool write = step->arg[2] & 1;
	struct drm_vprime_fence_attach attach = { .flags = write };
	struct fz_handle *handle;
	struct fz_fence *fence;
	int64_t ret, want = 0;

	if (!fd)
		return;
	handle = fz_handle(fd->file, step->arg[1]);
	if (!handle)
		return;
	attach.handle = handle->value;
	if (fz_busy(handle->buf, write))
		want = -EBUSY;
	if (step->arg[3] == 1) {
		attach.flags |= 1u << (1 + step->id % 31);
		want = -EINVAL;
	} else if (step->arg[3] == 2) {
		attach.pad = 1;
		want = -EINVAL;
	} else if (step->arg[3] == 3) {
		attach.handle = NO_SUCH_NUMBER;
		want = -ENOENT;
	}
	if (fd->file->inst->gone)
		want = -ENODEV;
	ret = fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_VPRIME_FENCE_ATTACH,
			   &attach);
	if (!fz_want(run, "FENCE_ATTACH", ret, want) || ret)
		return;
	fd->file->attached[write] = true;
	if (!attach.fence)
		fz_fail(run, "a fence has the number 0");
	fz_each(fence, &fd->file->fences)
		if (fence->value == attach.fence)
			fz_fail(run, "fence number %u is not new",
				attach.fence);
	fence = fz_fence_new(run, step->id, fd->file, NULL);
	fence->value = attach.fence;
	fz_use(handle->buf, fence, write);
}

/* signal: file, fence, how */
void fz_do_signal(struct fz_run *run, const struct fz_step *step)
{
	struct drm_vprime_fence_signal signal = {};
	struct fz_fd *fd = gpu_file(run, step);
	struct fz_fence *fence;
	int64_t ret, want = 0;

	if (!fd)
		return;
	fence = fz_fence(fd->file, step->arg[1]);
	if (!fence && step->arg[2] < 2)
		return;
	signal.fence = fence ? fence->value : 0;
	if (step->arg[2] == 1) {
		signal.flags = 1;
		want = -EINVAL;
	} else if (step->arg[2] >= 2) {
		signal.fence = step->arg[2] == 2 ? fd->file->stale_fence :
						   NO_SUCH_NUMBER;
		want = -ENOENT;
	}
	if (fd->file->inst->gone)
		want = -ENODEV;
	ret = fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_VPRIME_FENCE_SIGNAL,
			   &signal);
	if (!fz_want(run, "FENCE_SIGNAL", ret, want) || ret)
		return;
	fd->file->stale_fence = fence->value;
	fz_remove(&fd->file->fences, fence);
	fz_fence_end(run, fence, 1);
	fz_fence_put(fence);
}

/* wait: file, handle, write, how (1: bad flags, 2: for ever if it is idle) */
void fz_do_wait(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = gpu_file(run, step);
	bool write = step->arg[2] & 1;
	struct drm_vprime_gem_wait wait = { .flags = write };
	struct fz_handle *handle;
	int64_t want = 0;

	if (!fd)
		return;
	handle = fz_handle(fd->file, step->arg[1]);
	if (!handle)
		return;
	wait.handle = handle->value;
	if (fz_busy(handle->buf, write))
		want = -ETIME;
	else if (step->arg[3] == 2)
		wait.timeout_ns = INT64_MAX;
	if (step->arg[3] == 1) {
		wait.flags |= 2;
		want = -EINVAL;
	} else if (step->arg[3] == 3) {
		wait.timeout_ns = INT64_MIN;
	}
	if (fd->file->inst->gone)
		want = -ENODEV;
	fz_want(run, "GEM_WAIT",
		fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_VPRIME_GEM_WAIT,
			     &wait), want);
}

/* timeline: file, how */
void fz_do_timeline(struct fz_run *run, const struct fz_step *step)
{
	struct drm_vprime_timeline_create create = { .name = "fuzz" };
	struct fz_fd *fd = gpu_file(run, step);
	struct fz_timeline *timeline;
	int64_t ret, want = 0;

	if (!fd)
		return;
	if (step->arg[1] == 1)
		memset(create.name, 'x', sizeof(create.name));
	else if (step->arg[1] == 2)
		create.name[step->id % 5] = '\n';
	else if (step->arg[1] == 3)
		create.flags = 1;
	else if (step->arg[1] == 4)
		create.name[0] = '\0';
	if (step->arg[1] >= 1 && step->arg[1] <= 4)
		want = -EINVAL;
	if (fd->file->inst->gone)
		want = -ENODEV;
	ret = fz_gpu_ioctl(run, step->proc, fd,
			   DRM_IOCTL_VPRIME_TIMELINE_CREATE, &create);
	if (!fz_want(run, "TIMELINE_CREATE", ret, want) || ret)
		return;
	fz_each(timeline, &fd->file->timelines)
		if (timeline->value == create.timeline)
			fz_fail(run, "timeline %u is not new",
				create.timeline);
	timeline = fz_new(sizeof(*timeline));
	timeline->id = step->id;
	timeline->value = create.timeline;
	timeline->context = ++run->contexts;
	fz_push(&fd->file->timelines, timeline);
}

static bool stale_is_free(const struct fz_file *file)
{
	struct fz_timeline *timeline;

	fz_each(timeline, &file->timelines)
		if (timeline->value == file->stale_timeline)
			return false;
	return true;
}

static uint32_t bad_timeline(const struct fz_file *file, uint32_t how)
{
	return how % 2 && stale_is_free(file) ? file->stale_timeline :
						NO_SUCH_NUMBER;
}

/* timeline-destroy: file, timeline, how */
void fz_do_timeline_destroy(struct fz_run *run, const struct fz_step *step)
{
	struct drm_vprime_timeline_destroy destroy = {};
	struct fz_fd *fd = gpu_file(run, step);
	struct fz_timeline *timeline;
	int64_t ret, want = 0;

	if (!fd)
		return;
	timeline = fz_timeline(fd->file, step->arg[1]);
	if (!timeline)
		return;
	destroy.timeline = timeline->value;
	if (step->arg[2] == 1) {
		destroy.pad = 1;
		want = -EINVAL;
	} else if (step->arg[2] == 2) {
		destroy.timeline = bad_timeline(fd->file, step->id);
		want = -ENOENT;
	}
	if (fd->file->inst->gone)
		want = -ENODEV;
	ret = fz_gpu_ioctl(run, step->proc, fd,
			   DRM_IOCTL_VPRIME_TIMELINE_DESTROY, &destroy);
	if (fz_want(run, "TIMELINE_DESTROY", ret, want) && !ret)
		fz_timeline_end(run, fd->file, timeline, -ECANCELED);
}

static void new_sync_fd(struct fz_run *run, const struct fz_step *step, int fd,
			struct fz_sync *sync)
{
	fz_fd_new(run, step->proc, step->id, fd, FZ_SYNC, sync);
	fz_sync_put(sync);
}

/* fence: file, timeline, how */
void fz_do_fence(struct fz_run *run, const struct fz_step *step)
{
	struct drm_vprime_fence_create create = { .fd = -1 };
	struct fz_fd *fd = gpu_file(run, step);
	struct fz_timeline *timeline;
	struct fz_sync *sync;
	int64_t ret, want = 0;

	if (!fd)
		return;
	timeline = fz_timeline(fd->file, step->arg[1]);
	if (!timeline)
		return;
	create.timeline = timeline->value;
	if (step->arg[2] == 1) {
		create.flags = 1;
		want = -EINVAL;
	} else if (step->arg[2] == 2) {
		create.pad = 1;
		want = -EINVAL;
	} else if (step->arg[2] == 3) {
		create.timeline = bad_timeline(fd->file, step->id);
		want = -ENOENT;
	}
	if (fd->file->inst->gone)
		want = -ENODEV;
	ret = fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_VPRIME_FENCE_CREATE,
			   &create);
	if (!fz_want(run, "FENCE_CREATE", ret, want) || ret)
		return;
	sync = fz_sync_new();
	fz_sync_add(sync, fz_fence_new(run, step->id, fd->file, timeline));
	new_sync_fd(run, step, create.fd, sync);
	fz_want(run, "FENCE_CREATE: seqno", (int64_t)create.seqno,
		(int64_t)timeline->made);
}

/* timeline-signal: file, timeline, seqno, error, how */
void fz_do_timeline_signal(struct fz_run *run, const struct fz_step *step)
{
	struct drm_vprime_timeline_signal signal = { .seqno = step->arg[2] };
	struct fz_fd *fd = gpu_file(run, step);
	struct fz_timeline *timeline;
	int64_t ret, want = 0;

	if (!fd)
		return;
	timeline = fz_timeline(fd->file, step->arg[1]);
	if (!timeline)
		return;
	signal.timeline = timeline->value;
	signal.error = -(int)(step->arg[3] % (DRM_VPRIME_MAX_ERROR + 1));
	if (!signal.seqno || signal.seqno > timeline->made)
		want = -ENOENT;
	else if (signal.seqno <= timeline->told)
		want = -EALREADY;
	if (step->arg[4] == 1) {
		signal.error = step->id % 2 ? 1 : -DRM_VPRIME_MAX_ERROR - 1;
		want = -EINVAL;
	} else if (step->arg[4] == 2) {
		signal.timeline = bad_timeline(fd->file, step->id);
		want = -ENOENT;
	}
	if (fd->file->inst->gone)
		want = -ENODEV;
	ret = fz_gpu_ioctl(run, step->proc, fd,
			   DRM_IOCTL_VPRIME_TIMELINE_SIGNAL, &signal);
	if (!fz_want(run, "TIMELINE_SIGNAL", ret, want) || ret)
		return;
	timeline->told = signal.seqno;
	while (timeline->pending.n &&
	       ((struct fz_fence *)timeline->pending.at[0])->seqno <=
	       signal.seqno)
		fz_fence_end(run, timeline->pending.at[0],
			     signal.error ?: 1);
}

static int64_t poll_fd(struct fz_run *run, unsigned int proc, int fd,
		       short events, int ms)
{
	struct fz_order order = {
		.command = FZ_POLL, .fd = fd,
		.a = { (uint64_t)events, (uint64_t)ms },
	};

	return fz_call(run, proc, &order);
}

/* poll: fd, events */
void fz_do_poll(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_DMABUF);
	short events = step->arg[1] % 4 == 0 ? POLLIN | POLLOUT :
		       step->arg[1] % 2 ? POLLIN : POLLOUT;
	short want = 0;

	if (!fd)
		return;
	if ((events & POLLIN) && !fz_busy(fd->kbuf->buf, false))
		want |= POLLIN;
	if ((events & POLLOUT) && !fz_busy(fd->kbuf->buf, true))
		want |= POLLOUT;
	if (fz_want(run, "poll of a dma-buf",
		    poll_fd(run, step->proc, fd->fd, events, 0), want) &&
	    want != events)
		fz_polled(fd->kbuf);
}

/* poll-sync: fd */
void fz_do_poll_sync(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_SYNC);
	bool pending;

	if (!fd)
		return;
	pending = fz_sync_pending(fd->sync);
	/*
	 * One that is made of others finds out, or is told, a moment later; one
	 * of those that a fence stands for may still be pending.
	 */
	fz_want(run, "poll of a sync_file",
		poll_fd(run, step->proc, fd->fd, POLLIN, pending ? 0 : 20000),
		pending ? 0 : POLLIN);
}

/* sync-info: fd */
void fz_do_sync_info(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_SYNC);
	struct sync_file_info info = {
		.num_fences = INFO_FENCES, .sync_fence_info = (uintptr_t)fz_result,
	};
	int64_t ret;

	if (!fd)
		return;
	ret = fz_ioctl(run, step->proc, fd->fd, SYNC_IOC_FILE_INFO, &info);
	if (fz_want(run, "SYNC_IOC_FILE_INFO", ret, 0) &&
	    !fz_sync_is(fd->sync, info.status))
		fz_fail(run, "a sync_file of %u fences has the status %d",
			fd->sync->fences.n, info.status);
	fz_want(run, "status", info.status, info.status);
}

/* get-sync: fd, flags; from a dma-buf */
void fz_do_get_sync(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_DMABUF);
	struct dma_buf_export_sync_file out = {
		.flags = step->arg[1], .fd = -1,
	};
	int64_t ret, want = 0;

	if (!fd)
		return;
	if ((out.flags & ~DMA_BUF_SYNC_RW) || !out.flags)
		want = -EINVAL;
	ret = fz_ioctl(run, step->proc, fd->fd,
		       DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &out);
	if (fz_want(run, "EXPORT_SYNC_FILE", ret, want) && !ret)
		new_sync_fd(run, step, out.fd,
			    fz_sync_of(fd->kbuf->buf,
				       out.flags & DMA_BUF_SYNC_WRITE));
}

/* put-sync: fd, sync, flags; into a dma-buf */
void fz_do_put_sync(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_DMABUF);
	struct fz_fd *sync = fz_fd(run, step->proc, step->arg[1], FZ_KINDS);
	struct dma_buf_import_sync_file in = { .flags = step->arg[2] };
	const struct fz_sync *each;
	struct fz_fence *fence;
	int64_t ret, want = 0;

	if (!fd || !sync)
		return;
	in.fd = sync->fd;
	if ((in.flags & ~DMA_BUF_SYNC_RW) || !in.flags ||
	    sync->kind != FZ_SYNC)
		want = -EINVAL;
	ret = fz_ioctl(run, step->proc, fd->fd,
		       DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &in);
	if (!fz_want(run, "IMPORT_SYNC_FILE", ret, want) || ret)
		return;
	for (each = sync->sync; each; each = fz_sync_next(each)) {
		fz_each(fence, &each->fences)
			fz_use(fd->kbuf->buf, fence,
			       in.flags & DMA_BUF_SYNC_WRITE);
		fz_each(fence, &each->maybe)
			fz_use(fd->kbuf->buf, fence,
			       in.flags & DMA_BUF_SYNC_WRITE);
	}
}

/* merge: fd, fd */
void fz_do_merge(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *one = fz_fd(run, step->proc, step->arg[0], FZ_SYNC);
	struct fz_fd *other = fz_fd(run, step->proc, step->arg[1], FZ_KINDS);
	struct sync_merge_data merge = { .name = "fuzz" };
	struct fz_sync *sync;
	int64_t ret, want = 0;

	if (!one || !other)
		return;
	merge.fd2 = other->fd;
	if (other->kind != FZ_SYNC)
		want = -ENOENT;
	ret = fz_ioctl(run, step->proc, one->fd, SYNC_IOC_MERGE, &merge);
	if (!fz_want(run, "SYNC_IOC_MERGE", ret, want) || ret)
		return;
	/* What has signalled is left out, and its error with it. */
	sync = fz_sync_new();
	fz_sync_add_all(sync, one->sync);
	fz_sync_add_all(sync, other->sync);
	new_sync_fd(run, step, merge.fence, sync);
}
