// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timeline, drawn: from above, what the first process does, the fences one
 * below the other, what the second process does, and the axis. Who reads it
 * follows a fence from the rhombus that stands for its making to the dot where
 * it is signalled, and from there the arrow to the wait that ends by it.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "axis.h"
#include "scale.h"
#include "table.h"
#include "timeline.h"

#define WIDTH		1000.0
#define MARGIN		18.0
/* names stand to the left of it */
#define LEFT		176.0

#define HEAD		62.0
#define FLAG_ROW	17.0
#define FLAG_ROWS	8
#define LANE		48.0
#define BAR_PAD		4.0
#define FENCE_ROW	32.0
#define FENCE_PAD	12.0
#define LEGEND		62.0

#define SMALL		10.5
#define NORMAL		11.5
/* a bar of less could not be seen */
#define BAR_MIN		2.0

static const char style[] =
	"text{font-family:'DejaVu Sans',Verdana,Helvetica,Arial,sans-serif;fill:#1f2933}\n"
	".h1{font-size:17px;font-weight:bold}\n"
	".h2{font-size:12px;fill:#52606d}\n"
	".device{font-size:14px;font-weight:bold}\n"
	".normal{font-size:11.5px}\n"
	".small{font-size:10.5px;fill:#52606d}\n"
	".tick{font-size:10px;fill:#52606d}\n"
	".in{font-size:11.5px;fill:#fff}\n"
	".insmall{font-size:10.5px;fill:#fff}\n"
	".number{font-size:10.5px;font-weight:bold;fill:#fff}\n"
	".paper{fill:#fff}\n"
	".lane0{fill:#eaf1f8}\n"
	".lane1{fill:#fbf0e4}\n"
	".grid{stroke:#cbd2d9;stroke-width:0.7}\n"
	".leader{stroke:#9aa5b1;stroke-width:0.8}\n"
	".axis{stroke:#52606d;stroke-width:1.2}\n"
	".work0{fill:#2c5f9e;stroke:#fff;stroke-width:0.8}\n"
	".work1{fill:#a8581a;stroke:#fff;stroke-width:0.8}\n"
	".wait0{fill:url(#hatch0);stroke:#2c5f9e;stroke-width:1}\n"
	".wait1{fill:url(#hatch1);stroke:#a8581a;stroke-width:1}\n"
	".plate{fill:#fff;fill-opacity:0.9}\n"
	".stem0{stroke:#2c5f9e;stroke-width:1;stroke-opacity:0.55}\n"
	".stem1{stroke:#a8581a;stroke-width:1;stroke-opacity:0.55}\n"
	".life0{stroke:#2c5f9e;stroke-width:2.6;fill:#2c5f9e}\n"
	".life1{stroke:#a8581a;stroke-width:2.6;fill:#a8581a}\n"
	".wake0{stroke:#2c5f9e;stroke-width:1.6;fill:#2c5f9e}\n"
	".wake1{stroke:#a8581a;stroke-width:1.6;fill:#a8581a}\n"
	".mark0{stroke:#fff;stroke-width:1;fill:#2c5f9e}\n"
	".mark1{stroke:#fff;stroke-width:1;fill:#a8581a}\n"
	".gap{fill:#fff;stroke:none}\n"
	".torn{fill:none;stroke:#7b8794;stroke-width:1}\n"
	".head{stroke:none}\n";

/* a label that stands beside the lane because its bar is too small for it */
struct flag {
	const struct timeline_bar *bar;
	double x;
	unsigned int row;
};

struct drawing {
	const struct timeline *timeline;
	struct svg *svg;
	struct scale scale;
	struct flag flags[2][TIMELINE_BARS];
	unsigned int flag_count[2];
	unsigned int flag_rows[2];
	/* tops of the lanes, of the fences in between, and of the axis */
	double lane_y[2];
	double fences_y;
	double axis_y;
	double height;
};

/* ---- texts -------------------------------------------------------------- */

#define TEXT	64
#define MEANS	256

static double bar_ms(const struct timeline_bar *bar)
{
	return (double)(int64_t)(bar->end_ns - bar->begin_ns) / 1e6;
}

static const char *bar_name(const struct timeline_bar *bar, char text[TEXT])
{
	if (bar->fence)
		snprintf(text, TEXT, "waits for %u", bar->fence);
	else
		snprintf(text, TEXT, "%s", bar->label);
	return text;
}

/* ---- where things go ---------------------------------------------------- */

static double at(const struct drawing *drawing, uint64_t ns)
{
	return scale_x(&drawing->scale, scale_ms(&drawing->scale, ns));
}

/* the longest piece of a bar that no gap goes through */
static void longest_piece(const struct drawing *drawing, const struct timeline_bar *bar,
			  double *from, double *to)
{
	const struct scale *scale = &drawing->scale;
	double begin = at(drawing, bar->begin_ns), end = at(drawing, bar->end_ns);
	unsigned int i;

	*from = begin;
	*to = begin;
	for (i = 0; i <= scale->gap_count; i++) {
		double stop = end;

		if (i < scale->gap_count) {
			if (scale->gaps[i].x < begin || scale->gaps[i].x > end)
				continue;
			stop = scale->gaps[i].x;
		}
		if (stop - begin > *to - *from) {
			*from = begin;
			*to = stop;
		}
		begin = stop + SCALE_GAP;
	}
}

/* whether the bar's name and duration, one above the other, find room in it; and where */
static bool fits_inside(const struct drawing *drawing, const struct timeline_bar *bar,
			double *middle, double *width)
{
	char name[TEXT], time[AXIS_TEXT];
	double from, to;

	*width = fmax(svg_width(bar_name(bar, name), NORMAL, 0),
		      svg_width(axis_duration(bar_ms(bar), time), SMALL, 0)) + 6;
	longest_piece(drawing, bar, &from, &to);
	*middle = (from + to) / 2;
	return to - from >= *width + 2;
}

static double flag_width(const struct timeline_bar *bar)
{
	char name[TEXT], time[AXIS_TEXT];

	return 4 + svg_width(bar_name(bar, name), NORMAL, 0) + 5 +
	       svg_width(axis_duration(bar_ms(bar), time), SMALL, 0);
}

/*
 * Flags fly to the right, and are hung from the right to the left, each as near
 * to its lane as it can without covering another or the line by which a higher
 * one hangs.
 */
static void hang_flags(struct drawing *drawing, unsigned int lane)
{
	double taken[FLAG_ROWS];
	unsigned int i, row, above;

	for (row = 0; row < FLAG_ROWS; row++)
		taken[row] = INFINITY;
	drawing->flag_rows[lane] = 0;
	for (i = drawing->flag_count[lane]; i--;) {
		struct flag *flag = &drawing->flags[lane][i];
		double end = flag->x + flag_width(flag->bar) + 8;

		for (row = 0; row + 1 < FLAG_ROWS; row++) {
			for (above = row; above < FLAG_ROWS; above++)
				if (end > taken[above])
					break;
			if (above == FLAG_ROWS)
				break;
		}
		taken[row] = flag->x;
		flag->row = row;
		if (drawing->flag_rows[lane] < row + 1)
			drawing->flag_rows[lane] = row + 1;
	}
}

/* Returns: by how much flags stand out at the right */
static double make_flags(struct drawing *drawing)
{
	const struct timeline *timeline = drawing->timeline;
	double out = 0, middle, width;
	unsigned int i;

	drawing->flag_count[0] = 0;
	drawing->flag_count[1] = 0;
	for (i = 0; i < timeline->bar_count; i++) {
		const struct timeline_bar *bar = &timeline->bars[i];
		struct flag *flag;

		if (fits_inside(drawing, bar, &middle, &width))
			continue;
		flag = &drawing->flags[bar->lane][drawing->flag_count[bar->lane]++];
		flag->bar = bar;
		/* near the beginning, which no gap can reach */
		flag->x = at(drawing, bar->begin_ns) +
			  fmin(8, (at(drawing, bar->end_ns) - at(drawing, bar->begin_ns)) / 2);
		out = fmax(out, flag->x + flag_width(bar) - (WIDTH - MARGIN));
	}
	hang_flags(drawing, 0);
	hang_flags(drawing, 1);
	return out;
}

static void plan(struct drawing *drawing)
{
	const struct timeline *timeline = drawing->timeline;
	double right = WIDTH - MARGIN, out = 0;
	uint64_t first = UINT64_MAX, last = 0;
	unsigned int i;

	for (i = 0; i < timeline->bar_count; i++) {
		const struct timeline_bar *bar = &timeline->bars[i];

		scale_event(&drawing->scale, bar->begin_ns);
		scale_event(&drawing->scale, bar->end_ns);
		if (bar->fence && last < bar->end_ns)
			last = bar->end_ns;
	}
	for (i = 0; i < timeline->fence_count; i++) {
		const struct timeline_fence *fence = &timeline->fences[i];

		scale_event(&drawing->scale, fence->made_ns);
		scale_event(&drawing->scale, fence->signalled_ns);
		if (first > fence->made_ns)
			first = fence->made_ns;
	}
	/* the fences, from the first one's making to the end of the last wait */
	scale_focus(&drawing->scale, first, last);
	/* a shorter axis moves the flags; it need not work out at once */
	for (i = 0; i < 8; i++) {
		right -= out;
		scale_fit(&drawing->scale, LEFT, right);
		out = make_flags(drawing);
		if (out <= 0)
			break;
	}

	drawing->lane_y[0] = HEAD + FLAG_ROW * drawing->flag_rows[0] + 8;
	drawing->fences_y = drawing->lane_y[0] + LANE + FENCE_PAD;
	drawing->lane_y[1] = drawing->fences_y + FENCE_ROW * timeline->fence_count + FENCE_PAD;
	drawing->axis_y = drawing->lane_y[1] + LANE + FLAG_ROW * drawing->flag_rows[1] + 12;
	drawing->height = drawing->axis_y + AXIS_HEIGHT + LEGEND;
}

/* ---- lanes -------------------------------------------------------------- */

static void draw_lane(struct drawing *drawing, unsigned int lane)
{
	const struct timeline_lane *names = &drawing->timeline->lanes[lane];
	double y = drawing->lane_y[lane];

	svg_rect(drawing->svg, MARGIN / 2, y, WIDTH - MARGIN, LANE, lane ? "lane1" : "lane0");
	svg_text(drawing->svg, MARGIN, y + LANE / 2 - 3, SVG_START, "device", "%s",
		 names->device);
	svg_text(drawing->svg, MARGIN, y + LANE / 2 + 13, SVG_START, "small", "%s",
		 names->process);
}

/* the hatching says whose fence it is that is waited for */
static unsigned int hatching(const struct drawing *drawing, const struct timeline_bar *bar)
{
	return drawing->timeline->fences[bar->fence - 1].lane;
}

static void describe_bar(struct drawing *drawing, const struct timeline_bar *bar)
{
	const struct timeline *timeline = drawing->timeline;
	const struct timeline_lane *lane = &timeline->lanes[bar->lane];
	double begin = scale_ms(&drawing->scale, bar->begin_ns);
	double end = scale_ms(&drawing->scale, bar->end_ns);

	if (bar->fence)
		svg_title(drawing->svg, "%s waits for fence %u, %s: from %.6f to %.6f ms, by %s",
			  lane->process, bar->fence, timeline->fences[bar->fence - 1].name, begin,
			  end, bar->label);
	else
		svg_title(drawing->svg, "%s: %s: from %.6f to %.6f ms", lane->process, bar->label,
			  begin, end);
}

static void draw_bar(struct drawing *drawing, const struct timeline_bar *bar)
{
	double y = drawing->lane_y[bar->lane] + BAR_PAD, height = LANE - 2 * BAR_PAD;
	double x = at(drawing, bar->begin_ns), end = at(drawing, bar->end_ns), middle, width;
	char class[24], id[24], name[TEXT], time[AXIS_TEXT];
	struct svg *svg = drawing->svg;

	snprintf(id, sizeof(id), "wait-%u", bar->fence);
	snprintf(class, sizeof(class), "%s%u", bar->fence ? "wait" : "work",
		 bar->fence ? hatching(drawing, bar) : bar->lane);
	svg_group(svg, bar->fence ? id : NULL, NULL);
	describe_bar(drawing, bar);
	/* a wait ends where it ended, however short it was */
	if (end - x < BAR_MIN) {
		if (bar->fence)
			x = end - BAR_MIN;
		else
			end = x + BAR_MIN;
	}
	svg_rect(svg, x, y, end - x, height, class);
	if (fits_inside(drawing, bar, &middle, &width)) {
		y += height / 2;
		if (bar->fence)
			svg_rect(svg, middle - width / 2, y - 16, width, 32, "plate");
		svg_text(svg, middle, y - 3, SVG_MIDDLE, bar->fence ? "normal" : "in", "%s",
			 bar_name(bar, name));
		svg_text(svg, middle, y + 11, SVG_MIDDLE, bar->fence ? "small" : "insmall", "%s",
			 axis_duration(bar_ms(bar), time));
	}
	svg_group_end(svg);
}

static void draw_flag(struct drawing *drawing, unsigned int lane, const struct flag *flag)
{
	/* above the upper lane, below the lower one */
	double from = drawing->lane_y[lane] + (lane ? LANE - BAR_PAD : BAR_PAD);
	double edge = drawing->lane_y[lane] + (lane ? LANE : 0);
	double to = edge + (lane ? 1 : -1) * (FLAG_ROW * (flag->row + 0.5) + 3);
	char name[TEXT], time[AXIS_TEXT];

	/* the lines of the axis do not go through the words */
	svg_rect(drawing->svg, flag->x + 4, to - FLAG_ROW / 2 + 1, flag_width(flag->bar),
		 FLAG_ROW - 2, "paper");
	svg_line(drawing->svg, flag->x, from, flag->x, to, "leader");
	svg_line(drawing->svg, flag->x, to, flag->x + 4, to, "leader");
	svg_label(drawing->svg, flag->x + 6, to + 4, "normal", bar_name(flag->bar, name), "small",
		  axis_duration(bar_ms(flag->bar), time));
}

/* ---- fences ------------------------------------------------------------- */

static double fence_y(const struct drawing *drawing, unsigned int i)
{
	return drawing->fences_y + FENCE_ROW * (i + 0.5);
}

/* where a lane's bars end that face the fences */
static double inner_edge(const struct drawing *drawing, unsigned int lane)
{
	return drawing->lane_y[lane] + (lane ? BAR_PAD : LANE - BAR_PAD);
}

/* what goes up and down: from who made and signalled it, to whom it wakes */
static void draw_stems(struct drawing *drawing, unsigned int i)
{
	const struct timeline *timeline = drawing->timeline;
	const struct timeline_fence *fence = &timeline->fences[i];
	double y = fence_y(drawing, i), maker = inner_edge(drawing, fence->lane);
	double made = at(drawing, fence->made_ns), signalled = at(drawing, fence->signalled_ns);
	unsigned int j;

	svg_line(drawing->svg, made, maker, made, y, fence->lane ? "stem1" : "stem0");
	svg_line(drawing->svg, signalled, maker, signalled, y, fence->lane ? "wake1" : "wake0");
	for (j = 0; j < timeline->bar_count; j++) {
		const struct timeline_bar *bar = &timeline->bars[j];

		/* who came after the signal was not woken by it */
		if (bar->fence == i + 1 && bar->begin_ns < fence->signalled_ns)
			svg_arrow(drawing->svg, signalled, y, at(drawing, bar->end_ns),
				  inner_edge(drawing, bar->lane), fence->lane ? "wake1" : "wake0");
	}
}

static void draw_number(struct drawing *drawing, double x, double y, unsigned int number,
			unsigned int lane)
{
	svg_add(drawing->svg, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"8\" class=\"mark%u\"/>\n", x, y,
		lane);
	svg_text(drawing->svg, x, y + 3.8, SVG_MIDDLE, "number", "%u", number);
}

static void rhombus(struct drawing *drawing, double x, double y, unsigned int lane)
{
	svg_add(drawing->svg, "<path d=\"M%.2f %.2fl5.5 5.5l-5.5 5.5l-5.5 -5.5z\" "
		"class=\"mark%u\"/>\n", x, y - 5.5, lane);
}

static void dot(struct drawing *drawing, double x, double y, unsigned int lane)
{
	svg_add(drawing->svg, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"4.5\" class=\"mark%u\"/>\n", x,
		y, lane);
}

static void draw_fence(struct drawing *drawing, unsigned int i)
{
	const struct timeline *timeline = drawing->timeline;
	const struct timeline_fence *fence = &timeline->fences[i];
	double made_ms = scale_ms(&drawing->scale, fence->made_ns);
	double signalled_ms = scale_ms(&drawing->scale, fence->signalled_ns);
	double made = scale_x(&drawing->scale, made_ms), y = fence_y(drawing, i);
	double signalled = scale_x(&drawing->scale, signalled_ms);
	struct svg *svg = drawing->svg;
	char id[24], time[AXIS_TEXT];

	snprintf(id, sizeof(id), "fence-%u", i + 1);
	svg_group(svg, id, NULL);
	svg_title(svg, "fence %u, %s, of %s: made at %.6f ms, signalled at %.6f ms", i + 1,
		  fence->name, timeline->lanes[fence->lane].device, made_ms, signalled_ms);
	svg_arrow(svg, made, y, signalled - 3, y, fence->lane ? "life1" : "life0");
	rhombus(drawing, made, y, fence->lane);
	dot(drawing, signalled, y, fence->lane);
	draw_number(drawing, MARGIN + 8, y, i + 1, fence->lane);
	svg_text(svg, MARGIN + 22, y - 2, SVG_START, "normal", "%s", fence->name);
	svg_text(svg, MARGIN + 22, y + 11, SVG_START, "small", "%s fence, %s", fence->usage,
		 axis_duration(signalled_ms - made_ms, time));
	svg_group_end(svg);
}

/* ---- all of it ---------------------------------------------------------- */

/* process A waits for 3 by this, for 4 by that; ... */
static const char *means(const struct timeline *timeline, char text[MEANS])
{
	unsigned int lane, i;
	const char *before;
	size_t length = 0;

	text[0] = '\0';
	for (lane = 0; lane < 2; lane++) {
		before = lane ? "; process B waits" : "Process A waits";
		for (i = 0; i < timeline->bar_count; i++) {
			const struct timeline_bar *bar = &timeline->bars[i];

			if (!bar->fence || bar->lane != lane || length >= MEANS)
				continue;
			length += (size_t)snprintf(text + length, MEANS - length,
						   "%s for %u by %s", before, bar->fence,
						   bar->label);
			before = ", and";
		}
	}
	return text;
}

static void draw_head(struct drawing *drawing)
{
	char text[MEANS];

	svg_text(drawing->svg, MARGIN, 30, SVG_START, "h1",
		 "A picture goes from GPU to GPU, with a fence on every hand-over");
	svg_text(drawing->svg, MARGIN, 49, SVG_START, "h2", "%s",
		 means(drawing->timeline, text));
}

/* Returns: where the next one begins */
static double legend_text(struct drawing *drawing, double x, double y, const char *text)
{
	svg_text(drawing->svg, x, y + 4, SVG_START, "small", "%s", text);
	return x + svg_width(text, SMALL, 0) + 22;
}

static void draw_legend(struct drawing *drawing)
{
	double x = MARGIN, y = drawing->axis_y + AXIS_HEIGHT + 12;
	struct svg *svg = drawing->svg;

	svg_group(svg, "legend", NULL);
	svg_rect(svg, x, y - 7, 12, 14, "work0");
	svg_rect(svg, x + 13, y - 7, 12, 14, "work1");
	x = legend_text(drawing, x + 31, y, "at work");
	svg_rect(svg, x, y - 7, 12, 14, "wait0");
	svg_rect(svg, x + 14, y - 7, 12, 14, "wait1");
	x = legend_text(drawing, x + 32, y, "waits for the other one's fence of that number");
	svg_arrow(svg, x + 5, y, x + 38, y, "life0");
	rhombus(drawing, x + 5, y, 0);
	dot(drawing, x + 42, y, 0);
	legend_text(drawing, x + 53, y, "a fence, from its making to its signal");

	x = MARGIN;
	y += 24;
	dot(drawing, x + 5, y - 7, 0);
	svg_arrow(svg, x + 5, y - 5, x + 22, y + 7, "wake0");
	x = legend_text(drawing, x + 31, y, "the signal wakes who waits");
	svg_add(svg, "<path d=\"M%.1f %.1fl3 4l-3 4l3 4l-3 4m9 -16l3 4l-3 4l3 4l-3 4\" "
		"class=\"torn\"/>\n", x + 4, y - 8);
	legend_text(drawing, x + 24, y,
		    "time cut out, in which nothing begins or ends; the rest is all to one scale");
	svg_group_end(svg);
}

static void define_hatching(struct svg *svg, unsigned int lane, const char *paper,
			    const char *colour)
{
	svg_add(svg, "<pattern id=\"hatch%u\" width=\"7\" height=\"7\" "
		"patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\n"
		"<rect width=\"7\" height=\"7\" fill=\"%s\"/>\n"
		"<line x1=\"1\" y1=\"0\" x2=\"1\" y2=\"7\" stroke=\"%s\" stroke-width=\"2\"/>\n"
		"</pattern>\n", lane, paper, colour);
}

static void draw(struct drawing *drawing)
{
	const struct timeline *timeline = drawing->timeline;
	struct svg *svg = drawing->svg;
	unsigned int i, lane;

	svg_add(svg, "<defs>\n");
	define_hatching(svg, 0, "#f4f8fc", "#9dbbe0");
	define_hatching(svg, 1, "#fff9f2", "#e3b48a");
	svg_add(svg, "</defs>\n");
	svg_rect(svg, 0, 0, WIDTH, drawing->height, "paper");
	draw_head(drawing);
	draw_lane(drawing, 0);
	draw_lane(drawing, 1);
	axis_draw(svg, &drawing->scale, drawing->lane_y[0], drawing->axis_y);
	svg_text(svg, MARGIN, drawing->axis_y + 4, SVG_START, "normal", "ms since the start");
	if (drawing->scale.gap_count)
		svg_text(svg, MARGIN, drawing->axis_y + AXIS_GAPS, SVG_START, "small",
			 "ms cut out");
	for (i = 0; i < timeline->bar_count; i++)
		draw_bar(drawing, &timeline->bars[i]);
	for (i = 0; i < timeline->fence_count; i++)
		draw_stems(drawing, i);
	for (i = 0; i < timeline->fence_count; i++)
		draw_fence(drawing, i);
	axis_tear(svg, &drawing->scale, drawing->lane_y[0] - 4, drawing->lane_y[1] + LANE + 4);
	for (lane = 0; lane < 2; lane++)
		for (i = 0; i < drawing->flag_count[lane]; i++)
			draw_flag(drawing, lane, &drawing->flags[lane][i]);
	draw_legend(drawing);
}

int timeline_write(const struct timeline *timeline, const char *path, size_t *bytes, char *why)
{
	struct drawing drawing = { .timeline = timeline };

	plan(&drawing);
	drawing.svg = svg_begin(WIDTH, drawing.height, "The demo's timeline", style);
	if (!drawing.svg) {
		snprintf(why, SVG_WHY, "%s: out of memory", path);
		return -1;
	}
	draw(&drawing);
	return svg_write(drawing.svg, path, bytes, why);
}
