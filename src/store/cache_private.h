/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Known addresses, for sessions that need nothing else; private to this folder.
 * Bounded: each address has one place, which another address with the same place
 * takes over. Filled by the writer after its commits; read by any thread.
 */
#ifndef STORE_CACHE_PRIVATE_H
#define STORE_CACHE_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "record/history.h"

#define CACHE_PLACES 2048

struct cache {
	pthread_mutex_t lock; /* guards places */
	struct {
		int64_t key, put_ms;
		struct address_record record; /* first_seen 0: empty */
	} places[CACHE_PLACES];
};

void cache_init(struct cache *cache);
void cache_close(struct cache *cache);

/*
 * Returns true and the record if it was put in since since_ms (any clock, the same
 * for both) and is known now.
 */
bool cache_find(struct cache *cache, int64_t key, int64_t since_ms, int64_t now,
    struct address_record *record_r);
/* Stores the record as committed; one that is not known is only forgotten. */
void cache_put(struct cache *cache, int64_t key, int64_t put_ms, int64_t now,
    const struct address_record *record);
void cache_clear(struct cache *cache);

#endif
