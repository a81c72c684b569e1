// SPDX-License-Identifier: GPL-2.0-only
#include <sys/mman.h>
#include <unistd.h>

#include "vp_bystander.h"
#include "vp_test.h"

#define SIZE	(16 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)

struct vp_bystander vp_bystander(void)
{
	struct vp_bystander b = { .pair = vp_pair(SIZE) };

	return b;
}

void vp_bystander_end(struct vp_bystander *b)
{
	vp_pair_end(&b->pair);
}

static void use_fences(int gpu, uint32_t handle)
{
	uint32_t timeline = vp_timeline(gpu, "bystander");
	int sync = vp_fence(gpu, timeline, NULL);

	vp_fence_signal(gpu, vp_fence_attach(gpu, handle, true));
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert_eq(vp_sync_state(sync), 1);
	vp_timeline_destroy(gpu, timeline);
	close(sync);
}

static void use_own(const int gpu[2])
{
	uint32_t handle = vp_create(gpu[0], SIZE), imported;
	int dmabuf = vp_export(gpu[0], handle);
	void *map = vp_map(gpu[0], handle, SIZE, RW);
	char byte = 1;

	vp_fill(map, SIZE, 1);
	vp_peek(gpu[0], handle, 0, &byte, 1);
	imported = vp_import(gpu[1], dmabuf);
	use_fences(gpu[1], imported);
	vp_poke(gpu[1], imported, 0, &byte, 1);
	igt_assert(vp_idle(gpu[0], handle, true));
	vp_unmap(map, SIZE);
	vp_close(gpu[1], imported);
	vp_close(gpu[0], handle);
	close(dmabuf);
}

static void use_shared(const struct vp_pair *pair)
{
	void *map = vp_map(pair->gpu[1], pair->handle[1], SIZE, RW);
	int gpu = vp_open(0), dmabuf;
	uint32_t handle;

	vp_fill(map, VP_PAGE, 2);
	vp_info(pair->gpu[0], pair->handle[0]);
	vp_idle(pair->gpu[0], pair->handle[0], true);
	dmabuf = vp_export(pair->gpu[1], pair->handle[1]);
	handle = vp_import(gpu, dmabuf);
	vp_info(gpu, handle);
	vp_close(gpu, handle);
	close(dmabuf);
	close(gpu);
	vp_unmap(map, SIZE);
}

void vp_bystander_round(struct vp_bystander *b)
{
	int64_t began = vp_now_ns(), ms;

	use_own(b->pair.gpu);
	use_shared(&b->pair);
	ms = (vp_now_ns() - began) / 1000000;
	if (ms > b->longest_ms)
		b->longest_ms = ms;
}
