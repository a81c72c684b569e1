// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demo as its user meets it: it works, it fails when a pixel is wrong, and
 * when it is given what it cannot use it says so in one line and leaves
 * nothing behind.
 */
#define _GNU_SOURCE	/* close_range */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vp_test.h"

IGT_TEST_DESCRIPTION("The demo, with good pictures and bad ones");

struct result {
	int status;		/* the exit code, or 128 + the signal */
	char complaint[1024];	/* all of its standard error */
	bool wrote;		/* whether there is an OUT.png */
	struct stat out;
};

/* Programs lie in the folder above the tests'. */
static void program(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	igt_assert_lt((ssize_t)0, length);
	self[length] = '\0';
	igt_assert(snprintf(path, PATH_MAX, "%s/../%s", dirname(self), name) <
		   PATH_MAX);
}

static int end_of(pid_t pid)
{
	int status;

	igt_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run(const char *name, const char *const arguments[])
{
	char path[PATH_MAX];
	pid_t pid;

	program(name, path);
	pid = fork();
	igt_assert_lte(0, pid);
	if (!pid) {
		execv(path, (char *const *)arguments);
		_exit(127);
	}
	igt_assert_eq(end_of(pid), 0);
}

/* @arguments but the first (its name) and the last two (--out and the file). */
static struct result demo(const char *first, const char *second)
{
	struct result result = {};
	char path[PATH_MAX], folder[] = "/tmp/demo.XXXXXX", out[64];
	int complaints[2];
	size_t length = 0;
	ssize_t got;
	pid_t pid;

	igt_assert(mkdtemp(folder));
	snprintf(out, sizeof(out), "%s/out.png", folder);
	program("demo", path);
	igt_assert_eq(pipe(complaints), 0);
	pid = fork();
	igt_assert_lte(0, pid);
	if (!pid) {
		const char *const arguments[] = {
			"demo", "--out", out, first, second, NULL,
		};

		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		dup2(complaints[1], STDERR_FILENO);
		close_range(3, ~0u, 0);
		execv(path, (char *const *)arguments);
		_exit(127);
	}
	close(complaints[1]);
	while (length < sizeof(result.complaint) - 1 &&
	       (got = read(complaints[0], result.complaint + length,
			   sizeof(result.complaint) - 1 - length)) > 0)
		length += (size_t)got;
	close(complaints[0]);
	result.status = end_of(pid);
	result.wrote = !stat(out, &result.out);
	if (result.wrote)
		unlink(out);
	/* Fails when there is anything else in it, half a picture for one. */
	igt_assert_eq(rmdir(folder), 0);
	return result;
}

static void works(const char *first, const char *second)
{
	struct result result = demo(first, second);

	igt_assert_f(!result.status, "exit code %d: %s\n", result.status,
		     result.complaint);
	igt_assert(result.wrote && result.out.st_size > 0);
}

static void works_with_size(const char *width, const char *height)
{
	const char *const make[] = {
		"testcard", "/tmp/card.png", width, height, NULL,
	};

	run("testcard", make);
	works("--image", "/tmp/card.png");
	unlink("/tmp/card.png");
}

static void refuses(const char *first, const char *second, const char *why)
{
	struct result result = demo(first, second);
	char *end = strchr(result.complaint, '\n');

	igt_assert_eq(result.status, 1);
	igt_assert(!result.wrote);
	igt_assert_f(strstr(result.complaint, why), "said: %s\n",
		     result.complaint);
	igt_assert_f(end && !end[1], "more than a line: %s\n",
		     result.complaint);
}

static void refuses_file(const void *bytes, size_t size, const char *why)
{
	int file = open("/tmp/bad.png", O_CREAT | O_TRUNC | O_WRONLY, 0600);

	igt_assert_lte(0, file);
	igt_assert_eq(write(file, bytes, size), (ssize_t)size);
	close(file);
	refuses("--image", "/tmp/bad.png", why);
	unlink("/tmp/bad.png");
}

static void truncated(void)
{
	const char *const make[] = {
		"testcard", "/tmp/card.png", "100", "80", NULL,
	};
	static char bytes[1 << 20];
	int file;
	ssize_t size;

	run("testcard", make);
	file = open("/tmp/card.png", O_RDONLY);
	size = read(file, bytes, sizeof(bytes));
	close(file);
	unlink("/tmp/card.png");
	igt_assert_lt((ssize_t)100, size);

	/* In the middle of the pixels, the header, and the signature. */
	refuses_file(bytes, (size_t)size / 2, "truncated");
	refuses_file(bytes, 20, "truncated");
	refuses_file(bytes, 4, "");
}

igt_main
{
	igt_describe("The test card arrives, every pixel of it");
	vp_subtest("card")
		works(NULL, NULL);

	igt_describe("So does a picture of one pixel");
	vp_subtest("one-pixel")
		works_with_size("1", "1");

	igt_describe("And one of odd sides");
	vp_subtest("odd-size")
		works_with_size("129", "67");

	igt_describe("From the second GPU to the first it works as well");
	vp_subtest("other-way")
		works("--gpu-a=1", "--gpu-b=0");

	igt_describe("A bit that changes before the importer looks is noticed");
	vp_subtest("spoiled-picture")
		refuses("--spoil", "picture", "wrong");

	igt_describe("A bit that changes after the drawing is noticed");
	vp_subtest("spoiled-result")
		refuses("--spoil", "result", "wrong");

	igt_describe("A file that does not exist is one line and exit code 1");
	vp_subtest("no-file")
		refuses("--image", "/tmp/nothing-here.png",
			"No such file or directory");

	igt_describe("So is one that is no PNG");
	vp_subtest("no-png")
		refuses_file("This is no picture at all.\n", 27,
			     "not a PNG file");

	igt_describe("So is one that ends too early");
	vp_subtest("truncated")
		truncated();

	igt_describe("So is a GPU that is not there");
	vp_subtest("no-gpu")
		refuses("--gpu-b", "7", "vprime7");
}
