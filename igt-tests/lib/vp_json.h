/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON, read as strictly as RFC 8259 allows, and more: no key may be there
 * twice, and everything is ASCII.
 *
 * All of these fail the subtest when what they are about is not there, or is
 * of another type, but for vp_json_find().
 */
#ifndef VP_JSON_H
#define VP_JSON_H

#include <stdbool.h>
#include <stdint.h>

enum vp_json_type {
	VP_JSON_NULL,
	VP_JSON_BOOL,
	VP_JSON_NUMBER,
	VP_JSON_STRING,
	VP_JSON_ARRAY,
	VP_JSON_OBJECT,
};

struct vp_json {
	enum vp_json_type type;
	char *key;		/* of an object's member */
	char *text;		/* of a string; of all but arrays and objects,
				 * what is written */
	struct vp_json *first;	/* in an array or object */
	struct vp_json *next;
};

/* All of a text, which is one value. */
struct vp_json *vp_json_parse(const char *text);
void vp_json_free(struct vp_json *json);

/* A member of an object; NULL when it is not there. */
const struct vp_json *vp_json_find(const struct vp_json *object,
				   const char *key);
const struct vp_json *vp_json_get(const struct vp_json *object,
				  const char *key);
const char *vp_json_string(const struct vp_json *object, const char *key);
void vp_assert_json_string(const struct vp_json *object, const char *key,
			   const char *wanted);
int64_t vp_json_number(const struct vp_json *object, const char *key);
bool vp_json_bool(const struct vp_json *object, const char *key);

/* A member that is an array: how long it is, and what is in it. */
unsigned int vp_json_length(const struct vp_json *object, const char *key);
const struct vp_json *vp_json_at(const struct vp_json *object, const char *key,
				 unsigned int index);

#endif /* VP_JSON_H */
