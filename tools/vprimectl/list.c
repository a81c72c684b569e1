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
#include "holders.h"
#include "grid.h"
#include "json.h"
#include "parse.h"
#include "rows.h"
#include "text.h"
#include "tree.h"
#include "vprimectl.h"
#include "who.h"

/* ---- for people ---- */

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

static void show_process(struct grid *grid, const struct entry *entry)
{
	grid_cell(grid, "%s[%s]", row_get(entry, "process"), row_get(entry, "pid"));
	grid_cell(grid, "%s", "");
}

static void show_handle(struct grid *grid, const struct entry *entry)
{
	show_process(grid, entry);
	grid_more(grid, "%s of %s", row_get(entry, "handle"), row_get(entry, "device"));
}

static void show_count(struct grid *grid, const struct entry *entry)
{
	show_process(grid, entry);
	row_some(grid, entry, "count", "time");
}

static const char *buffer_id(const struct entry *entry)
{
	return row_get(entry, "id");
}

static const struct row_kind row_kinds[] = {
	{ "buffer", "buffer", buffer_id, show_buffer,
	  { "id", "exporter", "size", "resident", "state", "foreign", "exported", "attachments",
	    "mapped", "pins", "vmaps", "cpu", "fences", "violations",
	    "inode" } },
	{ "attachment", "attachment", NULL, show_attachment,
	  { "device", "driver", "lifetime", "mapped", "direction", "pins" } },
	{ "handle", "handle", NULL, show_handle, { "device", "process", "pid", "handle" } },
	{ "descriptor", "descriptor", NULL, show_count, { "process", "pid", "count" } },
	{ "mapping", "mapping", NULL, show_count, { "process", "pid", "count" } },
	{ "cpu", "cpu access", NULL, show_cpu, { "access", "process", "pid", "open_ms" } },
	{ "fence", "fence", NULL, show_fence, { "driver", "timeline", "seqno", "usage" } },
	{ "violation", "violation", NULL, show_violation, { "rule", "count" } },
	{ 0 },
};

static void table_buffers(const struct entry *entries)
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
	rows_add(&grid, row_kinds, entries);
	grid_print(&grid);
}

/* Under a head of two words, a line for each count. */
static void table_counts(const char *name, const char *number, const struct counts *counts)
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

/* In a few lines of at most LINE characters; of those of 0 only with @zeros. */
static void table_summary(const char *title, const struct counts *counts, bool zeros)
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

/* ---- all of it ---- */

static const struct tree_kind tree_kinds[] = {
	{ "buffer", { "attachment", "handle", "descriptor", "mapping", "cpu", "fence", "violation" } },
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
		tree_json("buffers", tree_kinds, entries);
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
		tree_json("buffers", tree_kinds, entries);
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

/* ---- who has them ---- */

/** struct index - the buffers by a number of theirs */
struct index {
	struct place {
		uint64_t number;
		struct entry *buffer;
	} *places;
	size_t count;
};

static uint64_t number(const struct entry *entry, const char *key)
{
	uint64_t value;

	return text_number(row_get(entry, key), &value) ? value : 0;
}

static int by_number(const void *a, const void *b)
{
	const struct place *one = a, *other = b;

	return (one->number > other->number) - (one->number < other->number);
}

/* Those that have none, or 0, are left out. */
static struct index index_buffers(struct entry *buffers, const char *key)
{
	struct index index = {};

	for (struct entry *buffer = buffers; buffer; buffer = buffer->next)
		index.count++;
	index.places = calloc(index.count + 1, sizeof(*index.places));
	if (!index.places)
		err(1, "memory");
	index.count = 0;
	for (struct entry *buffer = buffers; buffer; buffer = buffer->next)
		if (number(buffer, key))
			index.places[index.count++] = (struct place){ number(buffer, key), buffer };
	qsort(index.places, index.count, sizeof(*index.places), by_number);
	return index;
}

static struct entry *find(const struct index *index, uint64_t number)
{
	struct place key = { number, NULL }, *found;

	found = bsearch(&key, index->places, index->count, sizeof(key), by_number);
	return found ? found->buffer : NULL;
}

static void add_handles(struct entry *buffers, const struct entry *clients)
{
	struct index index = index_buffers(buffers, "id");

	for (const struct entry *client = clients; client; client = client->next) {
		for (const struct entry *handle = client->children; handle; handle = handle->next) {
			struct entry *buffer = find(&index, number(handle, "buffer"));

			if (buffer)
				parse_add(buffer, "handle device=%s process=%s pid=%s handle=%s",
					  row_get(client, "device"), row_get(client, "process"),
					  row_get(client, "pid"), row_get(handle, "id"));
		}
	}
	free(index.places);
}

static bool is_same(const struct hold *one, const struct hold *other)
{
	return one->kind == other->kind && one->pid == other->pid && one->number == other->number;
}

/* A line for each process; @holds are sorted. */
static void add_holds(struct entry *buffers, const struct holds *holds)
{
	struct index index = index_buffers(buffers, "inode");

	for (size_t i = 0, next; i < holds->count; i = next) {
		const struct hold *hold = &holds->list[i];
		struct entry *buffer;

		for (next = i + 1; next < holds->count && is_same(hold, &holds->list[next]);)
			next++;
		if (hold->kind != HOLD_DMABUF && hold->kind != HOLD_MAPPING)
			continue;
		buffer = find(&index, hold->number);
		if (buffer)
			parse_add(buffer, "%s process=%s pid=%d count=%zu",
				  hold->kind == HOLD_DMABUF ? "descriptor" : "mapping", hold->process,
				  hold->pid, next - i);
	}
	free(index.places);
}

static int by_hold(const void *a, const void *b)
{
	const struct hold *one = a, *other = b;

	if (one->pid != other->pid)
		return one->pid < other->pid ? -1 : 1;
	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	return (one->number > other->number) - (one->number < other->number);
}

int command_list(const struct options *options)
{
	char *text, *client_text = NULL;
	struct entry *entries = debugfs_read_list("buffers", &text), *clients = NULL;
	struct holds holds = holds_find(0);

	/* an older module has no such file */
	if (debugfs_has("clients"))
		clients = debugfs_read_list("clients", &client_text);
	if (holds.count)
		qsort(holds.list, holds.count, sizeof(*holds.list), by_hold);
	if (options->id) {
		pick(&entries, options->id);
		if (!entries)
			errx(1, "there is no buffer %s: vprimectl list shows those there are",
			     options->id);
	}
	add_handles(entries, clients);
	add_holds(entries, &holds);
	if (options->id) {
		show_buffers(entries, options->json);
	} else {
		show_all(entries, options->json);
		if (clients && !options->json)
			who_processes(clients, entries, &holds);
	}
	parse_free(entries);
	parse_free(clients);
	holds_free(&holds);
	free(text);
	free(client_text);
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
