/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/pgsql/link_private.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/clock.h"
#include "store/event_row.h"

/* ------------------------------------------------------------------ failures */

/* libpq's messages end with a newline and may have several lines. */
static void
say(struct trouble *trouble, const char *text)
{
	size_t length = strcspn(text, "\n");

	error_set(&trouble->error, "%.*s", (int)length, text);
}

static bool
lost(struct link *link, struct trouble *trouble)
{
	trouble->kind = TROUBLE_REOPEN;
	say(trouble, link->conn == NULL ? "not connected"
	                                : libpq.PQerrorMessage(link->conn));
	link_close(link);
	return false;
}

static bool
too_late(struct link *link, struct trouble *trouble)
{
	trouble->kind = TROUBLE_REOPEN;
	error_set(&trouble->error, "no answer within %d ms", link->timeout_ms);
	link_close(link);
	return false;
}

/* The first failure in a pipeline is the one that counts. */
static void
refused(struct link *link, const PGresult *result, struct trouble *trouble)
{
	const char *state = libpq.PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (!link->has_failed) {
		trouble->kind =
		    state == NULL ? TROUBLE_REOPEN : link_kind_of(state);
		say(trouble, libpq.PQresultErrorMessage(result));
	}
	link->has_failed = true;
}

/* -------------------------------------------------------------------- waiting */

/* Waits for the socket; false if the deadline comes first. */
static bool
wait_for(struct link *link, short events, int64_t until_ms)
{
	for (;;) {
		struct pollfd poll_fd = {libpq.PQsocket(link->conn), events, 0};
		int64_t left = until_ms - clock_real_ms();
		if (until_ms != 0 && left <= 0)
			return false;
		block_declare("store: wait for the database server");
		int count = poll(&poll_fd, 1, until_ms == 0 ? -1 : (int)left);
		if (count > 0 || (count < 0 && errno != EINTR))
			return true;
	}
}

static int64_t
until_of(const struct link *link)
{
	int64_t until =
	    link->timeout_ms == 0 ? 0 : clock_real_ms() + link->timeout_ms;

	if (link->deadline_ms != 0 && (until == 0 || link->deadline_ms < until))
		return link->deadline_ms;
	return until;
}

/* Waits until the next result is there or nothing more comes. */
static bool
wait_for_result(struct link *link, struct trouble *trouble)
{
	int64_t until_ms = until_of(link);

	for (;;) {
		int unsent = libpq.PQflush(link->conn);
		if (unsent < 0)
			return lost(link, trouble);
		if (!libpq.PQisBusy(link->conn))
			return true;
		short events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0));
		if (!wait_for(link, events, until_ms))
			return too_late(link, trouble);
		if (!libpq.PQconsumeInput(link->conn))
			return lost(link, trouble);
	}
}

/* -------------------------------------------------------------------- opening */

static bool
connect_to(struct link *link, const struct link_target *target)
{
	/*
	 * What the URL says overrides what stands before it here. A firewall
	 * forgets a connection that is idle, and the next look-up would wait in
	 * vain; targreyctl, which has no time-out, would wait for a quarter of an
	 * hour for a server that is gone without a word (tcp_user_timeout).
	 */
	const char *names[12] = {"target_session_attrs", "application_name",
	    "client_encoding", "keepalives_idle", "keepalives_interval",
	    "keepalives_count", "tcp_user_timeout", "dbname"};
	const char *values[12] = {
	    "read-write", "targrey", "UTF8", "60", "10", "3", "60000", target->url};
	unsigned used = 8;

	if (target->host != NULL) {
		names[used] = "host";
		values[used++] = target->host;
	}
	if (target->address != NULL) {
		names[used] = "hostaddr";
		values[used++] = target->address;
	}
	if (target->port != NULL) {
		names[used] = "port";
		values[used++] = target->port;
	}
	link->conn = libpq.PQconnectStartParams(names, values, 1);
	return link->conn != NULL && libpq.PQstatus(link->conn) != CONNECTION_BAD;
}

static bool
finish_connecting(struct link *link, struct trouble *trouble)
{
	int64_t until_ms = until_of(link);

	for (;;) {
		switch (libpq.PQconnectPoll(link->conn)) {
		case PGRES_POLLING_OK:
			return true;
		case PGRES_POLLING_READING:
			if (!wait_for(link, POLLIN, until_ms))
				return too_late(link, trouble);
			break;
		case PGRES_POLLING_WRITING:
			if (!wait_for(link, POLLOUT, until_ms))
				return too_late(link, trouble);
			break;
		case PGRES_POLLING_FAILED:
		case PGRES_POLLING_ACTIVE:
		default:
			return lost(link, trouble);
		}
	}
}

static void
ignore_notice(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

/*
 * A statement that still runs after we have given up holds locks; so does a
 * transaction of a daemon that hangs. A daemon repeats a few look-ups by key:
 * planning each costs more than running it, and without these settings a table that
 * has only begun to grow would be scanned whole until the server has counted its
 * rows.
 */
static bool
set_up(struct link *link, struct trouble *trouble)
{
	char sql[240];

	if (link->timeout_ms == 0)
		return true;
	snprintf(sql, sizeof sql,
	    "SET statement_timeout = %d; SET lock_timeout = %d;"
	    "SET idle_in_transaction_session_timeout = %d;"
	    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off",
	    link->timeout_ms, link->timeout_ms, 10 * link->timeout_ms);
	return link_run(link, sql, trouble);
}

bool
link_open(struct link *link, const struct link_target *target, int timeout_ms,
    struct trouble *trouble)
{
	*link = (struct link){
	    .deadline_ms = link->deadline_ms, .timeout_ms = timeout_ms};
	if (!connect_to(link, target))
		return lost(link, trouble);
	libpq.PQsetNoticeReceiver(link->conn, ignore_notice, NULL);
	if (!finish_connecting(link, trouble))
		return false;
	if (libpq.PQsetnonblocking(link->conn, 1) != 0)
		return lost(link, trouble);
	if (set_up(link, trouble))
		return true;
	link_close(link);
	return false;
}

void
link_close(struct link *link)
{
	if (link->conn != NULL)
		libpq.PQfinish(link->conn);
	link->conn = NULL;
	link->due = link->quiet = 0;
}

/* ------------------------------------------------------------------- pipeline */

static const char *
text_of(enum statement statement, char *buf, size_t size)
{
	if (statement != SQL_ADD_EVENT)
		return link_statements[statement];
	event_sql_insert(buf, size);
	return buf;
}

static const char *
name_of(enum statement statement, char buf[static 16])
{
	snprintf(buf, 16, "s%d", (int)statement);
	return buf;
}

static bool
enter(struct link *link, struct trouble *trouble)
{
	if (link->conn == NULL)
		return lost(link, trouble);
	if (libpq.PQpipelineStatus(link->conn) != PQ_PIPELINE_OFF)
		return true;
	link->has_failed = false;
	return libpq.PQenterPipelineMode(link->conn) == 1 || lost(link, trouble);
}

bool
link_prepare(struct link *link, struct trouble *trouble)
{
	char name[16], sql[EVENT_SQL_SIZE];

	if (!enter(link, trouble))
		return false;
	for (enum statement i = 0; i < STATEMENTS; i++) {
		if (libpq.PQsendPrepare(link->conn, name_of(i, name),
		        text_of(i, sql, sizeof sql), 0, NULL) != 1)
			return lost(link, trouble);
		link->due++;
	}
	return link_flush(link, trouble) && link_finish(link, trouble);
}

bool
link_send(struct link *link, enum statement statement, int count,
    const char *const *values, struct trouble *trouble)
{
	char name[16];

	if (!enter(link, trouble))
		return false;
	if (libpq.PQsendQueryPrepared(link->conn, name_of(statement, name), count,
	        values, NULL, NULL, 0) != 1)
		return lost(link, trouble);
	link->due++;
	return true;
}

bool
link_send_quietly(
    struct link *link, enum statement statement, struct trouble *trouble)
{
	if (!link_send(link, statement, 0, NULL, trouble))
		return false;
	link->quiet++;
	return true;
}

bool
link_flush(struct link *link, struct trouble *trouble)
{
	if (!enter(link, trouble))
		return false;
	return libpq.PQpipelineSync(link->conn) == 1 || lost(link, trouble);
}

/* In a pipeline each statement's results end with NULL. */
static PGresult *
take(struct link *link, struct trouble *trouble)
{
	if (!wait_for_result(link, trouble))
		return NULL;
	PGresult *result = libpq.PQgetResult(link->conn);
	if (result == NULL) {
		lost(link, trouble);
		return NULL;
	}
	if (!wait_for_result(link, trouble)) {
		libpq.PQclear(result);
		return NULL;
	}
	libpq.PQclear(libpq.PQgetResult(link->conn));
	return result;
}

/* The next result, wanted or not. */
static PGresult *
next(struct link *link, struct trouble *trouble)
{
	if (link->conn == NULL) {
		lost(link, trouble);
		return NULL;
	}
	PGresult *result = take(link, trouble);
	if (result == NULL)
		return NULL;
	link->due--;
	ExecStatusType status = libpq.PQresultStatus(result);
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return result;
	refused(link, result, trouble);
	libpq.PQclear(result);
	return NULL;
}

PGresult *
link_result(struct link *link, struct trouble *trouble)
{
	/* A lost link has none left. */
	while (link->quiet > 0) {
		link->quiet--;
		libpq.PQclear(next(link, trouble));
	}
	return next(link, trouble);
}

bool
link_finish(struct link *link, struct trouble *trouble)
{
	link->quiet = 0;
	while (link->conn != NULL && link->due > 0)
		libpq.PQclear(next(link, trouble));
	if (link->conn == NULL)
		return false;
	if (!wait_for_result(link, trouble))
		return false;
	libpq.PQclear(libpq.PQgetResult(link->conn)); /* the sync */
	if (libpq.PQexitPipelineMode(link->conn) != 1)
		return lost(link, trouble);
	return !link->has_failed;
}

bool
link_do(struct link *link, enum statement statement, struct trouble *trouble)
{
	return link_send(link, statement, 0, NULL, trouble) &&
	       link_flush(link, trouble) && link_finish(link, trouble);
}

/* The last result of several; NULL when one failed. */
static PGresult *
take_all(struct link *link, struct trouble *trouble)
{
	PGresult *last = NULL;

	link->has_failed = false;
	for (;;) {
		if (!wait_for_result(link, trouble)) {
			libpq.PQclear(last);
			return NULL;
		}
		PGresult *result = libpq.PQgetResult(link->conn);
		if (result == NULL)
			break;
		ExecStatusType status = libpq.PQresultStatus(result);
		if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
			refused(link, result, trouble);
		libpq.PQclear(last);
		last = result;
	}
	if (!link->has_failed)
		return last;
	libpq.PQclear(last);
	return NULL;
}

bool
link_run(struct link *link, const char *sql, struct trouble *trouble)
{
	if (link->conn == NULL || libpq.PQsendQuery(link->conn, sql) != 1)
		return lost(link, trouble);
	PGresult *result = take_all(link, trouble);
	libpq.PQclear(result);
	return result != NULL;
}

PGresult *
link_query(struct link *link, const char *sql, int count, const char *const *values,
    struct trouble *trouble)
{
	if (link->conn == NULL || libpq.PQsendQueryParams(link->conn, sql, count,
	                              NULL, values, NULL, NULL, 0) != 1) {
		lost(link, trouble);
		return NULL;
	}
	return take_all(link, trouble);
}
