// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vp_igt.h"
#include "vp_line.h"
#include "vp_log.h"
#include "vp_watch.h"

#define STRICT_PATH	"/sys/module/vprime/parameters/strict"
#define PIECE		65536

static const char *const rules[] = {
	"unmap-without-map", "unmap-direction", "detach-while-mapped",
	"detach-while-pinned", "unpin-without-pin", "end-without-begin",
	"begin-left-open", "writable-read-only", "cpu-outside-access",
	"not-unmapped", "release-with-attachments",
};

#define N_RULES	(sizeof(rules) / sizeof(rules[0]))

const char *vp_watch_rule(unsigned int i)
{
	return i < N_RULES ? rules[i] : NULL;
}

char *vp_watch_text(size_t piece)
{
	return vp_line_file(VP_WATCH_LIST, piece);
}

static void parse_buffer(char *at, struct vp_watch_buffer *buffer)
{
	buffer->id = vp_line_number(&at, "id");
	vp_line_name(&at, "exporter", buffer->exporter);
	buffer->size = vp_line_number(&at, "size");
	buffer->resident = vp_line_number(&at, "resident");
	vp_line_name(&at, "state", buffer->state);
	vp_line_check("state", buffer->state, " live revoked ");
	buffer->foreign = vp_line_yes(&at, "foreign");
	buffer->exported = vp_line_yes(&at, "exported");
	buffer->attachments = vp_line_count(&at, "attachments");
	buffer->mapped = vp_line_count(&at, "mapped");
	buffer->pins = vp_line_count(&at, "pins");
	buffer->vmaps = vp_line_count(&at, "vmaps");
	buffer->cpu_open = vp_line_count(&at, "cpu");
	buffer->fences = vp_line_count(&at, "fences");
	buffer->violations = vp_line_count(&at, "violations");
	buffer->inode = vp_line_number(&at, "inode");
	igt_assert_eq(*at, 0);
	buffer->n_attachment = 0;
	buffer->n_cpu = 0;
	buffer->n_fence = 0;
	buffer->n_violation = 0;
}

static void parse_attachment(char *at, struct vp_watch_attachment *attachment)
{
	vp_line_name(&at, "device", attachment->device);
	vp_line_name(&at, "driver", attachment->driver);
	vp_line_name(&at, "lifetime", attachment->lifetime);
	vp_line_check("lifetime", attachment->lifetime,
		   " pinned movable revocable ");
	vp_line_name(&at, "mapped", attachment->mapped);
	vp_line_check("mapped", attachment->mapped, " no yes stale ");
	vp_line_name(&at, "direction", attachment->direction);
	vp_line_check("direction", attachment->direction,
		   " none to-device from-device bidirectional ");
	attachment->pins = vp_line_count(&at, "pins");
	igt_assert_eq(*at, 0);
}

static void parse_cpu(char *at, struct vp_watch_cpu *cpu)
{
	vp_line_name(&at, "access", cpu->access);
	vp_line_check("access", cpu->access, " read write read-write ");
	vp_line_name(&at, "process", cpu->process);
	cpu->pid = (int)vp_line_count(&at, "pid");
	cpu->open_ms = vp_line_count(&at, "open_ms");
	igt_assert_eq(*at, 0);
}

static void parse_fence(char *at, struct vp_watch_fence *fence)
{
	vp_line_name(&at, "driver", fence->driver);
	vp_line_name(&at, "timeline", fence->timeline);
	fence->seqno = vp_line_number(&at, "seqno");
	vp_line_name(&at, "usage", fence->usage);
	vp_line_check("usage", fence->usage, " kernel write read bookkeep ");
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
	vp_line_name(&at, "rule", violation->rule);
	check_rule(violation->rule);
	violation->count = vp_line_count(&at, "count");
	igt_assert_eq(*at, 0);
}

static void parse_below(char *line, struct vp_watch_buffer *buffer)
{
	const unsigned int most = VP_WATCH_LINES - 1;
	char *rest;

	igt_assert(buffer->n_attachment < most && buffer->n_cpu < most &&
		   buffer->n_fence < most && buffer->n_violation < most);
	if (vp_line_begins(line, "  attachment ", &rest))
		parse_attachment(rest,
				 &buffer->attachment[buffer->n_attachment++]);
	else if (vp_line_begins(line, "  cpu ", &rest))
		parse_cpu(rest, &buffer->cpu[buffer->n_cpu++]);
	else if (vp_line_begins(line, "  fence ", &rest))
		parse_fence(rest, &buffer->fence[buffer->n_fence++]);
	else if (vp_line_begins(line, "  violation ", &rest))
		parse_violation(rest,
				&buffer->violation[buffer->n_violation++]);
	else
		igt_assert_f(false, "a line of no kind: %s\n", line);
}

const char *vp_watch_next(const char *text, struct vp_watch_buffer *buffer)
{
	char line[VP_LINE_LEN], *rest;

	if (!*text)
		return NULL;
	text = vp_line_take(text, line);
	igt_assert_f(vp_line_begins(line, "buffer ", &rest),
		     "no buffer's line: %s\n", line);
	parse_buffer(rest, buffer);
	while (*text == ' ') {
		text = vp_line_take(text, line);
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
	char name[VP_WATCH_NAME], line[VP_LINE_LEN];
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

void vp_be_another(void)
{
	static unsigned int number;
	char name[16];

	snprintf(name, sizeof(name), "another-%u", ++number);
	prctl(PR_SET_NAME, name);
}

void vp_assert_reported(int log, uint64_t id, const char *rule,
			const char *device, const char *name, pid_t process)
{
	const struct vp_watch_buffer *buffer = vp_watch(id);
	char start[120], words[200], line[VP_LOG_LINE];

	snprintf(start, sizeof(start), "vprime: dma-buf contract: %s: %s ",
		 rule, device);
	snprintf(words, sizeof(words),
		 "buffer %llu of %s, %llu bytes, by %s[%d]: ",
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
