/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/block.h"
#include "base/clock.h"
#include "store/held.h"
#include "store/store_private.h"

/* Housekeeping, and checks for a clock change, at least this often. */
#define HOUSEKEEPING_MS 250
/* Between probes of a failing store, and between walks of expiry. */
#define PROBE_MS 1000
/* Between two slices of expiry that removed something. */
#define SLICE_PAUSE_MS 4
/* Each conflict has a winner; later transactions lock their rows. */
#define CONFLICTS_MAX 20
/* A note whose time is used up still gets this long for its own try. */
#define LEFT_MIN_MS 100

/* ------------------------------------------------------------------ a batch */

struct batch {
	struct note *notes[BATCH_MAX];
	enum note_state states[BATCH_MAX]; /* NOTE_WAITING: still to be decided */
	/* The resulting addresses, should the commit succeed. */
	struct applied_address addresses[BATCH_MAX];
	size_t count;
};

/*
 * UNCERTAIN: the commit itself failed, so it must not be repeated. SPLIT: one of
 * the notes is at fault, and it is not known which.
 */
enum written { DONE, AGAIN, CONFLICT, SPLIT, GIVE_UP, UNCERTAIN };

/* A part of a batch, with its own transaction. */
struct range {
	struct batch *batch;
	size_t from, to;
	int64_t until_ms; /* as in struct backend_ops */
	bool had_conflict;
};

static struct apply
applying(struct store *store, struct view *view)
{
	struct apply apply = store_apply(store, view);

	clock_watch_look(&store->clock_watch, store->clock);
	int64_t now = clock_watch_wall(&store->clock_watch, store->clock);
	/* Never decreases, unless a lower clock is believed after a day. */
	if (now > store->logged ||
	    store->logged - now > CLOCK_WATCH_SLACK_MS / 1000)
		store->logged = now;
	apply.logged = store->logged;
	return apply;
}

static bool
expect_range(
    const struct apply *apply, const struct range *range, struct trouble *trouble)
{
	struct expected expected = {0};
	int64_t day = 0;

	if (apply->ops->expect == NULL)
		return true;
	for (size_t i = range->from; i < range->to; i++) {
		const struct note_spec *spec = range->batch->notes[i]->spec;
		if (range->batch->states[i] != NOTE_WAITING)
			continue;
		apply_expect(apply, &expected, spec);
		day = backend_day(spec->now);
	}
	struct wanted wanted = expected_wanted(&expected, day);
	bool ok = apply->ops->expect(apply->view, &wanted, trouble);
	expected_clear(&expected);
	return ok;
}

static enum written
written_of(const struct trouble *trouble)
{
	switch (trouble->kind) {
	case TROUBLE_CONFLICT:
		return CONFLICT;
	case TROUBLE_NOTE:
		return SPLIT;
	case TROUBLE_NONE:
	case TROUBLE_WAIT:
	case TROUBLE_REOPEN:
	case TROUBLE_CORRUPT:
		break;
	}
	return GIVE_UP;
}

/*
 * All undecided notes. One that cannot be kept is decided alone, and the others are
 * to be tried again without it.
 */
static enum written
apply_range(
    const struct apply *apply, const struct range *range, struct trouble *trouble)
{
	struct batch *batch = range->batch;

	for (size_t i = range->from; i < range->to; i++) {
		if (batch->states[i] != NOTE_WAITING)
			continue;
		switch (apply_note(
		    apply, batch->notes[i]->spec, &batch->addresses[i], trouble)) {
		case APPLIED:
			break;
		case APPLY_LIMITED:
			batch->states[i] = NOTE_LIMITED;
			break;
		case APPLY_FAILED:
			if (trouble->kind != TROUBLE_NOTE)
				return written_of(trouble);
			batch->states[i] = NOTE_FAILED;
			return AGAIN;
		}
	}
	return DONE;
}

static enum written
try_range(struct store *store, const struct range *range, struct trouble *trouble)
{
	bool changed;
	struct view *view = store->ops->begin(store->backend,
	    range->had_conflict ? FOR_NOTES_AGAIN : FOR_NOTES, range->until_ms,
	    &changed, trouble);

	if (view == NULL)
		return GIVE_UP;
	if (changed)
		cache_clear(&store->cache);
	struct apply apply = applying(store, view);
	struct held held = {0};
	if (!store->ops->is_shared) /* such a backend holds its rows itself */
		apply.held = &held;
	enum written written = expect_range(&apply, range, trouble)
	                           ? apply_range(&apply, range, trouble)
	                           : written_of(trouble);
	if (written == DONE && !held_write(&apply, trouble))
		written = written_of(trouble);
	held_clear(&held);
	if (written != DONE) {
		store->ops->rollback(view);
		return written;
	}
	switch (store->ops->commit(view, trouble)) {
	case COMMITTED:
		return DONE;
	case NOT_COMMITTED:
		return written_of(trouble);
	case COMMIT_UNCERTAIN:
		break;
	}
	return UNCERTAIN;
}

static void
remember_addresses(
    struct store *store, const struct batch *batch, size_t from, size_t to)
{
	int64_t now = clock_wall(store->clock);
	int64_t now_ms = clock_mono_ms(store->clock);

	for (size_t i = from; i < to; i++) {
		const struct applied_address *address = &batch->addresses[i];
		if (batch->states[i] == NOTE_COMMITTED &&
		    address->record.first_seen != 0)
			cache_put(&store->cache, address->key, now_ms, now,
			    &address->record);
	}
}

/* Whether they are as the database has them is not known. */
static void
forget_addresses(
    struct store *store, const struct batch *batch, size_t from, size_t to)
{
	static const struct address_record unknown;

	for (size_t i = from; i < to; i++)
		cache_put(&store->cache, batch->addresses[i].key, 0, 1, &unknown);
}

/* The database works, so neither status nor the next notes will tell why. */
static void
say_refused(struct store *store, const struct trouble *trouble)
{
	if (log_may(&store->limit_refused, clock_mono_ms(store->clock), NULL))
		log_warnx("store: one client's record is not kept: %s",
		    trouble->error.text);
}

static bool
is_too_late(const struct range *range)
{
	return range->until_ms != 0 && clock_real_ms() >= range->until_ms;
}

/* Until it succeeds or cannot; trouble then has the reason. */
static enum written
try_on(struct store *store, struct range *range, struct trouble *trouble)
{
	enum written written;
	int reopened = 0, conflicts = 0;

	if (store->crowded > 0) {
		store->crowded--;
		range->had_conflict = true;
	}
	do {
		written = try_range(store, range, trouble);
		switch (written) {
		case AGAIN:
			say_refused(store, trouble);
			break;
		case DONE:
		case SPLIT:
			break;
		case CONFLICT:
			range->had_conflict = true;
			store->crowded = CROWDED_MOST;
			written = conflicts++ < CONFLICTS_MAX ? AGAIN : GIVE_UP;
			break;
		case GIVE_UP:
		case UNCERTAIN:
			if (reopened++ < 2 && !is_too_late(range) &&
			    store_reopen(store, trouble->kind, trouble) &&
			    written == GIVE_UP)
				written = AGAIN;
			else
				store_say_failing(store, trouble);
			break;
		}
	} while (written == AGAIN);
	return written;
}

static void
run_range(struct store *store, struct range *range)
{
	struct trouble trouble = {0};
	struct batch *batch = range->batch;
	enum written written =
	    atomic_load(&store->away) ? GIVE_UP : try_on(store, range, &trouble);

	if (written == SPLIT && range->to - range->from > 1) {
		size_t middle = range->from + (range->to - range->from) / 2;
		struct range first = {
		    batch, range->from, middle, range->until_ms, false};
		struct range second = {
		    batch, middle, range->to, range->until_ms, false};
		run_range(store, &first);
		run_range(store, &second);
		return;
	}
	if (written == SPLIT)
		say_refused(store, &trouble);
	for (size_t i = range->from; i < range->to; i++) {
		if (batch->states[i] == NOTE_WAITING)
			batch->states[i] =
			    written == DONE ? NOTE_COMMITTED : NOTE_FAILED;
	}
	if (written == DONE) {
		remember_addresses(store, batch, range->from, range->to);
		store_say_working(store);
	} else if (written == UNCERTAIN) {
		forget_addresses(store, batch, range->from, range->to);
	}
}

/* The oldest note has already waited for a while. */
static int64_t
deadline_of(struct store *store, const struct batch *batch)
{
	if (!store->ops->is_shared)
		return 0;
	int64_t timeout_ms = store_timeout_ms(store);
	int64_t waited_ms =
	    clock_mono_ms(store->clock) - batch->notes[0]->queued_ms;
	int64_t left_ms = timeout_ms - waited_ms;
	if (left_ms > timeout_ms)
		left_ms = timeout_ms;
	if (left_ms < LEFT_MIN_MS)
		left_ms = LEFT_MIN_MS;
	return clock_real_ms() + left_ms;
}

static void
run_batch(struct store *store, struct batch *batch)
{
	struct range all = {
	    batch, 0, batch->count, deadline_of(store, batch), false};

	run_range(store, &all);
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
		store->awaited -= note->spec->done != NULL;
		batch->notes[batch->count] = note;
		batch->states[batch->count++] = NOTE_WAITING;
	}
	if (store->first == NULL)
		store->last = &store->first;
	store->queued -= batch->count;
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

/*
 * Call with the lock held; returns when there is something to do. Notes that nobody
 * waits for stay until others join them, longer when many come.
 */
static void
wait_for_work(struct store *store)
{
	int64_t lingers_ms = 0;
	struct timespec when =
	    in_ms(store->may_expire_more ? SLICE_PAUSE_MS : HOUSEKEEPING_MS);

	while (!store->stopping && store->awaited == 0 &&
	       store->queued < LINGER_NOTES &&
	       (store->queued == 0 || store->flushing == 0)) {
		if (store->queued > 0 && lingers_ms == 0) {
			lingers_ms = LINGER_MS;
			when = in_ms(LINGER_MS);
		}
		block_declare("store: condition wait");
		if (pthread_cond_timedwait(&store->work, &store->lock, &when) == 0)
			continue;
		if (lingers_ms != LINGER_MS || store->queued < LINGER_BUSY)
			return;
		lingers_ms = LINGER_BUSY_MS;
		when = in_ms(LINGER_BUSY_MS - LINGER_MS);
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
			store_keep_house(store);
	}
	free(batch);
	return NULL;
}
