// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_access.h"
#include "vp_read_only.h"
#include "vp_test.h"

#define SIZE	VP_READ_ONLY_SIZE
#define RW	(PROT_READ | PROT_WRITE)

struct vp_read_only vp_read_only(unsigned int gpu)
{
	struct vp_read_only r = { .gpu = vp_open(gpu) };

	r.handle = vp_create(r.gpu, SIZE);
	r.map = vp_map(r.gpu, r.handle, SIZE, RW);
	vp_fill(r.map, SIZE, VP_READ_ONLY_SEED);
	r.dmabuf = vp_try_export(r.gpu, r.handle, DRM_CLOEXEC);
	igt_assert_lte(0, r.dmabuf);
	return r;
}

void vp_assert_intact(const struct vp_read_only *r)
{
	vp_assert_pattern(r->map, SIZE, VP_READ_ONLY_SEED);
}

void vp_read_only_end(struct vp_read_only *r)
{
	void *map;

	vp_assert_intact(r);
	/* It has lost nothing by what others have tried. */
	map = vp_map(r->gpu, r->handle, SIZE, RW);
	vp_fill(map, SIZE, 1);
	vp_gpu_fill(r->gpu, r->handle, SIZE, 2);
	vp_assert_pattern(r->map, SIZE, 2);
	igt_assert_eq(vp_info(r->gpu, r->handle).flags &
		      DRM_VPRIME_INFO_READ_ONLY, 0);
	vp_unmap(map, SIZE);
	vp_unmap(r->map, SIZE);
	close(r->dmabuf);
	close(r->gpu);
}

/* Whatever a mapping begins as, it cannot be written, nor become so. */
static void cannot_be_written(int fd, uint64_t offset)
{
	static const int prots[] = { PROT_NONE, PROT_READ };
	void *map;

	igt_assert_eq(vp_try_mmap(fd, offset, SIZE, RW, MAP_SHARED, NULL),
		      -EACCES);
	igt_assert_eq(vp_try_mmap(fd, offset, VP_PAGE, PROT_WRITE, MAP_SHARED,
				  NULL), -EACCES);
	igt_assert_neq(vp_try_mmap(fd, offset, SIZE, RW, MAP_PRIVATE, NULL), 0);
	for (size_t i = 0; i < VP_ARRAY_SIZE(prots); i++) {
		igt_assert_eq(vp_try_mmap(fd, offset, SIZE, prots[i],
					  MAP_SHARED, &map), 0);
		igt_assert(mprotect(map, SIZE, RW) && errno == EACCES);
		igt_assert(mprotect(map, SIZE, PROT_WRITE) && errno == EACCES);
		igt_assert(mprotect((char *)map + VP_PAGE, VP_PAGE, RW) &&
			   errno == EACCES);
		igt_assert_eq(mprotect(map, SIZE, PROT_READ), 0);
		vp_assert_pattern(map, SIZE, VP_READ_ONLY_SEED);
		igt_assert(mprotect(map, SIZE, RW) && errno == EACCES);
		vp_unmap(map, SIZE);
	}
}

void vp_assert_read_only_fd(int dmabuf)
{
	igt_assert_eq(fcntl(dmabuf, F_GETFL) & O_ACCMODE, O_RDONLY);
	cannot_be_written(dmabuf, 0);
}

void vp_assert_read_only_handle(const struct vp_read_only *r, int gpu,
				uint32_t handle)
{
	uint64_t offset;
	char byte = 1;
	int fd;

	igt_assert(vp_info(gpu, handle).flags & DRM_VPRIME_INFO_READ_ONLY);
	vp_assert_gpu_sees(gpu, handle, SIZE, VP_READ_ONLY_SEED);
	igt_assert_eq(vp_try_poke(gpu, handle, 0, &byte, 1), -EACCES);
	igt_assert_eq(vp_try_poke(gpu, handle, SIZE - 1, &byte, 1), -EACCES);
	cannot_be_written(gpu, vp_mmap_offset(gpu, handle));
	igt_assert_eq(vp_try_map_dumb(gpu, handle, &offset), 0);
	cannot_be_written(gpu, offset);

	fd = vp_try_export(gpu, handle, DRM_CLOEXEC | DRM_RDWR);
	igt_assert_lte(0, fd);
	vp_assert_read_only_fd(fd);
	/* Back in the same file it is the same handle, with the same right. */
	igt_assert_eq(vp_try_import(gpu, fd, &handle), 0);
	igt_assert_eq(vp_try_poke(gpu, handle, 0, &byte, 1), -EACCES);
	close(fd);
	vp_assert_intact(r);
}

void vp_assert_read_only_import(const struct vp_read_only *r, int gpu,
				int dmabuf)
{
	vp_assert_read_only_handle(r, gpu, vp_import(gpu, dmabuf));
	close(gpu);
}
