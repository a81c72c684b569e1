// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_failslab.h"
#include "vp_fault_knobs.h"
#include "vp_fault_state.h"
#include "vp_test.h"

/* No call has as many; one that has never ends. */
#define MOST_POINTS	5000
/*
 * A page that is not asked for each time, because a cache was empty or the
 * kernel's debugging wanted one, moves all after it by one: so pages are swept
 * several times. An object has its second time in a drought.
 */
#define ROUNDS		3
/*
 * A drought begins so much later each time, in bytes, and twice as much when that
 * has changed nothing. Calls with more droughts to them are long, and are looked at
 * less closely.
 */
#define DROUGHT_STEP	32
#define DROUGHT_STRIDE	1024
#define MOST_DROUGHTS	100
#define FEW_POINTS	16

static const char *const sweep_names[VP_FAULT_SWEEPS] = {
	"objects", "pages", "drought"
};
/*
 * Of all sweeps, the allocations, an object or a page each, that have made their
 * call fail: each of a call's counts once, however often it has failed.
 */
static unsigned int total;

static char verdict[800];

static const char *wrong(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static const char *wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(verdict, sizeof(verdict), format, args);
	va_end(args);
	return verdict;
}

/* Returns NULL when it does not. */
static const char *differs(const struct vp_fault_state *want, unsigned int may,
			   const char *when)
{
	char text[400];

	if (!vp_fault_differs(want, may, text, sizeof(text)))
		return NULL;
	return wrong("%s:%s", when, text);
}

/* ---- one call ---- */

static void maybe(void (*step)(void))
{
	if (step)
		step();
}

static bool is_allowed(const struct vp_fault_op *op, int err)
{
	if (op->may & VP_FAULT_NEVER)
		return false;
	if (err == ENOMEM)
		return !op->not_enomem;
	for (int i = 0; i < VP_FAULT_ERRNOS && op->errnos[i]; i++)
		if (op->errnos[i] == err)
			return true;
	return false;
}

/* A wrong errno does not end the sweep: nothing need be left behind. */
static char wrong_errno[400];

static void note_errno(unsigned int n, int err)
{
	size_t len = strlen(wrong_errno);
	char what[80];

	snprintf(what, sizeof(what), "fault %u made it fail with %s (%d)", n,
		 strerror(err), err);
	if (!strstr(wrong_errno, what))
		snprintf(wrong_errno + len, sizeof(wrong_errno) - len, "%s%s",
			 len ? ", " : "", what);
}

/* What a call that failed has to be like. */
static const char *check_failure(const struct vp_fault_op *op, unsigned int n,
				 int err, const struct vp_fault_state *before)
{
	const char *bad;
	int ret;

	if (!is_allowed(op, err))
		note_errno(n, err);
	bad = differs(before, op->may, "after it failed");
	if (bad)
		return bad;
	ret = op->call();
	if (ret < 0)
		return wrong("it had failed, and without a fault still does: %s",
			     strerror(-ret));
	maybe(op->verify);
	maybe(op->undo);
	return NULL;
}

/* How one call went. */
struct outcome {
	int ret;
	bool hit;		/* a fault was met */
	unsigned int used;	/* bytes, before a drought */
};

static struct outcome make_call(const struct vp_fault_op *op, enum vp_fault_kind sweep,
				unsigned int n)
{
	struct outcome outcome = {};

	vp_fault_announce("%s: fault %u of %s\n", op->name, n,
			  sweep_names[sweep]);
	if (sweep == VP_FAULT_DROUGHT) {
		vp_fault_begin_drought(n);
		outcome.ret = op->call();
		outcome.hit = vp_fault_end_drought(n, &outcome.used);
	} else {
		vp_fault_arm(n);
		outcome.ret = op->call();
		outcome.hit = vp_fault_disarm() && n;
	}
	return outcome;
}

/*
 * One call, with its n-th allocation failing (0 is none), or with n bytes before
 * the drought.
 */
static const char *point(const struct vp_fault_op *op, enum vp_fault_kind sweep,
			 unsigned int n, struct outcome *outcome)
{
	struct vp_fault_state base = vp_fault_look(), before;
	const char *bad = NULL;

	maybe(op->prepare);
	before = vp_fault_look();
	*outcome = make_call(op, sweep, n);
	if (outcome->ret < 0 && !outcome->hit)
		return wrong("it fails without a fault: %s",
			     strerror(-outcome->ret));
	if (outcome->ret < 0) {
		bad = check_failure(op, n, -outcome->ret, &before);
	} else {
		maybe(op->verify);
		maybe(op->undo);
	}
	if (bad)
		return bad;
	maybe(op->finish);
	return differs(&base, 0, "after all was undone");
}

/* ---- all of them ---- */

/* Fault @n has met the verdict @bad. */
static const char *wrong_at(unsigned int n, enum vp_fault_kind sweep, const char *bad)
{
	char why[sizeof(verdict)];

	strcpy(why, bad);
	return wrong("fault %u of %s: %s", n, sweep_names[sweep], why);
}

static void count(struct vp_fault_result *result, const struct outcome *outcome)
{
	result->failed += outcome->hit && outcome->ret < 0;
	result->absorbed += outcome->hit && outcome->ret >= 0;
}

static unsigned int every(const struct vp_fault_op *op)
{
	return op->every ? op->every : 1;
}

static const char *sweep_faults(const struct vp_fault_op *op, enum vp_fault_kind sweep,
				struct vp_fault_result *result)
{
	struct outcome outcome = { .hit = true };
	const char *bad;

	for (unsigned int n = 1; outcome.hit; n += every(op)) {
		if (n > MOST_POINTS)
			return wrong("there is no end to the %s",
				     sweep_names[sweep]);
		bad = point(op, sweep, n, &outcome);
		if (bad)
			return wrong_at(n, sweep, bad);
		count(result, &outcome);
	}
	return NULL;
}

/*
 * Each drought that begins elsewhere, from the first object on. The next one is
 * looked for in steps that grow, and then between the last two.
 */
static const char *sweep_droughts(const struct vp_fault_op *op,
				  struct vp_fault_result *result)
{
	unsigned int least = DROUGHT_STEP * (every(op) + result->points / FEW_POINTS);
	unsigned int from = 0, beyond = 0, step = least, at = 0;
	struct outcome here = {}, there = {}, outcome;
	const char *bad;

	for (unsigned int i = 0; i < MOST_DROUGHTS / every(op); i++) {
		bad = point(op, VP_FAULT_DROUGHT, at, &outcome);
		if (bad)
			return wrong_at(at, VP_FAULT_DROUGHT, bad);
		/* It stops where the one before did: the next object is larger. */
		if (i && outcome.hit && outcome.used == here.used) {
			from = at;
			step = step < DROUGHT_STRIDE ? 2 * step : step;
		} else {
			beyond = at;
			there = outcome;
		}
		if (!i || (beyond && beyond - from <= least)) {
			count(result, &there);
			if (!there.hit)
				break;
			here = there;
			from = beyond;
			beyond = 0;
			step = least;
		}
		at = beyond ? from + (beyond - from) / 2 : from + step;
	}
	return NULL;
}

/* The round that has met most faults is how many there are. */
static const char *sweep_all(const struct vp_fault_op *op, enum vp_fault_kind sweep,
			     struct vp_fault_result *result)
{
	struct vp_fault_result most = {}, part;
	const char *bad = NULL;

	vp_fault_choose(sweep);
	for (int round = 0; !bad && round < ROUNDS; round++) {
		part = (struct vp_fault_result){ .points = result->points };
		bad = sweep == VP_FAULT_DROUGHT ? sweep_droughts(op, &part) :
					 sweep_faults(op, sweep, &part);
		if (part.failed >= most.failed)
			most = part;
		if (sweep != VP_FAULT_PAGES_FAIL || op->every)
			break;
	}
	igt_info("%s: %s: %u faults made it fail, %u did not\n", op->name,
		 sweep_names[sweep], most.failed, most.absorbed);
	result->failed += most.failed;
	result->absorbed += most.absorbed;
	if (sweep != VP_FAULT_DROUGHT)
		result->points += most.failed;
	return bad;
}

const char *vp_fault_try(const struct vp_fault_op *op,
			 struct vp_fault_result *result)
{
	struct outcome outcome;
	const char *bad;

	*result = (struct vp_fault_result){};
	wrong_errno[0] = '\0';
	maybe(op->begin);
	vp_fault_filter(op->within, op->spare);
	/* Whatever the program has to fetch for it is there after the first. */
	bad = point(op, VP_FAULT_OBJECTS_FAIL, 0, &outcome);
	for (int sweep = 0; !bad && sweep < VP_FAULT_SWEEPS; sweep++)
		bad = sweep_all(op, sweep, result);
	if (!bad && wrong_errno[0])
		bad = wrong_errno;
	if (!bad && result->failed < op->least)
		bad = wrong("%u faults made it fail, should be %u or more",
			    result->failed, op->least);
	if (!bad && op->most && result->points > op->most)
		bad = wrong("%u allocations made it fail, should be %u or less",
			    result->points, op->most);
	if (!bad || bad == wrong_errno)
		maybe(op->end);
	return bad;
}

void vp_fault_sweep(const struct vp_fault_op *op)
{
	struct vp_fault_result result;
	const char *bad;

	bad = vp_fault_try(op, &result);
	igt_assert_f(!bad, "%s: %s\n", op->name, bad);
	total += result.points;
}

/* ---- programs ---- */

void vp_fault_begin(void)
{
	igt_fixture {
		/* Mounts debugfs where it is not. */
		vp_ensure(VP_DEFAULT_GPUS);
		vp_counts();
		igt_require_f(vp_fault_knobs_open() == 0,
			      "the kernel injects no faults\n");
		/* A fault of the program's own pages would be counted, too. */
		igt_assert_eq(mlockall(MCL_CURRENT), 0);
	}
}

void vp_fault_end(void)
{
	igt_fixture {
		vp_fault_knobs_close();
		printf("vprime-number fault-points %u\n", total);
		fflush(stdout);
	}
}

static void subtest(const struct vp_fault_op *op)
{
	igt_describe(op->what);
	vp_subtest(op->name)
		vp_fault_sweep(op);
}

void vp_fault_subtests(const struct vp_fault_op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++)
		subtest(&ops[i]);
}
