/* SPDX-License-Identifier: BSD-2-Clause */
/* struct store, shared by the files of this folder. */
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

/* Look-ups in a shared database that may be under way at once, each with a link. */
#define WORKERS 4
/* A full queue means that the disk hangs: about ten seconds of mail. */
#define QUEUE_MAX 8192
/* Notes are refused while the oldest has waited longer than this. */
#define QUEUE_SLOW_MS 5000
/*
 * Notes that nobody waits for go along with others. They make a commit of their
 * own when there are LINGER_NOTES, or after LINGER_MS; after LINGER_BUSY_MS when
 * LINGER_BUSY came within the shorter time.
 */
#define LINGER_NOTES   64
#define LINGER_MS      20
#define LINGER_BUSY    4
#define LINGER_BUSY_MS 100
/* More notes in one transaction make the wait longer and save nothing. */
#define BATCH_MAX 512

/*
 * After a conflict others are at the same rows, those of a big organisation for
 * instance: for this many transactions it is quicker to wait for each other.
 */
#define CROWDED_MOST 64

/* What others may have changed meanwhile is answered from memory this long. */
#define CACHE_SHARED_MS 10000
/* After this many failures in a row no mail waits for a shared database. */
#define FAILURES_MAX 3

/* Everything here that changes is guarded by lock, but for what is atomic. */
struct store {
	const struct backend_ops *ops;
	struct backend *backend;
	const struct clock *clock;
	/* The one in force; earlier ones stay readable until the store closes. */
	_Atomic(struct secret *) secret;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, idle;
	bool stopping;
	struct store_settings settings; /* url: not used after the opening */
	struct note *first, **last;
	uint64_t queued, submitted, finished;
	uint64_t awaited;  /* queued notes that somebody waits for */
	unsigned flushing; /* threads in store_flush() */
	struct store_status_report counters;
	int64_t oldest_ms; /* when the oldest note at work was queued; 0 = none */

	struct cache cache;
	struct jobs *workers;      /* of a shared database, for look-ups */
	_Atomic unsigned failures; /* in a row, of a shared database */
	_Atomic bool away;         /* nobody waits for it until a probe succeeds */
	/* A reader met trouble of this kind (enum trouble_kind). */
	_Atomic int reader_trouble;

	/* The writer's thread alone. */
	struct limit limit;
	struct clock_watch clock_watch;
	int64_t logged;
	bool durable;     /* as the backend was told last */
	unsigned crowded; /* this many transactions more lock what they read */
	int64_t corrupt_seen_ms; /* when a corrupt page was met last, 0 = never */
	int64_t house_kept_ms;   /* last housekeeping */
	bool may_expire_more;
	struct log_limit quiet;
};

struct secret {
	uint8_t octets[SIPHASH_KEY_SIZE];
	struct secret *before;
};

/* ---- state.c */
/* Puts a secret in force; false when memory is out. */
bool store_take_secret(
    struct store *store, const uint8_t secret[static SIPHASH_KEY_SIZE]);

/* Fills what apply_note() and apply_recall() need to know. */
struct apply store_apply(struct store *store, struct view *view);

/* As store_recall(), from memory; false when it is not there. */
bool store_recall_known(struct store *store, const struct store_who *who,
    size_t count, int64_t now, struct history *history_r);
/* A look-up has failed: tells of it, and counts it. */
void store_missed(struct store *store, const struct trouble *trouble);
int64_t store_timeout_ms(struct store *store);

/* ---- ask.c */
enum store_status store_recall_shared(struct store *store,
    const struct store_who *who, const struct triplet *triplets, size_t count,
    int64_t now, struct history *history_r);

/* ---- housekeeping.c; the writer's thread */
void store_say_failing(struct store *store, const struct trouble *trouble);
void store_say_working(struct store *store);
/* Opens the database again; true when the work may be tried once more. */
bool store_reopen(
    struct store *store, enum trouble_kind kind, struct trouble *trouble);
/* One slice of expiry; a store that fails is probed, and opened again. */
void store_keep_house(struct store *store);

/* The writer's thread. */
void *writer_run(void *store);

#endif
