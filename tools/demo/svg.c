// SPDX-License-Identifier: GPL-2.0-only
/*
 * An SVG 1.1 file, in memory until it is whole.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "svg.h"

#define HEAD_LENGTH	8.0
#define HEAD_WIDTH	7.0

struct svg {
	FILE *out;
	char *text;
	size_t size;
};

/* a text of ours may have a file's name in it, and that can be any bytes */
static void put_escaped(struct svg *svg, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", svg->out);
			break;
		case '<':
			fputs("&lt;", svg->out);
			break;
		case '>':
			fputs("&gt;", svg->out);
			break;
		case '"':
			fputs("&quot;", svg->out);
			break;
		default:
			fputc(*text >= ' ' && *text <= '~' ? *text : '?', svg->out);
		}
	}
}

static void __attribute__((format(printf, 2, 0)))
put_formatted(struct svg *svg, const char *format, va_list args)
{
	char text[256];

	vsnprintf(text, sizeof(text), format, args);
	put_escaped(svg, text);
}

struct svg *svg_begin(double width, double height, const char *title, const char *style)
{
	struct svg *svg = calloc(1, sizeof(*svg));

	if (!svg)
		return NULL;
	svg->out = open_memstream(&svg->text, &svg->size);
	if (!svg->out) {
		free(svg);
		return NULL;
	}
	svg_add(svg, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" "
		"width=\"%g\" height=\"%g\" viewBox=\"0 0 %g %g\">\n",
		width, height, width, height);
	svg_title(svg, "%s", title);
	svg_add(svg, "<style type=\"text/css\">\n%s</style>\n", style);
	return svg;
}

void svg_add(struct svg *svg, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(svg->out, format, args);
	va_end(args);
}

void svg_group(struct svg *svg, const char *id, const char *class)
{
	fputs("<g", svg->out);
	if (id)
		svg_add(svg, " id=\"%s\"", id);
	if (class)
		svg_add(svg, " class=\"%s\"", class);
	fputs(">\n", svg->out);
}

void svg_group_end(struct svg *svg)
{
	fputs("</g>\n", svg->out);
}

void svg_title(struct svg *svg, const char *format, ...)
{
	va_list args;

	fputs("<title>", svg->out);
	va_start(args, format);
	put_formatted(svg, format, args);
	va_end(args);
	fputs("</title>\n", svg->out);
}

void svg_text(struct svg *svg, double x, double y, enum svg_anchor anchor, const char *class,
	      const char *format, ...)
{
	static const char *const anchors[] = {
		[SVG_START] = "start",
		[SVG_MIDDLE] = "middle",
		[SVG_END] = "end",
	};
	va_list args;

	svg_add(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y,
		anchors[anchor], class);
	va_start(args, format);
	put_formatted(svg, format, args);
	va_end(args);
	fputs("</text>\n", svg->out);
}

void svg_label(struct svg *svg, double x, double y, const char *class, const char *text,
	       const char *next_class, const char *next)
{
	svg_add(svg, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	put_escaped(svg, text);
	svg_add(svg, "<tspan dx=\"6\" class=\"%s\">", next_class);
	put_escaped(svg, next);
	fputs("</tspan></text>\n", svg->out);
}

void svg_rect(struct svg *svg, double x, double y, double width, double height,
	      const char *class)
{
	svg_add(svg, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" class=\"%s\"/>\n",
		x, y, width, height, class);
}

void svg_line(struct svg *svg, double x1, double y1, double x2, double y2, const char *class)
{
	svg_add(svg, "<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\" class=\"%s\"/>\n",
		x1, y1, x2, y2, class);
}

void svg_arrow(struct svg *svg, double x1, double y1, double x2, double y2, const char *class)
{
	double length = hypot(x2 - x1, y2 - y1), ux, uy, x, y;

	if (length < 1)
		return;
	ux = (x2 - x1) / length;
	uy = (y2 - y1) / length;
	/* where the head begins */
	x = x2 - ux * HEAD_LENGTH;
	y = y2 - uy * HEAD_LENGTH;
	if (length > HEAD_LENGTH)
		svg_line(svg, x1, y1, x + ux, y + uy, class);
	svg_add(svg, "<path d=\"M%.2f %.2fL%.2f %.2fL%.2f %.2fz\" class=\"head %s\"/>\n", x2, y2,
		x - uy * HEAD_WIDTH / 2, y + ux * HEAD_WIDTH / 2,
		x + uy * HEAD_WIDTH / 2, y - ux * HEAD_WIDTH / 2, class);
}

/* thousandths of the size, of sans-serif faces such as DejaVu's and Verdana */
static int glyph_width(char c, int bold)
{
	int width = 640;

	if (strchr("ijl.,:;'|! ", c))
		width = 350;
	else if (strchr("frt()-/[]", c))
		width = 440;
	else if (strchr("mwMW%@", c))
		width = 980;
	else if (c >= 'A' && c <= 'Z')
		width = 740;
	return bold ? width * 11 / 10 : width;
}

double svg_width(const char *text, double size, int bold)
{
	int sum = 0;

	for (; *text; text++)
		sum += glyph_width(*text, bold);
	return sum * size / 1000;
}

/* a name beside the final one, as rename() does not cross file systems */
static int write_beside(const char *path, const char *text, size_t size)
{
	char part[4096];
	mode_t mask;
	bool written;
	FILE *file;
	int fd;

	if (snprintf(part, sizeof(part), "%s.XXXXXX", path) >= (int)sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(part, O_CLOEXEC);
	if (fd < 0)
		return -1;
	mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		unlink(part);
		return -1;
	}
	written = fwrite(text, 1, size, file) == size;
	/* what is buffered may find no room only here */
	if (fclose(file) || !written || rename(part, path)) {
		int error = errno;

		unlink(part);
		errno = error;
		return -1;
	}
	return 0;
}

int svg_write(struct svg *svg, const char *path, size_t *bytes, char *why)
{
	bool whole;
	int result = -1;

	fputs("</svg>\n", svg->out);
	whole = !ferror(svg->out);
	if (fclose(svg->out) || !whole)
		snprintf(why, SVG_WHY, "%s: %s", path, strerror(ENOMEM));
	else if (write_beside(path, svg->text, svg->size))
		snprintf(why, SVG_WHY, "%s: %s", path, strerror(errno));
	else
		result = 0;
	*bytes = svg->size;
	free(svg->text);
	free(svg);
	return result;
}
