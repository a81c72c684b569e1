// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs: from nothing, and from others that have reached something new.
 */
#include <string.h>

#include "cover.h"

static uint64_t state;

void fc_seed(uint64_t seed)
{
	state = seed;
}

uint32_t fc_random(uint32_t limit)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	z ^= z >> 31;
	return limit ? (uint32_t)((z >> 32) * limit >> 32) : (uint32_t)z;
}

static void draw_call(struct fc_call *call)
{
	call->kind = (uint8_t)fc_random(fc_kinds());
	fc_draw_words(call);
}

void fc_fresh(struct fc_program *program)
{
	program->n = 2 + fc_random(FC_CALLS - 2);
	for (unsigned int i = 0; i < program->n; i++)
		draw_call(&program->call[i]);
}

static void insert(struct fc_program *program)
{
	unsigned int at = fc_random(program->n + 1);

	if (program->n == FC_CALLS)
		return;
	memmove(&program->call[at + 1], &program->call[at],
		(program->n - at) * sizeof(program->call[0]));
	draw_call(&program->call[at]);
	program->n++;
}

static void leave_out(struct fc_program *program)
{
	unsigned int at = fc_random(program->n);

	if (program->n < 2)
		return;
	memmove(&program->call[at], &program->call[at + 1],
		(program->n - at - 1) * sizeof(program->call[0]));
	program->n--;
}

static void change_word(struct fc_program *program)
{
	struct fc_call *call = &program->call[fc_random(program->n)];
	uint32_t *word = &call->word[fc_random(FC_WORDS)];

	switch (fc_random(4)) {
	case 0:
		*word ^= 1u << fc_random(32);
		break;
	case 1:
		*word = fc_random(0);
		break;
	case 2:
		*word += fc_random(9) - 4;
		break;
	default:
		fc_draw_words(call);
	}
}

/* The other's end after this one's beginning. */
static void splice(struct fc_program *program, const struct fc_program *other)
{
	unsigned int keep = fc_random(program->n) + 1;
	unsigned int from = fc_random(other->n);

	while (keep < FC_CALLS && from < other->n)
		program->call[keep++] = other->call[from++];
	program->n = keep;
}

void fc_mutate(struct fc_program *program, const struct fc_program *other)
{
	for (unsigned int times = 1 + fc_random(4); times; times--) {
		switch (fc_random(8)) {
		case 0:
			splice(program, other);
			break;
		case 1:
			leave_out(program);
			break;
		case 2:
		case 3:
			insert(program);
			break;
		default:
			change_word(program);
		}
	}
}
