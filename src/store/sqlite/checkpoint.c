/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sqlite/checkpoint_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/block.h"
#include "base/log.h"
#include "store/sqlite/readers_private.h"

#define TICK_MS     50
#define SLOW_MS     5   /* a batch waits this long while the log is too long */
#define CAP_WAIT_MS 250 /* and at most this long when it is much too long */
#define LITTLE      256 /* pages that may be carried over in a pause */
#define PASSES      4
#define STUCK_MS    2000 /* readers of ours or of targreyctl list finish sooner */
#define IDLE_TICKS  20   /* after this many, a short log is carried over too */

/* Real time: the thread's ticks do not depend on the mail's clock. */
static struct timespec
in_ms(unsigned ms)
{
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_nsec += (long)(ms % 1000) * 1000000;
	when.tv_sec += (time_t)(ms / 1000) + when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

bool
checkpoint_init(struct checkpoint *checkpoint, struct error *error)
{
	pthread_condattr_t attributes;

	memset(checkpoint, 0, sizeof *checkpoint);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	int result = pthread_cond_init(&checkpoint->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (result == 0)
		result = pthread_mutex_init(&checkpoint->lock, NULL);
	if (result != 0) {
		errno = result;
		error_set_errno(error, "checkpointer");
	}
	return result == 0;
}

void
checkpoint_close(struct checkpoint *checkpoint)
{
	pthread_cond_destroy(&checkpoint->changed);
	pthread_mutex_destroy(&checkpoint->lock);
}

static int
count_pages(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct checkpoint *checkpoint = ctx;

	(void)db;
	(void)name;
	atomic_store(&checkpoint->wal_pages, pages);
	return SQLITE_OK;
}

void
checkpoint_watch(struct checkpoint *checkpoint, sqlite3 *writer)
{
	sqlite3_wal_hook(writer, count_pages, checkpoint);
}

/* Returns how many pages of the log remain to be carried over. */
static int
pass(struct checkpoint *checkpoint)
{
	static struct log_limit quiet;
	struct timespec now;
	int in_log = 0, carried = 0;

	int result = sqlite3_wal_checkpoint_v2(checkpoint->connection.db, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, &in_log, &carried);
	if (result == SQLITE_OK) {
		if (carried != checkpoint->carried)
			checkpoint->stuck_since_ms = 0;
		checkpoint->carried = carried;
		return atomic_load(&checkpoint->wal_pages) - carried;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	if ((result & 0xff) != SQLITE_BUSY &&
	    log_may(&quiet, now.tv_sec * 1000, NULL))
		log_warnx("store: checkpoint: %s", sqlite3_errstr(result));
	return WAL_CAP;
}

static int64_t
real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
find_holder(struct checkpoint *checkpoint)
{
	char names[HELD_BY_SIZE - 110], text[HELD_BY_SIZE];
	static struct log_limit quiet;

	sqlite_readers(checkpoint->path, names, sizeof names);
	snprintf(text, sizeof text,
	    "%s has kept reading for %lld s: the write-ahead log (%d MiB) cannot "
	    "be "
	    "shortened",
	    *names != '\0' ? names : "another program",
	    (long long)(real_ms() - checkpoint->stuck_since_ms) / 1000,
	    atomic_load(&checkpoint->wal_pages) / 256);
	if (log_may(&quiet, real_ms(), NULL))
		log_warnx("store: %s; end that process", text);
	pthread_mutex_lock(&checkpoint->lock);
	memcpy(checkpoint->held_by, text, sizeof text);
	pthread_mutex_unlock(&checkpoint->lock);
}

/* A long log that cannot be carried over further: somebody is reading it. */
static bool
is_held(struct checkpoint *checkpoint, int pages, int left)
{
	bool was_held = atomic_load(&checkpoint->held), held = false;

	if (pages < WAL_SLOW || left <= LITTLE) {
		checkpoint->stuck_since_ms = 0;
	} else if (checkpoint->stuck_since_ms == 0) {
		checkpoint->stuck_since_ms = real_ms();
	} else {
		held = real_ms() - checkpoint->stuck_since_ms >= STUCK_MS;
	}
	if (held)
		find_holder(checkpoint);
	else if (was_held)
		log_info("store: the write-ahead log can be shortened again");
	atomic_store(&checkpoint->held, held);
	return held;
}

void
checkpoint_held_by(struct checkpoint *checkpoint, char held_by[static HELD_BY_SIZE])
{
	held_by[0] = '\0';
	if (!atomic_load(&checkpoint->held))
		return;
	pthread_mutex_lock(&checkpoint->lock);
	memcpy(held_by, checkpoint->held_by, HELD_BY_SIZE);
	pthread_mutex_unlock(&checkpoint->lock);
}

static bool
writer_pauses(struct checkpoint *checkpoint)
{
	block_declare("checkpoint: wait for the writer");
	pthread_mutex_lock(&checkpoint->lock);
	checkpoint->wanted = true;
	while (checkpoint->writing && !checkpoint->stopping)
		pthread_cond_wait(&checkpoint->changed, &checkpoint->lock);
	bool paused = !checkpoint->writing;
	pthread_mutex_unlock(&checkpoint->lock);
	return paused;
}

static void
writer_goes_on(struct checkpoint *checkpoint, bool is_empty)
{
	pthread_mutex_lock(&checkpoint->lock);
	if (is_empty)
		atomic_store(&checkpoint->wal_pages, 0);
	checkpoint->wanted = false;
	pthread_cond_broadcast(&checkpoint->changed);
	pthread_mutex_unlock(&checkpoint->lock);
}

static void
tick(struct checkpoint *checkpoint, unsigned *idle)
{
	int pages = atomic_load(&checkpoint->wal_pages), left;

	(*idle)++;
	if (pages < WAL_WORTHWHILE && (pages == 0 || *idle < IDLE_TICKS))
		return;
	*idle = 0;
	left = pass(checkpoint);
	if (pages < WAL_LONG && pages >= WAL_WORTHWHILE)
		return;
	/* Alongside the writer as far as possible, so that its pause is short. */
	for (int i = 0; left > LITTLE && i < PASSES && !checkpoint->stopping; i++)
		left = pass(checkpoint);
	if (is_held(checkpoint, pages, left))
		return;
	if (left > LITTLE && atomic_load(&checkpoint->wal_pages) < WAL_CAP)
		return;
	bool is_empty = writer_pauses(checkpoint) && pass(checkpoint) <= 0;
	writer_goes_on(checkpoint, is_empty);
}

static void *
run(void *arg)
{
	struct checkpoint *checkpoint = arg;
	unsigned idle = 0;

	pthread_setname_np(pthread_self(), "checkpoint");
	pthread_mutex_lock(&checkpoint->lock);
	while (!checkpoint->stopping) {
		struct timespec when = in_ms(TICK_MS);
		block_declare("checkpoint: condition wait");
		pthread_cond_timedwait(
		    &checkpoint->changed, &checkpoint->lock, &when);
		if (checkpoint->stopping)
			break;
		pthread_mutex_unlock(&checkpoint->lock);
		tick(checkpoint, &idle);
		pthread_mutex_lock(&checkpoint->lock);
	}
	pthread_mutex_unlock(&checkpoint->lock);
	return NULL;
}

bool
checkpoint_start(
    struct checkpoint *checkpoint, const char *path, struct trouble *trouble)
{
	if (!connection_open(&checkpoint->connection, path, SQLITE_OPEN_READWRITE,
	        256, 0, trouble))
		return false;
	checkpoint->stopping = checkpoint->writing = checkpoint->wanted = false;
	checkpoint->path = path;
	checkpoint->stuck_since_ms = 0;
	atomic_store(&checkpoint->held, false);
	int result = pthread_create(&checkpoint->thread, NULL, run, checkpoint);
	if (result != 0) {
		trouble->kind = TROUBLE_WAIT;
		errno = result;
		error_set_errno(
		    &trouble->error, "checkpointer: cannot start a thread");
		connection_close(&checkpoint->connection);
		return false;
	}
	checkpoint->running = true;
	return true;
}

void
checkpoint_stop(struct checkpoint *checkpoint)
{
	if (!checkpoint->running)
		return;
	pthread_mutex_lock(&checkpoint->lock);
	checkpoint->stopping = true;
	pthread_cond_broadcast(&checkpoint->changed);
	pthread_mutex_unlock(&checkpoint->lock);
	pthread_join(checkpoint->thread, NULL);
	checkpoint->running = false;
	connection_close(&checkpoint->connection);
}

void
checkpoint_enter(struct checkpoint *checkpoint)
{
	int pages = atomic_load(&checkpoint->wal_pages);
	struct timespec limit = in_ms(pages > WAL_CAP ? CAP_WAIT_MS : SLOW_MS);
	int result = 0;

	block_declare("checkpoint: back-pressure");
	pthread_mutex_lock(&checkpoint->lock);
	while (result == 0 && checkpoint->running && !checkpoint->wanted &&
	       !atomic_load(&checkpoint->held) &&
	       atomic_load(&checkpoint->wal_pages) > WAL_SLOW)
		result = pthread_cond_timedwait(
		    &checkpoint->changed, &checkpoint->lock, &limit);
	while (checkpoint->running && checkpoint->wanted)
		pthread_cond_wait(&checkpoint->changed, &checkpoint->lock);
	checkpoint->writing = true;
	pthread_mutex_unlock(&checkpoint->lock);
}

void
checkpoint_leave(struct checkpoint *checkpoint)
{
	pthread_mutex_lock(&checkpoint->lock);
	checkpoint->writing = false;
	if (checkpoint->wanted)
		pthread_cond_broadcast(&checkpoint->changed);
	pthread_mutex_unlock(&checkpoint->lock);
}
