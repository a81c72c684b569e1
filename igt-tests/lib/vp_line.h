/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The format of the module's lists in debugfs: lines of a kind and of words
 * KEY=VALUE, always the same keys in the same order, a blank between two.
 *
 * A line that is not just so fails the subtest.
 */
#ifndef VP_LINE_H
#define VP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for a line, and for a value that is a name. */
#define VP_LINE_LEN	1024
#define VP_LINE_NAME	64

/* A whole file, read in pieces of @piece bytes; free() it. */
char *vp_line_file(const char *path, size_t piece);
/* A line without its end, and where the next one begins. */
const char *vp_line_take(const char *text, char line[VP_LINE_LEN]);
/* Whether @line begins with @word; if so, @rest is what follows. */
bool vp_line_begins(char *line, const char *word, char **rest);

/* The value of @key, which is what @at must go on with; @at goes behind it. */
void vp_line_name(char **at, const char *key, char name[VP_LINE_NAME]);
uint64_t vp_line_number(char **at, const char *key);
unsigned int vp_line_count(char **at, const char *key);
bool vp_line_yes(char **at, const char *key);
/* Perhaps with a minus, or the word "none": then @none is what it is. */
int64_t vp_line_signed(char **at, const char *key, int64_t none);

/* @word is one of @allowed, which has a blank before and after each. */
void vp_line_check(const char *what, const char *word, const char *allowed);

#endif /* VP_LINE_H */
