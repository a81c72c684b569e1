// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fuzzer that knows no answers, but sees what code of the module it comes by:
 * programs of a few calls, and what reaches something new is kept and built upon.
 * What it looks for are the kernel's reports, which end the guest's test as a
 * failure, and that nothing is left in the end.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_cover/cover.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Random calls, steered by what code of the module they reach");

#define STEPS	20000	/* calls */
#define CORPUS	4096

static uint64_t seed = 1;
static unsigned int steps = STEPS;

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "steps", required_argument, NULL, 'n' },
	{}
};

static const char help[] =
	"  --seed S   what the calls are drawn from (1)\n"
	"  --steps N  how many calls\n";

static int on_option(int opt, int index, void *data)
{
	(void)index;
	(void)data;
	if (opt == 's')
		seed = strtoull(optarg, NULL, 0);
	else if (opt == 'n')
		steps = (unsigned int)strtoul(optarg, NULL, 0);
	else
		return IGT_OPT_ERROR;
	return IGT_OPT_OK;
}

static struct fc_program corpus[CORPUS];
static unsigned int kept;

static void draw_program(struct fc_program *program)
{
	if (!kept || fc_random(10) < 2) {
		fc_fresh(program);
		return;
	}
	/* Half of the time one of those that have come last. */
	*program = corpus[fc_random(2) ? fc_random(kept) :
			  kept - 1 - fc_random(kept < 16 ? kept : 16)];
	fc_mutate(program, &corpus[fc_random(kept)]);
}

static unsigned int fuzz(unsigned int calls)
{
	unsigned int done = 0, found;
	struct fc_program program;

	while (done < calls) {
		draw_program(&program);
		fc_cover_reset();
		fc_run(&program);
		found = fc_cover_new();
		done += program.n;
		if (found && kept < CORPUS)
			corpus[kept++] = program;
	}
	return done;
}

static void cover(void)
{
	/* Nobody waits for long; and two GPUs that are not alike. */
	unsigned int gpu[2];
	unsigned int done;

	igt_require_f(fc_cover_begin(), "the kernel has no kcov\n");
	gpu[0] = vp_config_plug("cover0", "fence_timeout_ms=20");
	gpu[1] = vp_config_plug("cover1",
				"fence_timeout_ms=20 coherent=0 dma_bits=32 max_segment=4096");
	fc_seed(seed);
	igt_info("seed %llu\n", (unsigned long long)seed);
	fc_calls_begin(gpu);
	done = fuzz(steps);
	fc_calls_end();
	fc_cover_end();
	vp_config_remove("cover0");
	vp_config_remove("cover1");

	igt_info("%u calls, %u programs kept, %u places of the module reached\n",
		 done, kept, fc_cover_count());
	printf("vprime-number fuzz-cover-pcs %u\n", fc_cover_count());
	fflush(stdout);
	/* Fewer than in one call each: nothing was seen, or nothing done. */
	igt_assert_lt(500u, fc_cover_count());
}

igt_main_args("", long_options, help, on_option, NULL)
{
	igt_describe("Calls with arguments of any kind make the kernel report nothing, and leave nothing");
	vp_subtest("calls")
		cover();
}
