/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many new triplets each client network has made in the minute that runs;
 * private to this folder, used by the writer's thread alone. A fixed table: two
 * networks that share a place share a count, and the place is drawn by a keyed
 * hash, so that nobody can aim at another.
 */
#ifndef STORE_LIMIT_H
#define STORE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LIMIT_PLACES 4096

struct limit {
	int64_t minute;
	uint32_t counts[LIMIT_PLACES];
};

/* true and counted when count more are within max; max 0: no limit */
bool limit_take(
    struct limit *limit, uint64_t hash, uint32_t count, uint32_t max, int64_t now);

#endif
