// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <linux/dma-buf.h>

#include "vp_fence.h"
#include "vp_gpu.h"
#include "vp_igt.h"

int vp_try_fence_attach(int gpu, uint32_t handle, uint32_t flags, uint32_t pad,
			uint32_t *fence)
{
	struct drm_vprime_fence_attach attach = {
		.handle = handle, .flags = flags, .pad = pad,
	};
	int ret = vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_FENCE_ATTACH, &attach);

	if (!ret && fence)
		*fence = attach.fence;
	return ret;
}

uint32_t vp_fence_attach(int gpu, uint32_t handle, bool write)
{
	uint32_t fence = 0;

	igt_assert_eq(vp_try_fence_attach(gpu, handle,
					  write ? DRM_VPRIME_FENCE_WRITE : 0,
					  0, &fence), 0);
	igt_assert_neq(fence, 0);
	return fence;
}

int vp_try_fence_signal(int gpu, uint32_t fence, uint32_t flags)
{
	struct drm_vprime_fence_signal signal = {
		.fence = fence, .flags = flags,
	};

	return vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_FENCE_SIGNAL, &signal);
}

void vp_fence_signal(int gpu, uint32_t fence)
{
	igt_assert_eq(vp_try_fence_signal(gpu, fence, 0), 0);
}

int vp_try_wait(int gpu, uint32_t handle, uint32_t flags, int64_t until_ns)
{
	struct drm_vprime_gem_wait wait = {
		.handle = handle, .flags = flags, .timeout_ns = until_ns,
	};

	return vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_GEM_WAIT, &wait);
}

bool vp_idle(int gpu, uint32_t handle, bool write)
{
	int ret = vp_try_wait(gpu, handle, write ? DRM_VPRIME_WAIT_WRITE : 0,
			      0);

	igt_assert_f(!ret || ret == -ETIME, "GEM_WAIT: %s\n", strerror(-ret));
	return !ret;
}

int64_t vp_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

int64_t vp_in_ms(int64_t ms)
{
	return vp_now_ns() + ms * 1000000;
}

int vp_try_timeline(int gpu, const char *name, uint32_t flags,
		    uint32_t *timeline)
{
	struct drm_vprime_timeline_create create = { .flags = flags };
	int ret;

	/* A name that is too long goes in without the NUL. */
	memcpy(create.name, name, strnlen(name, sizeof(create.name)));
	ret = vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_TIMELINE_CREATE, &create);
	if (!ret && timeline)
		*timeline = create.timeline;
	return ret;
}

uint32_t vp_timeline(int gpu, const char *name)
{
	uint32_t timeline = 0;

	igt_assert_eq(vp_try_timeline(gpu, name, 0, &timeline), 0);
	igt_assert_neq(timeline, 0);
	return timeline;
}

int vp_try_timeline_destroy(int gpu, uint32_t timeline, uint32_t pad)
{
	struct drm_vprime_timeline_destroy destroy = {
		.timeline = timeline, .pad = pad,
	};

	return vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_TIMELINE_DESTROY, &destroy);
}

void vp_timeline_destroy(int gpu, uint32_t timeline)
{
	igt_assert_eq(vp_try_timeline_destroy(gpu, timeline, 0), 0);
}

int vp_try_timeline_signal(int gpu, uint32_t timeline, uint64_t seqno,
			   int error)
{
	struct drm_vprime_timeline_signal signal = {
		.timeline = timeline, .error = error, .seqno = seqno,
	};

	return vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_TIMELINE_SIGNAL, &signal);
}

void vp_timeline_signal(int gpu, uint32_t timeline, uint64_t seqno)
{
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, seqno, 0), 0);
}

int vp_try_fence(int gpu, uint32_t timeline, uint32_t flags, uint32_t pad,
		 uint64_t *seqno)
{
	struct drm_vprime_fence_create create = {
		.timeline = timeline, .flags = flags, .pad = pad, .fd = -1,
	};
	int ret = vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_FENCE_CREATE, &create);

	if (ret)
		return ret;
	if (seqno)
		*seqno = create.seqno;
	return create.fd;
}

int vp_fence(int gpu, uint32_t timeline, uint64_t *seqno)
{
	int sync = vp_try_fence(gpu, timeline, 0, 0, seqno);

	igt_assert_lte(0, sync);
	return sync;
}

int vp_try_sync_info(int fd, struct sync_file_info *info)
{
	return vp_try_ioctl(fd, SYNC_IOC_FILE_INFO, info);
}

struct sync_file_info vp_sync_info(int sync, struct sync_fence_info *fences,
				   uint32_t room)
{
	struct sync_file_info info = {
		.num_fences = room, .sync_fence_info = (uintptr_t)fences,
	};

	igt_assert_eq(vp_try_sync_info(sync, &info), 0);
	return info;
}

int vp_sync_state(int sync)
{
	return vp_sync_info(sync, NULL, 0).status;
}

int vp_try_sync_merge(int one, int other, const char *name)
{
	struct sync_merge_data merge = { .fd2 = other };
	int ret;

	strncpy(merge.name, name, sizeof(merge.name) - 1);
	ret = vp_try_ioctl(one, SYNC_IOC_MERGE, &merge);
	return ret ? ret : merge.fence;
}

int vp_sync_merge(int one, int other, const char *name)
{
	int merged = vp_try_sync_merge(one, other, name);

	igt_assert_lte(0, merged);
	return merged;
}

short vp_poll(int fd, short events, int ms)
{
	struct pollfd asked = { .fd = fd, .events = events };
	int ret;

	do {
		ret = poll(&asked, 1, ms);
	} while (ret < 0 && errno == EINTR);
	igt_assert_lte(0, ret);
	return asked.revents;
}

int vp_try_dmabuf_get_sync(int dmabuf, uint32_t flags)
{
	struct dma_buf_export_sync_file out = { .flags = flags, .fd = -1 };
	int ret = vp_try_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &out);

	return ret ? ret : out.fd;
}

int vp_dmabuf_get_sync(int dmabuf, uint32_t flags)
{
	int sync = vp_try_dmabuf_get_sync(dmabuf, flags);

	igt_assert_lte(0, sync);
	return sync;
}

int vp_try_dmabuf_put_sync(int dmabuf, int sync, uint32_t flags)
{
	struct dma_buf_import_sync_file in = { .flags = flags, .fd = sync };

	return vp_try_ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &in);
}

void vp_dmabuf_put_sync(int dmabuf, int sync, uint32_t flags)
{
	igt_assert_eq(vp_try_dmabuf_put_sync(dmabuf, sync, flags), 0);
}
