/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_FAIL_H
#define SOAK_FAIL_H

struct board;

/**
 * fail() - end the soak with one line that says why
 *
 * A worker leaves the line to the supervisor, which says who it was and what it
 * was doing, and ends the others.
 */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/** fail_as() - from now on, this process is a worker */
void fail_as(struct board *board, unsigned int worker);

/** fail_cleanup() - what the supervisor is to do before it ends by fail() */
void fail_cleanup(void (*cleanup)(void));

#endif
