// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vp_test.h"
#include "vp_watch.h"

static struct vp_counts counts_before;
static bool unfinished;
static int first_fd = -1;

void vp_drop_file_pages(void)
{
	int file = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	igt_assert_lte(0, file);
	igt_assert_eq(write(file, "1", 1), (ssize_t)1);
	close(file);
}

static void unmap_leftovers(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char line[512];

	igt_assert(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "/dev/dri/") && !strstr(line, "/dmabuf") &&
		    !strstr(line, "/dev/video"))
			continue;
		if (sscanf(line, "%lx-%lx", &start, &end) == 2)
			munmap((void *)start, end - start);
	}
	fclose(maps);
}

/*
 * Pipes stay: the stack trace of the failure has opened one for the next, which
 * would read from whatever file has its number by then, and wait for ever.
 */
static void close_leftovers(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	struct stat st;
	int fd;

	igt_assert(dir);
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "%d", &fd) == 1 && fd >= first_fd &&
		    fd != dirfd(dir) && !fstat(fd, &st) &&
		    !S_ISFIFO(st.st_mode))
			close(fd);
	closedir(dir);
}

/*
 * A subtest that failed was left in its middle, with all that it had open and
 * the children it had: let go of that, or one failure would make all later
 * ones fail by their counts.
 */
static void let_go_of_leftovers(void)
{
	igt_kill_children(SIGKILL);
	__igt_waitchildren();
	vp_kill_leftovers();
	unmap_leftovers();
	close_leftovers();
	vp_strict(false);
}

/* Leave the machine to the next program as this one found it. */
static void restore_default(int sig)
{
	if (sig)
		return;
	vp_config_clean();
	vp_enforce_read_only(false);
	vp_strict(false);
}

void vp_begin(void)
{
	if (first_fd < 0) {
		first_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		close(first_fd);
		igt_install_exit_handler(restore_default);
	}
	if (unfinished)
		let_go_of_leftovers();
	unfinished = true;
	/* Of a subtest that failed, or a program that was killed. */
	vp_config_clean();
	vp_ensure(VP_DEFAULT_GPUS);
	counts_before = vp_counts();
}

void vp_end(void)
{
	igt_assert_eq(vp_config_gpus(), 0);
	vp_ensure(VP_DEFAULT_GPUS);
	vp_assert_counts_(&counts_before, "at the end of the subtest");
	unfinished = false;
}
