/* SPDX-License-Identifier: BSD-2-Clause */
/* struct store, shared by store.c and writer.c; private to this folder. */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock_watch.h"
#include "base/log.h"
#include "store/apply.h"
#include "store/backend.h"
#include "store/cache.h"
#include "store/note.h"

/* A full queue means that the disk stands still: about ten seconds of mail. */
#define QUEUE_MAX 8192
/* Notes are refused while the oldest has waited longer than this. */
#define QUEUE_SLOW_MS 5000
/*
 * Notes that nobody waits for ride along with others; they make a commit of
 * their own only when there are so many, or after so long.
 */
#define LINGER_NOTES 64
#define LINGER_MS    20
/* More notes in one transaction make the wait longer and save nothing. */
#define BATCH_MAX 512

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
	/* A reader met trouble of this kind (enum trouble_kind). */
	_Atomic int reader_trouble;

	/* The writer's thread alone. */
	struct limit limit;
	struct clock_watch clock_watch;
	int64_t logged;
	bool durable;            /* as the backend was told last */
	int64_t corrupt_seen_ms; /* when a corrupt page was met last, 0 = never */
	int64_t house_kept_ms;   /* last housekeeping */
	bool may_expire_more;
	struct log_limit quiet;
};

struct secret {
	uint8_t octets[SIPHASH_KEY_SIZE];
	struct secret *before;
};

/* Puts a secret in force; false when memory is out. */
bool store_take_secret(
    struct store *store, const uint8_t secret[static SIPHASH_KEY_SIZE]);

/* Fills what apply_note() and apply_recall() need to know. */
struct apply store_apply(struct store *store, struct view *view);

/* The writer's thread. */
void *writer_run(void *store);

#endif
