// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

/* whether a value stands before what comes next, in the same object or array */
static bool after_value;

static void begin_value(void)
{
	if (after_value)
		putchar(',');
	after_value = true;
}

void json_open(char bracket)
{
	begin_value();
	putchar(bracket);
	after_value = false;
}

void json_close(char bracket)
{
	putchar(bracket);
	after_value = true;
}

void json_end(void)
{
	putchar('\n');
	after_value = false;
}

static void put_quoted(const char *text)
{
	const unsigned char *byte;

	putchar('"');
	for (byte = (const unsigned char *)text; *byte; byte++) {
		if (*byte == '"' || *byte == '\\')
			printf("\\%c", *byte);
		else if (*byte >= 0x80)
			fputs("\\ufffd", stdout);
		else if (*byte < ' ' || *byte == 0x7f)
			printf("\\u%04x", *byte);
		else
			putchar(*byte);
	}
	putchar('"');
}

void json_key(const char *key)
{
	begin_value();
	put_quoted(key);
	putchar(':');
	after_value = false;
}

void json_string(const char *text)
{
	begin_value();
	put_quoted(text);
}

static void put_word(const char *word)
{
	begin_value();
	fputs(word, stdout);
}

void json_bool(bool value)
{
	put_word(value ? "true" : "false");
}

void json_number(uint64_t value)
{
	begin_value();
	printf("%" PRIu64, value);
}

void json_null(void)
{
	put_word("null");
}

/* Digits as JSON has them: perhaps a minus, no 0 before others, perhaps a fraction. */
static bool is_number(const char *word)
{
	const char *digits = *word == '-' ? word + 1 : word;
	size_t whole = strspn(digits, "0123456789"), fraction;

	if (!whole || (*digits == '0' && whole > 1))
		return false;
	if (!digits[whole])
		return true;
	fraction = strspn(digits + whole + 1, "0123456789");
	return digits[whole] == '.' && fraction && !digits[whole + 1 + fraction];
}

/* What has its name from somebody who is free to choose it. */
static bool is_name(const char *key)
{
	static const char *const names[] = {
		"exporter", "device", "driver", "timeline", "process", "name",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(key, names[i]))
			return true;
	return false;
}

static bool is_time(const char *key)
{
	size_t length = strlen(key);

	return length > 3 && !strcmp(key + length - 3, "_ms");
}

void json_value(const char *key, const char *value)
{
	if (is_name(key))
		json_string(value);
	else if (is_time(key) && !strcmp(value, "none"))
		json_null();
	else if (is_number(value))
		put_word(value);
	else if ((!strcmp(value, "yes") || !strcmp(value, "no")) && strcmp(key, "mapped"))
		json_bool(*value == 'y');
	else
		json_string(value);
}

void json_fields(const struct field *fields)
{
	for (; fields; fields = fields->next) {
		json_key(fields->key);
		json_value(fields->key, fields->value);
	}
}
