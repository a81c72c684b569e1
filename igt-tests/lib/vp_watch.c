// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vp_igt.h"
#include "vp_log.h"
#include "vp_watch.h"

#define STRICT_PATH	"/sys/module/vprime/parameters/strict"
#define PIECE		65536
#define LINE_LEN	1024

static const char *const rules[] = {
	"map-without-attach", "double-map", "unmap-without-map",
	"unmap-direction", "access-without-map", "detach-without-attach",
	"detach-while-mapped", "detach-while-pinned", "unpin-without-pin",
	"vunmap-without-vmap", "end-without-begin", "begin-left-open",
	"writable-read-only", "cpu-outside-access", "use-after-invalidate",
	"use-after-revoke", "not-unmapped", "release-with-attachments",
};

#define N_RULES	(sizeof(rules) / sizeof(rules[0]))

const char *vp_watch_rule(unsigned int i)
{
	return i < N_RULES ? rules[i] : NULL;
}

char *vp_watch_text(size_t piece)
{
	size_t room = PIECE, len = 0;
	char *text = malloc(room);
	ssize_t got;
	int fd;

	fd = open(VP_WATCH_LIST, O_RDONLY | O_CLOEXEC);
	igt_assert_f(fd >= 0, "%s: %s\n", VP_WATCH_LIST, strerror(errno));
	do {
		if (room - len <= piece) {
			room = 2 * room + piece;
			text = realloc(text, room);
		}
		igt_assert(text);
		got = read(fd, text + len, piece);
		igt_assert_f(got >= 0, "%s: %s\n", VP_WATCH_LIST,
			     strerror(errno));
		len += (size_t)got;
	} while (got);
	close(fd);
	text[len] = 0;
	return text;
}

/* A line without its end, and where the next one begins. */
static const char *take_line(const char *text, char line[LINE_LEN])
{
	size_t len = strcspn(text, "\n");

	igt_assert_f(text[len] == '\n', "a line without an end: %s\n", text);
	igt_assert_lt(len, (size_t)LINE_LEN);
	memcpy(line, text, len);
	line[len] = 0;
	return text + len + 1;
}

/* The value of @key, which is what @at must go on with; @at goes behind it. */
static const char *value_of(char **at, const char *key)
{
	size_t len = strlen(key);
	char *value = *at + len + 1;

	igt_assert_f(!strncmp(*at, key, len) && (*at)[len] == '=',
		     "no %s= at: %s\n", key, *at);
	len = strcspn(value, " ");
	igt_assert_f(len > 0, "%s has no value\n", key);
	for (size_t i = 0; i < len; i++)
		igt_assert_f(value[i] > ' ' && value[i] <= '~',
			     "%s has a character %#x\n", key,
			     (unsigned char)value[i]);
	*at = value + len;
	if (**at) {
		*(*at)++ = 0;
		igt_assert_f(**at, "a blank after %s=%s\n", key, value);
	}
	return value;
}

static void take_name(char **at, const char *key, char name[VP_WATCH_NAME])
{
	const char *value = value_of(at, key);

	igt_assert_lt(strlen(value), (size_t)VP_WATCH_NAME);
	strcpy(name, value);
}

static uint64_t take_number(char **at, const char *key)
{
	const char *value = value_of(at, key);
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	igt_assert_f(!*end && !errno && *value != '-' && *value != '+',
		     "%s=%s is no number\n", key, value);
	return number;
}

static unsigned int take_count(char **at, const char *key)
{
	uint64_t number = take_number(at, key);

	igt_assert_lte(number, (uint64_t)UINT_MAX);
	return (unsigned int)number;
}

static bool take_yes(char **at, const char *key)
{
	const char *value = value_of(at, key);

	igt_assert_f(!strcmp(value, "yes") || !strcmp(value, "no"),
		     "%s=%s\n", key, value);
	return *value == 'y';
}

static void check_word(const char *what, const char *word, const char *allowed)
{
	char spaced[VP_WATCH_NAME + 2];

	snprintf(spaced, sizeof(spaced), " %s ", word);
	igt_assert_f(strstr(allowed, spaced), "%s=%s\n", what, word);
}

static void parse_buffer(char *at, struct vp_watch_buffer *buffer)
{
	buffer->id = take_number(&at, "id");
	take_name(&at, "exporter", buffer->exporter);
	buffer->size = take_number(&at, "size");
	buffer->resident = take_number(&at, "resident");
	take_name(&at, "state", buffer->state);
	check_word("state", buffer->state, " live revoked ");
	buffer->foreign = take_yes(&at, "foreign");
	buffer->exported = take_yes(&at, "exported");
	buffer->attachments = take_count(&at, "attachments");
	buffer->mapped = take_count(&at, "mapped");
	buffer->pins = take_count(&at, "pins");
	buffer->vmaps = take_count(&at, "vmaps");
	buffer->cpu_open = take_count(&at, "cpu");
	buffer->fences = take_count(&at, "fences");
	buffer->violations = take_count(&at, "violations");
	igt_assert_eq(*at, 0);
	buffer->n_attachment = 0;
	buffer->n_cpu = 0;
	buffer->n_fence = 0;
	buffer->n_violation = 0;
}

static void parse_attachment(char *at, struct vp_watch_attachment *attachment)
{
	take_name(&at, "device", attachment->device);
	take_name(&at, "driver", attachment->driver);
	take_name(&at, "lifetime", attachment->lifetime);
	check_word("lifetime", attachment->lifetime,
		   " pinned movable revocable ");
	take_name(&at, "mapped", attachment->mapped);
	check_word("mapped", attachment->mapped, " no yes stale ");
	take_name(&at, "direction", attachment->direction);
	check_word("direction", attachment->direction,
		   " none to-device from-device bidirectional ");
	attachment->pins = take_count(&at, "pins");
	igt_assert_eq(*at, 0);
}

static void parse_cpu(char *at, struct vp_watch_cpu *cpu)
{
	take_name(&at, "access", cpu->access);
	check_word("access", cpu->access, " read write read-write ");
	take_name(&at, "process", cpu->process);
	cpu->pid = (int)take_count(&at, "pid");
	cpu->open_ms = take_count(&at, "open_ms");
	igt_assert_eq(*at, 0);
}

static void parse_fence(char *at, struct vp_watch_fence *fence)
{
	take_name(&at, "driver", fence->driver);
	take_name(&at, "timeline", fence->timeline);
	fence->seqno = take_number(&at, "seqno");
	take_name(&at, "usage", fence->usage);
	check_word("usage", fence->usage, " kernel write read bookkeep ");
	igt_assert_eq(*at, 0);
}

static void check_rule(const char *rule)
{
	bool known = false;

	for (size_t i = 0; i < N_RULES; i++)
		known = known || !strcmp(rules[i], rule);
	igt_assert_f(known, "rule %s\n", rule);
}

static void parse_violation(char *at, struct vp_watch_violation *violation)
{
	take_name(&at, "rule", violation->rule);
	check_rule(violation->rule);
	violation->count = take_count(&at, "count");
	igt_assert_eq(*at, 0);
}

/* Whether @line begins with @word; if so, @rest is what follows. */
static bool begins(char *line, const char *word, char **rest)
{
	size_t len = strlen(word);

	*rest = line + len;
	return !strncmp(line, word, len);
}

static void parse_below(char *line, struct vp_watch_buffer *buffer)
{
	const unsigned int most = VP_WATCH_LINES - 1;
	char *rest;

	igt_assert(buffer->n_attachment < most && buffer->n_cpu < most &&
		   buffer->n_fence < most && buffer->n_violation < most);
	if (begins(line, "  attachment ", &rest))
		parse_attachment(rest,
				 &buffer->attachment[buffer->n_attachment++]);
	else if (begins(line, "  cpu ", &rest))
		parse_cpu(rest, &buffer->cpu[buffer->n_cpu++]);
	else if (begins(line, "  fence ", &rest))
		parse_fence(rest, &buffer->fence[buffer->n_fence++]);
	else if (begins(line, "  violation ", &rest))
		parse_violation(rest,
				&buffer->violation[buffer->n_violation++]);
	else
		igt_assert_f(false, "a line of no kind: %s\n", line);
}

const char *vp_watch_next(const char *text, struct vp_watch_buffer *buffer)
{
	char line[LINE_LEN], *rest;

	if (!*text)
		return NULL;
	text = take_line(text, line);
	igt_assert_f(begins(line, "buffer ", &rest), "no buffer's line: %s\n",
		     line);
	parse_buffer(rest, buffer);
	while (*text == ' ') {
		text = take_line(text, line);
		parse_below(line, buffer);
	}
	igt_assert_eq(buffer->n_attachment, buffer->attachments);
	return text;
}

static bool find(uint64_t id, struct vp_watch_buffer *buffer)
{
	char *text = vp_watch_text(PIECE);
	const char *rest = text;
	bool found = false;

	while (!found && (rest = vp_watch_next(rest, buffer)))
		found = buffer->id == id;
	free(text);
	return found;
}

static struct vp_watch_buffer shown;

bool vp_watch_listed(uint64_t id)
{
	return find(id, &shown);
}

const struct vp_watch_buffer *vp_watch(uint64_t id)
{
	igt_assert_f(find(id, &shown), "buffer %llu is not in the list\n",
		     (unsigned long long)id);
	return &shown;
}

const struct vp_watch_attachment *vp_watch_attachment(uint64_t id,
						      const char *device)
{
	const struct vp_watch_buffer *buffer = vp_watch(id);

	for (unsigned int i = 0; i < buffer->n_attachment; i++)
		if (!strcmp(buffer->attachment[i].device, device))
			return &buffer->attachment[i];
	return NULL;
}

unsigned int vp_watch_violations(uint64_t id, const char *rule)
{
	const struct vp_watch_buffer *buffer = vp_watch(id);

	check_rule(rule);
	for (unsigned int i = 0; i < buffer->n_violation; i++)
		if (!strcmp(buffer->violation[i].rule, rule))
			return buffer->violation[i].count;
	return 0;
}

unsigned int vp_watch_total(const char *rule)
{
	FILE *file = fopen(VP_WATCH_DIR "/violations", "re");
	char name[VP_WATCH_NAME], line[LINE_LEN];
	unsigned int count, total = 0, i = 0;
	int end = 0;

	check_rule(rule);
	igt_assert_f(file, "violations: %s\n", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		igt_assert_f(sscanf(line, "%63s %u%n", name, &count, &end) == 2
			     && !strcmp(line + end, "\n"), "%s", line);
		check_rule(name);
		i++;
		if (!strcmp(name, rule))
			total = count;
	}
	fclose(file);
	/* One that is not there would seem never to be broken. */
	igt_assert_eq(i, N_RULES);
	return total;
}

void vp_assert_reported(int log, uint64_t id, const char *rule,
			const char *device, const char *name, pid_t process)
{
	const struct vp_watch_buffer *buffer = vp_watch(id);
	char start[120], words[200], line[VP_LOG_LINE];

	snprintf(start, sizeof(start), "vprime: dma-buf contract: %s: %s ",
		 rule, device);
	snprintf(words, sizeof(words),
		 "buffer %llu of %s, %llu bytes, by %s[%d]",
		 (unsigned long long)id, buffer->exporter,
		 (unsigned long long)buffer->size, name, (int)process);
	igt_assert_eq(vp_log_lines(log, start, words, line), 1);
	igt_info("%s\n", line);
	igt_assert_eq(strncmp(line, start, strlen(start)), 0);
}

static int try_write(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
	if (write(fd, text, len) != (ssize_t)len)
		ret = -errno;
	close(fd);
	return ret;
}

static int try_control(const char *path, uint64_t id)
{
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)id);
	return try_write(path, number);
}

int vp_try_move(uint64_t id)
{
	return try_control(VP_WATCH_DIR "/move", id);
}

int vp_try_revoke(uint64_t id)
{
	return try_control(VP_WATCH_DIR "/revoke", id);
}

void vp_strict(bool on)
{
	/* A module without the parameter never is. */
	if (!on && access(STRICT_PATH, F_OK))
		return;
	igt_assert_eq(try_write(STRICT_PATH, on ? "1" : "0"), 0);
}
