// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much memory the kernel uses, and whether it becomes more.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../common/clock.h"
#include "fail.h"
#include "memory.h"

#define SLAB_DIR	"/sys/kernel/slab"
#define STANDS_OUT	5.0
#define PAGES_KEPT	"/proc/sys/vm/percpu_pagelist_high_fraction"
/* this part of all memory, which is less than the kernel takes as the least */
#define FEW_PAGES	"1000000"

const char *const memory_names[MEMORY_SORTS] = {
	/* inodes and directory entries are reclaimable: a leaked dma-buf has both */
	"Slab", "Shmem", "VmallocUsed", "Percpu", "PageTables", "KernelStack",
};

/* Some kernels have not all of these files; then it is only noisier. */
static void tell(int dir, const char *path, const char *what)
{
	int file = openat(dir, path, O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return;
	if (write(file, what, strlen(what)) < 0 && errno == EINVAL)
		fail("%s does not take '%s'", path, what);
	close(file);
}

static char pages_kept[16];

void memory_prepare(void)
{
	int file = open(PAGES_KEPT, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return;
	if (read(file, pages_kept, sizeof(pages_kept) - 1) > 0)
		tell(AT_FDCWD, PAGES_KEPT, FEW_PAGES);
	close(file);
}

void memory_restore(void)
{
	if (*pages_kept)
		tell(AT_FDCWD, PAGES_KEPT, pages_kept);
	*pages_kept = '\0';
}

/* Slabs keep pages that have room, or nothing at all in them. */
static void shrink_slabs(void)
{
	struct dirent *entry;
	DIR *dir = opendir(SLAB_DIR);
	char path[sizeof(entry->d_name) + 8];

	if (!dir)
		return;
	/* links are other names of those that are folders */
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/shrink", entry->d_name);
		tell(dirfd(dir), path, "1");
	}
	closedir(dir);
}

/* What waits for a grace period to be freed; another one is for what that frees. */
static void let_grace_periods_pass(void)
{
	for (int i = 0; i < 3; i++) {
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
			fail("membarrier: %s", strerror(errno));
		usleep(50000);
	}
}

/* One that is not there would be flat for ever. */
static long meminfo_kib(const char *text, const char *name)
{
	char line[64];
	const char *at;
	long kib;

	snprintf(line, sizeof(line), "\n%s:", name);
	at = strstr(text, line);
	if (!at || sscanf(at + strlen(line), "%ld", &kib) != 1)
		fail("/proc/meminfo does not tell of %s", name);
	return kib;
}

static void read_meminfo(char *text, size_t size)
{
	int file = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	ssize_t length = file < 0 ? -1 : read(file, text + 1, size - 2);

	if (length <= 0)
		fail("/proc/meminfo: %s", strerror(errno));
	close(file);
	/* so that each line has one before it */
	text[0] = '\n';
	text[length + 1] = '\0';
}

struct memory memory_look(void)
{
	/* what is not the kernel's own; shared memory is in Cached, and in the above */
	static const char *const others[] = { "MemFree", "Buffers", "Cached", "AnonPages" };
	struct memory memory = { .ns = clock_ns() };
	char text[8192];

	let_grace_periods_pass();
	tell(AT_FDCWD, "/proc/sys/vm/drop_caches", "3");
	let_grace_periods_pass();
	shrink_slabs();
	tell(AT_FDCWD, "/proc/sys/vm/stat_refresh", "1");

	read_meminfo(text, sizeof(text));
	for (unsigned int i = 0; i < MEMORY_SORTS; i++) {
		memory.kib[i] = meminfo_kib(text, memory_names[i]);
		memory.kernel_kib += memory.kib[i];
	}
	memory.other_kib = meminfo_kib(text, "MemTotal") + meminfo_kib(text, "Shmem") -
			   memory.kernel_kib;
	for (unsigned int i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		memory.other_kib -= meminfo_kib(text, others[i]);
	return memory;
}

static double kib_of(const struct memory *look, enum memory_what what)
{
	return (double)(what == MEMORY_KERNEL ? look->kernel_kib : look->other_kib);
}

struct trend memory_trend(const struct memory *looks, unsigned int count, enum memory_what what)
{
	double minutes, mean_minutes = 0, mean_kib = 0, xx = 0, xy = 0, rest = 0, away;
	struct trend trend = { 0 };

	if (count < 3)
		return trend;
	for (unsigned int i = 0; i < count; i++) {
		mean_minutes += (double)(looks[i].ns - looks[0].ns) / 60e9 / count;
		mean_kib += kib_of(&looks[i], what) / count;
	}
	for (unsigned int i = 0; i < count; i++) {
		minutes = (double)(looks[i].ns - looks[0].ns) / 60e9 - mean_minutes;
		xx += minutes * minutes;
		xy += minutes * (kib_of(&looks[i], what) - mean_kib);
	}
	trend.kib_per_minute = xy / xx;
	for (unsigned int i = 0; i < count; i++) {
		minutes = (double)(looks[i].ns - looks[0].ns) / 60e9 - mean_minutes;
		away = kib_of(&looks[i], what) - mean_kib - trend.kib_per_minute * minutes;
		rest += away * away;
	}
	trend.error = sqrt(rest / (count - 2) / xx);
	trend.growth_kib = trend.kib_per_minute *
			   (double)(looks[count - 1].ns - looks[0].ns) / 60e9;
	return trend;
}

int memory_grows(const struct trend *trend, double limit_kib)
{
	return trend->growth_kib > limit_kib &&
	       trend->kib_per_minute > STANDS_OUT * trend->error;
}
