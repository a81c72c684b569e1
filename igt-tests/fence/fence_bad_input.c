// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a GPU refuses about fences: each with the errno that its documentation
 * promises, and without a trace. Arguments that cannot be read or answered, and
 * limits of the process, are in fence_bad_memory.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "vp_test.h"

IGT_TEST_DESCRIPTION("Bad flags, handles, numbers, names and times of fences");

#define SIZE		VP_PAGE
#define WRITE		DRM_VPRIME_FENCE_WRITE
#define NO_SUCH		0x00abcdefu
#define NAME_31		"abcdefghijklmnopqrstuvwxyz 0.1_"

/* GPUs that give a fence little time. */
#define SHORT_LIMIT	"fence_timeout_ms=100"

/* ---- fences on buffers -------------------------------------------------- */

static void attach_flags(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);

	for (int bit = 1; bit < 32; bit++) {
		vp_assert_refused(vp_try_fence_attach(gpu, handle, 1u << bit, 0,
						      NULL), EINVAL);
		vp_assert_refused(vp_try_fence_attach(gpu, handle,
						      WRITE | 1u << bit, 0,
						      NULL), EINVAL);
	}
	for (int bit = 0; bit < 32; bit++)
		vp_assert_refused(vp_try_fence_attach(gpu, handle, WRITE,
						      1u << bit, NULL), EINVAL);
	igt_assert(vp_idle(gpu, handle, true));
	close(gpu);
}

static void assert_no_handle(int gpu, uint32_t handle)
{
	vp_assert_refused(vp_try_fence_attach(gpu, handle, 0, 0, NULL), ENOENT);
	vp_assert_refused(vp_try_fence_attach(gpu, handle, WRITE, 0, NULL),
			  ENOENT);
	vp_assert_refused(vp_try_wait(gpu, handle, 0, 0), ENOENT);
	vp_assert_refused(vp_try_wait(gpu, handle, DRM_VPRIME_WAIT_WRITE,
				      INT64_MAX), ENOENT);
}

static void unknown_handle(void)
{
	int gpu = vp_open(0), other = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);

	assert_no_handle(gpu, NO_SUCH);
	assert_no_handle(gpu, 0);
	assert_no_handle(gpu, ~0u);
	assert_no_handle(other, handle);
	vp_close(gpu, handle);
	assert_no_handle(gpu, handle);
	close(other);
	close(gpu);
}

static void attach_busy(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE), fence, other;

	fence = vp_fence_attach(gpu, handle, true);
	vp_assert_refused(vp_try_fence_attach(gpu, handle, 0, 0, NULL), EBUSY);
	vp_assert_refused(vp_try_fence_attach(gpu, handle, WRITE, 0, NULL),
			  EBUSY);
	vp_fence_signal(gpu, fence);
	fence = vp_fence_attach(gpu, handle, false);
	vp_assert_refused(vp_try_fence_attach(gpu, handle, WRITE, 0, NULL),
			  EBUSY);
	other = vp_fence_attach(gpu, handle, false);
	vp_fence_signal(gpu, fence);
	vp_assert_refused(vp_try_fence_attach(gpu, handle, WRITE, 0, NULL),
			  EBUSY);
	vp_fence_signal(gpu, other);
	vp_fence_signal(gpu, vp_fence_attach(gpu, handle, true));
	close(gpu);
}

/* A fault in one argument is found although another is right, or busy. */
static void signal_flags(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	uint32_t fence = vp_fence_attach(gpu, handle, true);

	for (int bit = 0; bit < 32; bit++)
		vp_assert_refused(vp_try_fence_signal(gpu, fence, 1u << bit),
				  EINVAL);
	igt_assert(!vp_idle(gpu, handle, false));
	vp_fence_signal(gpu, fence);
	close(gpu);
}

static void signal_unknown(void)
{
	static const uint32_t unknown[] = { 0, NO_SUCH, 1u << 31, ~0u };
	int gpu = vp_open(0), other = vp_open(0), gpu1 = vp_open(1);
	uint32_t handle = vp_create(gpu, SIZE);
	uint32_t fence;

	for (size_t i = 0; i < VP_ARRAY_SIZE(unknown); i++)
		vp_assert_refused(vp_try_fence_signal(gpu, unknown[i], 0),
				  ENOENT);
	fence = vp_fence_attach(gpu, handle, true);
	/* Those around it, and it itself in other files. */
	vp_assert_refused(vp_try_fence_signal(gpu, fence + 1, 0), ENOENT);
	vp_assert_refused(vp_try_fence_signal(gpu, fence - 1, 0), ENOENT);
	vp_assert_refused(vp_try_fence_signal(other, fence, 0), ENOENT);
	vp_assert_refused(vp_try_fence_signal(gpu1, fence, 0), ENOENT);
	igt_assert(!vp_idle(gpu, handle, false));
	vp_fence_signal(gpu, fence);
	for (int i = 0; i < 3; i++)
		vp_assert_refused(vp_try_fence_signal(gpu, fence, 0), ENOENT);
	close(gpu1);
	close(other);
	close(gpu);
}

/* Two files may give the same number; each signals its own. */
static void signal_of_each_file(void)
{
	enum { EACH = 20 };
	int file[2] = { vp_open(0), vp_open(0) };
	uint32_t handle[2], fence[2][EACH];

	for (int f = 0; f < 2; f++) {
		handle[f] = vp_create(file[f], SIZE);
		for (int i = 0; i < EACH; i++)
			fence[f][i] = vp_fence_attach(file[f], handle[f],
						      false);
	}
	for (int i = 0; i < EACH; i++)
		vp_fence_signal(file[0], fence[0][i]);
	igt_assert(vp_idle(file[0], handle[0], true));
	igt_assert(!vp_idle(file[1], handle[1], true));
	for (int i = 0; i < EACH; i++)
		vp_fence_signal(file[1], fence[1][i]);
	igt_assert(vp_idle(file[1], handle[1], true));
	close(file[0]);
	close(file[1]);
}

/* Who signals late, or twice, must not hit a fence that came after. */
static void numbers_not_reused(void)
{
	enum { COUNT = 1000 };
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE), *fence;

	fence = calloc(COUNT, sizeof(*fence));
	igt_assert(fence);
	for (int i = 0; i < COUNT; i++) {
		fence[i] = vp_fence_attach(gpu, handle, i % 2);
		for (int j = 0; j < i; j++)
			igt_assert_neq(fence[j], fence[i]);
		vp_fence_signal(gpu, fence[i]);
	}
	free(fence);
	close(gpu);
}

static void signal_too_late(void)
{
	int gpu = vp_config_open("short", SHORT_LIMIT);
	uint32_t handle = vp_create(gpu, SIZE), fence[20];
	int ret;

	for (int i = 0; i < 20; i++)
		fence[i] = vp_fence_attach(gpu, handle, false);
	igt_assert_eq(vp_try_wait(gpu, handle, DRM_VPRIME_WAIT_WRITE,
				  INT64_MAX), 0);
	for (int i = 0; i < 20; i++) {
		/* The wrong flag does not use it up. */
		igt_assert_eq(vp_try_fence_signal(gpu, fence[i], 1), -EINVAL);
		igt_assert_eq(vp_try_fence_signal(gpu, fence[i], 0),
			      -ETIMEDOUT);
		igt_assert_eq(vp_try_fence_signal(gpu, fence[i], 0), -ENOENT);
	}
	ret = vp_try_fence_signal(gpu, vp_fence_attach(gpu, handle, true), 0);
	/* The machine may have stood still. */
	igt_assert(ret == 0 || ret == -ETIMEDOUT);
	close(gpu);
	vp_config_remove("short");
}

static void wait_flags(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);

	for (int bit = 1; bit < 32; bit++) {
		vp_assert_refused(vp_try_wait(gpu, handle, 1u << bit, 0),
				  EINVAL);
		vp_assert_refused(vp_try_wait(gpu, handle,
					      DRM_VPRIME_WAIT_WRITE |
					      1u << bit, INT64_MAX), EINVAL);
	}
	close(gpu);
}

/* ---- timelines ---------------------------------------------------------- */

static void timeline_flags(void)
{
	int gpu = vp_open(0);
	uint32_t timeline;

	for (int bit = 0; bit < 32; bit++)
		vp_assert_refused(vp_try_timeline(gpu, "name", 1u << bit, NULL),
				  EINVAL);
	timeline = vp_timeline(gpu, "name");
	for (int bit = 0; bit < 32; bit++) {
		vp_assert_refused(vp_try_timeline_destroy(gpu, timeline,
							  1u << bit), EINVAL);
		vp_assert_refused(vp_try_fence(gpu, timeline, 1u << bit, 0,
					       NULL), EINVAL);
		vp_assert_refused(vp_try_fence(gpu, timeline, 0, 1u << bit,
					       NULL), EINVAL);
	}
	vp_timeline_destroy(gpu, timeline);
	close(gpu);
}

static void good_names(void)
{
	static const char *const names[] = {
		"x", " ", "two words", NAME_31, "100% \"of\" 'them'\\n",
	};
	int gpu = vp_open(0);
	char name[3] = "a?";

	for (size_t i = 0; i < VP_ARRAY_SIZE(names); i++) {
		uint32_t timeline = vp_timeline(gpu, names[i]);
		int sync = vp_fence(gpu, timeline, NULL);
		struct sync_fence_info fence;

		vp_sync_info(sync, &fence, 1);
		igt_assert_f(!strcmp(fence.obj_name, names[i]),
			     "\"%s\" is called \"%s\"\n", names[i],
			     fence.obj_name);
		igt_assert_f(!strcmp(fence.driver_name, "vprime0"),
			     "driver \"%s\"\n", fence.driver_name);
		close(sync);
		/* And it may be given again. */
		igt_assert_neq(vp_timeline(gpu, names[i]), timeline);
	}
	for (char c = ' '; c <= '~'; c++) {
		name[1] = c;
		vp_timeline(gpu, name);
	}
	close(gpu);
}

static void bad_names(void)
{
	static const size_t at[] = { 0, 1, 15, 30 };
	int gpu = vp_open(0);

	vp_assert_refused(vp_try_timeline(gpu, "", 0, NULL), EINVAL);
	/* 32 characters have no room for the NUL. */
	vp_assert_refused(vp_try_timeline(gpu, NAME_31 "x", 0, NULL), EINVAL);
	for (int c = 1; c < 256; c++) {
		if (c >= ' ' && c <= '~')
			continue;
		for (size_t i = 0; i < VP_ARRAY_SIZE(at); i++) {
			char name[] = NAME_31;

			name[at[i]] = (char)c;
			igt_assert_eq(vp_try_timeline(gpu, name, 0, NULL),
				      -EINVAL);
		}
	}
	vp_assert_refused(vp_try_timeline(gpu, "\n", 0, NULL), EINVAL);
	close(gpu);
}

static void assert_no_timeline(int gpu, uint32_t timeline)
{
	vp_assert_refused(vp_try_timeline_destroy(gpu, timeline, 0), ENOENT);
	vp_assert_refused(vp_try_fence(gpu, timeline, 0, 0, NULL), ENOENT);
	vp_assert_refused(vp_try_timeline_signal(gpu, timeline, 1, 0), ENOENT);
}

static void unknown_timeline(void)
{
	int gpu = vp_open(0), other = vp_open(0), gpu1 = vp_open(1), sync;
	uint32_t timeline;

	assert_no_timeline(gpu, 0);
	assert_no_timeline(gpu, 1);
	assert_no_timeline(gpu, NO_SUCH);
	assert_no_timeline(gpu, ~0u);
	timeline = vp_timeline(gpu, "mine");
	sync = vp_fence(gpu, timeline, NULL);
	assert_no_timeline(other, timeline);
	assert_no_timeline(gpu1, timeline);
	assert_no_timeline(gpu, timeline + 1);
	igt_assert_eq(vp_sync_state(sync), 0);
	vp_timeline_destroy(gpu, timeline);
	assert_no_timeline(gpu, timeline);
	close(sync);
	close(gpu1);
	close(other);
	close(gpu);
}

/* A buffer's handle is no timeline, nor its fence one of a timeline. */
static void other_kind(void)
{
	int gpu = vp_open(0), sync;
	uint32_t timeline, handle = vp_create(gpu, SIZE), fence;

	assert_no_timeline(gpu, handle);
	fence = vp_fence_attach(gpu, handle, true);
	timeline = vp_timeline(gpu, "other");
	sync = vp_fence(gpu, timeline, NULL);
	vp_close(gpu, handle);
	assert_no_handle(gpu, timeline);
	vp_fence_signal(gpu, fence);
	vp_assert_refused(vp_try_fence_signal(gpu, 1, 0), ENOENT);
	igt_assert_eq(vp_sync_state(sync), 0);
	vp_timeline_signal(gpu, timeline, 1);
	close(sync);
	close(gpu);
}

static void fence_error(void)
{
	static const int errors[] = {
		1, 5, INT_MAX, -512 /* -ERESTARTSYS */, -4095, -4096, INT_MIN
	};
	int gpu = vp_open(0), sync;
	uint32_t timeline = vp_timeline(gpu, "errors");
	uint64_t seqno;

	sync = vp_fence(gpu, timeline, NULL);
	for (size_t i = 0; i < VP_ARRAY_SIZE(errors); i++)
		vp_assert_refused(vp_try_timeline_signal(gpu, timeline, 1,
							 errors[i]), EINVAL);
	igt_assert_eq(vp_sync_state(sync), 0);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1,
					     -DRM_VPRIME_MAX_ERROR), 0);
	igt_assert_eq(vp_sync_state(sync), -DRM_VPRIME_MAX_ERROR);
	close(sync);
	sync = vp_fence(gpu, timeline, &seqno);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, seqno, -1), 0);
	igt_assert_eq(vp_sync_state(sync), -1);
	close(sync);
	close(gpu);
}

static void signal_number(void)
{
	static const uint64_t unknown[] = {
		0, 4, 5, INT_MAX, 1ull << 32, (1ull << 32) + 1, INT64_MAX,
		1ull << 63, ~0ull,
	};
	int gpu = vp_open(0), sync[3];
	uint32_t timeline = vp_timeline(gpu, "numbers");
	uint64_t seqno;

	vp_assert_refused(vp_try_timeline_signal(gpu, timeline, 1, 0), ENOENT);
	for (uint64_t i = 0; i < 3; i++) {
		sync[i] = vp_fence(gpu, timeline, &seqno);
		igt_assert_eq(seqno, i + 1);
	}
	for (size_t i = 0; i < VP_ARRAY_SIZE(unknown); i++)
		vp_assert_refused(vp_try_timeline_signal(gpu, timeline,
							 unknown[i], 0),
				  ENOENT);
	for (int i = 0; i < 3; i++)
		igt_assert_eq(vp_sync_state(sync[i]), 0);

	vp_timeline_signal(gpu, timeline, 2);
	igt_assert_eq(vp_sync_state(sync[2]), 0);
	vp_assert_refused(vp_try_timeline_signal(gpu, timeline, 2, 0),
			  EALREADY);
	vp_assert_refused(vp_try_timeline_signal(gpu, timeline, 1, -EIO),
			  EALREADY);
	igt_assert_eq(vp_sync_state(sync[0]), 1);
	igt_assert_eq(vp_sync_state(sync[2]), 0);
	vp_timeline_signal(gpu, timeline, 3);
	vp_assert_refused(vp_try_timeline_signal(gpu, timeline, 3, 0),
			  EALREADY);
	vp_assert_refused(vp_try_timeline_signal(gpu, timeline, 4, 0), ENOENT);
	for (int i = 0; i < 3; i++)
		close(sync[i]);
	/* What has signalled is known when all its files are closed. */
	vp_assert_refused(vp_try_timeline_signal(gpu, timeline, 3, 0),
			  EALREADY);
	close(gpu);
}

static void timeline_too_late(void)
{
	int gpu = vp_config_open("short", SHORT_LIMIT), sync[4];
	uint32_t timeline = vp_timeline(gpu, "late");

	for (int i = 0; i < 3; i++)
		sync[i] = vp_fence(gpu, timeline, NULL);
	for (int i = 0; i < 3; i++) {
		igt_assert_eq(vp_poll(sync[i], POLLIN, VP_PATIENCE_MS),
			      POLLIN);
		igt_assert_eq(vp_sync_state(sync[i]), -ETIMEDOUT);
	}
	/* It is told once, for each that is asked for and those before. */
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 2, 0), -ETIMEDOUT);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 2, 0), -EALREADY);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, 0), -EALREADY);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 3, 0), -ETIMEDOUT);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 3, 0), -EALREADY);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 4, 0), -ENOENT);
	for (int i = 0; i < 3; i++)
		igt_assert_eq(vp_sync_state(sync[i]), -ETIMEDOUT);
	close(gpu);
	for (int i = 0; i < 3; i++)
		close(sync[i]);
	vp_config_remove("short");
}

/* ---- GPUs that are gone ------------------------------------------------- */

static void unplugged(void)
{
	int gpu = vp_open(0), sync;
	uint32_t handle = vp_create(gpu, SIZE), timeline, fence;

	fence = vp_fence_attach(gpu, handle, true);
	timeline = vp_timeline(gpu, "gone");
	sync = vp_fence(gpu, timeline, NULL);
	vp_unplug(0);
	igt_assert_eq(vp_sync_state(sync), -ENODEV);
	/* Right or wrong, it makes no difference. */
	for (uint32_t flags = 0; flags < 3; flags += 2) {
		vp_assert_refused(vp_try_fence_attach(gpu, handle, flags, flags,
						      NULL), ENODEV);
		vp_assert_refused(vp_try_fence_signal(gpu, fence, flags),
				  ENODEV);
		vp_assert_refused(vp_try_wait(gpu, handle, flags, 0), ENODEV);
		vp_assert_refused(vp_try_timeline(gpu, "gone", flags, NULL),
				  ENODEV);
		vp_assert_refused(vp_try_fence(gpu, timeline, flags, flags,
					       NULL), ENODEV);
		vp_assert_refused(vp_try_timeline_signal(gpu, timeline, 1,
							 (int)flags), ENODEV);
		vp_assert_refused(vp_try_timeline_destroy(gpu, timeline, flags),
				  ENODEV);
	}
	close(gpu);
	vp_plug(0);
	igt_assert_eq(vp_sync_state(sync), -ENODEV);
	close(sync);
}

/* The new GPU of that name knows nothing of the old one's fences. */
static void plugged_again(void)
{
	int old = vp_open(0), fresh;
	uint32_t handle = vp_create(old, SIZE), timeline, fence;

	fence = vp_fence_attach(old, handle, true);
	timeline = vp_timeline(old, "old");
	vp_unplug(0);
	vp_plug(0);
	fresh = vp_open(0);
	vp_assert_refused(vp_try_fence_signal(fresh, fence, 0), ENOENT);
	assert_no_timeline(fresh, timeline);
	vp_assert_refused(vp_try_fence_signal(old, fence, 0), ENODEV);
	vp_assert_refused(vp_try_wait(old, handle, 0, 0), ENODEV);
	close(fresh);
	close(old);
}

igt_main
{
	igt_describe("Every flag of FENCE_ATTACH but one, and all padding, is EINVAL");
	vp_subtest("attach-flags")
		attach_flags();

	igt_describe("A handle that never was, is closed or another file's is ENOENT, to attach and to wait");
	vp_subtest("unknown-handle")
		unknown_handle();

	igt_describe("A fence that conflicts with one that is there is EBUSY");
	vp_subtest("attach-busy")
		attach_busy();

	igt_describe("Every flag of FENCE_SIGNAL is EINVAL, and signals nothing");
	vp_subtest("signal-flags")
		signal_flags();

	igt_describe("A fence that never was, is another file's, or has been signalled is ENOENT");
	vp_subtest("signal-unknown")
		signal_unknown();

	igt_describe("Fences of two files are two, also where their numbers are the same");
	vp_subtest("signal-of-each-file")
		signal_of_each_file();

	igt_describe("A thousand fences have a thousand numbers");
	vp_subtest("numbers-not-reused")
		numbers_not_reused();

	igt_describe("Signalling a fence that is too old is ETIMEDOUT, and then ENOENT");
	vp_subtest("signal-too-late")
		signal_too_late();

	igt_describe("Every flag of GEM_WAIT but one is EINVAL");
	vp_subtest("wait-flags")
		wait_flags();

	igt_describe("Every flag of the timeline calls, and all padding, is EINVAL");
	vp_subtest("timeline-flags")
		timeline_flags();

	igt_describe("A timeline's name has 1 to 31 printable characters, and its fences show it");
	vp_subtest("good-names")
		good_names();

	igt_describe("A name that is empty, too long, or has a character that cannot be printed is EINVAL");
	vp_subtest("bad-names")
		bad_names();

	igt_describe("A timeline that never was, is another file's, or is destroyed is ENOENT");
	vp_subtest("unknown-timeline")
		unknown_timeline();

	igt_describe("Numbers of buffers, of their fences and of timelines are not taken for each other");
	vp_subtest("other-kind")
		other_kind();

	igt_describe("What is no negative errno is EINVAL as a fence's error, and signals nothing");
	vp_subtest("fence-error")
		fence_error();

	igt_describe("A number that no fence has is ENOENT, one that has signalled EALREADY");
	vp_subtest("signal-number")
		signal_number();

	igt_describe("Signalling a timeline's fence that is too old is ETIMEDOUT once, and then EALREADY");
	vp_subtest("timeline-too-late")
		timeline_too_late();

	igt_describe("Every call is ENODEV when the GPU is unplugged");
	vp_subtest("unplugged")
		unplugged();

	igt_describe("A GPU that is plugged in again has none of the fences it had");
	vp_subtest("plugged-again")
		plugged_again();
}
