/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many new triplets each client network has made in the current minute; used by
 * the writer's thread only. A fixed table: two networks in the same place share a
 * count, and a keyed hash chooses the place, so that nobody can aim at another
 * network.
 *
 * Refused triplets are remembered for 6 to 12 hours, in a bit filter made when
 * needed (8 MiB): a client that comes again with the same triplet is from then on
 * counted by its own address, whatever its neighbours do. After a million refusals
 * in a period, 0.3 % of new triplets are mistaken for returning ones.
 */
#ifndef STORE_LIMIT_H
#define STORE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LIMIT_PLACES 4096

struct limit {
	int64_t minute;
	uint32_t networks[LIMIT_PLACES], addresses[LIMIT_PLACES];
	uint8_t *refused[2]; /* this and the previous period's; NULL: not needed */
	int64_t period;
};

/* All hashes are keyed; max 0: no limit. */

/* Counts them and returns true if count more stay within max. */
bool limit_take_network(
    struct limit *limit, uint64_t hash, uint32_t count, uint32_t max, int64_t now);
/* The same for what comes again; a note whose first triplet fits is taken whole. */
bool limit_take_address(
    struct limit *limit, uint64_t hash, uint32_t count, uint32_t max, int64_t now);
/* Remembers that this triplet is refused; true if it was refused before. */
bool limit_refuse(struct limit *limit, uint64_t hash, int64_t now);
void limit_clear(struct limit *limit);

#endif
