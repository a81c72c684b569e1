// SPDX-License-Identifier: GPL-2.0-only
#include "vp_fence.h"
#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_sync.h"

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

unsigned int vp_sync_count_of(const struct vp_sync *sync, const char *driver,
			      const char *timeline)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < sync->fences; i++)
		count += !strcmp(sync->fence[i].driver_name, driver) &&
			 !strcmp(sync->fence[i].obj_name, timeline);
	return count;
}

const struct sync_fence_info *vp_sync_find(const struct vp_sync *sync,
					   const char *driver,
					   const char *timeline)
{
	if (vp_sync_count_of(sync, driver, timeline) != 1)
		for (unsigned int i = 0; i < sync->fences; i++)
			igt_warn("fence of %s on %s\n",
				 sync->fence[i].driver_name,
				 sync->fence[i].obj_name);
	igt_assert_f(vp_sync_count_of(sync, driver, timeline) == 1,
		     "not one fence of %s on %s\n", driver, timeline);
	for (unsigned int i = 0; i < sync->fences; i++)
		if (!strcmp(sync->fence[i].driver_name, driver) &&
		    !strcmp(sync->fence[i].obj_name, timeline))
			return &sync->fence[i];
	return NULL;
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
