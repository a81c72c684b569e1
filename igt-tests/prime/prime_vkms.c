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

/* The screen, a GPU, and buffers for what is drawn and for what is shown. */
struct stage {
	struct vp_screen screen;
	int gpu;
	struct picture drawn, written;
};

static struct stage stage(void)
{
	struct stage s = {
		.screen = vp_screen_open("vkms"),
		.gpu = vp_open(0),
	};

	s.drawn = picture(s.gpu, &s.screen);
	s.written = picture(s.gpu, &s.screen);
	return s;
}

static void stage_end(struct stage *s)
{
	picture_end(&s->screen, &s->drawn);
	picture_end(&s->screen, &s->written);
	vp_screen_close(&s->screen);
	close(s->gpu);
}

static void wait_for(int sync)
{
	igt_assert_eq(vp_poll(sync, POLLIN, VP_PATIENCE_MS), POLLIN);
	igt_assert_eq(vp_sync_state(sync), 1);
	close(sync);
}

/* Signals when it is on the screen, and has been written back. */
static int show(struct stage *s)
{
	return vp_screen_show(&s->screen, &s->drawn.frame, &s->written.frame);
}

/* The fourth byte of a pixel is nobody's. */
static void assert_shown(const struct stage *s, uint32_t seed)
{
	const uint32_t *got = s->written.map;
	uint32_t *want = malloc(s->screen.size);

	igt_assert(want);
	vp_fill(want, s->screen.size, seed);
	for (size_t i = 0; i < s->screen.size / 4; i++)
		igt_assert_f(!((got[i] ^ want[i]) & 0xffffff),
			     "pixel %zu is %06x, not %06x\n", i,
			     got[i] & 0xffffff, want[i] & 0xffffff);
	free(want);
}

static void shows(void)
{
	struct stage s = stage();

	for (uint32_t frame = 1; frame <= FRAMES; frame++) {
		vp_fill_synced(s.drawn.dmabuf, s.drawn.map, s.screen.size,
			       frame);
		wait_for(show(&s));
		assert_shown(&s, frame);
	}
	stage_end(&s);
}

/* The frame is committed first and drawn then, as compositors do it. */
static void waits(void)
{
	struct stage s = stage();
	uint32_t fence;
	int shown;

	vp_fill(s.drawn.map, s.screen.size, 1);
	fence = vp_fence_attach(s.gpu, s.drawn.handle, true);
	shown = show(&s);
	igt_assert_eq(vp_poll(shown, POLLIN, BLOCKED_MS), 0);
	vp_fill(s.drawn.map, s.screen.size, 2);
	vp_fence_signal(s.gpu, fence);
	wait_for(shown);
	assert_shown(&s, 2);
	stage_end(&s);
}

/* Whoever reads it does not keep the screen waiting. */
static void passes_readers(void)
{
	struct stage s = stage();
	uint32_t fence;

	vp_fill(s.drawn.map, s.screen.size, 1);
	fence = vp_fence_attach(s.gpu, s.drawn.handle, false);
	wait_for(show(&s));
	assert_shown(&s, 1);
	vp_fence_signal(s.gpu, fence);
	stage_end(&s);
}

/* A GPU that is gone leaves what is on the screen on it. */
static void gpu_goes(void)
{
	int other = vp_open(1);
	struct stage s = stage();

	picture_end(&s.screen, &s.written);
	s.written = picture(other, &s.screen);
	vp_fill(s.drawn.map, s.screen.size, 1);
	wait_for(show(&s));
	vp_unplug(0);
	vp_fill(s.written.map, s.screen.size, 3);
	wait_for(show(&s));
	assert_shown(&s, 1);
	stage_end(&s);
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
	struct stage s = stage();
	uint64_t id = vp_id(s.gpu, s.drawn.handle);

	vp_fill(s.drawn.map, s.screen.size, 1);
	wait_for(show(&s));
	igt_assert_eq(vp_try_move(id), -EBUSY);
	igt_assert_eq(vp_try_revoke(id), -EBUSY);
	wait_for(show(&s));
	assert_shown(&s, 1);
	picture_end(&s.screen, &s.written);
	vp_screen_close(&s.screen);

	/* And goes when the screen has let go. */
	igt_assert_eq(vp_try_move(id), 0);
	vp_assert_pattern(s.drawn.map, s.screen.size, 1);
	vp_unmap(s.drawn.map, s.screen.size);
	close(s.drawn.dmabuf);
	close(s.gpu);
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
