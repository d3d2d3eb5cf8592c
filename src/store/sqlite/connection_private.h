/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to an SQLite file with its prepared statements; private to
 * this folder. A connection is used by one thread at a time.
 */
#ifndef STORE_CONNECTION_PRIVATE_H
#define STORE_CONNECTION_PRIVATE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/backend.h"

enum statement {
	SQL_BEGIN,
	SQL_BEGIN_IMMEDIATE,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_DATA_VERSION,
	SQL_FIND_ADDRESS,
	SQL_FIND_DOMAIN,
	SQL_FIND_ORIGIN,
	SQL_FIND_WAITING,
	SQL_NEWEST_BUCKET,
	SQL_FIND_PASSED,
	SQL_KEEP_ADDRESS,
	SQL_KEEP_DOMAIN,
	SQL_KEEP_ORIGIN,
	SQL_KEEP_WAITING,
	SQL_KEEP_WAITING_TEXT,
	SQL_KEEP_PASSED,
	SQL_KEEP_PASSED_TEXT,
	SQL_DROP_WAITING,
	SQL_DROP_PASSED,
	SQL_DROP_PASSED_TEXT,
	SQL_DROP_ADDRESS,
	SQL_DROP_DOMAIN,
	SQL_DROP_ORIGIN,
	SQL_COUNT_NETWORK,
	SQL_ADD_EVENT,
	SQL_ADD_EVENT_KEY,
	SQL_RATE_EVENT,
	SQL_REFUSE_EVENT,
	SQL_PROBE,
	SQL_EXPIRE_WAITING_FIRST,
	SQL_EXPIRE_WAITING_END,
	SQL_EXPIRE_WAITING,
	SQL_EXPIRE_WAITING_TEXT,
	SQL_EXPIRE_EVENTS_FIRST,
	SQL_EXPIRE_EVENTS,
	SQL_EXPIRE_EVENT_KEYS_FIRST,
	SQL_EXPIRE_EVENT_KEYS_END,
	SQL_EXPIRE_EVENT_KEYS,
	SQL_EXPIRE_NETWORKS,
	SQL_SWEEP_PASSED_END,
	SQL_SWEEP_PASSED_TEXT,
	SQL_SWEEP_PASSED,
	SQL_SWEEP_ADDRESS_END,
	SQL_SWEEP_ADDRESS,
	SQL_SWEEP_DOMAIN_END,
	SQL_SWEEP_DOMAIN,
	SQL_SWEEP_ORIGIN_END, /* like the two for domain */
	SQL_SWEEP_ORIGIN,
	STATEMENTS
};

struct connection {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
};

/*
 * flags  SQLITE_OPEN_*; cache_kib of page cache; busy_ms to wait for locks.
 * On failure nothing is left open.
 */
bool connection_open(struct connection *connection, const char *path, int flags,
    int cache_kib, int busy_ms, struct trouble *trouble);
/* Accepts a closed connection. */
void connection_close(struct connection *connection);

/* Runs SQL without parameters or rows. */
bool connection_run(
    struct connection *connection, const char *sql, struct trouble *trouble);
/* The first number of the first row; 0 if there is no row. */
bool connection_number(struct connection *connection, const char *sql,
    int64_t *number_r, struct trouble *trouble);

/* The caller finalizes it; NULL on failure. */
sqlite3_stmt *connection_prepare(
    struct connection *connection, const char *sql, struct trouble *trouble);

/* Prepared at first use, reset and ready to bind; NULL on failure. */
sqlite3_stmt *connection_statement(struct connection *connection,
    enum statement statement, struct trouble *trouble);
/* true: done, or there is a row, as *row_r tells (may be NULL). */
bool connection_step(struct connection *connection, sqlite3_stmt *statement,
    bool *row_r, struct trouble *trouble);
/* connection_statement() and connection_step(), without parameters. */
bool connection_do(struct connection *connection, enum statement statement,
    struct trouble *trouble);

/* Copies the connection's last error into trouble. Returns false. */
bool connection_failed(struct connection *connection, struct trouble *trouble);

#endif
