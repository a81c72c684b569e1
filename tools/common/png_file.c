// SPDX-License-Identifier: GPL-2.0-only
/*
 * PNG files in and out, through libpng.
 *
 * libpng leaves through longjmp() when it fails. Whatever has to survive that
 * is kept in a structure on the heap, never in a local variable.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "png_file.h"

#define SIGNATURE_BYTES	8
/* above this many pixels, the time it takes to compress well is no longer worth it */
#define QUICK_PIXELS	(4u << 20)

struct png_file {
	char *path;
	/* writing only: the file's name until it is complete */
	char *part;
	FILE *stream;
	png_structp png;
	png_infop info;
	png_bytepp rows;
	/* the stream ended or failed in the middle of what libpng asked for */
	bool ended;
	int error;
	/* libpng's own words */
	char text[128];
};

static void on_error(png_structp png, png_const_charp text)
{
	struct png_file *file = png_get_error_ptr(png);

	snprintf(file->text, sizeof(file->text), "%s", text);
	png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
	/* a picture that can be read is good enough */
	(void)png;
	(void)text;
}

static void on_read(png_structp png, png_bytep data, size_t length)
{
	struct png_file *file = png_get_io_ptr(png);

	if (fread(data, 1, length, file->stream) == length)
		return;
	if (ferror(file->stream))
		file->error = errno;
	else
		file->ended = true;
	png_error(png, "read");
}

static void on_write(png_structp png, png_bytep data, size_t length)
{
	struct png_file *file = png_get_io_ptr(png);

	if (fwrite(data, 1, length, file->stream) == length)
		return;
	file->error = errno;
	png_error(png, "write");
}

static void on_flush(png_structp png)
{
	/* fclose() does, and its result is looked at */
	(void)png;
}

static int explain(const struct png_file *file, char *why)
{
	if (file->error)
		snprintf(why, PNG_FILE_WHY, "%s: %s", file->path, strerror(file->error));
	else if (file->ended)
		snprintf(why, PNG_FILE_WHY, "%s: truncated", file->path);
	else
		snprintf(why, PNG_FILE_WHY, "%s: damaged: %s", file->path, file->text);
	return -1;
}

static struct png_file *new_file(const char *path)
{
	struct png_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->path = strdup(path);
	if (!file->path) {
		free(file);
		return NULL;
	}
	return file;
}

static int check_signature(struct png_file *file, char *why)
{
	unsigned char head[SIGNATURE_BYTES];
	size_t got = fread(head, 1, sizeof(head), file->stream);

	if (ferror(file->stream)) {
		snprintf(why, PNG_FILE_WHY, "%s: %s", file->path, strerror(errno));
		return -1;
	}
	if (!got || png_sig_cmp(head, 0, got)) {
		snprintf(why, PNG_FILE_WHY, "%s: not a PNG file", file->path);
		return -1;
	}
	if (got < sizeof(head)) {
		snprintf(why, PNG_FILE_WHY, "%s: truncated", file->path);
		return -1;
	}
	return 0;
}

static int read_header(struct png_file *file, char *why)
{
	if (setjmp(png_jmpbuf(file->png)))
		return explain(file, why);

	png_set_read_fn(file->png, file, on_read);
	png_set_sig_bytes(file->png, SIGNATURE_BYTES);
	/* too large is for the caller to say, who says it better */
	png_set_user_limits(file->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
	png_read_info(file->png, file->info);
	return 0;
}

struct png_file *png_file_open(const char *path, uint32_t *width, uint32_t *height, char *why)
{
	struct png_file *file = new_file(path);

	if (!file) {
		snprintf(why, PNG_FILE_WHY, "%s: %s", path, strerror(ENOMEM));
		return NULL;
	}
	file->stream = fopen(path, "rbe");
	if (!file->stream) {
		snprintf(why, PNG_FILE_WHY, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (check_signature(file, why))
		goto fail;

	file->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, file, on_error, on_warning);
	if (file->png)
		file->info = png_create_info_struct(file->png);
	if (!file->info) {
		snprintf(why, PNG_FILE_WHY, "%s: %s", path, strerror(ENOMEM));
		goto fail;
	}
	if (read_header(file, why))
		goto fail;

	*width = png_get_image_width(file->png, file->info);
	*height = png_get_image_height(file->png, file->info);
	return file;

fail:
	png_file_close(file);
	return NULL;
}

int png_file_read(struct png_file *file, const struct picture *into, char *why)
{
	uint32_t y;

	file->rows = calloc(into->height, sizeof(*file->rows));
	if (!file->rows) {
		file->error = ENOMEM;
		return explain(file, why);
	}
	for (y = 0; y < into->height; y++)
		file->rows[y] = (png_bytep)picture_row(into, y);

	if (setjmp(png_jmpbuf(file->png)))
		return explain(file, why);

	png_set_expand(file->png);
	png_set_scale_16(file->png);
	png_set_gray_to_rgb(file->png);
	png_set_add_alpha(file->png, 0xff, PNG_FILLER_AFTER);
	png_set_bgr(file->png);
	png_set_interlace_handling(file->png);
	png_read_update_info(file->png, file->info);
	if (png_get_rowbytes(file->png, file->info) != (size_t)into->width * 4)
		png_error(file->png, "unexpected row length");

	png_read_image(file->png, file->rows);
	png_read_end(file->png, NULL);
	return 0;
}

void png_file_close(struct png_file *file)
{
	if (!file)
		return;
	if (file->png)
		png_destroy_read_struct(&file->png, &file->info, NULL);
	if (file->stream)
		fclose(file->stream);
	free(file->rows);
	free(file->path);
	free(file);
}

static bool is_opaque(const struct picture *picture)
{
	uint32_t x, y;

	for (y = 0; y < picture->height; y++) {
		const uint32_t *row = picture_row(picture, y);

		for (x = 0; x < picture->width; x++)
			if (row[x] >> 24 != 0xff)
				return false;
	}
	return true;
}

static int write_all(struct png_file *file, const struct picture *picture, const bool opaque,
		     char *why)
{
	uint32_t y;

	if (setjmp(png_jmpbuf(file->png)))
		return explain(file, why);

	png_set_write_fn(file->png, file, on_write, on_flush);
	if ((uint64_t)picture->width * picture->height > QUICK_PIXELS)
		png_set_compression_level(file->png, 1);
	png_set_IHDR(file->png, file->info, picture->width, picture->height, 8,
		     opaque ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(file->png, file->info);
	png_set_bgr(file->png);
	if (opaque)
		png_set_filler(file->png, 0, PNG_FILLER_AFTER);
	for (y = 0; y < picture->height; y++)
		png_write_row(file->png, (png_bytep)picture_row(picture, y));
	png_write_end(file->png, file->info);
	return 0;
}

/* a name beside the final one, as rename() does not cross file systems */
static int open_part(struct png_file *file)
{
	mode_t mask;
	int fd;

	if (asprintf(&file->part, "%s.XXXXXX", file->path) < 0) {
		file->part = NULL;
		return -1;
	}
	fd = mkostemp(file->part, O_CLOEXEC);
	if (fd < 0) {
		free(file->part);
		file->part = NULL;
		return -1;
	}
	mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	file->stream = fdopen(fd, "wb");
	if (!file->stream)
		close(fd);
	return file->stream ? 0 : -1;
}

int png_file_write(const char *path, const struct picture *picture, size_t *bytes, char *why)
{
	struct png_file *file = new_file(path);
	struct stat stat;
	int result = -1;

	if (!file) {
		snprintf(why, PNG_FILE_WHY, "%s: %s", path, strerror(ENOMEM));
		return -1;
	}
	if (open_part(file)) {
		snprintf(why, PNG_FILE_WHY, "%s: %s", path, strerror(errno));
		goto out;
	}
	file->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, file, on_error, on_warning);
	if (file->png)
		file->info = png_create_info_struct(file->png);
	if (!file->info) {
		snprintf(why, PNG_FILE_WHY, "%s: %s", path, strerror(ENOMEM));
		goto out;
	}
	if (write_all(file, picture, is_opaque(picture), why))
		goto out;

	if (fflush(file->stream) || fstat(fileno(file->stream), &stat) ||
	    rename(file->part, path)) {
		snprintf(why, PNG_FILE_WHY, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (bytes)
		*bytes = (size_t)stat.st_size;
	result = 0;
out:
	if (file->png)
		png_destroy_write_struct(&file->png, &file->info);
	if (file->stream)
		fclose(file->stream);
	if (file->part && result)
		unlink(file->part);
	free(file->part);
	free(file->path);
	free(file);
	return result;
}
