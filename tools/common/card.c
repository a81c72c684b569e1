// SPDX-License-Identifier: GPL-2.0-only
/*
 * The project's test card.
 *
 * Every part is there to show one fault at a glance: the four edges have a line
 * of one pixel each in a colour of its own (a lost or shifted row or column),
 * the corners have one, two, three and four dots (a flip or a turn), gradients
 * and steps show channels swapped or cut, the gratings of one pixel show any
 * scaling that is not exact, the word and the arrow say which way is up.
 *
 * Sizes are in units of the 640x480 design, unless they are called pixels.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "card.h"
#include "font.h"

#define RGB(r, g, b)	(0xff000000u | (uint32_t)(r) << 16 | (uint32_t)(g) << 8 | (uint32_t)(b))

#define INK		RGB(0x12, 0x17, 0x22)
#define SLATE		RGB(0x1e, 0x26, 0x36)
#define LINE		RGB(0x39, 0x45, 0x5c)
#define PAPER		RGB(0xf2, 0xef, 0xe6)
#define RED		RGB(0xe5, 0x39, 0x35)
#define GREEN		RGB(0x2e, 0xb8, 0x5c)
#define BLUE		RGB(0x2f, 0x7d, 0xf6)
#define YELLOW		RGB(0xff, 0xc9, 0x1f)

#define CELL		40.0
#define DISC_RADIUS	194.0
#define TEXT_MAX	24

struct card {
	const struct picture *picture;
	/* pixels to a unit */
	double scale;
	/* where the design's top left corner is, in pixels */
	double left, top;
	/* "640x480" */
	char size[TEXT_MAX];
};

static void put(const struct card *card, long x, long y, uint32_t colour)
{
	if (x < 0 || y < 0 || x >= card->picture->width || y >= card->picture->height)
		return;
	picture_row(card->picture, (uint32_t)y)[x] = colour;
}

static uint32_t mix(uint32_t below, uint32_t above, double share)
{
	uint32_t mixed = 0xff;
	int shift;

	if (share <= 0)
		return below;
	if (share >= 1)
		return above;
	for (shift = 16; shift >= 0; shift -= 8) {
		double a = below >> shift & 0xff, b = above >> shift & 0xff;

		mixed = mixed << 8 | (uint32_t)lround(a + (b - a) * share);
	}
	return mixed;
}

/* like put(), with a share of the pixel left as it is */
static void blend(const struct card *card, long x, long y, uint32_t colour, double share)
{
	if (x < 0 || y < 0 || x >= card->picture->width || y >= card->picture->height)
		return;
	put(card, x, y, mix(picture_row(card->picture, (uint32_t)y)[x], colour, share));
}

static long pixel_x(const struct card *card, double x)
{
	return lround(card->left + x * card->scale);
}

static long pixel_y(const struct card *card, double y)
{
	return lround(card->top + y * card->scale);
}

static void fill_pixels(const struct card *card, long left, long top, long right, long bottom,
			uint32_t colour)
{
	long x, y;

	if (left < 0)
		left = 0;
	if (top < 0)
		top = 0;
	if (right > card->picture->width)
		right = card->picture->width;
	if (bottom > card->picture->height)
		bottom = card->picture->height;
	for (y = top; y < bottom; y++)
		for (x = left; x < right; x++)
			put(card, x, y, colour);
}

static void fill(const struct card *card, double x, double y, double width, double height,
		 uint32_t colour)
{
	fill_pixels(card, pixel_x(card, x), pixel_y(card, y), pixel_x(card, x + width),
		    pixel_y(card, y + height), colour);
}

static void dot(const struct card *card, double x, double y, double radius, uint32_t colour)
{
	double cx = card->left + x * card->scale, cy = card->top + y * card->scale;
	double r = radius * card->scale;
	long px, py;

	for (py = lround(cy - r) - 1; py <= lround(cy + r) + 1; py++)
		for (px = lround(cx - r) - 1; px <= lround(cx + r) + 1; px++)
			blend(card, px, py, colour,
			      r + 0.5 - hypot((double)px + 0.5 - cx, (double)py + 0.5 - cy));
}

static double text_width(const char *text, double cell)
{
	return ((double)strlen(text) * FONT_ADVANCE - 1) * cell;
}

static void text(const struct card *card, double x, double y, double cell, const char *text,
		 uint32_t colour)
{
	int cx, cy;

	for (; *text; text++, x += FONT_ADVANCE * cell)
		for (cy = 0; cy < FONT_HEIGHT; cy++)
			for (cx = 0; cx < FONT_WIDTH; cx++)
				if (font_cell(*text, cx, cy))
					fill(card, x + cx * cell, y + cy * cell, cell, cell,
					     colour);
}

static void draw_ground(const struct card *card)
{
	const struct picture *picture = card->picture;
	double step = CELL * card->scale;
	double first_x = fmod(card->left + CARD_WIDTH / 2.0 * card->scale, step);
	double first_y = fmod(card->top + CARD_HEIGHT / 2.0 * card->scale, step);
	uint32_t x, y;

	for (y = 0; y < picture->height; y++)
		for (x = 0; x < picture->width; x++)
			put(card, x, y, mix(SLATE, INK, (double)(x + y) /
					    ((double)picture->width + picture->height)));
	if (step < 8)
		return;
	for (; first_x < picture->width; first_x += step)
		fill_pixels(card, lround(first_x), 0, lround(first_x) + 1, picture->height, LINE);
	for (; first_y < picture->height; first_y += step)
		fill_pixels(card, 0, lround(first_y), picture->width, lround(first_y) + 1, LINE);
}

/* the battlements around the edge, and the line of one pixel outside of them */
static void draw_edges(const struct card *card)
{
	long width = card->picture->width, height = card->picture->height;
	long depth = lround(8 * card->scale), step = lround(CELL / 2 * card->scale);
	long at;

	for (at = 0; step > 1 && at < width / 2; at += 2 * step) {
		fill_pixels(card, at, 0, at + step, depth, PAPER);
		fill_pixels(card, width - at - step, 0, width - at, depth, PAPER);
		fill_pixels(card, at, height - depth, at + step, height, PAPER);
		fill_pixels(card, width - at - step, height - depth, width - at, height, PAPER);
	}
	for (at = 0; step > 1 && at < height / 2; at += 2 * step) {
		fill_pixels(card, 0, at, depth, at + step, PAPER);
		fill_pixels(card, 0, height - at - step, depth, height - at, PAPER);
		fill_pixels(card, width - depth, at, width, at + step, PAPER);
		fill_pixels(card, width - depth, height - at - step, width, height - at, PAPER);
	}
	fill_pixels(card, 0, 0, 1, height, YELLOW);
	fill_pixels(card, width - 1, 0, width, height, GREEN);
	fill_pixels(card, 0, height - 1, width, height, BLUE);
	fill_pixels(card, 0, 0, width, 1, RED);
}

/* a bracket around a corner of the design, and as many dots as its number */
static void draw_corner(const struct card *card, bool right, bool bottom, int dots,
			uint32_t colour)
{
	double x = right ? CARD_WIDTH - 20 : 20, y = bottom ? CARD_HEIGHT - 20 : 20;
	double out_x = right ? -1 : 1, out_y = bottom ? -1 : 1;
	int i;

	fill(card, right ? x - 52 : x, bottom ? y - 4 : y, 52, 4, PAPER);
	fill(card, right ? x - 4 : x, bottom ? y - 52 : y, 4, 52, PAPER);
	for (i = 0; i < dots; i++)
		dot(card, x + out_x * (18 + 19 * (i % 2)), y + out_y * (18 + 19 * (i / 2)), 7.5,
		    colour);
}

static uint32_t hue(double turn)
{
	double channel[3];
	int i;

	for (i = 0; i < 3; i++) {
		double away = fabs(fmod(turn + 1 - i / 3.0, 1) * 6 - 3) - 1;

		channel[i] = 255 * fmin(fmax(away, 0), 1);
	}
	return RGB(lround(channel[0]), lround(channel[1]), lround(channel[2]));
}

static void draw_left_column(const struct card *card)
{
	long top = pixel_y(card, 92), bottom = pixel_y(card, 388), y;

	for (y = top; y < bottom; y++)
		fill_pixels(card, pixel_x(card, 28), y, pixel_x(card, 84), y + 1,
			    hue((double)(y - top) / (double)(bottom - top)));
}

static void draw_right_column(const struct card *card)
{
	const int steps = 8;
	const double height = 296.0 / steps;
	int i;

	for (i = 0; i < steps; i++) {
		int grey = i * 255 / (steps - 1), near = grey < 128 ? grey + 10 : grey - 10;

		fill(card, 556, 92 + i * height, 56, height, RGB(grey, grey, grey));
		fill(card, 576, 92 + i * height + 12, 16, height - 24, RGB(near, near, near));
	}
}

static void draw_arrow(const struct card *card)
{
	int row;

	for (row = 0; row < 14; row++)
		fill(card, 320 - row - 1, 15 + row, 2 * row + 2, 1, YELLOW);
}

/* lines one, two, three and four pixels wide, then a chequerboard of single pixels */
static uint32_t grating(const struct card *card, double x, long px, long py)
{
	double width = DISC_RADIUS * 2 / 5;
	int part = (int)floor((x + DISC_RADIUS) / width);
	bool ink;

	if (part > 3)
		ink = (px + py) & 1;
	else
		ink = (px - pixel_x(card, CARD_WIDTH / 2.0 - DISC_RADIUS + part * width)) /
		      (part + 1) & 1;
	return ink ? INK : PAPER;
}

static uint32_t bars(double x)
{
	static const uint32_t colours[8] = {
		RGB(255, 255, 255), RGB(255, 255, 0), RGB(0, 255, 255), RGB(0, 255, 0),
		RGB(255, 0, 255), RGB(255, 0, 0), RGB(0, 0, 255), RGB(0, 0, 0),
	};
	int i = (int)floor((x + DISC_RADIUS) / (DISC_RADIUS * 2) * 8);

	return colours[i < 0 ? 0 : i > 7 ? 7 : i];
}

static uint32_t ramp(double x, int channel)
{
	double share = (x + DISC_RADIUS) / (DISC_RADIUS * 2);
	uint32_t level = (uint32_t)lround(255 * fmin(fmax(share, 0), 1));

	switch (channel) {
	case 0:
		return RGB(level, 0, 0);
	case 1:
		return RGB(0, level, 0);
	case 2:
		return RGB(0, 0, level);
	default:
		return RGB(level, level, level);
	}
}

/* what the disc shows at @x, @y from its centre, at pixel @px, @py */
static uint32_t disc_colour(const struct card *card, double x, double y, long px, long py)
{
	if (y < -118)
		return grating(card, x, px, py);
	if (y < -50)
		return bars(x);
	if (y < 46)
		return INK;
	if (y < 142)
		return ramp(x, (int)((y - 46) / 24));
	return PAPER;
}

static void draw_disc(const struct card *card)
{
	double cx = card->left + CARD_WIDTH / 2.0 * card->scale;
	double cy = card->top + CARD_HEIGHT / 2.0 * card->scale;
	long radius = lround(DISC_RADIUS * card->scale) + 2, px, py;
	const char *word = "vprime";

	dot(card, CARD_WIDTH / 2.0, CARD_HEIGHT / 2.0, DISC_RADIUS + 5, PAPER);
	for (py = lround(cy) - radius; py <= lround(cy) + radius; py++) {
		for (px = lround(cx) - radius; px <= lround(cx) + radius; px++) {
			double x = (double)px + 0.5 - cx, y = (double)py + 0.5 - cy;
			double inside = DISC_RADIUS * card->scale + 0.5 - hypot(x, y);

			if (inside > 0)
				blend(card, px, py, disc_colour(card, x / card->scale,
								y / card->scale, px, py), inside);
		}
	}
	text(card, (CARD_WIDTH - text_width(word, 9)) / 2, 196, 9, word, PAPER);
	text(card, (CARD_WIDTH - text_width(card->size, 3)) / 2, 392, 3, card->size, INK);
}

void card_draw(const struct picture *picture)
{
	struct card card = { .picture = picture };

	card.scale = fmin((double)picture->width / CARD_WIDTH,
			  (double)picture->height / CARD_HEIGHT);
	card.left = (picture->width - CARD_WIDTH * card.scale) / 2;
	card.top = (picture->height - CARD_HEIGHT * card.scale) / 2;
	snprintf(card.size, sizeof(card.size), "%ux%u", picture->width, picture->height);

	draw_ground(&card);
	draw_edges(&card);
	draw_corner(&card, false, false, 1, RED);
	draw_corner(&card, true, false, 2, GREEN);
	draw_corner(&card, true, true, 3, BLUE);
	draw_corner(&card, false, true, 4, YELLOW);
	draw_left_column(&card);
	draw_right_column(&card);
	draw_arrow(&card);
	draw_disc(&card);
}
