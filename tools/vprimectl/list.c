// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl list and vprimectl counts: what there is now.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counts.h"
#include "debugfs.h"
#include "json.h"
#include "parse.h"
#include "table.h"
#include "tree.h"
#include "vprimectl.h"

static const struct tree_kind kinds[] = {
	{ "buffer", { "attachment", "cpu", "fence", "violation" } },
	{ 0 },
};

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
		tree_json("buffers", kinds, entries);
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
		tree_json("buffers", kinds, entries);
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
