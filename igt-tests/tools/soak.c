// SPDX-License-Identifier: GPL-2.0-only
/*
 * A short soak, and that a soak fails when it has to: each thing that it looks
 * for is done on purpose once. The long one is "make soak".
 */
#include <string.h>

#include "vp_program.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("The soak: many processes share, and every mistake is noticed");

/* A short one warms up while it is measured: caches of the kernel's fill. */
#define LIMIT	"4096"

static void flat(void)
{
	struct vp_ran ran = vp_run_words(NULL, "soak", "--seconds", "20", "--limit", LIMIT);

	igt_info("%s%s", ran.out, ran.err);
	igt_assert_eq(ran.status, 0);
	igt_assert(strstr(ran.out, "memory flat\n"));
	igt_assert(!*ran.err);
	vp_ran_free(&ran);
}

/* It says this of whatever it is, at its end or as soon as it is noticed. */
static void notices(const char *spoil, const char *seconds, const char *who, const char *what)
{
	struct vp_ran ran = vp_run_words(NULL, "soak", "--seconds", seconds, "--limit", LIMIT,
					 "--patience", "30", "--spoil", spoil);

	igt_info("%s%s", ran.out, ran.err);
	igt_assert_eq(ran.status, 1);
	igt_assert(strstr(ran.err, who));
	igt_assert(strstr(ran.err, what));
	igt_assert(!strstr(ran.out, "memory flat"));
	vp_ran_free(&ran);
}

static void refuses(void)
{
	struct vp_ran ran = vp_run_words(NULL, "soak", "--seconds", "many");

	vp_assert_refuses(&ran, 1, "many: not a number from 1 to 3600");
	ran = vp_run_words(NULL, "soak", "--seconds", "1", "--spoil", "milk");
	vp_assert_refuses(&ran, 1, "milk: none of byte, early");
}

igt_main
{
	igt_describe("Processes share, wait, move, plug and are killed, and nothing is left of it");
	vp_subtest("flat")
		flat();

	igt_describe("Memory of the kernel that the module does not count is noticed by its trend");
	vp_subtest("notices-growth")
		notices("growth", "10", "soak: ", "needs more and more memory");

	igt_describe("A buffer that is kept is noticed by the module's counts");
	vp_subtest("notices-a-leak")
		notices("leak", "20", "nobody has anything open, and there are", " buffers");

	igt_describe("A bit that flips is noticed by whoever gets the buffer");
	vp_subtest("notices-a-wrong-bit")
		notices("byte", "60", "soak: worker", "wrong contents at byte");

	igt_describe("A fence that signals before the buffer is written is noticed");
	vp_subtest("notices-an-early-fence")
		notices("early", "60", "soak: worker", "wrong contents at byte");

	igt_describe("A worker that ends by itself is noticed");
	vp_subtest("notices-a-dead-worker")
		notices("death", "60", "soak: worker 1 ", "ended by itself with status 3");

	igt_describe("A worker that waits for ever is noticed, and where it waits is said");
	vp_subtest("notices-a-hang")
		notices("hang", "60", "soak: worker 1 ", "does not get on for 30 s");

	igt_describe("Arguments that are none are refused");
	vp_subtest("refuses-nonsense")
		refuses();
}
