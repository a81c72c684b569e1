// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much kernel memory a live buffer takes, apart from its pages.
 */
#define _GNU_SOURCE
#include <err.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "bench.h"

/*
 * Memory that the slabs keep for what comes next would be counted for whoever
 * came before, and not for whoever takes it. So they give it up first; where
 * they cannot, the figures are a little less exact.
 */
static uint64_t settled_slab(void)
{
	glob_t caches;
	size_t i;

	/* files and inodes are freed a grace period after their last user */
	usleep(300000);
	if (!glob("/sys/kernel/slab/*/shrink", GLOB_NOSORT, NULL, &caches)) {
		for (i = 0; i < caches.gl_pathc; i++) {
			FILE *file = fopen(caches.gl_pathv[i], "we");

			if (file) {
				fputs("1\n", file);
				fclose(file);
			}
		}
		globfree(&caches);
	}
	return meminfo_bytes("Slab");
}

static double per_buffer(const struct subject *subject, bool touch)
{
	uint32_t *handles = calloc(MEMORY_BUFFERS, sizeof(*handles));
	struct buffer buffer;
	uint64_t before, after;
	unsigned int i;

	if (!handles)
		err(1, "handles");
	before = settled_slab();
	for (i = 0; i < MEMORY_BUFFERS; i++) {
		create_or_die(subject, 4096, &buffer);
		handles[i] = buffer.handle;
		if (touch) {
			char *map = map_or_die(&buffer);

			*map = 1;
			munmap(map, 4096);
		}
	}
	after = settled_slab();
	for (i = 0; i < MEMORY_BUFFERS; i++)
		drmCloseBufferHandle(subject->gpu, handles[i]);
	free(handles);
	return ((double)after - (double)before) / MEMORY_BUFFERS;
}

struct memory_result measure_memory(const struct subject *subject)
{
	struct memory_result result;

	result.untouched = per_buffer(subject, false);
	result.touched = per_buffer(subject, true);
	return result;
}
