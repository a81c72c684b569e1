// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vp_cgroup.h"
#include "vp_fence.h"
#include "vp_igt.h"

#define ROOT		"/sys/fs/cgroup"
#define POLL_MS		50

static int try_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static void put(const char *name, const char *file, const char *text)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), ROOT "/%s/%s", name, file);
	ret = try_write(path, text);
	igt_assert_f(!ret, "%s: %s\n", path, strerror(-ret));
}

void vp_cgroup_make(const char *name, uint64_t limit)
{
	char path[128], number[24];

	if (access(ROOT "/cgroup.controllers", F_OK))
		igt_require_f(!mount("cgroup2", ROOT, "cgroup2", 0, NULL),
			      "cgroup2: %s\n", strerror(errno));
	igt_require_f(!try_write(ROOT "/cgroup.subtree_control", "+memory"),
		      "this kernel does not account memory\n");
	snprintf(path, sizeof(path), ROOT "/%s", name);
	/* A subtest that failed has left it. */
	rmdir(path);
	igt_assert_eq(mkdir(path, 0755), 0);
	if (!limit)
		return;
	snprintf(number, sizeof(number), "%" PRIu64, limit);
	put(name, "memory.max", number);
	snprintf(path, sizeof(path), ROOT "/%s/memory.swap.max", name);
	try_write(path, "0");
}

void vp_cgroup_remove(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), ROOT "/%s", name);
	for (int ms = 0; rmdir(path) && ms < VP_PATIENCE_MS; ms += POLL_MS)
		usleep(POLL_MS * 1000);
	igt_assert(access(path, F_OK));
}

void vp_cgroup_enter(const char *name, pid_t process)
{
	char number[24];

	snprintf(number, sizeof(number), "%d", (int)process);
	put(name, "cgroup.procs", number);
}

static FILE *open_file(const char *name, const char *file)
{
	char path[128];
	FILE *opened;

	snprintf(path, sizeof(path), ROOT "/%s/%s", name, file);
	opened = fopen(path, "re");
	igt_assert_f(opened, "%s: %s\n", path, strerror(errno));
	return opened;
}

uint64_t vp_cgroup_bytes(const char *name)
{
	FILE *file = open_file(name, "memory.current");
	uint64_t bytes;

	igt_assert_eq(fscanf(file, "%" SCNu64, &bytes), 1);
	fclose(file);
	return bytes;
}

static uint64_t find(const char *name, const char *in, const char *key)
{
	FILE *file = open_file(name, in);
	uint64_t value, found = 0;
	char line[64];

	while (fscanf(file, "%63s %" SCNu64, line, &value) == 2)
		if (!strcmp(line, key))
			found = value;
	fclose(file);
	return found;
}

uint64_t vp_cgroup_stat(const char *name, const char *key)
{
	return find(name, "memory.stat", key);
}

uint64_t vp_cgroup_events(const char *name, const char *key)
{
	return find(name, "memory.events", key);
}

bool vp_cgroup_settles(const char *name, const char *key, uint64_t most)
{
	for (int ms = 0; ms < VP_PATIENCE_MS; ms += POLL_MS) {
		if (vp_cgroup_stat(name, key) <= most)
			return true;
		usleep(POLL_MS * 1000);
	}
	return false;
}
