// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the soak prints, and whether the memory was flat.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../common/clock.h"
#include "fail.h"
#include "soak.h"

/* pages that no count has are so many times as noisy */
#define OTHER_FACTOR	4

static uint64_t all_done(const struct board *board)
{
	uint64_t all = 0;

	for (int kind = 0; kind < KINDS; kind++)
		all += board_done(board, kind);
	return all;
}

static void lateness(const struct board *board, enum way way, uint64_t *waits, double *longest_ms)
{
	*waits = 0;
	*longest_ms = 0;
	for (unsigned int i = 0; i < board->workers; i++) {
		const struct lateness *late = &board->places[i].late[way];
		double ms = (double)late->longest_ns / 1e6;

		*waits += late->waits;
		if (ms > *longest_ms)
			*longest_ms = ms;
	}
}

static double longest_of_all(const struct board *board)
{
	double longest_ms = 0, ms;
	uint64_t waits;

	for (int way = 0; way < WAYS; way++) {
		lateness(board, way, &waits, &ms);
		if (ms > longest_ms)
			longest_ms = ms;
	}
	return longest_ms;
}

void report_line(const struct soak *soak)
{
	const struct memory *look = &soak->looks[soak->look_count - 1];
	struct trend kernel = memory_trend(soak->looks, soak->look_count, MEMORY_KERNEL);
	struct trend other = memory_trend(soak->looks, soak->look_count, MEMORY_OTHER);

	printf("%6.1f min  %9" PRIu64 " operations  %5" PRIu64 " killed  longest wait %7.1f ms  kernel %ld KiB, %+.1f +- %.1f a minute; other %ld KiB, %+.1f +- %.1f\n",
	       (double)(look->ns - soak->start_ns) / 60e9, all_done(soak->board),
	       board_done(soak->board, KIND_KILL), longest_of_all(soak->board),
	       look->kernel_kib, kernel.kib_per_minute, kernel.error,
	       look->other_kib, other.kib_per_minute, other.error);
}

static void report_operations(const struct board *board)
{
	printf("\n%-20s %12s\n", "operation", "done");
	for (int kind = 0; kind < KINDS; kind++)
		printf("%-20s %12" PRIu64 "\n", kind_names[kind], board_done(board, kind));
	printf("%-20s %12" PRIu64 "\n", "all", all_done(board));
}

static void report_waits(const struct board *board)
{
	printf("\n%-20s %12s %20s\n", "wait for a fence by", "times", "longest beyond due");
	for (int way = 0; way < WAYS; way++) {
		double longest_ms;
		uint64_t waits;

		lateness(board, way, &waits, &longest_ms);
		printf("%-20s %12" PRIu64 " %17.1f ms\n", way_names[way], waits, longest_ms);
	}
}

static void report_trend(const char *name, const struct trend *trend, unsigned int limit_kib)
{
	printf("%s: %+.1f KiB a minute, standard error %.1f: %+.0f KiB over all; more than %u would be a leak\n",
	       name, trend->kib_per_minute, trend->error, trend->growth_kib, limit_kib);
}

static void report_memory(const struct soak *soak)
{
	const struct memory *first = &soak->looks[0], *last = &soak->looks[soak->look_count - 1];

	printf("\n%-20s %12s %12s\n", "memory, in KiB", "start", "end");
	for (int i = 0; i < MEMORY_SORTS; i++)
		printf("%-20s %12ld %12ld\n", memory_names[i], first->kib[i], last->kib[i]);
	printf("%-20s %12ld %12ld\n", "all of the kernel's", first->kernel_kib, last->kernel_kib);
	printf("%-20s %12ld %12ld\n", "other pages", first->other_kib, last->other_kib);
}

static void judge(const char *name, const struct trend *trend, unsigned int limit_kib)
{
	report_trend(name, trend, limit_kib);
	if (memory_grows(trend, limit_kib))
		fail("the kernel needs more and more memory, %s: %.0f KiB in this time, %.1f KiB a minute",
		     name, trend->growth_kib, trend->kib_per_minute);
}

void report(const struct soak *soak)
{
	struct trend kernel = memory_trend(soak->looks, soak->look_count, MEMORY_KERNEL);
	struct trend other = memory_trend(soak->looks, soak->look_count, MEMORY_OTHER);

	report_operations(soak->board);
	report_waits(soak->board);
	report_memory(soak);
	judge("all of the kernel's", &kernel, soak->limit_kib);
	judge("other pages", &other, soak->limit_kib * OTHER_FACTOR);
	printf("soak: %" PRIu64 " operations, longest wait %.1f ms beyond its time, memory flat\n",
	       all_done(soak->board), longest_of_all(soak->board));
	if (soak->minutes)
		printf("vprime-number soak-minutes %u\nvprime-number soak-growth-kib %.0f\n",
		       soak->minutes, kernel.growth_kib);
}
