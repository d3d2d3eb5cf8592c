/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many new triplets each client network has made in the minute that runs;
 * used by the writer's thread alone. A fixed table: two
 * networks that share a place share a count, and the place is drawn by a keyed
 * hash, so that nobody can aim at another.
 *
 * What is refused is remembered for 6 to 12 hours, in a filter of bits that is
 * made when it is needed (8 MiB): who comes again with the same triplet is
 * counted by its own address from then on, whatever its neighbours do. Of a
 * million refusals in a period a share of 0.3 % is taken for one that came before.
 */
#ifndef STORE_LIMIT_H
#define STORE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LIMIT_PLACES 4096

struct limit {
	int64_t minute;
	uint32_t networks[LIMIT_PLACES], addresses[LIMIT_PLACES];
	uint8_t
	    *refused[2]; /* this period's and the one before; NULL: not needed */
	int64_t period;
};

/* All hashes are keyed; max 0: no limit. */

/* true and counted when count more are within max */
bool limit_take_network(
    struct limit *limit, uint64_t hash, uint32_t count, uint32_t max, int64_t now);
/* The same for what has come again; a note whose first fits is taken whole. */
bool limit_take_address(
    struct limit *limit, uint64_t hash, uint32_t count, uint32_t max, int64_t now);
/* Notes that this triplet is refused; true when it was before. */
bool limit_refuse(struct limit *limit, uint64_t hash, int64_t now);
void limit_clear(struct limit *limit);

#endif
