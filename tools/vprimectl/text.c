// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers and names as people write and read them.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

bool text_number(const char *text, uint64_t *number)
{
	char *end;

	/* strtoull() takes signs and blanks before the digits */
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return !*end && !errno;
}

const char *text_size(const char *bytes, char text[TEXT_SIZE])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;
	uint64_t size;

	if (!text_number(bytes, &size)) {
		snprintf(text, TEXT_SIZE, "%s", bytes);
		return text;
	}
	while (size && size % 1024 == 0 && unit + 1 < sizeof(units) / sizeof(*units)) {
		size /= 1024;
		unit++;
	}
	snprintf(text, TEXT_SIZE, "%" PRIu64 " %s", size, units[unit]);
	return text;
}

void text_clean(char *text, bool blanks)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~' || (*text == ' ' && !blanks))
			*text = '_';
}
