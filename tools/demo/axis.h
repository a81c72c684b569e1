/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_AXIS_H
#define DEMO_AXIS_H

#include "scale.h"
#include "svg.h"

/*
 * A scale, drawn. The style sheet has the classes axis, grid, tick, gap and
 * torn.
 */

/** AXIS_HEIGHT - what it takes below its line, in pixels */
#define AXIS_HEIGHT	44.0
/** AXIS_GAPS - where it says below its line how many ms each gap has */
#define AXIS_GAPS	34.0

/** axis_draw() - the line at @y, its ticks, and lines from these up to @top */
void axis_draw(struct svg *svg, const struct scale *scale, double top, double y);

/** axis_tear() - have the gaps go through all that was drawn between two heights */
void axis_tear(struct svg *svg, const struct scale *scale, double top, double bottom);

/* room for a time */
#define AXIS_TEXT	40

/** axis_duration() - a time with three digits, or more in whole ms: 0.12 ms, 4,410 ms */
const char *axis_duration(double ms, char text[AXIS_TEXT]);

#endif
