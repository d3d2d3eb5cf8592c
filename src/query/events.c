/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "store/event_row.h"
#include "store/keys.h"
#include "query/query_private.h"
#include "store/schema.h"

/* A transaction may end, and be written, so long after it began. */
#define LONGEST_S 86400

static bool
has_part(const char *text, const char *part)
{
	return text != NULL && strcasestr(text, part) != NULL;
}

static bool
is_equal(const char *text, const char *wanted)
{
	return wanted == NULL || (text != NULL && strcmp(text, wanted) == 0);
}

static bool
matches(const struct query *query, const struct event_filter *filter,
    const struct event *event)
{
	if (event->id <= filter->after_id ||
	    (filter->since != 0 && event->time < filter->since) ||
	    (filter->until != 0 && event->time > filter->until) ||
	    (filter->net != NULL && !ipnet_has(filter->net, &event->ip)))
		return false;
	if (!is_equal(event->queue_id, filter->queue_id) ||
	    !is_equal(event->message_id, filter->message_id) ||
	    !is_equal(event->words->value[SK_SID], filter->sid))
		return false;
	if (filter->name != NULL && !has_part(event->name, filter->name) &&
	    !has_part(event->ptr, filter->name) &&
	    !has_part(event->heloname, filter->name))
		return false;
	return query_person_matches(query, event->sender, filter->sender) &&
	       query_person_matches(query, event->recipients, filter->recipient);
}

struct events_run {
	struct query *query;
	const struct event_filter *filter;
	bool (*each)(void *ctx, const struct event *event);
	void *ctx;
	size_t given;
	bool ended;
};

/* The sid is looked at here, too. */
static uint64_t
words_of(const struct event_filter *filter)
{
	return filter->words == 0 ? 0 : filter->words | UINT64_C(1) << SK_SID;
}

/* Gives every row of the statement that matches to the caller. */
static bool
run_rows(struct events_run *run, sqlite3_stmt *statement, struct trouble *trouble)
{
	struct connection *connection = &run->query->backend.writer.connection;
	struct session_words words;
	struct event event;
	bool row = true;

	while (!run->ended) {
		if (!connection_step(connection, statement, &row, trouble))
			return false;
		if (!row)
			return true;
		event_read(statement, &event, &words, words_of(run->filter));
		if (!matches(run->query, run->filter, &event))
			continue;
		run->given++;
		run->ended =
		    !run->each(run->ctx, &event) ||
		    (run->filter->limit != 0 && run->given >= run->filter->limit);
	}
	return true;
}

static bool
number(struct query *query, const char *sql, int64_t *number_r,
    struct trouble *trouble)
{
	return connection_number(
	    &query->backend.writer.connection, sql, number_r, trouble);
}

/* ------------------------------------------------------- by the index of keys */

static bool
run_ids(struct events_run *run, sqlite3_stmt *ids, sqlite3_stmt *rows,
    struct trouble *trouble)
{
	struct connection *connection = &run->query->backend.writer.connection;
	bool row = true;

	while (!run->ended) {
		if (!connection_step(connection, ids, &row, trouble))
			return false;
		if (!row)
			return true;
		sqlite3_bind_int64(rows, 1, sqlite3_column_int64(ids, 0));
		if (!run_rows(run, rows, trouble))
			return false;
		sqlite3_reset(rows);
	}
	return true;
}

static bool
run_days(struct events_run *run, int64_t hash, sqlite3_stmt *ids,
    sqlite3_stmt *rows, struct trouble *trouble)
{
	int64_t first, last;
	bool newest = run->filter->newest_first;

	if (!number(
	        run->query, "SELECT min(day) FROM event_key", &first, trouble) ||
	    !number(run->query, "SELECT max(day) FROM event_key", &last, trouble))
		return false;
	if (run->filter->since != 0 && schema_day(run->filter->since) > first)
		first = schema_day(run->filter->since);
	for (int64_t i = 0; i <= last - first && !run->ended; i++) {
		sqlite3_bind_int64(ids, 1, newest ? last - i : first + i);
		sqlite3_bind_int64(ids, 2, hash);
		if (!run_ids(run, ids, rows, trouble))
			return false;
		sqlite3_reset(ids);
	}
	return true;
}

static bool
run_by_key(struct events_run *run, const char *kind, const char *text,
    struct trouble *trouble)
{
	char sql[EVENT_SQL_SIZE];
	int64_t hash = key_text(run->query->backend.secret, kind, text);

	event_sql_select(sql, sizeof sql - 64, words_of(run->filter));
	strcat(sql, " WHERE event_id = ?1");
	sqlite3_stmt *rows = query_prepare(run->query, sql, trouble);
	sqlite3_stmt *ids = query_prepare(run->query,
	    run->filter->newest_first
	        ? "SELECT event_id FROM event_key WHERE day = ?1"
	          " AND hash = ?2 ORDER BY event_id DESC"
	        : "SELECT event_id FROM event_key WHERE day = ?1"
	          " AND hash = ?2 ORDER BY event_id",
	    trouble);
	bool ok =
	    rows != NULL && ids != NULL && run_days(run, hash, ids, rows, trouble);
	sqlite3_finalize(rows);
	sqlite3_finalize(ids);
	return ok;
}

/* ------------------------------------------------------------------- by time */

/* The first event_id with logged >= when; logged never decreases. */
static bool
find_id(struct query *query, int64_t when, int64_t *id_r, struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;
	int64_t low, high;
	bool ok = true, row;

	if (!number(query, "SELECT min(event_id) FROM event", &low, trouble) ||
	    !number(query, "SELECT max(event_id) + 1 FROM event", &high, trouble))
		return false;
	sqlite3_stmt *statement = query_prepare(query,
	    "SELECT event_id, logged FROM event WHERE event_id >= ?1"
	    " ORDER BY event_id LIMIT 1",
	    trouble);
	ok = statement != NULL;
	while (ok && low < high) {
		int64_t middle = low + (high - low) / 2;
		sqlite3_bind_int64(statement, 1, middle);
		ok = connection_step(connection, statement, &row, trouble);
		if (!ok)
			break;
		if (row && sqlite3_column_int64(statement, 1) < when)
			low = sqlite3_column_int64(statement, 0) + 1;
		else
			high = middle;
		sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	*id_r = low;
	return ok;
}

static bool
run_by_time(struct events_run *run, struct trouble *trouble)
{
	const struct event_filter *filter = run->filter;
	int64_t low = 0, high = INT64_MAX;
	char sql[EVENT_SQL_SIZE];

	if (filter->since != 0 &&
	    !find_id(run->query, filter->since, &low, trouble))
		return false;
	if (filter->until != 0 &&
	    !find_id(run->query, filter->until + LONGEST_S, &high, trouble))
		return false;
	if (filter->after_id >= low)
		low = filter->after_id + 1;
	event_sql_select(sql, sizeof sql - 96, words_of(run->filter));
	strcat(sql, " WHERE event_id >= ?1 AND event_id <= ?2 ORDER BY event_id");
	if (filter->newest_first)
		strcat(sql, " DESC");
	sqlite3_stmt *rows = query_prepare(run->query, sql, trouble);
	if (rows == NULL)
		return false;
	sqlite3_bind_int64(rows, 1, low);
	sqlite3_bind_int64(rows, 2, high);
	bool ok = run_rows(run, rows, trouble);
	sqlite3_finalize(rows);
	return ok;
}

static bool
run_events(struct events_run *run, struct trouble *trouble)
{
	const struct event_filter *filter = run->filter;
	char ip[IP_TEXT_SIZE];

	if (filter->sid != NULL)
		return run_by_key(run, "sid", filter->sid, trouble);
	if (filter->queue_id != NULL)
		return run_by_key(run, "queue", filter->queue_id, trouble);
	if (filter->message_id != NULL)
		return run_by_key(run, "message", filter->message_id, trouble);
	if (filter->net != NULL) {
		struct ip key = key_address(&filter->net->ip);
		if (filter->net->prefix == 128 ||
		    (!ip_is_v4(&key) && filter->net->prefix >= 64))
			return run_by_key(run, "ip", ip_to_text(&key, ip), trouble);
	}
	return run_by_time(run, trouble);
}

bool
query_events(struct query *query, const struct event_filter *filter,
    bool (*each)(void *ctx, const struct event *event), void *ctx,
    struct error *error)
{
	struct trouble trouble = {0};
	struct events_run run = {query, filter, each, ctx, 0, false};

	if (query_enter(query, &trouble) &&
	    query_leave(query, run_events(&run, &trouble)))
		return true;
	return query_failed(query, &trouble, error);
}
