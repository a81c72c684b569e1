// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several threads touch the same huge page at the same moment, each of its
 * small pages by one of them; and the kernel touches pages for a process that is
 * killed meanwhile.
 */
#define _GNU_SOURCE	/* memfd_create */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_doer.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("CPU faults of several threads in one huge page");

#define HUGE	(2 * VP_MIB)
#define THREADS	4
#define ROUNDS	100

struct toucher {
	pthread_t thread;
	volatile uint32_t *page;
	atomic_bool *stop;
	bool write;
	unsigned long wrong;
};

/* Every word of the buffer is 0, so that an entry put there by mistake shows. */
static void *touch(void *data)
{
	struct toucher *toucher = data;

	while (!atomic_load(toucher->stop)) {
		if (toucher->write)
			*toucher->page = 0;
		else
			toucher->wrong += *toucher->page != 0;
	}
	return NULL;
}

/*
 * Moving takes the mappings down and holds the buffer's lock while it copies:
 * the touches that come meanwhile wait for the lock together, and the first
 * that gets it maps the huge page for all.
 */
static void touched_together(bool write)
{
	struct toucher touchers[THREADS] = {};
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, HUGE);
	uint64_t id = vp_id(gpu, handle);
	uint32_t *map = vp_map(gpu, handle, HUGE, PROT_READ | PROT_WRITE);
	atomic_bool stop = false;

	igt_assert_eq((uintptr_t)map % HUGE, 0);
	map[0] = 0;
	igt_assert_eq(vp_info(gpu, handle).resident, HUGE);

	for (int i = 0; i < THREADS; i++) {
		touchers[i].page = map + (i * 100 + 7) * (VP_PAGE / 4);
		touchers[i].stop = &stop;
		touchers[i].write = write;
		igt_assert_eq(pthread_create(&touchers[i].thread, NULL, touch,
					     &touchers[i]), 0);
	}
	for (int round = 0; round < ROUNDS; round++)
		igt_assert_eq(vp_try_move(id), 0);
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(touchers[i].thread, NULL);
		igt_assert_eq(touchers[i].wrong, 0);
	}

	for (size_t word = 0; word < HUGE / sizeof(*map); word++)
		igt_assert_eq(map[word], 0);
	vp_unmap(map, HUGE);
	close(gpu);
}

#define SMALL	(HUGE - VP_PAGE)	/* has no huge page */
#define KILLS	20

/* Has the kernel write into mappings that nobody has touched, on and on. */
static int copy_on_and_on(void *data)
{
	int gpu = *(int *)data, file = memfd_create("source", 0);
	uint64_t offset;
	uint32_t handle;
	void *map;

	if (file < 0 || ftruncate(file, SMALL))
		return 1;
	for (;;) {
		if (vp_try_create(gpu, SMALL, 0, &handle) ||
		    vp_try_mmap_offset(gpu, handle, 0, &offset) ||
		    vp_try_mmap(gpu, offset, SMALL, PROT_READ | PROT_WRITE,
				MAP_SHARED, &map))
			return 1;
		if (pread(file, map, SMALL, 0) != SMALL)
			return 1;
		munmap(map, SMALL);
		vp_try_close(gpu, handle);
	}
}

/* Whatever page the copy has come to, the process ends. */
static void killed_in_a_copy(void)
{
	int gpu = vp_open(0);

	for (unsigned int i = 0; i < KILLS; i++) {
		struct vp_doer doer = vp_do(copy_on_and_on, &gpu);

		usleep(20000 + i * 7000);
		igt_assert(vp_doing(&doer, 0));
		vp_undo(&doer);
	}
	close(gpu);
}

igt_main
{
	igt_describe("Four threads read a huge page that is moved under them");
	vp_subtest("reading-together")
		touched_together(false);

	igt_describe("Four threads write to a huge page that is moved under them");
	vp_subtest("writing-together")
		touched_together(true);

	igt_describe("A process is killed while the kernel copies into a mapping that is not there yet");
	vp_subtest("killed-in-a-copy")
		killed_in_a_copy();
}
