// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl fences: what has not signalled yet, and who waits for it.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debugfs.h"
#include "fences.h"
#include "json.h"
#include "parse.h"
#include "tree.h"
#include "vprimectl.h"

static const struct tree_kind kinds[] = {
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
	struct entry *timelines;
	char *text, *why;
	size_t size;

	text = debugfs_read("fences", &size);
	if (!parse_list(text, size, &timelines, &why))
		errx(1, "%s/vprime/fences: %s", debugfs_folder(), why);
	if (options->json) {
		json_open('{');
		tree_json("timelines", kinds, timelines);
		json_close('}');
		json_end();
	} else {
		show_table(&timelines, options->all);
	}
	parse_free(timelines);
	free(text);
	return 0;
}
