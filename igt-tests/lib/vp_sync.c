// SPDX-License-Identifier: GPL-2.0-only
#include <unistd.h>
#include <xf86drm.h>

#include "vp_fence.h"
#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_sync.h"
#include "vp_syncobj.h"

void vp_sync_read(int fd, struct vp_sync *sync)
{
	struct sync_file_info info;

	memset(sync, 0, sizeof(*sync));
	info = vp_sync_info(fd, sync->fence, VP_SYNC_FENCES);
	igt_assert_lte(info.num_fences, VP_SYNC_FENCES);
	igt_assert_lt(0u, info.num_fences);
	igt_assert(memchr(info.name, 0, sizeof(info.name)));
	sync->fences = info.num_fences;
	sync->status = info.status;
	strcpy(sync->name, info.name);
}

unsigned int vp_sync_count(int fd)
{
	return vp_sync_info(fd, NULL, 0).num_fences;
}

bool vp_sync_detaches(void)
{
	/* -1 until a fence of the kernel's own, which has signalled, was asked. */
	static int detaches = -1;
	struct sync_fence_info fence;
	int gpu, sync;

	if (detaches >= 0)
		return detaches;
	gpu = vp_open(1);
	sync = vp_syncobj_get_sync(gpu, vp_syncobj(gpu,
						   DRM_SYNCOBJ_CREATE_SIGNALED));
	igt_assert_eq(vp_sync_info(sync, &fence, 1).status, 1);
	detaches = strcmp(fence.driver_name, "stub") != 0;
	close(sync);
	close(gpu);
	return detaches;
}

static bool is_expected(const struct sync_fence_info *fence,
			const struct vp_sync_fence *want)
{
	bool detached = want->status && vp_sync_detaches();

	return fence->status == want->status &&
	       !strcmp(fence->driver_name,
		       detached ? "detached-driver" : want->driver) &&
	       !strcmp(fence->obj_name,
		       detached ? "signaled-timeline" : want->timeline) &&
	       (!want->timestamp_ns ||
		(int64_t)fence->timestamp_ns == want->timestamp_ns);
}

void vp_sync_expect(const struct vp_sync *sync,
		    const struct vp_sync_fence *want, unsigned int count)
{
	bool found[VP_SYNC_FENCES] = { false };
	unsigned int at;

	for (unsigned int i = 0; i < count; i++) {
		for (at = 0; at < sync->fences; at++)
			if (!found[at] && is_expected(&sync->fence[at],
						      &want[i]))
				break;
		if (at == sync->fences)
			for (at = 0; at < sync->fences; at++)
				igt_warn("%s fence of %s on %s: %d\n",
					 found[at] ? "expected" : "other",
					 sync->fence[at].driver_name,
					 sync->fence[at].obj_name,
					 sync->fence[at].status);
		igt_assert_f(at < sync->fences, "no fence of %s on %s: %d\n",
			     want[i].driver, want[i].timeline, want[i].status);
		found[at] = true;
	}
	igt_assert_eq(sync->fences, count);
}

int64_t vp_sync_time(int fd)
{
	struct vp_sync sync;

	vp_sync_read(fd, &sync);
	igt_assert_eq(sync.fences, 1);
	return (int64_t)sync.fence[0].timestamp_ns;
}

/* As in the kernel's sync_file.h since 6.4. */
struct set_deadline {
	uint64_t deadline_ns;
	uint64_t pad;
};

int vp_try_sync_deadline(int fd, int64_t deadline_ns, uint64_t pad)
{
	struct set_deadline set = {
		.deadline_ns = (uint64_t)deadline_ns, .pad = pad,
	};

	return vp_try_ioctl(fd, _IOW(SYNC_IOC_MAGIC, 5, struct set_deadline),
			    &set);
}
