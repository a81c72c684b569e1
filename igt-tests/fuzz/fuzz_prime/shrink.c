// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the steps of a run that went wrong to the few that it takes: the last ones
 * with those that made what they use, more and more of them until that goes wrong
 * as well; then pieces of these are left out, as long as it still does.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vp_test.h"

struct shrink {
	const struct fz_options *options;
	int64_t until;
	unsigned int runs;
	char *why;
	size_t size;
};

static bool time_is_up(const struct shrink *shrink)
{
	return vp_now_ns() > shrink->until;
}

/* Scenery takes time: what no step is about is left out. */
static void look_for_needed(const struct fz_steps *steps,
			    struct fz_options *options)
{
	unsigned int gpus = 0, procs = 0;

	for (unsigned int i = 0; i < steps->n; i++) {
		const struct fz_step *step = &steps->at[i];

		procs |= 1u << step->proc;
		for (unsigned int arg = 0; arg < FZ_ARGS; arg++) {
			const char *name = fz_ops[step->op].args[arg];

			if (name && !strcmp(name, "to"))
				procs |= 1u << step->arg[arg] % 32;
			if (name && !strcmp(name, "gpu"))
				gpus |= 1u << step->arg[arg] % 32;
			if (name && !strcmp(name, "procs"))
				gpus = procs = ~0u;
		}
	}
	options->no_gpus = ~gpus;
	options->no_procs = ~procs;
}

static bool goes_wrong(struct shrink *shrink, const struct fz_steps *steps)
{
	struct fz_options options = *shrink->options;
	struct fz_run run;

	look_for_needed(steps, &options);
	shrink->runs++;
	if (fz_run_steps(&run, &options, steps))
		return false;
	snprintf(shrink->why, shrink->size, "%.*s", (int)sizeof(run.why),
		 run.why);
	return true;
}

/* Steps without which nobody is there to do the others. */
static bool is_scenery(const struct fz_step *step)
{
	static const char *const names[] = {
		"fork", "kill", "spawn", "plug", "unplug",
	};

	for (size_t i = 0; i < VP_ARRAY_SIZE(names); i++)
		if (!strcmp(fz_ops[step->op].name, names[i]))
			return true;
	return false;
}

/* What is received or sent depends on all letters before it. */
static bool is_mail(const struct fz_step *step)
{
	return !strcmp(fz_ops[step->op].name, "send") ||
	       !strcmp(fz_ops[step->op].name, "receive");
}

/* Which steps are looked at first. */
struct choice {
	unsigned int last;	/* so many at the end */
	bool related;		/* those about the same buffer as the last one */
	bool mail;
};

/* A set of steps, by number, and of the buffers that they are about. */
struct wanted {
	bool *step, *buffer;
	unsigned int n;
};

static void want_refs(const struct fz_step *step, struct wanted *wanted)
{
	wanted->step[step->id] = true;
	wanted->buffer[step->about] = true;
	for (unsigned int arg = 0; arg < FZ_ARGS; arg++)
		if (fz_arg_is_ref(step, arg) && step->arg[arg] <= wanted->n)
			wanted->step[step->arg[arg]] = true;
}

/* Backwards, as what a step needs was made before it. */
static void want_needed(const struct fz_steps *from,
			const struct choice *choice, struct wanted *wanted)
{
	for (unsigned int i = from->n; i--;) {
		const struct fz_step *step = &from->at[i];

		if (i + choice->last >= from->n || wanted->step[step->id] ||
		    is_scenery(step) || (choice->mail && is_mail(step)) ||
		    (choice->related && step->about &&
		     wanted->buffer[step->about]))
			want_refs(step, wanted);
	}
}

/* What closes or copies something that is wanted, or lets it go. */
static void want_ends(const struct fz_steps *from, struct wanted *wanted)
{
	static const char *const names[] = {
		"close", "dup", "send", "munmap", "gem-close",
		"timeline-destroy", "signal", "timeline-signal",
		"syncobj-destroy", "syncobj-reset", "syncobj-signal",
	};

	for (unsigned int i = 0; i < from->n; i++) {
		const struct fz_step *step = &from->at[i];
		bool ends = false, all = true;

		for (size_t j = 0; j < VP_ARRAY_SIZE(names); j++)
			ends |= !strcmp(fz_ops[step->op].name, names[j]);
		for (unsigned int arg = 0; arg < FZ_ARGS && ends; arg++)
			if (fz_arg_is_ref(step, arg) &&
			    step->arg[arg] <= wanted->n)
				all &= wanted->step[step->arg[arg]];
		if (ends && all)
			wanted->step[step->id] = true;
	}
}

/* Those that are chosen, and all that they need. @from has no gaps. */
static void select_steps(const struct fz_steps *from,
			 const struct choice *choice, struct fz_steps *to)
{
	struct wanted wanted = {
		.step = fz_new(from->n + 1), .buffer = fz_new(from->n + 1),
		.n = from->n,
	};

	want_needed(from, choice, &wanted);
	if (choice->related) {
		want_ends(from, &wanted);
		want_needed(from, choice, &wanted);
	}
	to->n = 0;
	for (unsigned int i = 0; i < from->n; i++)
		if (wanted.step[from->at[i].id])
			fz_steps_add(to, &from->at[i]);
	free(wanted.step);
	free(wanted.buffer);
}

static void replace(struct fz_steps *steps, const struct fz_steps *by)
{
	steps->n = 0;
	for (unsigned int i = 0; i < by->n; i++)
		fz_steps_add(steps, &by->at[i]);
}

/* @steps are numbered from 1 without a gap. */
static bool cut_down(struct shrink *shrink, struct fz_steps *steps)
{
	struct fz_steps tail = {};
	bool found = false;

	for (unsigned int last = 1; !found && !time_is_up(shrink);
	     last *= 8) {
		for (unsigned int i = 0; i < 4 && !found; i++) {
			struct choice choice = {
				.last = last, .related = i & 1, .mail = i & 2,
			};

			select_steps(steps, &choice, &tail);
			found = goes_wrong(shrink, &tail);
		}
		if (last > steps->n)
			break;
	}
	if (found)
		replace(steps, &tail);
	fz_steps_free(&tail);
	return found;
}

/* Leave out @count steps from @at on. */
static bool leave_out(struct shrink *shrink, struct fz_steps *steps,
		      unsigned int at, unsigned int count)
{
	struct fz_steps rest = {};
	bool wrong;

	for (unsigned int i = 0; i < steps->n; i++)
		if (i < at || i >= at + count)
			fz_steps_add(&rest, &steps->at[i]);
	wrong = goes_wrong(shrink, &rest);
	if (wrong)
		replace(steps, &rest);
	fz_steps_free(&rest);
	return wrong;
}

void fz_shrink(const struct fz_options *options, struct fz_steps *steps,
	       unsigned int seconds, char *why, size_t size)
{
	struct shrink shrink = {
		.options = options, .until = vp_in_ms(seconds * 1000ll),
		.why = why, .size = size,
	};
	unsigned int count;
	bool fewer;

	cut_down(&shrink, steps);
	for (count = steps->n / 2; count && !time_is_up(&shrink);
	     count = fewer && count == 1 ? 1 : count / 2) {
		fewer = false;
		/* From the end: what makes things comes after what uses them. */
		for (unsigned int at = steps->n; at && !time_is_up(&shrink);) {
			at = at > count ? at - count : 0;
			if (leave_out(&shrink, steps, at, count))
				fewer = true;
			if (at > steps->n)
				at = steps->n;
		}
	}
	igt_info("shrunk to %u steps in %u runs\n", steps->n, shrink.runs);
}

void fz_report(const struct fz_options *options, const struct fz_steps *steps,
	       const char *why)
{
	char text[200];

	igt_info("# seed %llu, %u processes: %s\n",
		 (unsigned long long)options->seed, options->procs, why);
	for (unsigned int i = 0; i < steps->n; i++) {
		fz_step_print(&steps->at[i], text, sizeof(text));
		igt_info("%s\n", text);
	}
}
