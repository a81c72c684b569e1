// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE	/* O_TMPFILE, fallocate */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vp_igt.h"
#include "vp_resident.h"
#include "vp_test.h"

/* A file of a tmpfs that is mounted as vprime mounts its own, and goes with it. */
static int open_file(size_t size)
{
	char dir[] = "/tmp/vp-resident-XXXXXX";
	int fd;

	igt_assert(mkdtemp(dir));
	igt_assert_f(!mount("tmpfs", dir, "tmpfs", 0, "huge=within_size") ||
		     !mount("tmpfs", dir, "tmpfs", 0, NULL),
		     "tmpfs: %s\n", strerror(errno));
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	igt_assert_lte(0, fd);
	igt_assert_eq(umount2(dir, MNT_DETACH), 0);
	igt_assert_eq(rmdir(dir), 0);
	igt_assert_eq(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/* What tmpfs gives for the first page of a file of @size bytes. */
static size_t folio_size(size_t size)
{
	int fd = open_file(size);
	struct stat stat;

	igt_assert_eq(fallocate(fd, 0, 0, VP_PAGE), 0);
	igt_assert_eq(fstat(fd, &stat), 0);
	close(fd);
	return (size_t)stat.st_blocks * 512;
}

void vp_assert_resident(uint64_t resident, size_t touched, size_t size)
{
	size_t folio = folio_size(size), most = touched / VP_PAGE * folio;

	if (most > size)
		most = size;
	igt_debug("%llu of %zu bytes are resident; at least %zu, at most %zu\n",
		  (unsigned long long)resident, size, touched, most);
	igt_assert_eq(resident % VP_PAGE, 0);
	igt_assert_lte(touched, resident);
	igt_assert_lte(resident, most);
}
