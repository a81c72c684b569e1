/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "bench.h"

/* the table for people */
void table_head(const struct method *method);
void table_row(const struct row *row, const struct result *result);
void table_memory(const struct memory_result *vgem, const struct memory_result *vprime);
void table_gain(const struct result *gain);
void table_foot(const struct method *method);

/* the same as one JSON object */
void json_head(unsigned int rounds);
void json_row(const struct row *row, const struct result *result);
void json_memory(const struct memory_result *vgem, const struct memory_result *vprime);
void json_gain(const struct result *gain);
void json_foot(void);

#endif
