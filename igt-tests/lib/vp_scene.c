// SPDX-License-Identifier: GPL-2.0-only
#include <sys/mman.h>
#include <unistd.h>

#include "vp_scene.h"
#include "vp_test.h"

#define RW	(PROT_READ | PROT_WRITE)

int vp_open_noncoherent(void)
{
	int gpu = vp_config_open("odd", "coherent=0");

	igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_COHERENT), 0);
	return gpu;
}

void vp_cpu_writes(const struct vp_scene *scene, size_t offset, uint32_t word)
{
	*(volatile uint32_t *)(scene->map + offset) = word;
}

uint32_t vp_cpu_sees(const struct vp_scene *scene, size_t offset)
{
	return *(volatile uint32_t *)(scene->map + offset);
}

void vp_gpu_writes(const struct vp_scene *scene, size_t offset, uint32_t word)
{
	vp_poke(scene->gpu, scene->handle, offset, &word, sizeof(word));
}

uint32_t vp_gpu_sees(const struct vp_scene *scene, size_t offset)
{
	uint32_t word = 0;

	vp_peek(scene->gpu, scene->handle, offset, &word, sizeof(word));
	return word;
}

void vp_sync_pair(const struct vp_scene *scene, uint64_t access)
{
	vp_sync_start(scene->dmabuf, access);
	vp_sync_end(scene->dmabuf, access);
}

struct vp_scene vp_scene_prepare(int gpu, size_t size, enum vp_way way)
{
	struct vp_scene scene = { .gpu = gpu, .size = size, .maker = -1 };
	int maker = way == VP_BY_FD ? gpu : vp_open(0);
	uint32_t made = vp_create(maker, size);

	scene.dmabuf = vp_export(maker, made);
	scene.handle = way == VP_BY_FD ? made : vp_import(gpu, scene.dmabuf);
	scene.id = vp_id(gpu, scene.handle);
	if (way == VP_BY_SNOOPING) {
		scene.maker = maker;
		scene.map = vp_map(maker, made, size, RW);
	} else {
		scene.map = vp_map_dmabuf(scene.dmabuf, size, RW);
	}
	if (way == VP_BY_IMPORT)
		close(maker);

	vp_sync_start(scene.dmabuf, VP_WRITE);
	for (size_t at = 0; at < size; at += sizeof(uint32_t))
		vp_cpu_writes(&scene, at, VP_OLD);
	vp_sync_end(scene.dmabuf, VP_WRITE);
	/* From here on the GPU has it mapped. */
	igt_assert_eq(vp_gpu_sees(&scene, 0), VP_OLD);
	return scene;
}

void vp_scene_let_go(struct vp_scene *scene)
{
	vp_unmap(scene->map, scene->size);
	close(scene->dmabuf);
	close(scene->gpu);
	if (scene->maker >= 0)
		close(scene->maker);
}

void vp_all_ways(void (*test)(struct vp_scene *scene))
{
	for (enum vp_way way = 0; way < VP_WAYS; way++) {
		struct vp_scene scene = vp_scene_prepare(vp_open_noncoherent(),
							 VP_SCENE_SIZE, way);

		test(&scene);
		vp_scene_let_go(&scene);
		vp_config_remove("odd");
	}
}

void vp_differ(const struct vp_scene *scene)
{
	vp_cpu_writes(scene, VP_CPUS, VP_NEW);
	vp_gpu_writes(scene, VP_GPUS, VP_NEWER);
	igt_assert_eq(vp_gpu_sees(scene, VP_CPUS), VP_OLD);
	igt_assert_eq(vp_cpu_sees(scene, VP_GPUS), VP_OLD);
}

void vp_assert_cpu_has_all(const struct vp_scene *scene)
{
	igt_assert_eq(vp_cpu_sees(scene, VP_CPUS), VP_NEW);
	vp_sync_start(scene->dmabuf, VP_BOTH);
	igt_assert_eq(vp_cpu_sees(scene, VP_CPUS), VP_NEW);
	igt_assert_eq(vp_cpu_sees(scene, VP_GPUS), VP_NEWER);
	vp_sync_end(scene->dmabuf, VP_BOTH);
	igt_assert_eq(vp_cpu_sees(scene, VP_LINE), VP_OLD);
	igt_assert_eq(vp_cpu_sees(scene, scene->size - 4), VP_OLD);
}

void vp_assert_all_there(const struct vp_scene *scene)
{
	vp_assert_cpu_has_all(scene);
	igt_assert_eq(vp_gpu_sees(scene, VP_CPUS), VP_NEW);
	igt_assert_eq(vp_gpu_sees(scene, VP_GPUS), VP_NEWER);
	igt_assert_eq(vp_gpu_sees(scene, VP_LINE), VP_OLD);
	igt_assert_eq(vp_gpu_sees(scene, scene->size - 4), VP_OLD);
}

void vp_assert_still_noncoherent(const struct vp_scene *scene)
{
	vp_cpu_writes(scene, VP_CPUS, VP_OLD);
	igt_assert_eq(vp_gpu_sees(scene, VP_CPUS), VP_NEW);
	vp_gpu_writes(scene, VP_GPUS, VP_OLD);
	igt_assert_eq(vp_cpu_sees(scene, VP_GPUS), VP_NEWER);
	vp_sync_pair(scene, VP_BOTH);
	igt_assert_eq(vp_gpu_sees(scene, VP_CPUS), VP_OLD);
	igt_assert_eq(vp_cpu_sees(scene, VP_GPUS), VP_OLD);
}
