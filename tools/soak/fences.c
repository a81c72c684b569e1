// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences that a worker makes, and has promised to signal. What is promised is on
 * the board, so that those who wait know when a fence was due, and can tell an
 * early one and a lost one from one that is only slow.
 */
#define _GNU_SOURCE
#include <drm/vprime_drm.h>
#include <errno.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include "../common/clock.h"
#include "fail.h"
#include "fences.h"

#define CROWD		12
#define CLOCK_JUMP_NS	10000000000ull

static int call(int fd, unsigned long request, void *argument)
{
	return drmIoctl(fd, request, argument) ? -errno : 0;
}

int fence_status(int sync)
{
	struct sync_fence_info fences[4] = { 0 };
	struct sync_file_info info = {
		.num_fences = 4, .sync_fence_info = (uintptr_t)fences,
	};
	int ret = call(sync, SYNC_IOC_FILE_INFO, &info);

	if (ret)
		fail("asking a sync_file: %s", strerror(-ret));
	return info.status;
}

bool fence_may_expire(uint64_t made_ns, uint64_t timeout_ns, uint64_t ns)
{
	return ns + CLOCK_JUMP_NS >= made_ns + timeout_ns;
}

static struct promise *promise_of(struct place *place, uint64_t serial)
{
	return &place->promises[serial % PROMISES];
}

static uint64_t promise_make(struct worker *worker)
{
	uint64_t serial = ++worker->place->last_serial;
	struct promise *promise = promise_of(worker->place, serial);

	promise->serial = 0;
	promise->due_ns = 0;
	promise->done_ns = 0;
	promise->serial = serial;
	return serial;
}

static void promise_due(struct worker *worker, uint64_t serial)
{
	promise_of(worker->place, serial)->due_ns = clock_ns();
}

static void promise_done(struct worker *worker, uint64_t serial)
{
	promise_of(worker->place, serial)->done_ns = clock_ns();
}

/* ---- making ---- */

static int attach(struct worker *worker, const struct buffer *buffer, bool writes,
		  struct own_fence *fence)
{
	struct drm_vprime_fence_attach attach = {
		.handle = buffer->handle, .flags = writes ? DRM_VPRIME_FENCE_WRITE : 0,
	};
	/* what has to be waited for by those who come next: by readers, or by writers */
	struct dma_buf_export_sync_file out = {
		.flags = writes ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_WRITE, .fd = -1,
	};
	int ret;

	begin(worker, KIND_ATTACH);
	ret = call(fence->file->fd, DRM_IOCTL_VPRIME_FENCE_ATTACH, &attach);
	if (!worked(worker, fence->file, KIND_ATTACH, ret))
		return -1;
	fence->id = attach.fence;
	ret = call(buffer->dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &out);
	if (ret)
		fail("exporting a sync_file of a buffer: %s", strerror(-ret));
	return out.fd;
}

static int make_on_timeline(struct worker *worker, const struct buffer *buffer, bool writes,
			    struct own_fence *fence)
{
	struct drm_vprime_timeline_create timeline = { .name = "soak" };
	struct drm_vprime_fence_create create = { .fd = -1 };
	struct dma_buf_import_sync_file in = {
		.flags = writes ? DMA_BUF_SYNC_WRITE : DMA_BUF_SYNC_READ,
	};
	int ret;

	begin(worker, KIND_FENCE);
	ret = call(fence->file->fd, DRM_IOCTL_VPRIME_TIMELINE_CREATE, &timeline);
	if (!ret) {
		fence->timeline = create.timeline = timeline.timeline;
		ret = call(fence->file->fd, DRM_IOCTL_VPRIME_FENCE_CREATE, &create);
	}
	if (!worked(worker, fence->file, KIND_FENCE, ret))
		return -1;
	fence->seqno = create.seqno;
	in.fd = create.fd;
	ret = call(buffer->dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &in);
	if (ret)
		fail("putting a sync_file on a buffer: %s", strerror(-ret));
	return create.fd;
}

int fence_make(struct worker *worker, const struct gpu_file *file, const struct buffer *buffer,
	       bool writes, struct parcel *parcel, struct own_fence *fence)
{
	int sync;

	*fence = (struct own_fence){
		.file = file,
		.serial = promise_make(worker),
		.made_ns = clock_ns(),
		.timeout_ns = worker->board->gpus[file->index].timeout_ms * 1000000ull,
	};
	sync = any(worker, 2) ? attach(worker, buffer, writes, fence) :
	       make_on_timeline(worker, buffer, writes, fence);

	parcel->maker = worker->index;
	parcel->generation = worker->generation;
	parcel->gpu = file->index;
	parcel->epoch = file->epoch;
	parcel->serial = fence->serial;
	parcel->made_ns = fence->made_ns;
	parcel->timeout_ns = fence->timeout_ns;
	parcel->writes = writes;
	/* had it signalled by itself, there would have been nothing left to export */
	parcel->sound = sync >= 0 && !fence_status(sync);
	return sync;
}

/* ---- ending ---- */

/* Too late is only who took as long as the limit. */
static bool signalled(struct worker *worker, const struct own_fence *fence, enum kind kind,
		      int ret)
{
	if (ret == -ETIMEDOUT &&
	    fence_may_expire(fence->made_ns, fence->timeout_ns, clock_ns()))
		return false;
	return worked(worker, fence->file, kind, ret);
}

static void signal_on_buffer(struct worker *worker, const struct own_fence *fence)
{
	struct drm_vprime_fence_signal signal = { .fence = fence->id };

	begin(worker, KIND_SIGNAL);
	signalled(worker, fence, KIND_SIGNAL,
		  call(fence->file->fd, DRM_IOCTL_VPRIME_FENCE_SIGNAL, &signal));
}

static void signal_on_timeline(struct worker *worker, const struct own_fence *fence)
{
	struct drm_vprime_timeline_signal signal = {
		.timeline = fence->timeline, .seqno = fence->seqno,
	};
	struct drm_vprime_timeline_destroy destroy = { .timeline = fence->timeline };

	/* in one of so many cases the timeline goes, and its fence with that */
	if (any(worker, 16)) {
		begin(worker, KIND_SIGNAL);
		signalled(worker, fence, KIND_SIGNAL,
			  call(fence->file->fd, DRM_IOCTL_VPRIME_TIMELINE_SIGNAL, &signal));
	}
	begin(worker, KIND_CANCEL);
	worked(worker, fence->file, KIND_CANCEL,
	       call(fence->file->fd, DRM_IOCTL_VPRIME_TIMELINE_DESTROY, &destroy));
}

void fence_signal(struct worker *worker, const struct own_fence *fence)
{
	promise_due(worker, fence->serial);
	if (fence->timeline)
		signal_on_timeline(worker, fence);
	else
		signal_on_buffer(worker, fence);
	promise_done(worker, fence->serial);
}

void fence_forget(struct worker *worker, const struct own_fence *fence)
{
	worker->forgotten[worker->forgotten_count++] = fence->serial;
	done(worker, KIND_FORGET);
}

void fences_end(struct worker *worker, bool closed)
{
	for (unsigned int i = 0; i < worker->forgotten_count; i++) {
		uint64_t serial = worker->forgotten[i];

		/* unless it was so long ago that another has its place */
		if (promise_of(worker->place, serial)->serial != serial)
			continue;
		if (closed)
			promise_done(worker, serial);
		else
			promise_due(worker, serial);
	}
	if (closed)
		worker->forgotten_count = 0;
}

/* ---- many ---- */

void fence_crowd(struct worker *worker, const struct gpu_file *file, const struct buffer *buffer)
{
	struct drm_vprime_fence_attach attach[CROWD];
	unsigned int count = 1 + any(worker, CROWD), made = 0, first;

	begin(worker, KIND_CROWD);
	while (made < count) {
		attach[made] = (struct drm_vprime_fence_attach){ .handle = buffer->handle };
		if (!worked(worker, file, KIND_ATTACH,
			    call(file->fd, DRM_IOCTL_VPRIME_FENCE_ATTACH, &attach[made])))
			return;
		made++;
	}
	/* not in the order they were made in */
	first = any(worker, count);
	for (unsigned int i = 0; i < count; i++) {
		struct drm_vprime_fence_signal signal = {
			.fence = attach[(first + i) % count].fence,
		};
		int ret = call(file->fd, DRM_IOCTL_VPRIME_FENCE_SIGNAL, &signal);

		if (!worked(worker, file, KIND_SIGNAL, ret))
			return;
	}
	done(worker, KIND_CROWD);
}
