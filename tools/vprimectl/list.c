// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl list and vprimectl counts: what there is now.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counts.h"
#include "debugfs.h"
#include "json.h"
#include "parse.h"
#include "table.h"
#include "vprimectl.h"

/* What a buffer may have under it; an empty list says that it has not. */
static const char *const known[] = { "attachment", "cpu", "fence", "violation" };

#define KNOWN	((int)(sizeof(known) / sizeof(*known)))

static void write_entry(const struct entry *entry);

/* Those of one kind, as a member with an array. */
static void write_kind(const char *key, const struct entry *entries, const char *kind)
{
	json_key(key);
	json_open('[');
	for (; entries; entries = entries->next)
		if (!strcmp(entries->kind, kind))
			write_entry(entries);
	json_close(']');
}

/* "cpu" is how many already, so the accesses themselves are "cpu_list" */
static void write_list(const struct entry *entries, const char *kind)
{
	char *key;

	if (asprintf(&key, "%s_list", kind) < 0)
		err(1, "memory");
	write_kind(key, entries, kind);
	free(key);
}

static bool is_first(const struct entry *entries, const struct entry *entry)
{
	while (strcmp(entries->kind, entry->kind))
		entries = entries->next;
	return entries == entry;
}

/* All kinds but those @except, in the order in which they come first. */
static void write_others(const struct entry *entries, const char *const except[], int length)
{
	const struct entry *entry;
	int i;

	for (entry = entries; entry; entry = entry->next) {
		for (i = 0; i < length && strcmp(except[i], entry->kind); i++)
			;
		if (i == length && is_first(entries, entry))
			write_list(entries, entry->kind);
	}
}

static void write_entry(const struct entry *entry)
{
	json_open('{');
	json_fields(entry->fields);
	if (!strcmp(entry->kind, "buffer"))
		for (int i = 0; i < KNOWN; i++)
			write_list(entry->children, known[i]);
	write_others(entry->children, known, strcmp(entry->kind, "buffer") ? 0 : KNOWN);
	json_close('}');
}

static void write_buffers(const struct entry *entries)
{
	static const char *const buffer[] = { "buffer" };

	write_kind("buffers", entries, "buffer");
	write_others(entries, buffer, 1);
}

/* Leave only the buffer that was asked for. */
static void pick(struct entry **entries, const char *id)
{
	while (*entries) {
		struct entry *entry = *entries;
		const char *value = field_value(entry->fields, "id");

		if (!strcmp(entry->kind, "buffer") && value && !strcmp(value, id)) {
			entries = &entry->next;
			continue;
		}
		*entries = entry->next;
		entry->next = NULL;
		parse_free(entry);
	}
}

static void show_buffers(const struct entry *entries, bool json)
{
	if (json) {
		json_open('{');
		write_buffers(entries);
		json_close('}');
		json_end();
	} else {
		table_buffers(entries);
	}
}

/* How many there are of everything, and how often each rule was broken. */
struct numbers {
	struct counts counts;
	struct counts violations;
};

static struct numbers read_numbers(void)
{
	struct numbers numbers;

	numbers.counts = counts_read("counts");
	numbers.violations = counts_read("violations");
	return numbers;
}

static void free_numbers(struct numbers *numbers)
{
	counts_free(&numbers->counts);
	counts_free(&numbers->violations);
}

static void write_numbers(const struct numbers *numbers)
{
	json_key("counts");
	counts_json(&numbers->counts);
	json_key("violations");
	counts_json(&numbers->violations);
}

static void show_all(const struct entry *entries, bool json)
{
	struct numbers numbers = read_numbers();

	if (json) {
		json_open('{');
		write_buffers(entries);
		write_numbers(&numbers);
		json_close('}');
		json_end();
	} else {
		table_buffers(entries);
		putchar('\n');
		table_summary("counts", &numbers.counts, true);
		table_summary("violations", &numbers.violations, false);
	}
	free_numbers(&numbers);
}

int command_list(const struct options *options)
{
	struct entry *entries;
	char *text, *why;
	size_t size;

	text = debugfs_read("buffers", &size);
	if (!parse_list(text, size, &entries, &why))
		errx(1, "%s/vprime/buffers: %s", debugfs_folder(), why);
	if (!options->id) {
		show_all(entries, options->json);
	} else {
		pick(&entries, options->id);
		if (!entries)
			errx(1, "there is no buffer %s: vprimectl list shows those there are",
			     options->id);
		show_buffers(entries, options->json);
	}
	parse_free(entries);
	free(text);
	return 0;
}

int command_counts(const struct options *options)
{
	struct numbers numbers = read_numbers();

	if (options->json) {
		json_open('{');
		write_numbers(&numbers);
		json_close('}');
		json_end();
	} else {
		table_counts("count", "now", &numbers.counts);
		putchar('\n');
		table_counts("violation", "since the module was loaded", &numbers.violations);
	}
	free_numbers(&numbers);
	return 0;
}
