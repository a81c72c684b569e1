/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_PEER_H
#define DEMO_PEER_H

#include <stdbool.h>

#include "handover.h"
#include "wire.h"

/*
 * Side B as side A sees it: a process that has been started, and what it says.
 * Rows that come are printed, whatever it is that side A waits for; and when
 * side B has failed, says nothing, or is gone, fail() says so.
 */

struct peer {
	int socket;
	uint32_t patience_s;
	/** @heard: bit n is set when a message of kind n has come */
	uint32_t heard;
	/** @syncs: sync_files that came, by hand-over; -1: none; and when they were made */
	int syncs[HANDOVERS + 1];
	uint64_t made_ns[HANDOVERS + 1];
};

/** peer_start() - start side B; it ends when this process does */
void peer_start(struct peer *peer, uint32_t patience_s);

/** peer_pid() - its process */
int peer_pid(void);

void peer_send(struct peer *peer, const struct message *message, int fd);

/** peer_hear() - wait until a message of that kind has come */
void peer_hear(struct peer *peer, enum message_kind kind);

/** peer_sync() - wait until side B has made that fence; its sync_file becomes the caller's */
int peer_sync(struct peer *peer, enum handover handover);

/** peer_drain() - take what has come, without waiting */
void peer_drain(struct peer *peer);

/** peer_delay() - let @ms go by, or less when side B says that it has not waited */
void peer_delay(struct peer *peer, uint32_t ms);

/** peer_fail() - fail(), but side B's own words are better if it has any */
void peer_fail(struct peer *peer, const char *why) __attribute__((noreturn));

/** peer_end() - wait until side B has ended, well */
void peer_end(struct peer *peer);

#endif
