// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one way out when something is wrong.
 */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "wire.h"

static int fail_socket = -1;

void fail_to(int socket)
{
	fail_socket = socket;
}

void fail(const char *format, ...)
{
	struct message message = { .kind = MESSAGE_FAILED };
	va_list args;

	va_start(args, format);
	vsnprintf(message.text, sizeof(message.text), format, args);
	va_end(args);

	if (fail_socket < 0)
		errx(1, "%s", message.text);
	/* without a side A there is nobody to tell */
	wire_send(fail_socket, &message, -1);
	exit(1);
}
