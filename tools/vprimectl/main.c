// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl - make vprime's GPUs, see what their buffers and fences are doing, and
 * act on them
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

#ifndef VERSION
#error "the Makefile passes the version"
#endif

static const struct command {
	const char *name;
	int (*run)(const struct options *options);
	/* the words after the name, as the help shows them, and how many there can be */
	const char *words;
	int fewest, most;
	/* the first word is the number of a buffer */
	bool id;
	bool all;
	bool seconds;
	/* asked when a word is missing */
	const char *missing;
	/* one line, and the rest */
	const char *summary;
	const char *help;
} commands[] = {
	{ "gpus", command_gpus, "", 0, 0, .summary = "the virtual GPUs there are",
	  .help = "Shows nodes, driver name, folder in configfs and features of each GPU.\n" },
	{ "add", command_add, "NAME [KEY=VALUE...]", 1, INT_MAX, .missing = "the name of the GPU to be",
	  .summary = "make a GPU, and plug it in",
	  .help = "The attributes are the files of /sys/kernel/config/vprime/NAME: see vprime(4).\n"
		  "With enabled=0 the GPU is not plugged in. If a value is refused, no GPU is made.\n" },
	{ "set", command_set, "NAME KEY=VALUE...", 2, INT_MAX, .missing = "NAME and KEY=VALUE",
	  .summary = "change attributes of a GPU that is not plugged in",
	  .help = "If a value is refused, the attributes before it get their old values back.\n" },
	{ "remove", command_remove, "NAME", 1, 1, .missing = "which GPU? vprimectl gpus shows those there are",
	  .summary = "unplug a GPU, and forget it", .help = "" },
	{ "plug", command_plug, "NAME", 1, 1, .missing = "which GPU? vprimectl gpus shows those there are",
	  .summary = "plug a GPU in", .help = "" },
	{ "unplug", command_unplug, "NAME", 1, 1, .missing = "which GPU? vprimectl gpus shows those there are",
	  .summary = "unplug a GPU",
	  .help = "Programs that have it open get ENODEV. Its attributes stay, for vprimectl plug.\n" },
	{ "apply", command_apply, "FILE", 1, 1, .missing = "which file?",
	  .summary = "make the GPUs that a file describes",
	  .help = "A section of the file is a GPU, and a line KEY = VALUE an attribute:\n"
		  "\n"
		  "  # a phone's GPU\n"
		  "  [phone]\n"
		  "  coherent = 0\n"
		  "\n"
		  "Attributes that a section does not name get their defaults. A GPU that is\n"
		  "already as described is left alone, so applying a file twice changes nothing;\n"
		  "one that is not is unplugged for the change. GPUs that the file does not name\n"
		  "are left alone. If anything in the file is wrong, nothing is changed. One GPU\n"
		  "of the 64 has to be free for trying that. The FILE - is the standard input.\n" },
	{ "list", command_list, "[ID]", 0, 1, .id = true, .summary = "the buffers there are (or only that one), and counts",
	  .help = "Below each buffer are the devices that have it, the processes with handles,\n"
		  "descriptors and mappings of it, open CPU accesses, pending fences, and breaches\n"
		  "of the dma-buf contract. This is the command when none is named.\n" },
	{ "counts", command_counts, "", 0, 0, .summary = "how many objects of each kind, how many breaches of each rule",
	  .help = "" },
	{ "who", command_who, "[GPU]", 0, 1, .summary = "what keeps the GPUs and the module, by process",
	  .help = "A line for each process and GPU: open nodes, handles, dma-bufs, mappings,\n"
		  "sync_files. And what no process can be named for: folders in configfs, other\n"
		  "drivers' imports, fences in syncobjs, descriptors on their way in a socket.\n"
		  "GPU is vprimeN or its name in configfs.\n" },
	{ "fences", command_fences, "", 0, 0, .all = true, .summary = "the fences that have not signalled, and who waits for them",
	  .help = "" },
	{ "watch", command_watch, "", 0, 0, .seconds = true, .summary = "what happens, one line per event", .help = "" },
	{ "move", command_move, "ID", 1, 1, .id = true, .missing = "which buffer? vprimectl list shows those there are",
	  .summary = "put the buffer's memory somewhere else", .help = "" },
	{ "revoke", command_revoke, "ID", 1, 1, .id = true, .missing = "which buffer? vprimectl list shows those there are",
	  .summary = "take the buffer's memory away from everybody", .help = "" },
	{ "doctor", command_doctor, "[PID]", 0, 1, .summary = "whether programs will find the GPUs, and what to do if not",
	  .help = "Looks at the module and its parameters, the kernel, the nodes and their groups,\n"
		  "and Mesa with its configuration; of the process PID, at the drivers that its\n"
		  "dma-bufs are from. Exit status 1 if there is something to do.\n" },
};

#define COMMANDS	(sizeof(commands) / sizeof(*commands))

static void help(void)
{
	puts("usage: vprimectl [OPTION...] [COMMAND [WORD...]]\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		char line[64];

		snprintf(line, sizeof(line), "%s %s", commands[i].name, commands[i].words);
		printf("  %-27s%s\n", line, commands[i].summary);
	}
	puts("\n"
	     "  --json         JSON: one object, of watch one per line\n"
	     "  --all          fences: also timelines without such fences (JSON always has them)\n"
	     "  --seconds N    watch: end after N seconds\n"
	     "  --debugfs DIR  where debugfs is mounted (" DEBUGFS ")\n"
	     "  --tracefs DIR  where tracefs is mounted (/sys/kernel/tracing, or\n"
	     "                 the folder tracing in " DEBUGFS ")\n"
	     "  --help         this, or with a command more about it\n"
	     "  --version      the version\n"
	     "\n"
	     "exit status: 0 done, 1 not possible, 2 wrong usage");
}

static void help_command(const struct command *command)
{
	printf("usage: vprimectl %s%s%s [--json]%s%s\n\n%s\n", command->name, *command->words ? " " : "",
	       command->words, command->all ? " [--all]" : "", command->seconds ? " [--seconds N]" : "",
	       command->summary);
	if (*command->help)
		printf("\n%s", command->help);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	errx(2, "%s: no such command: vprimectl --help lists them", name);
}

static unsigned int parse_seconds(const char *text)
{
	uint64_t seconds;

	if (!text_number(text, &seconds) || !seconds || seconds > INT_MAX)
		errx(2, "--seconds %s: not a number of seconds", text);
	return (unsigned int)seconds;
}

/* Returns: the same number without zeros before it */
static const char *parse_id(const char *text)
{
	static char digits[32];
	uint64_t id;

	if (!text_number(text, &id))
		errx(2, "%s: not the number of a buffer", text);
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
	{ "version", no_argument, NULL, 'v' },
	{ 0 },
};

/* Returns: whether help is wanted */
static bool parse_options(int argc, char **argv, struct options *options)
{
	bool wants_help = false;
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
			wants_help = true;
			break;
		case 'v':
			puts("vprimectl " VERSION);
			exit(0);
		default:
			exit(2); /* getopt_long() has said why */
		}
	}
	return wants_help;
}

static void check(const struct command *command, const struct options *options, int count)
{
	if (count > command->most)
		errx(2, "%s: one word too many after %s", options->words[count - 1], command->name);
	if (count < command->fewest)
		errx(2, "%s: %s", command->name, command->missing);
	if (options->all && !command->all)
		errx(2, "--all: not with %s", command->name);
	if (options->seconds && !command->seconds)
		errx(2, "--seconds: not with %s", command->name);
}

int main(int argc, char **argv)
{
	struct options options = {};
	const struct command *command;
	bool wants_help = parse_options(argc, argv, &options);
	int status = 0;

	argc -= optind;
	argv += optind;
	command = find_command(argc ? argv[0] : "list");
	options.words = argv + !!argc;
	if (wants_help && !argc) {
		help();
	} else if (wants_help) {
		help_command(command);
	} else {
		check(command, &options, argc ? argc - 1 : 0);
		if (command->id && *options.words)
			options.id = parse_id(*options.words);
		status = command->run(&options);
	}
	if (fflush(stdout) || ferror(stdout))
		err(1, "standard output");
	return status;
}
