/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs of a few calls with arguments of any kind, and what code of the
 * module they reach.
 */
#ifndef FZ_COVER_H
#define FZ_COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FC_CALLS	24	/* in a program */
#define FC_WORDS	6	/* numbers that a call is made from */

struct fc_call {
	uint8_t kind;
	uint32_t word[FC_WORDS];
};

struct fc_program {
	unsigned int n;
	struct fc_call call[FC_CALLS];
};

/* Random numbers (mutate.c). */
uint32_t fc_random(uint32_t limit);
void fc_seed(uint64_t seed);

/* Calls (calls.c). */
unsigned int fc_kinds(void);
/* Words that mean something to such a call, more often than not. */
void fc_draw_words(struct fc_call *call);
/* GPUs, and files that are there for the whole run. */
void fc_calls_begin(const unsigned int gpu[2]);
void fc_calls_end(void);
/* Do them all, and leave nothing open. */
void fc_run(const struct fc_program *program);

/* Programs (mutate.c). */
void fc_fresh(struct fc_program *program);
void fc_mutate(struct fc_program *program, const struct fc_program *other);

/* What was reached (kcov.c). */
bool fc_cover_begin(void);
void fc_cover_end(void);
void fc_cover_reset(void);
/* How many places it has reached since that nobody had reached before. */
unsigned int fc_cover_new(void);
unsigned int fc_cover_count(void);

#endif /* FZ_COVER_H */
