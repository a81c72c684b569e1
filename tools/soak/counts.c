// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's own counts of objects, and of breaches of the dma-buf contract.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "counts.h"
#include "fail.h"

#define LOOK_MS	20

struct counts counts_read(const char *name)
{
	struct counts counts = { 0 };
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/vprime/%s", name);
	file = fopen(path, "re");
	if (!file)
		fail("%s: %s", path, strerror(errno));
	while (counts.count < COUNTS &&
	       fscanf(file, "%31s %ld", counts.name[counts.count],
		      &counts.value[counts.count]) == 2)
		counts.count++;
	fclose(file);
	if (!counts.count)
		fail("%s says nothing", path);
	return counts;
}

/* Which one differs; -1 when none does. */
static int difference(const struct counts *before, const struct counts *now)
{
	for (unsigned int i = 0; i < before->count; i++)
		if (before->value[i] != now->value[i] &&
		    strcmp(before->name[i], "violations"))
			return (int)i;
	return -1;
}

void counts_check(const struct counts *before, unsigned int patience_ms)
{
	struct counts now;
	int i;

	for (unsigned int ms = 0; ; ms += LOOK_MS) {
		now = counts_read("counts");
		i = difference(before, &now);
		if (i < 0)
			return;
		if (ms >= patience_ms)
			fail("nobody has anything open, and there are %ld %s, at the beginning there were %ld",
			     now.value[i], now.name[i], before->value[i]);
		usleep(LOOK_MS * 1000);
	}
}

void violations_check(const struct counts *before)
{
	struct counts now = counts_read("violations");

	for (unsigned int i = 0; i < now.count; i++)
		/* who is killed leaves open what he has begun */
		if (now.value[i] != before->value[i] &&
		    strcmp(now.name[i], "begin-left-open"))
			fail("%ld times somebody has broken the rule %s, and nobody should have",
			     now.value[i] - before->value[i], now.name[i]);
}
