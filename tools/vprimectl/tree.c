// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries as JSON: an object each, with a list for each kind of what is under it.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "tree.h"

static void write_entry(const struct tree_kind *kinds, const struct entry *entry);

/* Those of one kind, as a member with an array. */
static void write_kind(const struct tree_kind *kinds, const char *key,
		       const struct entry *entries, const char *kind)
{
	json_key(key);
	json_open('[');
	for (; entries; entries = entries->next)
		if (!strcmp(entries->kind, kind))
			write_entry(kinds, entries);
	json_close(']');
}

/* "cpu" is how many already, so the accesses themselves are "cpu_list" */
static void write_list(const struct tree_kind *kinds, const struct entry *entries,
		       const char *kind)
{
	char *key;

	if (asprintf(&key, "%s_list", kind) < 0)
		err(1, "memory");
	write_kind(kinds, key, entries, kind);
	free(key);
}

static bool is_first(const struct entry *entries, const struct entry *entry)
{
	while (strcmp(entries->kind, entry->kind))
		entries = entries->next;
	return entries == entry;
}

static bool is_among(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (!strcmp(*words, word))
			return true;
	return false;
}

/* All kinds but those @except, in the order in which they come first. */
static void write_others(const struct tree_kind *kinds, const struct entry *entries,
			 const char *const *except)
{
	for (const struct entry *entry = entries; entry; entry = entry->next)
		if (!is_among(except, entry->kind) && is_first(entries, entry))
			write_list(kinds, entries, entry->kind);
}

static const char *const *find_below(const struct tree_kind *kinds, const struct entry *entry)
{
	while (kinds->kind && strcmp(kinds->kind, entry->kind))
		kinds++;
	return kinds->below;
}

static void write_entry(const struct tree_kind *kinds, const struct entry *entry)
{
	const char *const *below = find_below(kinds, entry), *const *kind;

	json_open('{');
	json_fields(entry->fields);
	for (kind = below; *kind; kind++)
		write_list(kinds, entry->children, *kind);
	write_others(kinds, entry->children, below);
	json_close('}');
}

void tree_json(const char *key, const struct tree_kind *kinds, const struct entry *entries)
{
	const char *const first[] = { kinds->kind, NULL };

	write_kind(kinds, key, entries, kinds->kind);
	write_others(kinds, entries, first);
}
