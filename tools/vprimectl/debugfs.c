// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the module is there, and its files in debugfs, or why they are not to be had.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "debugfs.h"

uint64_t module_loading(void)
{
	struct stat folder;

	return stat("/sys/module/vprime", &folder) ? 0 : folder.st_ino;
}

void module_require(void)
{
	if (!module_loading())
		errx(1, "the module vprime is not loaded: modprobe vprime");
}

static const char *root = DEBUGFS;

void debugfs_at(const char *folder)
{
	root = folder;
}

const char *debugfs_folder(void)
{
	return root;
}

static void path_of(const char *file, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/vprime/%s", root, file) >= PATH_MAX)
		errx(1, "%s: the path is too long", root);
}

/* The folder itself can be asked about by everybody, what is in it by root only. */
static void require_mounted(void)
{
	struct statfs mounted;

	if (statfs(root, &mounted) || mounted.f_type != DEBUGFS_MAGIC)
		errx(1, "debugfs is not mounted at %s: mount -t debugfs nodev %s", root, root);
}

static _Noreturn void cannot_open(const char *path, int error)
{
	module_require();
	require_mounted();
	if (error == EACCES && geteuid())
		errx(1, "%s: only root may use it: try sudo vprimectl", path);
	if (error == EPERM && !geteuid())
		errx(1, "%s: the kernel is locked down (see /sys/kernel/security/lockdown)", path);
	if (error == ENOENT)
		errx(1, "%s is not there: the loaded module is older than this program", path);
	errx(1, "%s: %s", path, strerror(error));
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		cannot_open(path, errno);
	return fd;
}

char *debugfs_read(const char *file, size_t *size)
{
	char path[PATH_MAX], *text = NULL;
	size_t room = 0;
	ssize_t got;
	int fd;

	path_of(file, path);
	fd = open_file(path, O_RDONLY);
	*size = 0;
	do {
		if (room - *size < 2) {
			room = room ? 2 * room : 65536;
			text = realloc(text, room);
			if (!text)
				err(1, "memory");
		}
		got = read(fd, text + *size, room - *size - 1);
		if (got < 0)
			err(1, "%s", path);
		*size += (size_t)got;
	} while (got);
	close(fd);
	text[*size] = '\0';
	return text;
}

struct entry *debugfs_read_list(const char *file, char **text)
{
	struct entry *entries;
	size_t size;
	char *why;

	*text = debugfs_read(file, &size);
	if (!parse_list(*text, size, &entries, &why))
		errx(1, "%s/vprime/%s: %s", root, file, why);
	return entries;
}

bool debugfs_has(const char *file)
{
	char path[PATH_MAX];

	path_of(file, path);
	return !access(path, R_OK);
}

int debugfs_write(const char *file, const char *text)
{
	char path[PATH_MAX];
	ssize_t wrote;
	int fd, error;

	path_of(file, path);
	fd = open_file(path, O_WRONLY);
	wrote = write(fd, text, strlen(text));
	error = wrote < 0 ? -errno : 0;
	close(fd);
	return error;
}
