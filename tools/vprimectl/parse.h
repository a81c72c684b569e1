/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_PARSE_H
#define VPRIMECTL_PARSE_H

#include <stdbool.h>
#include <stddef.h>

/** struct field - one key=value of a line */
struct field {
	const char *key;
	const char *value;
	struct field *next;
};

/**
 * struct entry - a line "KIND KEY=VALUE...", and the lines indented under it
 *
 * What kinds and keys there are is up to the kernel: nothing here knows them,
 * so that what a newer module tells is not lost.
 */
struct entry {
	/** @kind: "buffer", "attachment" and so on */
	const char *kind;
	/** @fields: in the order of the line */
	struct field *fields;
	/** @children: the lines indented under it, in their order */
	struct entry *children;
	/** @text: what the strings are parts of, if it is the entry's own */
	char *text;
	/** @next: the next line of the same indentation */
	struct entry *next;
};

/**
 * parse_list() - read the format of the files "buffers" and "fences"
 * @text: all of it; cut into pieces that the entries point to, so it has to
 *	outlive them
 * @size: bytes in @text, after which there is a NUL
 * @entries: out: the lines that are not indented; NULL if there are none
 * @why: out, when it fails: what is wrong, as "line 3: ...", to free()
 *
 * Returns: whether all of it was understood. If not there are no entries.
 */
bool parse_list(char *text, size_t size, struct entry **entries, char **why);

/**
 * parse_fields() - read the key=value words of a line
 * @text: the words; cut into pieces that the fields point to
 * @fields: out: to be freed with parse_free_fields(), whatever is returned
 * @why: out, when it fails: what is wrong, to free()
 */
bool parse_fields(char *text, struct field **fields, char **why);

/** field_value() - the value of a key, or NULL if it is not there */
const char *field_value(const struct field *fields, const char *key);

/**
 * parse_add() - add a line below another
 * @parent: the one above
 * @format: as in the files, without the indentation
 */
void parse_add(struct entry *parent, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** parse_free() - free what parse_list() and parse_add() made */
void parse_free(struct entry *entries);

/** parse_free_fields() - free what parse_fields() made */
void parse_free_fields(struct field *fields);

#endif
