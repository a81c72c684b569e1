// SPDX-License-Identifier: GPL-2.0-only
/*
 * The supervisor's side of the workers: starts them, kills them, and sees when
 * one hangs, fails, or ends by itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/clock.h"
#include "crew.h"
#include "fail.h"
#include "wire.h"
#include "worker.h"

#define TICK_MS		20
#define END_MS		1000
/* a wait of ours that took longer was no wait of theirs: all have stood still */
#define LONGEST_TICK_MS	1000

/** struct watch - what the supervisor remembers of a worker */
struct watch {
	uint64_t steps;
	unsigned int still_ms;
};

static struct board *crew_board;
static struct watch watches[MAX_WORKERS];
static int boxes[MAX_WORKERS][2];
static unsigned int patience_ms;

static void start(struct board *board, unsigned int index)
{
	struct place *place = &board->places[index];
	struct end *end = &place->ends[place->generation % PAST];
	pid_t process;

	end->killed_ns = 0;
	end->reaped_ns = 0;
	place->heard = 0;
	place->steps++;
	/* nothing is to be printed twice */
	fflush(NULL);
	process = fork();
	if (process < 0)
		fail("starting a worker: %s", strerror(errno));
	if (!process)
		worker_run(board, index, (const int (*)[2])boxes);
	place->process = process;
	watches[index].still_ms = 0;
}

void crew_start(struct board *board, unsigned int patience_s)
{
	patience_ms = patience_s * 1000;
	crew_board = board;
	for (unsigned int i = 0; i < board->workers; i++)
		wire_box(boxes[i]);
	for (unsigned int i = 0; i < board->workers; i++)
		start(board, i);
}

/* ---- seeing that something is wrong ---- */

/* Who it is, and what it is at. */
static const char *describe(const struct board *board, unsigned int index)
{
	const struct place *place = &board->places[index];
	static char text[120];

	snprintf(text, sizeof(text), "worker %u (process %d, the %u. in its place), at '%s'",
		 index, place->process, place->generation + 1, kind_names[place->doing]);
	return text;
}

static void print_file(pid_t process, const char *name)
{
	char path[64], line[200];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", process, name);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		fprintf(stderr, "soak:   %s: %s%s", name, line, strchr(line, '\n') ? "" : "\n");
	fclose(file);
}

/* Where it is in the kernel. */
static void print_place(pid_t process)
{
	static const char *const files[] = { "wchan", "syscall", "stack" };

	fflush(stdout);
	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		print_file(process, files[i]);
}

static void check_hang(struct board *board, unsigned int index, unsigned int ms)
{
	struct place *place = &board->places[index];
	struct watch *watch = &watches[index];

	if (place->steps != watch->steps) {
		watch->steps = place->steps;
		watch->still_ms = 0;
		return;
	}
	watch->still_ms += ms;
	if (watch->still_ms < patience_ms)
		return;
	print_place(place->process);
	fail("%s: does not get on for %u s", describe(board, index), watch->still_ms / 1000);
}

static __attribute__((noreturn)) void fail_ended(const struct board *board, unsigned int index,
						 int status)
{
	fail("%s: ended by itself with %s %d", describe(board, index),
	     WIFEXITED(status) ? "status" : "signal",
	     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static void check_ended(struct board *board)
{
	int status;
	pid_t process = waitpid(-1, &status, WNOHANG);

	if (process <= 0)
		return;
	for (unsigned int i = 0; i < board->workers; i++)
		if (board->places[i].process == process)
			fail_ended(board, i, status);
}

static void check_failed(struct board *board)
{
	/* who has failed writes down why before it is 2 */
	if (board->failed != 2)
		return;
	/* what it has met may be the end of another one, which takes its time */
	for (int ms = 0; ms < END_MS; ms += TICK_MS) {
		check_ended(board);
		usleep(TICK_MS * 1000);
	}
	fail("%s: %s", describe(board, (unsigned int)board->failed_worker), board->failure);
}

/* Returns how long it took, in ms. */
static unsigned int tick(struct board *board)
{
	uint64_t start_ns = clock_ns(), ms;

	usleep(TICK_MS * 1000);
	ms = (clock_ns() - start_ns) / 1000000;
	if (ms > LONGEST_TICK_MS)
		ms = LONGEST_TICK_MS;
	check_failed(board);
	check_ended(board);
	for (unsigned int i = 0; i < board->workers; i++)
		check_hang(board, i, (unsigned int)ms);
	return (unsigned int)ms;
}

void crew_watch(struct board *board, unsigned int ms)
{
	uint64_t until_ns = clock_ns() + ms * 1000000ull;

	do
		tick(board);
	while (clock_ns() < until_ns);
}

/* ---- orders ---- */

static bool all_heard(const struct board *board)
{
	for (unsigned int i = 0; i < board->workers; i++)
		if (board->places[i].heard != board->order)
			return false;
	return true;
}

void crew_order(struct board *board, enum order order)
{
	board->order = (board->order / ORDERS + 1) * ORDERS + order;
	/* who works has no time to say that it has heard */
	while (order != ORDER_WORK && !all_heard(board))
		tick(board);
}

void crew_kill(struct board *board, unsigned int index)
{
	struct place *place = &board->places[index];
	struct end *end = &place->ends[place->generation % PAST];
	unsigned int ms = 0;
	pid_t process = place->process;
	int status;

	end->killed_ns = clock_ns();
	if (kill(process, SIGKILL))
		fail("killing %s: %s", describe(board, index), strerror(errno));
	while (waitpid(process, &status, WNOHANG) != process) {
		uint64_t start_ns = clock_ns();

		if (ms >= patience_ms) {
			print_place(process);
			fail("%s: was killed, and is there after %u s", describe(board, index),
			     ms / 1000);
		}
		usleep(2000);
		ms += (clock_ns() - start_ns) / 1000000 > LONGEST_TICK_MS ? LONGEST_TICK_MS : 2;
	}
	/* kill() succeeds on one that has ended already */
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_ended(board, index, status);
	end->reaped_ns = clock_ns();
	place->done[KIND_KILL]++;
	place->generation++;
	start(board, index);
}

void crew_dismiss(struct board *board)
{
	board->order = (board->order / ORDERS + 1) * ORDERS + ORDER_END;
	for (unsigned int i = 0; i < board->workers; i++) {
		int status;
		pid_t process = board->places[i].process;

		if (waitpid(process, &status, 0) != process || status)
			fail("%s: did not end as told", describe(board, i));
		board->places[i].process = 0;
		close(boxes[i][0]);
		close(boxes[i][1]);
	}
}

bool crew_end(void)
{
	for (unsigned int i = 0; crew_board && i < crew_board->workers; i++)
		if (crew_board->places[i].process)
			kill(crew_board->places[i].process, SIGKILL);
	/* not those that cannot be killed: what is wrong has been said */
	for (int ms = 0; ms < 10000; ms += TICK_MS) {
		if (waitpid(-1, NULL, WNOHANG) < 0)
			return true;
		usleep(TICK_MS * 1000);
	}
	return false;
}
