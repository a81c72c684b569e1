// SPDX-License-Identifier: GPL-2.0-only
/*
 * A line of trace_pipe: who, where and when, and what the event itself prints:
 *
 *             demo-161     (    161) [001] .....    12.345678: map: id=17 exporter=vprime0 ...
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event.h"
#include "instance.h"
#include "json.h"
#include "text.h"

/* The name is moved to the right of so many columns, and no name is longer. */
#define NAME_COLUMNS	16
#define UNKNOWN_NAME	"<...>"

#define RECALL_TRIES	5
#define RECALL_US	2000

/* As it is: "status" has it too, with backslashes before what a line cannot have. */
static void ask_name(const char *tid, char *name, size_t size)
{
	char path[64];
	FILE *comm;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%s/comm", tid);
	comm = fopen(path, "re");
	if (!comm)
		return;
	len = fread(name, 1, size - 1, comm);
	fclose(comm);
	/* The end of the line is not its own. */
	if (len)
		name[len - 1] = '\0';
}

/*
 * Returns: whether the thread is alive, so that all is known of it now. The file of
 * one that ends opens still, and then has nothing to read, or a process of 0.
 */
static bool ask_proc(struct event *event, bool nameless)
{
	char path[64], line[128];
	unsigned int pid = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%s/status", event->tid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "Tgid:\t%u", &pid);
	if (status)
		fclose(status);
	if (!pid)
		return false;
	if (nameless)
		ask_name(event->tid, event->process, sizeof(event->process));
	snprintf(event->pid, sizeof(event->pid), "%u", pid);
	return true;
}

static bool is_nameless(const struct event *event)
{
	return !strcmp(event->process, UNKNOWN_NAME);
}

/*
 * When the kernel printed the line, a thread that had run on since the event was
 * not in its tables. It is now, or it runs on still and can be asked; but for the
 * moment in which it has ended, and not yet made way for another. The kernel puts
 * the name into one table and the process into another, and passes over the one
 * that somebody is just reading.
 */
static void find_thread(struct event *event)
{
	for (int tries = 0; tries < RECALL_TRIES; tries++) {
		if (!is_nameless(event) && *event->pid)
			return;
		if (tries)
			usleep(RECALL_US);
		if (ask_proc(event, is_nameless(event)))
			continue;
		if (is_nameless(event))
			instance_recall("saved_cmdlines", event->tid, event->process,
					sizeof(event->process));
		if (!*event->pid)
			instance_recall("saved_tgids", event->tid, event->pid,
					sizeof(event->pid));
	}
	if (!*event->pid)
		snprintf(event->pid, sizeof(event->pid), "%s", event->tid);
}

/* Up to @end, which is cut off; NULL if there is no @end, as there is none after a NULL. */
static char *take(char **rest, const char *end)
{
	char *text = *rest, *found = text ? strstr(text, end) : NULL;

	if (!found) {
		*rest = NULL;
		return NULL;
	}
	*found = '\0';
	*rest = found + strlen(end);
	return text + strspn(text, " ");
}

static bool digits(const char *text)
{
	return text && *text && !text[strspn(text, "0123456789")];
}

/* "(    161) " where the kernel was asked for it, "(-------) " if it does not know. */
static void parse_tgid(char *text, struct event *event)
{
	char *tgid = strchr(text, '(');

	if (tgid)
		sscanf(tgid, "( %23[0-9]", event->pid);
}

/* What the event prints is KEY=VALUE; a name may have a blank in it. */
static bool parse_what(char *text, struct event *event)
{
	char *word, *next, *why;

	text_clean(text, true);
	for (word = text; (next = strchr(word, ' ')); word = next + 1)
		if (!memchr(next + 1, '=', strcspn(next + 1, " ")))
			*next = '_';
	if (parse_fields(text, &event->fields, &why))
		return true;
	free(why);
	parse_free_fields(event->fields);
	return false;
}

bool event_parse(char *line, struct event *event)
{
	char *name = line, *rest, *who;

	*event = (struct event){};
	if (strlen(line) <= NAME_COLUMNS || line[NAME_COLUMNS] != '-')
		return false;
	line[NAME_COLUMNS] = '\0';
	rest = line + NAME_COLUMNS + 1;
	event->tid = take(&rest, " ");
	who = take(&rest, "[");
	event->cpu = take(&rest, "] ");
	take(&rest, " "); /* interrupts, preemption and so on */
	event->time = take(&rest, ": ");
	event->name = take(&rest, ": ");
	if (!rest || !digits(event->tid) || !digits(event->cpu))
		return false;

	snprintf(event->process, sizeof(event->process), "%s", name + strspn(name, " "));
	parse_tgid(who, event);
	find_thread(event);
	text_clean(event->process, false);
	/* processor 001 is 1, as no number in JSON begins with 0 */
	event->cpu += strspn(event->cpu, "0");
	if (!*event->cpu)
		event->cpu--;
	return parse_what(rest, event);
}

void event_free(struct event *event)
{
	parse_free_fields(event->fields);
}

const char *event_lost(const char *line)
{
	const char *lost = strstr(line, " [LOST ");

	if (strncmp(line, "CPU:", 4) || !lost)
		return NULL;
	return lost + strlen(" [LOST ");
}

static const char *get(const struct event *event, const char *key)
{
	const char *value = field_value(event->fields, key);

	return value ? value : "?";
}

/* The part of what is said about an event that comes from one key. */
static void say(const struct event *event, const struct field *field)
{
	char size[TEXT_SIZE];

	if (!strcmp(field->key, "size") || !strcmp(field->key, "bytes"))
		fputs(text_size(field->value, size), stdout);
	else if (!strcmp(field->key, "foreign"))
		fputs("foreign", stdout);
	else if (!strcmp(field->key, "begin"))
		fputs(*field->value == '1' ? "begins" : "ends", stdout);
	else if (!strcmp(field->key, "ret"))
		fputs(*field->value == '-' ? strerror(atoi(field->value + 1)) : "done", stdout);
	else if (!strcmp(event->name, "cpu_access") && !strcmp(field->key, "direction"))
		fputs(!strcmp(field->value, "from-device") ? "read" :
		      !strcmp(field->value, "to-device") ? "write" : "read-write", stdout);
	else if (!strcmp(field->key, "device") || !strcmp(field->key, "lifetime") ||
		 !strcmp(field->key, "direction") || !strcmp(field->key, "rule"))
		fputs(field->value, stdout);
	else
		printf("%s=%s", field->key, field->value);
}

#define COLUMNS	"%13s  %-10s  %-13s  %-20s  "

void event_head(void)
{
	printf(COLUMNS "%s\n", "seconds", "event", "buffer", "process", "what");
}

void event_print(const struct event *event)
{
	char buffer[128], process[EVENT_NAME + EVENT_NUMBER + 2];
	const char *comma = "";

	snprintf(buffer, sizeof(buffer), "%s %s", get(event, "id"), get(event, "exporter"));
	snprintf(process, sizeof(process), "%s[%s]", event->process, event->pid);
	printf(COLUMNS, event->time, event->name, strcmp(get(event, "id"), "0") ? buffer : "-",
	       process);
	for (const struct field *field = event->fields; field; field = field->next) {
		if (!strcmp(field->key, "id") || !strcmp(field->key, "exporter") ||
		    (!strcmp(field->key, "foreign") && *field->value == '0'))
			continue;
		fputs(comma, stdout);
		say(event, field);
		comma = ", ";
	}
	putchar('\n');
}

/* 0 and 1 are what a bool is printed as by the kernel's trace. */
static bool is_bool(const struct field *field)
{
	return (!strcmp(field->key, "foreign") || !strcmp(field->key, "begin")) &&
	       (!strcmp(field->value, "0") || !strcmp(field->value, "1"));
}

void event_json(const struct event *event)
{
	json_open('{');
	json_key("event");
	json_string(event->name);
	json_key("time");
	json_value("time", event->time);
	json_key("cpu");
	json_value("cpu", event->cpu);
	json_key("process");
	json_string(event->process);
	json_key("pid");
	json_value("pid", event->pid);
	json_key("tid");
	json_value("tid", event->tid);
	for (const struct field *field = event->fields; field; field = field->next) {
		json_key(field->key);
		if (is_bool(field))
			json_bool(*field->value == '1');
		else
			json_value(field->key, field->value);
	}
	json_close('}');
	json_end();
}
