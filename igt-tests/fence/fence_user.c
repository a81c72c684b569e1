// SPDX-License-Identifier: GPL-2.0-only
/*
 * That programs signal fences is dangerous where a GPU's memory management waits
 * for them: the kernel is told so, and it can be left out.
 */
#include <errno.h>
#include <unistd.h>

#include "vp_sw_sync.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Fences that programs signal taint the kernel, and can be left out");

/* The kernel's, for what can keep a processor from getting on. */
#define TAINT_SOFTLOCKUP	(1ul << 14)
#define LINE			"makes fences that programs signal"

static unsigned long tainted(void)
{
	FILE *file = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long taint = 0;

	igt_assert(file);
	igt_assert_eq(fscanf(file, "%lu", &taint), 1);
	fclose(file);
	return taint;
}

/* Said once, by the first of whatever kind. A taint stays until the machine is started again. */
static void taint(bool on_buffer)
{
	int log, gpu;
	uint32_t handle, timeline;

	vp_reload(VP_DEFAULT_GPUS);
	log = vp_log_open();
	gpu = vp_open(0);
	handle = vp_create(gpu, VP_PAGE);
	timeline = vp_timeline(gpu, "render");
	igt_assert_eq(vp_logged(log, LINE, ""), 0);
	for (int i = 0; i < 3; i++) {
		if (on_buffer)
			vp_fence_signal(gpu, vp_fence_attach(gpu, handle, true));
		else
			close(vp_fence(gpu, timeline, NULL));
		igt_assert_eq(vp_logged(log, LINE, "fence_user["), i == 0);
		igt_assert(tainted() & TAINT_SOFTLOCKUP);
	}
	close(gpu);
	close(log);
}

static void left_out(void)
{
	struct drm_vprime_timeline_signal signal = { .timeline = 1, .seqno = 1 };
	struct drm_vprime_timeline_destroy destroy = { .timeline = 1 };
	uint32_t handle, timeline;
	int gpu, sw_sync;

	vp_unload();
	/* It is the kernel's own where that has it. */
	sw_sync = access(VP_SW_SYNC_DIR, F_OK);
	igt_assert_eq(vp_try_load("user_fences=0"), 0);
	gpu = vp_open(0);
	vp_assert_refused(vp_try_timeline(gpu, "render", 0, &timeline), EOPNOTSUPP);
	vp_assert_refused(vp_try_fence(gpu, 1, 0, 0, NULL), EOPNOTSUPP);
	vp_assert_refused(vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_TIMELINE_SIGNAL, &signal), EOPNOTSUPP);
	vp_assert_refused(vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_TIMELINE_DESTROY, &destroy),
			  EOPNOTSUPP);
	igt_assert_eq(access(VP_SW_SYNC_DIR, F_OK), sw_sync);

	/* What vgem has stays, and what the DRM core has. */
	handle = vp_create(gpu, VP_PAGE);
	vp_fence_signal(gpu, vp_fence_attach(gpu, handle, true));
	igt_assert(vp_idle(gpu, handle, true));
	close(gpu);
	vp_reload(VP_DEFAULT_GPUS);
}

igt_main
{
	igt_describe("The first fence on a buffer taints the kernel, and one line says why");
	vp_subtest("taint-on-buffer")
		taint(true);

	igt_describe("So does the first one of a timeline");
	vp_subtest("taint-timeline")
		taint(false);

	igt_describe("With user_fences=0 the ioctls of timelines are EOPNOTSUPP, and sw_sync is not there");
	vp_subtest("left-out")
		left_out();
}
