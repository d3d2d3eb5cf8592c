/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread that carries pages from the write-ahead log into the database, so
 * that the writer never does; private to this folder.
 *
 * It works beside the writer, small and often. When the log gets long it asks
 * the writer for a moment's pause, in which it carries the rest over: the
 * writer's next commit then begins the log anew. Above the cap the writer
 * itself slows down.
 */
#ifndef STORE_CHECKPOINT_H
#define STORE_CHECKPOINT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "store/sqlite/connection.h"

/* In pages of 4 KiB. */
#define WAL_WORTHWHILE 1000  /* from here on a pass is made at every tick */
#define WAL_LONG       4096  /* from here on the writer is asked to pause */
#define WAL_SLOW       8192  /* from here on the writer slows down */
#define WAL_CAP        16384 /* from here on it waits */

struct checkpoint {
	pthread_t thread;
	bool running;
	struct connection connection; /* the thread's, and start's and stop's */
	_Atomic int wal_pages;
	/* Guards the rest. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	_Atomic bool stopping;
	bool writing; /* the writer is in a transaction */
	bool wanted;  /* the checkpointer waits for it to end */
};

bool checkpoint_init(struct checkpoint *checkpoint, struct error *error);
void checkpoint_free(struct checkpoint *checkpoint);

/* The thread with its own connection; stop closes it. */
bool checkpoint_start(
    struct checkpoint *checkpoint, const char *path, struct trouble *trouble);
void checkpoint_stop(struct checkpoint *checkpoint);

/* Counts the pages that the writer's commits leave in the log. */
void checkpoint_watch(struct checkpoint *checkpoint, sqlite3 *writer);

/* Around each transaction of the writer. */
void checkpoint_enter(struct checkpoint *checkpoint);
void checkpoint_leave(struct checkpoint *checkpoint);

#endif
