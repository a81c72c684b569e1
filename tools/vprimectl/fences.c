// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl fences: what has not signalled yet, and who waits for it. People want to
 * know one thing most: who is everybody waiting for?
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debugfs.h"
#include "grid.h"
#include "json.h"
#include "parse.h"
#include "rows.h"
#include "text.h"
#include "tree.h"
#include "vprimectl.h"

/*
 * As old as that, or with its deadline passed, a fence that somebody waits for
 * is worth a mark. Frames come every few ms; nothing that lives takes a second.
 */
#define OLD_MS	1000
#define MARK	"=>"

/* The number of a key; 0 if there is none, or none that fits. */
static uint64_t number(const struct entry *entry, const char *key)
{
	uint64_t value;

	return text_number(row_get(entry, key), &value) ? value : 0;
}

static bool is_negative(const struct entry *entry, const char *key)
{
	return *row_get(entry, key) == '-';
}

static bool is_kind(const struct entry *entry, const char *kind)
{
	return !strcmp(entry->kind, kind);
}

static bool has_waiters(const struct entry *fence)
{
	const struct entry *entry = fence->children;

	while (entry && !is_kind(entry, "waiter"))
		entry = entry->next;
	return entry;
}

static bool is_late(const struct entry *fence)
{
	if (!has_waiters(fence) && !number(fence, "callbacks"))
		return false;
	return number(fence, "age_ms") >= OLD_MS || is_negative(fence, "deadline_ms");
}

/* ---- the table ---- */

static const char *timeline_id(const struct entry *entry)
{
	return row_get(entry, "id");
}

static void show_timeline(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "%s[%s]", row_get(entry, "process"), row_get(entry, "pid"));
	grid_cell(grid, "%s %s", row_get(entry, "device"), row_get(entry, "name"));
	if (row_is(entry, "kind", "buffers"))
		/* which may signal in any order */
		grid_more(grid, "on buffers, %s made, %s signalled", row_get(entry, "made"),
			  row_get(entry, "signaled"));
	else
		grid_more(grid, "%s, %s made, signalled up to %s", row_get(entry, "kind"),
			  row_get(entry, "made"), row_get(entry, "signaled"));
}

static const char *fence_mark(const struct entry *entry)
{
	return is_late(entry) ? MARK : "";
}

static void show_deadline(struct grid *grid, const struct entry *entry)
{
	const char *deadline = row_get(entry, "deadline_ms");

	if (is_negative(entry, "deadline_ms"))
		grid_more(grid, "deadline %s ms ago", deadline + 1);
	else if (strcmp(deadline, "none"))
		grid_more(grid, "deadline in %s ms", deadline);
}

static void show_fence(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "number %s", row_get(entry, "seqno"));
	grid_cell(grid, "%s", "");
	if (!row_is(entry, "usage", "none"))
		grid_more(grid, "%s on buffer %s, id %s", row_get(entry, "usage"),
			  row_get(entry, "buffer"), row_get(entry, "id"));
	grid_more(grid, "pending for %s ms", row_get(entry, "age_ms"));
	if (row_is(entry, "left_ms", "none"))
		grid_more(grid, "no limit");
	else
		grid_more(grid, "%s ms left", row_get(entry, "left_ms"));
	show_deadline(grid, entry);
	row_some(grid, entry, "callbacks", "callback");
}

static void show_waiter(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "%s[%s]", row_get(entry, "process"), row_get(entry, "pid"));
	grid_cell(grid, "for %s ms", row_get(entry, "wait_ms"));
}

static const struct row_kind kinds[] = {
	{ "timeline", "timeline", timeline_id, show_timeline,
	  { "id", "device", "name", "kind", "process", "pid", "made", "signaled", "pending" } },
	{ "fence", "fence", fence_mark, show_fence,
	  { "seqno", "id", "usage", "buffer", "age_ms", "left_ms", "deadline_ms", "callbacks" } },
	{ "waiter", "waiter", NULL, show_waiter, { "process", "pid", "wait_ms" } },
	{ 0 },
};

/* ---- what is under it ---- */

/** struct late - the fences of a timeline that keep somebody waiting */
struct late {
	/** @oldest: NULL if there is none */
	const struct entry *oldest;
	unsigned int fences;
	/** @pids: of the processes that wait for them, each once */
	const char **pids;
	unsigned int processes;
	/** @others: there are callbacks: a poll, a syncobj, another driver */
	bool others;
};

/* A process may wait for several of them. */
static void add_process(struct late *late, const char *pid)
{
	for (unsigned int i = 0; i < late->processes; i++)
		if (!strcmp(late->pids[i], pid))
			return;
	late->pids = reallocarray(late->pids, late->processes + 1, sizeof(*late->pids));
	if (!late->pids)
		err(1, "memory");
	late->pids[late->processes++] = pid;
}

static void add_late(struct late *late, const struct entry *fence)
{
	const struct entry *entry;

	/* The first: the kernel lists them as they were made, and each age a moment later. */
	if (!late->oldest)
		late->oldest = fence;
	late->fences++;
	late->others = late->others || number(fence, "callbacks");
	for (entry = fence->children; entry; entry = entry->next)
		if (is_kind(entry, "waiter"))
			add_process(late, row_get(entry, "pid"));
}

static void find_late(const struct entry *timeline, struct late *late)
{
	*late = (struct late){ 0 };
	for (const struct entry *entry = timeline->children; entry; entry = entry->next)
		if (is_kind(entry, "fence") && is_late(entry))
			add_late(late, entry);
}

static void print_late(const struct entry *timeline, const struct late *late)
{
	printf(MARK " %s[%s] keeps ", row_get(timeline, "process"), row_get(timeline, "pid"));
	/* whose a callback is, and how many have to do with it, nobody knows */
	if (!late->processes)
		printf("somebody");
	else
		printf("%u process%s%s", late->processes, late->processes == 1 ? "" : "es",
		       late->others ? " and others" : "");
	printf(" waiting: %s %s, number %s", row_get(timeline, "device"),
	       row_get(timeline, "name"), row_get(late->oldest, "seqno"));
	if (late->fences > 1)
		printf(" and %u more", late->fences - 1);
	putchar('\n');
}

/*
 * Fences that have kept somebody waiting for long get a mark, and under the table a
 * line that says whose they are.
 */
static void fences_table(const struct entry *timelines)
{
	struct grid grid = { .columns = ROWS_COLUMNS };
	bool any = false;

	grid_cell(&grid, "id");
	grid_cell(&grid, "what");
	grid_cell(&grid, "who");
	grid_cell(&grid, "state");
	rows_add(&grid, kinds, timelines);
	grid_print(&grid);

	for (const struct entry *entry = timelines; entry; entry = entry->next) {
		struct late late;

		find_late(entry, &late);
		if (late.oldest && !any)
			putchar('\n');
		if (late.oldest)
			print_late(entry, &late);
		any = any || late.oldest;
		free(late.pids);
	}
}

/* ---- the command ---- */

static const struct tree_kind tree_kinds[] = {
	{ "timeline", { "fence" } },
	{ "fence", { "waiter" } },
	{ 0 },
};

/* Leave only timelines that have something under them. */
static unsigned int drop_idle(struct entry **entries)
{
	unsigned int dropped = 0;

	while (*entries) {
		struct entry *entry = *entries;

		if (strcmp(entry->kind, "timeline") || entry->children) {
			entries = &entry->next;
			continue;
		}
		*entries = entry->next;
		entry->next = NULL;
		parse_free(entry);
		dropped++;
	}
	return dropped;
}

static void show_table(struct entry **timelines, bool all)
{
	unsigned int dropped = all ? 0 : drop_idle(timelines);

	if (*timelines)
		fences_table(*timelines);
	else if (dropped)
		printf("no pending fences, on %u timeline%s: --all shows %s\n", dropped,
		       dropped == 1 ? "" : "s", dropped == 1 ? "it" : "them");
	else
		puts("no pending fences");
}

int command_fences(const struct options *options)
{
	char *text;
	struct entry *timelines = debugfs_read_list("fences", &text);

	if (options->json) {
		json_open('{');
		tree_json("timelines", tree_kinds, timelines);
		json_close('}');
		json_end();
	} else {
		show_table(&timelines, options->all);
	}
	parse_free(timelines);
	free(text);
	return 0;
}
