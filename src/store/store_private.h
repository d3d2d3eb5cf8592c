/* SPDX-License-Identifier: BSD-2-Clause */
/* struct store, for the files of this folder. */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock_watch.h"
#include "base/jobs.h"
#include "base/log.h"
#include "store/apply.h"
#include "store/backend.h"
#include "store/cache_private.h"
#include "store/note.h"

/* A full queue means that the disk hangs: it holds about ten seconds of mail. */
#define QUEUE_MAX 8192
/* Notes are refused while the oldest has waited longer than this. */
#define QUEUE_SLOW_MS 5000
/*
 * Notes that nobody waits for join others. They get a commit of their own when
 * there are LINGER_NOTES, or after LINGER_MS; after LINGER_BUSY_MS if LINGER_BUSY
 * came within the shorter time.
 */
#define LINGER_NOTES   64
#define LINGER_MS      20
#define LINGER_BUSY    4
#define LINGER_BUSY_MS 100
/* Larger transactions would lengthen the wait and save nothing. */
#define BATCH_MAX 512

/*
 * After a conflict others are writing the same rows, for instance those of a big
 * organisation: for this many transactions, locking rows is quicker.
 */
#define CROWDED_MOST 64

/* How long memory answers what other hosts may have changed meanwhile. */
#define CACHE_SHARED_MS 10000
/* After this many failures in a row, mail stops waiting for a shared database. */
#define FAILURES_MAX 3

/* The lock guards everything here that changes and is not atomic. */
struct store {
	const struct backend_ops *ops;
	struct backend *backend;
	const struct clock *clock;
	/* The current one; earlier ones stay readable until the store closes. */
	_Atomic(struct secret *) secret;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, idle;
	bool stopping;
	struct store_settings settings; /* url: not used after opening */
	struct note *first, **last;
	uint64_t queued, submitted, finished;
	uint64_t awaited;  /* queued notes that somebody waits for */
	unsigned flushing; /* threads in store_flush() */
	struct store_status_report counters;
	int64_t oldest_ms; /* when the oldest open note was queued; 0 = none */

	struct cache cache;
	struct jobs *workers; /* of a shared database, for look-ups */
	/* For a shared database, in a row: of writes, and of look-ups. */
	_Atomic unsigned failures, missed;
	_Atomic bool away; /* nobody waits for it until both succeed again */
	/* The trouble that a reader met (enum trouble_kind). */
	_Atomic int reader_trouble;
	struct log_limit limit_write, limit_read, limit_reopen, limit_refused;

	/* For the writer's thread only. */
	struct limit limit;
	struct clock_watch clock_watch;
	int64_t logged;
	bool durable;            /* as last told to the backend */
	unsigned crowded;        /* transactions left that lock what they read */
	int64_t corrupt_seen_ms; /* when damage was last found, 0 = never */
	int64_t house_kept_ms;   /* last housekeeping */
	bool may_expire_more;
};

struct secret {
	uint8_t octets[SIPHASH_KEY_SIZE];
	struct secret *before;
};

/* ---- state.c */
/* Puts a secret in force; false when out of memory. */
bool store_take_secret(
    struct store *store, const uint8_t secret[static SIPHASH_KEY_SIZE]);

/* Fills what apply_note() and apply_recall() need to know. */
struct apply store_apply(struct store *store, struct view *view);

/* As store_recall(), from memory; false if it is not there. */
bool store_recall_known(struct store *store, const struct store_who *who,
    size_t count, int64_t now, struct history *history_r);
/* Reports and counts a failed look-up; or that one did not fail. */
void store_missed(struct store *store, const struct trouble *trouble);
void store_found(struct store *store);
int64_t store_timeout_ms(struct store *store);

/* ---- ask.c */
enum store_status store_recall_shared(struct store *store,
    const struct store_who *who, const struct triplet *triplets, size_t count,
    int64_t now, struct history *history_r);

/* Has the workers open their connections, before somebody waits for one. */
void store_open_readers(struct store *store);

/* ---- housekeeping.c; the writer's thread */
void store_say_failing(struct store *store, const struct trouble *trouble);
void store_say_working(struct store *store);
/* Reopens the database; true if the work may be tried once more. */
bool store_reopen(
    struct store *store, enum trouble_kind kind, struct trouble *trouble);
/* One slice of expiry; probes and reopens a failing store. */
void store_keep_house(struct store *store);

/* The writer's thread. */
void *writer_run(void *store);

#endif
