// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one way out when something is wrong.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "board.h"
#include "fail.h"

static struct board *fail_board;
static unsigned int fail_worker;
static void (*fail_before)(void);

void fail_as(struct board *board, unsigned int worker)
{
	fail_board = board;
	fail_worker = worker;
}

void fail_cleanup(void (*cleanup)(void))
{
	fail_before = cleanup;
}

void fail(const char *format, ...)
{
	void (*before)(void) = fail_before;
	char text[sizeof(fail_board->failure)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	if (fail_board) {
		int nobody = 0;

		/* what comes after the first may be no more than its consequence */
		if (atomic_compare_exchange_strong(&fail_board->failed, &nobody, 1)) {
			snprintf(fail_board->failure, sizeof(text), "%s", text);
			fail_board->failed_worker = (int)fail_worker;
			atomic_store(&fail_board->failed, 2);
		}
		/* the supervisor looks at what this one was doing, and ends it */
		for (;;)
			pause();
	}
	fflush(stdout);
	fprintf(stderr, "soak: %s\n", text);
	fail_before = NULL;
	if (before)
		before();
	exit(1);
}
