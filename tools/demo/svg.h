/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_SVG_H
#define DEMO_SVG_H

#include <stddef.h>

/*
 * Writing an SVG 1.1 file: what is drawn by more than one place, and the file.
 * Lengths are in pixels, y grows downwards.
 */

/** SVG_WHY - room for the sentence that says why something failed */
#define SVG_WHY		256

struct svg;

/** enum svg_anchor - which end of a text its x is */
enum svg_anchor {
	SVG_START,
	SVG_MIDDLE,
	SVG_END,
};

/**
 * svg_begin() - begin a drawing
 * @title: what it is, for those who do not see it
 * @style: its style sheet
 *
 * Returns: the drawing, or NULL when there is no memory.
 */
struct svg *svg_begin(double width, double height, const char *title, const char *style);

/** svg_add() - put down markup as it is */
void svg_add(struct svg *svg, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** svg_group() - begin a group; @id and @class may be NULL. Ends with svg_group_end(). */
void svg_group(struct svg *svg, const char *id, const char *class);
void svg_group_end(struct svg *svg);

/** svg_title() - the description of the group that was begun just now; pointers show it */
void svg_title(struct svg *svg, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** svg_text() - a line of text; what is markup in it is shown as what it is */
void svg_text(struct svg *svg, double x, double y, enum svg_anchor anchor, const char *class,
	      const char *format, ...) __attribute__((format(printf, 6, 7)));

/** svg_label() - two texts beside each other, of two classes; begins at @x */
void svg_label(struct svg *svg, double x, double y, const char *class, const char *text,
	       const char *next_class, const char *next);

void svg_rect(struct svg *svg, double x, double y, double width, double height,
	      const char *class);
void svg_line(struct svg *svg, double x1, double y1, double x2, double y2, const char *class);

/** svg_arrow() - a line with a head that ends at @x2, @y2; a short one is all head */
void svg_arrow(struct svg *svg, double x1, double y1, double x2, double y2, const char *class);

/** svg_width() - how wide a text of that size is in the widest of the usual fonts */
double svg_width(const char *text, double size, int bold);

/**
 * svg_write() - end the drawing and write it, all of it or nothing
 * @path: the file; one that is there already is replaced in one step
 * @bytes: out: its length
 * @why: out, when it fails: SVG_WHY bytes, one line that begins with @path
 *
 * The drawing is gone afterwards. Returns: 0, or -1.
 */
int svg_write(struct svg *svg, const char *path, size_t *bytes, char *why);

#endif
