// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl watch: what happens, one line per event.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/clock.h"
#include "debugfs.h"
#include "event.h"
#include "instance.h"
#include "json.h"
#include "text.h"
#include "vprimectl.h"

/* how soon the end of the module, and of the time, is noticed */
#define LOOK_MS		100

static volatile sig_atomic_t told_to_end;

static void on_signal(int number)
{
	told_to_end = number;
}

/* A signal must leave the time to remove the instance; a pipe's end is seen by its errno. */
static void catch_signals(void)
{
	struct sigaction end = { .sa_handler = on_signal };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

/** struct watch - what has been read */
struct watch {
	int events;
	bool json;
	/** @text: the beginning of a line whose end is yet to come */
	char *text;
	size_t size;
};

static void show_lost(const struct watch *watch, const char *lost)
{
	unsigned long count = strtoul(lost, NULL, 10);

	if (!watch->json) {
		if (count)
			printf("(%lu events are missing here: too many to follow)\n", count);
		else
			puts("(events are missing here: too many to follow)");
		return;
	}
	json_open('{');
	json_key("event");
	json_string("lost");
	json_key("count");
	if (count)
		json_number(count);
	else
		json_null();
	json_close('}');
	json_end();
}

/* Returns: whether it is a line to be shown, and has been */
static bool show_line(const struct watch *watch, const char *line, size_t length)
{
	char *copy = strndup(line, length);
	struct event event;
	const char *lost;
	bool known;

	if (!copy)
		err(1, "memory");
	lost = event_lost(copy);
	known = lost || event_parse(copy, &event);
	if (lost) {
		show_lost(watch, lost);
	} else if (known) {
		if (watch->json)
			event_json(&event);
		else
			event_print(&event);
		event_free(&event);
	}
	free(copy);
	return known;
}

/* What is no event, and was none together with the next line either. */
static void complain(const char *text, size_t length)
{
	char *copy = strndup(text, length);

	if (!copy)
		err(1, "memory");
	text_clean(copy, true);
	warnx("not understood: %s", copy);
	free(copy);
}

/*
 * All lines that have come whole. A name may have the end of a line in it: what
 * is no event is tried again together with the next line, and given up only
 * where that is one of its own.
 */
static void show_lines(struct watch *watch)
{
	char *line = watch->text, *stop = watch->text + watch->size, *next, *end;

	for (next = line; (end = memchr(next, '\n', (size_t)(stop - next))); next = end + 1) {
		if (show_line(watch, line, (size_t)(end - line))) {
			line = end + 1;
		} else if (next != line && show_line(watch, next, (size_t)(end - next))) {
			complain(line, (size_t)(next - line - 1));
			line = end + 1;
		}
	}
	watch->size = (size_t)(stop - line);
	memmove(watch->text, line, watch->size);
}

/* Returns: whether anything was there */
static bool read_events(struct watch *watch)
{
	char text[16384];
	ssize_t got = read(watch->events, text, sizeof(text));

	if (got < 0 && errno != EAGAIN && errno != EINTR)
		err(1, "reading the events");
	if (got <= 0)
		return false;
	watch->text = realloc(watch->text, watch->size + (size_t)got);
	if (!watch->text)
		err(1, "memory");
	memcpy(watch->text + watch->size, text, (size_t)got);
	watch->size += (size_t)got;
	show_lines(watch);
	return true;
}

/* Whoever reads our lines has gone: end as every program in a pipe does. */
static _Noreturn void end_of_pipe(void)
{
	struct sigaction die = { .sa_handler = SIG_DFL };

	instance_end();
	sigaction(SIGPIPE, &die, NULL);
	raise(SIGPIPE);
	_exit(1);
}

static void flush(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return;
	if (errno == EPIPE)
		end_of_pipe();
	err(1, "standard output");
}

/* Until there is something to read, or to look after. */
static void wait_for_events(struct watch *watch)
{
	struct pollfd wait[] = {
		{ .fd = watch->events, .events = POLLIN },
		{ .fd = STDOUT_FILENO }, /* tells of an error without being asked */
	};

	poll(wait, 2, LOOK_MS);
	if (wait[1].revents & POLLERR)
		end_of_pipe();
}

static void follow(struct watch *watch, uint64_t loading, unsigned int seconds)
{
	uint64_t end_ns = clock_ns() + seconds * 1000000000ull;

	while (!told_to_end && (!seconds || clock_ns() < end_ns)) {
		if (read_events(watch)) {
			flush();
			continue;
		}
		if (module_loading() != loading) {
			warnx("the module vprime was unloaded");
			return;
		}
		wait_for_events(watch);
	}
}

int command_watch(const struct options *options)
{
	struct watch watch = { .json = options->json };
	uint64_t loading = module_loading();

	catch_signals();
	watch.events = instance_begin(options->tracefs);
	if (!watch.json)
		event_head();
	flush();
	follow(&watch, loading, options->seconds);
	instance_pause();
	while (read_events(&watch))
		flush();
	flush();
	if (watch.size)
		complain(watch.text, watch.size - 1);
	free(watch.text);
	return 0;
}
