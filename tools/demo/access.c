// SPDX-License-Identifier: GPL-2.0-only
/*
 * The brackets around what the CPU does, and a memory of those that are open.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "fail.h"

#define OPEN	8

static struct {
	const struct buffer *buffer;
	unsigned int access;
} opened[OPEN];

static void end_all(void)
{
	int i;

	for (i = 0; i < OPEN; i++)
		if (opened[i].buffer)
			buffer_end(opened[i].buffer, opened[i].access);
}

int access_try(const struct buffer *buffer, unsigned int access)
{
	static bool registered;
	int error, i;

	if (!registered)
		atexit(end_all);
	registered = true;
	error = buffer_begin(buffer, access);
	if (error)
		return error;
	for (i = 0; i < OPEN; i++)
		if (!opened[i].buffer) {
			opened[i].buffer = buffer;
			opened[i].access = access;
			break;
		}
	return 0;
}

void access_begin(uint32_t index, const struct buffer *buffer, unsigned int access)
{
	int error = access_try(buffer, access);

	if (error)
		fail("vprime%u: begin of CPU access: %s", index, strerror(-error));
}

void access_end(uint32_t index, const struct buffer *buffer, unsigned int access)
{
	int error, i;

	for (i = 0; i < OPEN; i++)
		if (opened[i].buffer == buffer && opened[i].access == access) {
			opened[i].buffer = NULL;
			break;
		}
	error = buffer_end(buffer, access);
	if (error)
		fail("vprime%u: end of CPU access: %s", index, strerror(-error));
}
