// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE	/* memrchr */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "vp_fence.h"
#include "vp_igt.h"
#include "vp_log.h"

/* The most that the kernel gives out for one line, escapes included. */
#define LINE_SIZE	8192

/* So many breaches the module speaks of in so long, see vp_misuse_limit. */
#define LIMIT_LINES	64
#define LIMIT_US	5000000
/* Of which a test may need so many, */
#define OWN_LINES	24
/* and which are the last ones in so much of the log. */
#define TAIL_SIZE	(64 * 1024)
#define READ_ALL	3

/* When line @text of the log was written, in microseconds; 0 if it does not say. */
static int64_t written(const char *text)
{
	long long seconds, us;

	if (sscanf(text, "<%*d>[%lld.%lld]", &seconds, &us) != 2)
		return 0;
	return seconds * 1000000 + us;
}

/*
 * Whoever looks for what the module says of a breach must not come right after
 * a flood of them, of which it has only counted the last.
 */
static void wait_for_room(void)
{
	static char tail[TAIL_SIZE];
	int len = klogctl(READ_ALL, tail, sizeof(tail) - 1);
	unsigned int lines = 0;
	int64_t free_at = 0;
	char *line;

	igt_assert_f(len >= 0, "the kernel's log: %s\n", strerror(errno));
	tail[len] = 0;
	while (lines < LIMIT_LINES - OWN_LINES &&
	       (line = memrchr(tail, '\n', (size_t)len))) {
		*line = 0;
		len = (int)(line - tail);
		if (!strstr(line + 1, "vprime: dma-buf contract: "))
			continue;
		/* Its clock is not quite ours. */
		free_at = written(line + 1) + LIMIT_US + 1000000;
		lines++;
	}
	if (lines < LIMIT_LINES - OWN_LINES)
		return;
	while (vp_now_ns() / 1000 < free_at)
		usleep(100000);
}

int vp_log_open(void)
{
	int log;

	wait_for_room();
	log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	igt_assert_f(log >= 0, "/dev/kmsg: %s\n", strerror(errno));
	lseek(log, 0, SEEK_END);
	return log;
}

/* Without the numbers before it, and the lines of properties behind it. */
static void copy_text(char last[VP_LOG_LINE], const char *line)
{
	const char *text = strchr(line, ';');

	text = text ? text + 1 : line;
	snprintf(last, VP_LOG_LINE, "%.*s", (int)strcspn(text, "\n"), text);
}

unsigned int vp_log_lines(int log, const char *word, const char *other,
			  char last[VP_LOG_LINE])
{
	static char line[LINE_SIZE];
	unsigned int found = 0;
	ssize_t len;

	while ((len = read(log, line, sizeof(line) - 1)) > 0 ||
	       (len < 0 && errno == EPIPE)) {	/* EPIPE: lines were lost */
		if (len <= 0)
			continue;
		line[len] = 0;
		if (!strstr(line, word) || !strstr(line, other))
			continue;
		found++;
		if (last)
			copy_text(last, line);
	}
	return found;
}

unsigned int vp_logged(int log, const char *word, const char *other)
{
	return vp_log_lines(log, word, other, NULL);
}
