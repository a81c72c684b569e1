// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench - how fast vprime is, next to stock vgem
 *
 * Both modules have to be loaded, vprime with ten GPUs at least.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/gpu.h"
#include "bench.h"
#include "table.h"

#define DEFAULT_ROUNDS	40
#define COUNTED_ROUNDS	5
#define MEMORY_NAME	"kernel memory"
#define GAIN_NAME	"two processes at once"

static void usage(FILE *to)
{
	fputs("usage: bench [options]\n"
	      "\n"
	      "  --counted       the clock counts instructions: only rows that these measure\n"
	      "  --rounds N      rounds for each row (default: 40, with --counted 5)\n"
	      "  --only TEXT     only rows whose name contains it\n"
	      "  --except TEXT   no rows whose name contains it\n"
	      "  --json          one JSON object instead of a table\n", to);
}

static int open_or_die(const char *path)
{
	int fd = gpu_open(path);

	if (fd < 0)
		errx(1, "%s: %s", path, strerror(-fd));
	return fd;
}

static void open_subject(struct subject *subject, const char *driver, int wanted)
{
	struct gpu gpus[GPU_MAX];
	int count = gpu_list(driver, gpus), i;

	if (count == -EACCES)
		errx(1, "no permission to open the GPUs: be root");
	if (count <= 0)
		errx(1, "no %s GPU here; load the module: modprobe %s", driver, driver);
	if (count < wanted)
		errx(1, "only %d %s GPU here; load the module with %d: modprobe %s gpus=%d",
		     count, driver, wanted, driver, wanted);
	subject->name = driver;
	snprintf(subject->path, sizeof(subject->path), "%s", gpus[0].primary);
	subject->gpu = open_or_die(gpus[0].primary);
	subject->again = open_or_die(gpus[0].primary);
	subject->other = wanted > 1 ? open_or_die(gpus[1].primary) : subject->again;
	for (i = 0; i < BENCH_IMPORTERS; i++)
		subject->importers[i] = wanted > 2 ? open_or_die(gpus[2 + i].primary) : -1;
}

static const struct option long_options[] = {
	{ "counted", no_argument, NULL, 'c' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "only", required_argument, NULL, 'o' },
	{ "except", required_argument, NULL, 'e' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

int main(int argc, char **argv)
{
	struct subjects subjects = { .anonymous = { .name = "anonymous", .gpu = -1 } };
	struct memory_result vgem_memory, vprime_memory;
	struct method method = { 0 };
	unsigned int within = 0, ran = 0, i;
	const char *only = "", *except = NULL, *rounds = NULL;
	bool json = false, with_memory;
	struct result gain;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			method.counted = true;
			break;
		case 'r':
			rounds = optarg;
			break;
		case 'o':
			only = optarg;
			break;
		case 'e':
			except = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	method.rounds = rounds ? (unsigned int)strtoul(rounds, NULL, 10) :
			method.counted ? COUNTED_ROUNDS : DEFAULT_ROUNDS;
	if (optind != argc || !method.rounds || method.rounds > BENCH_MAX_ROUNDS) {
		usage(stderr);
		return 2;
	}

	open_subject(&subjects.vgem, "vgem", 1);
	open_subject(&subjects.vprime, "vprime", 2 + BENCH_IMPORTERS);
	subjects.vprime.foreign = subjects.vgem.gpu;

	/* first, while the slabs are as they were found */
	with_memory = !method.counted && strcasestr(MEMORY_NAME, only);
	if (with_memory) {
		vgem_memory = measure_memory(&subjects.vgem);
		vprime_memory = measure_memory(&subjects.vprime);
	}

	json ? json_head(method.rounds) : table_head(&method);
	for (i = 0; i < row_count; i++) {
		struct result result;

		if (method.counted > rows[i].counted || !strcasestr(rows[i].name, only) ||
		    (except && strcasestr(rows[i].name, except)))
			continue;
		result = measure_row(&rows[i], &subjects, &method);
		json ? json_row(&rows[i], &result) : table_row(&rows[i], &result);
		ran++;
		within += result.met;
	}
	if (!method.counted && strcasestr(GAIN_NAME, only)) {
		gain = measure_gain(&subjects, method.rounds);
		json ? json_gain(&gain) : table_gain(&gain);
		ran++;
		within += gain.met;
	}
	if (with_memory)
		json ? json_memory(&vgem_memory, &vprime_memory) :
		       table_memory(&vgem_memory, &vprime_memory);
	json ? json_foot() : table_foot(&method);
	/* beside the JSON, not in it */
	fprintf(json ? stderr : stdout, "bench: %u of %u rows within target\n", within, ran);
	return 0;
}
