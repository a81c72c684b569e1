// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fuzzer that knows the answers: several processes, GPUs and foreign drivers
 * do what a seed says, and a model in the program predicts what each call returns
 * and what each byte of each buffer is.
 *
 * One step is done after the other, so a seed gives the same run again. When an
 * answer is not the predicted one, the steps are cut down to the few that it
 * takes, and printed as --replay reads them.
 *
 *	fuzz_prime --seed 7 --steps 100000 --run-subtest sequence
 *	fuzz_prime --replay FILE --run-subtest sequence
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_prime/fuzz.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Random steps of everything there is, against a model");

#define SHRINK_SECONDS	200
#define STEPS		40000

static struct fz_options options = { .seed = 1, .procs = 5, .plug = true };
static const char *replay;
static bool times;

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "steps", required_argument, NULL, 'n' },
	{ "replay", required_argument, NULL, 'r' },
	{ "workers", required_argument, NULL, 'w' },
	{ "times", no_argument, NULL, 't' },
	{}
};

static const char help[] =
	"  --seed S     what the steps are drawn from (1)\n"
	"  --steps N    how many (VPRIME_FUZZ_STEPS, or by the kernel)\n"
	"  --replay F   the steps of a file instead\n"
	"  --workers N  processes, 1 to 6 (5)\n"
	"  --times      say what each kind of step takes\n";

static int on_option(int opt, int index, void *data)
{
	(void)index;
	(void)data;
	switch (opt) {
	case 's':
		options.seed = strtoull(optarg, NULL, 0);
		break;
	case 'n':
		options.steps = (unsigned int)strtoul(optarg, NULL, 0);
		break;
	case 'r':
		replay = optarg;
		break;
	case 'w':
		options.procs = (unsigned int)strtoul(optarg, NULL, 0);
		if (!options.procs || options.procs > FZ_PROCS)
			return IGT_OPT_ERROR;
		break;
	case 't':
		times = true;
		break;
	default:
		return IGT_OPT_ERROR;
	}
	return IGT_OPT_OK;
}

static unsigned int default_steps(void)
{
	const char *steps = getenv("VPRIME_FUZZ_STEPS");

	if (steps && *steps)
		return (unsigned int)strtoul(steps, NULL, 0);
	return STEPS;
}

static void went_wrong(const struct fz_options *how, struct fz_steps *steps,
		       const struct fz_run *run)
{
	char why[sizeof(run->why)], text[200];

	snprintf(why, sizeof(why), "%s", run->why);
	fz_step_print(&steps->at[steps->n - 1], text, sizeof(text));
	igt_info("seed %llu: step %u of %u went wrong: %s\n%s\n",
		 (unsigned long long)how->seed, run->now, how->steps, why,
		 text);
	fz_shrink(how, steps, SHRINK_SECONDS, why, sizeof(why));
	fz_report(how, steps, why);
	igt_assert_f(false, "%s\n", run->why);
}

static void sequence(void)
{
	struct fz_options how = options;
	struct fz_steps steps = {};
	struct fz_run run;
	char why[512];
	bool right;

	if (!how.steps)
		how.steps = default_steps();
	how.slow = vp_kernel_is_debug();
	igt_info("seed %llu\n", (unsigned long long)how.seed);
	if (replay) {
		igt_assert_f(fz_steps_read(replay, &steps, &how.procs, why,
					   sizeof(why)), "%s\n", why);
		right = fz_run_steps(&run, &how, &steps);
		igt_assert_f(right, "step %u: %s\n", run.now, run.why);
	} else {
		right = fz_run_seed(&run, &how, &steps);
		if (!right)
			went_wrong(&how, &steps, &run);
	}
	igt_info("%u steps, of which %u did something, hash %016llx\n",
		 steps.n, run.done, (unsigned long long)run.hash);
	if (times)
		fz_print_times();
	printf("vprime-number fuzz-steps %u\n", run.done);
	fflush(stdout);
	fz_steps_free(&steps);
}

static void together(void)
{
	struct fz_options how = options;
	struct fz_steps steps = {};
	struct fz_run run;

	how.together = true;
	how.slow = vp_kernel_is_debug();
	how.procs = FZ_PROCS;
	/* One of these is as much work as ten others. */
	how.steps = (how.steps ?: default_steps()) / 10;
	igt_info("seed %llu\n", (unsigned long long)how.seed);
	if (!fz_run_seed(&run, &how, &steps))
		went_wrong(&how, &steps, &run);
	if (times)
		fz_print_times();
	printf("vprime-number fuzz-steps %u\n", run.done);
	fflush(stdout);
	fz_steps_free(&steps);
}

static void replay_is_exact(void)
{
	struct fz_options how = options;
	struct fz_steps steps = {};
	struct fz_run first, again, replayed;

	how.steps = 3000;
	if (!fz_run_seed(&first, &how, &steps))
		went_wrong(&how, &steps, &first);
	igt_assert(fz_run_seed(&again, &how, NULL));
	igt_assert_eq(again.hash, first.hash);
	igt_assert(fz_run_steps(&replayed, &how, &steps));
	igt_assert_eq(replayed.hash, first.hash);
	how.seed++;
	igt_assert(fz_run_seed(&again, &how, NULL));
	igt_assert_neq(again.hash, first.hash);
	fz_steps_free(&steps);
}

static bool reads(const char *text, struct fz_steps *steps,
		  unsigned int *procs, char *why, size_t size)
{
	char path[] = "/tmp/fuzz_prime.XXXXXX";
	int fd = mkstemp(path);
	bool right;

	igt_assert_lte(0, fd);
	igt_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	fz_steps_free(steps);
	right = fz_steps_read(path, steps, procs, why, size);
	unlink(path);
	return right;
}

static void reads_reports(void)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "1 open proc=0 gpu=0 node=0\n2 kill proc=5\n",
		  "there are only 5 processes: 2 kill proc=5\n" },
		{ "1 send proc=0 fd=1 to=5\n",
		  "there are only 5 processes: 1 send proc=0 fd=1 to=5\n" },
		{ "# seed 1, 7 processes: why\n",
		  "there are 1 to 6 processes: # seed 1, 7 processes: why\n" },
		{ "1 opne proc=0\n", "no step: 1 opne proc=0\n" },
		{ "1 open proc=0 gpu=x\n", "no step: 1 open proc=0 gpu=x\n" },
	};
	unsigned int procs = 5;
	struct fz_steps steps = {};
	char why[512];

	igt_assert(reads("# seed 1, 6 processes: why\n\n7 fork proc=5 to=4\n",
			 &steps, &procs, why, sizeof(why)));
	igt_assert_eq(procs, 6);
	igt_assert_eq(steps.n, 1);
	igt_assert_eq(steps.at[0].id, 7);
	igt_assert_eq(steps.at[0].arg[0], 4);
	for (size_t i = 0; i < VP_ARRAY_SIZE(wrong); i++) {
		procs = 5;
		igt_assert(!reads(wrong[i].text, &steps, &procs, why,
				  sizeof(why)));
		igt_assert_f(!strcmp(why, wrong[i].why), "%s", why);
	}
	igt_assert(!fz_steps_read("/nonexistent", &steps, &procs, why,
				  sizeof(why)));
	fz_steps_free(&steps);
}

static void found(const struct fz_found *found)
{
	struct fz_run run;

	igt_assert_f(fz_found_run(&run, &options, found), "step %u: %s\n",
		     run.now, run.why);
}

static void found_subtests(void)
{
	char name[64];

	for (unsigned int i = 0; i < fz_found_count; i++) {
		snprintf(name, sizeof(name), "found-%s", fz_found[i].name);
		igt_describe("What the fuzzer found once goes right");
		vp_subtest(name)
			found(&fz_found[i]);
	}
}

static void finds_and_shrinks(enum fz_mistake mistake, unsigned int most)
{
	struct fz_options how = options;
	struct fz_steps steps = {};
	char why[512] = "", text[200];
	struct fz_step step;
	struct fz_run run;

	how.steps = 8000;
	how.wrong = mistake;
	igt_assert(!fz_run_seed(&run, &how, &steps));
	fz_shrink(&how, &steps, SHRINK_SECONDS, why, sizeof(why));
	fz_report(&how, &steps, why);
	igt_assert_lte(steps.n, most);
	/* What is printed is what goes wrong. */
	for (unsigned int i = 0; i < steps.n; i++) {
		fz_step_print(&steps.at[i], text, sizeof(text));
		igt_assert(fz_step_parse(text, &step));
		step.about = steps.at[i].about;
		igt_assert(!memcmp(&step, &steps.at[i], sizeof(step)));
	}
	igt_assert(!fz_run_steps(&run, &how, &steps));
	how.wrong = FZ_NO_MISTAKE;
	igt_assert(fz_run_steps(&run, &how, &steps));
	fz_steps_free(&steps);
}

igt_main_args("", long_options, help, on_option, NULL)
{
	igt_describe("Steps from a seed, one after the other: each answer and each byte is as predicted");
	vp_subtest("sequence")
		sequence();

	igt_describe("Several processes at one buffer at the same time, often: what is in it, and what was answered, is as predicted");
	vp_subtest("together")
		together();

	igt_describe("The same seed gives the same steps and answers, also read back from a list");
	vp_subtest("replay-is-exact")
		replay_is_exact();

	igt_describe("A report is read back with its processes, and refused when it is not one");
	vp_subtest("reads-reports")
		reads_reports();

	found_subtests();

	igt_describe("A model that is wrong about one byte is found out, in a few steps");
	vp_subtest("finds-and-shrinks-byte")
		finds_and_shrinks(FZ_MISTAKE_BYTE, 20);
}
