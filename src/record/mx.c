/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/mx.h"

#include <string.h>

#include "base/siphash.h"
#include "base/text.h"

#define CODE_BITS 15
#define CODE_MASK ((UINT64_C(1) << CODE_BITS) - 1)
#define MARKS     ((UINT64_C(1) << MX_MOST) - 1)

static unsigned
shift_of(unsigned place)
{
	return MX_MOST + place * CODE_BITS;
}

static uint16_t
code_at(uint64_t mxs, unsigned place)
{
	return (uint16_t)(mxs >> shift_of(place) & CODE_MASK);
}

/* The index of the code, else of the first free place; MX_MOST: neither. */
static unsigned
place_of(uint64_t mxs, uint16_t code)
{
	unsigned place = 0;

	while (place < MX_MOST && code_at(mxs, place) != 0 &&
	       code_at(mxs, place) != code)
		place++;
	return place;
}

uint16_t
mx_code(const char *hostname)
{
	static const uint8_t key[SIPHASH_KEY_SIZE]; /* the same at every MX */
	char name[256];

	text_copy(name, sizeof name, hostname);
	text_lower(name);
	return (uint16_t)(siphash(key, name, strlen(name)) % CODE_MASK + 1);
}

bool
mx_is_walked(uint64_t mxs, uint16_t code)
{
	unsigned place = place_of(mxs, code);

	return place < MX_MOST && code_at(mxs, place) == code &&
	       (mxs >> place & 1) != 0;
}

uint64_t
mx_add(uint64_t mxs, uint16_t code, bool is_walk)
{
	unsigned place = place_of(mxs, code);

	if (code == 0)
		return mxs;
	if (!is_walk)
		mxs &= ~MARKS;
	if (place == MX_MOST)
		return mxs;
	return mxs | (uint64_t)code << shift_of(place) | UINT64_C(1) << place;
}

unsigned
mx_count(uint64_t mxs)
{
	return place_of(mxs, 0);
}

uint16_t
mx_first(uint64_t mxs)
{
	return code_at(mxs, 0);
}
