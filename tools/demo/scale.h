/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_SCALE_H
#define DEMO_SCALE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Where a time lies on a line that is too short for all of it.
 *
 * Some of what the demo shows takes a millisecond, and some takes seconds. So
 * the middle of a long stretch in which nothing begins or ends is left out, and
 * all the rest has one and the same scale.
 */

#define SCALE_EVENTS	128
#define SCALE_GAPS	8

/* of a stretch with a gap: all of it, in focus and out of it; pixels */
#define SCALE_TORN	124.0
#define SCALE_TORN_OUT	64.0
/* of that, the gap, and what comes after the gap */
#define SCALE_GAP	12.0
#define SCALE_TAIL	16.0

struct scale_gap {
	/** @x: where it begins; it is SCALE_GAP wide */
	double x;
	/** @from: what is left out, in ms since the first event */
	double from;
	double to;
};

struct scale {
	/** @origin: the time of the first event, in ns */
	uint64_t origin;
	/** @ms: the events, in order, in ms since the first; and where they lie */
	double ms[SCALE_EVENTS];
	double x[SCALE_EVENTS];
	unsigned int count;
	/** @focus: what the reader is to see in full, in ms; the rest is torn sooner */
	double focus[2];
	/** @per_ms: pixels */
	double per_ms;
	struct scale_gap gaps[SCALE_GAPS];
	unsigned int gap_count;
};

/** scale_event() - add a time at which something begins or ends; before scale_fit() */
void scale_event(struct scale *scale, uint64_t ns);

/** scale_focus() - say what is in focus; after all events */
void scale_focus(struct scale *scale, uint64_t from_ns, uint64_t to_ns);

/** scale_fit() - lay the events out between two places; may be done again */
void scale_fit(struct scale *scale, double left, double right);

/** scale_ms() - a time in ms since the first event */
double scale_ms(const struct scale *scale, uint64_t ns);

/** scale_x() - where a time lies, in ms, from the first event to the last */
double scale_x(const struct scale *scale, double ms);

/** scale_shows() - whether a time is neither in a gap nor beyond the ends */
bool scale_shows(const struct scale *scale, double ms);

#endif
