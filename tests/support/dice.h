/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers that look random and are the same at each run (xorshift64). */
#ifndef TESTS_SUPPORT_DICE_H
#define TESTS_SUPPORT_DICE_H

#include <stdint.h>

/* state: not 0 at first */
static inline uint64_t
dice_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* 0 .. sides - 1 */
static inline unsigned
dice_roll(uint64_t *state, unsigned sides)
{
	return (unsigned)(dice_next(state) >> 33) % sides;
}

#endif
