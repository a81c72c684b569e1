// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of lines "NAME NUMBER": counts, and violations.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "counts.h"
#include "debugfs.h"
#include "json.h"
#include "text.h"

/* Returns: whether it is "NAME NUMBER" */
static bool parse_count(char *line, struct count *count)
{
	char *blank = strchr(line, ' ');
	uint64_t number;

	if (!blank || blank == line)
		return false;
	*blank = '\0';
	count->name = line;
	count->number = blank + 1;
	return text_number(count->number + (*count->number == '-'), &number);
}

struct counts counts_read(const char *file)
{
	struct counts counts = {};
	char *rest, *line;
	size_t size;

	rest = counts.text = debugfs_read(file, &size);
	while ((line = strsep(&rest, "\n"))) {
		if (!*line && !rest)
			break; /* the end of the last line, not a line */
		counts.list = reallocarray(counts.list, (size_t)counts.length + 1,
					   sizeof(*counts.list));
		if (!counts.list)
			err(1, "memory");
		if (!parse_count(line, &counts.list[counts.length++]))
			errx(1, "%s/vprime/%s: line %d is not a name and a number",
			     debugfs_folder(), file, counts.length);
	}
	return counts;
}

void counts_free(struct counts *counts)
{
	free(counts->list);
	free(counts->text);
}

void counts_json(const struct counts *counts)
{
	json_open('{');
	for (int i = 0; i < counts->length; i++) {
		json_key(counts->list[i].name);
		json_value(counts->list[i].name, counts->list[i].number);
	}
	json_close('}');
}
