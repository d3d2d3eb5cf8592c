/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to PostgreSQL; private to this folder, used by one thread at a
 * time. Only libpq functions that do not block are called, and every wait for the
 * server ends at the link's deadline: then the connection is given up, since its
 * state is unknown.
 *
 * Statements go out in a pipeline: any number of link_send(), then link_flush(),
 * then link_result() once for each in the same order. When one fails, those after
 * it fail too and nothing of a transaction is kept.
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
	SQL_RELAX, /* writes may be lost in a power cut */
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
	int timeout_ms; /* for one answer, if the deadline is further off */
	unsigned due;   /* results not yet taken */
	unsigned quiet; /* of the next results, how many are to be skipped */
	bool has_failed;
	unsigned generation; /* readers': the backend's when it was opened */
};

/* One server; NULL members: as in the URL. */
struct link_target {
	const char *url, *host, *address, *port;
};

/*
 * Connects to a server that can be written to, unless the URL says otherwise; does
 * not prepare statements yet. timeout_ms 0: no limit.
 */
bool link_open(struct link *link, const struct link_target *target, int timeout_ms,
    struct trouble *trouble);
/* Prepares all statements; the tables must exist. */
bool link_prepare(struct link *link, struct trouble *trouble);
/* Accepts a closed link. */
void link_close(struct link *link);

/* Sends a statement with its parameters as text; NULL is SQL NULL. */
bool link_send(struct link *link, enum statement statement, int count,
    const char *const *values, struct trouble *trouble);
/* The same, but link_result() skips its result. */
bool link_send_quietly(
    struct link *link, enum statement statement, struct trouble *trouble);
/* Ends a pipeline. */
bool link_flush(struct link *link, struct trouble *trouble);
/* The next result, which the caller clears; NULL if it failed. */
PGresult *link_result(struct link *link, struct trouble *trouble);
/* Takes the rest of a pipeline, and its end; false if any of it failed. */
bool link_finish(struct link *link, struct trouble *trouble);

/* Runs one statement that returns no rows. */
bool link_do(struct link *link, enum statement statement, struct trouble *trouble);
/* Runs plain SQL: one or more statements without parameters or rows. */
bool link_run(struct link *link, const char *sql, struct trouble *trouble);
/* Runs SQL with parameters; the caller clears the result. */
PGresult *link_query(struct link *link, const char *sql, int count,
    const char *const *values, struct trouble *trouble);

/* What a refusal means; state: an SQLSTATE (PostgreSQL, Appendix A). */
enum trouble_kind link_kind_of(const char *state); /* sqlstate.c */

extern const char *const link_statements[STATEMENTS]; /* statements.c */

#endif
