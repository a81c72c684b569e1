// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demo as its user meets it: it works, it fails when a pixel is wrong, and
 * when it is given what it cannot use it says so in one line and leaves
 * nothing behind.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vp_program.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("The demo, with good pictures and bad ones");

struct result {
	int status;		/* the exit code, or 128 + the signal */
	char complaint[1024];	/* all of its standard error */
	bool wrote;		/* whether there is an OUT.png */
	struct stat out;
};

/* Two arguments beside --out and its file. */
static struct result demo(const char *first, const char *second)
{
	struct result result = {};
	char folder[] = "/tmp/demo.XXXXXX", out[64];
	struct vp_ran ran;

	igt_assert(mkdtemp(folder));
	snprintf(out, sizeof(out), "%s/out.png", folder);
	ran = vp_run_words(NULL, "demo", "--out", out, first, second);
	result.status = ran.status;
	snprintf(result.complaint, sizeof(result.complaint), "%s", ran.err);
	vp_ran_free(&ran);
	result.wrote = !stat(out, &result.out);
	if (result.wrote)
		unlink(out);
	/* Fails when there is anything else in it, half a picture for one. */
	igt_assert_eq(rmdir(folder), 0);
	return result;
}

static void make_card(const char *width, const char *height)
{
	struct vp_ran ran = vp_run_words(NULL, "testcard", "/tmp/card.png",
					 width, height);

	igt_assert_f(!ran.status, "exit code %d: %s\n", ran.status, ran.err);
	vp_ran_free(&ran);
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
	make_card(width, height);
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
	static char bytes[1 << 20];
	int file;
	ssize_t size;

	make_card("100", "80");
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
