// SPDX-License-Identifier: GPL-2.0-only
/*
 * demo - two virtual GPUs share a picture
 *
 * Side A puts a picture into a buffer on one GPU. Side B, another process, gets
 * the buffer's file descriptor, imports it on another GPU, compares every pixel,
 * and has Mesa draw it, turned and scaled, into a second shared buffer. Side A
 * compares every pixel of that, and writes it to a file.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "../common/gpu.h"
#include "demo.h"
#include "fail.h"

static void usage(FILE *to)
{
	fputs("usage: demo [options] --out OUT.png\n"
	      "\n"
	      "  --image FILE.png  the picture, 1x1 to 8192x8192 (default: the test card)\n"
	      "  --card            the test card, once more\n"
	      "  --gpu-a N         where it is allocated: vprimeN (default: 0)\n"
	      "  --gpu-b N         where it is imported: vprimeN (default: 1)\n"
	      "  --spoil picture   flip a bit before side B looks; the run has to fail\n"
	      "  --spoil result    flip a bit after side B has drawn; the run has to fail\n",
	      to);
}

static uint32_t parse_index(const char *text)
{
	char *end;
	long index = strtol(text, &end, 10);

	if (!*text || *end || index < 0 || index >= GPU_MAX)
		fail("%s: not the number of a GPU", text);
	return (uint32_t)index;
}

static enum spoil parse_spoil(const char *text)
{
	if (!strcmp(text, "picture"))
		return SPOIL_PICTURE;
	if (!strcmp(text, "result"))
		return SPOIL_RESULT;
	fail("%s: neither picture nor result", text);
}

static const struct option long_options[] = {
	{ "image", required_argument, NULL, 'i' },
	{ "card", no_argument, NULL, 'c' },
	{ "out", required_argument, NULL, 'o' },
	{ "gpu-a", required_argument, NULL, 'a' },
	{ "gpu-b", required_argument, NULL, 'b' },
	{ "spoil", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

int main(int argc, char **argv)
{
	struct options options = { .gpu_a = 0, .gpu_b = 1 };
	int option;

	if (argc == 2 && !strcmp(argv[1], SIDE_B_ARGUMENT)) {
		/* it was started by the name of a link */
		prctl(PR_SET_NAME, "demo-b");
		side_b();
		return 0;
	}

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 'i':
			options.image = optarg;
			break;
		case 'c':
			options.image = NULL;
			break;
		case 'o':
			options.out = optarg;
			break;
		case 'a':
			options.gpu_a = parse_index(optarg);
			break;
		case 'b':
			options.gpu_b = parse_index(optarg);
			break;
		case 's':
			options.spoil = parse_spoil(optarg);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc || !options.out) {
		usage(stderr);
		return 2;
	}
	side_a(&options);
	return 0;
}
