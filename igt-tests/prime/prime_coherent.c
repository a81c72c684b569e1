// SPDX-License-Identifier: GPL-2.0-only
/*
 * GPUs that do not snoop the CPU's caches, coherent=0: a DMA_BUF_IOCTL_SYNC
 * that was left out is seen in the pixels, and nothing else ever is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_foreign.h"
#include "vp_program.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("CPU and GPUs without a common view of memory");

#define SIZE	(4 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)
#define LINE	64		/* bytes, of a cache */
#define READ	DMA_BUF_SYNC_READ
#define WRITE	DMA_BUF_SYNC_WRITE
#define BOTH	DMA_BUF_SYNC_RW
#define OLD	0x11111111u
#define NEW	0x22222222u
#define NEWER	0x33333333u

/* Ways of the CPU to a buffer: of the GPU that made it, or that imports it. */
enum way {
	BY_HANDLE,
	BY_FD,
	BY_IMPORT,
	WAYS
};

/* A buffer full of OLD, which a GPU and the CPU have mapped. */
struct scene {
	int gpu;
	uint32_t handle;
	int dmabuf;
	uint64_t id;
	size_t size;
	char *map;
};

static void cpu_writes(const struct scene *scene, size_t offset, uint32_t word)
{
	*(volatile uint32_t *)(scene->map + offset) = word;
}

static uint32_t cpu_sees(const struct scene *scene, size_t offset)
{
	return *(volatile uint32_t *)(scene->map + offset);
}

static uint32_t gpu_sees(const struct scene *scene, size_t offset)
{
	uint32_t word = 0;

	vp_peek(scene->gpu, scene->handle, offset, &word, sizeof(word));
	return word;
}

static void gpu_writes(const struct scene *scene, size_t offset, uint32_t word)
{
	vp_poke(scene->gpu, scene->handle, offset, &word, sizeof(word));
}

static void sync_pair(const struct scene *scene, uint64_t access)
{
	vp_sync_start(scene->dmabuf, access);
	vp_sync_end(scene->dmabuf, access);
}

static struct scene prepare(int gpu, size_t size, enum way way)
{
	struct scene scene = { .gpu = gpu, .size = size };
	int maker = way == BY_IMPORT ? vp_open(0) : gpu;

	scene.handle = vp_create(maker, size);
	scene.dmabuf = vp_export(maker, scene.handle);
	if (way == BY_IMPORT) {
		scene.handle = vp_import(gpu, scene.dmabuf);
		close(maker);
	}
	scene.id = vp_id(gpu, scene.handle);
	scene.map = way == BY_FD ? vp_map_dmabuf(scene.dmabuf, size, RW) :
				   vp_map(gpu, scene.handle, size, RW);
	vp_sync_start(scene.dmabuf, WRITE);
	for (size_t at = 0; at < size; at += sizeof(uint32_t))
		cpu_writes(&scene, at, OLD);
	vp_sync_end(scene.dmabuf, WRITE);
	/* From here on the GPU has it mapped. */
	igt_assert_eq(gpu_sees(&scene, 0), OLD);
	return scene;
}

static void let_go(struct scene *scene)
{
	vp_unmap(scene->map, scene->size);
	close(scene->dmabuf);
	close(scene->gpu);
}

static int open_noncoherent(void)
{
	int gpu = vp_config_open("odd", "coherent=0");

	igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_COHERENT), 0);
	return gpu;
}

/* With a GPU of coherent=0 and each of the CPU's ways to its buffer. */
static void all_ways(void (*test)(struct scene *scene))
{
	for (enum way way = 0; way < WAYS; way++) {
		struct scene scene = prepare(open_noncoherent(), SIZE, way);

		test(&scene);
		let_go(&scene);
		vp_config_remove("odd");
	}
}

static void write_without_sync(struct scene *scene)
{
	uint32_t without, with;

	cpu_writes(scene, 0, NEW);
	cpu_writes(scene, SIZE - 4, NEW);
	without = gpu_sees(scene, 0);
	igt_assert_eq(gpu_sees(scene, SIZE - 4), OLD);
	sync_pair(scene, WRITE);
	with = gpu_sees(scene, 0);
	igt_info("CPU wrote %08x; GPU sees %08x without sync, %08x after it\n",
		 NEW, without, with);
	igt_assert_eq(without, OLD);
	igt_assert_eq(with, NEW);
	igt_assert_eq(gpu_sees(scene, SIZE - 4), NEW);
}

static void write_with_sync(struct scene *scene)
{
	static const uint64_t access[] = { WRITE, BOTH };

	for (uint32_t i = 0; i < VP_ARRAY_SIZE(access); i++) {
		vp_sync_start(scene->dmabuf, access[i]);
		cpu_writes(scene, 0, NEW + i);
		/* Still on its way: the CPU has not said that it is done. */
		igt_assert_neq(gpu_sees(scene, 0), NEW + i);
		vp_sync_end(scene->dmabuf, access[i]);
		igt_assert_eq(gpu_sees(scene, 0), NEW + i);
	}
}

/* Who says that he only reads has nothing to show to the GPU. */
static void write_in_read_pair(struct scene *scene)
{
	vp_sync_start(scene->dmabuf, READ);
	cpu_writes(scene, 0, NEW);
	vp_sync_end(scene->dmabuf, READ);
	igt_assert_eq(gpu_sees(scene, 0), OLD);
	/* It is not lost either: the CPU still has it, in its cache. */
	igt_assert_eq(cpu_sees(scene, 0), NEW);
	sync_pair(scene, WRITE);
	igt_assert_eq(gpu_sees(scene, 0), NEW);
}

/*
 * Who dies in a pair has ended it: as a writer, when somebody looks at the buffer,
 * and with all that the CPU has written up to then.
 */
static void killed_in_pair(struct scene *scene)
{
	pid_t child = vp_start_access("doomed", scene->dmabuf, READ, 1);

	cpu_writes(scene, 0, NEW);
	vp_kill(child);
	igt_assert_eq(vp_watch(scene->id)->cpu_open, 0);
	igt_assert_eq(gpu_sees(scene, 0), OLD);

	child = vp_start_access("doomed", scene->dmabuf, WRITE, 2);
	igt_assert_eq(vp_watch(scene->id)->cpu_open, 1);
	igt_assert_eq(gpu_sees(scene, 0), OLD);
	vp_kill(child);
	igt_assert_eq(vp_watch(scene->id)->cpu_open, 0);
	igt_assert_eq(gpu_sees(scene, 0), NEW);
}

/* Mapping for DMA brings caches and memory together, as dma_map_sg() does. */
static void write_before_map(void)
{
	int gpu = open_noncoherent();
	uint32_t handle = vp_create(gpu, SIZE), word = 0;
	uint32_t *map = vp_map(gpu, handle, SIZE, RW);

	map[0] = NEW;
	vp_peek(gpu, handle, 0, &word, sizeof(word));
	igt_assert_eq(word, NEW);
	map[0] = NEWER;
	vp_peek(gpu, handle, 0, &word, sizeof(word));
	igt_assert_eq(word, NEW);
	vp_unmap(map, SIZE);
	close(gpu);
	vp_config_remove("odd");
}

static void read_without_sync(struct scene *scene)
{
	static const uint64_t access[] = { READ, WRITE, BOTH };
	uint32_t before = OLD, without, with;

	for (uint32_t i = 0; i < VP_ARRAY_SIZE(access); i++) {
		gpu_writes(scene, 0, NEW + i);
		without = cpu_sees(scene, 0);
		igt_assert_eq(gpu_sees(scene, 0), NEW + i);
		/* Any direction will do. */
		vp_sync_start(scene->dmabuf, access[i]);
		with = cpu_sees(scene, 0);
		vp_sync_end(scene->dmabuf, access[i]);
		igt_info("GPU wrote %08x; CPU sees %08x without sync, %08x after it\n",
			 NEW + i, without, with);
		igt_assert_eq(without, before);
		igt_assert_eq(with, NEW + i);
		igt_assert_eq(gpu_sees(scene, 0), NEW + i);
		before = with;
	}
}

/* What the CPU has never looked at is no exception. */
static void read_first_touch(void)
{
	int gpu = open_noncoherent();
	uint32_t handle = vp_create(gpu, SIZE), word = NEW;
	int dmabuf = vp_export(gpu, handle);
	uint32_t *map;

	vp_poke(gpu, handle, 0, &word, sizeof(word));
	map = vp_map_dmabuf(dmabuf, SIZE, RW);
	igt_assert_eq(map[0], 0);
	vp_sync_start(dmabuf, READ);
	igt_assert_eq(*(volatile uint32_t *)map, NEW);
	vp_sync_end(dmabuf, READ);
	vp_unmap(map, SIZE);
	close(dmabuf);
	close(gpu);
	vp_config_remove("odd");
}

/* The beginning counts: what the GPU does later has to wait for the next. */
static void read_in_old_pair(struct scene *scene)
{
	vp_sync_start(scene->dmabuf, READ);
	gpu_writes(scene, 0, NEW);
	igt_assert_eq(cpu_sees(scene, 0), OLD);
	vp_sync_end(scene->dmabuf, READ);
	igt_assert_eq(cpu_sees(scene, 0), OLD);
	vp_sync_start(scene->dmabuf, READ);
	igt_assert_eq(cpu_sees(scene, 0), NEW);
	/* Within each other as well. */
	gpu_writes(scene, 0, NEWER);
	sync_pair(scene, READ);
	igt_assert_eq(cpu_sees(scene, 0), NEWER);
	vp_sync_end(scene->dmabuf, READ);
}

/* A whole line, as one of the two sees it. */
static void assert_line(uint32_t (*sees)(const struct scene *, size_t),
			const struct scene *scene, size_t at, uint32_t word)
{
	igt_assert_eq(sees(scene, at), word);
	igt_assert_eq(sees(scene, at + LINE - 4), word);
}

/* In one page, the CPU writes every other line, the GPU those between. */
static void lines(struct scene *scene)
{
	for (size_t at = 0; at < VP_PAGE; at += 2 * LINE) {
		cpu_writes(scene, at, NEW);
		cpu_writes(scene, at + LINE - 4, NEW);
		gpu_writes(scene, at + LINE, NEWER);
		gpu_writes(scene, at + 2 * LINE - 4, NEWER);
	}
	for (size_t at = 0; at < VP_PAGE; at += 2 * LINE) {
		assert_line(gpu_sees, scene, at, OLD);
		assert_line(cpu_sees, scene, at + LINE, OLD);
	}
	vp_sync_start(scene->dmabuf, BOTH);
	for (size_t at = 0; at < VP_PAGE; at += 2 * LINE) {
		assert_line(cpu_sees, scene, at, NEW);
		assert_line(cpu_sees, scene, at + LINE, NEWER);
		assert_line(gpu_sees, scene, at, OLD);
	}
	vp_sync_end(scene->dmabuf, BOTH);
	for (size_t at = 0; at < VP_PAGE; at += 2 * LINE) {
		assert_line(gpu_sees, scene, at, NEW);
		assert_line(gpu_sees, scene, at + LINE, NEWER);
	}
	/* The page after it has not noticed. */
	igt_assert_eq(cpu_sees(scene, VP_PAGE), OLD);
	igt_assert_eq(gpu_sees(scene, VP_PAGE), OLD);
}

/* Each side has written a line that the other has not been shown. */
#define CPUS	0		/* where */
#define GPUS	(VP_PAGE + LINE)

static void differ(const struct scene *scene)
{
	cpu_writes(scene, CPUS, NEW);
	gpu_writes(scene, GPUS, NEWER);
	igt_assert_eq(gpu_sees(scene, CPUS), OLD);
	igt_assert_eq(cpu_sees(scene, GPUS), OLD);
}

static void assert_cpu_has_all(const struct scene *scene)
{
	igt_assert_eq(cpu_sees(scene, CPUS), NEW);
	vp_sync_start(scene->dmabuf, BOTH);
	igt_assert_eq(cpu_sees(scene, CPUS), NEW);
	igt_assert_eq(cpu_sees(scene, GPUS), NEWER);
	vp_sync_end(scene->dmabuf, BOTH);
	igt_assert_eq(cpu_sees(scene, LINE), OLD);
	igt_assert_eq(cpu_sees(scene, SIZE - 4), OLD);
}

static void assert_all_there(const struct scene *scene)
{
	assert_cpu_has_all(scene);
	igt_assert_eq(gpu_sees(scene, CPUS), NEW);
	igt_assert_eq(gpu_sees(scene, GPUS), NEWER);
	igt_assert_eq(gpu_sees(scene, LINE), OLD);
	igt_assert_eq(gpu_sees(scene, SIZE - 4), OLD);
}

/* The bug is there, and the whole of it, after what was done to the buffer. */
static void assert_still_noncoherent(const struct scene *scene)
{
	cpu_writes(scene, CPUS, OLD);
	igt_assert_eq(gpu_sees(scene, CPUS), NEW);
	gpu_writes(scene, GPUS, OLD);
	igt_assert_eq(cpu_sees(scene, GPUS), NEWER);
	sync_pair(scene, BOTH);
	igt_assert_eq(gpu_sees(scene, CPUS), OLD);
	igt_assert_eq(cpu_sees(scene, GPUS), OLD);
}

static void moved(struct scene *scene)
{
	differ(scene);
	igt_assert_eq(vp_try_move(scene->id), 0);
	igt_assert_eq(vp_try_move(scene->id), 0);
	assert_all_there(scene);
	assert_still_noncoherent(scene);
}

/* A part of a pair lies before the move, the rest behind it. */
static void moved_within_pair(struct scene *scene)
{
	vp_sync_start(scene->dmabuf, BOTH);
	differ(scene);
	igt_assert_eq(vp_try_move(scene->id), 0);
	igt_assert_eq(cpu_sees(scene, CPUS), NEW);
	vp_sync_end(scene->dmabuf, BOTH);
	assert_all_there(scene);
	assert_still_noncoherent(scene);
}

static void unplugged(struct scene *scene)
{
	int other = vp_open(1);
	struct scene there = *scene;

	differ(scene);
	vp_config_disable("odd");
	assert_cpu_has_all(scene);
	there.gpu = other;
	there.handle = vp_import(other, scene->dmabuf);
	assert_all_there(&there);
	close(other);
}

/* The GPU's last handle goes, and with it its mapping. */
static void handle_closed(void)
{
	struct scene scene = prepare(open_noncoherent(), SIZE, BY_FD);

	differ(&scene);
	vp_close(scene.gpu, scene.handle);
	assert_cpu_has_all(&scene);
	scene.handle = vp_import(scene.gpu, scene.dmabuf);
	assert_all_there(&scene);
	assert_still_noncoherent(&scene);
	let_go(&scene);
	vp_config_remove("odd");
}

/* Another file of the same GPU has the same view of the memory. */
static void second_handle(void)
{
	struct scene first = prepare(open_noncoherent(), SIZE, BY_FD), second;

	second = first;
	second.gpu = vp_open((unsigned int)vp_config_index("odd"));
	second.handle = vp_import(second.gpu, first.dmabuf);
	differ(&first);
	igt_assert_eq(gpu_sees(&second, CPUS), OLD);
	igt_assert_eq(gpu_sees(&second, GPUS), NEWER);
	close(first.gpu);
	igt_assert_eq(gpu_sees(&second, CPUS), OLD);
	assert_all_there(&second);
	assert_still_noncoherent(&second);
	let_go(&second);
	vp_config_remove("odd");
}

/* A foreign device is coherent, so while it has the buffer mapped all are. */
static void foreign_importer(struct scene *scene)
{
	int foreign = vp_foreign_open();

	differ(scene);
	vp_foreign_hold(foreign, scene->dmabuf);
	assert_all_there(scene);
	cpu_writes(scene, 2 * LINE, NEW);
	igt_assert_eq(gpu_sees(scene, 2 * LINE), NEW);
	gpu_writes(scene, 3 * LINE, NEWER);
	igt_assert_eq(cpu_sees(scene, 3 * LINE), NEWER);
	close(foreign);
	/* It has gone, and nothing with it. */
	assert_all_there(scene);
	igt_assert_eq(gpu_sees(scene, 2 * LINE), NEW);
	igt_assert_eq(cpu_sees(scene, 3 * LINE), NEWER);
	assert_still_noncoherent(scene);
}

/* What was written while nobody needed a sync was seen, or is from then on. */
static void foreign_importer_gone(struct scene *scene)
{
	int foreign = vp_foreign_open();

	vp_foreign_hold(foreign, scene->dmabuf);
	cpu_writes(scene, CPUS, NEW);
	gpu_writes(scene, GPUS, NEWER);
	close(foreign);
	igt_assert_eq(cpu_sees(scene, GPUS), NEWER);
	igt_assert_eq(gpu_sees(scene, CPUS), NEW);
	assert_still_noncoherent(scene);
}

static void two_noncoherent(void)
{
	struct scene one = prepare(open_noncoherent(), SIZE, BY_FD), two = one;

	two.gpu = vp_config_open("even", "coherent=0");
	two.handle = vp_import(two.gpu, one.dmabuf);
	igt_assert_eq(gpu_sees(&two, 0), OLD);
	gpu_writes(&one, 0, NEW);
	igt_assert_eq(gpu_sees(&two, 0), NEW);
	gpu_writes(&two, 0, NEWER);
	igt_assert_eq(gpu_sees(&one, 0), NEWER);
	/* The CPU has seen nothing of it, and neither sees the CPU. */
	igt_assert_eq(cpu_sees(&one, 0), OLD);
	cpu_writes(&one, LINE, NEW);
	igt_assert_eq(gpu_sees(&one, LINE), OLD);
	igt_assert_eq(gpu_sees(&two, LINE), OLD);
	sync_pair(&one, BOTH);
	igt_assert_eq(cpu_sees(&one, 0), NEWER);
	igt_assert_eq(gpu_sees(&one, LINE), NEW);
	igt_assert_eq(gpu_sees(&two, LINE), NEW);
	/* One goes with what only GPUs have seen; the other one has it. */
	gpu_writes(&one, 2 * LINE, NEW);
	close(two.gpu);
	vp_config_remove("even");
	igt_assert_eq(gpu_sees(&one, 2 * LINE), NEW);
	sync_pair(&one, READ);
	igt_assert_eq(cpu_sees(&one, 2 * LINE), NEW);
	let_go(&one);
	vp_config_remove("odd");
}

/* Mapping for one more brings what the CPU has written to all that see as it does. */
static void second_maps(void)
{
	struct scene one = prepare(open_noncoherent(), SIZE, BY_FD), two = one;

	two.gpu = vp_config_open("even", "coherent=0");
	two.handle = vp_import(two.gpu, one.dmabuf);
	cpu_writes(&one, 0, NEW);
	gpu_writes(&one, LINE, NEWER);
	igt_assert_eq(gpu_sees(&one, 0), OLD);
	igt_assert_eq(gpu_sees(&two, 0), NEW);
	igt_assert_eq(gpu_sees(&one, 0), NEW);
	/* And nothing from a GPU to the CPU. */
	igt_assert_eq(gpu_sees(&two, LINE), NEWER);
	igt_assert_eq(cpu_sees(&one, LINE), OLD);
	close(two.gpu);
	vp_config_remove("even");
	let_go(&one);
	vp_config_remove("odd");
}

static void mixed(void)
{
	struct scene odd = prepare(open_noncoherent(), SIZE, BY_FD), even = odd;

	even.gpu = vp_open(0);
	even.handle = vp_import(even.gpu, odd.dmabuf);
	igt_assert_eq(gpu_sees(&even, 0), OLD);
	gpu_writes(&odd, 0, NEW);
	igt_assert_eq(gpu_sees(&even, 0), NEW);
	gpu_writes(&even, 0, NEWER);
	igt_assert_eq(gpu_sees(&odd, 0), NEWER);
	sync_pair(&odd, READ);
	igt_assert_eq(cpu_sees(&odd, 0), NEWER);
	/* What the CPU wrote is seen at once by the one that snoops. */
	cpu_writes(&odd, 2 * LINE, NEW);
	igt_assert_eq(gpu_sees(&odd, 2 * LINE), OLD);
	igt_assert_eq(gpu_sees(&even, 2 * LINE), NEW);
	igt_assert_eq(gpu_sees(&odd, 2 * LINE), OLD);
	/* And what that one writes by the CPU. */
	gpu_writes(&even, 4 * LINE, NEW);
	igt_assert_eq(cpu_sees(&odd, 4 * LINE), NEW);
	igt_assert_eq(gpu_sees(&odd, 4 * LINE), NEW);
	sync_pair(&odd, BOTH);
	igt_assert_eq(gpu_sees(&odd, 2 * LINE), NEW);
	close(even.gpu);
	let_go(&odd);
	vp_config_remove("odd");
}

static void control(void)
{
	for (enum way way = 0; way < WAYS; way++) {
		struct scene scene = prepare(vp_open(1), SIZE, way);

		igt_assert_eq(vp_param(scene.gpu, DRM_VPRIME_PARAM_COHERENT),
			      1);
		cpu_writes(&scene, 0, NEW);
		igt_assert_eq(gpu_sees(&scene, 0), NEW);
		gpu_writes(&scene, LINE, NEWER);
		igt_assert_eq(cpu_sees(&scene, LINE), NEWER);
		let_go(&scene);
	}
}

/* Another driver's memory has no second view: everything is seen at once. */
static void foreign_memory(void)
{
	int gpu = open_noncoherent(), vgem;
	struct scene scene = { .gpu = gpu };
	struct vp_dumb dumb;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	scene.dmabuf = vp_export(vgem, dumb.handle);
	scene.handle = vp_import(gpu, scene.dmabuf);
	scene.size = dumb.size;
	scene.map = vp_map_dumb(vgem, dumb.handle, dumb.size);
	cpu_writes(&scene, 0, OLD);
	igt_assert_eq(gpu_sees(&scene, 0), OLD);
	cpu_writes(&scene, 0, NEW);
	igt_assert_eq(gpu_sees(&scene, 0), NEW);
	gpu_writes(&scene, 0, NEWER);
	igt_assert_eq(cpu_sees(&scene, 0), NEWER);
	let_go(&scene);
	close(vgem);
	vp_config_remove("odd");
}

/* The GPU reads into, and writes from, a mapping of the buffer it works on. */
static void onto_itself(struct scene *scene)
{
	char *fresh = vp_map_dmabuf(scene->dmabuf, SIZE, RW);

	gpu_writes(scene, 0, NEW);
	vp_sync_start(scene->dmabuf, BOTH);
	vp_peek(scene->gpu, scene->handle, 0, fresh + VP_PAGE, VP_PAGE);
	vp_sync_end(scene->dmabuf, BOTH);
	igt_assert_eq(cpu_sees(scene, VP_PAGE), NEW);
	igt_assert_eq(gpu_sees(scene, VP_PAGE), NEW);
	vp_unmap(fresh, SIZE);
	fresh = vp_map_dmabuf(scene->dmabuf, SIZE, RW);
	vp_poke(scene->gpu, scene->handle, 2 * VP_PAGE, fresh + VP_PAGE,
		VP_PAGE);
	igt_assert_eq(gpu_sees(scene, 2 * VP_PAGE), NEW);
	vp_unmap(fresh, SIZE);
}

/* Whole buffers one way and the other, first without a sync, then with one. */
static void whole_buffer(size_t size)
{
	struct scene scene = prepare(open_noncoherent(), size, BY_HANDLE);
	uint32_t *pixels = malloc(size);

	igt_assert(pixels);
	vp_fill(scene.map, size, 1);
	vp_peek(scene.gpu, scene.handle, 0, pixels, size);
	for (size_t i = 0; i < size / sizeof(*pixels); i++)
		igt_assert_eq(pixels[i], OLD);
	sync_pair(&scene, WRITE);
	vp_peek(scene.gpu, scene.handle, 0, pixels, size);
	vp_assert_pattern(pixels, size, 1);

	vp_fill(pixels, size, 2);
	vp_poke(scene.gpu, scene.handle, 0, pixels, size);
	vp_assert_pattern(scene.map, size, 1);
	sync_pair(&scene, READ);
	vp_assert_pattern(scene.map, size, 2);
	free(pixels);
	let_go(&scene);
	vp_config_remove("odd");
}

static void bug_subtests(void)
{
	igt_describe("What the CPU wrote outside a pair is not seen by the GPU before the next one");
	vp_subtest("write-without-sync")
		all_ways(write_without_sync);

	igt_describe("What the CPU wrote in a pair is seen by the GPU from its end on");
	vp_subtest("write-with-sync")
		all_ways(write_with_sync);

	igt_describe("A pair that only reads shows nothing to the GPU, and loses nothing");
	vp_subtest("write-in-read-pair")
		all_ways(write_in_read_pair);

	igt_describe("Who is killed in a pair has ended it, and the GPU sees what was written");
	vp_subtest("killed-in-pair")
		all_ways(killed_in_pair);

	igt_describe("What the CPU wrote before the GPU mapped the buffer is seen");
	vp_subtest("write-before-map")
		write_before_map();

	igt_describe("What the GPU wrote is not seen by the CPU before the next beginning");
	vp_subtest("read-without-sync")
		all_ways(read_without_sync);

	igt_describe("A page that the CPU has not touched before hides what the GPU wrote as well");
	vp_subtest("read-first-touch")
		read_first_touch();

	igt_describe("What the GPU writes during a pair is seen in the next one");
	vp_subtest("read-in-old-pair")
		all_ways(read_in_old_pair);

	igt_describe("Lines of 64 bytes that the two write in turn do not hide each other");
	vp_subtest("lines")
		all_ways(lines);

	igt_describe("A GPU with coherent=1 and the CPU see everything at once");
	vp_subtest("coherent-control")
		control();
}

/* What the program of the README shows on a GPU, and its exit status. */
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
		all_ways(moved);

	igt_describe("A move within a pair");
	vp_subtest("moved-within-pair")
		all_ways(moved_within_pair);

	igt_describe("Unplugging the GPU loses nothing");
	vp_subtest("unplugged")
		all_ways(unplugged);

	igt_describe("Closing the GPU's handle loses nothing");
	vp_subtest("handle-closed")
		handle_closed();

	igt_describe("A second file of the GPU sees what the first does, and outlives it");
	vp_subtest("second-handle")
		second_handle();

	igt_describe("While another driver has the buffer mapped nobody needs a sync; before and after, all is kept");
	vp_subtest("foreign-importer")
		all_ways(foreign_importer);

	igt_describe("What was written while another driver had it mapped is there when that is gone");
	vp_subtest("foreign-importer-gone")
		all_ways(foreign_importer_gone);
}

igt_main
{
	bug_subtests();

	igt_describe("Two GPUs with coherent=0 see each other without the CPU's doing");
	vp_subtest("two-noncoherent")
		two_noncoherent();

	igt_describe("A second GPU with coherent=0 maps the buffer, and both see what the CPU had written");
	vp_subtest("second-maps")
		second_maps();

	igt_describe("A GPU that snoops and one that does not see each other without the CPU's doing");
	vp_subtest("mixed")
		mixed();

	lost_subtests();

	igt_describe("Another driver's memory, which CPU and GPU see alike");
	vp_subtest("foreign-memory")
		foreign_memory();

	igt_describe("A program gives the GPU a mapping of the very buffer to read into and write from");
	vp_subtest("onto-itself")
		all_ways(onto_itself);

	igt_describe("The program missing-sync shows its bug with coherent=0, and only there and without --sync");
	vp_subtest("missing-sync")
		missing_sync();

	igt_describe("Every pixel of a page less than 2 MiB");
	vp_subtest("size-2-mib-less-a-page")
		whole_buffer(2 * VP_MIB - VP_PAGE);

	igt_describe("Every pixel of 6 MiB and a page: huge pages and a small one");
	vp_subtest("size-6-mib-and-a-page")
		whole_buffer(6 * VP_MIB + VP_PAGE);

	igt_fixture {
		vp_foreign_unload();
		vp_unload_foreign("vgem");
	}
}
