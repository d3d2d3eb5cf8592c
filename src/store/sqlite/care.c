/* SPDX-License-Identifier: BSD-2-Clause */
/* For targreyctl: opening an existing database, checking it, copying it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

#define ATTACHED_CACHE_KIB 4096
#define ATTACHED_BUSY_MS   5000

/*
 * SQLite's write-ahead log needs shared memory beside the file, for readers too:
 * said here, since SQLite's own message is "attempt to write".
 */
static bool
may_share_memory(const char *path)
{
	char beside[4200];

	snprintf(beside, sizeof beside, "%s-shm", path);
	if (access(beside, F_OK) == 0)
		return access(beside, W_OK) == 0;
	char *slash = strrchr(beside, '/');
	if (slash != NULL)
		slash[slash == beside] = '\0';
	return access(slash != NULL ? beside : ".", W_OK) == 0;
}

static bool
open_file(struct backend *backend, bool writable, struct trouble *trouble)
{
	struct connection *connection = &backend->writer.connection;

	if (access(backend->path, R_OK | (writable ? W_OK : 0)) != 0) {
		error_set_errno(&trouble->error, "cannot open");
		return false;
	}
	if (!may_share_memory(backend->path)) {
		error_set(&trouble->error,
		    "cannot open: its folder is read-only for this user, and the "
		    "write-ahead log needs to be shared even by readers; run as "
		    "the daemon's user");
		return false;
	}
	return connection_open(connection, backend->path,
	           writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY,
	           ATTACHED_CACHE_KIB, ATTACHED_BUSY_MS, trouble) &&
	       sqlite_check_schema(connection, true, schema_steps, schema_version,
	           &backend->schema, trouble) &&
	       sqlite_read_secret(connection, backend->secret, trouble);
}

struct backend *
sqlite_attach(const char *url, bool writable,
    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct error *error)
{
	struct trouble trouble = {0};
	struct backend *backend = sqlite_new(url, error);

	if (backend == NULL)
		return NULL;
	backend->is_attached = true;
	if (open_file(backend, writable, &trouble)) {
		memcpy(secret_r, backend->secret, SIPHASH_KEY_SIZE);
		return backend;
	}
	error_set(error, "%s: %s", backend->path, trouble.error.text);
	sqlite_close(backend);
	return NULL;
}

/* --------------------------------------------------------------------- report */

static bool
count_rows(struct connection *connection, const char *table, uint64_t *count_r,
    struct trouble *trouble)
{
	int64_t count;
	char sql[96];

	snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
	bool ok = connection_number(connection, sql, &count, trouble);
	*count_r = ok ? (uint64_t)count : 0;
	return ok;
}

/* A row that stands for two counts as two. */
static bool
count_waiting(
    struct connection *connection, uint64_t *count_r, struct trouble *trouble)
{
	int64_t count = 0;
	bool ok = connection_number(connection,
	    "SELECT count(*) + count(twin) FROM waiting", &count, trouble);

	*count_r = (uint64_t)count;
	return ok;
}

bool
sqlite_report(struct backend *backend, bool want_counts,
    struct store_status_report *report_r, struct trouble *trouble)
{
	sqlite_sizes(backend->path, report_r);
	checkpoint_held_by(&backend->checkpoint, report_r->held_by);
	if (!want_counts)
		return true;
	struct view *view = sqlite_reader(backend, trouble);
	if (view == NULL)
		return false;
	struct connection *connection = &view->connection;
	bool ok =
	    count_waiting(connection, &report_r->triplets_waiting, trouble) &&
	    count_rows(connection, "passed", &report_r->triplets_passed, trouble) &&
	    count_rows(connection, "address", &report_r->addresses, trouble) &&
	    count_rows(connection, "domain", &report_r->domains, trouble) &&
	    count_rows(connection, "event", &report_r->events, trouble);
	sqlite_release(view);
	return ok;
}

/* ---------------------------------------------------------------------- check */

struct findings {
	bool (*each)(void *ctx, const char *finding);
	void *ctx;
	bool sound, ended;
};

static void
find_fault(struct findings *findings, const char *text)
{
	findings->sound = false;
	if (!findings->ended)
		findings->ended = !findings->each(findings->ctx, text);
}

static bool
check_pages(struct connection *connection, struct findings *findings,
    struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_prepare(connection, "PRAGMA integrity_check(100)", trouble);
	bool row = true, ok = statement != NULL;

	while (ok && row && !findings->ended) {
		ok = connection_step(connection, statement, &row, trouble);
		const char *text =
		    ok && row ? (const char *)sqlite3_column_text(statement, 0)
		              : NULL;
		if (text != NULL && strcmp(text, "ok") != 0)
			find_fault(findings, text);
	}
	sqlite3_finalize(statement);
	return ok;
}

static bool
check_texts(struct connection *connection, struct findings *findings,
    struct trouble *trouble)
{
	int64_t count;
	char text[128];

	if (!connection_number(connection,
	        "SELECT count(*) FROM passed WHERE NOT EXISTS"
	        " (SELECT 1 FROM passed_text WHERE passed_text.hash = passed.hash)",
	        &count, trouble))
		return false;
	if (count > 0) {
		snprintf(text, sizeof text,
		    "%lld passed triplets without their text", (long long)count);
		find_fault(findings, text);
	}
	return true;
}

bool
sqlite_check(struct backend *backend, bool (*each)(void *ctx, const char *finding),
    void *ctx, bool *sound_r, struct trouble *trouble)
{
	struct findings findings = {each, ctx, true, false};
	struct view *view = sqlite_reader(backend, trouble);

	if (view == NULL)
		return false;
	bool ok = check_pages(&view->connection, &findings, trouble) &&
	          check_texts(&view->connection, &findings, trouble);
	sqlite_release(view);
	/* A file too broken to walk is a finding, not a failure to look. */
	if (!ok && trouble->kind == TROUBLE_CORRUPT) {
		find_fault(&findings, trouble->error.text);
		ok = true;
	}
	*sound_r = findings.sound;
	return ok;
}

/* --------------------------------------------------------------------- backup */

#define PAGES_AT_ONCE 1024

static bool
copy_pages(struct connection *source, struct connection *target,
    void (*progress)(void *ctx, int left, int total), void *ctx,
    struct trouble *trouble)
{
	sqlite3_backup *backup =
	    sqlite3_backup_init(target->db, "main", source->db, "main");
	int result = backup == NULL ? SQLITE_ERROR : SQLITE_OK;

	while (result == SQLITE_OK) {
		result = sqlite3_backup_step(backup, PAGES_AT_ONCE);
		if (progress != NULL)
			progress(ctx, sqlite3_backup_remaining(backup),
			    sqlite3_backup_pagecount(backup));
	}
	if (sqlite3_backup_finish(backup) == SQLITE_OK && result == SQLITE_DONE)
		return true;
	return connection_failed(target, trouble);
}

bool
sqlite_backup(struct backend *backend, const char *path,
    void (*progress)(void *ctx, int left, int total), void *ctx,
    struct trouble *trouble)
{
	struct connection target;
	int64_t ignored;

	if (!connection_open(&target, path, SQLITE_OPEN_READWRITE,
	        ATTACHED_CACHE_KIB, 0, trouble))
		return false;
	/* Held for the whole copy, so that no commit makes it start again. */
	struct view *view = sqlite_reader(backend, trouble);
	bool ok = view != NULL &&
	          connection_number(&view->connection, "SELECT count(*) FROM meta",
	              &ignored, trouble) &&
	          copy_pages(&view->connection, &target, progress, ctx, trouble);
	if (view != NULL)
		sqlite_release(view);
	connection_close(&target);
	return ok;
}
