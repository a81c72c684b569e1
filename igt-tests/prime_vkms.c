// SPDX-License-Identifier: GPL-2.0-only
/*
 * A compositor's two devices: a vprime GPU that draws and cannot show, and vkms,
 * which shows and cannot draw. What vkms has on its screen it writes back into
 * another buffer of vprime's, so that pixels can be compared.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_screen.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("vprime draws, vkms shows");

#define PATIENCE_MS	60000
#define BLOCKED_MS	300
#define FRAMES		8

/* A buffer of GPU 0 that the screen has too. */
struct picture {
	uint32_t handle;
	int dmabuf;
	void *map;
	struct vp_frame frame;
};

static struct picture picture(int gpu, const struct vp_screen *screen)
{
	struct picture picture = { .handle = vp_create(gpu, screen->size) };

	picture.dmabuf = vp_export(gpu, picture.handle);
	picture.map = vp_map(gpu, picture.handle, screen->size,
			     PROT_READ | PROT_WRITE);
	picture.frame = vp_screen_frame(screen, picture.dmabuf);
	return picture;
}

static void picture_end(const struct vp_screen *screen, struct picture *picture)
{
	vp_screen_drop(screen, &picture->frame);
	vp_unmap(picture->map, screen->size);
	close(picture->dmabuf);
}

static void wait_for(int sync)
{
	igt_assert_eq(vp_poll(sync, POLLIN, PATIENCE_MS), POLLIN);
	igt_assert_eq(vp_sync_state(sync), 1);
	close(sync);
}

/* The fourth byte of a pixel is nobody's. */
static void assert_shown(const struct picture *written,
			 const struct vp_screen *screen, uint32_t seed)
{
	const uint32_t *got = written->map;
	uint32_t *want = malloc(screen->size);

	igt_assert(want);
	vp_fill(want, screen->size, seed);
	for (size_t i = 0; i < screen->size / 4; i++)
		igt_assert_f(!((got[i] ^ want[i]) & 0xffffff),
			     "pixel %zu is %06x, not %06x\n", i,
			     got[i] & 0xffffff, want[i] & 0xffffff);
	free(want);
}

static void shows(void)
{
	struct vp_screen screen = vp_screen_open("vkms");
	struct picture drawn, written;
	int gpu = vp_open(0);

	drawn = picture(gpu, &screen);
	written = picture(gpu, &screen);
	for (uint32_t frame = 1; frame <= FRAMES; frame++) {
		vp_fill_synced(drawn.dmabuf, drawn.map, screen.size, frame);
		wait_for(vp_screen_show(&screen, &drawn.frame, &written.frame));
		assert_shown(&written, &screen, frame);
	}

	picture_end(&screen, &drawn);
	picture_end(&screen, &written);
	vp_screen_close(&screen);
	close(gpu);
}

/* The frame is committed first and drawn then, as compositors do it. */
static void waits(void)
{
	struct vp_screen screen = vp_screen_open("vkms");
	struct picture drawn, written;
	int gpu = vp_open(0), shown;
	uint32_t fence;

	drawn = picture(gpu, &screen);
	written = picture(gpu, &screen);
	vp_fill(drawn.map, screen.size, 1);
	fence = vp_fence_attach(gpu, drawn.handle, true);
	shown = vp_screen_show(&screen, &drawn.frame, &written.frame);
	igt_assert_eq(vp_poll(shown, POLLIN, BLOCKED_MS), 0);
	vp_fill(drawn.map, screen.size, 2);
	vp_fence_signal(gpu, fence);
	wait_for(shown);
	assert_shown(&written, &screen, 2);

	picture_end(&screen, &drawn);
	picture_end(&screen, &written);
	vp_screen_close(&screen);
	close(gpu);
}

/* Whoever reads it does not keep the screen waiting. */
static void passes_readers(void)
{
	struct vp_screen screen = vp_screen_open("vkms");
	struct picture drawn, written;
	int gpu = vp_open(0);
	uint32_t fence;

	drawn = picture(gpu, &screen);
	written = picture(gpu, &screen);
	vp_fill(drawn.map, screen.size, 1);
	fence = vp_fence_attach(gpu, drawn.handle, false);
	wait_for(vp_screen_show(&screen, &drawn.frame, &written.frame));
	assert_shown(&written, &screen, 1);
	vp_fence_signal(gpu, fence);

	picture_end(&screen, &drawn);
	picture_end(&screen, &written);
	vp_screen_close(&screen);
	close(gpu);
}

/* A GPU that is gone leaves what is on the screen on it. */
static void gpu_goes(void)
{
	struct vp_screen screen = vp_screen_open("vkms");
	struct picture drawn, written;
	int gpu = vp_open(0), other = vp_open(1);

	drawn = picture(gpu, &screen);
	written = picture(other, &screen);
	vp_fill(drawn.map, screen.size, 1);
	wait_for(vp_screen_show(&screen, &drawn.frame, &written.frame));
	vp_unplug(0);
	vp_fill(written.map, screen.size, 3);
	wait_for(vp_screen_show(&screen, &drawn.frame, &written.frame));
	assert_shown(&written, &screen, 1);

	picture_end(&screen, &drawn);
	picture_end(&screen, &written);
	vp_screen_close(&screen);
	close(gpu);
	close(other);
	vp_plug(0);
}

/* What was vprime's is so again when it comes back. */
static void gives_back(void)
{
	struct vp_screen screen = vp_screen_open("vkms");
	int gpu = vp_open(0), other = vp_open(1), again;
	struct picture drawn = picture(gpu, &screen);

	again = vp_export(screen.fd, drawn.frame.handle);
	igt_assert_eq(vp_dmabuf_id(again), vp_dmabuf_id(drawn.dmabuf));
	igt_assert_eq(vp_import(gpu, again), drawn.handle);
	igt_assert_eq(vp_id(other, vp_import(other, again)),
		      vp_id(gpu, drawn.handle));
	close(again);

	picture_end(&screen, &drawn);
	vp_screen_close(&screen);
	close(gpu);
	close(other);
}

/* The screen has it mapped and cannot be told: it stays where it is. */
static void stays(void)
{
	struct vp_screen screen = vp_screen_open("vkms");
	struct picture drawn, written;
	int gpu = vp_open(0);
	uint64_t id;

	drawn = picture(gpu, &screen);
	written = picture(gpu, &screen);
	id = vp_id(gpu, drawn.handle);
	vp_fill(drawn.map, screen.size, 1);
	wait_for(vp_screen_show(&screen, &drawn.frame, &written.frame));
	igt_assert_eq(vp_try_move(id), -EBUSY);
	igt_assert_eq(vp_try_revoke(id), -EBUSY);
	wait_for(vp_screen_show(&screen, &drawn.frame, &written.frame));
	assert_shown(&written, &screen, 1);
	picture_end(&screen, &written);
	vp_screen_close(&screen);

	/* And goes when the screen has let go. */
	drawn.frame = (struct vp_frame){};
	igt_assert_eq(vp_try_move(id), 0);
	vp_assert_pattern(drawn.map, screen.size, 1);
	vp_unmap(drawn.map, screen.size);
	close(drawn.dmabuf);
	close(gpu);
}

igt_main
{
	igt_describe("What the GPU's buffer has is on the screen, and what is on the screen in another of its buffers");
	vp_subtest("shows")
		shows();

	igt_describe("The screen waits for who writes the buffer, and shows what was written");
	vp_subtest("waits-for-writer")
		waits();

	igt_describe("The screen does not wait for who reads the buffer");
	vp_subtest("passes-readers")
		passes_readers();

	igt_describe("What a GPU has drawn stays on the screen when the GPU is unplugged");
	vp_subtest("gpu-goes")
		gpu_goes();

	igt_describe("A vprime buffer that vkms gives on is that buffer");
	vp_subtest("gives-back")
		gives_back();

	igt_describe("A buffer is neither moved nor taken away from under the screen");
	vp_subtest("stays")
		stays();

	/* Once, and not in each subtest: modprobe takes its time. */
	igt_fixture
		vp_unload_foreign("vkms");
}
