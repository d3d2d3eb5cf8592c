/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread that carries pages from the write-ahead log into the database, so that
 * the writer never has to; private to this folder.
 *
 * It works alongside the writer, in small and frequent passes. When the log gets
 * long it asks the writer for a short pause, in which it carries the rest over: the
 * writer's next commit then starts the log again. Above the cap the writer itself
 * slows down.
 *
 * Another program that keeps a read transaction open stops all that: what it may
 * still read cannot be overwritten. Waiting would help nobody then; the log grows,
 * and a warning names that program.
 */
#ifndef STORE_CHECKPOINT_PRIVATE_H
#define STORE_CHECKPOINT_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "store/sqlite/connection_private.h"
#include "store/store.h"

/* In pages of 4 KiB. */
#define WAL_WORTHWHILE 1000  /* from here on every tick makes a pass */
#define WAL_LONG       4096  /* from here on the writer is asked to pause */
#define WAL_SLOW       8192  /* from here on the writer slows down */
#define WAL_CAP        16384 /* from here on it waits */

struct checkpoint {
	pthread_t thread;
	bool running;
	const char *path; /* borrowed */
	/* For the thread: pages carried over, and since when no more were. */
	int carried;
	int64_t stuck_since_ms;       /* real time; 0: not stuck */
	struct connection connection; /* for the thread, start and stop */
	_Atomic int wal_pages;
	_Atomic bool held; /* by a reader */
	/* Guards the rest. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	_Atomic bool stopping;
	bool writing;               /* the writer is in a transaction */
	bool wanted;                /* the checkpointer waits for it to end */
	char held_by[HELD_BY_SIZE]; /* while held */
};

bool checkpoint_init(struct checkpoint *checkpoint, struct error *error);
void checkpoint_close(struct checkpoint *checkpoint);

/* The thread with its own connection, which stop closes. */
bool checkpoint_start(
    struct checkpoint *checkpoint, const char *path, struct trouble *trouble);
void checkpoint_stop(struct checkpoint *checkpoint);

/* Who keeps the log from being shortened, for people; "" = nobody. */
void checkpoint_held_by(
    struct checkpoint *checkpoint, char held_by[static HELD_BY_SIZE]);

/* Counts the pages that the writer's commits leave in the log. */
void checkpoint_watch(struct checkpoint *checkpoint, sqlite3 *writer);

/* Called around each of the writer's transactions. */
void checkpoint_enter(struct checkpoint *checkpoint);
void checkpoint_leave(struct checkpoint *checkpoint);

#endif
