/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_H
#define VPRIMECTL_H

#include <stdbool.h>

/** struct options - the command line */
struct options {
	/** @words: what follows the command's name; ended by NULL */
	char *const *words;
	/** @id: the buffer's number in digits, or NULL for all */
	const char *id;
	/** @json: JSON instead of text for people */
	bool json;
	/** @all: also what nothing is pending on */
	bool all;
	/** @seconds: when to end, 0 for never */
	unsigned int seconds;
	/** @tracefs: where it is, or NULL for the usual places */
	const char *tracefs;
};

/*
 * The commands. Each returns the program's exit status, or ends the program
 * itself, with 1 and a line on the standard error, when it cannot do its work.
 */
int command_list(const struct options *options);
int command_counts(const struct options *options);
int command_fences(const struct options *options);
int command_watch(const struct options *options);
int command_move(const struct options *options);
int command_revoke(const struct options *options);
int command_gpus(const struct options *options);
int command_who(const struct options *options);
int command_doctor(const struct options *options);
int command_add(const struct options *options);
int command_set(const struct options *options);
int command_remove(const struct options *options);
int command_plug(const struct options *options);
int command_unplug(const struct options *options);
int command_apply(const struct options *options);

#endif
