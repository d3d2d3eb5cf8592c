/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/limit.h"

#include <stdlib.h>
#include <string.h>

#define BITS     (UINT32_C(1) << 25)
#define PERIOD_S 21600

static void
begin_minute(struct limit *limit, int64_t now)
{
	if (now / 60 == limit->minute)
		return;
	memset(limit->networks, 0, sizeof limit->networks);
	memset(limit->addresses, 0, sizeof limit->addresses);
	limit->minute = now / 60;
}

/* Forgets what is older than the previous period. */
static void
begin_period(struct limit *limit, int64_t now)
{
	int64_t period = now / PERIOD_S;

	if (period == limit->period)
		return;
	uint8_t *oldest = limit->refused[1];
	if (period == limit->period + 1) {
		limit->refused[1] = limit->refused[0];
		limit->refused[0] = oldest;
	} else {
		memset(oldest, 0, BITS / 8);
	}
	memset(limit->refused[0], 0, BITS / 8);
	limit->period = period;
}

static bool
has_bit(const uint8_t *bits, uint32_t at)
{
	return (bits[at / 8] >> (at % 8) & 1) != 0;
}

static bool
was_refused(const uint8_t *bits, uint64_t hash)
{
	return has_bit(bits, (uint32_t)hash % BITS) &&
	       has_bit(bits, (uint32_t)(hash >> 32) % BITS);
}

static void
set_bit(uint8_t *bits, uint32_t at)
{
	bits[at / 8] = (uint8_t)(bits[at / 8] | 1U << (at % 8));
}

bool
limit_refuse(struct limit *limit, uint64_t hash, int64_t now)
{
	for (int i = 0; i < 2; i++) {
		if (limit->refused[i] == NULL)
			limit->refused[i] = calloc(1, BITS / 8);
	}
	if (limit->refused[0] == NULL || limit->refused[1] == NULL)
		return false;
	begin_period(limit, now);
	bool before = was_refused(limit->refused[0], hash) ||
	              was_refused(limit->refused[1], hash);
	set_bit(limit->refused[0], (uint32_t)hash % BITS);
	set_bit(limit->refused[0], (uint32_t)(hash >> 32) % BITS);
	return before;
}

bool
limit_take_network(
    struct limit *limit, uint64_t hash, uint32_t count, uint32_t max, int64_t now)
{
	uint32_t *place = &limit->networks[hash % LIMIT_PLACES];

	if (max == 0)
		return true;
	begin_minute(limit, now);
	if (*place >= max || count > max - *place)
		return false;
	*place += count;
	return true;
}

bool
limit_take_address(
    struct limit *limit, uint64_t hash, uint32_t count, uint32_t max, int64_t now)
{
	uint32_t *place = &limit->addresses[hash % LIMIT_PLACES];

	begin_minute(limit, now);
	if (*place >= max)
		return false;
	*place += count;
	return true;
}

void
limit_clear(struct limit *limit)
{
	for (int i = 0; i < 2; i++) {
		free(limit->refused[i]);
		limit->refused[i] = NULL;
	}
}
