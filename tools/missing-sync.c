// SPDX-License-Identifier: GPL-2.0-only
/*
 * missing-sync - what a GPU sees of what the CPU writes, with and without DMA_BUF_IOCTL_SYNC
 *
 * The smallest program that has the bug: it draws into a shared buffer through a mapping of its
 * descriptor, and has the GPU look, and with --gl also GL on it. Try it on a GPU with coherent=1 and
 * on one with coherent=0.
 */
#include <err.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <xf86drm.h>

#include <drm/vprime_drm.h>

#include "common/buffer.h"
#include "common/gpu.h"
#include "missing-sync/gl.h"

#define SIZE	4096

static void must(int error, const char *what)
{
	if (error)
		errx(2, "%s: %s", what, strerror(-error));
}

static int open_gpu(const char *node)
{
	int gpu = gpu_open(node);

	must(gpu < 0 ? gpu : 0, node);
	return gpu;
}

static void draw(const struct buffer *buffer, const char *picture, bool sync)
{
	if (sync)
		must(buffer_begin(buffer, BUFFER_WRITE), "begin");
	strcpy(buffer->map, picture);
	if (sync)
		must(buffer_end(buffer, BUFFER_WRITE), "end");
}

/* Is @picture what is found at the beginning of the buffer? */
static bool look(const struct buffer *buffer, const char *picture, bool gl)
{
	char seen[GL_LOOK] = "", by_gl[GL_LOOK] = "";
	struct drm_vprime_gem_access access = {
		.handle = buffer->handle, .size = sizeof(seen), .data = (uintptr_t)seen
	};

	if (drmIoctl(buffer->gpu, DRM_IOCTL_VPRIME_GEM_PEEK, &access))
		err(2, "the GPU's look");
	printf("CPU drew '%s', GPU sees '%.15s'", picture, seen);
	if (gl) {
		gl_look(by_gl);
		printf(", GL on it sees '%.15s'", by_gl);
	}
	putchar('\n');
	return !strcmp(seen, picture) && (!gl || !strcmp(by_gl, picture));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "sync", no_argument, NULL, 's' },
		{ "gl", no_argument, NULL, 'g' },
		{ 0 },
	};
	bool sync = false, gl = false, right;
	struct buffer buffer = BUFFER_NONE;
	const char *node, *wrong;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		sync |= option == 's';
		gl |= option == 'g';
		if (option == '?')
			return 2;
	}
	if (optind != argc - 1) {
		fputs("usage: missing-sync [--sync] [--gl] NODE\n", stderr);
		return 2;
	}
	node = argv[optind];
	must(buffer_create(open_gpu(node), SIZE, &buffer), "create");
	must(buffer_export(&buffer), "export");
	must(buffer_map_dmabuf(&buffer), "map");
	wrong = gl ? gl_open(open_gpu(node), buffer.dmabuf) : NULL;
	if (wrong)
		errx(2, "%s", wrong);

	draw(&buffer, "first frame", sync);
	look(&buffer, "first frame", gl);
	draw(&buffer, "second frame", sync);
	right = look(&buffer, "second frame", gl);

	buffer_close(&buffer);
	return !right;
}
