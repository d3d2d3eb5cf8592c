/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

#define WRITER_CACHE_KIB 6144
#define WRITER_BUSY_MS   1000
#define FILE_MODE        0640

const char *
sqlite_path(const char *url)
{
	if (strncmp(url, "sqlite:", 7) == 0)
		url += 7;
	return url[0] == '/' || url[0] == '.' ? url : NULL;
}

static bool
refuse(struct trouble *trouble, enum trouble_kind kind, const char *text)
{
	trouble->kind = kind;
	error_set(&trouble->error, "%s", text);
	return false;
}

static bool
upgrade(struct connection *connection, const char *const *steps, int from,
    int version, struct trouble *trouble)
{
	char sql[128];

	for (int step = from; step < version; step++) {
		if (!connection_run(connection, steps[step], trouble))
			return false;
	}
	snprintf(sql, sizeof sql,
	    "PRAGMA application_id=%d; PRAGMA user_version=%d",
	    SCHEMA_APPLICATION_ID, version);
	return connection_run(connection, sql, trouble);
}

static bool
check_mark(
    struct connection *connection, int64_t *version_r, struct trouble *trouble)
{
	int64_t mark, tables;

	if (!connection_number(
	        connection, "PRAGMA application_id", &mark, trouble) ||
	    !connection_number(
	        connection, "PRAGMA user_version", version_r, trouble) ||
	    !connection_number(
	        connection, "SELECT count(*) FROM sqlite_master", &tables, trouble))
		return false;
	if (mark != SCHEMA_APPLICATION_ID && (mark != 0 || tables != 0))
		return refuse(trouble, TROUBLE_REOPEN, "not a database of targrey");
	/* mark and version, from 1, are written in one transaction */
	bool is_new = mark == 0 && *version_r == 0;
	if (*version_r <= 0 && !is_new)
		return refuse(
		    trouble, TROUBLE_CORRUPT, "damaged: its schema has no version");
	return true;
}

/* Finds a damaged schema here, instead of at the first note. */
static bool
check_statements(struct connection *connection, struct trouble *trouble)
{
	for (enum statement i = 0; i < STATEMENTS; i++) {
		if (connection_statement(connection, i, trouble) != NULL)
			continue;
		if (sqlite3_errcode(connection->db) == SQLITE_ERROR) {
			trouble->kind = TROUBLE_CORRUPT;
			error_prefix(&trouble->error, "damaged schema");
		}
		return false;
	}
	return true;
}

bool
sqlite_check_schema(struct connection *connection, bool read_only,
    const char *const *steps, int version, int *found_r, struct trouble *trouble)
{
	int64_t found;

	if (!check_mark(connection, &found, trouble))
		return false;
	*found_r = (int)found;
	if (found > version) {
		trouble->kind = TROUBLE_REOPEN;
		error_set(&trouble->error,
		    "schema version %d is newer than this program's %d", (int)found,
		    version);
		return false;
	}
	if (found == version)
		return true;
	if (read_only) {
		trouble->kind = TROUBLE_REOPEN;
		error_set(&trouble->error,
		    "schema version %d is older than this program's %d: "
		    "start targreyd once",
		    (int)found, version);
		return false;
	}
	/* Checked again inside the transaction: another may have been faster. */
	if (!connection_do(connection, SQL_BEGIN_IMMEDIATE, trouble))
		return false;
	if (check_mark(connection, &found, trouble) &&
	    (found >= version ||
	        upgrade(connection, steps, (int)found, version, trouble)) &&
	    connection_do(connection, SQL_COMMIT, trouble))
		return true;
	sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

bool
sqlite_read_secret(struct connection *connection,
    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct trouble *trouble)
{
	sqlite3_stmt *statement = NULL;
	bool row = false;
	bool ok = sqlite3_prepare_v2(connection->db,
	              "SELECT value FROM meta WHERE name = 'secret'", -1,
	              &statement, NULL) == SQLITE_OK;

	if (!ok)
		connection_failed(connection, trouble);
	else
		ok = connection_step(connection, statement, &row, trouble);
	if (ok && (!row || sqlite3_column_bytes(statement, 0) != SIPHASH_KEY_SIZE))
		ok = refuse(trouble, TROUBLE_CORRUPT, "no secret in the database");
	if (ok)
		memcpy(
		    secret_r, sqlite3_column_blob(statement, 0), SIPHASH_KEY_SIZE);
	sqlite3_finalize(statement);
	return ok;
}

/* Gives a secret to a database that has none; keeps an existing one. */
static bool
ensure_secret(struct backend *backend, struct trouble *trouble)
{
	static const uint8_t zero[SIPHASH_KEY_SIZE];
	struct connection *connection = &backend->writer.connection;
	uint8_t secret[SIPHASH_KEY_SIZE];
	sqlite3_stmt *statement = NULL;

	memcpy(secret, backend->secret, sizeof secret);
	if (memcmp(secret, zero, sizeof secret) == 0 &&
	    getrandom(secret, sizeof secret, 0) != sizeof secret)
		return refuse(trouble, TROUBLE_WAIT, "cannot get random octets");
	bool ok = sqlite3_prepare_v2(connection->db,
	              "INSERT OR IGNORE INTO meta VALUES ('secret', ?1)", -1,
	              &statement, NULL) == SQLITE_OK &&
	          sqlite3_bind_blob(statement, 1, secret, sizeof secret,
	              SQLITE_STATIC) == SQLITE_OK;
	if (!ok)
		connection_failed(connection, trouble);
	else
		ok = connection_step(connection, statement, NULL, trouble);
	sqlite3_finalize(statement);
	return ok && sqlite_read_secret(connection, backend->secret, trouble);
}

/* From now on no migration may write to it. */
static bool
begin_use(struct connection *connection, struct trouble *trouble)
{
	int64_t count;

	return connection_number(connection,
	           "SELECT count(*) FROM meta WHERE name = 'migrated'", &count,
	           trouble) &&
	       (count == 0 ||
	           connection_run(connection,
	               "DELETE FROM meta WHERE name = 'migrated'", trouble));
}

static bool
make_file(struct backend *backend, struct trouble *trouble)
{
	struct stat status;
	int fd = open(backend->path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	bool ok = fd >= 0 && fstat(fd, &status) == 0;

	if (!ok) {
		trouble->kind = TROUBLE_REOPEN;
		error_set_errno(&trouble->error, "cannot open");
	} else {
		backend->device = status.st_dev;
		backend->inode = status.st_ino;
	}
	/* Closing drops SQLite's locks on this file; none are held here. */
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
sqlite_open_writer(struct backend *backend, struct trouble *trouble)
{
	struct connection *connection = &backend->writer.connection;

	if (!make_file(backend, trouble) ||
	    !connection_open(connection, backend->path, SQLITE_OPEN_READWRITE,
	        WRITER_CACHE_KIB, WRITER_BUSY_MS, trouble))
		return false;
	if (connection_run(connection,
	        "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
	        "PRAGMA journal_size_limit=16777216",
	        trouble) &&
	    connection_run(connection,
	        backend->durable ? "PRAGMA synchronous=FULL"
	                         : "PRAGMA synchronous=NORMAL",
	        trouble) &&
	    sqlite_check_schema(connection, false, schema_steps, schema_version,
	        &backend->schema, trouble) &&
	    check_statements(connection, trouble) &&
	    ensure_secret(backend, trouble) && begin_use(connection, trouble)) {
		backend->schema = schema_version;
		backend->data_version = -1;
		backend->syncs = backend->durable;
		return true;
	}
	connection_close(connection);
	return false;
}

bool
sqlite_set_aside(const char *path, struct trouble *trouble)
{
	char suffix[64], from[4096], to[4096];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(suffix, sizeof suffix, ".corrupt-%Y%m%d-%H%M%S", &tm);
	snprintf(to, sizeof to, "%s%s", path, suffix);
	for (int i = 1; access(to, F_OK) == 0 && i < 1000; i++)
		snprintf(to, sizeof to, "%s%s-%d", path, suffix, i);
	bool is_moved = rename(path, to) == 0;
	if (!is_moved && errno != ENOENT) {
		trouble->kind = TROUBLE_REOPEN;
		error_set_errno(
		    &trouble->error, "cannot set aside the corrupt file");
		return false;
	}
	if (is_moved)
		log_warnx("store: %s is corrupt; it was set aside as %s", path, to);
	snprintf(from, sizeof from, "%s-wal", path);
	strncat(to, "-wal", sizeof to - strlen(to) - 1);
	(void)rename(from, to);
	snprintf(from, sizeof from, "%s-shm", path);
	(void)unlink(from);
	return true;
}

void
sqlite_know_wal(struct backend *backend)
{
	struct stat status;
	char path[4096];

	snprintf(path, sizeof path, "%s-wal", backend->path);
	backend->wal_inode = stat(path, &status) == 0 ? status.st_ino : 0;
}

/*
 * When a file is moved away, SQLite leaves its log behind, and would replay it into
 * the file that lies there now.
 */
void
sqlite_remove_stale_wal(const struct backend *backend)
{
	struct stat status;
	char path[4096];

	snprintf(path, sizeof path, "%s-wal", backend->path);
	if (stat(path, &status) != 0 || status.st_ino != backend->wal_inode)
		return;
	(void)unlink(path);
	snprintf(path, sizeof path, "%s-shm", backend->path);
	(void)unlink(path);
}

/* A file that cannot be checked counts as present, and its log is kept. */
bool
sqlite_is_in_place(const struct backend *backend, struct trouble *trouble)
{
	struct stat status;

	if (stat(backend->path, &status) != 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return true;
		trouble->kind = TROUBLE_REOPEN;
		error_set_errno(&trouble->error, "the file is gone");
		return false;
	}
	if (status.st_dev == backend->device && status.st_ino == backend->inode)
		return true;
	return refuse(trouble, TROUBLE_REOPEN, "the file was replaced by another");
}

static uint64_t
file_size(const char *path, const char *suffix)
{
	struct stat status;
	char full[4096];

	snprintf(full, sizeof full, "%s%s", path, suffix);
	return stat(full, &status) == 0 ? (uint64_t)status.st_size : 0;
}

void
sqlite_sizes(const char *path, struct store_status_report *report_r)
{
	report_r->file_bytes = file_size(path, "");
	report_r->wal_bytes = file_size(path, "-wal");
	report_r->schema = schema_version;
}
