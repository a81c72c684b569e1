// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vp_fence.h"
#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_syncobj.h"

/* libdrm's answer as ours. EPERM, the same as its -1, no syncobj ioctl has. */
static int answer(int ret)
{
	return ret == -1 ? -errno : ret;
}

int vp_try_syncobj(int gpu, uint32_t flags, uint32_t *handle)
{
	return answer(drmSyncobjCreate(gpu, flags, handle));
}

uint32_t vp_syncobj(int gpu, uint32_t flags)
{
	uint32_t handle = 0;

	igt_assert_eq(vp_try_syncobj(gpu, flags, &handle), 0);
	igt_assert_neq(handle, 0);
	return handle;
}

int vp_try_syncobj_destroy(int gpu, uint32_t handle)
{
	return answer(drmSyncobjDestroy(gpu, handle));
}

void vp_syncobj_destroy(int gpu, uint32_t handle)
{
	igt_assert_eq(vp_try_syncobj_destroy(gpu, handle), 0);
}

int vp_try_syncobj_to_fd(int gpu, uint32_t handle)
{
	int fd = -1, ret = answer(drmSyncobjHandleToFD(gpu, handle, &fd));

	return ret ? ret : fd;
}

int vp_syncobj_to_fd(int gpu, uint32_t handle)
{
	int fd = vp_try_syncobj_to_fd(gpu, handle);

	igt_assert_lte(0, fd);
	return fd;
}

int vp_try_syncobj_from_fd(int gpu, int fd, uint32_t *handle)
{
	return answer(drmSyncobjFDToHandle(gpu, fd, handle));
}

uint32_t vp_syncobj_from_fd(int gpu, int fd)
{
	uint32_t handle = 0;

	igt_assert_eq(vp_try_syncobj_from_fd(gpu, fd, &handle), 0);
	igt_assert_neq(handle, 0);
	return handle;
}

int vp_try_syncobj_get_sync(int gpu, uint32_t handle)
{
	int sync = -1, ret;

	ret = answer(drmSyncobjExportSyncFile(gpu, handle, &sync));
	return ret ? ret : sync;
}

int vp_syncobj_get_sync(int gpu, uint32_t handle)
{
	int sync = vp_try_syncobj_get_sync(gpu, handle);

	igt_assert_lte(0, sync);
	return sync;
}

int vp_try_syncobj_put_sync(int gpu, uint32_t handle, int sync)
{
	return answer(drmSyncobjImportSyncFile(gpu, handle, sync));
}

void vp_syncobj_put_sync(int gpu, uint32_t handle, int sync)
{
	igt_assert_eq(vp_try_syncobj_put_sync(gpu, handle, sync), 0);
}

int vp_try_syncobj_signal(int gpu, const uint32_t *handles, uint32_t count)
{
	return answer(drmSyncobjSignal(gpu, handles, count));
}

void vp_syncobj_signal(int gpu, uint32_t handle)
{
	igt_assert_eq(vp_try_syncobj_signal(gpu, &handle, 1), 0);
}

int vp_try_syncobj_reset(int gpu, const uint32_t *handles, uint32_t count)
{
	return answer(drmSyncobjReset(gpu, handles, count));
}

void vp_syncobj_reset(int gpu, uint32_t handle)
{
	igt_assert_eq(vp_try_syncobj_reset(gpu, &handle, 1), 0);
}

int vp_try_syncobj_wait(int gpu, const uint32_t *handles, uint32_t count,
			int64_t until_ns, uint32_t flags, uint32_t *first)
{
	return answer(drmSyncobjWait(gpu, (uint32_t *)handles, count, until_ns,
				     flags, first));
}

static bool is_done(int ret)
{
	igt_assert_f(!ret || ret == -ETIME, "a syncobj's wait: %d\n", ret);
	return !ret;
}

bool vp_syncobj_done(int gpu, uint32_t handle)
{
	return is_done(vp_try_syncobj_wait(gpu, &handle, 1, 0, 0, NULL));
}

int vp_try_syncobj_signal_point(int gpu, uint32_t handle, uint64_t point)
{
	return answer(drmSyncobjTimelineSignal(gpu, &handle, &point, 1));
}

void vp_syncobj_signal_point(int gpu, uint32_t handle, uint64_t point)
{
	igt_assert_eq(vp_try_syncobj_signal_point(gpu, handle, point), 0);
}

int vp_try_syncobj_wait_point(int gpu, uint32_t handle, uint64_t point,
			      int64_t until_ns, uint32_t flags)
{
	return answer(drmSyncobjTimelineWait(gpu, &handle, &point, 1, until_ns,
					     flags, NULL));
}

bool vp_syncobj_point_done(int gpu, uint32_t handle, uint64_t point)
{
	return is_done(vp_try_syncobj_wait_point(gpu, handle, point, 0, 0));
}

int vp_try_syncobj_query(int gpu, uint32_t handle, uint32_t flags,
			 uint64_t *point)
{
	return answer(drmSyncobjQuery2(gpu, &handle, point, 1, flags));
}

uint64_t vp_syncobj_query(int gpu, uint32_t handle, uint32_t flags)
{
	uint64_t point = UINT64_MAX;

	igt_assert_eq(vp_try_syncobj_query(gpu, handle, flags, &point), 0);
	return point;
}

int vp_try_syncobj_transfer(int gpu, uint32_t to, uint64_t to_point,
			    uint32_t from, uint64_t from_point, uint32_t flags)
{
	return answer(drmSyncobjTransfer(gpu, to, to_point, from, from_point,
					 flags));
}

void vp_syncobj_transfer(int gpu, uint32_t to, uint64_t to_point, uint32_t from,
			 uint64_t from_point)
{
	igt_assert_eq(vp_try_syncobj_transfer(gpu, to, to_point, from,
					      from_point, 0), 0);
}

/* These kernels have no call for it: through a syncobj that is no timeline. */
void vp_syncobj_put_point(int gpu, uint32_t handle, uint64_t point, int sync)
{
	uint32_t binary = vp_syncobj(gpu, 0);

	vp_syncobj_put_sync(gpu, binary, sync);
	vp_syncobj_transfer(gpu, handle, point, binary, 0);
	vp_syncobj_destroy(gpu, binary);
}

int vp_syncobj_get_point(int gpu, uint32_t handle, uint64_t point)
{
	uint32_t binary = vp_syncobj(gpu, 0);
	int sync;

	vp_syncobj_transfer(gpu, binary, 0, handle, point);
	sync = vp_syncobj_get_sync(gpu, binary);
	vp_syncobj_destroy(gpu, binary);
	return sync;
}

/* As in the kernel's drm.h since 6.6. */
struct syncobj_eventfd {
	uint32_t handle;
	uint32_t flags;
	uint64_t point;
	int32_t fd;
	uint32_t pad;
};

#define IOCTL_SYNCOBJ_EVENTFD	DRM_IOWR(0xcf, struct syncobj_eventfd)

int vp_try_syncobj_eventfd(int gpu, uint32_t handle, uint64_t point, int fd,
			   uint32_t flags, uint32_t pad)
{
	struct syncobj_eventfd arg = {
		.handle = handle, .flags = flags, .point = point, .fd = fd,
		.pad = pad,
	};

	return vp_try_ioctl(gpu, IOCTL_SYNCOBJ_EVENTFD, &arg);
}
