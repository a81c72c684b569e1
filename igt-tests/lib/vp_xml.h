/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Just enough of XML to say whether a file is well-formed: elements, attributes,
 * text and the five entities that need no definition. Comments, CDATA and
 * document types are not expected, and fail the subtest as errors do.
 */
#ifndef VP_XML_H
#define VP_XML_H

#include <stdbool.h>

/* It is one element with all that is in it, and that is called @root. */
void vp_assert_xml(const char *text, const char *root);
/* How many elements of that name there are. */
unsigned int vp_xml_count(const char *text, const char *element);
/*
 * The text from where the element begins that has this id, to where the first
 * element of its name ends; free() it. NULL when there is none.
 */
char *vp_xml_by_id(const char *text, const char *id);
/* The number that an attribute of the first element of that name is. */
double vp_xml_number(const char *text, const char *element,
		     const char *attribute);

#endif /* VP_XML_H */
