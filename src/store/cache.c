/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/cache_private.h"

#include <string.h>

static size_t
place_of(int64_t key)
{
	return (size_t)((uint64_t)key * UINT64_C(0x9e3779b97f4a7c15) >> 40) %
	       CACHE_PLACES;
}

void
cache_init(struct cache *cache)
{
	memset(cache, 0, sizeof *cache);
	pthread_mutex_init(&cache->lock, NULL);
}

void
cache_close(struct cache *cache)
{
	pthread_mutex_destroy(&cache->lock);
}

bool
cache_find(struct cache *cache, int64_t key, int64_t since_ms, int64_t now,
    struct address_record *record_r)
{
	size_t place = place_of(key);

	pthread_mutex_lock(&cache->lock);
	bool found = cache->places[place].key == key &&
	             cache->places[place].put_ms >= since_ms &&
	             cache->places[place].record.first_seen != 0 &&
	             cache->places[place].record.known_until >= now;
	if (found)
		*record_r = cache->places[place].record;
	pthread_mutex_unlock(&cache->lock);
	return found;
}

void
cache_put(struct cache *cache, int64_t key, int64_t put_ms, int64_t now,
    const struct address_record *record)
{
	size_t place = place_of(key);

	pthread_mutex_lock(&cache->lock);
	if (record->known_until >= now) {
		cache->places[place].key = key;
		cache->places[place].put_ms = put_ms;
		cache->places[place].record = *record;
	} else if (cache->places[place].key == key) {
		cache->places[place].record.first_seen = 0;
	}
	pthread_mutex_unlock(&cache->lock);
}

void
cache_clear(struct cache *cache)
{
	pthread_mutex_lock(&cache->lock);
	memset(cache->places, 0, sizeof cache->places);
	pthread_mutex_unlock(&cache->lock);
}
