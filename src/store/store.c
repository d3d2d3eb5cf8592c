/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "store/store_private.h"

bool
store_check_url(const char *url, struct error *error)
{
	const struct backend_ops *ops = backend_of_url(url, error);

	return ops != NULL &&
	       (ops->check_url == NULL || ops->check_url(url, error));
}

void
store_each_file(const char *url,
    void (*each)(void *ctx, const char *path, bool is_written), void *ctx)
{
	const struct backend_ops *ops = backend_of_url(url, NULL);

	if (ops != NULL && ops->each_file != NULL)
		ops->each_file(url, each, ctx);
}

static bool
open_backend(
    struct store *store, const struct store_settings *settings, struct error *error)
{
	uint8_t secret[SIPHASH_KEY_SIZE] = {0};

	store->ops = backend_of_url(settings->url, error);
	if (store->ops == NULL)
		return false;
	store->backend = store->ops->open(settings, secret, error);
	if (store->backend == NULL)
		return false;
	if (store_take_secret(store, secret))
		return true;
	error_set(error, "out of memory");
	return false;
}

static void
init_conditions(struct store *store)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&store->work, &attributes);
	pthread_cond_init(&store->idle, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&store->lock, NULL);
}

static void
free_store(struct store *store)
{
	struct secret *secret = atomic_load(&store->secret);

	jobs_stop(&store->workers);
	if (store->backend != NULL)
		store->ops->close(store->backend);
	while (secret != NULL) {
		struct secret *before = secret->before;
		free(secret);
		secret = before;
	}
	pthread_cond_destroy(&store->work);
	pthread_cond_destroy(&store->idle);
	pthread_mutex_destroy(&store->lock);
	cache_close(&store->cache);
	limit_clear(&store->limit);
	free(store);
}

struct store *
store_open(const struct store_settings *settings, const struct clock *clock,
    struct error *error)
{
	struct store *store = calloc(1, sizeof *store);

	if (store == NULL) {
		error_set(error, "store: out of memory");
		return NULL;
	}
	store->clock = clock;
	store->settings = *settings;
	store->settings.url = NULL;
	store->durable = settings->durable;
	store->last = &store->first;
	init_conditions(store);
	cache_init(&store->cache);
	bool ok = open_backend(store, settings, error);
	if (ok && store->ops->is_shared) {
		store->workers =
		    jobs_start("store", BACKEND_READERS, QUEUE_MAX, error);
		ok = store->workers != NULL;
		if (ok)
			store_open_readers(store);
	}
	if (ok) {
		errno = pthread_create(&store->thread, NULL, writer_run, store);
		ok = errno == 0;
		if (!ok)
			error_set_errno(error, "cannot start a thread");
	}
	if (ok)
		return store;
	error_prefix(error, "store");
	free_store(store);
	return NULL;
}

void
store_close(struct store **pointer)
{
	struct store *store = *pointer;

	*pointer = NULL;
	if (store == NULL)
		return;
	block_declare("store_close");
	pthread_mutex_lock(&store->lock);
	store->stopping = true;
	pthread_cond_signal(&store->work);
	pthread_mutex_unlock(&store->lock);
	pthread_join(store->thread, NULL);
	free_store(store);
}

void
store_configure(struct store *store, const struct store_settings *settings)
{
	pthread_mutex_lock(&store->lock);
	store->settings = *settings;
	store->settings.url = NULL;
	pthread_mutex_unlock(&store->lock);
}

enum store_status
store_recall(struct store *store, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    struct history *history_r)
{
	if (store_recall_known(store, who, count, now, history_r))
		return STORE_OK;
	if (store->ops->is_shared)
		return store_recall_shared(
		    store, who, triplets, count, now, history_r);

	struct trouble trouble = {0};
	struct view *view = store->ops->reader(store->backend, &trouble);
	bool ok = false;

	if (view != NULL) {
		struct apply apply = store_apply(store, view);
		ok = apply_recall(
		    &apply, who, triplets, count, now, history_r, &trouble);
		store->ops->release(view);
	}
	if (ok)
		return STORE_OK;
	if (trouble.kind == TROUBLE_REOPEN || trouble.kind == TROUBLE_CORRUPT)
		atomic_store(&store->reader_trouble, (int)trouble.kind);
	store_missed(store, &trouble);
	return STORE_FAILED;
}

bool
store_submit(struct store *store, struct note *note)
{
	int64_t now_ms = clock_mono_ms(store->clock);

	pthread_mutex_lock(&store->lock);
	bool ok =
	    !store->stopping && !atomic_load(&store->away) &&
	    store->queued < QUEUE_MAX &&
	    (store->oldest_ms == 0 || now_ms - store->oldest_ms < QUEUE_SLOW_MS);
	note_ref(note);
	if (ok) {
		note->queued_ms = now_ms;
		note->next = NULL;
		*store->last = note;
		store->last = &note->next;
		if (store->oldest_ms == 0)
			store->oldest_ms = now_ms;
		store->queued++;
		store->submitted++;
		store->awaited += note->spec->done != NULL;
		/* The first note and a full batch wake the writer. */
		if (note->spec->done != NULL || store->queued == 1 ||
		    store->queued >= LINGER_NOTES)
			pthread_cond_signal(&store->work);
	} else {
		store->counters.refused++;
	}
	pthread_mutex_unlock(&store->lock);
	if (!ok)
		note_finish(note, NOTE_FAILED);
	return ok;
}

void
store_flush(struct store *store)
{
	block_declare("store_flush");
	pthread_mutex_lock(&store->lock);
	uint64_t wanted = store->submitted;
	store->flushing++;
	pthread_cond_signal(&store->work);
	while (store->finished < wanted)
		pthread_cond_wait(&store->idle, &store->lock);
	store->flushing--;
	pthread_mutex_unlock(&store->lock);
}

void
store_report(
    struct store *store, bool want_counts, struct store_status_report *report_r)
{
	struct store_status_report backend = {0};
	struct trouble ignored;

	if (want_counts)
		block_declare("store_report");
	(void)store->ops->report(store->backend, want_counts, &backend, &ignored);
	pthread_mutex_lock(&store->lock);
	*report_r = store->counters;
	report_r->queued = store->submitted - store->finished;
	report_r->away = atomic_load(&store->away);
	pthread_mutex_unlock(&store->lock);
	memcpy(report_r->held_by, backend.held_by, sizeof backend.held_by);
	report_r->clock_ahead_s = backend.clock_ahead_s;
	report_r->file_bytes = backend.file_bytes;
	report_r->wal_bytes = backend.wal_bytes;
	report_r->triplets_waiting = backend.triplets_waiting;
	report_r->triplets_passed = backend.triplets_passed;
	report_r->addresses = backend.addresses;
	report_r->domains = backend.domains;
	report_r->events = backend.events;
	report_r->schema = backend.schema;
}
