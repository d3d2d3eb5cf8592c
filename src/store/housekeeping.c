/* SPDX-License-Identifier: BSD-2-Clause */
/* Between batches, on the writer's thread: expiry, probes, reopening. */
#include <string.h>

#include "base/clock.h"
#include "store/store_private.h"

/* Rows removed at once. */
#define SLICE_ROWS 500
/* Damage found again this soon after reopening: the file is set aside. */
#define CORRUPT_AGAIN_MS 60000

void
store_say_failing(struct store *store, const struct trouble *trouble)
{
	unsigned dropped = 0;

	if (store->ops->is_shared &&
	    atomic_fetch_add(&store->failures, 1) + 1 >= FAILURES_MAX)
		atomic_store(&store->away, true);
	pthread_mutex_lock(&store->lock);
	store->counters.failing = true;
	memcpy(store->counters.trouble, trouble->error.text,
	    sizeof store->counters.trouble - 1);
	pthread_mutex_unlock(&store->lock);
	if (log_may(&store->limit_write, clock_mono_ms(store->clock), &dropped))
		log_warnx(
		    "store: cannot write: %s (%u more failures were not logged)",
		    trouble->error.text, dropped);
}

void
store_say_working(struct store *store)
{
	atomic_store(&store->failures, 0);
	pthread_mutex_lock(&store->lock);
	store->counters.commits++;
	/* Look-ups may fail although this was written. */
	bool was_failing = store->counters.failing && !atomic_load(&store->away);
	if (was_failing) {
		store->counters.failing = false;
		store->counters.trouble[0] = '\0';
	}
	pthread_mutex_unlock(&store->lock);
	if (was_failing)
		log_info("store: works again");
}

bool
store_reopen(struct store *store, enum trouble_kind kind, struct trouble *trouble)
{
	int64_t now_ms = clock_mono_ms(store->clock);
	bool set_aside = false;
	uint8_t secret[SIPHASH_KEY_SIZE];

	if (kind != TROUBLE_REOPEN && kind != TROUBLE_CORRUPT)
		return false;
	if (kind == TROUBLE_CORRUPT) {
		set_aside = store->corrupt_seen_ms != 0 &&
		            now_ms - store->corrupt_seen_ms < CORRUPT_AGAIN_MS;
		store->corrupt_seen_ms = set_aside ? 0 : now_ms;
	}
	if (!store->ops->reopen(store->backend, set_aside, secret, trouble) ||
	    !store_take_secret(store, secret))
		return false;
	if (store->ops->is_shared)
		store_open_readers(store);
	if (kind == TROUBLE_REOPEN &&
	    log_may(&store->limit_reopen, clock_mono_ms(store->clock), NULL))
		log_warnx(
		    "store: reopened the database after: %s", trouble->error.text);
	return true;
}

static struct expiry
expiry_of(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	struct expiry expiry = {
	    .events_s = store->settings.events_s,
	    .retry_window_s = store->settings.retry_window_s,
	    .max_age_s = store->settings.max_age_s,
	    .now = clock_wall(store->clock),
	    .limit = SLICE_ROWS,
	};
	bool durable = store->settings.durable;
	pthread_mutex_unlock(&store->lock);
	if (durable != store->durable) {
		store->ops->set_durable(store->backend, durable);
		store->durable = durable;
	}
	return expiry;
}

/* One slice of expiry in its own transaction; also probes the disk. */
static bool
keep_house_once(struct store *store, bool probe, struct trouble *trouble)
{
	bool changed;
	struct expiry expiry = expiry_of(store);
	struct view *view = store->ops->begin(store->backend,
	    probe ? FOR_NOTES : FOR_HOUSEKEEPING, 0, &changed, trouble);

	if (view == NULL)
		return false;
	if (changed)
		cache_clear(&store->cache);
	bool is_time = clock_watch_look(&store->clock_watch, store->clock);
	if (!is_time)
		store->may_expire_more = false;
	bool ok = (!is_time || store->ops->expire(view, &expiry,
	                           &store->may_expire_more, trouble)) &&
	          (!probe || store->ops->probe(view, trouble));
	if (ok)
		return store->ops->commit(view, trouble) == COMMITTED;
	store->ops->rollback(view);
	return false;
}

/* Whether a look-up has its answer in time, now that mail does not wait for one. */
static bool
can_look_up(struct store *store)
{
	static const int64_t key = 0;
	static const char *const name = "";
	static const struct wanted wanted = {&key, &name, &name, .pairs = &key,
	    .addresses_count = 1, .domains_count = 1, .origins_count = 1,
	    .pairs_count = 1};
	struct trouble trouble = {0};
	struct view *view = store->ops->recall(store->backend, &wanted,
	    clock_real_ms() + store_timeout_ms(store), &trouble);

	if (view == NULL) {
		store_missed(store, &trouble);
		return false;
	}
	store->ops->release(view);
	store_found(store);
	atomic_store(&store->away, false);
	return true;
}

void
store_keep_house(struct store *store)
{
	struct trouble trouble = {0};
	int reader = atomic_exchange(&store->reader_trouble, (int)TROUBLE_NONE);

	store->house_kept_ms = clock_mono_ms(store->clock);
	if (reader != (int)TROUBLE_NONE) {
		error_set(&trouble.error, "a failed read");
		store_reopen(store, (enum trouble_kind)reader, &trouble);
	}
	pthread_mutex_lock(&store->lock);
	bool failing = store->counters.failing;
	pthread_mutex_unlock(&store->lock);
	failing = failing || atomic_load(&store->away);
	bool ok = keep_house_once(store, failing, &trouble);
	if (!ok) {
		failing = true;
		ok = store_reopen(store, trouble.kind, &trouble) &&
		     keep_house_once(store, true, &trouble);
	}
	if (!ok)
		store_say_failing(store, &trouble);
	else if (atomic_load(&store->away))
		ok = can_look_up(store);
	pthread_mutex_lock(&store->lock);
	store->counters.expiring = ok && store->may_expire_more;
	store->counters.clock_jump_s = store->clock_watch.jump_ms / 1000;
	pthread_mutex_unlock(&store->lock);
	if (!ok)
		store->may_expire_more = false;
	else if (failing)
		store_say_working(store);
}
