// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "vp_igt.h"
#include "vp_json.h"

struct reader {
	const char *begin;
	const char *at;
};

#define require(reader, condition, what) \
	igt_assert_f(condition, "JSON, byte %zd: %s: %.40s\n", \
		     (reader)->at - (reader)->begin, what, (reader)->at)

static void skip_blanks(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t\r\n");
}

static bool next_is(struct reader *reader, char byte)
{
	skip_blanks(reader);
	if (*reader->at != byte)
		return false;
	reader->at++;
	return true;
}

static char read_escape(struct reader *reader)
{
	static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	unsigned int code;
	int length = 0;

	if (*reader->at == 'u') {
		require(reader, strspn(reader->at + 1,
				       "0123456789abcdefABCDEF") >= 4,
			"four hexadecimal digits");
		igt_assert_eq(sscanf(reader->at + 1, "%4x%n", &code, &length),
			      1);
		reader->at += 1 + length;
		require(reader, code, "not NUL");
		/* No test has to tell one that is not ASCII from another. */
		return code < 0x80 ? (char)code : '?';
	}
	letter = *reader->at ? strchr(letters, *reader->at) : NULL;
	require(reader, letter, "a letter that has a meaning after \\");
	reader->at++;
	return bytes[letter - letters];
}

static char *read_string(struct reader *reader)
{
	size_t length = 0;
	char *text, *end;

	require(reader, *reader->at == '"', "a string");
	reader->at++;
	/* No escape is shorter than what it stands for. */
	while (reader->at[length] && reader->at[length] != '"')
		length += reader->at[length] == '\\' && reader->at[length + 1] ?
				  2 : 1;
	text = malloc(length + 1);
	igt_assert(text);
	end = text;
	while (*reader->at != '"') {
		require(reader, *reader->at >= ' ' && *reader->at < 0x7f,
			"a printable ASCII character");
		if (*reader->at == '\\') {
			reader->at++;
			*end++ = read_escape(reader);
		} else {
			*end++ = *reader->at++;
		}
	}
	reader->at++;
	*end = '\0';
	return text;
}

/* A minus, digits without a 0 before others, a fraction, an exponent. */
static size_t number_length(const char *text)
{
	const char *at = text + (*text == '-');
	size_t digits = strspn(at, "0123456789");

	if (!digits || (*at == '0' && digits > 1))
		return 0;
	at += digits;
	if (*at == '.') {
		digits = strspn(at + 1, "0123456789");
		if (!digits)
			return 0;
		at += 1 + digits;
	}
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '-' || *at == '+';
		digits = strspn(at, "0123456789");
		if (!digits)
			return 0;
		at += digits;
	}
	return (size_t)(at - text);
}

static void read_word(struct reader *reader, struct vp_json *json)
{
	size_t length = strspn(reader->at, "abcdefghijklmnopqrstuvwxyz");

	if (length) {
		json->text = strndup(reader->at, length);
		json->type = strcmp(json->text, "null") ? VP_JSON_BOOL :
							  VP_JSON_NULL;
		require(reader, json->type == VP_JSON_NULL ||
				!strcmp(json->text, "true") ||
				!strcmp(json->text, "false"), "a value");
	} else {
		length = number_length(reader->at);
		require(reader, length, "a value");
		json->text = strndup(reader->at, length);
		json->type = VP_JSON_NUMBER;
	}
	reader->at += length;
}

static struct vp_json *read_value(struct reader *reader);

static void read_members(struct reader *reader, struct vp_json *json,
			 char close)
{
	struct vp_json **end = &json->first;
	char *key = NULL;

	if (next_is(reader, close))
		return;
	do {
		skip_blanks(reader);
		if (close == '}') {
			key = read_string(reader);
			require(reader, !vp_json_find(json, key),
				"a key for the first time");
			require(reader, next_is(reader, ':'), "a colon");
		}
		*end = read_value(reader);
		(*end)->key = key;
		end = &(*end)->next;
	} while (next_is(reader, ','));
	require(reader, next_is(reader, close), "a comma or the end");
}

static struct vp_json *read_value(struct reader *reader)
{
	struct vp_json *json = calloc(1, sizeof(*json));

	igt_assert(json);
	skip_blanks(reader);
	if (*reader->at == '"') {
		json->type = VP_JSON_STRING;
		json->text = read_string(reader);
	} else if (next_is(reader, '[')) {
		json->type = VP_JSON_ARRAY;
		read_members(reader, json, ']');
	} else if (next_is(reader, '{')) {
		json->type = VP_JSON_OBJECT;
		read_members(reader, json, '}');
	} else {
		read_word(reader, json);
	}
	return json;
}

struct vp_json *vp_json_parse(const char *text)
{
	struct reader reader = { text, text };
	struct vp_json *json = read_value(&reader);

	skip_blanks(&reader);
	require(&reader, !*reader.at, "the end");
	return json;
}

void vp_json_free(struct vp_json *json)
{
	while (json) {
		struct vp_json *next = json->next;

		vp_json_free(json->first);
		free(json->key);
		free(json->text);
		free(json);
		json = next;
	}
}

const struct vp_json *vp_json_find(const struct vp_json *object,
				   const char *key)
{
	const struct vp_json *member;

	igt_assert_eq(object->type, VP_JSON_OBJECT);
	for (member = object->first; member; member = member->next)
		if (!strcmp(member->key, key))
			return member;
	return NULL;
}

const struct vp_json *vp_json_get(const struct vp_json *object,
				  const char *key)
{
	const struct vp_json *member = vp_json_find(object, key);

	igt_assert_f(member, "no %s in the JSON\n", key);
	return member;
}

static const struct vp_json *get_of_type(const struct vp_json *object,
					 const char *key,
					 enum vp_json_type type)
{
	const struct vp_json *member = vp_json_get(object, key);

	igt_assert_f(member->type == type, "%s is of type %d, not %d\n", key,
		     member->type, type);
	return member;
}

const char *vp_json_string(const struct vp_json *object, const char *key)
{
	return get_of_type(object, key, VP_JSON_STRING)->text;
}

void vp_assert_json_string(const struct vp_json *object, const char *key,
			  const char *wanted)
{
	const char *value = vp_json_string(object, key);

	igt_assert_f(!strcmp(value, wanted), "%s is %s, not %s\n", key, value,
		     wanted);
}

int64_t vp_json_number(const struct vp_json *object, const char *key)
{
	const struct vp_json *member = get_of_type(object, key, VP_JSON_NUMBER);
	int64_t number;
	char *end;

	errno = 0;
	number = strtoll(member->text, &end, 10);
	igt_assert_f(!*end && !errno, "%s is %s\n", key, member->text);
	return number;
}

bool vp_json_bool(const struct vp_json *object, const char *key)
{
	return *get_of_type(object, key, VP_JSON_BOOL)->text == 't';
}

unsigned int vp_json_length(const struct vp_json *object, const char *key)
{
	const struct vp_json *array = get_of_type(object, key, VP_JSON_ARRAY);
	unsigned int length = 0;

	for (const struct vp_json *in = array->first; in; in = in->next)
		length++;
	return length;
}

const struct vp_json *vp_json_at(const struct vp_json *object, const char *key,
				 unsigned int index)
{
	const struct vp_json *array = get_of_type(object, key, VP_JSON_ARRAY);
	const struct vp_json *in = array->first;

	while (in && index--)
		in = in->next;
	igt_assert_f(in, "%s is too short\n", key);
	return in;
}
