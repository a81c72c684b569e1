// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format of buffers and fences in /sys/kernel/debug/vprime: lines of a kind
 * and of words key=value, two spaces more of indentation for what belongs to the
 * line above.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

#define INDENTATION	2
/* more than anybody could read; the kernel's list has two levels */
#define LEVELS		8

static bool wrong(char **why, const char *what, const char *word)
{
	if (asprintf(why, "%s: '%s'", what, word) < 0)
		err(1, "memory");
	return false;
}

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		err(1, "memory");
	return memory;
}

const char *field_value(const struct field *fields, const char *key)
{
	for (; fields; fields = fields->next)
		if (!strcmp(fields->key, key))
			return fields->value;
	return NULL;
}

bool parse_fields(char *text, struct field **fields, char **why)
{
	struct field **end = fields;
	char *word, *rest, *equals;

	*fields = NULL;
	for (word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		equals = strchr(word, '=');
		if (!equals || equals == word)
			return wrong(why, "not KEY=VALUE", word);
		*equals = '\0';
		if (field_value(*fields, word))
			return wrong(why, "a key that is there twice", word);
		*end = allocate(sizeof(**end));
		(*end)->key = word;
		(*end)->value = equals + 1;
		end = &(*end)->next;
	}
	return true;
}

static bool parse_line(char *line, struct entry *entry, char **why)
{
	char *end = line + strcspn(line, " ");
	char *rest = *end ? end + 1 : end;

	*end = '\0';
	if (!*line || strchr(line, '='))
		return wrong(why, "not the kind of a line", line);
	entry->kind = line;
	return parse_fields(rest, &entry->fields, why);
}

/* Every line as an entry, at its place in the tree. */
static bool parse_lines(char *text, struct entry **entries, char **why, int *number)
{
	/* where the next entry of each level goes; NULL where none can be */
	struct entry **end[LEVELS + 1] = { entries };
	char *line;

	for (*number = 1; (line = strsep(&text, "\n")); ++*number) {
		size_t blanks = strspn(line, " "), level = blanks / INDENTATION;
		struct entry *entry;

		if (!*line && !text)
			break; /* the end of the last line, not a line */
		if (blanks % INDENTATION || level >= LEVELS || !end[level])
			return wrong(why, "an indentation that fits no line above", line);
		entry = allocate(sizeof(*entry));
		*end[level] = entry;
		end[level] = &entry->next;
		end[level + 1] = &entry->children;
		memset(&end[level + 2], 0, (LEVELS - level - 1) * sizeof(*end));
		if (!parse_line(line + blanks, entry, why))
			return false;
	}
	return true;
}

bool parse_list(char *text, size_t size, struct entry **entries, char **why)
{
	char *what;
	int number;

	*entries = NULL;
	if (strlen(text) != size) {
		if (asprintf(why, "byte %zu is NUL", strlen(text)) < 0)
			err(1, "memory");
		return false;
	}
	if (parse_lines(text, entries, &what, &number))
		return true;
	if (asprintf(why, "line %d: %s", number, what) < 0)
		err(1, "memory");
	free(what);
	parse_free(*entries);
	*entries = NULL;
	return false;
}

void parse_add(struct entry *parent, const char *format, ...)
{
	struct entry *entry = allocate(sizeof(*entry)), **end = &parent->children;
	va_list args;
	char *why;

	va_start(args, format);
	if (vasprintf(&entry->text, format, args) < 0)
		err(1, "memory");
	va_end(args);
	if (!parse_line(entry->text, entry, &why))
		errx(1, "%s", why);
	while (*end)
		end = &(*end)->next;
	*end = entry;
}

void parse_free_fields(struct field *fields)
{
	while (fields) {
		struct field *next = fields->next;

		free(fields);
		fields = next;
	}
}

void parse_free(struct entry *entries)
{
	while (entries) {
		struct entry *next = entries->next;

		parse_free(entries->children);
		parse_free_fields(entries->fields);
		free(entries->text);
		free(entries);
		entries = next;
	}
}
