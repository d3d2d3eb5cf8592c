/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/limit.h"

#include <string.h>

bool
limit_take(
    struct limit *limit, uint64_t hash, uint32_t count, uint32_t max, int64_t now)
{
	if (max == 0)
		return true;
	if (now / 60 != limit->minute) {
		memset(limit->counts, 0, sizeof limit->counts);
		limit->minute = now / 60;
	}
	uint32_t *place = &limit->counts[hash % LIMIT_PLACES];
	if (*place >= max || count > max - *place)
		return false;
	*place += count;
	return true;
}
