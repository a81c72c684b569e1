// SPDX-License-Identifier: GPL-2.0-only
/*
 * testcard - write the project's test card as a PNG
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/card.h"
#include "common/png_file.h"

/* what PNG readers, libpng among them, take without being asked */
#define MAX_SIDE	1000000

static uint32_t parse_side(const char *text)
{
	char *end;
	long side = strtol(text, &end, 10);

	if (!*text || *end || side < 1 || side > MAX_SIDE)
		errx(1, "%s: not a width or height", text);
	return (uint32_t)side;
}

int main(int argc, char **argv)
{
	struct picture picture = { .width = CARD_WIDTH, .height = CARD_HEIGHT };
	char why[PNG_FILE_WHY];

	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: testcard OUT.png [WIDTH HEIGHT]\n");
		return 2;
	}
	if (argc == 4) {
		picture.width = parse_side(argv[2]);
		picture.height = parse_side(argv[3]);
	}
	picture.pitch = (size_t)picture.width * 4;
	picture.pixels = calloc(picture.height, picture.pitch);
	if (!picture.pixels)
		err(1, "%ux%u", picture.width, picture.height);

	card_draw(&picture);
	if (png_file_write(argv[1], &picture, NULL, why))
		errx(1, "%s", why);
	free(picture.pixels);
	return 0;
}
