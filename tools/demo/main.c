// SPDX-License-Identifier: GPL-2.0-only
/*
 * demo - two virtual GPUs share a picture
 *
 * Side A makes a buffer on one GPU, and side B, another process, gets its file
 * descriptor and imports it on another GPU. Only then does side A put a picture
 * into it. Side B waits for that, compares every pixel, and has Mesa draw it,
 * turned and scaled, into a second shared buffer, for which side A waits. It
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

#define PATIENCE_S	60

static void usage(FILE *to)
{
	fputs("usage: demo [options] --out OUT.png\n"
	      "\n"
	      "  --image FILE.png  the picture, 1x1 to 8192x8192 (default: the test card)\n"
	      "  --card            the test card, once more\n"
	      "  --timeline FILE.svg  draw what happened when\n"
	      "  --gpu-a N         where it is allocated: vprimeN (default: 0)\n"
	      "  --gpu-b N         where it is imported: vprimeN (default: 1)\n"
	      "  --patience S      give up when the other process is silent for so long (60);\n"
	      "                    to start, it has a minute at least\n"
	      "\n"
	      "To see that the demo would notice:\n"
	      "  --spoil picture   flip a bit before side B looks; the run has to fail\n"
	      "  --spoil result    flip a bit after side B has drawn; the run has to fail\n"
	      "  --unsynced picture  draw it without DMA_BUF_IOCTL_SYNC; with coherent=0 for\n"
	      "                    vprimeN of --gpu-b the run has to fail\n"
	      "  --unsynced result  read what side B has drawn without it; likewise\n"
	      "  --late FENCE=MS   do what that fence is for only after so many ms\n"
	      "  --early FENCE     do what comes after it without waiting for it; with --late\n"
	      "                    of the same one the run has to fail\n"
	      "FENCE is picture-drawn, target-cleared, picture-read or target-drawn.\n",
	      to);
}

static enum part parse_part(const char *text)
{
	if (!strcmp(text, "picture"))
		return PICTURE;
	if (!strcmp(text, "result"))
		return RESULT;
	fail("%s: neither picture nor result", text);
}

static enum handover parse_handover(const char *name)
{
	enum handover handover = handover_find(name);

	if (!handover)
		fail("%s: not one of picture-drawn, target-cleared, picture-read, target-drawn",
		     name);
	return handover;
}

static uint32_t parse_number(const char *text, long least, long most, const char *what)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (!*text || *end || number < least || number > most)
		fail("%s: not %s from %ld to %ld", text, what, least, most);
	return (uint32_t)number;
}

static void parse_late(char *text, struct options *options)
{
	char *ms = strchr(text, '=');

	if (!ms)
		fail("%s: should be FENCE=MS", text);
	*ms++ = '\0';
	options->late = parse_handover(text);
	options->late_ms = parse_number(ms, 0, 3600000, "a number of ms");
}

static uint32_t parse_index(const char *text)
{
	return parse_number(text, 0, GPU_MAX - 1, "the number of a GPU,");
}

static const struct option long_options[] = {
	{ "image", required_argument, NULL, 'i' },
	{ "card", no_argument, NULL, 'c' },
	{ "out", required_argument, NULL, 'o' },
	{ "gpu-a", required_argument, NULL, 'a' },
	{ "gpu-b", required_argument, NULL, 'b' },
	{ "spoil", required_argument, NULL, 's' },
	{ "unsynced", required_argument, NULL, 'u' },
	{ "timeline", required_argument, NULL, 't' },
	{ "patience", required_argument, NULL, 'p' },
	{ "early", required_argument, NULL, 'e' },
	{ "late", required_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

int main(int argc, char **argv)
{
	struct options options = { .gpu_a = 0, .gpu_b = 1, .patience_s = PATIENCE_S };
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
			options.spoil = parse_part(optarg);
			break;
		case 'u':
			options.unsynced = parse_part(optarg);
			break;
		case 't':
			options.timeline = optarg;
			break;
		case 'p':
			options.patience_s = parse_number(optarg, 1, 3600,
							  "a number of seconds,");
			break;
		case 'e':
			options.early = parse_handover(optarg);
			break;
		case 'l':
			parse_late(optarg, &options);
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
