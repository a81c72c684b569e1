/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_INSTANCE_H
#define VPRIMECTL_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * instance_begin() - have the kernel record vprime's events, for this program alone
 * @tracefs: where tracefs is mounted, or NULL for the usual places
 *
 * Makes an instance of its own, so that nobody else's tracing is disturbed, and
 * removes those that were left behind by others of this program who got killed.
 * The caller has seen to it that no signal ends the program. The instance goes
 * when the program ends, by whatever call of exit(). Ends the program when
 * there can be none, and says what to do about it.
 *
 * Returns: a file to read the events from, which does not block.
 */
int instance_begin(const char *tracefs);

/** instance_pause() - record nothing more; what has been can still be read */
void instance_pause(void);

/**
 * instance_recall() - look up what the kernel remembers of a thread
 * @file: "saved_tgids" for its process's number, "saved_cmdlines" for its name
 * @tid: the thread's number, in digits
 * @text: out; not written if it is not there
 * @size: room in @text
 *
 * The kernel puts a thread there when it makes way for another for the first
 * time after an event, and so not before it is read of here. Returns: whether
 * it is there.
 */
bool instance_recall(const char *file, const char *tid, char *text, size_t size);

/** instance_end() - remove it now, as when the program ends */
void instance_end(void);

#endif
