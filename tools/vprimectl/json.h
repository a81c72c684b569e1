/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_JSON_H
#define VPRIMECTL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "parse.h"

/*
 * A writer of JSON to the standard output: calls in the order of what is
 * written, commas go where they belong by themselves. In an object, each
 * value has its json_key() before it.
 */

/** json_open() - begin an object ('{') or an array ('[') */
void json_open(char bracket);

/** json_close() - end it, with '}' or ']' */
void json_close(char bracket);

/** json_end() - end the line that the outermost object stands on */
void json_end(void);

/** json_key() - the name of the value that comes next */
void json_key(const char *key);

/** json_string() - a string; bytes that are not ASCII become U+FFFD */
void json_string(const char *text);

void json_bool(bool value);
void json_number(uint64_t value);
void json_null(void);

/**
 * json_value() - a word of the kernel as what it is
 * @key: what it is the value of
 * @value: the word
 *
 * A number in digits becomes a number, yes and no become true and false, and
 * where a time in milliseconds is "none" it becomes null. Not so the names: a
 * process may be called "17", or "no". Nor an attachment's mapped, as there is a
 * third answer to that.
 */
void json_value(const char *key, const char *value);

/** json_fields() - each key=value as a member of the object that is open */
void json_fields(const struct field *fields);

#endif
