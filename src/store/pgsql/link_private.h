/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to PostgreSQL; private to this folder, used by one thread at a
 * time. libpq is only asked what does not block, and every wait for the server
 * ends at the link's deadline: then the connection is given up, since nobody
 * knows what becomes of it.
 *
 * Statements go out in a pipeline: any number of link_send(), then link_flush(),
 * then link_result() once for each of them in the same order. When one fails,
 * the others fail with it and nothing of a transaction is kept.
 */
#ifndef STORE_PGSQL_LINK_PRIVATE_H
#define STORE_PGSQL_LINK_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/backend.h"
#include "store/pgsql/libpq.h"

/* In the order of the texts in statements.c. */
enum statement {
	SQL_BEGIN,
	SQL_RELAX, /* what is written may be lost in a power cut */
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_FIND_ADDRESSES,
	SQL_FIND_DOMAINS,
	SQL_FIND_ORIGINS,
	SQL_FIND_TRIPLETS,
	SQL_FIND_PAIRS,
	SQL_FIND_NETWORKS,
	SQL_LOCK_ADDRESSES,
	SQL_LOCK_DOMAINS,
	SQL_LOCK_ORIGINS,
	SQL_LOCK_TRIPLETS,
	SQL_KEEP_ADDRESSES,
	SQL_KEEP_DOMAINS,
	SQL_KEEP_ORIGINS,
	SQL_KEEP_TRIPLETS,
	SQL_KEEP_NETWORKS,
	SQL_ADD_EVENT,
	SQL_PROBE,
	SQL_EXPIRE_ALONE,
	SQL_EXPIRE_WAITING,
	SQL_EXPIRE_PASSED,
	SQL_EXPIRE_ADDRESSES,
	SQL_EXPIRE_DOMAINS,
	SQL_EXPIRE_ORIGINS,
	SQL_EXPIRE_NETWORKS,
	SQL_EXPIRE_EVENTS,
	SQL_DROP_ADDRESS,
	SQL_DROP_DOMAIN,
	SQL_DROP_ORIGIN,
	SQL_DROP_TRIPLET,
	SQL_RATE_EVENT,
	SQL_REFUSE_EVENT,
	STATEMENTS
};

struct link {
	PGconn *conn; /* NULL: closed */
	int64_t deadline_ms;
	int timeout_ms; /* of one answer, when the deadline is further off */
	unsigned due;   /* results that have not been taken */
	unsigned quiet; /* this many of the next ones are nobody's */
	bool has_failed;
};

/* One server; NULL: as the URL says. */
struct link_target {
	const char *url, *host, *address, *port;
};

/*
 * Opens a session at a server that may be written to, unless the URL says
 * otherwise; statements are not prepared yet. timeout_ms 0: as long as it takes.
 */
bool link_open(struct link *link, const struct link_target *target, int timeout_ms,
    struct trouble *trouble);
/* Prepares all statements: the tables must be there. */
bool link_prepare(struct link *link, struct trouble *trouble);
/* Accepts what is closed already. */
void link_close(struct link *link);

/* A statement with its parameters as text; NULL is NULL. */
bool link_send(struct link *link, enum statement statement, int count,
    const char *const *values, struct trouble *trouble);
/* The same, whose result link_result() passes over. */
bool link_send_quietly(
    struct link *link, enum statement statement, struct trouble *trouble);
/* The end of a pipeline. */
bool link_flush(struct link *link, struct trouble *trouble);
/* The next result, to be cleared by the caller; NULL when it failed. */
PGresult *link_result(struct link *link, struct trouble *trouble);
/* Takes what is left of a pipeline, and its end; false when any of it failed. */
bool link_finish(struct link *link, struct trouble *trouble);

/* One statement by itself, without rows. */
bool link_do(struct link *link, enum statement statement, struct trouble *trouble);
/* SQL in simple form, one or more statements without parameters or rows. */
bool link_run(struct link *link, const char *sql, struct trouble *trouble);
/* SQL with parameters; its rows, to be cleared by the caller. */
PGresult *link_query(struct link *link, const char *sql, int count,
    const char *const *values, struct trouble *trouble);

extern const char *const link_statements[STATEMENTS]; /* statements.c */

#endif
