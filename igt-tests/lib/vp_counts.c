// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "vp_counts.h"
#include "vp_fence.h"
#include "vp_igt.h"

#define COUNTS_PATH	"/sys/kernel/debug/vprime/counts"
#define POLL_MS		10

#define COUNT(name)	{ #name, offsetof(struct vp_counts, name) }

static const struct {
	const char *name;
	size_t offset;
} kinds[] = {
	COUNT(buffers), COUNT(views), COUNT(attachments), COUNT(mappings),
	COUNT(pins), COUNT(vmaps), COUNT(exports), COUNT(imports), COUNT(pages),
	COUNT(timelines), COUNT(fences),
};

#define N_KINDS	(sizeof(kinds) / sizeof(kinds[0]))

static long *count_of(struct vp_counts *counts, size_t kind)
{
	return (long *)((char *)counts + kinds[kind].offset);
}

static FILE *open_counts(void)
{
	FILE *file = fopen(COUNTS_PATH, "re");

	if (!file && errno == ENOENT) {
		mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
		file = fopen(COUNTS_PATH, "re");
	}
	return file;
}

struct vp_counts vp_counts(void)
{
	struct vp_counts counts = {};
	unsigned int seen = 0;
	FILE *file = open_counts();
	char name[32];
	long value;

	igt_assert_f(file, "%s: %s\n", COUNTS_PATH, strerror(errno));
	while (fscanf(file, "%31s %ld", name, &value) == 2) {
		for (size_t i = 0; i < N_KINDS; i++) {
			if (strcmp(name, kinds[i].name))
				continue;
			*count_of(&counts, i) = value;
			seen |= 1u << i;
		}
	}
	fclose(file);
	/* A count that is not there would compare equal for ever. */
	igt_assert_eq(seen, (1u << N_KINDS) - 1);
	return counts;
}

long vp_violations(void)
{
	FILE *file = open_counts();
	long value, violations = -1;
	char name[32];

	igt_assert_f(file, "%s: %s\n", COUNTS_PATH, strerror(errno));
	while (fscanf(file, "%31s %ld", name, &value) == 2)
		if (!strcmp(name, "violations"))
			violations = value;
	fclose(file);
	igt_assert_lte(0, violations);
	return violations;
}

void vp_assert_counts_(const struct vp_counts *want, const char *what)
{
	struct vp_counts wanted = *want, have = vp_counts();

	for (int ms = 0; ms < VP_PATIENCE_MS; ms += POLL_MS) {
		if (!memcmp(&have, &wanted, sizeof(have)))
			return;
		usleep(POLL_MS * 1000);
		have = vp_counts();
	}

	for (size_t i = 0; i < N_KINDS; i++)
		if (*count_of(&have, i) != *count_of(&wanted, i))
			igt_warn("%s: %ld, should be %ld\n", kinds[i].name,
				 *count_of(&have, i), *count_of(&wanted, i));
	igt_assert_f(!memcmp(&have, &wanted, sizeof(have)),
		     "%s: objects leaked or were freed too often\n", what);
}
