// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "vp_igt.h"
#include "vp_xml.h"

#define DEPTH		32
#define NAME		32
#define ATTRIBUTES	32

/* Where in the text an error is. */
struct reader {
	const char *text;
	const char *at;
};

#define xml_assert(reader, expr) \
	igt_assert_f(expr, "not well-formed at byte %ld: %.60s\n", \
		     (long)((reader)->at - (reader)->text), (reader)->at)

static void skip_blanks(struct reader *reader)
{
	while (*reader->at && isspace((unsigned char)*reader->at))
		reader->at++;
}

static void read_name(struct reader *reader, char name[NAME])
{
	unsigned int length = 0;

	xml_assert(reader, isalpha((unsigned char)*reader->at));
	while (isalnum((unsigned char)*reader->at) ||
	       (*reader->at && strchr("-_:.", *reader->at))) {
		xml_assert(reader, length + 1 < NAME);
		name[length++] = *reader->at++;
	}
	name[length] = '\0';
}

static void read_entity(struct reader *reader)
{
	static const char *const known[] = {
		"&amp;", "&lt;", "&gt;", "&quot;", "&apos;",
	};

	for (unsigned int i = 0; i < 5; i++)
		if (!strncmp(reader->at, known[i], strlen(known[i]))) {
			reader->at += strlen(known[i]);
			return;
		}
	xml_assert(reader, !"an entity that is known");
}

/* One character of text; UTF-8 is not looked into. */
static void read_character(struct reader *reader)
{
	unsigned char c = (unsigned char)*reader->at;

	if (c == '&') {
		read_entity(reader);
		return;
	}
	xml_assert(reader, c >= ' ' || c == '\n' || c == '\t');
	reader->at++;
}

static void read_attribute(struct reader *reader, char name[NAME])
{
	char quote;

	read_name(reader, name);
	xml_assert(reader, *reader->at == '=');
	quote = *++reader->at;
	xml_assert(reader, quote == '"' || quote == '\'');
	for (reader->at++; *reader->at != quote;) {
		xml_assert(reader, *reader->at && *reader->at != '<');
		read_character(reader);
	}
	reader->at++;
}

/* From behind the < to behind the >. Returns whether its end is to come. */
static bool read_start(struct reader *reader, char name[NAME])
{
	char seen[ATTRIBUTES][NAME];
	unsigned int count = 0;

	read_name(reader, name);
	for (;;) {
		const char *before = reader->at;

		skip_blanks(reader);
		if (*reader->at == '>') {
			reader->at++;
			return true;
		}
		if (!strncmp(reader->at, "/>", 2)) {
			reader->at += 2;
			return false;
		}
		xml_assert(reader, reader->at > before && count < ATTRIBUTES);
		read_attribute(reader, seen[count]);
		for (unsigned int i = 0; i < count; i++)
			xml_assert(reader, strcmp(seen[i], seen[count]));
		count++;
	}
}

void vp_assert_xml(const char *text, const char *root)
{
	static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
	struct reader reader = { .text = text, .at = text };
	char open[DEPTH][NAME], name[NAME];
	unsigned int depth = 0;

	xml_assert(&reader, !strncmp(text, head, strlen(head)));
	reader.at += strlen(head);
	skip_blanks(&reader);
	do {
		if (*reader.at != '<') {
			xml_assert(&reader, *reader.at && depth);
			read_character(&reader);
		} else if (reader.at[1] == '/') {
			reader.at += 2;
			read_name(&reader, name);
			xml_assert(&reader, !strcmp(name, open[depth - 1]));
			xml_assert(&reader, *reader.at == '>');
			reader.at++;
			depth--;
		} else {
			xml_assert(&reader, depth < DEPTH);
			reader.at++;
			if (read_start(&reader, open[depth]))
				depth++;
			xml_assert(&reader, !strcmp(open[0], root));
		}
	} while (depth);
	skip_blanks(&reader);
	xml_assert(&reader, !*reader.at);
}

/* Where the next element of that name begins. */
static const char *find(const char *text, const char *element)
{
	size_t length = strlen(element);

	while ((text = strchr(text, '<'))) {
		text++;
		if (!strncmp(text, element, length) &&
		    strchr(" />\n", text[length]))
			return text - 1;
	}
	return NULL;
}

unsigned int vp_xml_count(const char *text, const char *element)
{
	unsigned int count = 0;

	while ((text = find(text, element))) {
		text++;
		count++;
	}
	return count;
}

char *vp_xml_by_id(const char *text, const char *id)
{
	char wanted[NAME + 8], name[NAME], end[NAME + 4];
	struct reader reader = { .text = text };
	const char *at, *begin, *stop;

	snprintf(wanted, sizeof(wanted), " id=\"%s\"", id);
	at = strstr(text, wanted);
	if (!at)
		return NULL;
	igt_assert_f(!strstr(at + 1, wanted), "%s is there twice\n", wanted);
	for (begin = at; *begin != '<';)
		begin--;
	reader.at = begin + 1;
	read_name(&reader, name);
	snprintf(end, sizeof(end), "</%s>", name);
	stop = strstr(at, end);
	igt_assert(stop);
	return strndup(begin, (size_t)(stop - begin));
}

double vp_xml_number(const char *text, const char *element,
		     const char *attribute)
{
	const char *at = find(text, element), *stop;
	char wanted[NAME + 4], *end;
	double number;

	igt_assert_f(at, "no element %s\n", element);
	stop = strchr(at, '>');
	snprintf(wanted, sizeof(wanted), " %s=\"", attribute);
	at = strstr(at, wanted);
	igt_assert_f(at && at < stop, "no %s of %s\n", attribute, element);
	number = strtod(at + strlen(wanted), &end);
	igt_assert_f(*end == '"', "%s of %s is no number\n", attribute,
		     element);
	return number;
}
