/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_FENCES_H
#define VPRIMECTL_FENCES_H

#include <stdbool.h>

#include "parse.h"

/**
 * fences_table() - the timelines with their fences and waiters, for people
 * @timelines: what parse_list() made
 *
 * What has kept somebody waiting for long gets a mark, and under the table a line
 * that says whose it is.
 */
void fences_table(const struct entry *timelines);

#endif
