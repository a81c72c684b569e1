// SPDX-License-Identifier: GPL-2.0-only
#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_vgem.h"

struct fence_attach {
	uint32_t handle;
	uint32_t flags;
	uint32_t fence;
	uint32_t pad;
};

struct fence_signal {
	uint32_t fence;
	uint32_t flags;
};

#define FENCE_WRITE	1
#define FENCE_ATTACH	DRM_IOWR(DRM_COMMAND_BASE + 1, struct fence_attach)
#define FENCE_SIGNAL	DRM_IOW(DRM_COMMAND_BASE + 2, struct fence_signal)

uint32_t vp_vgem_attach(int vgem, uint32_t handle, bool write)
{
	struct fence_attach attach = {
		.handle = handle, .flags = write ? FENCE_WRITE : 0,
	};

	igt_assert_eq(vp_try_ioctl(vgem, FENCE_ATTACH, &attach), 0);
	igt_assert_neq(attach.fence, 0);
	return attach.fence;
}

void vp_vgem_signal(int vgem, uint32_t fence)
{
	struct fence_signal signal = { .fence = fence };

	igt_assert_eq(vp_try_ioctl(vgem, FENCE_SIGNAL, &signal), 0);
}
