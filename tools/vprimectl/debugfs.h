/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_DEBUGFS_H
#define VPRIMECTL_DEBUGFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parse.h"

/**
 * module_loading() - which loading of the module this is
 *
 * Returns: a number that another loading of it does not have; 0 if it is not
 * loaded.
 */
uint64_t module_loading(void);

/** module_require() - end the program, with a word, if the module is not loaded */
void module_require(void);

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
 * debugfs_read_list() - read a file of the format of parse.h
 * @file: its name
 * @text: out: what the entries are parts of, to free() after them
 *
 * Ends the program when that is not possible, and says why.
 */
struct entry *debugfs_read_list(const char *file, char **text);

/** debugfs_has() - whether there is such a file, and it may be read */
bool debugfs_has(const char *file);

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
