/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "store/apply.h"
#include "store/keys.h"
#include "query/query_private.h"
#include "store/schema.h"

#define QUERY_CACHE_KIB 4096
#define QUERY_BUSY_MS   5000

bool
query_failed(
    const struct query *query, const struct trouble *trouble, struct error *error)
{
	error_set(error, "%s: %s", query->backend.path, trouble->error.text);
	return false;
}

/*
 * SQLite's write-ahead log wants shared memory beside the file, from readers,
 * too: said here, since its own words are "attempt to write".
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
open_file(struct query *query, struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;
	int mode = R_OK | (query->writable ? W_OK : 0);
	int flags = query->writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;

	if (access(query->backend.path, mode) != 0) {
		error_set_errno(&trouble->error, "cannot open");
		return false;
	}
	if (!may_share_memory(query->backend.path)) {
		error_set(&trouble->error,
		    "cannot open: its folder is read-only for this user, and the "
		    "write-ahead log needs to be shared even by readers; run as "
		    "the daemon's user");
		return false;
	}
	return connection_open(connection, query->backend.path, flags,
	           QUERY_CACHE_KIB, QUERY_BUSY_MS, trouble) &&
	       sqlite_check_schema(connection, true, schema_steps, schema_version,
	           &query->backend.schema, trouble) &&
	       sqlite_read_secret(connection, query->backend.secret, trouble);
}

struct query *
query_open(const char *url, bool writable, struct error *error)
{
	struct trouble trouble = {0};
	const char *path = sqlite_path(url);
	struct query *query = calloc(1, sizeof *query);

	if (path == NULL || query == NULL ||
	    (query->backend.path = text_dup(path)) == NULL) {
		error_set(error,
		    path == NULL ? "%s: not a file that can be opened"
		                 : "%s: out of memory",
		    url);
		free(query);
		return NULL;
	}
	query->writable = writable;
	query->backend.writer.backend = &query->backend;
	if (open_file(query, &trouble))
		return query;
	query_failed(query, &trouble, error);
	query_close(&query);
	return NULL;
}

void
query_close(struct query **pointer)
{
	struct query *query = *pointer;

	*pointer = NULL;
	if (query == NULL)
		return;
	connection_close(&query->backend.writer.connection);
	free(query->backend.path);
	free(query);
}

const uint8_t *
query_secret(const struct query *query)
{
	return query->backend.secret;
}

bool
query_enter(struct query *query, struct trouble *trouble)
{
	return query->begun ||
	       connection_do(&query->backend.writer.connection, SQL_BEGIN, trouble);
}

bool
query_leave(struct query *query, bool ok)
{
	struct trouble ignored;

	if (!query->begun)
		connection_do(
		    &query->backend.writer.connection, SQL_COMMIT, &ignored);
	return ok;
}

bool
query_enter_change(struct query *query, struct trouble *trouble)
{
	if (!query->writable) {
		error_set(&trouble->error, "opened for reading only");
		return false;
	}
	return query->begun || connection_do(&query->backend.writer.connection,
	                           SQL_BEGIN_IMMEDIATE, trouble);
}

bool
query_leave_change(struct query *query, bool ok, struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;

	if (query->begun)
		return ok;
	ok = ok && connection_do(connection, SQL_COMMIT, trouble);
	if (!ok && !sqlite3_get_autocommit(connection->db))
		sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
	return ok;
}

bool
query_begin(struct query *query, struct error *error)
{
	struct trouble trouble = {0};

	if (!query_enter_change(query, &trouble))
		return query_failed(query, &trouble, error);
	query->begun = true;
	return true;
}

bool
query_commit(struct query *query, struct error *error)
{
	struct trouble trouble = {0};

	query->begun = false;
	return query_leave_change(query, true, &trouble) ||
	       query_failed(query, &trouble, error);
}

sqlite3_stmt *
query_prepare(struct query *query, const char *sql, struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(connection->db, sql, -1, &statement, NULL) ==
	    SQLITE_OK)
		return statement;
	connection_failed(connection, trouble);
	return NULL;
}

bool
query_person_matches(
    const struct query *query, const char *stored, const char *wanted)
{
	char hash[PERSON_SIZE];

	if (wanted == NULL)
		return true;
	if (stored == NULL)
		return false;
	if (strcasestr(stored, wanted) != NULL)
		return true;
	return strchr(stored, '#') != NULL &&
	       strstr(stored, person_hash(query->backend.secret, wanted, hash)) !=
	           NULL;
}

bool
query_recall(struct query *query, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    int64_t retry_window_s, struct history *history_r, struct error *error)
{
	struct trouble trouble = {0};
	struct apply apply = {
	    .ops = &sqlite_ops,
	    .view = &query->backend.writer,
	    .secret = query->backend.secret,
	    .retry_window_s = retry_window_s,
	};

	if (query_enter(query, &trouble) &&
	    query_leave(query, apply_recall(&apply, who, triplets, count, now,
	                           history_r, &trouble)))
		return true;
	return query_failed(query, &trouble, error);
}

bool
query_report(
    struct query *query, struct store_status_report *report_r, struct error *error)
{
	struct trouble trouble = {0};

	memset(report_r, 0, sizeof *report_r);
	if (!query_enter(query, &trouble))
		return query_failed(query, &trouble, error);
	bool ok =
	    sqlite_count(&query->backend.writer.connection, report_r, &trouble);
	query_leave(query, ok);
	sqlite_sizes(query->backend.path, report_r);
	return ok || query_failed(query, &trouble, error);
}

/* ---------------------------------------------------------- check and backup */

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
check_pages(struct query *query, struct findings *findings, struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;
	sqlite3_stmt *statement =
	    query_prepare(query, "PRAGMA integrity_check(100)", trouble);
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
check_texts(struct query *query, struct findings *findings, struct trouble *trouble)
{
	int64_t count;
	char text[128];

	if (!connection_number(&query->backend.writer.connection,
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
query_check(struct query *query, bool (*each)(void *ctx, const char *finding),
    void *ctx, bool *sound_r, struct error *error)
{
	struct trouble trouble = {0};
	struct findings findings = {each, ctx, true, false};

	if (!query_enter(query, &trouble))
		return query_failed(query, &trouble, error);
	bool ok = check_pages(query, &findings, &trouble) &&
	          check_texts(query, &findings, &trouble);
	query_leave(query, ok);
	/* A file too broken to be walked is a finding, not a failure to look. */
	if (!ok && trouble.kind == TROUBLE_CORRUPT) {
		find_fault(&findings, trouble.error.text);
		ok = true;
	}
	*sound_r = findings.sound;
	return ok || query_failed(query, &trouble, error);
}

#define PAGES_AT_ONCE 1024

static bool
copy_pages(struct query *query, struct connection *target,
    void (*progress)(void *ctx, int left, int total), void *ctx,
    struct trouble *trouble)
{
	sqlite3_backup *backup = sqlite3_backup_init(
	    target->db, "main", query->backend.writer.connection.db, "main");
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
query_backup(struct query *query, const char *path,
    void (*progress)(void *ctx, int left, int total), void *ctx,
    struct error *error)
{
	struct trouble trouble = {0};
	struct connection target;
	int64_t ignored;

	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0) {
		error_set_errno(error, "%s", path);
		return false;
	}
	close(fd);
	bool ok = connection_open(
	    &target, path, SQLITE_OPEN_READWRITE, QUERY_CACHE_KIB, 0, &trouble);
	if (ok) {
		/* Held for the whole copy, so that no commit makes it start anew.
		 */
		ok = query_enter(query, &trouble) &&
		     query_leave(query,
		         connection_number(&query->backend.writer.connection,
		             "SELECT count(*) FROM meta", &ignored, &trouble) &&
		             copy_pages(query, &target, progress, ctx, &trouble));
		connection_close(&target);
	}
	if (ok)
		return true;
	(void)unlink(path);
	error_set(error, "%s: %s", path, trouble.error.text);
	return false;
}
