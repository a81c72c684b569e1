// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffer list and the counts for people.
 */
#include <stdio.h>
#include <string.h>

#include "grid.h"
#include "rows.h"
#include "table.h"
#include "text.h"

#define LINE	80

static void show_buffer(struct grid *grid, const struct entry *entry)
{
	char size[TEXT_SIZE], resident[TEXT_SIZE];

	text_size(row_get(entry, "size"), size);
	text_size(row_get(entry, "resident"), resident);
	grid_cell(grid, "%s", row_get(entry, "exporter"));
	grid_cell(grid, "%s", size);
	/* another driver does not tell how much memory it has */
	if (row_is(entry, "foreign", "yes"))
		grid_more(grid, "foreign");
	else if (row_is(entry, "resident", row_get(entry, "size")))
		grid_more(grid, "all resident");
	else if (row_is(entry, "resident", "0"))
		grid_more(grid, "none resident");
	else
		grid_more(grid, "%s resident", resident);
	grid_more(grid, "%s", row_get(entry, "state"));
	if (row_is(entry, "exported", "yes"))
		grid_more(grid, "exported");
	row_some(grid, entry, "pins", "pin");
	row_some(grid, entry, "vmaps", "vmap");
}

static void show_attachment(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "%s (%s)", row_get(entry, "device"), row_get(entry, "driver"));
	grid_cell(grid, "%s", row_get(entry, "lifetime"));
	if (row_is(entry, "mapped", "no"))
		grid_more(grid, "not mapped");
	else if (row_is(entry, "mapped", "yes"))
		grid_more(grid, "mapped %s", row_get(entry, "direction"));
	else
		grid_more(grid, "%s mapping %s", row_get(entry, "mapped"),
			  row_get(entry, "direction"));
	row_some(grid, entry, "pins", "pin");
}

static void show_cpu(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "%s[%s]", row_get(entry, "process"), row_get(entry, "pid"));
	grid_cell(grid, "%s, open for %s ms", row_get(entry, "access"), row_get(entry, "open_ms"));
}

static void show_fence(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "%s", row_get(entry, "driver"));
	grid_cell(grid, "%s, timeline %s, number %s", row_get(entry, "usage"),
		  row_get(entry, "timeline"), row_get(entry, "seqno"));
}

static void show_violation(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "%s", row_get(entry, "rule"));
	grid_cell(grid, "%s", "");
	row_some(grid, entry, "count", "time");
}

static const char *buffer_id(const struct entry *entry)
{
	return row_get(entry, "id");
}

static const struct row_kind kinds[] = {
	{ "buffer", "buffer", buffer_id, show_buffer,
	  { "id", "exporter", "size", "resident", "state", "foreign", "exported", "attachments",
	    "mapped", "pins", "vmaps", "cpu", "fences", "violations" } },
	{ "attachment", "attachment", NULL, show_attachment,
	  { "device", "driver", "lifetime", "mapped", "direction", "pins" } },
	{ "cpu", "cpu access", NULL, show_cpu, { "access", "process", "pid", "open_ms" } },
	{ "fence", "fence", NULL, show_fence, { "driver", "timeline", "seqno", "usage" } },
	{ "violation", "violation", NULL, show_violation, { "rule", "count" } },
	{ 0 },
};

void table_buffers(const struct entry *entries)
{
	struct grid grid = { .columns = ROWS_COLUMNS };

	if (!entries) {
		puts("no buffers");
		return;
	}
	grid_cell(&grid, "id");
	grid_cell(&grid, "what");
	grid_cell(&grid, "who");
	grid_cell(&grid, "state");
	rows_add(&grid, kinds, entries);
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
