// SPDX-License-Identifier: GPL-2.0-only
/*
 * GPUs that do not snoop the CPU's caches, coherent=0: a DMA_BUF_IOCTL_SYNC
 * that was left out is seen in the pixels, and nothing else ever is. Which
 * mapping has which view is in prime_coherent_views.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_program.h"
#include "vp_scene.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("CPU and GPUs without a common view of memory");

#define RW	(PROT_READ | PROT_WRITE)

static void write_without_sync(struct vp_scene *scene)
{
	uint32_t without, with;

	vp_cpu_writes(scene, 0, VP_NEW);
	vp_cpu_writes(scene, VP_SCENE_SIZE - 4, VP_NEW);
	without = vp_gpu_sees(scene, 0);
	igt_assert_eq(vp_gpu_sees(scene, VP_SCENE_SIZE - 4), VP_OLD);
	vp_sync_pair(scene, VP_WRITE);
	with = vp_gpu_sees(scene, 0);
	igt_info("CPU wrote %08x; GPU sees %08x without sync, %08x after it\n",
		 VP_NEW, without, with);
	igt_assert_eq(without, VP_OLD);
	igt_assert_eq(with, VP_NEW);
	igt_assert_eq(vp_gpu_sees(scene, VP_SCENE_SIZE - 4), VP_NEW);
}

static void write_with_sync(struct vp_scene *scene)
{
	static const uint64_t access[] = { VP_WRITE, VP_BOTH };

	for (uint32_t i = 0; i < VP_ARRAY_SIZE(access); i++) {
		vp_sync_start(scene->dmabuf, access[i]);
		vp_cpu_writes(scene, 0, VP_NEW + i);
		/* Still on its way: the CPU has not said that it is done. */
		igt_assert_neq(vp_gpu_sees(scene, 0), VP_NEW + i);
		vp_sync_end(scene->dmabuf, access[i]);
		igt_assert_eq(vp_gpu_sees(scene, 0), VP_NEW + i);
	}
}

/* An END without WRITE shows nothing to the GPU. */
static void write_in_read_pair(struct vp_scene *scene)
{
	vp_sync_start(scene->dmabuf, VP_READ);
	vp_cpu_writes(scene, 0, VP_NEW);
	vp_sync_end(scene->dmabuf, VP_READ);
	igt_assert_eq(vp_gpu_sees(scene, 0), VP_OLD);
	/* It is not lost either: the CPU still has it, in its cache. */
	igt_assert_eq(vp_cpu_sees(scene, 0), VP_NEW);
	vp_sync_pair(scene, VP_WRITE);
	igt_assert_eq(vp_gpu_sees(scene, 0), VP_NEW);
}

/* START's flags have no part in it. */
static void end_decides(struct vp_scene *scene)
{
	vp_sync_start(scene->dmabuf, VP_READ);
	vp_cpu_writes(scene, 0, VP_NEW);
	vp_sync_end(scene->dmabuf, VP_WRITE);
	igt_assert_eq(vp_gpu_sees(scene, 0), VP_NEW);
	vp_sync_start(scene->dmabuf, VP_WRITE);
	vp_cpu_writes(scene, 0, VP_NEWER);
	vp_sync_end(scene->dmabuf, VP_READ);
	igt_assert_eq(vp_gpu_sees(scene, 0), VP_NEW);
	vp_sync_pair(scene, VP_WRITE);
	igt_assert_eq(vp_gpu_sees(scene, 0), VP_NEWER);
}

/*
 * A process that dies in a pair has ended it, with the flags of its START, and the
 * GPU sees all that the CPU has written up to then.
 */
static void killed_in_pair(struct vp_scene *scene)
{
	pid_t child = vp_start_access("doomed", scene->dmabuf, VP_READ, 1);

	vp_cpu_writes(scene, 0, VP_NEW);
	vp_kill(child);
	igt_assert_eq(vp_watch(scene->id)->cpu_open, 0);
	igt_assert_eq(vp_gpu_sees(scene, 0), VP_OLD);

	child = vp_start_access("doomed", scene->dmabuf, VP_WRITE, 1);
	igt_assert_eq(vp_watch(scene->id)->cpu_open, 1);
	igt_assert_eq(vp_gpu_sees(scene, 0), VP_OLD);
	vp_kill(child);
	igt_assert_eq(vp_watch(scene->id)->cpu_open, 0);
	igt_assert_eq(vp_gpu_sees(scene, 0), VP_NEW);
}

/* Mapping for DMA brings caches and memory together, as dma_map_sg() does. */
static void write_before_map(void)
{
	int gpu = vp_open_noncoherent();
	uint32_t handle = vp_create(gpu, VP_SCENE_SIZE), word = 0;
	int dmabuf = vp_export(gpu, handle);
	uint32_t *map = vp_map_dmabuf(dmabuf, VP_SCENE_SIZE, RW);

	map[0] = VP_NEW;
	vp_peek(gpu, handle, 0, &word, sizeof(word));
	igt_assert_eq(word, VP_NEW);
	map[0] = VP_NEWER;
	vp_peek(gpu, handle, 0, &word, sizeof(word));
	igt_assert_eq(word, VP_NEW);
	vp_unmap(map, VP_SCENE_SIZE);
	close(dmabuf);
	close(gpu);
	vp_config_remove("odd");
}

static void read_without_sync(struct vp_scene *scene)
{
	static const uint64_t access[] = { VP_READ, VP_WRITE, VP_BOTH };
	uint32_t before = VP_OLD, without, with;

	for (uint32_t i = 0; i < VP_ARRAY_SIZE(access); i++) {
		vp_gpu_writes(scene, 0, VP_NEW + i);
		without = vp_cpu_sees(scene, 0);
		igt_assert_eq(vp_gpu_sees(scene, 0), VP_NEW + i);
		/* Any direction will do. */
		vp_sync_start(scene->dmabuf, access[i]);
		with = vp_cpu_sees(scene, 0);
		vp_sync_end(scene->dmabuf, access[i]);
		igt_info("GPU wrote %08x; CPU sees %08x without sync, %08x after it\n",
			 VP_NEW + i, without, with);
		igt_assert_eq(without, before);
		igt_assert_eq(with, VP_NEW + i);
		igt_assert_eq(vp_gpu_sees(scene, 0), VP_NEW + i);
		before = with;
	}
}

/* Nothing of a page is in the cache before the CPU's first touch, which fills it. */
static void read_first_touch(void)
{
	int gpu = vp_open_noncoherent();
	uint32_t handle = vp_create(gpu, VP_SCENE_SIZE), word = VP_NEW;
	int dmabuf = vp_export(gpu, handle);
	volatile uint32_t *map;

	vp_poke(gpu, handle, 0, &word, sizeof(word));
	map = vp_map_dmabuf(dmabuf, VP_SCENE_SIZE, RW);
	igt_assert_eq(map[0], VP_NEW);
	word = VP_NEWER;
	vp_poke(gpu, handle, 0, &word, sizeof(word));
	igt_assert_eq(map[0], VP_NEW);
	/* Mapped anew it is still there. */
	vp_unmap((void *)map, VP_SCENE_SIZE);
	map = vp_map_dmabuf(dmabuf, VP_SCENE_SIZE, RW);
	igt_assert_eq(map[0], VP_NEW);
	vp_sync_start(dmabuf, VP_READ);
	igt_assert_eq(map[0], VP_NEWER);
	vp_sync_end(dmabuf, VP_READ);
	vp_unmap((void *)map, VP_SCENE_SIZE);
	close(dmabuf);
	close(gpu);
	vp_config_remove("odd");
}

/* The beginning counts: what the GPU does later has to wait for the next. */
static void read_in_old_pair(struct vp_scene *scene)
{
	vp_sync_start(scene->dmabuf, VP_READ);
	vp_gpu_writes(scene, 0, VP_NEW);
	igt_assert_eq(vp_cpu_sees(scene, 0), VP_OLD);
	vp_sync_end(scene->dmabuf, VP_READ);
	igt_assert_eq(vp_cpu_sees(scene, 0), VP_OLD);
	vp_sync_start(scene->dmabuf, VP_READ);
	igt_assert_eq(vp_cpu_sees(scene, 0), VP_NEW);
	/* Within each other as well. */
	vp_gpu_writes(scene, 0, VP_NEWER);
	vp_sync_pair(scene, VP_READ);
	igt_assert_eq(vp_cpu_sees(scene, 0), VP_NEWER);
	vp_sync_end(scene->dmabuf, VP_READ);
}

/* A whole line, as one of the two sees it. */
static void assert_line(uint32_t (*sees)(const struct vp_scene *, size_t),
			const struct vp_scene *scene, size_t at, uint32_t word)
{
	igt_assert_eq(sees(scene, at), word);
	igt_assert_eq(sees(scene, at + VP_LINE - 4), word);
}

/* In one page, the CPU writes every other line, the GPU those between. */
static void lines(struct vp_scene *scene)
{
	for (size_t at = 0; at < VP_PAGE; at += 2 * VP_LINE) {
		vp_cpu_writes(scene, at, VP_NEW);
		vp_cpu_writes(scene, at + VP_LINE - 4, VP_NEW);
		vp_gpu_writes(scene, at + VP_LINE, VP_NEWER);
		vp_gpu_writes(scene, at + 2 * VP_LINE - 4, VP_NEWER);
	}
	for (size_t at = 0; at < VP_PAGE; at += 2 * VP_LINE) {
		assert_line(vp_gpu_sees, scene, at, VP_OLD);
		assert_line(vp_cpu_sees, scene, at + VP_LINE, VP_OLD);
	}
	vp_sync_start(scene->dmabuf, VP_BOTH);
	for (size_t at = 0; at < VP_PAGE; at += 2 * VP_LINE) {
		assert_line(vp_cpu_sees, scene, at, VP_NEW);
		assert_line(vp_cpu_sees, scene, at + VP_LINE, VP_NEWER);
		assert_line(vp_gpu_sees, scene, at, VP_OLD);
	}
	vp_sync_end(scene->dmabuf, VP_BOTH);
	for (size_t at = 0; at < VP_PAGE; at += 2 * VP_LINE) {
		assert_line(vp_gpu_sees, scene, at, VP_NEW);
		assert_line(vp_gpu_sees, scene, at + VP_LINE, VP_NEWER);
	}
	/* The page after it has not noticed. */
	igt_assert_eq(vp_cpu_sees(scene, VP_PAGE), VP_OLD);
	igt_assert_eq(vp_gpu_sees(scene, VP_PAGE), VP_OLD);
}

static void moved(struct vp_scene *scene)
{
	vp_differ(scene);
	igt_assert_eq(vp_try_move(scene->id), 0);
	igt_assert_eq(vp_try_move(scene->id), 0);
	vp_assert_all_there(scene);
	vp_assert_still_noncoherent(scene);
}

/* A part of a pair lies before the move, the rest behind it. */
static void moved_within_pair(struct vp_scene *scene)
{
	vp_sync_start(scene->dmabuf, VP_BOTH);
	vp_differ(scene);
	igt_assert_eq(vp_try_move(scene->id), 0);
	igt_assert_eq(vp_cpu_sees(scene, VP_CPUS), VP_NEW);
	vp_sync_end(scene->dmabuf, VP_BOTH);
	vp_assert_all_there(scene);
	vp_assert_still_noncoherent(scene);
}

static void unplugged(struct vp_scene *scene)
{
	int other = vp_open(1);
	struct vp_scene there = *scene;

	vp_differ(scene);
	vp_config_disable("odd");
	vp_assert_cpu_has_all(scene);
	there.gpu = other;
	there.handle = vp_import(other, scene->dmabuf);
	vp_assert_all_there(&there);
	close(other);
}

/* The GPU's last handle goes, and with it the difference. */
static void handle_closed(void)
{
	struct vp_scene scene = vp_scene_prepare(vp_open_noncoherent(), VP_SCENE_SIZE, VP_BY_FD);

	vp_differ(&scene);
	vp_close(scene.gpu, scene.handle);
	igt_assert_eq(vp_cpu_sees(&scene, VP_GPUS), VP_NEWER);
	vp_assert_cpu_has_all(&scene);
	scene.handle = vp_import(scene.gpu, scene.dmabuf);
	vp_assert_all_there(&scene);
	vp_assert_still_noncoherent(&scene);
	vp_scene_let_go(&scene);
	vp_config_remove("odd");
}

/* Another file of the same GPU has the same view of the memory. */
static void second_handle(void)
{
	struct vp_scene first = vp_scene_prepare(vp_open_noncoherent(), VP_SCENE_SIZE, VP_BY_FD), second;

	second = first;
	second.gpu = vp_open((unsigned int)vp_config_index("odd"));
	second.handle = vp_import(second.gpu, first.dmabuf);
	vp_differ(&first);
	igt_assert_eq(vp_gpu_sees(&second, VP_CPUS), VP_OLD);
	igt_assert_eq(vp_gpu_sees(&second, VP_GPUS), VP_NEWER);
	close(first.gpu);
	igt_assert_eq(vp_gpu_sees(&second, VP_CPUS), VP_OLD);
	vp_assert_all_there(&second);
	vp_assert_still_noncoherent(&second);
	vp_scene_let_go(&second);
	vp_config_remove("odd");
}

static void control(void)
{
	for (enum vp_way way = 0; way < VP_WAYS; way++) {
		struct vp_scene scene = vp_scene_prepare(vp_open(1), VP_SCENE_SIZE, way);

		igt_assert_eq(vp_param(scene.gpu, DRM_VPRIME_PARAM_COHERENT),
			      1);
		vp_cpu_writes(&scene, 0, VP_NEW);
		igt_assert_eq(vp_gpu_sees(&scene, 0), VP_NEW);
		vp_gpu_writes(&scene, VP_LINE, VP_NEWER);
		igt_assert_eq(vp_cpu_sees(&scene, VP_LINE), VP_NEWER);
		vp_scene_let_go(&scene);
	}
}

/* The GPU reads into, and writes from, a mapping of the buffer it works on. */
static void onto_itself(struct vp_scene *scene)
{
	char *fresh = vp_map_dmabuf(scene->dmabuf, VP_SCENE_SIZE, RW);

	vp_gpu_writes(scene, 0, VP_NEW);
	vp_sync_start(scene->dmabuf, VP_BOTH);
	vp_peek(scene->gpu, scene->handle, 0, fresh + VP_PAGE, VP_PAGE);
	vp_sync_end(scene->dmabuf, VP_BOTH);
	igt_assert_eq(vp_cpu_sees(scene, VP_PAGE), VP_NEW);
	igt_assert_eq(vp_gpu_sees(scene, VP_PAGE), VP_NEW);
	vp_unmap(fresh, VP_SCENE_SIZE);
	fresh = vp_map_dmabuf(scene->dmabuf, VP_SCENE_SIZE, RW);
	vp_poke(scene->gpu, scene->handle, 2 * VP_PAGE, fresh + VP_PAGE,
		VP_PAGE);
	igt_assert_eq(vp_gpu_sees(scene, 2 * VP_PAGE), VP_NEW);
	vp_unmap(fresh, VP_SCENE_SIZE);
}

/* Whole buffers one way and the other, first without a sync, then with one. */
static void whole_buffer(size_t size)
{
	struct vp_scene scene = vp_scene_prepare(vp_open_noncoherent(), size, VP_BY_FD);
	uint32_t *pixels = malloc(size);

	igt_assert(pixels);
	vp_fill(scene.map, size, 1);
	vp_peek(scene.gpu, scene.handle, 0, pixels, size);
	for (size_t i = 0; i < size / sizeof(*pixels); i++)
		igt_assert_eq(pixels[i], VP_OLD);
	vp_sync_pair(&scene, VP_WRITE);
	vp_peek(scene.gpu, scene.handle, 0, pixels, size);
	vp_assert_pattern(pixels, size, 1);

	vp_fill(pixels, size, 2);
	vp_poke(scene.gpu, scene.handle, 0, pixels, size);
	vp_assert_pattern(scene.map, size, 1);
	vp_sync_pair(&scene, VP_READ);
	vp_assert_pattern(scene.map, size, 2);
	free(pixels);
	vp_scene_let_go(&scene);
	vp_config_remove("odd");
}

static void bug_subtests(void)
{
	igt_describe("What the CPU wrote outside a pair is not seen by the GPU before the next one");
	vp_subtest("write-without-sync")
		vp_all_ways(write_without_sync);

	igt_describe("What the CPU wrote in a pair is seen by the GPU from its end on");
	vp_subtest("write-with-sync")
		vp_all_ways(write_with_sync);

	igt_describe("A pair that only reads shows nothing to the GPU, and loses nothing");
	vp_subtest("write-in-read-pair")
		vp_all_ways(write_in_read_pair);

	igt_describe("The flags of the END decide whether the GPU sees what was written, not those of the START");
	vp_subtest("end-decides")
		vp_all_ways(end_decides);

	igt_describe("A process that is killed in a pair has ended it, and the GPU sees what was written");
	vp_subtest("killed-in-pair")
		vp_all_ways(killed_in_pair);

	igt_describe("What the CPU wrote before the GPU mapped the buffer is seen");
	vp_subtest("write-before-map")
		write_before_map();

	igt_describe("What the GPU wrote is not seen by the CPU before the next beginning");
	vp_subtest("read-without-sync")
		vp_all_ways(read_without_sync);

	igt_describe("A page shows what is in memory at the CPU's first touch, and hides what the GPU writes after it");
	vp_subtest("read-first-touch")
		read_first_touch();

	igt_describe("What the GPU writes during a pair is seen in the next one");
	vp_subtest("read-in-old-pair")
		vp_all_ways(read_in_old_pair);

	igt_describe("Lines of 64 bytes that the two write in turn do not hide each other");
	vp_subtest("lines")
		vp_all_ways(lines);

	igt_describe("A GPU with coherent=1 and the CPU see everything at once");
	vp_subtest("coherent-control")
		control();
}

/* What missing-sync shows on a GPU, and its exit status. */
static void run_missing_sync(const char *settings, const char *option,
			     const char *second)
{
	unsigned int gpu = vp_config_plug("some", settings);
	char node[300], wanted[128];
	struct vp_ran ran;

	igt_assert_eq(vp_node_path(gpu, VP_RENDER, node, sizeof(node)), 0);
	ran = option ? vp_run_words(NULL, "missing-sync", option, node) :
		       vp_run_words(NULL, "missing-sync", node);
	snprintf(wanted, sizeof(wanted),
		 "CPU drew 'first frame', GPU sees 'first frame'\n"
		 "CPU drew 'second frame', GPU sees '%s'\n", second);
	igt_assert_f(!strcmp(ran.out, wanted), "%s, %s: %s", settings,
		     option ? option : "no option", ran.out);
	igt_assert(!*ran.err);
	igt_assert_eq(ran.status, strcmp(second, "second frame") != 0);
	vp_ran_free(&ran);
	vp_config_remove("some");
}

static void missing_sync(void)
{
	run_missing_sync("", NULL, "second frame");
	run_missing_sync("", "--sync", "second frame");
	run_missing_sync("coherent=0", NULL, "first frame");
	run_missing_sync("coherent=0", "--sync", "second frame");
	run_missing_sync("coherent=0 dma_bits=32", NULL, "first frame");
	run_missing_sync("coherent=0 dma_bits=32", "--sync", "second frame");
}

static void lost_subtests(void)
{
	igt_describe("A move loses nothing of what either side has not shown");
	vp_subtest("moved")
		vp_all_ways(moved);

	igt_describe("A move within a pair");
	vp_subtest("moved-within-pair")
		vp_all_ways(moved_within_pair);

	igt_describe("Unplugging the GPU loses nothing");
	vp_subtest("unplugged")
		vp_all_ways(unplugged);

	igt_describe("Closing the GPU's handle loses nothing");
	vp_subtest("handle-closed")
		handle_closed();

	igt_describe("A second file of the GPU sees what the first does, and outlives it");
	vp_subtest("second-handle")
		second_handle();
}

igt_main
{
	bug_subtests();

	lost_subtests();

	igt_describe("A program gives the GPU a mapping of the very buffer to read into and write from");
	vp_subtest("onto-itself")
		vp_all_ways(onto_itself);

	igt_describe("The program missing-sync shows its bug with coherent=0, and only there and without --sync");
	vp_subtest("missing-sync")
		missing_sync();

	igt_describe("Every pixel of a page less than 2 MiB");
	vp_subtest("size-2-mib-less-a-page")
		whole_buffer(2 * VP_MIB - VP_PAGE);

	igt_describe("Every pixel of 6 MiB and a page: huge pages and a small one");
	vp_subtest("size-6-mib-and-a-page")
		whole_buffer(6 * VP_MIB + VP_PAGE);
}
