/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "store/keys.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

/* A walk through a table not ordered by time starts at most this often. */
#define SWEEP_S 3600
/* How many times more rows are looked at than removed per portion. */
#define SWEEP_FACTOR 4

/* What one call of sqlite_expire() removes. */
struct slice {
	struct view *view;
	const struct expiry *expiry;
	int removed;
	struct trouble *trouble;
};

static sqlite3_stmt *
prepare(struct slice *slice, enum statement which)
{
	return connection_statement(
	    &slice->view->connection, which, slice->trouble);
}

/* found_r  whether there is a row; NULL for statements without rows */
static bool
step(struct slice *slice, sqlite3_stmt *statement, bool *found_r)
{
	return connection_step(
	    &slice->view->connection, statement, found_r, slice->trouble);
}

static void
count_removed(struct slice *slice)
{
	slice->removed += sqlite3_changes(slice->view->connection.db);
}

static bool
remove_rows(
    struct slice *slice, enum statement which, const int64_t *numbers, int count)
{
	sqlite3_stmt *statement = prepare(slice, which);

	if (statement == NULL)
		return false;
	for (int i = 0; i < count; i++)
		sqlite3_bind_int64(statement, i + 1, numbers[i]);
	if (!step(slice, statement, NULL))
		return false;
	sqlite3_reset(statement);
	count_removed(slice);
	return true;
}

/* The oldest bucket; *found_r false if none is older than the one given. */
static bool
find_first(struct slice *slice, enum statement which, int64_t before,
    int64_t *first_r, bool *found_r)
{
	sqlite3_stmt *statement = prepare(slice, which);

	if (statement == NULL || !step(slice, statement, found_r))
		return false;
	if (*found_r && sqlite3_column_type(statement, 0) == SQLITE_NULL)
		*found_r = false;
	if (*found_r)
		*first_r = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	*found_r = *found_r && *first_r < before;
	return true;
}

/* Keys go once all events of their part, or of their day, are gone. */
static bool
find_keys_end(struct slice *slice, int64_t day, int64_t *before_r)
{
	int64_t first;
	bool found;

	*before_r = day;
	if (!find_first(
	        slice, SQL_EXPIRE_EVENT_KEYS_FIRST, INT64_MAX, &first, &found))
		return false;
	if (!found || first < SCHEMA_FIRST_PART)
		return true;
	*before_r = INT64_MAX;
	if (!find_first(slice, SQL_EXPIRE_EVENTS_FIRST, INT64_MAX, &first, &found))
		return false;
	if (found)
		*before_r = schema_event_part(first);
	return true;
}

/* The hash that ends the next limit rows of an expired bucket. */
static bool
find_end(struct slice *slice, enum statement which, int64_t bucket, int64_t *end_r,
    bool *found_r)
{
	sqlite3_stmt *statement = prepare(slice, which);

	*found_r = false;
	/* A whole portion first; the rest of a bucket is smaller than that. */
	for (unsigned offset = slice->expiry->limit - 1; statement != NULL;
	     offset /= 4) {
		sqlite3_bind_int64(statement, 1, bucket);
		sqlite3_bind_int64(statement, 2, offset);
		if (!step(slice, statement, found_r))
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
expire_range(struct slice *slice, enum statement first, int64_t before)
{
	int64_t key[2] = {0};
	bool found;

	return find_first(slice, first, before, &key[0], &found) &&
	       (!found || (find_end(slice, first + 1, key[0], &key[1], &found) &&
	                      remove_rows(slice, first + 2, key, 2)));
}

/* A table not ordered by time, whose key is a number. */
struct walked {
	enum statement end, removes[2];
	int removes_count, numbers_count;
};

/* One portion of a walk; at the end *cursor goes back to the start. */
static bool
sweep(struct slice *slice, const struct walked *table, int64_t *cursor)
{
	const struct expiry *expiry = slice->expiry;
	sqlite3_stmt *statement = prepare(slice, table->end);
	int64_t upper = INT64_MAX;
	bool found;

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, *cursor);
	sqlite3_bind_int64(statement, 2, expiry->limit * SWEEP_FACTOR);
	if (!step(slice, statement, &found))
		return false;
	if (found)
		upper = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	for (int i = 0; i < table->removes_count; i++) {
		const int64_t numbers[] = {
		    *cursor, upper, expiry->now - expiry->max_age_s, expiry->now};
		if (!remove_rows(
		        slice, table->removes[i], numbers, table->numbers_count))
			return false;
	}
	*cursor = found ? upper : INT64_MIN;
	return true;
}

/* The same for a key that is a name; end, end + 1: the table's two statements. */
static bool
sweep_names(
    struct slice *slice, enum statement end, char cursor[static ORIGIN_SIZE])
{
	const struct expiry *expiry = slice->expiry;
	sqlite3_stmt *statement = prepare(slice, end);
	char upper[ORIGIN_SIZE] = "\x7f"; /* names are ASCII */
	bool found;

	if (statement == NULL)
		return false;
	sqlite3_bind_text(statement, 1, cursor, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, expiry->limit * SWEEP_FACTOR);
	if (!step(slice, statement, &found))
		return false;
	const char *name =
	    found ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	found = name != NULL && strlen(name) < sizeof upper;
	if (found)
		memcpy(upper, name, strlen(name) + 1);
	sqlite3_reset(statement);

	statement = prepare(slice, end + 1);
	if (statement == NULL)
		return false;
	sqlite3_bind_text(statement, 1, cursor, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, upper, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, expiry->now - expiry->max_age_s);
	if (sqlite3_bind_parameter_count(statement) > 3)
		sqlite3_bind_int64(statement, 4, expiry->now);
	if (!step(slice, statement, NULL))
		return false;
	count_removed(slice);
	memcpy(cursor, found ? upper : "", found ? strlen(upper) + 1 : 1);
	return true;
}

static bool
sweep_named(struct slice *slice)
{
	struct sweep *state = &slice->view->backend->sweep;
	int64_t now = slice->expiry->now;
	const struct {
		enum statement end;
		char *cursor;
	} tables[] = {
	    {SQL_SWEEP_DOMAIN_END, state->domain},
	    {SQL_SWEEP_ORIGIN_END, state->origin},
	};

	for (int i = 0; i < 2; i++) {
		if (now < state->next[2 + i])
			continue;
		if (!sweep_names(slice, tables[i].end, tables[i].cursor))
			return false;
		if (tables[i].cursor[0] == '\0')
			state->next[2 + i] = now + SWEEP_S;
	}
	return true;
}

/* Tables not ordered by time: a portion of each at a time, once an hour. */
static bool
expire_known(struct slice *slice)
{
	static const struct walked tables[] = {
	    {SQL_SWEEP_PASSED_END, {SQL_SWEEP_PASSED_TEXT, SQL_SWEEP_PASSED}, 2, 3},
	    {SQL_SWEEP_ADDRESS_END, {SQL_SWEEP_ADDRESS}, 1, 4},
	};
	struct sweep *state = &slice->view->backend->sweep;
	int64_t *const cursors[] = {&state->passed, &state->address};
	int64_t now = slice->expiry->now;

	for (int i = 0; i < 2; i++) {
		if (now < state->next[i])
			continue;
		if (!sweep(slice, &tables[i], cursors[i]))
			return false;
		if (*cursors[i] == INT64_MIN)
			state->next[i] = now + SWEEP_S;
	}
	return sweep_named(slice);
}

static bool
expire_event_keys(struct slice *slice)
{
	const struct expiry *expiry = slice->expiry;
	int64_t before;

	return find_keys_end(
	           slice, backend_day(expiry->now - expiry->events_s), &before) &&
	       expire_range(slice, SQL_EXPIRE_EVENT_KEYS_FIRST, before);
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
	struct slice slice = {.view = view, .expiry = expiry, .trouble = trouble};

	*more_r = true;
	if (atomic_load(&view->backend->checkpoint.wal_pages) > WAL_LONG)
		return true;
	/* One kind at a time, so that a slice stays short; the cheap ones first. */
	if (!expire_range(&slice, SQL_EXPIRE_WAITING_FIRST, bucket) ||
	    (slice.removed == 0 &&
	        !remove_rows(&slice, SQL_EXPIRE_WAITING_TEXT, texts, 2)) ||
	    (slice.removed == 0 &&
	        !remove_rows(&slice, SQL_EXPIRE_NETWORKS, networks, 2)) ||
	    (slice.removed == 0 && !expire_event_keys(&slice)) ||
	    (slice.removed == 0 &&
	        !remove_rows(&slice, SQL_EXPIRE_EVENTS, events, 2)))
		return false;
	*more_r = slice.removed > 0;
	if (slice.removed > 0)
		return true;
	bool ok = expire_known(&slice);
	*more_r = ok && expiry->thorough && is_walking(&view->backend->sweep, now);
	return ok;
}
