// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sees what of a buffer that a GPU with coherent=0 has: the GPU and what is
 * mapped through its node, other GPUs that snoop or do not, and foreign drivers.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "vp_foreign.h"
#include "vp_module.h"
#include "vp_scene.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Views of memory: of the CPU, of GPUs, of foreign devices");

#define SIZE	VP_SCENE_SIZE
#define RW	(PROT_READ | PROT_WRITE)

static struct vp_scene prepare(void)
{
	return vp_scene_prepare(vp_open_noncoherent(), SIZE, VP_BY_FD);
}

/* The same buffer as it is seen through the GPU's node. */
static struct vp_scene through_node(const struct vp_scene *scene)
{
	struct vp_scene node = *scene;

	node.map = vp_map(scene->gpu, scene->handle, scene->size, RW);
	return node;
}

/* The GPU and the node see each other at once; the CPU needs a pair. */
static void node(struct vp_scene *cpu)
{
	struct vp_scene node = through_node(cpu);

	vp_gpu_writes(cpu, 0, VP_NEW);
	igt_assert_eq(vp_cpu_sees(&node, 0), VP_NEW);
	vp_cpu_writes(&node, VP_LINE, VP_NEWER);
	igt_assert_eq(vp_gpu_sees(cpu, VP_LINE), VP_NEWER);
	igt_assert_eq(vp_cpu_sees(cpu, 0), VP_OLD);
	igt_assert_eq(vp_cpu_sees(cpu, VP_LINE), VP_OLD);

	vp_cpu_writes(cpu, 2 * VP_LINE, VP_NEW);
	igt_assert_eq(vp_cpu_sees(&node, 2 * VP_LINE), VP_OLD);
	vp_sync_start(cpu->dmabuf, VP_BOTH);
	igt_assert_eq(vp_cpu_sees(cpu, 0), VP_NEW);
	igt_assert_eq(vp_cpu_sees(cpu, VP_LINE), VP_NEWER);
	igt_assert_eq(vp_cpu_sees(&node, 2 * VP_LINE), VP_OLD);
	vp_sync_end(cpu->dmabuf, VP_BOTH);
	igt_assert_eq(vp_cpu_sees(&node, 2 * VP_LINE), VP_NEW);
	vp_unmap(node.map, node.size);
}

/* A move, and another view that comes and goes, change nothing of that. */
static void node_moved(struct vp_scene *cpu)
{
	struct vp_scene node = through_node(cpu);

	vp_cpu_writes(cpu, VP_CPUS, VP_NEW);
	vp_cpu_writes(&node, VP_GPUS, VP_NEWER);
	igt_assert_eq(vp_try_move(cpu->id), 0);
	igt_assert_eq(vp_cpu_sees(&node, VP_CPUS), VP_OLD);
	igt_assert_eq(vp_cpu_sees(&node, VP_GPUS), VP_NEWER);
	igt_assert_eq(vp_cpu_sees(cpu, VP_GPUS), VP_OLD);
	vp_assert_all_there(cpu);
	vp_assert_still_noncoherent(cpu);
	igt_assert_eq(vp_cpu_sees(&node, VP_CPUS), VP_OLD);
	vp_unmap(node.map, node.size);
}

/*
 * No job has made the GPU map the buffer: what the CPU wrote has not gone to memory
 * by that. The mapping is that of a dumb buffer, as Mesa's software renderer has it.
 */
static void node_alone(void)
{
	int gpu = vp_open_noncoherent();
	struct vp_dumb dumb = vp_create_dumb(gpu, 64, 64, 32);
	struct vp_scene cpu = { .dmabuf = vp_export(gpu, dumb.handle) };
	struct vp_scene node = {
		.map = vp_map_dumb(gpu, dumb.handle, dumb.size),
	};

	cpu.map = vp_map_dmabuf(cpu.dmabuf, dumb.size, RW);
	vp_cpu_writes(&cpu, 0, VP_NEW);
	igt_assert_eq(vp_cpu_sees(&node, 0), 0);
	vp_sync_pair(&cpu, VP_WRITE);
	igt_assert_eq(vp_cpu_sees(&node, 0), VP_NEW);
	/* A page that the CPU touches later has what is in memory then. */
	vp_cpu_writes(&node, VP_PAGE, VP_NEWER);
	igt_assert_eq(vp_cpu_sees(&cpu, VP_PAGE), VP_NEWER);
	vp_cpu_writes(&node, VP_PAGE, VP_NEW);
	igt_assert_eq(vp_cpu_sees(&cpu, VP_PAGE), VP_NEWER);

	/* A mapping keeps the view: the CPU is on its own until that goes. */
	vp_close(gpu, dumb.handle);
	igt_assert_eq(vp_cpu_sees(&cpu, VP_PAGE), VP_NEWER);
	vp_cpu_writes(&cpu, 0, VP_NEWER);
	igt_assert_eq(vp_cpu_sees(&node, 0), VP_NEW);
	vp_unmap(node.map, dumb.size);
	igt_assert_eq(vp_cpu_sees(&cpu, VP_PAGE), VP_NEW);
	igt_assert_eq(vp_cpu_sees(&cpu, 0), VP_NEWER);
	vp_unmap(cpu.map, dumb.size);
	close(cpu.dmabuf);
	close(gpu);
	vp_config_remove("odd");
}

/* The CPU's two ways, the descriptor and the node of a GPU that snoops. */
static void two_ways(void)
{
	struct vp_scene one = vp_scene_prepare(vp_open_noncoherent(), SIZE,
					       VP_BY_SNOOPING), two = one;

	two.map = vp_map_dmabuf(one.dmabuf, SIZE, RW);
	vp_cpu_writes(&one, 0, VP_NEW);
	igt_assert_eq(vp_cpu_sees(&two, 0), VP_NEW);
	vp_cpu_writes(&two, 0, VP_NEWER);
	igt_assert_eq(vp_cpu_sees(&one, 0), VP_NEWER);
	igt_assert_eq(vp_gpu_sees(&one, 0), VP_OLD);
	vp_unmap(two.map, SIZE);
	vp_scene_let_go(&one);
	vp_config_remove("odd");
}

static void two_noncoherent(void)
{
	struct vp_scene one = prepare(), two = one;

	two.gpu = vp_config_open("even", "coherent=0");
	two.handle = vp_import(two.gpu, one.dmabuf);
	igt_assert_eq(vp_gpu_sees(&two, 0), VP_OLD);
	vp_gpu_writes(&one, 0, VP_NEW);
	igt_assert_eq(vp_gpu_sees(&two, 0), VP_NEW);
	vp_gpu_writes(&two, 0, VP_NEWER);
	igt_assert_eq(vp_gpu_sees(&one, 0), VP_NEWER);
	/* The CPU has seen nothing of it, and neither sees the CPU. */
	igt_assert_eq(vp_cpu_sees(&one, 0), VP_OLD);
	vp_cpu_writes(&one, VP_LINE, VP_NEW);
	igt_assert_eq(vp_gpu_sees(&one, VP_LINE), VP_OLD);
	igt_assert_eq(vp_gpu_sees(&two, VP_LINE), VP_OLD);
	vp_sync_pair(&one, VP_BOTH);
	igt_assert_eq(vp_cpu_sees(&one, 0), VP_NEWER);
	igt_assert_eq(vp_gpu_sees(&one, VP_LINE), VP_NEW);
	igt_assert_eq(vp_gpu_sees(&two, VP_LINE), VP_NEW);
	/* One goes with what only GPUs have seen; the other one has it. */
	vp_gpu_writes(&one, 2 * VP_LINE, VP_NEW);
	close(two.gpu);
	vp_config_remove("even");
	igt_assert_eq(vp_gpu_sees(&one, 2 * VP_LINE), VP_NEW);
	vp_sync_pair(&one, VP_READ);
	igt_assert_eq(vp_cpu_sees(&one, 2 * VP_LINE), VP_NEW);
	vp_scene_let_go(&one);
	vp_config_remove("odd");
}

/* Mapping for one more brings what the CPU has written to all that see memory. */
static void second_maps(void)
{
	struct vp_scene one = prepare(), two = one;

	two.gpu = vp_config_open("even", "coherent=0");
	two.handle = vp_import(two.gpu, one.dmabuf);
	vp_cpu_writes(&one, 0, VP_NEW);
	vp_gpu_writes(&one, VP_LINE, VP_NEWER);
	igt_assert_eq(vp_gpu_sees(&one, 0), VP_OLD);
	igt_assert_eq(vp_gpu_sees(&two, 0), VP_NEW);
	igt_assert_eq(vp_gpu_sees(&one, 0), VP_NEW);
	/* And nothing from a GPU to the CPU. */
	igt_assert_eq(vp_gpu_sees(&two, VP_LINE), VP_NEWER);
	igt_assert_eq(vp_cpu_sees(&one, VP_LINE), VP_OLD);
	close(two.gpu);
	vp_config_remove("even");
	vp_scene_let_go(&one);
	vp_config_remove("odd");
}

static void mixed(void)
{
	struct vp_scene odd = prepare(), even = odd;

	even.gpu = vp_open(0);
	even.handle = vp_import(even.gpu, odd.dmabuf);
	igt_assert_eq(vp_gpu_sees(&even, 0), VP_OLD);
	vp_gpu_writes(&odd, 0, VP_NEW);
	igt_assert_eq(vp_gpu_sees(&even, 0), VP_NEW);
	vp_gpu_writes(&even, 0, VP_NEWER);
	igt_assert_eq(vp_gpu_sees(&odd, 0), VP_NEWER);
	vp_sync_pair(&odd, VP_READ);
	igt_assert_eq(vp_cpu_sees(&odd, 0), VP_NEWER);
	/* What the CPU wrote is seen at once by the one that snoops. */
	vp_cpu_writes(&odd, 2 * VP_LINE, VP_NEW);
	igt_assert_eq(vp_gpu_sees(&odd, 2 * VP_LINE), VP_OLD);
	igt_assert_eq(vp_gpu_sees(&even, 2 * VP_LINE), VP_NEW);
	/* And what that one writes by the CPU. */
	vp_gpu_writes(&even, 4 * VP_LINE, VP_NEW);
	igt_assert_eq(vp_cpu_sees(&odd, 4 * VP_LINE), VP_NEW);
	igt_assert_eq(vp_gpu_sees(&odd, 4 * VP_LINE), VP_NEW);
	vp_sync_pair(&odd, VP_BOTH);
	igt_assert_eq(vp_gpu_sees(&odd, 2 * VP_LINE), VP_NEW);
	close(even.gpu);
	vp_scene_let_go(&odd);
	vp_config_remove("odd");
}

static uint32_t device_sees(int foreign, uint32_t id, size_t offset)
{
	uint32_t word = 0;

	igt_assert_eq(vp_foreign_try_read(foreign, id, offset, &word,
					  sizeof(word)), 0);
	return word;
}

static void device_writes(int foreign, uint32_t id, size_t offset,
			  uint32_t word)
{
	igt_assert_eq(vp_foreign_try_write(foreign, id, offset, &word,
					   sizeof(word)), 0);
}

/* A foreign device sees memory, as the GPU does. */
static void foreign_importer(struct vp_scene *scene)
{
	int foreign = vp_foreign_open();
	uint32_t id;

	vp_differ(scene);
	id = vp_foreign_hold(foreign, scene->dmabuf);
	/* Mapping has shown it what the CPU wrote, and nothing to the CPU. */
	igt_assert_eq(device_sees(foreign, id, VP_CPUS), VP_NEW);
	igt_assert_eq(device_sees(foreign, id, VP_GPUS), VP_NEWER);
	igt_assert_eq(vp_cpu_sees(scene, VP_GPUS), VP_OLD);
	vp_assert_all_there(scene);

	vp_cpu_writes(scene, 2 * VP_LINE, VP_NEW);
	igt_assert_eq(device_sees(foreign, id, 2 * VP_LINE), VP_OLD);
	device_writes(foreign, id, 3 * VP_LINE, VP_NEWER);
	igt_assert_eq(vp_gpu_sees(scene, 3 * VP_LINE), VP_NEWER);
	igt_assert_eq(vp_cpu_sees(scene, 3 * VP_LINE), VP_OLD);
	vp_gpu_writes(scene, 4 * VP_LINE, VP_NEWER);
	igt_assert_eq(device_sees(foreign, id, 4 * VP_LINE), VP_NEWER);
	vp_sync_pair(scene, VP_BOTH);
	igt_assert_eq(device_sees(foreign, id, 2 * VP_LINE), VP_NEW);
	igt_assert_eq(vp_cpu_sees(scene, 3 * VP_LINE), VP_NEWER);
	vp_assert_still_noncoherent(scene);
	close(foreign);
}

/* What was not shown while the foreign device was there still can be. */
static void foreign_importer_gone(struct vp_scene *scene)
{
	int foreign = vp_foreign_open();
	uint32_t id = vp_foreign_hold(foreign, scene->dmabuf);

	vp_cpu_writes(scene, VP_CPUS, VP_NEW);
	device_writes(foreign, id, VP_GPUS, VP_NEWER);
	close(foreign);
	igt_assert_eq(vp_cpu_sees(scene, VP_GPUS), VP_OLD);
	igt_assert_eq(vp_gpu_sees(scene, VP_CPUS), VP_OLD);
	vp_assert_all_there(scene);
	vp_assert_still_noncoherent(scene);
}

/* A driver that maps the buffer into the kernel plays a device. */
static void kernel_mapping(struct vp_scene *scene)
{
	int foreign = vp_foreign_open();
	uint32_t id;

	vp_differ(scene);
	igt_assert_eq(vp_foreign_try_vmap(foreign, scene->dmabuf, &id), 0);
	igt_assert_eq(vp_gpu_sees(scene, VP_CPUS), VP_NEW);
	igt_assert_eq(vp_cpu_sees(scene, VP_GPUS), VP_OLD);
	vp_assert_all_there(scene);
	vp_assert_still_noncoherent(scene);
	vp_foreign_vunmap(foreign, id);
	close(foreign);
}

/* Another driver's memory has no second view: everything is seen at once. */
static void foreign_memory(void)
{
	int gpu = vp_open_noncoherent(), vgem;
	struct vp_scene scene = { .gpu = gpu, .maker = -1 };
	struct vp_dumb dumb;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	scene.dmabuf = vp_export(vgem, dumb.handle);
	scene.handle = vp_import(gpu, scene.dmabuf);
	scene.size = dumb.size;
	scene.map = vp_map_dumb(vgem, dumb.handle, dumb.size);
	vp_cpu_writes(&scene, 0, VP_OLD);
	igt_assert_eq(vp_gpu_sees(&scene, 0), VP_OLD);
	vp_cpu_writes(&scene, 0, VP_NEW);
	igt_assert_eq(vp_gpu_sees(&scene, 0), VP_NEW);
	vp_gpu_writes(&scene, 0, VP_NEWER);
	igt_assert_eq(vp_cpu_sees(&scene, 0), VP_NEWER);
	vp_scene_let_go(&scene);
	close(vgem);
	vp_config_remove("odd");
}

static void node_subtests(void)
{
	igt_describe("A mapping through the node of a GPU with coherent=0 is that GPU's view");
	vp_subtest("node")
		vp_all_ways(node);

	igt_describe("It still is after a move, which loses nothing of either side");
	vp_subtest("node-moved")
		vp_all_ways(node_moved);

	igt_describe("A dumb buffer's mapping is the GPU's view without a job of the GPU, and keeps it");
	vp_subtest("node-alone")
		node_alone();

	igt_describe("The descriptor and the node of a GPU that snoops are the CPU's view, both");
	vp_subtest("two-ways")
		two_ways();
}

igt_main
{
	node_subtests();

	igt_describe("Two GPUs with coherent=0 see each other without the CPU's doing");
	vp_subtest("two-noncoherent")
		two_noncoherent();

	igt_describe("A second GPU with coherent=0 maps the buffer, and both see what the CPU had written");
	vp_subtest("second-maps")
		second_maps();

	igt_describe("A GPU that snoops and one that does not see each other without the CPU's doing");
	vp_subtest("mixed")
		mixed();

	igt_describe("Another driver's device sees memory, as the GPU does: the CPU needs a sync");
	vp_subtest("foreign-importer")
		vp_all_ways(foreign_importer);

	igt_describe("What was written while another driver had it mapped is there when that is gone");
	vp_subtest("foreign-importer-gone")
		vp_all_ways(foreign_importer_gone);

	igt_describe("What the CPU wrote is in memory when the kernel maps that");
	vp_subtest("kernel-mapping")
		vp_all_ways(kernel_mapping);

	igt_describe("Another driver's memory, which CPU and GPU see alike");
	vp_subtest("foreign-memory")
		foreign_memory();

	igt_fixture {
		vp_foreign_unload();
		vp_unload_foreign("vgem");
	}
}
