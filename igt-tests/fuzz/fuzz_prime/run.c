// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: from a seed, or of steps that are given.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vp_test.h"

/* By kind of step, for those who want the fuzzer to be faster. */
static struct {
	unsigned int count;
	int64_t ns;
} times[64];

void fz_print_times(void)
{
	for (unsigned int op = 0; op < fz_op_count; op++)
		if (times[op].count)
			igt_info("%-16s %7u times, %8.3f ms each, %6.1f s\n",
				 fz_ops[op].name, times[op].count,
				 times[op].ns / 1e6 / times[op].count,
				 times[op].ns / 1e9);
}

static void do_step(struct fz_run *run, const struct fz_step *step)
{
	run->now = step->id;
	run->did = false;
	fz_about = 0;
	if (step->proc < run->procs)
		fz_ops[step->op].run(run, step);
	fz_look_after_waiting(run);
	if (!run->did)
		return;
	run->done++;
	run->hash = (run->hash ^ step->id) * 0x100000001b3ull + step->op;
	if (run->has_limbo && !run->failed)
		fz_leave_limbo(run);
}

void fz_do(struct fz_run *run, const struct fz_step *step)
{
	int64_t began = vp_now_ns();

	do_step(run, step);
	times[step->op].ns += vp_now_ns() - began;
	times[step->op].count++;
}

bool fz_run_seed(struct fz_run *run, const struct fz_options *options,
		 struct fz_steps *steps)
{
	struct fz_random random = { options->seed };
	struct fz_step step;

	fz_start(run, options);
	for (uint32_t id = 1; id <= options->steps && !run->failed; id++) {
		fz_draw(run, &random, &step);
		step.id = id;
		fz_do(run, &step);
		step.about = fz_about;
		if (steps)
			fz_steps_add(steps, &step);
	}
	fz_check_counts(run);
	fz_end(run);
	return !run->failed;
}

bool fz_run_steps(struct fz_run *run, const struct fz_options *options,
		  const struct fz_steps *steps)
{
	fz_start(run, options);
	for (unsigned int i = 0; i < steps->n && !run->failed; i++)
		fz_do(run, &steps->at[i]);
	fz_check_counts(run);
	fz_end(run);
	return !run->failed;
}
