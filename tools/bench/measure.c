// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a row is measured: round by round, the subjects taking turns, so that
 * whatever else the machine does in the meantime meets them all alike. Each
 * keeps its best round; or, where instructions are counted, the median.
 */
#include <linux/membarrier.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

/* long enough for the clock, short enough to fit between two disturbances */
#define ROUND_NS	8e6
/* where none disturbs: many RCU grace periods, so that what is freed after one is freed in the round */
#define COUNTED_NS	100e6
#define MAX_LANES	3

/* one subject in a row */
struct lane {
	const struct operation *operation;
	struct work work;
	/* operations in a round */
	unsigned long count;
	/* of each round, for one operation */
	double us[BENCH_MAX_ROUNDS];
};

static void lane_begin(struct lane *lane, const struct operation *operation,
		       const struct subject *subject, double round_ns)
{
	unsigned int pass;
	uint64_t spent;

	*lane = (struct lane){
		.operation = operation,
		.work = { .subject = subject, .buffer = BUFFER_NONE },
	};
	if (operation->prepare)
		operation->prepare(&lane->work);

	/* the first time is slow, and would make the rounds too short: it only warms up */
	operation->run(&lane->work, 1);
	for (pass = 0; pass < 2; pass++) {
		for (lane->count = 1;; lane->count *= 4) {
			spent = operation->run(&lane->work, lane->count);
			if (spent > round_ns / 8)
				break;
		}
	}
	lane->count = (unsigned long)ceil((double)lane->count * round_ns / (double)spent);
}

/*
 * The kernel frees files and inodes a while after they are closed, and would do
 * so in the next one's turn. Wait until it has: a membarrier is an RCU grace
 * period, and the sleep is for the work that becomes due with it.
 */
static void settle(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	usleep(10000);
}

static void lane_round(struct lane *lane, unsigned int round)
{
	uint64_t spent;

	settle();
	/* the processor has forgotten us over that */
	if (lane->count >= 8)
		lane->operation->run(&lane->work, lane->count / 8);
	spent = lane->operation->run(&lane->work, lane->count);
	lane->us[round] = (double)spent / 1e3 / (double)lane->count;
}

static int compare(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

void sort_times(double *times, unsigned int count)
{
	qsort(times, count, sizeof(*times), compare);
}

/* Returns the lane's figure, in microseconds */
static double lane_end(struct lane *lane, const struct method *method)
{
	if (lane->operation->finish)
		lane->operation->finish(&lane->work);
	sort_times(lane->us, method->rounds);
	return lane->us[method->counted ? method->rounds / 2 : 0];
}

bool is_met(double ratio, const char *target)
{
	const char *point = strchr(target, '.');
	int decimals = point ? (int)strlen(point + 1) : 0;
	char rounded[32];

	snprintf(rounded, sizeof(rounded), "%.*f", decimals, ratio);
	return strtod(rounded, NULL) <= strtod(target, NULL);
}

static bool is_on_vgem(const struct row *row)
{
	return row->against == AGAINST_VGEM || row->against == AGAINST_ANONYMOUS || row->vgem_too;
}

struct result measure_row(const struct row *row, const struct subjects *subjects,
			  const struct method *method)
{
	double round_ns = method->counted ? COUNTED_NS : ROUND_NS, us[MAX_LANES];
	static struct lane lanes[MAX_LANES];
	unsigned int count = 0, i, round;
	struct result result = { 0 };

	if (row->measure) {
		row->measure(&subjects->vprime, method->rounds, &result);
		result.ratio = result.vprime / result.other;
		result.met = is_met(result.ratio, row->target);
		return result;
	}

	lane_begin(&lanes[count++], row->operation, &subjects->vprime, round_ns);
	if (row->other)
		lane_begin(&lanes[count++], row->other, row->against == AGAINST_ANONYMOUS ?
			   &subjects->anonymous : &subjects->vprime, round_ns);
	if (is_on_vgem(row))
		lane_begin(&lanes[count++], row->operation, &subjects->vgem, round_ns);
	for (round = 0; round < method->rounds; round++)
		for (i = 0; i < count; i++)
			/* nobody is always the first, or always after the same one */
			lane_round(&lanes[round % 2 ? count - 1 - i : i], round);
	for (i = 0; i < count; i++)
		us[i] = lane_end(&lanes[i], method);

	result.vprime = us[0];
	result.other = row->other ? us[1] : 0;
	if (is_on_vgem(row))
		result.vgem = us[count - 1];
	result.ratio = result.vprime / (row->other ? result.other : result.vgem);
	result.met = is_met(result.ratio, row->target);
	return result;
}
