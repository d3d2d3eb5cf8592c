/* SPDX-License-Identifier: BSD-2-Clause */
/* The store's state, shared by the writer, readers and workers. */
#include <stdlib.h>
#include <string.h>

#include "policy/origin.h"
#include "store/keys.h"
#include "store/store_private.h"

#define NOTE_LIMIT_MS 5000
/* Beyond store.timeout, for the writer to report that it was missed. */
#define NOTE_GRACE_MS 250

bool
store_take_secret(
    struct store *store, const uint8_t secret[static SIPHASH_KEY_SIZE])
{
	struct secret *before = atomic_load(&store->secret);

	if (before != NULL && memcmp(before->octets, secret, SIPHASH_KEY_SIZE) == 0)
		return true;
	struct secret *fresh = malloc(sizeof *fresh);
	if (fresh == NULL)
		return false;
	memcpy(fresh->octets, secret, SIPHASH_KEY_SIZE);
	fresh->before = before;
	atomic_store(&store->secret, fresh);
	return true;
}

struct apply
store_apply(struct store *store, struct view *view)
{
	struct apply apply = {
	    .ops = store->ops,
	    .view = view,
	    .secret = store_secret(store),
	    .limit = &store->limit,
	};

	pthread_mutex_lock(&store->lock);
	apply.retry_window_s = store->settings.retry_window_s;
	apply.half_life_s = store->settings.half_life_s;
	apply.max_new_per_net = store->settings.max_new_per_net;
	apply.hash_people = store->settings.hash_people;
	pthread_mutex_unlock(&store->lock);
	return apply;
}

const uint8_t *
store_secret(const struct store *store)
{
	return atomic_load(&store->secret)->octets;
}

bool
store_recall_known(struct store *store, const struct store_who *who, size_t count,
    int64_t now, struct history *history_r)
{
	/* A database that is away cannot know better than memory. */
	int64_t since_ms = store->ops->is_shared && !atomic_load(&store->away)
	                       ? clock_mono_ms(store->clock) - CACHE_SHARED_MS
	                       : INT64_MIN;

	if (who->domain != NULL || !cache_find(&store->cache, key_from_ip(&who->ip),
	                               since_ms, now, &history_r->address))
		return false;
	memset(&history_r->domain, 0, sizeof history_r->domain);
	history_r->origins_known = false;
	address_fade(
	    &history_r->address, store_apply(store, NULL).half_life_s, now);
	if (count > 0)
		memset(history_r->rows, 0, count * sizeof *history_r->rows);
	history_r->rows_count = count;
	return true;
}

void
store_missed(struct store *store, const struct trouble *trouble)
{
	if (trouble->kind == TROUBLE_NONE)
		return; /* it was not asked */
	if (store->ops->is_shared &&
	    atomic_fetch_add(&store->missed, 1) + 1 >= FAILURES_MAX) {
		pthread_mutex_lock(&store->lock);
		atomic_store(&store->away, true);
		store->counters.failing = true;
		memcpy(store->counters.trouble, trouble->error.text,
		    sizeof store->counters.trouble - 1);
		pthread_mutex_unlock(&store->lock);
	}
	if (log_may(&store->limit_read, clock_mono_ms(store->clock), NULL))
		log_warnx("store: cannot read: %s", trouble->error.text);
}

void
store_found(struct store *store)
{
	if (atomic_load(&store->missed) != 0)
		atomic_store(&store->missed, 0);
}

int64_t
store_note_limit_ms(struct store *store)
{
	if (store == NULL || !store->ops->is_shared)
		return NOTE_LIMIT_MS;
	int64_t limit_ms = store_timeout_ms(store) + NOTE_GRACE_MS;
	return limit_ms < NOTE_LIMIT_MS ? limit_ms : NOTE_LIMIT_MS;
}

int64_t
store_timeout_ms(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	int64_t timeout_ms = store->settings.timeout_ms;
	pthread_mutex_unlock(&store->lock);
	return timeout_ms;
}
