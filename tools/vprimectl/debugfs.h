/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_DEBUGFS_H
#define VPRIMECTL_DEBUGFS_H

#include <stddef.h>

/* where it is unless debugfs_at() says something else */
#define DEBUGFS		"/sys/kernel/debug"

/**
 * debugfs_at() - use a folder other than DEBUGFS
 * @folder: the one that has the folder "vprime" in it
 */
void debugfs_at(const char *folder);

/** debugfs_folder() - the folder in use */
const char *debugfs_folder(void);

/**
 * debugfs_read() - read all of one of vprime's files
 * @file: its name
 * @size: out: bytes
 *
 * Ends the program when that is not possible, and says what to do about it.
 *
 * Returns: the bytes, and a NUL after them, to free().
 */
char *debugfs_read(const char *file, size_t *size);

/**
 * debugfs_write() - write to one of vprime's files
 * @file: its name
 * @text: what to write
 *
 * Ends the program when the file cannot be opened, and says what to do about it.
 *
 * Returns: 0, or the -errno that the kernel has answered @text with.
 */
int debugfs_write(const char *file, const char *text);

#endif
