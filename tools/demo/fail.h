/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_FAIL_H
#define DEMO_FAIL_H

/**
 * fail() - end this process with one line that says why
 *
 * Side A prints the line. Side B sends it to side A, which prints it, so that
 * the program as a whole says one thing.
 */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/** fail_to() - from now on, fail() sends its line through @socket */
void fail_to(int socket);

#endif
