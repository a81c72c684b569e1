/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_EVENT_H
#define VPRIMECTL_EVENT_H

#include <stdbool.h>

#include "parse.h"

/* room for a process's name, and for a number */
#define EVENT_NAME	64
#define EVENT_NUMBER	24

/** struct event - a line of trace_pipe */
struct event {
	/** @time: seconds, with a fraction, on the clock of the trace */
	const char *time;
	/** @cpu: the processor's number */
	const char *cpu;
	/** @process: what the thread is called, with odd characters replaced */
	char process[EVENT_NAME];
	/** @pid: the process's number; the thread's where that is not known */
	char pid[EVENT_NUMBER];
	/** @tid: the thread's number */
	const char *tid;
	/** @name: "export", "map" and so on */
	const char *name;
	/** @fields: what the event says */
	struct field *fields;
};

/**
 * event_parse() - read a line
 * @line: without its end; cut into pieces that the event points to
 * @event: out: to be freed with event_free(), if it was read
 *
 * Returns: whether it is the line of an event.
 */
bool event_parse(char *line, struct event *event);

void event_free(struct event *event);

/** event_head() - the head of the columns that event_print() prints, for people only */
void event_head(void);

/** event_print() - a line for people */
void event_print(const struct event *event);

/** event_json() - a line of JSON */
void event_json(const struct event *event);

/**
 * event_lost() - read the line by which the kernel says that nobody read fast enough
 * @line: without its end
 *
 * Returns: how many events were lost, as it is in @line ("17 EVENTS", or
 * "EVENTS" when it does not know), or NULL if the line is another one.
 */
const char *event_lost(const char *line);

#endif
