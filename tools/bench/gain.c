// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much more two processes get done than one, each on a processor of its own and
 * with a file of its own.
 */
#define _GNU_SOURCE
#include <err.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "bench.h"

#define PROCESSES	2
/* operations in a round: long enough for the clock */
#define COUNT		2000

/** struct worker - one of the processes */
struct worker {
	pid_t pid;
	/** @orders: to the process: a byte, which it sends back when it has done a round */
	int orders[2];
};

/* the file of the process that began it is not its own */
static _Noreturn void be_worker(const struct worker *worker, const struct subject *subject, int cpu)
{
	struct subject own = *subject;
	struct work work = { .subject = &own, .buffer = BUFFER_NONE };
	cpu_set_t cpus;
	char order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		err(1, "processor %d", cpu);
	own.gpu = gpu_open(own.path);
	if (own.gpu < 0)
		errx(1, "%s: %s", own.path, strerror(-own.gpu));
	while (read(worker->orders[1], &order, 1) == 1) {
		create_export.run(&work, COUNT);
		if (write(worker->orders[1], &order, 1) != 1)
			break;
	}
	_exit(0);
}

static void worker_begin(struct worker *worker, const struct subject *subject, int cpu)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, worker->orders))
		err(1, "a process");
	/* nothing is to be printed twice */
	fflush(NULL);
	worker->pid = fork();
	if (worker->pid < 0)
		err(1, "a process");
	if (!worker->pid) {
		close(worker->orders[0]);
		be_worker(worker, subject, cpu);
	}
	close(worker->orders[1]);
}

static void worker_end(struct worker *worker)
{
	close(worker->orders[0]);
	kill(worker->pid, SIGTERM);
	waitpid(worker->pid, NULL, 0);
}

/* Returns how long a round of the first @count takes, in ns */
static double run_round(const struct worker *workers, int count)
{
	uint64_t start = clock_ns();
	char order = 0;
	int i;

	for (i = 0; i < count; i++)
		if (write(workers[i].orders[0], &order, 1) != 1)
			err(1, "a process");
	for (i = 0; i < count; i++)
		if (read(workers[i].orders[0], &order, 1) != 1)
			errx(1, "a process has gone");
	return (double)(clock_ns() - start);
}

static double gain(const struct subject *subject, unsigned int rounds)
{
	double alone = INFINITY, together = INFINITY;
	struct worker workers[PROCESSES];
	int i;

	for (i = 0; i < PROCESSES; i++)
		worker_begin(&workers[i], subject, i);
	/* the first time is slow */
	run_round(workers, PROCESSES);
	while (rounds--) {
		alone = fmin(alone, run_round(workers, 1));
		together = fmin(together, run_round(workers, PROCESSES));
	}
	for (i = 0; i < PROCESSES; i++)
		worker_end(&workers[i]);
	return PROCESSES * alone / together;
}

struct result measure_gain(const struct subjects *subjects, unsigned int rounds)
{
	struct result result = {
		.vgem = gain(&subjects->vgem, rounds),
		.vprime = gain(&subjects->vprime, rounds),
	};

	result.ratio = result.vgem / result.vprime;
	result.met = is_met(result.ratio, GAIN_TARGET);
	return result;
}
