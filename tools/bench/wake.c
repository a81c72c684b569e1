// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long it takes from signalling a fence until a process that waits for it goes
 * on, next to waking it with a futex, than which the kernel has nothing faster.
 */
#define _GNU_SOURCE
#include <err.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/vprime_drm.h>

#include "../common/clock.h"
#include "bench.h"

/* a processor with nothing to do is to be as far asleep for the one as for the other */
#define REST_US		200

/* what the waiter is told to wait for */
enum kind { FENCE = 'f', FUTEX = 'x', NOTHING = 'n' };

/** struct board - what both processes see */
struct board {
	/** @word: 0 until the waiter is to go on */
	uint32_t word;
	/** @waits: the waiter is about to block; what it blocks in next is that */
	uint32_t waits;
	/** @woken_ns: when it went on */
	uint64_t woken_ns;
};

/** struct pair - the two processes */
struct pair {
	struct buffer buffer;
	struct board *board;
	/** @orders: to the waiter; it answers when it has gone on */
	int orders[2];
	pid_t waiter;
	/** @state: the waiter's /proc/PID/stat */
	char state[64];
};

static void wait_for_fence(const struct buffer *buffer)
{
	struct drm_vprime_gem_wait wait = {
		.handle = buffer->handle, .timeout_ns = INT64_MAX,
	};

	if (drmIoctl(buffer->gpu, DRM_IOCTL_VPRIME_GEM_WAIT, &wait))
		err(1, "waiting for a fence");
}

static void wait_for_futex(struct board *board)
{
	while (!__atomic_load_n(&board->word, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &board->word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static _Noreturn void be_waiter(struct pair *pair)
{
	char order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (read(pair->orders[1], &order, 1) != 1 || order == NOTHING)
			_exit(0);
		__atomic_store_n(&pair->board->waits, 1, __ATOMIC_RELEASE);
		if (order == FENCE)
			wait_for_fence(&pair->buffer);
		else
			wait_for_futex(pair->board);
		pair->board->woken_ns = clock_ns();
		if (write(pair->orders[1], &order, 1) != 1)
			_exit(1);
	}
}

static bool is_asleep(const struct pair *pair)
{
	FILE *file = fopen(pair->state, "re");
	char state = 0;

	if (!file || fscanf(file, "%*d %*s %c", &state) != 1)
		err(1, "%s", pair->state);
	fclose(file);
	return state == 'S';
}

/* Returns how long it took, in ns */
static double wake(struct pair *pair, enum kind kind)
{
	struct board *board = pair->board;
	char order = (char)kind;
	uint32_t fence = 0;
	uint64_t start;

	board->word = 0;
	board->waits = 0;
	if (kind == FENCE)
		fence = attach_or_die(&pair->buffer, DRM_VPRIME_FENCE_WRITE);
	if (write(pair->orders[0], &order, 1) != 1)
		err(1, "the waiter");
	while (!__atomic_load_n(&board->waits, __ATOMIC_ACQUIRE) || !is_asleep(pair))
		usleep(50);
	usleep(REST_US);

	start = clock_ns();
	if (kind == FENCE) {
		signal_or_die(&pair->buffer, fence);
	} else {
		__atomic_store_n(&board->word, 1, __ATOMIC_RELEASE);
		syscall(SYS_futex, &board->word, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	if (read(pair->orders[0], &order, 1) != 1)
		errx(1, "the waiter has gone");
	return (double)(board->woken_ns - start);
}

static void pair_begin(struct pair *pair, const struct subject *subject)
{
	pair->buffer = BUFFER_NONE;
	create_or_die(subject, 4096, &pair->buffer);
	pair->board = mmap(NULL, sizeof(*pair->board), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pair->board == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair->orders))
		err(1, "a waiter");
	/* nothing is to be printed twice */
	fflush(NULL);
	pair->waiter = fork();
	if (pair->waiter < 0)
		err(1, "a waiter");
	if (!pair->waiter)
		be_waiter(pair);
	snprintf(pair->state, sizeof(pair->state), "/proc/%d/stat", pair->waiter);
}

static void pair_end(struct pair *pair)
{
	char order = NOTHING;

	if (write(pair->orders[0], &order, 1) != 1 ||
	    waitpid(pair->waiter, NULL, 0) != pair->waiter)
		err(1, "the waiter");
	close(pair->orders[0]);
	close(pair->orders[1]);
	munmap(pair->board, sizeof(*pair->board));
	buffer_close(&pair->buffer);
}

static double median(double *times, unsigned int count)
{
	sort_times(times, count);
	return times[count / 2];
}

void measure_wake(const struct subject *subject, unsigned int rounds, struct result *result)
{
	unsigned int count = rounds * WAKES_PER_ROUND, i;
	double *fence = calloc(count, sizeof(*fence)), *futex = calloc(count, sizeof(*futex));
	struct pair pair;

	if (!fence || !futex)
		err(1, "times");
	pair_begin(&pair, subject);
	/* both for the first time, which is slow */
	wake(&pair, FENCE);
	wake(&pair, FUTEX);
	for (i = 0; i < count; i++) {
		/* neither always comes after the other */
		if (i % 2)
			fence[i] = wake(&pair, FENCE);
		futex[i] = wake(&pair, FUTEX);
		if (!(i % 2))
			fence[i] = wake(&pair, FENCE);
	}
	pair_end(&pair);
	result->vprime = median(fence, count) / 1e3;
	result->other = median(futex, count) / 1e3;
	free(fence);
	free(futex);
}
