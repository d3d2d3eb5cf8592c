/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens, closes and reopens the database; lends its connections to readers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/text.h"
#include "store/sqlite/sqlite_private.h"

#define READER_CACHE_KIB 512
#define READER_BUSY_MS   20

bool
sqlite_take_lock(struct backend *backend, struct error *error)
{
	char path[4096];

	snprintf(path, sizeof path, "%s.lock", backend->path);
	backend->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (backend->lock_fd < 0) {
		error_set_errno(error, "%s", path);
		return false;
	}
	if (flock(backend->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno == EWOULDBLOCK)
		error_set(error, "in use by another targreyd (%s is locked)", path);
	else
		error_set_errno(error, "%s", path);
	return false;
}

/* Opens writer and checkpointer; readers are opened when first used. */
static bool
open_all(struct backend *backend, struct trouble *trouble)
{
	if (!sqlite_open_writer(backend, trouble))
		return false;
	atomic_store(&backend->checkpoint.wal_pages, 0);
	checkpoint_watch(&backend->checkpoint, backend->writer.connection.db);
	if (checkpoint_start(&backend->checkpoint, backend->path, trouble)) {
		sqlite_know_wal(backend);
		return true;
	}
	connection_close(&backend->writer.connection);
	return false;
}

/*
 * Closes every connection. SQLite removes the log by its name when the last one
 * closes, so none may be left open when another file gets that name.
 */
static void
close_all(struct backend *backend)
{
	checkpoint_stop(&backend->checkpoint);
	for (int i = 0; i < READERS; i++) {
		struct view *reader = &backend->readers[i];
		pthread_mutex_lock(&reader->lock);
		connection_close(&reader->connection);
		pthread_mutex_unlock(&reader->lock);
	}
	connection_close(&backend->writer.connection);
}

void
sqlite_close(struct backend *backend)
{
	if (backend == NULL)
		return;
	atomic_store(&backend->down, true);
	close_all(backend);
	checkpoint_close(&backend->checkpoint);
	for (int i = 0; i < READERS; i++)
		pthread_mutex_destroy(&backend->readers[i].lock);
	if (backend->lock_fd >= 0)
		close(backend->lock_fd);
	free(backend->path);
	free(backend);
}

struct backend *
sqlite_new(const char *url, struct error *error)
{
	struct backend *backend = calloc(1, sizeof *backend);
	if (backend == NULL ||
	    (backend->path = text_dup(sqlite_path(url))) == NULL ||
	    !checkpoint_init(&backend->checkpoint, error)) {
		error_set(error, "out of memory");
		if (backend != NULL)
			free(backend->path);
		free(backend);
		return NULL;
	}
	backend->lock_fd = -1;
	atomic_init(&backend->newest_bucket, INT64_MAX);
	backend->writer.backend = backend;
	for (int i = 0; i < READERS; i++) {
		backend->readers[i].backend = backend;
		pthread_mutex_init(&backend->readers[i].lock, NULL);
	}
	backend->sweep.passed = backend->sweep.address = INT64_MIN;
	return backend;
}

static bool
open_or_set_aside(struct backend *backend, struct trouble *trouble)
{
	if (open_all(backend, trouble))
		return true;
	/* A file that is no database at all may be somebody's: leave it alone. */
	if (trouble->kind != TROUBLE_CORRUPT ||
	    strstr(trouble->error.text, "not a database") != NULL)
		return false;
	return sqlite_set_aside(backend->path, trouble) &&
	       open_all(backend, trouble);
}

struct backend *
sqlite_open(const struct store_settings *settings,
    uint8_t secret[static SIPHASH_KEY_SIZE], struct error *error)
{
	struct trouble trouble = {0};
	struct backend *backend = sqlite_new(settings->url, error);

	if (backend == NULL)
		return NULL;
	backend->durable = settings->durable;
	memcpy(backend->secret, secret, SIPHASH_KEY_SIZE);
	bool ok = sqlite_take_lock(backend, error);
	if (ok && !open_or_set_aside(backend, &trouble)) {
		*error = trouble.error;
		ok = false;
	}
	if (!ok) {
		error_prefix(error, "%s", backend->path);
		sqlite_close(backend);
		return NULL;
	}
	memcpy(secret, backend->secret, SIPHASH_KEY_SIZE);
	return backend;
}

/*
 * After a failed sync it is unknown how much of the log is on disk: the store works
 * again only when all of it has been carried into the database.
 */
static bool
checkpoint_all(struct backend *backend, struct trouble *trouble)
{
	int result = sqlite3_wal_checkpoint_v2(backend->writer.connection.db, NULL,
	    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	return result == SQLITE_OK || (result & 0xff) == SQLITE_BUSY ||
	       connection_failed(&backend->writer.connection, trouble);
}

bool
sqlite_reopen(struct backend *backend, bool set_aside,
    uint8_t secret[static SIPHASH_KEY_SIZE], struct trouble *trouble)
{
	struct trouble moved;

	atomic_store(&backend->down, true);
	checkpoint_stop(&backend->checkpoint);
	bool was_open = backend->writer.connection.db != NULL;
	bool in_place = !was_open || sqlite_is_in_place(backend, &moved);
	if (!in_place) /* so that the file is complete, wherever it is now */
		sqlite3_wal_checkpoint_v2(backend->writer.connection.db, NULL,
		    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	close_all(backend);
	if (!in_place)
		sqlite_remove_stale_wal(backend);
	bool ok = (!set_aside || sqlite_set_aside(backend->path, trouble)) &&
	          open_or_set_aside(backend, trouble);
	if (ok && !checkpoint_all(backend, trouble)) {
		close_all(backend);
		ok = false;
	}
	if (ok) {
		memcpy(secret, backend->secret, SIPHASH_KEY_SIZE);
		atomic_store(&backend->down, false);
	}
	return ok;
}

static struct view *
lock_reader(struct backend *backend)
{
	for (int i = 0; i < READERS; i++) {
		if (pthread_mutex_trylock(&backend->readers[i].lock) == 0)
			return &backend->readers[i];
	}
	/* All in use: waits microseconds for a reader, never for the writer. */
	pthread_mutex_lock(&backend->readers[READERS - 1].lock);
	return &backend->readers[READERS - 1];
}

struct view *
sqlite_reader(struct backend *backend, struct trouble *trouble)
{
	if (backend->is_attached)
		return connection_do(
		           &backend->writer.connection, SQL_BEGIN, trouble)
		           ? &backend->writer
		           : NULL;
	struct view *view = lock_reader(backend);

	if (atomic_load(&backend->down)) {
		trouble->kind = TROUBLE_WAIT;
		error_set(&trouble->error, "the database is being reopened");
	} else if ((view->connection.db != NULL ||
	               connection_open(&view->connection, backend->path,
	                   SQLITE_OPEN_READONLY, READER_CACHE_KIB, READER_BUSY_MS,
	                   trouble)) &&
	           connection_do(&view->connection, SQL_BEGIN, trouble)) {
		return view;
	}
	pthread_mutex_unlock(&view->lock);
	return NULL;
}

void
sqlite_release(struct view *view)
{
	struct trouble ignored;

	if (!sqlite3_get_autocommit(view->connection.db))
		connection_do(&view->connection, SQL_COMMIT, &ignored);
	if (!view->backend->is_attached)
		pthread_mutex_unlock(&view->lock);
}
