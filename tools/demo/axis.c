// SPDX-License-Identifier: GPL-2.0-only
/*
 * The axis of time: ticks at round numbers, and gaps as torn paper.
 */
#include <math.h>
#include <stdio.h>

#include "axis.h"
#include "table.h"

/* ticks are at least so far apart */
#define TICK_MIN	48.0
#define TICK_SIZE	10.0

static const char *number_of_ms(double ms, char text[AXIS_TEXT])
{
	char number[GROUPED];

	if (ms < 9.995)
		snprintf(text, AXIS_TEXT, "%.2f", ms);
	else if (ms < 99.95)
		snprintf(text, AXIS_TEXT, "%.1f", ms);
	else
		snprintf(text, AXIS_TEXT, "%s", grouped((uint64_t)llround(ms), number));
	return text;
}

const char *axis_duration(double ms, char text[AXIS_TEXT])
{
	char number[AXIS_TEXT];

	snprintf(text, AXIS_TEXT, "%.36s ms", number_of_ms(ms, number));
	return text;
}

/* from a tick to the next, in ms: 1, 2 or 5 times a power of ten */
static double tick_step(const struct scale *scale)
{
	static const double factors[] = { 1, 2, 5 };
	unsigned int i;
	int power;

	for (power = -3; power < 9; power++)
		for (i = 0; i < 3; i++)
			if (factors[i] * pow(10, power) * scale->per_ms >= TICK_MIN)
				return factors[i] * pow(10, power);
	return 1e9;
}

static const char *tick_text(double ms, double step, char text[AXIS_TEXT])
{
	char number[GROUPED];

	if (step > 0.99)
		snprintf(text, AXIS_TEXT, "%s", grouped((uint64_t)llround(ms), number));
	else
		snprintf(text, AXIS_TEXT, "%.*f", step > 0.099 ? 1 : step > 0.0099 ? 2 : 3, ms);
	return text;
}

/* the gap that a time is in, or NULL */
static const struct scale_gap *gap_at(const struct scale *scale, double ms)
{
	unsigned int i;

	for (i = 0; i < scale->gap_count; i++)
		if (ms > scale->gaps[i].from && ms < scale->gaps[i].to)
			return &scale->gaps[i];
	return NULL;
}

void axis_draw(struct svg *svg, const struct scale *scale, double top, double y)
{
	double step = tick_step(scale), last = -INFINITY, ms;
	unsigned int i;
	uint64_t n;

	for (n = 0; (ms = (double)n * step) <= scale->ms[scale->count - 1]; n++) {
		const struct scale_gap *gap = gap_at(scale, ms);
		char text[AXIS_TEXT];
		double x, width;

		if (gap) {
			/* thousands of ticks may be in there */
			n = (uint64_t)(gap->to / step);
			continue;
		}
		x = scale_x(scale, ms);
		svg_line(svg, x, top, x, y + 5, "grid");
		width = svg_width(tick_text(ms, step, text), TICK_SIZE, 0);
		if (x - width / 2 < last + 6)
			continue;
		last = x + width / 2;
		svg_text(svg, x, y + 17, SVG_MIDDLE, "tick", "%s", text);
	}

	svg_line(svg, scale->x[0], y, scale->x[scale->count - 1], y, "axis");
	axis_tear(svg, scale, y - 6, y + 6);
	for (i = 0; i < scale->gap_count; i++) {
		const struct scale_gap *gap = &scale->gaps[i];
		char text[AXIS_TEXT];

		svg_text(svg, gap->x + SCALE_GAP / 2, y + AXIS_GAPS, SVG_MIDDLE, "tick", "%s",
			 number_of_ms(gap->to - gap->from, text));
	}
}

/* one edge of torn paper, downwards */
static void draw_edge(struct svg *svg, double x, double top, double bottom)
{
	int tooth;

	svg_add(svg, "<path d=\"M%.1f %.1f", x, top);
	for (tooth = 1; top + tooth * 4 <= bottom; tooth++)
		svg_add(svg, "L%.1f %.1f", x + (tooth & 1 ? 3 : 0), top + tooth * 4);
	svg_add(svg, "\" class=\"torn\"/>\n");
}

void axis_tear(struct svg *svg, const struct scale *scale, double top, double bottom)
{
	unsigned int i;

	for (i = 0; i < scale->gap_count; i++) {
		double x = scale->gaps[i].x;

		svg_rect(svg, x, top - 1, SCALE_GAP, bottom - top + 2, "gap");
		draw_edge(svg, x - 0.5, top, bottom);
		draw_edge(svg, x + SCALE_GAP - 2, top, bottom);
	}
}
