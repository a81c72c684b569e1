// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many at one buffer at the same moment, one of them letting go of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_duel.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Imports, exports, closes and unplugging at the same time");

#define SIZE	(2 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)
#define ROUNDS	300

/* What the duel's thread works on: it imports into a GPU, or exports from it. */
struct race {
	struct vp_duel *duel;
	int gpu;		/* of the thread */
	int dmabuf;
	uint32_t handle;
	int ret;
};

static void import(void *data)
{
	struct race *race = data;

	race->ret = vp_try_import(race->gpu, race->dmabuf, &race->handle);
}

static void export(void *data)
{
	struct race *race = data;

	race->ret = vp_try_export(race->gpu, race->handle,
				  DRM_CLOEXEC | DRM_RDWR);
}

/* On the heap, for the thread lives on when an assertion ends the subtest. */
static struct race *start_race(void (*work)(void *data), int gpu)
{
	struct race *race = calloc(1, sizeof(*race));

	igt_assert(race);
	race->gpu = gpu;
	race->duel = vp_duel_start(work, race);
	return race;
}

static void end_race(struct race *race)
{
	vp_duel_end(race->duel);
	close(race->gpu);
	free(race);
}

static void check_imported(struct race *race, uint32_t seed)
{
	void *map = vp_map(race->gpu, race->handle, SIZE, RW);

	vp_assert_pattern(map, SIZE, seed);
	vp_unmap(map, SIZE);
	vp_close(race->gpu, race->handle);
}

/*
 * The importer's own descriptor is good, whatever the exporter does. When both
 * are of the same GPU, its view of the buffer dies just when it is wanted.
 */
static void exporter_closes(unsigned int importer, bool closes_file)
{
	int exporter = vp_open(0), dmabuf;
	struct race *race = start_race(import, vp_open(importer));

	for (int round = 1; round <= ROUNDS; round++) {
		uint32_t handle = vp_create_filled(exporter, SIZE,
						   (uint32_t)round);

		dmabuf = vp_export(exporter, handle);
		race->dmabuf = dup(dmabuf);
		vp_duel_part(race->duel);
		if (closes_file) {
			close(exporter);
			close(dmabuf);
		} else {
			close(dmabuf);
			vp_close(exporter, handle);
		}
		vp_duel_meet(race->duel, round);
		igt_assert_eq(race->ret, 0);
		close(race->dmabuf);
		check_imported(race, (uint32_t)round);
		if (closes_file)
			exporter = vp_open(0);
	}
	end_race(race);
	close(exporter);
}

/* The descriptor is closed under the importer: a buffer, or EBADF. */
static void descriptor_closes(void)
{
	int exporter = vp_open(0), imported = 0, refused = 0;
	struct race *race = start_race(import, vp_open(1));

	for (int round = 1; round <= ROUNDS; round++) {
		uint32_t handle = vp_create_filled(exporter, SIZE,
						   (uint32_t)round);

		race->dmabuf = vp_export(exporter, handle);
		vp_close(exporter, handle);
		vp_duel_part(race->duel);
		close(race->dmabuf);
		vp_duel_meet(race->duel, round);
		if (race->ret) {
			igt_assert_eq(race->ret, -EBADF);
			refused++;
		} else {
			check_imported(race, (uint32_t)round);
			imported++;
		}
	}
	igt_info("%d imported, %d came too late\n", imported, refused);
	end_race(race);
	close(exporter);
}

static void import_until_gone(void *data)
{
	struct race *race = data;

	do {
		import(race);
		if (!race->ret)
			race->ret = vp_try_close(race->gpu, race->handle);
	} while (!race->ret);
}

/* The importing GPU goes while it imports. */
static void importer_unplugged(void)
{
	int exporter = vp_open(0);
	uint32_t handle = vp_create_filled(exporter, SIZE, 1);
	int dmabuf = vp_export(exporter, handle);

	for (int round = 0; round < 20; round++) {
		struct race *race = start_race(import_until_gone, vp_open(1));

		race->dmabuf = dmabuf;
		vp_duel_part(race->duel);
		vp_spin(100000 * round);
		vp_unplug(1);
		vp_duel_meet(race->duel, round);
		igt_assert_eq(race->ret, -ENODEV);
		vp_plug(1);
		end_race(race);
	}
	igt_assert_eq(vp_info(exporter, handle).attached_gpus, 1);
	close(dmabuf);
	close(exporter);
}

struct toucher {
	int dmabuf;
	size_t size;
	unsigned int passes;
	int ret;
	atomic_bool stop;
};

static void *touch_pages(void *arg)
{
	struct toucher *toucher = arg;
	char *map;

	do {
		/* Mapped anew each time, so that each touch is a fault. */
		toucher->ret = vp_try_mmap(toucher->dmabuf, 0, toucher->size,
					   RW, MAP_SHARED, (void **)&map);
		if (toucher->ret)
			break;
		for (size_t at = 0; at < toucher->size; at += VP_PAGE)
			map[at]++;
		munmap(map, toucher->size);
		toucher->passes++;
	} while (!atomic_load(&toucher->stop));
	return NULL;
}

/* Faults go on in a buffer whose GPU is unplugged. */
static void unplugged_while_touched(void)
{
	/* Small pages at its end, so that there are many faults. */
	struct toucher toucher = { .size = 3 * VP_MIB };
	int gpu = vp_open(0);
	pthread_t thread;
	char *map;

	toucher.dmabuf = vp_export(gpu, vp_create(gpu, toucher.size));
	igt_assert_eq(pthread_create(&thread, NULL, touch_pages, &toucher), 0);
	for (int round = 0; round < 5; round++) {
		usleep(20000);
		vp_unplug(0);
		usleep(20000);
		vp_plug(0);
	}
	atomic_store(&toucher.stop, true);
	pthread_join(thread, NULL);
	igt_assert_eq(toucher.ret, 0);
	igt_assert_lt(0u, toucher.passes);
	map = vp_map_dmabuf(toucher.dmabuf, toucher.size, PROT_READ);
	for (size_t at = 0; at < toucher.size; at += VP_PAGE)
		igt_assert_eq(map[at], (char)toucher.passes);
	vp_unmap(map, toucher.size);
	close(toucher.dmabuf);
	close(gpu);
}

/* Several processes import one buffer into the same GPU, over and over. */
static void processes_import(void)
{
	enum { PROCESSES = 4, TIMES = 100 };
	int exporter = vp_open(0);
	int dmabuf = vp_export(exporter, vp_create_filled(exporter, SIZE, 7));

	igt_fork(child, PROCESSES) {
		int gpu = vp_open(1);

		for (int i = 0; i < TIMES; i++) {
			uint32_t handle = vp_import(gpu, dmabuf);
			void *map = vp_map(gpu, handle, SIZE, PROT_READ);

			vp_assert_pattern(map, SIZE, 7);
			igt_assert_eq(vp_info(gpu, handle).attached, 2);
			vp_unmap(map, SIZE);
			vp_close(gpu, handle);
		}
	}
	igt_waitchildren();
	igt_assert_eq(vp_info(exporter, vp_import(exporter, dmabuf)).attached,
		      1);
	close(dmabuf);
	close(exporter);
}

struct contest {
	int gpu;
	int dmabuf;
	int wrong;
};

/*
 * In one file there is one handle for all threads: one of them closes it
 * under the others, which then find it gone.
 */
static void *import_and_close(void *arg)
{
	struct contest *contest = arg;

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t handle = 0;
		int ret = vp_try_import(contest->gpu, contest->dmabuf, &handle);

		if (ret) {
			contest->wrong = ret;
			continue;
		}
		ret = vp_try_info(contest->gpu, handle, 0, NULL);
		if (ret && ret != -ENOENT)
			contest->wrong = ret;
		ret = vp_try_close(contest->gpu, handle);
		if (ret && ret != -EINVAL)
			contest->wrong = ret;
	}
	return NULL;
}

static void threads_import_and_close(void)
{
	enum { THREADS = 4 };
	int exporter = vp_open(0), importer = vp_open(1);
	int dmabuf = vp_export(exporter, vp_create_filled(exporter, SIZE, 7));
	struct contest contests[THREADS];
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		contests[i] = (struct contest){ importer, dmabuf, 0 };
		igt_assert_eq(pthread_create(&threads[i], NULL,
					     import_and_close, &contests[i]),
			      0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		igt_assert_eq(contests[i].wrong, 0);
	}
	igt_assert_eq(vp_info(importer, vp_import(importer, dmabuf)).size,
		      SIZE);
	close(dmabuf);
	close(importer);
	close(exporter);
}

static void *export_and_close(void *arg)
{
	struct contest *contest = arg;
	uint32_t handle;
	int fd;

	for (int i = 0; i < ROUNDS; i++) {
		/* The last export may just be dying when the next is made. */
		handle = vp_import(contest->gpu, contest->dmabuf);
		fd = vp_try_export(contest->gpu, handle, DRM_CLOEXEC);
		if (fd < 0 || vp_dmabuf_id(fd) != vp_dmabuf_id(contest->dmabuf))
			contest->wrong = fd < 0 ? fd : -ESTALE;
		close(fd);
		vp_close(contest->gpu, handle);
	}
	return NULL;
}

static void gpus_export(void)
{
	int exporter = vp_open(0), gpu[2] = { vp_open(0), vp_open(1) };
	int dmabuf = vp_export(exporter, vp_create_filled(exporter, SIZE, 7));
	struct contest contests[2];
	pthread_t threads[2];

	for (int i = 0; i < 2; i++) {
		contests[i] = (struct contest){ gpu[i], dmabuf, 0 };
		igt_assert_eq(pthread_create(&threads[i], NULL,
					     export_and_close, &contests[i]),
			      0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		igt_assert_eq(contests[i].wrong, 0);
		close(gpu[i]);
	}
	close(dmabuf);
	close(exporter);
}

/* Two files of a GPU have a buffer, and export it for the first time at once. */
static void first_export(void)
{
	int first = vp_open_node(0, VP_PRIMARY), other = vp_open(1);
	struct race *race = start_race(export, vp_open_node(0, VP_PRIMARY));

	for (int round = 1; round <= ROUNDS; round++) {
		uint32_t handle = vp_create_filled(first, SIZE,
						   (uint32_t)round);
		struct drm_gem_flink name = { .handle = handle };
		struct drm_gem_open open = {};
		uint32_t imported;
		int dmabuf;
		void *map;

		/* A global name, because PRIME would export to get it there. */
		igt_assert_eq(vp_try_ioctl(first, DRM_IOCTL_GEM_FLINK, &name),
			      0);
		open.name = name.name;
		igt_assert_eq(vp_try_ioctl(race->gpu, DRM_IOCTL_GEM_OPEN,
					   &open), 0);
		race->handle = open.handle;
		vp_duel_part(race->duel);
		dmabuf = vp_export(first, handle);
		vp_duel_meet(race->duel, round);

		igt_assert_lte(0, race->ret);
		igt_assert_eq(vp_dmabuf_id(race->ret), vp_dmabuf_id(dmabuf));
		igt_assert_eq(vp_counts().exports, 1);
		vp_close(first, handle);
		vp_close(race->gpu, race->handle);
		close(dmabuf);
		imported = vp_import(other, race->ret);
		map = vp_map(other, imported, SIZE, PROT_READ);
		vp_assert_pattern(map, SIZE, (uint32_t)round);
		vp_unmap(map, SIZE);
		vp_close(other, imported);
		close(race->ret);
	}
	end_race(race);
	close(other);
	close(first);
}

igt_main
{
	igt_describe("The exporter closes handle and descriptor in the middle of an import");
	vp_subtest("exporter-closes-handle")
		exporter_closes(1, false);

	igt_describe("The exporter closes its GPU's file in the middle of an import");
	vp_subtest("exporter-closes-file")
		exporter_closes(1, true);

	igt_describe("A GPU's view of a buffer dies in the middle of an import into it");
	vp_subtest("own-view-dies")
		exporter_closes(0, false);

	igt_describe("The very descriptor is closed in the middle of an import");
	vp_subtest("descriptor-closes")
		descriptor_closes();

	igt_describe("Two files export a buffer for the first time, and get one dma-buf");
	vp_subtest("first-export")
		first_export();

	igt_describe("The importing GPU is unplugged in the middle of an import");
	vp_subtest("importer-unplugged")
		importer_unplugged();

	igt_describe("A GPU is unplugged, and comes back, under a mapping in use");
	vp_subtest("unplugged-while-touched")
		unplugged_while_touched();

	igt_describe("Four processes import a buffer into the same GPU");
	vp_subtest("processes-import")
		processes_import();

	igt_describe("Four threads import and close in the same file");
	vp_subtest("threads-import-and-close")
		threads_import_and_close();

	igt_describe("Two GPUs import, export and close a buffer again and again");
	vp_subtest("gpus-export")
		gpus_export();
}
