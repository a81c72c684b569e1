/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TOOLS_PNG_FILE_H
#define TOOLS_PNG_FILE_H

#include <stddef.h>

#include "picture.h"

/** PNG_FILE_WHY - room for the sentence that says why something failed */
#define PNG_FILE_WHY	256

struct png_file;

/**
 * png_file_open() - open a PNG and read its header
 * @path: the file
 * @width: out: pixels in a row
 * @height: out: rows
 * @why: out, when it fails: PNG_FILE_WHY bytes, one line without its end that
 *	begins with @path
 *
 * Returns: the open file, or NULL.
 */
struct png_file *png_file_open(const char *path, uint32_t *width, uint32_t *height, char *why);

/**
 * png_file_read() - decode the whole picture
 * @file: an open file; can be read once
 * @into: where to, of the width and height that png_file_open() told
 * @why: as above
 *
 * Every colour type, bit depth and interlacing becomes 8 bits a channel. A
 * picture without alpha becomes opaque. The file is read to its last chunk, so
 * that one cut off anywhere is an error.
 *
 * Returns: 0, or -1 with some of @into overwritten.
 */
int png_file_read(struct png_file *file, const struct picture *into, char *why);

void png_file_close(struct png_file *file);

/**
 * png_file_write() - write a picture as a PNG, all of it or nothing
 * @path: the file; one that is there already is replaced in one step
 * @picture: what to write; without alpha channel when it is opaque
 * @bytes: out: length of the file; may be NULL
 * @why: as above
 *
 * Returns: 0, or -1 with what was at @path untouched.
 */
int png_file_write(const char *path, const struct picture *picture, size_t *bytes, char *why);

#endif
