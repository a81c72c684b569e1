/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_TEXT_H
#define VPRIMECTL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * text_number() - read a number
 * @text: digits and nothing else
 * @number: out
 *
 * Returns: whether it is one, and fits.
 */
bool text_number(const char *text, uint64_t *number);

/* room for what text_size() writes */
#define TEXT_SIZE	32

/**
 * text_size() - a number of bytes as people say it, and exact
 * @bytes: how many, in digits; what is no number is copied
 * @text: where to write it
 *
 * In the largest unit of which it is a whole number. Returns @text.
 */
const char *text_size(const char *bytes, char text[TEXT_SIZE]);

/**
 * text_clean() - replace what is no printable ASCII by '_'
 * @text: changed in place
 * @blanks: whether blanks may stay
 *
 * The kernel does so with the names in the buffer list; a process may be called
 * anything, and a terminal obeys some of it.
 */
void text_clean(char *text, bool blanks);

#endif
