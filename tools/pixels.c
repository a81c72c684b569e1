// SPDX-License-Identifier: GPL-2.0-only
/*
 * pixels - count the pixels of some colours in a picture
 *
 * usage: pixels FILE.png RRGGBB...
 *
 * One line: "RRGGBB=COUNT" for each of the colours, and "other=COUNT" for all the rest. Alpha is not looked at.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/png_file.h"

static uint32_t parse_colour(const char *text)
{
	if (strlen(text) != 6 || strspn(text, "0123456789abcdef") != 6)
		errx(2, "%s: not a colour: six digits of 0 to 9 and a to f", text);
	return (uint32_t)strtoul(text, NULL, 16);
}

static struct picture read_picture(const char *path)
{
	char why[PNG_FILE_WHY];
	struct picture picture;
	struct png_file *file;

	file = png_file_open(path, &picture.width, &picture.height, why);
	if (!file)
		errx(1, "%s", why);
	picture.pitch = picture.width * sizeof(*picture.pixels);
	picture.pixels = calloc(picture.height, picture.pitch);
	if (!picture.pixels)
		err(1, "%s", path);
	if (png_file_read(file, &picture, why))
		errx(1, "%s", why);
	png_file_close(file);
	return picture;
}

static size_t count(const struct picture *picture, uint32_t colour)
{
	size_t pixels = (size_t)picture->width * picture->height;
	size_t found = 0;

	for (size_t i = 0; i < pixels; i++)
		found += (picture->pixels[i] & 0xffffff) == colour;
	return found;
}

int main(int argc, char **argv)
{
	struct picture picture;
	size_t other, found;

	if (argc < 2)
		errx(2, "usage: pixels FILE.png RRGGBB...");
	picture = read_picture(argv[1]);
	other = (size_t)picture.width * picture.height;
	for (char **colour = argv + 2; *colour; colour++) {
		found = count(&picture, parse_colour(*colour));
		printf("%s=%zu ", *colour, found);
		other -= found;
	}
	printf("other=%zu\n", other);
	return 0;
}
