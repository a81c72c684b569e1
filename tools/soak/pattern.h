/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_PATTERN_H
#define SOAK_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define PATTERN_MULTIPLIER	0x85ebca6bu
#define PATTERN_STEP		0x9e3779b1u

#define PATTERN_INTACT	(-1)

/** pattern_word() - the word number @index of what a buffer has for a seed; all differ */
static inline uint32_t pattern_word(uint32_t seed, size_t index)
{
	return (seed ^ (uint32_t)index * PATTERN_STEP) * PATTERN_MULTIPLIER;
}

/** pattern_fill() - all of a buffer, whose @size in bytes is a multiple of 4 */
void pattern_fill(volatile uint32_t *words, size_t size, uint32_t seed);

/**
 * pattern_mismatch() - where a word is neither that of one seed nor of the other
 *
 * Returns: in bytes from the beginning, or PATTERN_INTACT
 */
long pattern_mismatch(const volatile uint32_t *words, size_t size, uint32_t seed, uint32_t other);

/** pattern_seed() - which seed a word at @index is of, as each is of one */
uint32_t pattern_seed(uint32_t word, size_t index);

#endif
