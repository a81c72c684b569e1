// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffer list and the counts for people.
 */
#include <stdio.h>
#include <string.h>

#include "grid.h"
#include "table.h"
#include "text.h"

#define LINE	80

/* What to show of the key; "?" if the kernel does not tell. */
static const char *get(const struct entry *entry, const char *key)
{
	const char *value = field_value(entry->fields, key);

	return value ? value : "?";
}

static bool is(const struct entry *entry, const char *key, const char *value)
{
	return !strcmp(get(entry, key), value);
}

/* "3 pins", and nothing for none of them */
static void some(struct grid *grid, const struct entry *entry, const char *key, const char *one)
{
	const char *number = get(entry, key);

	if (!strcmp(number, "1"))
		grid_more(grid, "1 %s", one);
	else if (strcmp(number, "0"))
		grid_more(grid, "%s %ss", number, one);
}

static void show_buffer(struct grid *grid, const struct entry *entry)
{
	char size[TEXT_SIZE], resident[TEXT_SIZE];

	text_size(get(entry, "size"), size);
	text_size(get(entry, "resident"), resident);
	grid_cell(grid, "%s", get(entry, "exporter"));
	grid_cell(grid, "%s", size);
	/* another driver does not tell how much memory it has */
	if (is(entry, "foreign", "yes"))
		grid_more(grid, "foreign");
	else if (is(entry, "resident", get(entry, "size")))
		grid_more(grid, "all resident");
	else if (is(entry, "resident", "0"))
		grid_more(grid, "none resident");
	else
		grid_more(grid, "%s resident", resident);
	grid_more(grid, "%s", get(entry, "state"));
	if (is(entry, "exported", "yes"))
		grid_more(grid, "exported");
	some(grid, entry, "pins", "pin");
	some(grid, entry, "vmaps", "vmap");
}

static void show_attachment(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "%s (%s)", get(entry, "device"), get(entry, "driver"));
	grid_cell(grid, "%s", get(entry, "lifetime"));
	if (is(entry, "mapped", "no"))
		grid_more(grid, "not mapped");
	else if (is(entry, "mapped", "yes"))
		grid_more(grid, "mapped %s", get(entry, "direction"));
	else
		grid_more(grid, "%s mapping %s", get(entry, "mapped"), get(entry, "direction"));
	some(grid, entry, "pins", "pin");
}

static void show_cpu(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "%s[%s]", get(entry, "process"), get(entry, "pid"));
	grid_cell(grid, "%s, open for %s ms", get(entry, "access"), get(entry, "open_ms"));
}

static void show_fence(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "%s", get(entry, "driver"));
	grid_cell(grid, "%s, timeline %s, number %s", get(entry, "usage"), get(entry, "timeline"),
		  get(entry, "seqno"));
}

static void show_violation(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "%s", get(entry, "rule"));
	grid_cell(grid, "%s", "");
	some(grid, entry, "count", "time");
}

static void show_unknown(struct grid *grid, const struct entry *entry)
{
	(void)entry;
	grid_cell(grid, "%s", "");
	grid_cell(grid, "%s", "");
}

enum { BUFFER };

/* @keys: what @show has looked at, or leaves out on purpose */
static const struct kind {
	const char *kind;
	const char *title;
	void (*show)(struct grid *grid, const struct entry *entry);
	const char *keys[16];
} kinds[] = {
	[BUFFER] = { "buffer", "buffer", show_buffer,
	  { "id", "exporter", "size", "resident", "state", "foreign", "exported", "attachments",
	    "mapped", "pins", "vmaps", "cpu", "fences", "violations" } },
	{ "attachment", "attachment", show_attachment,
	  { "device", "driver", "lifetime", "mapped", "direction", "pins" } },
	{ "cpu", "cpu access", show_cpu, { "access", "process", "pid", "open_ms" } },
	{ "fence", "fence", show_fence, { "driver", "timeline", "seqno", "usage" } },
	{ "violation", "violation", show_violation, { "rule", "count" } },
};

static const struct kind *find_kind(const struct entry *entry)
{
	static const struct kind unknown = { .show = show_unknown };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].kind, entry->kind))
			return &kinds[i];
	return &unknown;
}

static bool is_shown(const struct kind *kind, const char *key)
{
	for (const char *const *shown = kind->keys; *shown; shown++)
		if (!strcmp(*shown, key))
			return true;
	return false;
}

static void add_entries(struct grid *grid, const struct entry *entries, int level)
{
	for (const struct entry *entry = entries; entry; entry = entry->next) {
		const struct kind *kind = find_kind(entry);

		grid_cell(grid, "%s", kind == &kinds[BUFFER] ? get(entry, "id") : "");
		grid_cell(grid, "%*s%s", 2 * level, "", kind->title ? kind->title : entry->kind);
		kind->show(grid, entry);
		for (const struct field *field = entry->fields; field; field = field->next)
			if (!is_shown(kind, field->key))
				grid_more(grid, "%s=%s", field->key, field->value);
		add_entries(grid, entry->children, level + 1);
	}
}

void table_buffers(const struct entry *entries)
{
	struct grid grid = { .columns = 4 };

	if (!entries) {
		puts("no buffers");
		return;
	}
	grid_cell(&grid, "id");
	grid_cell(&grid, "what");
	grid_cell(&grid, "who");
	grid_cell(&grid, "state");
	add_entries(&grid, entries, 0);
	grid_print(&grid);
}

void table_counts(const char *name, const char *number, const struct counts *counts)
{
	struct grid grid = { .columns = 2 };

	grid_cell(&grid, "%s", name);
	grid_cell(&grid, "%s", number);
	for (int i = 0; i < counts->length; i++) {
		grid_cell(&grid, "%s", counts->list[i].name);
		grid_cell(&grid, "%s", counts->list[i].number);
	}
	grid_print(&grid);
}

void table_summary(const char *title, const struct counts *counts, bool zeros)
{
	int column = printf("%s:", title);
	const char *comma = "";

	for (int i = 0; i < counts->length; i++) {
		const struct count *count = &counts->list[i];
		int length;

		if (!zeros && !strcmp(count->number, "0"))
			continue;
		length = snprintf(NULL, 0, "%s %s %s", comma, count->name, count->number);
		if (column + length >= LINE)
			column = printf("%s\n  %s %s", comma, count->name, count->number);
		else
			column += printf("%s %s %s", comma, count->name, count->number);
		comma = ",";
	}
	puts(*comma ? "" : " none");
}
