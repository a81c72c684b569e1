// SPDX-License-Identifier: GPL-2.0-only
/*
 * An axis of time with gaps.
 */
#include <stdlib.h>

#include "scale.h"

/* a stretch as long as this many torn ones is torn: less would hide for nothing */
#define WORTH_A_GAP	1.6
/* of the line, gaps leave at least this to the rest */
#define KEPT		0.3
/* and of the time, so many ms */
#define WHOLE_MIN	1e-4

void scale_event(struct scale *scale, uint64_t ns)
{
	unsigned int at, i;
	double ms;

	if (scale->count == SCALE_EVENTS)
		return;
	if (!scale->count)
		scale->origin = ns;
	if (ns < scale->origin) {
		/* what is there already comes later than was thought */
		ms = (double)(scale->origin - ns) / 1e6;
		for (i = 0; i < scale->count; i++)
			scale->ms[i] += ms;
		scale->origin = ns;
	}
	ms = scale_ms(scale, ns);
	for (at = scale->count; at && scale->ms[at - 1] > ms; at--)
		scale->ms[at] = scale->ms[at - 1];
	scale->ms[at] = ms;
	scale->count++;
}

double scale_ms(const struct scale *scale, uint64_t ns)
{
	return (double)(int64_t)(ns - scale->origin) / 1e6;
}

/* the stretch from event @i to the next */
static double stretch(const struct scale *scale, unsigned int i)
{
	return scale->ms[i + 1] - scale->ms[i];
}

void scale_focus(struct scale *scale, uint64_t from_ns, uint64_t to_ns)
{
	scale->focus[0] = scale_ms(scale, from_ns);
	scale->focus[1] = scale_ms(scale, to_ns);
}

/* how wide stretch @i is when it is torn */
static double torn_width(const struct scale *scale, unsigned int i)
{
	return scale->ms[i] < scale->focus[0] || scale->ms[i] >= scale->focus[1] ?
	       SCALE_TORN_OUT : SCALE_TORN;
}

/*
 * Tear the stretch for which that saves the most, then that of those that are
 * left, until none is long on the scale that the others have by then.
 */
static void choose_gaps(struct scale *scale, double width, bool torn[SCALE_EVENTS])
{
	double whole = scale->ms[scale->count - 1], room = width;
	unsigned int gaps, best, i;

	for (gaps = 0; gaps < SCALE_GAPS; gaps++) {
		double most = 0;

		scale->per_ms = whole > 0 ? room / whole : 0;
		best = 0;
		for (i = 0; i + 1 < scale->count; i++) {
			double saved = stretch(scale, i) * scale->per_ms / torn_width(scale, i);

			if (torn[i] || saved <= most)
				continue;
			best = i;
			most = saved;
		}
		if (most < WORTH_A_GAP || room - torn_width(scale, best) < KEPT * width ||
		    whole - stretch(scale, best) < WHOLE_MIN)
			break;
		torn[best] = true;
		whole -= stretch(scale, best);
		room -= torn_width(scale, best);
	}
	scale->per_ms = whole > 0 ? room / whole : 0;
}

void scale_fit(struct scale *scale, double left, double right)
{
	bool torn[SCALE_EVENTS] = { false };
	unsigned int i;

	choose_gaps(scale, right - left, torn);
	scale->gap_count = 0;
	scale->x[0] = left;
	for (i = 0; i + 1 < scale->count; i++) {
		struct scale_gap *gap = &scale->gaps[scale->gap_count];

		if (!torn[i]) {
			scale->x[i + 1] = scale->x[i] + stretch(scale, i) * scale->per_ms;
			continue;
		}
		scale->x[i + 1] = scale->x[i] + torn_width(scale, i);
		gap->x = scale->x[i + 1] - SCALE_TAIL - SCALE_GAP;
		gap->from = scale->ms[i] + (gap->x - scale->x[i]) / scale->per_ms;
		gap->to = scale->ms[i + 1] - SCALE_TAIL / scale->per_ms;
		scale->gap_count++;
	}
}

double scale_x(const struct scale *scale, double ms)
{
	unsigned int i, at = 0;

	while (at + 2 < scale->count && scale->ms[at + 1] <= ms)
		at++;
	for (i = 0; i < scale->gap_count; i++) {
		const struct scale_gap *gap = &scale->gaps[i];

		/* one that has this stretch's middle is all this stretch's */
		if (gap->from < scale->ms[at] || gap->to > scale->ms[at + 1] || ms <= gap->from)
			continue;
		if (ms < gap->to)
			return gap->x + SCALE_GAP / 2;
		return gap->x + SCALE_GAP + (ms - gap->to) * scale->per_ms;
	}
	return scale->x[at] + (ms - scale->ms[at]) * scale->per_ms;
}

bool scale_shows(const struct scale *scale, double ms)
{
	unsigned int i;

	if (ms < 0 || ms > scale->ms[scale->count - 1])
		return false;
	for (i = 0; i < scale->gap_count; i++)
		if (ms > scale->gaps[i].from && ms < scale->gaps[i].to)
			return false;
	return true;
}
