/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_ACCESS_H
#define DEMO_ACCESS_H

#include "../common/buffer.h"

/*
 * Beginning and ending CPU access. What has been begun is ended also when the
 * process fails in between, as the kernel would report it otherwise.
 */

/** access_try() - begin; it waits for fences that are on the buffer. Returns: 0 or -errno */
int access_try(const struct buffer *buffer, unsigned int access);

/** access_begin() - the same, or fail(); @index: of the buffer's GPU */
void access_begin(uint32_t index, const struct buffer *buffer, unsigned int access);

/** access_end() - end what was begun, with the same arguments, or fail() */
void access_end(uint32_t index, const struct buffer *buffer, unsigned int access);

#endif
