// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries as the rows of a table.
 */
#include <string.h>

#include "rows.h"

const char *row_get(const struct entry *entry, const char *key)
{
	const char *value = field_value(entry->fields, key);

	return value ? value : "?";
}

bool row_is(const struct entry *entry, const char *key, const char *value)
{
	return !strcmp(row_get(entry, key), value);
}

void row_some(struct grid *grid, const struct entry *entry, const char *key, const char *one)
{
	const char *number = row_get(entry, key);

	if (!strcmp(number, "1"))
		grid_more(grid, "1 %s", one);
	else if (strcmp(number, "0"))
		grid_more(grid, "%s %ss", number, one);
}

static void show_unknown(struct grid *grid, const struct entry *entry)
{
	(void)entry;
	grid_cell(grid, "%s", "");
	grid_cell(grid, "%s", "");
}

static const struct row_kind *find_kind(const struct row_kind *kinds, const struct entry *entry)
{
	static const struct row_kind unknown = { .show = show_unknown };

	for (; kinds->kind; kinds++)
		if (!strcmp(kinds->kind, entry->kind))
			return kinds;
	return &unknown;
}

static bool is_shown(const struct row_kind *kind, const char *key)
{
	for (const char *const *shown = kind->keys; *shown; shown++)
		if (!strcmp(*shown, key))
			return true;
	return false;
}

static void add_level(struct grid *grid, const struct row_kind *kinds, const struct entry *entry,
		      int level)
{
	for (; entry; entry = entry->next) {
		const struct row_kind *kind = find_kind(kinds, entry);

		grid_cell(grid, "%s", kind->first ? kind->first(entry) : "");
		grid_cell(grid, "%*s%s", 2 * level, "", kind->title ? kind->title : entry->kind);
		kind->show(grid, entry);
		for (const struct field *field = entry->fields; field; field = field->next)
			if (!is_shown(kind, field->key))
				grid_more(grid, "%s=%s", field->key, field->value);
		add_level(grid, kinds, entry->children, level + 1);
	}
}

void rows_add(struct grid *grid, const struct row_kind *kinds, const struct entry *entries)
{
	add_level(grid, kinds, entries, 0);
}
