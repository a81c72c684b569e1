// SPDX-License-Identifier: GPL-2.0-only
/*
 * soak - many processes share buffers and fences for a long time
 *
 * Each worker makes buffers, fills them and gives them on over sockets, with
 * fences on them, to others, who wait, look at every byte, and give them on.
 * Meanwhile buffers move, GPUs come and go, and workers are killed. Now and then
 * all stop and let go of everything: then the module has to have as many objects
 * as at the beginning, and the kernel as much memory as before.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "crew.h"
#include "fail.h"
#include "gpus.h"
#include "soak.h"

#define WORKERS_PER_CORE	4
#define PATIENCE_S		60
/* a kernel that looks for mistakes is that much slower */
#define PATIENCE_FACTOR		5

static void usage(FILE *to)
{
	fputs("usage: soak [options] --minutes N | --seconds N\n"
	      "\n"
	      "  --minutes N     how long, with a line for each minute\n"
	      "  --seconds N     the same for a short one, with a line for each tenth of it\n"
	      "  --workers N     processes, 2 to 64 (default: four for each core)\n"
	      "  --patience S    who does nothing for so long hangs (default: 60; 300 in a\n"
	      "                  kernel that checks its own locks or memory)\n"
	      "  --limit KIB     how much more memory the kernel may need at the end, by the\n"
	      "                  trend of all that was measured (default: 1024)\n"
	      "  --seed N        for other random numbers (default: 1)\n"
	      "  --spoil WHAT    do something wrong, until it is noticed: byte, early, leak,\n"
	      "                  growth, death, hang\n",
	      to);
}

static unsigned int parse_number(const char *text, unsigned long least, unsigned long most)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || number < least || number > most)
		fail("%s: not a number from %lu to %lu", text, least, most);
	return (unsigned int)number;
}

static enum spoil parse_spoil(const char *text)
{
	for (int i = 1; i < SPOILS; i++)
		if (!strcmp(text, spoil_names[i]))
			return i;
	fail("%s: none of byte, early, leak, growth, death, hang", text);
}

/* Whether the kernel has been built to find mistakes. */
static bool kernel_is_slow(void)
{
	return !access("/proc/lockdep_stats", F_OK) || !access("/sys/kernel/debug/kmemleak", F_OK);
}

static const struct option long_options[] = {
	{ "minutes", required_argument, NULL, 'm' },
	{ "seconds", required_argument, NULL, 's' },
	{ "workers", required_argument, NULL, 'w' },
	{ "patience", required_argument, NULL, 'p' },
	{ "limit", required_argument, NULL, 'l' },
	{ "seed", required_argument, NULL, 'e' },
	{ "spoil", required_argument, NULL, 'x' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void parse(int argc, char **argv, struct soak *soak)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 'm':
			soak->minutes = parse_number(optarg, 1, 100000);
			soak->seconds = soak->minutes * 60;
			break;
		case 's':
			soak->minutes = 0;
			soak->seconds = parse_number(optarg, 1, 3600);
			break;
		case 'w':
			soak->board->workers = parse_number(optarg, 2, MAX_WORKERS);
			break;
		case 'p':
			soak->patience_s = parse_number(optarg, 1, 3600);
			break;
		case 'l':
			soak->limit_kib = parse_number(optarg, 0, 1 << 30);
			break;
		case 'e':
			soak->board->seed = parse_number(optarg, 0, UINT32_MAX);
			break;
		case 'x':
			soak->board->spoil = parse_spoil(optarg);
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind != argc || !soak->seconds) {
		usage(stderr);
		exit(2);
	}
}

static void end(void)
{
	memory_restore();
	/* who cannot be killed may be in the way of that too */
	if (crew_end())
		gpus_remove();
}

static void interrupted(int signal)
{
	memory_restore();
	/* workers go with the process that started them */
	gpus_remove();
	_exit(128 + signal);
}

int main(int argc, char **argv)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct soak soak = {
		.board = board_make(),
		.patience_s = kernel_is_slow() ? PATIENCE_S * PATIENCE_FACTOR : PATIENCE_S,
		.limit_kib = 1024,
	};

	soak.board->workers = cores < 1 ? WORKERS_PER_CORE :
			      cores * WORKERS_PER_CORE > MAX_WORKERS ? MAX_WORKERS :
			      (unsigned int)cores * WORKERS_PER_CORE;
	soak.board->seed = 1;
	parse(argc, argv, &soak);
	/* it is looked at while it runs */
	setlinebuf(stdout);
	fail_cleanup(end);
	signal(SIGINT, interrupted);
	signal(SIGTERM, interrupted);
	memory_prepare();
	soak_run(&soak);
	memory_restore();
	gpus_remove();
	return 0;
}
