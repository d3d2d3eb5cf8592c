/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

/* Binds integers, starting at parameter 1. */
static sqlite3_stmt *
bind_numbers(struct view *view, enum statement which, const int64_t *numbers,
    int count, struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, which, trouble);

	for (int i = 0; statement != NULL && i < count; i++)
		sqlite3_bind_int64(statement, i + 1, numbers[i]);
	return statement;
}

#define COUNT(array) ((int)(sizeof array / sizeof *(array)))

static bool
step(struct view *view, sqlite3_stmt *statement, bool *row_r,
    struct trouble *trouble)
{
	return statement != NULL &&
	       connection_step(&view->connection, statement, row_r, trouble);
}

static bool
bind_text(struct view *view, sqlite3_stmt *statement, int parameter,
    const char *text, struct trouble *trouble)
{
	if (statement != NULL && sqlite3_bind_text(statement, parameter, text, -1,
	                             SQLITE_STATIC) == SQLITE_OK)
		return true;
	if (statement != NULL)
		connection_failed(&view->connection, trouble);
	return false;
}

static int64_t
time_at(sqlite3_stmt *statement, int column)
{
	return backend_time(sqlite3_column_int64(statement, column));
}

/* Relative to another time; negative if the clock was set back meanwhile. */
static int64_t
span_at(sqlite3_stmt *statement, int column)
{
	return backend_span(sqlite3_column_int64(statement, column));
}

static uint32_t
count_at(sqlite3_stmt *statement, int column)
{
	return backend_count(sqlite3_column_int64(statement, column));
}

void
sqlite_read_address(
    sqlite3_stmt *statement, int column, struct address_record *record_r)
{
	int64_t times[7];
	uint32_t counts[7];

	for (int i = 0; i < 7; i++)
		times[i] = time_at(statement, column + i);
	for (int i = 0; i < 7; i++)
		counts[i] = count_at(statement, column + 7 + i);
	*record_r = (struct address_record){
	    .first_seen = times[0],
	    .last_seen = times[1],
	    .last_success = times[2],
	    .last_counted = times[3],
	    .last_unproven = times[4],
	    .last_gaveup = times[5],
	    .known_until = times[6],
	    .sessions = counts[0],
	    .successes = counts[1],
	    .counted = counts[2],
	    .gaveup = counts[3],
	    .gaveup_secs = counts[4],
	    .ham = counts[5],
	    .spam = counts[6],
	    .rated = time_at(statement, column + 14),
	};
}

bool
sqlite_find_address(struct view *view, int64_t key, struct address_record *record_r,
    struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    bind_numbers(view, SQL_FIND_ADDRESS, &key, 1, trouble);
	bool row;

	memset(record_r, 0, sizeof *record_r);
	if (!step(view, statement, &row, trouble))
		return false;
	if (row)
		sqlite_read_address(statement, 0, record_r);
	sqlite3_reset(statement);
	return true;
}

bool
sqlite_keep_address(struct view *view, int64_t key,
    const struct address_record *record, struct trouble *trouble)
{
	const int64_t numbers[] = {key, record->first_seen, record->last_seen,
	    record->last_success, record->last_counted, record->last_unproven,
	    record->last_gaveup, record->known_until, record->sessions,
	    record->successes, record->counted, record->gaveup, record->gaveup_secs,
	    record->ham, record->spam, record->rated};

	return step(view,
	    bind_numbers(view, SQL_KEEP_ADDRESS, numbers, COUNT(numbers), trouble),
	    NULL, trouble);
}

void
sqlite_read_domain(sqlite3_stmt *statement, int column,
    struct domain_record *record_r, int64_t *day_r)
{
	*record_r = (struct domain_record){
	    .first_seen = time_at(statement, column),
	    .last_seen = time_at(statement, column + 1),
	    .last_success = time_at(statement, column + 2),
	    .last_counted = time_at(statement, column + 3),
	    .known_until = time_at(statement, column + 4),
	    .successes = count_at(statement, column + 5),
	    .counted = count_at(statement, column + 6),
	    .networks = count_at(statement, column + 8),
	};
	*day_r = time_at(statement, column + 7);
}

bool
sqlite_find_domain(struct view *view, const char *name, int64_t day,
    struct domain_record *record_r, struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, SQL_FIND_DOMAIN, trouble);
	int64_t counted_on;
	bool row;

	memset(record_r, 0, sizeof *record_r);
	if (!bind_text(view, statement, 1, name, trouble) ||
	    !step(view, statement, &row, trouble))
		return false;
	if (row) {
		sqlite_read_domain(statement, 0, record_r, &counted_on);
		if (counted_on != day)
			record_r->networks = 0;
	}
	sqlite3_reset(statement);
	return true;
}

bool
sqlite_keep_domain(struct view *view, const char *name, int64_t day,
    const struct domain_record *record, struct trouble *trouble)
{
	const int64_t numbers[] = {0, record->first_seen, record->last_seen,
	    record->last_success, record->last_counted, record->known_until,
	    record->successes, record->counted, day, record->networks};
	sqlite3_stmt *statement =
	    bind_numbers(view, SQL_KEEP_DOMAIN, numbers, COUNT(numbers), trouble);

	return bind_text(view, statement, 1, name, trouble) &&
	       step(view, statement, NULL, trouble);
}

void
sqlite_read_origin(
    sqlite3_stmt *statement, int column, struct origin_record *record_r)
{
	*record_r = (struct origin_record){
	    .first_seen = time_at(statement, column),
	    .last_seen = time_at(statement, column + 1),
	    .decayed = time_at(statement, column + 2),
	    .sessions = count_at(statement, column + 3),
	    .successes = count_at(statement, column + 4),
	    .gaveup = count_at(statement, column + 5),
	    .ham = count_at(statement, column + 6),
	    .spam = count_at(statement, column + 7),
	    .people = (uint64_t)sqlite3_column_int64(statement, column + 8),
	};
}

bool
sqlite_find_origin(struct view *view, const char *name,
    struct origin_record *record_r, struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, SQL_FIND_ORIGIN, trouble);
	bool row;

	memset(record_r, 0, sizeof *record_r);
	if (!bind_text(view, statement, 1, name, trouble) ||
	    !step(view, statement, &row, trouble))
		return false;
	if (row)
		sqlite_read_origin(statement, 0, record_r);
	sqlite3_reset(statement);
	return true;
}

bool
sqlite_keep_origin(struct view *view, const char *name,
    const struct origin_record *record, struct trouble *trouble)
{
	const int64_t numbers[] = {0, record->first_seen, record->last_seen,
	    record->decayed, record->sessions, record->successes, record->gaveup,
	    record->ham, record->spam, (int64_t)record->people};
	sqlite3_stmt *statement =
	    bind_numbers(view, SQL_KEEP_ORIGIN, numbers, COUNT(numbers), trouble);

	return bind_text(view, statement, 1, name, trouble) &&
	       step(view, statement, NULL, trouble);
}

void
sqlite_read_waiting(
    sqlite3_stmt *statement, int column, int64_t bucket, struct grey_row *row_r)
{
	int64_t first =
	    backend_span(bucket) * SCHEMA_BUCKET_S + span_at(statement, column);
	int64_t last_try = span_at(statement, column + 2);
	int64_t flags = sqlite3_column_int64(statement, column + 3);

	*row_r = (struct grey_row){
	    .first = first,
	    .last = first + span_at(statement, column + 1),
	    .last_try = last_try == 0 ? 0 : first + last_try - 1,
	    .tries = backend_count(flags >> 1),
	    .early = (flags & 1) != 0,
	    .mxs = (uint64_t)sqlite3_column_int64(statement, column + 4),
	};
}

void
sqlite_read_passed(sqlite3_stmt *statement, int column, struct grey_row *row_r)
{
	int64_t flags = sqlite3_column_int64(statement, column + 4);

	*row_r = (struct grey_row){
	    .first = time_at(statement, column),
	    .last = time_at(statement, column + 1),
	    .last_try = time_at(statement, column + 2),
	    .passed = time_at(statement, column + 3),
	    .tries = backend_count(flags >> 1),
	    .early = (flags & 1) != 0,
	};
}

bool
sqlite_find_waiting(struct view *view, int64_t hash, int64_t since, int64_t until,
    struct grey_row *row_r, int64_t *twin_r, struct trouble *trouble)
{
	int64_t newest = atomic_load(&view->backend->newest_bucket);
	int64_t oldest = schema_bucket(since), bucket = schema_bucket(until);
	bool row = false;

	memset(row_r, 0, sizeof *row_r);
	*twin_r = 0;
	if (bucket > newest)
		bucket = newest;
	for (; !row && bucket >= oldest; bucket--) {
		const int64_t key[] = {bucket, hash};
		sqlite3_stmt *statement =
		    bind_numbers(view, SQL_FIND_WAITING, key, 2, trouble);
		if (!step(view, statement, &row, trouble))
			return false;
		if (row) {
			sqlite_read_waiting(statement, 0, bucket, row_r);
			*twin_r = sqlite3_column_int64(statement, 5);
		}
		sqlite3_reset(statement);
	}
	return true;
}

bool
sqlite_find_triplet(struct view *view, int64_t hash, int64_t since, int64_t until,
    struct grey_row *row_r, struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    bind_numbers(view, SQL_FIND_PASSED, &hash, 1, trouble);
	int64_t ignored;
	bool row;

	if (!step(view, statement, &row, trouble))
		return false;
	if (row)
		sqlite_read_passed(statement, 0, row_r);
	sqlite3_reset(statement);
	return row || sqlite_find_waiting(
	                  view, hash, since, until, row_r, &ignored, trouble);
}

static int64_t
bucket_of(const struct grey_row *row)
{
	return schema_bucket(backend_waits_since(row));
}

static bool
bind_text_of(struct view *view, sqlite3_stmt *statement, int parameter,
    const struct triplet_text *text, struct trouble *trouble)
{
	return bind_text(view, statement, parameter, text->client, trouble) &&
	       bind_text(view, statement, parameter + 1, text->sender, trouble) &&
	       bind_text(view, statement, parameter + 2, text->recipient, trouble);
}

bool
sqlite_keep_text(struct view *view, int64_t hash, int64_t anywhere,
    const struct grey_row *row, const struct triplet_text *text,
    struct trouble *trouble)
{
	const int64_t waiting[] = {bucket_of(row), hash, anywhere};
	sqlite3_stmt *statement;

	if (row->passed != 0) {
		statement =
		    bind_numbers(view, SQL_KEEP_PASSED_TEXT, &hash, 1, trouble);
		return bind_text_of(view, statement, 2, text, trouble) &&
		       step(view, statement, NULL, trouble);
	}
	statement = bind_numbers(view, SQL_KEEP_WAITING_TEXT, waiting, 3, trouble);
	if (statement != NULL && anywhere == 0)
		sqlite3_bind_null(statement, 3);
	return bind_text_of(view, statement, 4, text, trouble) &&
	       step(view, statement, NULL, trouble);
}

bool
sqlite_keep_waiting(struct view *view, int64_t hash, const struct grey_row *row,
    int64_t twin, struct trouble *trouble)
{
	int64_t bucket = bucket_of(row);
	const int64_t numbers[] = {bucket, hash,
	    row->first - bucket * SCHEMA_BUCKET_S, row->last - row->first,
	    row->last_try == 0 ? 0 : row->last_try - row->first + 1,
	    (int64_t)row->tries * 2 + row->early, (int64_t)row->mxs, twin};
	sqlite3_stmt *statement =
	    bind_numbers(view, SQL_KEEP_WAITING, numbers, COUNT(numbers), trouble);

	if (statement != NULL && twin == 0)
		sqlite3_bind_null(statement, COUNT(numbers));
	if (bucket > atomic_load(&view->backend->newest_bucket))
		atomic_store(&view->backend->newest_bucket, bucket);
	return step(view, statement, NULL, trouble);
}

bool
sqlite_find_twin(struct view *view, int64_t hash, const struct grey_row *row,
    bool *found_r, int64_t *twin_r, struct trouble *trouble)
{
	const int64_t key[] = {bucket_of(row), hash};
	sqlite3_stmt *statement =
	    bind_numbers(view, SQL_FIND_WAITING, key, 2, trouble);

	if (!step(view, statement, found_r, trouble))
		return false;
	*twin_r = *found_r ? sqlite3_column_int64(statement, 5) : 0;
	sqlite3_reset(statement);
	return true;
}

static bool
keep_passed(struct view *view, int64_t hash, const struct grey_row *row,
    struct trouble *trouble)
{
	const int64_t numbers[] = {hash, row->first, row->last, row->last_try,
	    row->passed, (int64_t)row->tries * 2 + row->early};

	return step(view,
	    bind_numbers(view, SQL_KEEP_PASSED, numbers, COUNT(numbers), trouble),
	    NULL, trouble);
}

/* The row changes its place, and needs its text there. */
static bool
is_moved(const struct grey_row *was, const struct grey_row *row)
{
	return was->first == 0 || (was->passed != 0) != (row->passed != 0) ||
	       (row->passed == 0 && bucket_of(was) != bucket_of(row));
}

static bool
keep_row(struct view *view, int64_t hash, const struct grey_row *was,
    const struct grey_row *row, struct trouble *trouble)
{
	bool ignored;

	if (was->first != 0 && is_moved(was, row) &&
	    !sqlite_drop_row(view, hash, was, &ignored, trouble))
		return false;
	return row->passed != 0 ? keep_passed(view, hash, row, trouble)
	                        : sqlite_keep_waiting(view, hash, row, 0, trouble);
}

bool
sqlite_keep_triplet(struct view *view, int64_t hash, const struct grey_row *was,
    const struct grey_row *row, const struct triplet_text *text,
    struct trouble *trouble)
{
	return keep_row(view, hash, was, row, trouble) &&
	       (!is_moved(was, row) ||
	           sqlite_keep_text(view, hash, 0, row, text, trouble));
}

bool
sqlite_count_network(struct view *view, int64_t day, int64_t hash, bool *is_new_r,
    struct trouble *trouble)
{
	const int64_t numbers[] = {day, hash};

	if (!step(view, bind_numbers(view, SQL_COUNT_NETWORK, numbers, 2, trouble),
	        NULL, trouble))
		return false;
	*is_new_r = sqlite3_changes(view->connection.db) > 0;
	return true;
}

bool
sqlite_probe(struct view *view, struct trouble *trouble)
{
	return connection_do(&view->connection, SQL_PROBE, trouble);
}
