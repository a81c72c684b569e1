// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contents that prove which buffer and which hand they are of.
 */
#include "pattern.h"

void pattern_fill(volatile uint32_t *words, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size / 4; i++)
		words[i] = pattern_word(seed, i);
}

long pattern_mismatch(const volatile uint32_t *words, size_t size, uint32_t seed, uint32_t other)
{
	for (size_t i = 0; i < size / 4; i++) {
		uint32_t word = words[i];

		if (word != pattern_word(seed, i) && word != pattern_word(other, i))
			return (long)(i * 4);
	}
	return PATTERN_INTACT;
}

uint32_t pattern_seed(uint32_t word, size_t index)
{
	uint32_t inverse = PATTERN_MULTIPLIER;

	/* Newton's way doubles the bits that are right, of which an odd number has three */
	for (int i = 0; i < 4; i++)
		inverse *= 2 - PATTERN_MULTIPLIER * inverse;
	return word * inverse ^ (uint32_t)index * PATTERN_STEP;
}
