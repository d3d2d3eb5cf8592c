/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "store/keys.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

/* A walk through a table without an order by time begins at most this often. */
#define SWEEP_S 3600
/* Rows are looked at in so much larger portions than they are removed in. */
#define SWEEP_FACTOR 4

static bool
run(struct view *view, enum statement which, const int64_t *numbers, int count,
    int *removed, struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, which, trouble);

	if (statement == NULL)
		return false;
	for (int i = 0; i < count; i++)
		sqlite3_bind_int64(statement, i + 1, numbers[i]);
	if (!connection_step(&view->connection, statement, NULL, trouble))
		return false;
	sqlite3_reset(statement);
	*removed += sqlite3_changes(view->connection.db);
	return true;
}

/* The oldest bucket; false in *found_r when there is none before that one. */
static bool
find_first(struct view *view, enum statement which, int64_t before,
    int64_t *first_r, bool *found_r, struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, which, trouble);

	if (statement == NULL ||
	    !connection_step(&view->connection, statement, found_r, trouble))
		return false;
	if (*found_r && sqlite3_column_type(statement, 0) == SQLITE_NULL)
		*found_r = false;
	if (*found_r)
		*first_r = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	*found_r = *found_r && *first_r < before;
	return true;
}

/* Keys go when the events of their part, or of days of their day, have gone. */
static bool
find_keys_end(
    struct view *view, int64_t day, int64_t *before_r, struct trouble *trouble)
{
	int64_t first;
	bool found;

	*before_r = day;
	if (!find_first(view, SQL_EXPIRE_EVENT_KEYS_FIRST, INT64_MAX, &first,
	        &found, trouble))
		return false;
	if (!found || first < SCHEMA_FIRST_PART)
		return true;
	*before_r = INT64_MAX;
	if (!find_first(
	        view, SQL_EXPIRE_EVENTS_FIRST, INT64_MAX, &first, &found, trouble))
		return false;
	if (found)
		*before_r = schema_event_part(first);
	return true;
}

/* The last hash of the next limit rows of a bucket that is past its time. */
static bool
find_end(struct view *view, enum statement which, int64_t bucket, unsigned limit,
    int64_t *end_r, bool *found_r, struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, which, trouble);

	*found_r = false;
	/* A whole portion at first; what is left of a bucket is smaller than that.
	 */
	for (unsigned offset = limit - 1; statement != NULL; offset /= 4) {
		sqlite3_bind_int64(statement, 1, bucket);
		sqlite3_bind_int64(statement, 2, offset);
		if (!connection_step(
		        &view->connection, statement, found_r, trouble))
			return false;
		if (*found_r)
			*end_r = sqlite3_column_int64(statement, 0);
		sqlite3_reset(statement);
		if (*found_r || offset == 0)
			return true;
	}
	return false;
}

/* first, end, remove: the three statements of one table, in this order. */
static bool
expire_range(struct view *view, enum statement first, int64_t before,
    unsigned limit, int *removed, struct trouble *trouble)
{
	int64_t key[2] = {0};
	bool found;

	return find_first(view, first, before, &key[0], &found, trouble) &&
	       (!found || (find_end(view, first + 1, key[0], limit, &key[1], &found,
	                       trouble) &&
	                      run(view, first + 2, key, 2, removed, trouble)));
}

/* One portion of a walk; *cursor goes back to the start at the end. */
static bool
sweep(struct view *view, enum statement end, const enum statement *removes,
    int count, int64_t *cursor, const int64_t limits[2], unsigned limit,
    int *removed, struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, end, trouble);
	int64_t upper = INT64_MAX;
	bool found;

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, *cursor);
	sqlite3_bind_int64(statement, 2, limit);
	if (!connection_step(&view->connection, statement, &found, trouble))
		return false;
	if (found)
		upper = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	for (int i = 0; i < count; i++) {
		const int64_t numbers[] = {*cursor, upper, limits[0], limits[1]};
		if (!run(view, removes[i], numbers,
		        removes[i] == SQL_SWEEP_ADDRESS ? 4 : 3, removed, trouble))
			return false;
	}
	*cursor = found ? upper : INT64_MIN;
	return true;
}

/*
 * The same where the key is a name; end, end + 1: the two statements of one
 * table.
 */
static bool
sweep_names(struct view *view, enum statement end, char cursor[static ORIGIN_SIZE],
    const int64_t limits[2], unsigned limit, int *removed, struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, end, trouble);
	char upper[ORIGIN_SIZE] = "\x7f"; /* names are ASCII */
	bool found;

	if (statement == NULL)
		return false;
	sqlite3_bind_text(statement, 1, cursor, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, limit);
	if (!connection_step(&view->connection, statement, &found, trouble))
		return false;
	const char *name =
	    found ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	found = name != NULL && strlen(name) < sizeof upper;
	if (found)
		memcpy(upper, name, strlen(name) + 1);
	sqlite3_reset(statement);

	statement = connection_statement(&view->connection, end + 1, trouble);
	if (statement == NULL)
		return false;
	sqlite3_bind_text(statement, 1, cursor, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, upper, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, limits[0]);
	if (sqlite3_bind_parameter_count(statement) > 3)
		sqlite3_bind_int64(statement, 4, limits[1]);
	if (!connection_step(&view->connection, statement, NULL, trouble))
		return false;
	*removed += sqlite3_changes(view->connection.db);
	memcpy(cursor, found ? upper : "", found ? strlen(upper) + 1 : 1);
	return true;
}

static bool
sweep_named(struct view *view, const int64_t limits[2], unsigned portion,
    int *removed, struct trouble *trouble)
{
	struct sweep *state = &view->backend->sweep;
	const struct {
		enum statement end;
		char *cursor;
	} tables[] = {
	    {SQL_SWEEP_DOMAIN_END, state->domain},
	    {SQL_SWEEP_ORIGIN_END, state->origin},
	};

	for (int i = 0; i < 2; i++) {
		if (limits[1] < state->next[2 + i])
			continue;
		if (!sweep_names(view, tables[i].end, tables[i].cursor, limits,
		        portion, removed, trouble))
			return false;
		if (tables[i].cursor[0] == '\0')
			state->next[2 + i] = limits[1] + SWEEP_S;
	}
	return true;
}

/* Those without an order by time: a portion of each at a time, once an hour. */
static bool
expire_known(struct view *view, const struct expiry *expiry, int *removed,
    struct trouble *trouble)
{
	static const enum statement of_passed[] = {
	    SQL_SWEEP_PASSED_TEXT, SQL_SWEEP_PASSED};
	static const enum statement of_address[] = {SQL_SWEEP_ADDRESS};
	struct sweep *state = &view->backend->sweep;
	int64_t now = expiry->now;
	const int64_t limits[] = {now - expiry->max_age_s, now};
	unsigned portion = expiry->limit * SWEEP_FACTOR;

	if (now >= state->next[0]) {
		if (!sweep(view, SQL_SWEEP_PASSED_END, of_passed, 2, &state->passed,
		        limits, portion, removed, trouble))
			return false;
		if (state->passed == INT64_MIN)
			state->next[0] = now + SWEEP_S;
	}
	if (now >= state->next[1]) {
		if (!sweep(view, SQL_SWEEP_ADDRESS_END, of_address, 1,
		        &state->address, limits, portion, removed, trouble))
			return false;
		if (state->address == INT64_MIN)
			state->next[1] = now + SWEEP_S;
	}
	return sweep_named(view, limits, portion, removed, trouble);
}

static bool
expire_event_keys(struct view *view, const struct expiry *expiry, int *removed,
    struct trouble *trouble)
{
	int64_t day = backend_day(expiry->now - expiry->events_s), before;

	return find_keys_end(view, day, &before, trouble) &&
	       expire_range(view, SQL_EXPIRE_EVENT_KEYS_FIRST, before,
	           expiry->limit, removed, trouble);
}

static bool
is_walking(const struct sweep *sweep, int64_t now)
{
	return now >= sweep->next[0] || now >= sweep->next[1] ||
	       now >= sweep->next[2] || now >= sweep->next[3];
}

bool
sqlite_expire(struct view *view, const struct expiry *expiry, bool *more_r,
    struct trouble *trouble)
{
	int64_t now = expiry->now;
	unsigned limit = expiry->limit;
	int64_t bucket = schema_bucket(now - expiry->retry_window_s);
	const int64_t texts[] = {bucket, limit};
	const int64_t events[] = {now - expiry->events_s, limit};
	const int64_t networks[] = {backend_day(now), limit};
	int removed = 0;

	*more_r = true;
	if (atomic_load(&view->backend->checkpoint.wal_pages) > WAL_LONG)
		return true;
	/* One kind at a time, so that a slice stays short; the cheap ones first. */
	if (!expire_range(
	        view, SQL_EXPIRE_WAITING_FIRST, bucket, limit, &removed, trouble) ||
	    (removed == 0 &&
	        !run(view, SQL_EXPIRE_WAITING_TEXT, texts, 2, &removed, trouble)) ||
	    (removed == 0 &&
	        !run(view, SQL_EXPIRE_NETWORKS, networks, 2, &removed, trouble)) ||
	    (removed == 0 && !expire_event_keys(view, expiry, &removed, trouble)) ||
	    (removed == 0 &&
	        !run(view, SQL_EXPIRE_EVENTS, events, 2, &removed, trouble)))
		return false;
	*more_r = removed > 0;
	if (removed > 0)
		return true;
	bool ok = expire_known(view, expiry, &removed, trouble);
	*more_r = ok && expiry->thorough && is_walking(&view->backend->sweep, now);
	return ok;
}
