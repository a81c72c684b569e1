// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl - see what vprime's buffers and fences are doing, and act on them
 */
#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debugfs.h"
#include "text.h"
#include "vprimectl.h"

static void usage(FILE *to)
{
	fputs("usage: vprimectl [list [ID]]  the buffers there are (or only that one), and counts\n"
	      "       vprimectl counts       how many there are of everything, and how often each\n"
	      "                              rule of the dma-buf contract was broken\n"
	      "       vprimectl fences       the fences that have not signalled: who has made them,\n"
	      "                              and who waits for them\n"
	      "       vprimectl watch        what happens, one line per event\n"
	      "       vprimectl move ID      put the buffer's memory somewhere else\n"
	      "       vprimectl revoke ID    take the buffer's memory away from everybody\n"
	      "       vprimectl gpus         the virtual GPUs there are\n"
	      "\n"
	      "  --json         list, counts, fences, gpus: one JSON object; watch: one per line\n"
	      "  --all          fences: also timelines without such fences (JSON always has them)\n"
	      "  --seconds N    watch: end after N seconds\n"
	      "  --debugfs DIR  where debugfs is mounted (" DEBUGFS ")\n"
	      "  --tracefs DIR  where tracefs is mounted (/sys/kernel/tracing, or\n"
	      "                 the folder tracing in " DEBUGFS ")\n"
	      "\n"
	      "exit status: 0 done, 1 not possible, 2 wrong usage\n",
	      to);
}

static _Noreturn void wrong_usage(void)
{
	usage(stderr);
	exit(2);
}

static const struct command {
	const char *name;
	int (*run)(const struct options *options);
	/* whether it takes an ID, and cannot do without */
	bool id;
	bool needs_id;
	bool json;
	bool all;
	bool seconds;
} commands[] = {
	{ "list", command_list, .id = true, .json = true },
	{ "counts", command_counts, .json = true },
	{ "fences", command_fences, .json = true, .all = true },
	{ "watch", command_watch, .json = true, .seconds = true },
	{ "move", command_move, .id = true, .needs_id = true },
	{ "revoke", command_revoke, .id = true, .needs_id = true },
	{ "gpus", command_gpus, .json = true },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	warnx("%s: no such command", name);
	wrong_usage();
}

static unsigned int parse_seconds(const char *text)
{
	uint64_t seconds;

	if (!text_number(text, &seconds) || !seconds || seconds > INT_MAX) {
		warnx("--seconds %s: not a number of seconds", text);
		wrong_usage();
	}
	return (unsigned int)seconds;
}

/* Returns: the same number without zeros before it */
static const char *parse_id(const char *text)
{
	static char digits[32];
	uint64_t id;

	if (!text_number(text, &id)) {
		warnx("%s: not the number of a buffer", text);
		wrong_usage();
	}
	snprintf(digits, sizeof(digits), "%" PRIu64, id);
	return digits;
}

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "all", no_argument, NULL, 'a' },
	{ "seconds", required_argument, NULL, 's' },
	{ "debugfs", required_argument, NULL, 'd' },
	{ "tracefs", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void parse_options(int argc, char **argv, struct options *options)
{
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (option) {
		case 'j':
			options->json = true;
			break;
		case 'a':
			options->all = true;
			break;
		case 's':
			options->seconds = parse_seconds(optarg);
			break;
		case 'd':
			debugfs_at(optarg);
			break;
		case 't':
			options->tracefs = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			wrong_usage();
		}
	}
}

/* @words: the command, where it is named, and what follows it */
static void check(const struct command *command, const struct options *options, int words,
		  char **word)
{
	if (words > 2 || (words == 2 && !command->id))
		warnx("%s: one word too many after %s", word[words - 1], command->name);
	else if (words < 2 && command->needs_id)
		warnx("%s: which buffer? vprimectl list shows those there are", command->name);
	else if (options->json && !command->json)
		warnx("--json: not with %s", command->name);
	else if (options->all && !command->all)
		warnx("--all: not with %s", command->name);
	else if (options->seconds && !command->seconds)
		warnx("--seconds: not with %s", command->name);
	else
		return;
	wrong_usage();
}

int main(int argc, char **argv)
{
	struct options options = {};
	const struct command *command;
	int status;

	parse_options(argc, argv, &options);
	argc -= optind;
	argv += optind;
	command = find_command(argc ? argv[0] : "list");
	check(command, &options, argc, argv);
	if (argc == 2)
		options.id = parse_id(argv[1]);

	status = command->run(&options);
	if (fflush(stdout) || ferror(stdout))
		err(1, "standard output");
	return status;
}
