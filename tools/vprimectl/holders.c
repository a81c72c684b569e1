// SPDX-License-Identifier: GPL-2.0-only
/*
 * What processes have open and mapped, by /proc.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/sync_file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "holders.h"
#include "text.h"

#define DRM_MAJOR	226
/* of one sync_file; there can be more, but then these tell enough */
#define FENCES_MAX	64

/** struct process - the one that is being looked at */
struct process {
	pid_t pid;
	char name[HOLDER_NAME];
	/** @pidfd: to take its descriptors with; opened when it is needed first, else -1 */
	int pidfd;
	struct holds *holds;
};

static void add(const struct process *process, enum hold_kind kind, uint64_t number, const char *name)
{
	struct holds *holds = process->holds;
	struct hold *hold;

	/* in steps of powers of two */
	if (!(holds->count & (holds->count - 1)))
		holds->list = reallocarray(holds->list, holds->count ? 2 * holds->count : 1, sizeof(*hold));
	if (!holds->list)
		err(1, "memory");
	hold = &holds->list[holds->count++];
	*hold = (struct hold){ .kind = kind, .pid = process->pid, .number = number };
	memcpy(hold->process, process->name, sizeof(hold->process));
	snprintf(hold->name, sizeof(hold->name), "%s", name);
	text_clean(hold->name, false);
}

/* The value of a line "KEY:\tVALUE" in /proc/PID/fdinfo; empty if there is none. */
static void read_info(const struct process *process, const char *fd, const char *key, char value[HOLDER_NAME])
{
	char path[64], line[256];
	size_t length = strlen(key);
	FILE *info;

	*value = '\0';
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", process->pid, fd);
	info = fopen(path, "re");
	while (info && !*value && fgets(line, sizeof(line), info)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, key, length) && line[length] == ':')
			snprintf(value, HOLDER_NAME, "%s", line + length + 1 + strspn(line + length + 1, " \t"));
	}
	if (info)
		fclose(info);
}

/* A sync_file says whose fences it has only to those who have it: so have it for a moment. */
static void look_at_sync_file(struct process *process, const char *fd)
{
	struct sync_fence_info fences[FENCES_MAX] = {};
	struct sync_file_info info = {
		.num_fences = FENCES_MAX,
		.sync_fence_info = (uintptr_t)fences,
	};
	int copy;

	if (process->pidfd < 0)
		process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	copy = (int)syscall(SYS_pidfd_getfd, process->pidfd, atoi(fd), 0);
	if (copy < 0)
		return;
	if (!ioctl(copy, SYNC_IOC_FILE_INFO, &info))
		for (uint32_t i = 0; i < info.num_fences && i < FENCES_MAX; i++)
			add(process, HOLD_SYNC_FILE, 1, fences[i].driver_name);
	close(copy);
}

static void look_at_fd(struct process *process, int dir, const char *fd)
{
	char link[PATH_MAX], value[HOLDER_NAME];
	ssize_t length = readlinkat(dir, fd, link, sizeof(link) - 1);
	uint64_t number;
	struct stat status;

	if (length < 0)
		return;
	link[length] = '\0';
	if (!strncmp(link, "/dmabuf:", 8)) {
		read_info(process, fd, "exp_name", value);
		if (!fstatat(dir, fd, &status, 0))
			add(process, HOLD_DMABUF, status.st_ino, value);
	} else if (strstr(link, "/dri/")) {
		if (!fstatat(dir, fd, &status, 0) && S_ISCHR(status.st_mode) &&
		    major(status.st_rdev) == DRM_MAJOR)
			add(process, HOLD_NODE, minor(status.st_rdev), "");
	} else if (!strcmp(link, "anon_inode:sync_file")) {
		look_at_sync_file(process, fd);
	} else if (!strcmp(link, "anon_inode:syncobj_file")) {
		add(process, HOLD_SYNCOBJ, 1, "");
	} else if (strstr(link, "/debug/vprime/") ||
		   (strstr(link, "/debug/sync/sw_sync") && access("/sys/kernel/debug/sync/info", F_OK))) {
		add(process, HOLD_DEBUGFS, 1, link);
	} else if (!strncmp(link, "socket:", 7)) {
		read_info(process, fd, "scm_fds", value);
		if (text_number(value, &number) && number)
			add(process, HOLD_SOCKET, number, "");
	}
}

/* Returns: whether the process could be looked at */
static bool look_at_fds(struct process *process)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", process->pid);
	dir = opendir(path);
	if (!dir)
		return errno != EACCES && errno != EPERM;
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name))
			look_at_fd(process, dirfd(dir), entry->d_name);
	closedir(dir);
	return true;
}

static void look_at_mapping(struct process *process, const char *line)
{
	unsigned int number;
	uint64_t inode;
	int name = 0;

	if (sscanf(line, "%*s %*s %*s %*s %" SCNu64 " %n", &inode, &name) != 1 || !name)
		return;
	line += name;
	if (!strncmp(line, "/dmabuf:", 8)) {
		add(process, HOLD_MAPPING, inode, "");
		return;
	}
	line = strstr(line, "/dri/");
	if (line && (sscanf(line, "/dri/card%u", &number) == 1 || sscanf(line, "/dri/renderD%u", &number) == 1))
		add(process, HOLD_NODE_MAPPING, number, "");
}

static void look_at_mappings(struct process *process)
{
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", process->pid);
	maps = fopen(path, "re");
	while (maps && getline(&line, &room, maps) >= 0)
		look_at_mapping(process, line);
	free(line);
	if (maps)
		fclose(maps);
}

static void read_name(struct process *process)
{
	char path[64];
	size_t length = 0;
	FILE *comm;

	snprintf(path, sizeof(path), "/proc/%d/comm", process->pid);
	comm = fopen(path, "re");
	if (comm) {
		length = fread(process->name, 1, sizeof(process->name) - 1, comm);
		fclose(comm);
	}
	/* the end of the line is not its own */
	process->name[length ? length - 1 : 0] = '\0';
	text_clean(process->name, false);
}

static void look_at(struct holds *holds, pid_t pid)
{
	struct process process = { .pid = pid, .pidfd = -1, .holds = holds };

	read_name(&process);
	if (look_at_fds(&process))
		look_at_mappings(&process);
	else
		holds->hidden++;
	if (process.pidfd >= 0)
		close(process.pidfd);
}

struct holds holds_find(pid_t pid)
{
	struct holds holds = {};
	struct dirent *entry;
	uint64_t number;
	DIR *dir;

	if (pid) {
		look_at(&holds, pid);
		return holds;
	}
	dir = opendir("/proc");
	if (!dir)
		err(1, "/proc");
	while ((entry = readdir(dir)))
		if (text_number(entry->d_name, &number) && (pid_t)number != getpid())
			look_at(&holds, (pid_t)number);
	closedir(dir);
	return holds;
}

void holds_free(struct holds *holds)
{
	free(holds->list);
}
