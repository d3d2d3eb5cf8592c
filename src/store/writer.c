/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/block.h"
#include "store/store_private.h"

/* Housekeeping, and looks at a shifted clock, at least this often. */
#define HOUSEKEEPING_MS 250
/* A probe of a failing store, and the walk of expiry. */
#define PROBE_MS 1000
/* Between two slices of expiry that found something. */
#define SLICE_PAUSE_MS 4
#define SLICE_ROWS     500
/* A corrupt page that comes back within this time after opening again. */
#define CORRUPT_AGAIN_MS 60000

static void
say_failing(struct store *store, const struct trouble *trouble)
{
	unsigned dropped = 0;

	pthread_mutex_lock(&store->lock);
	store->counters.failing = true;
	memcpy(store->counters.trouble, trouble->error.text,
	    sizeof store->counters.trouble - 1);
	pthread_mutex_unlock(&store->lock);
	if (log_may(&store->quiet, clock_mono_ms(store->clock), &dropped))
		log_warnx("store: cannot write: %s (%u more)", trouble->error.text,
		    dropped);
}

static void
say_working(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	bool was_failing = store->counters.failing;
	store->counters.failing = false;
	store->counters.trouble[0] = '\0';
	store->counters.commits++;
	pthread_mutex_unlock(&store->lock);
	if (was_failing)
		log_info("store: works again");
}

/* Opens the database again; true when the work may be tried once more. */
static bool
reopen(struct store *store, enum trouble_kind kind, struct trouble *trouble)
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
	if (kind == TROUBLE_REOPEN &&
	    log_may(&store->quiet, clock_mono_ms(store->clock), NULL))
		log_warnx("store: the database was opened again after: %s",
		    trouble->error.text);
	return true;
}

/* ------------------------------------------------------------------ a batch */

struct batch {
	struct note *notes[BATCH_MAX];
	enum note_state states[BATCH_MAX]; /* NOTE_WAITING: still to be decided */
	/* What the notes made of their addresses, should the commit succeed. */
	struct applied_address addresses[BATCH_MAX];
	size_t count;
};

/* UNCERTAIN: the commit itself failed, so it must not be made twice. */
enum outcome { DONE, AGAIN, GIVE_UP, UNCERTAIN };

static struct apply
applying(struct store *store, struct view *view)
{
	struct apply apply = store_apply(store, view);

	clock_watch_look(&store->clock_watch, store->clock);
	int64_t now = clock_watch_wall(&store->clock_watch, store->clock);
	/* It never decreases, save when a lower clock is believed after a day. */
	if (now > store->logged ||
	    store->logged - now > CLOCK_WATCH_SLACK_MS / 1000)
		store->logged = now;
	apply.logged = store->logged;
	return apply;
}

/*
 * One transaction with all that are undecided. A note that cannot be kept is
 * decided alone, and the others are tried again without it.
 */
static enum outcome
try_batch(struct store *store, struct batch *batch, struct trouble *trouble)
{
	bool changed;
	struct view *view =
	    store->ops->begin(store->backend, false, &changed, trouble);

	if (view == NULL)
		return GIVE_UP;
	if (changed)
		cache_clear(&store->cache);
	struct apply apply = applying(store, view);
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->states[i] != NOTE_WAITING)
			continue;
		switch (apply_note(&apply, &batch->notes[i]->spec,
		    &batch->addresses[i], trouble)) {
		case APPLIED:
			break;
		case APPLY_LIMITED:
			batch->states[i] = NOTE_LIMITED;
			break;
		case APPLY_FAILED:
			store->ops->rollback(view);
			if (trouble->kind != TROUBLE_NOTE)
				return GIVE_UP;
			batch->states[i] = NOTE_FAILED;
			return AGAIN;
		}
	}
	return store->ops->commit(view, trouble) ? DONE : UNCERTAIN;
}

static void
remember_addresses(struct store *store, const struct batch *batch)
{
	int64_t now = clock_wall(store->clock);

	for (size_t i = 0; i < batch->count; i++) {
		const struct applied_address *address = &batch->addresses[i];
		if (batch->states[i] == NOTE_COMMITTED &&
		    address->record.first_seen != 0)
			cache_put(
			    &store->cache, address->key, now, &address->record);
	}
}

static void
run_batch(struct store *store, struct batch *batch)
{
	struct trouble trouble = {0};
	enum outcome outcome;
	int reopened = 0;

	do {
		outcome = try_batch(store, batch, &trouble);
		if (outcome == DONE || outcome == AGAIN)
			continue;
		say_failing(store, &trouble);
		if (reopened++ < 2 && reopen(store, trouble.kind, &trouble) &&
		    outcome == GIVE_UP)
			outcome = AGAIN;
	} while (outcome == AGAIN);

	for (size_t i = 0; i < batch->count; i++) {
		if (batch->states[i] == NOTE_WAITING)
			batch->states[i] =
			    outcome == DONE ? NOTE_COMMITTED : NOTE_FAILED;
	}
	if (outcome == DONE) {
		remember_addresses(store, batch);
		say_working(store);
	} else {
		cache_clear(&store->cache);
	}
}

static void
count_batch(struct store *store, const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		switch (batch->states[i]) {
		case NOTE_COMMITTED:
			store->counters.notes++;
			break;
		case NOTE_LIMITED:
			store->counters.limited++;
			break;
		case NOTE_WAITING:
		case NOTE_FAILED:
			store->counters.failed++;
			break;
		}
	}
}

static void
finish_batch(struct store *store, struct batch *batch)
{
	pthread_mutex_lock(&store->lock);
	count_batch(store, batch);
	store->oldest_ms = store->first == NULL ? 0 : store->first->queued_ms;
	pthread_mutex_unlock(&store->lock);

	for (size_t i = 0; i < batch->count; i++)
		note_finish(batch->notes[i], batch->states[i]);

	pthread_mutex_lock(&store->lock);
	store->finished += batch->count;
	pthread_cond_broadcast(&store->idle);
	pthread_mutex_unlock(&store->lock);
}

/* Called with the lock held. */
static void
take_batch(struct store *store, struct batch *batch)
{
	batch->count = 0;
	while (store->first != NULL && batch->count < BATCH_MAX) {
		struct note *note = store->first;
		store->first = note->next;
		store->awaited -= note->spec.done != NULL;
		batch->notes[batch->count] = note;
		batch->states[batch->count++] = NOTE_WAITING;
	}
	if (store->first == NULL)
		store->last = &store->first;
	store->queued -= batch->count;
}

/* ------------------------------------------------------------- housekeeping */

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

/* One slice of expiry in a transaction of its own; with a probe of the disk. */
static bool
keep_house_once(struct store *store, bool probe, struct trouble *trouble)
{
	bool changed;
	struct expiry expiry = expiry_of(store);
	struct view *view =
	    store->ops->begin(store->backend, !probe, &changed, trouble);

	if (view == NULL)
		return false;
	if (changed)
		cache_clear(&store->cache);
	bool is_time = clock_watch_look(&store->clock_watch, store->clock);
	if (!is_time)
		store->may_expire_more = false;
	bool ok =
	    (!is_time || store->ops->expire(
	                     view, &expiry, &store->may_expire_more, trouble)) &&
	    (!probe || store->ops->probe(view, trouble));
	if (ok)
		return store->ops->commit(view, trouble);
	store->ops->rollback(view);
	return false;
}

static void
keep_house(struct store *store)
{
	struct trouble trouble = {0};
	int reader = atomic_exchange(&store->reader_trouble, (int)TROUBLE_NONE);

	store->house_kept_ms = clock_mono_ms(store->clock);
	if (reader != (int)TROUBLE_NONE) {
		error_set(&trouble.error, "a reader's trouble");
		reopen(store, (enum trouble_kind)reader, &trouble);
	}
	pthread_mutex_lock(&store->lock);
	bool failing = store->counters.failing;
	pthread_mutex_unlock(&store->lock);
	bool ok = keep_house_once(store, failing, &trouble);
	pthread_mutex_lock(&store->lock);
	store->counters.expiring = ok && store->may_expire_more;
	store->counters.clock_jump_s = store->clock_watch.jump_ms / 1000;
	pthread_mutex_unlock(&store->lock);
	if (ok) {
		if (failing)
			say_working(store);
		return;
	}
	store->may_expire_more = false;
	say_failing(store, &trouble);
	reopen(store, trouble.kind, &trouble);
}

/* ---------------------------------------------------------------- the thread */

static struct timespec
in_ms(int ms)
{
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_nsec += (long)ms * 1000000;
	when.tv_sec += when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

static bool
is_time_to_keep_house(const struct store *store)
{
	int64_t since = clock_mono_ms(store->clock) - store->house_kept_ms;

	return since >= PROBE_MS || since < 0 ||
	       (store->may_expire_more && since >= SLICE_PAUSE_MS);
}

/* Called with the lock held; returns when there is something to do. */
static void
wait_for_work(struct store *store)
{
	bool lingers = false;
	struct timespec when =
	    in_ms(store->may_expire_more ? SLICE_PAUSE_MS : HOUSEKEEPING_MS);

	while (!store->stopping && store->awaited == 0 &&
	       store->queued < LINGER_NOTES &&
	       (store->queued == 0 || store->flushing == 0)) {
		if (store->queued > 0 && !lingers) {
			lingers = true;
			when = in_ms(LINGER_MS);
		}
		block_declare("store: condition wait");
		if (pthread_cond_timedwait(&store->work, &store->lock, &when) != 0)
			return;
	}
}

void *
writer_run(void *arg)
{
	struct store *store = arg;
	struct batch *batch = malloc(sizeof *batch);
	bool go_on = batch != NULL;

	pthread_setname_np(pthread_self(), "writer");
	while (go_on) {
		pthread_mutex_lock(&store->lock);
		wait_for_work(store);
		take_batch(store, batch);
		go_on = batch->count > 0 || !store->stopping;
		pthread_mutex_unlock(&store->lock);
		if (batch->count > 0) {
			run_batch(store, batch);
			finish_batch(store, batch);
		}
		if (go_on && is_time_to_keep_house(store))
			keep_house(store);
	}
	free(batch);
	return NULL;
}
