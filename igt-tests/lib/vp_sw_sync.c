// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_sw_sync.h"

int vp_try_sw_sync(void)
{
	int fd = open(VP_SW_SYNC_PATH, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int vp_sw_sync(void)
{
	int fd = vp_try_sw_sync();

	igt_assert_f(fd >= 0, VP_SW_SYNC_PATH ": %s\n", strerror(-fd));
	return fd;
}

int vp_try_sw_fence(int timeline, uint32_t value)
{
	struct vp_sw_sync_create create = {
		.value = value, .name = "fence", .fence = -1,
	};
	int ret = vp_try_ioctl(timeline, VP_SW_SYNC_CREATE_FENCE, &create);

	return ret ? ret : create.fence;
}

int vp_sw_fence(int timeline, uint32_t value)
{
	int sync = vp_try_sw_fence(timeline, value);

	igt_assert_lte(0, sync);
	return sync;
}

void vp_sw_inc(int timeline, uint32_t by)
{
	igt_assert_eq(vp_try_ioctl(timeline, VP_SW_SYNC_INC, &by), 0);
}

int vp_try_sw_deadline(int timeline, int sync, uint64_t *deadline_ns)
{
	struct vp_sw_sync_deadline get = { .fence_fd = sync };
	int ret = vp_try_ioctl(timeline, VP_SW_SYNC_GET_DEADLINE, &get);

	if (!ret && deadline_ns)
		*deadline_ns = get.deadline_ns;
	return ret;
}
