// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vp_igt.h"
#include "vp_line.h"

#define ROOM	65536

char *vp_line_file(const char *path, size_t piece)
{
	size_t room = ROOM, len = 0;
	char *text = malloc(room);
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
	do {
		if (room - len <= piece) {
			room = 2 * room + piece;
			text = realloc(text, room);
		}
		igt_assert(text);
		got = read(fd, text + len, piece);
		igt_assert_f(got >= 0, "%s: %s\n", path, strerror(errno));
		len += (size_t)got;
	} while (got);
	close(fd);
	text[len] = 0;
	return text;
}

const char *vp_line_take(const char *text, char line[VP_LINE_LEN])
{
	size_t len = strcspn(text, "\n");

	igt_assert_f(text[len] == '\n', "a line without an end: %s\n", text);
	igt_assert_lt(len, (size_t)VP_LINE_LEN);
	memcpy(line, text, len);
	line[len] = 0;
	return text + len + 1;
}

bool vp_line_begins(char *line, const char *word, char **rest)
{
	size_t len = strlen(word);

	*rest = line + len;
	return !strncmp(line, word, len);
}

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

void vp_line_name(char **at, const char *key, char name[VP_LINE_NAME])
{
	const char *value = value_of(at, key);

	igt_assert_lt(strlen(value), (size_t)VP_LINE_NAME);
	strcpy(name, value);
}

static uint64_t number_of(const char *key, const char *value)
{
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	igt_assert_f(!*end && !errno && *value != '-' && *value != '+',
		     "%s=%s is no number\n", key, value);
	return number;
}

uint64_t vp_line_number(char **at, const char *key)
{
	return number_of(key, value_of(at, key));
}

unsigned int vp_line_count(char **at, const char *key)
{
	uint64_t number = vp_line_number(at, key);

	igt_assert_lte(number, (uint64_t)UINT_MAX);
	return (unsigned int)number;
}

bool vp_line_yes(char **at, const char *key)
{
	const char *value = value_of(at, key);

	igt_assert_f(!strcmp(value, "yes") || !strcmp(value, "no"),
		     "%s=%s\n", key, value);
	return *value == 'y';
}

int64_t vp_line_signed(char **at, const char *key, int64_t none)
{
	const char *value = value_of(at, key);
	uint64_t number;

	if (!strcmp(value, "none"))
		return none;
	number = number_of(key, value + (*value == '-'));
	igt_assert_lte(number, (uint64_t)INT64_MAX);
	return *value == '-' ? -(int64_t)number : (int64_t)number;
}

void vp_line_check(const char *what, const char *word, const char *allowed)
{
	char spaced[VP_LINE_NAME + 2];

	snprintf(spaced, sizeof(spaced), " %s ", word);
	igt_assert_f(strstr(allowed, spaced), "%s=%s\n", what, word);
}
