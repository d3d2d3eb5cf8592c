/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sqlite/connection_private.h"

#include <pthread.h>
#include <string.h>

#include "store/event_row.h"

static const char *const texts[STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN",
    [SQL_BEGIN_IMMEDIATE] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_DATA_VERSION] = "PRAGMA data_version",
    [SQL_FIND_ADDRESS] =
        "SELECT first_seen, last_seen, last_success, last_counted, last_unproven,"
        " last_gaveup, known_until, sessions, successes, counted, gaveup,"
        " gaveup_secs, ham, spam, rated FROM address WHERE key = ?1",
    [SQL_FIND_DOMAIN] =
        "SELECT first_seen, last_seen, last_success, last_counted, known_until,"
        " successes, counted, day, networks FROM domain WHERE name = ?1",
    [SQL_FIND_ORIGIN] =
        "SELECT first_seen, last_seen, decayed, sessions, successes, gaveup, ham,"
        " spam, people FROM origin WHERE name = ?1",
    [SQL_FIND_WAITING] =
        "SELECT first, last, last_try, flags, mxs, twin FROM waiting"
        " WHERE bucket = ?1 AND hash = ?2",
    [SQL_NEWEST_BUCKET] = "SELECT max(bucket) FROM waiting",
    [SQL_FIND_PASSED] =
        "SELECT first, last, last_try, passed, flags FROM passed WHERE hash = ?1",
    [SQL_KEEP_ADDRESS] =
        "INSERT OR REPLACE INTO address VALUES"
        " (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)",
    [SQL_KEEP_DOMAIN] =
        "INSERT OR REPLACE INTO domain VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
    [SQL_KEEP_ORIGIN] =
        "INSERT OR REPLACE INTO origin VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
    [SQL_KEEP_WAITING] =
        "INSERT OR REPLACE INTO waiting VALUES (?1,?2,?3,?4,?5,?6,?7,?8)",
    [SQL_KEEP_WAITING_TEXT] =
        "INSERT INTO waiting_text (bucket, hash, anywhere, client, sender,"
        " recipient) VALUES (?1,?2,?3,?4,?5,?6)",
    [SQL_KEEP_PASSED] = "INSERT OR REPLACE INTO passed VALUES (?1,?2,?3,?4,?5,?6)",
    [SQL_KEEP_PASSED_TEXT] =
        "INSERT OR REPLACE INTO passed_text VALUES (?1,?2,?3,?4)",
    [SQL_DROP_WAITING] = "DELETE FROM waiting WHERE hash = ?1 AND bucket = ?2",
    [SQL_DROP_PASSED] = "DELETE FROM passed WHERE hash = ?1",
    [SQL_DROP_PASSED_TEXT] = "DELETE FROM passed_text WHERE hash = ?1",
    [SQL_DROP_ADDRESS] = "DELETE FROM address WHERE key = ?1",
    [SQL_DROP_DOMAIN] = "DELETE FROM domain WHERE name = ?1",
    [SQL_DROP_ORIGIN] = "DELETE FROM origin WHERE name = ?1",
    [SQL_COUNT_NETWORK] = "INSERT OR IGNORE INTO domain_network VALUES (?1, ?2)",
    [SQL_ADD_EVENT] = NULL, /* made from the table of columns */
    [SQL_ADD_EVENT_KEY] = "INSERT OR IGNORE INTO event_key VALUES (?1, ?2, ?3)",
    [SQL_RATE_EVENT] = "UPDATE event SET score = coalesce(?2, score),"
                       " feedback = coalesce(?3, feedback),"
                       " by_person = coalesce(?4, by_person) WHERE event_id = ?1",
    [SQL_REFUSE_EVENT] = "UPDATE event SET delivered = 0,"
                         " reply = 'others ' || ?2 WHERE event_id = ?1",
    [SQL_PROBE] = "INSERT OR REPLACE INTO meta VALUES ('probe', '')",

    [SQL_EXPIRE_WAITING_FIRST] = "SELECT min(bucket) FROM waiting",
    [SQL_EXPIRE_WAITING_END] = "SELECT hash FROM waiting WHERE bucket = ?1"
                               " ORDER BY hash LIMIT 1 OFFSET ?2",
    [SQL_EXPIRE_WAITING] = "DELETE FROM waiting WHERE bucket = ?1 AND hash <= ?2",
    [SQL_EXPIRE_WAITING_TEXT] =
        "DELETE FROM waiting_text WHERE id <= (SELECT max(id) FROM"
        " (SELECT id, bucket FROM waiting_text ORDER BY id LIMIT ?2)"
        " WHERE bucket < ?1)",
    [SQL_EXPIRE_EVENTS_FIRST] = "SELECT min(event_id) FROM event",
    [SQL_EXPIRE_EVENTS] =
        "DELETE FROM event WHERE event_id <= (SELECT max(event_id) FROM"
        " (SELECT event_id, logged FROM event ORDER BY event_id LIMIT ?2)"
        " WHERE logged < ?1)",
    [SQL_EXPIRE_EVENT_KEYS_FIRST] = "SELECT min(day) FROM event_key",
    [SQL_EXPIRE_EVENT_KEYS_END] = "SELECT hash FROM event_key WHERE day = ?1"
                                  " ORDER BY hash LIMIT 1 OFFSET ?2",
    [SQL_EXPIRE_EVENT_KEYS] = "DELETE FROM event_key WHERE day = ?1 AND hash <= ?2",
    [SQL_EXPIRE_NETWORKS] =
        "DELETE FROM domain_network WHERE (day, hash) IN"
        " (SELECT day, hash FROM domain_network WHERE day < ?1 LIMIT ?2)",

    [SQL_SWEEP_PASSED_END] =
        "SELECT hash FROM passed WHERE hash > ?1 ORDER BY hash LIMIT 1 OFFSET ?2",
    [SQL_SWEEP_PASSED_TEXT] =
        "DELETE FROM passed_text WHERE hash IN"
        " (SELECT hash FROM passed WHERE hash > ?1 AND hash <= ?2 AND passed < ?3)",
    [SQL_SWEEP_PASSED] =
        "DELETE FROM passed WHERE hash > ?1 AND hash <= ?2 AND passed < ?3",
    [SQL_SWEEP_ADDRESS_END] =
        "SELECT key FROM address WHERE key > ?1 ORDER BY key LIMIT 1 OFFSET ?2",
    [SQL_SWEEP_ADDRESS] = "DELETE FROM address WHERE key > ?1 AND key <= ?2"
                          " AND last_seen < ?3 AND known_until < ?4",
    [SQL_SWEEP_DOMAIN_END] =
        "SELECT name FROM domain WHERE name > ?1 ORDER BY name LIMIT 1 OFFSET ?2",
    [SQL_SWEEP_ORIGIN_END] =
        "SELECT name FROM origin WHERE name > ?1 ORDER BY name LIMIT 1 OFFSET ?2",
    [SQL_SWEEP_ORIGIN] = "DELETE FROM origin WHERE name > ?1 AND name <= ?2"
                         " AND last_seen < ?3",
    [SQL_SWEEP_DOMAIN] = "DELETE FROM domain WHERE name > ?1 AND name <= ?2"
                         " AND last_seen < ?3 AND known_until < ?4",
};

static enum trouble_kind
kind_of(int extended)
{
	if (extended == SQLITE_READONLY_DBMOVED)
		return TROUBLE_REOPEN;
	switch (extended & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_NOMEM:
	case SQLITE_READONLY:
	case SQLITE_INTERRUPT:
		return TROUBLE_WAIT;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return TROUBLE_CORRUPT;
	case SQLITE_TOOBIG:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
		return TROUBLE_NOTE;
	default:
		return TROUBLE_REOPEN;
	}
}

bool
connection_failed(struct connection *connection, struct trouble *trouble)
{
	int code = sqlite3_extended_errcode(connection->db);
	int system = sqlite3_system_errno(connection->db);

	trouble->kind = kind_of(code);
	if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN)
		error_set(&trouble->error, "%s (%d): %s",
		    sqlite3_errmsg(connection->db), code,
		    system != 0 ? strerror(system) : "no further reason");
	else
		error_set(&trouble->error, "%s", sqlite3_errmsg(connection->db));
	return false;
}

bool
connection_run(
    struct connection *connection, const char *sql, struct trouble *trouble)
{
	if (sqlite3_exec(connection->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return connection_failed(connection, trouble);
	return true;
}

sqlite3_stmt *
connection_prepare(
    struct connection *connection, const char *sql, struct trouble *trouble)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(connection->db, sql, -1, &statement, NULL) ==
	    SQLITE_OK)
		return statement;
	connection_failed(connection, trouble);
	return NULL;
}

bool
connection_number(struct connection *connection, const char *sql, int64_t *number_r,
    struct trouble *trouble)
{
	sqlite3_stmt *statement = connection_prepare(connection, sql, trouble);
	bool row = false;
	bool ok = statement != NULL &&
	          connection_step(connection, statement, &row, trouble);

	*number_r = 0;
	if (ok && row)
		*number_r = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return ok;
}

sqlite3_stmt *
connection_statement(
    struct connection *connection, enum statement which, struct trouble *trouble)
{
	sqlite3_stmt **place = &connection->statements[which];
	char sql[EVENT_SQL_SIZE];
	const char *text = texts[which];

	if (*place != NULL)
		return *place;
	if (which == SQL_ADD_EVENT) {
		event_sql_insert(sql, sizeof sql);
		text = sql;
	}
	if (sqlite3_prepare_v3(connection->db, text, -1, SQLITE_PREPARE_PERSISTENT,
	        place, NULL) != SQLITE_OK) {
		*place = NULL;
		connection_failed(connection, trouble);
	}
	return *place;
}

bool
connection_step(struct connection *connection, sqlite3_stmt *statement, bool *row_r,
    struct trouble *trouble)
{
	int result = sqlite3_step(statement);

	if (result != SQLITE_ROW && result != SQLITE_DONE) {
		connection_failed(connection, trouble);
		sqlite3_reset(statement);
		return false;
	}
	if (row_r != NULL)
		*row_r = result == SQLITE_ROW;
	if (result == SQLITE_DONE)
		sqlite3_reset(statement);
	return true;
}

bool
connection_do(
    struct connection *connection, enum statement which, struct trouble *trouble)
{
	sqlite3_stmt *statement = connection_statement(connection, which, trouble);

	if (statement == NULL ||
	    !connection_step(connection, statement, NULL, trouble))
		return false;
	sqlite3_reset(statement);
	return true;
}

/* SQLite's memory statistics take a global lock at every malloc(). */
static void
set_up_sqlite(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/*
 * What a file contains is only data: no trigger, view or function of its schema
 * runs, nothing may write to SQLite's own tables, and the sizes it claims are not
 * believed. Source: "Defense Against The Dark Arts" in SQLite's manual.
 */
static void
distrust_file(sqlite3 *db)
{
	/* A row of ours has at most some ten thousand octets. */
	static const struct {
		int what, most;
	} limits[] = {
	    {SQLITE_LIMIT_LENGTH, 1000000},
	    {SQLITE_LIMIT_SQL_LENGTH, 100000},
	    {SQLITE_LIMIT_COLUMN, 200},
	    {SQLITE_LIMIT_EXPR_DEPTH, 100},
	    {SQLITE_LIMIT_COMPOUND_SELECT, 3},
	    {SQLITE_LIMIT_VDBE_OP, 25000},
	    {SQLITE_LIMIT_FUNCTION_ARG, 8},
	    {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
	    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200},
	};

	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		sqlite3_limit(db, limits[i].what, limits[i].most);
}

bool
connection_open(struct connection *connection, const char *path, int flags,
    int cache_kib, int busy_ms, struct trouble *trouble)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_up_sqlite);
	memset(connection, 0, sizeof *connection);
	int result = sqlite3_open_v2(
	    path, &connection->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (result != SQLITE_OK) {
		connection_failed(connection, trouble);
		connection_close(connection);
		return false;
	}
	sqlite3_extended_result_codes(connection->db, 1);
	sqlite3_busy_timeout(connection->db, busy_ms);
	distrust_file(connection->db);
	char *sql = sqlite3_mprintf("PRAGMA cache_size=-%d; PRAGMA "
	                            "temp_store=MEMORY; PRAGMA secure_delete=FAST; "
	                            "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0",
	    cache_kib);
	bool ok = sql != NULL && connection_run(connection, sql, trouble);
	sqlite3_free(sql);
	if (!ok)
		connection_close(connection);
	return ok;
}

void
connection_close(struct connection *connection)
{
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(connection->statements[i]);
	sqlite3_close(connection->db);
	memset(connection, 0, sizeof *connection);
}
