// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences on buffers that change hands.
 *
 * Each fence goes to the other side twice: on the buffer, where whoever uses
 * the buffer meets it without having been told (implicit synchronisation), and
 * as a sync_file through the socket (explicit synchronisation). For all but one
 * hand-over the wait is for the buffer; what the sync_file is good for then is
 * to say afterwards when the fence signalled, by the kernel's clock, and how.
 */
#include <drm/vprime_drm.h>
#include <errno.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include "../common/clock.h"
#include "fail.h"
#include "handover.h"
#include "table.h"

static const struct {
	const char *option;
	const char *name;
	/* of FENCE_ATTACH */
	uint32_t flags;
	/* by what the other side waits */
	const char *means;
} kinds[HANDOVERS + 1] = {
	[PICTURE_DRAWN] = {
		"picture-drawn", "picture drawn", DRM_VPRIME_FENCE_WRITE, "GEM_WAIT",
	},
	[TARGET_CLEARED] = {
		"target-cleared", "target cleared", DRM_VPRIME_FENCE_WRITE, "poll on dma-buf",
	},
	[PICTURE_READ] = {
		"picture-read", "picture read", 0, "DMA_BUF_IOCTL_SYNC",
	},
	[TARGET_DRAWN] = {
		"target-drawn", "target drawn", DRM_VPRIME_FENCE_WRITE, "poll on sync_file",
	},
};

const char *handover_name(enum handover handover)
{
	return kinds[handover].name;
}

const char *handover_usage(enum handover handover)
{
	return kinds[handover].flags & DRM_VPRIME_FENCE_WRITE ? "write" : "read";
}

enum handover handover_find(const char *name)
{
	enum handover handover;

	for (handover = HANDOVERS; handover; handover--)
		if (!strcmp(kinds[handover].option, name))
			break;
	return handover;
}

/* the one fence of a sync_file */
static struct sync_fence_info ask(int sync, const char *what)
{
	struct sync_fence_info fence = { .status = 0 };
	struct sync_file_info info = {
		.num_fences = 1,
		.sync_fence_info = (uintptr_t)&fence,
	};

	if (drmIoctl(sync, SYNC_IOC_FILE_INFO, &info))
		fail("%s: sync_file: %s", what, strerror(errno));
	if (info.num_fences != 1)
		fail("%s: sync_file: should be of 1 fence, not of %u", what, info.num_fences);
	return fence;
}

/* the buffer must have this fence now, and nobody else's */
static void check_fence(const struct fence *fence)
{
	const char *usage = handover_usage(fence->handover);
	struct sync_fence_info info = ask(fence->sync, handover_name(fence->handover));
	char device[16];

	snprintf(device, sizeof(device), "vprime%u", fence->index);
	if (strcmp(info.driver_name, device) || strcmp(info.obj_name, usage))
		fail("%s: the buffer's fence should be the %s fence of %s, got %.32s of %.32s",
		     device, usage, device, info.obj_name, info.driver_name);
	if (info.status)
		fail("%s: the fence of '%s' has signalled before anybody did it", device,
		     handover_name(fence->handover));
}

struct fence fence_make(enum handover handover, uint32_t index, const struct buffer *buffer)
{
	struct drm_vprime_fence_attach attach = {
		.handle = buffer->handle,
		.flags = kinds[handover].flags,
	};
	/* a writer waits for all, so that is how one asks for a reader's fence */
	struct dma_buf_export_sync_file out = {
		.flags = attach.flags ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_WRITE,
	};
	struct fence fence = { .handover = handover, .index = index, .gpu = buffer->gpu };

	if (drmIoctl(buffer->gpu, DRM_IOCTL_VPRIME_FENCE_ATTACH, &attach))
		fail("vprime%u: fence of '%s': %s", index, handover_name(handover),
		     strerror(errno));
	fence.made_ns = clock_ns();
	fence.id = attach.fence;
	if (drmIoctl(buffer->dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &out))
		fail("vprime%u: fence of '%s' as a sync_file: %s", index, handover_name(handover),
		     strerror(errno));
	fence.sync = out.fd;
	check_fence(&fence);
	return fence;
}

static uint32_t fence_timeout_ms(int gpu)
{
	struct drm_vprime_get_param get = { .param = DRM_VPRIME_PARAM_FENCE_TIMEOUT_MS };

	return drmIoctl(gpu, DRM_IOCTL_VPRIME_GET_PARAM, &get) ? 0 : (uint32_t)get.value;
}

void fence_signal(struct fence *fence)
{
	struct drm_vprime_fence_signal signal = { .fence = fence->id };

	if (drmIoctl(fence->gpu, DRM_IOCTL_VPRIME_FENCE_SIGNAL, &signal)) {
		if (errno == ETIMEDOUT)
			fail("vprime%u: '%s' came too late: its fence timed out after %u ms "
			     "(fence_timeout_ms)", fence->index, handover_name(fence->handover),
			     fence_timeout_ms(fence->gpu));
		fail("vprime%u: signal of '%s': %s", fence->index,
		     handover_name(fence->handover), strerror(errno));
	}
	close(fence->sync);
	fence->sync = -1;
}

struct wire_row wait_row(enum handover handover, uint32_t index)
{
	struct wire_row row = table_row((int)index, kinds[handover].means, "wait for '%s'",
					handover_name(handover));

	row.fence = handover;
	return row;
}

int wait_poll(int fd, short events, uint32_t ms)
{
	uint64_t until = clock_ns() + ms * 1000000ull, now;
	struct pollfd wanted = { .fd = fd, .events = events };

	while ((now = clock_ns()) < until) {
		/* rounded up, not to go round for the last millisecond's parts */
		int found = poll(&wanted, 1, (int)((until - now) / 1000000 + 1));

		if (found > 0)
			return wanted.revents & events ? 0 : -EIO;
		if (found < 0 && errno != EINTR)
			return -errno;
	}
	return -ETIME;
}

const char *wait_done(struct wire_row *row, uint32_t maker, int sync, int error)
{
	const char *name = handover_name(row->fence), *device = row->device;
	struct sync_fence_info fence;
	static char why[160];

	row->end_ns = clock_ns();
	if (error) {
		snprintf(why, sizeof(why), "%s: wait for '%s': %s", device, name,
			 error == -ETIME ? "patience is at an end" : strerror(-error));
		return why;
	}
	fence = ask(sync, name);
	close(sync);
	if (!fence.status) {
		snprintf(why, sizeof(why), "%s: %s came back, but '%s' has not signalled", device,
			 row->label, name);
		return why;
	}
	if (fence.status < 0) {
		snprintf(why, sizeof(why), "%s: waited for '%s', but its fence on vprime%u %s",
			 device, name, maker, fence.status == -ETIMEDOUT ?
			 "timed out (fence_timeout_ms)" : strerror(-fence.status));
		return why;
	}
	row->signalled_ns = fence.timestamp_ns;
	if (row->signalled_ns < row->begin_ns)
		snprintf(row->check, sizeof(row->check), "%s; vprime%u had signalled before",
			 row->label, maker);
	else
		snprintf(row->check, sizeof(row->check), "%s; %.2f ms after vprime%u signalled",
			 row->label, (double)(row->end_ns - row->signalled_ns) / 1e6,
			 maker);
	return NULL;
}
