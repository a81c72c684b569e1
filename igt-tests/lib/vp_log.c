// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vp_igt.h"
#include "vp_log.h"

/* The most that the kernel gives out for one line, escapes included. */
#define LINE_SIZE	8192

int vp_log_open(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

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
