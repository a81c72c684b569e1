// SPDX-License-Identifier: GPL-2.0-only
/*
 * missing-sync - what a GPU sees of what the CPU writes, with and without DMA_BUF_IOCTL_SYNC
 *
 * The smallest program that has the bug: it draws into a shared buffer through a mapping, and has the
 * GPU look. Try it on a GPU with coherent=1 and on one with coherent=0.
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <xf86drm.h>

#include <drm/vprime_drm.h>

#include "common/buffer.h"
#include "common/gpu.h"

#define SIZE	4096

static void must(int error, const char *what)
{
	if (error)
		errx(2, "%s: %s", what, strerror(-error));
}

/* what the GPU finds at the beginning of the buffer */
static void gpu_look(const struct buffer *buffer, char *text, size_t size)
{
	struct drm_vprime_gem_access access = {
		.handle = buffer->handle, .size = size, .data = (uintptr_t)text
	};

	if (drmIoctl(buffer->gpu, DRM_IOCTL_VPRIME_GEM_PEEK, &access))
		err(2, "the GPU's look");
}

static void draw(const struct buffer *buffer, const char *picture, bool sync)
{
	if (sync)
		must(buffer_begin(buffer, BUFFER_WRITE), "begin");
	strcpy(buffer->map, picture);
	if (sync)
		must(buffer_end(buffer, BUFFER_WRITE), "end");
}

int main(int argc, char **argv)
{
	bool sync = argc > 1 && !strcmp(argv[1], "--sync");
	struct buffer buffer = BUFFER_NONE;
	char seen[16];
	int gpu;

	if (argc != 2 + sync) {
		fputs("usage: missing-sync [--sync] NODE\n", stderr);
		return 2;
	}
	gpu = gpu_open(argv[1 + sync]);
	must(gpu < 0 ? gpu : 0, argv[1 + sync]);
	must(buffer_create(gpu, SIZE, &buffer), "create");
	must(buffer_export(&buffer), "export");
	must(buffer_map_dmabuf(&buffer), "map");

	draw(&buffer, "first frame", sync);
	gpu_look(&buffer, seen, sizeof(seen));
	printf("CPU drew 'first frame', GPU sees '%.15s'\n", seen);
	draw(&buffer, "second frame", sync);
	gpu_look(&buffer, seen, sizeof(seen));
	printf("CPU drew 'second frame', GPU sees '%.15s'\n", seen);

	buffer_close(&buffer);
	return strcmp(seen, "second frame") != 0;
}
