// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences by the ioctls that vgem and vprime both have: putting them on a buffer,
 * signalling them, and having them as a sync_file.
 */
#define _GNU_SOURCE
#include <err.h>
#include <linux/dma-buf.h>
#include <stdlib.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/vprime_drm.h>

#include "../common/clock.h"
#include "bench.h"

#define SIZE		4096
#define READERS		1000
/* fences signal by themselves when they are 10 s old, vgem's as vprime's */
#define FRESH_NS	3000000000ull

uint32_t attach_or_die(const struct buffer *buffer, uint32_t flags)
{
	struct drm_vprime_fence_attach attach = { .handle = buffer->handle, .flags = flags };

	if (drmIoctl(buffer->gpu, DRM_IOCTL_VPRIME_FENCE_ATTACH, &attach))
		err(1, "attaching a fence");
	return attach.fence;
}

void signal_or_die(const struct buffer *buffer, uint32_t fence)
{
	struct drm_vprime_fence_signal signal = { .fence = fence };

	if (drmIoctl(buffer->gpu, DRM_IOCTL_VPRIME_FENCE_SIGNAL, &signal))
		err(1, "signalling a fence");
}

static void prepare_buffer(struct work *work)
{
	create_or_die(work->subject, SIZE, &work->buffer);
}

static void finish_buffer(struct work *work)
{
	buffer_close(&work->buffer);
}

static uint64_t run_fence(struct work *work, unsigned long count, uint32_t flags)
{
	uint64_t start = clock_ns();

	while (count--)
		signal_or_die(&work->buffer, attach_or_die(&work->buffer, flags));
	return clock_ns() - start;
}

static uint64_t run_write(struct work *work, unsigned long count)
{
	return run_fence(work, count, DRM_VPRIME_FENCE_WRITE);
}

static uint64_t run_read(struct work *work, unsigned long count)
{
	return run_fence(work, count, 0);
}

const struct operation fence_write = { prepare_buffer, run_write, finish_buffer };
const struct operation fence_read = { prepare_buffer, run_read, finish_buffer };

/* ---- among others ---- */

/** struct readers - the others' fences on a buffer */
struct readers {
	uint64_t made_ns;
	uint32_t fences[READERS];
};

static void make_readers(struct work *work)
{
	struct readers *readers = work->memory;
	int i;

	for (i = 0; i < READERS; i++)
		readers->fences[i] = attach_or_die(&work->buffer, 0);
	readers->made_ns = clock_ns();
}

static void end_readers(struct work *work)
{
	struct readers *readers = work->memory;
	int i;

	for (i = 0; i < READERS; i++)
		signal_or_die(&work->buffer, readers->fences[i]);
}

static void prepare_readers(struct work *work)
{
	prepare_buffer(work);
	work->memory = malloc(sizeof(struct readers));
	if (!work->memory)
		err(1, "readers");
	make_readers(work);
}

static uint64_t run_among_readers(struct work *work, unsigned long count)
{
	const struct readers *readers = work->memory;

	if (clock_ns() - readers->made_ns > FRESH_NS) {
		end_readers(work);
		make_readers(work);
	}
	return run_read(work, count);
}

static void finish_readers(struct work *work)
{
	end_readers(work);
	free(work->memory);
	finish_buffer(work);
}

const struct operation fence_among_readers = {
	prepare_readers, run_among_readers, finish_readers
};

/* ---- as a sync_file ---- */

static void prepare_exported(struct work *work)
{
	prepare_buffer(work);
	if (buffer_export(&work->buffer))
		errx(1, "%s: export", work->subject->name);
}

static uint64_t run_sync_file(struct work *work, unsigned long count)
{
	uint32_t fence = attach_or_die(&work->buffer, DRM_VPRIME_FENCE_WRITE);
	uint64_t start = clock_ns(), spent;

	while (count--) {
		struct dma_buf_export_sync_file out = { .flags = DMA_BUF_SYNC_RW, .fd = -1 };

		if (drmIoctl(work->buffer.dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &out))
			err(1, "exporting a sync_file");
		close(out.fd);
	}
	spent = clock_ns() - start;
	/* had it signalled by itself, another fence would have been measured */
	signal_or_die(&work->buffer, fence);
	return spent;
}

const struct operation sync_file = { prepare_exported, run_sync_file, finish_buffer };
