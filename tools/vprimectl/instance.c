// SPDX-License-Identifier: GPL-2.0-only
/*
 * An instance of the kernel's tracing: a folder with buffers and switches of its
 * own (Documentation/trace/ftrace.rst, "Instances").
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "debugfs.h"
#include "instance.h"

#define TRACEFS		"/sys/kernel/tracing"
#define PREFIX		"vprimectl-"

static char root[PATH_MAX];
static char folder[PATH_MAX];
static int pipe_fd = -1;

static void join(char path[PATH_MAX], const char *parent, const char *name)
{
	if (snprintf(path, PATH_MAX, "%s/%s", parent, name) >= PATH_MAX)
		errx(1, "%s: the path is too long", parent);
}

/* Returns: 0 or -errno */
static int put(const char *file, const char *text)
{
	char path[PATH_MAX];
	int fd, error = 0;

	join(path, folder, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* It is there where there are instances; a folder of debugfs mounts it when it is looked at. */
static bool is_tracefs(char instances[PATH_MAX])
{
	struct stat status;

	join(instances, root, "instances");
	return !stat(instances, &status);
}

static void find_tracefs(const char *tracefs, char instances[PATH_MAX])
{
	int error;

	join(root, tracefs ? tracefs : TRACEFS, "");
	if (is_tracefs(instances))
		return;
	error = errno;
	if (!tracefs) {
		join(root, debugfs_folder(), "tracing");
		if (is_tracefs(instances))
			return;
	}
	if (geteuid() && (error == EACCES || errno == EACCES))
		errx(1, "%s: only root may use it: try sudo vprimectl watch",
		     tracefs ? tracefs : TRACEFS);
	errx(1, "tracefs is not mounted at %s: mount -t tracefs nodev %s",
	     tracefs ? tracefs : TRACEFS, tracefs ? tracefs : TRACEFS);
}

/* Whoever reads the events of an instance keeps it from being removed. */
static void remove_leftovers(const char *instances)
{
	DIR *dir = opendir(instances);
	struct dirent *entry;
	char path[PATH_MAX];

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		const char *pid = entry->d_name + strlen(PREFIX);

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) || !kill(atoi(pid), 0))
			continue;
		join(path, instances, entry->d_name);
		rmdir(path);
	}
	closedir(dir);
}

void instance_end(void)
{
	if (!*folder)
		return;
	if (pipe_fd >= 0)
		close(pipe_fd);
	if (rmdir(folder))
		warn("%s: it stays behind", folder);
	*folder = '\0';
}

static void make_instance(const char *instances)
{
	char name[32], path[PATH_MAX];

	snprintf(name, sizeof(name), PREFIX "%d", getpid());
	join(path, instances, name);
	if (mkdir(path, 0700)) {
		if (errno == EACCES && geteuid())
			errx(1, "%s: only root may use it: try sudo vprimectl watch", instances);
		err(1, "%s", path);
	}
	memcpy(folder, path, sizeof(folder));
	if (atexit(instance_end))
		err(1, "memory");
}

int instance_begin(const char *tracefs)
{
	char instances[PATH_MAX], path[PATH_MAX];
	int error;

	module_require();
	find_tracefs(tracefs, instances);
	remove_leftovers(instances);
	make_instance(instances);
	join(path, folder, "events/vprime");
	if (access(path, F_OK))
		errx(1, "the loaded module vprime has no events: it is older than this program, "
			"or the kernel was built without tracepoints");

	/* One clock for all processors, that of the kernel's log or near it. */
	put("trace_clock", "mono");
	/* Events have a thread's number: have the kernel say whose thread it is. */
	put("options/record-tgid", "1");
	/* Be woken by every event and not only when much has been recorded. */
	put("buffer_percent", "0");

	join(path, folder, "trace_pipe");
	pipe_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (pipe_fd < 0)
		err(1, "%s", path);
	error = put("events/vprime/enable", "1");
	if (error) {
		errno = -error;
		err(1, "%s/events/vprime/enable", folder);
	}
	return pipe_fd;
}

void instance_pause(void)
{
	/* fails when the module has gone, and the events with it */
	put("events/vprime/enable", "0");
}

bool instance_recall(const char *file, const char *tid, char *text, size_t size)
{
	char path[PATH_MAX], line[128];
	size_t length = strlen(tid);
	bool found = false;
	FILE *lines;

	join(path, root, file);
	lines = fopen(path, "re");
	while (lines && !found && fgets(line, sizeof(line), lines)) {
		found = !strncmp(line, tid, length) && line[length] == ' ';
		line[strcspn(line, "\n")] = '\0';
		if (found)
			snprintf(text, size, "%s", line + length + 1);
	}
	if (lines)
		fclose(lines);
	return found;
}
