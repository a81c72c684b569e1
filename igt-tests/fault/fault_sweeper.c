// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sweeper that the other fault_ programs use: that it makes calls fail at
 * all, and sees each kind of mistake that such a call can make.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vp_failslab.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Sweeping faults finds what it is to find");

#define SIZE	(4 * VP_PAGE)

static int gpu;
static uint32_t handle;
static bool broken;

static void open_gpu(void)
{
	gpu = vp_open(0);
	broken = false;
}

static void close_gpu(void)
{
	close(gpu);
}

static void close_buffer(void)
{
	vp_close(gpu, handle);
}

/* ---- calls: a good one, and how it might be wrong ---- */

static int create(void)
{
	return vp_try_create(gpu, SIZE, 0, &handle);
}

static int get_param(void)
{
	return vp_try_param(gpu, DRM_VPRIME_PARAM_MAX_SIZE, 0, NULL);
}

static int leaves_buffer(void)
{
	uint32_t left;
	int ret = create();

	if (ret)
		vp_try_create(gpu, SIZE, 0, &left);
	return ret;
}

static int left_fd = -1;

static int leaves_descriptor(void)
{
	int ret = create();

	if (ret)
		left_fd = dup(gpu);
	return ret;
}

static int leaves_fence(void)
{
	uint32_t timeline;
	int ret = create();

	if (ret && !vp_try_timeline(gpu, "left", 0, &timeline))
		close(vp_try_fence(gpu, timeline, 0, 0, NULL));
	return ret;
}

static int has_wrong_errno(void)
{
	return create() ? -EIO : 0;
}

static int stays_broken(void)
{
	int ret = broken ? -ENOMEM : create();

	broken = ret;
	return ret;
}

static void forget(void)
{
}

static void sweep(const struct vp_fault_op *op, const char *wanted)
{
	struct vp_fault_result result;
	const char *bad = vp_fault_try(op, &result);

	igt_assert_f(bad, "%s: nothing was seen\n", op->name);
	igt_info("%s: %s\n", op->name, bad);
	igt_assert_f(strstr(bad, wanted), "%s: should say: %s\n", bad, wanted);
	/* It was left where it was, or closed already. */
	close(gpu);
	if (left_fd >= 0)
		close(left_fd);
	left_fd = -1;
}

/* A view, its handle and the buffer are three allocations at least. */
static void makes_it_fail(void)
{
	const struct vp_fault_op op = {
		.name = "create", .begin = open_gpu, .call = create,
		.undo = close_buffer, .end = close_gpu,
	};
	struct vp_fault_result result;
	const char *bad = vp_fault_try(&op, &result);

	igt_assert_f(!bad, "%s\n", bad);
	igt_assert_lte(3, result.failed);
}

static const struct {
	const char *what;
	struct vp_fault_op op;
	const char *wanted;
} mistakes[] = {
	{ "A call that no fault makes fail, and that should have been",
	  { .name = "no-faults", .call = get_param, .least = 1 },
	  "0 faults made it fail, should be 1 or more" },
	{ "A call that leaves an object behind when it fails",
	  { .name = "left-buffer", .call = leaves_buffer,
	    .undo = close_buffer },
	  "after it failed: buffers 1 for 0" },
	{ "A call that leaves a descriptor behind when it fails",
	  { .name = "left-descriptor", .call = leaves_descriptor,
	    .undo = close_buffer },
	  "after it failed: lowest descriptor" },
	{ "A call that leaves a pending fence behind when it fails",
	  { .name = "left-fence", .call = leaves_fence,
	    .undo = close_buffer },
	  "fences 1 for 0" },
	{ "A call that fails with another errno",
	  { .name = "wrong-errno", .call = has_wrong_errno,
	    .undo = close_buffer },
	  "made it fail with Input/output error (5)" },
	{ "A call that goes on failing when there is memory again",
	  { .name = "stays-broken", .call = stays_broken,
	    .undo = close_buffer },
	  "without a fault still does" },
	{ "A call that fails and may not",
	  { .name = "must-not-fail", .call = create, .undo = close_buffer,
	    .may = VP_FAULT_NEVER },
	  "made it fail with Cannot allocate memory" },
	{ "A call that is not undone as it should be",
	  { .name = "not-undone", .call = create, .undo = forget },
	  "after all was undone: buffers 1 for 0" },
};

static void mistake_subtest(size_t i)
{
	struct vp_fault_op op = mistakes[i].op;

	op.begin = open_gpu;
	igt_describe(mistakes[i].what);
	vp_subtest(op.name)
		sweep(&op, mistakes[i].wanted);
}

igt_main
{
	vp_fault_begin();

	igt_describe("Its faults make a call fail that allocates");
	vp_subtest("makes-it-fail")
		makes_it_fail();
	for (size_t i = 0; i < VP_ARRAY_SIZE(mistakes); i++)
		mistake_subtest(i);

	vp_fault_end();
}
