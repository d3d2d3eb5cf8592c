/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "store/event_row.h"
#include "store/sqlite/sqlite_private.h"

/* A transaction may end, and be written, at most this long after it began. */
#define LONGEST_S 86400

/* ------------------------------------------------------------------- writing */

static int
bind_value(sqlite3_stmt *statement, int parameter, const struct event_value *value)
{
	switch (value->kind) {
	case EVENT_NUMBER:
		return sqlite3_bind_int64(statement, parameter, value->number);
	case EVENT_REAL:
		return sqlite3_bind_double(statement, parameter, value->real);
	case EVENT_TEXT:
		return sqlite3_bind_text(
		    statement, parameter, value->text, -1, SQLITE_STATIC);
	case EVENT_NULL:
		break;
	}
	return SQLITE_OK;
}

bool
sqlite_add_event(struct view *view, int64_t logged, const struct event *event,
    struct trouble *trouble)
{
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, SQL_ADD_EVENT, trouble);
	struct event_row row;

	if (statement == NULL)
		return false;
	event_to_row(event, logged, &row);
	int result = sqlite3_clear_bindings(statement);
	for (int i = 0; result == SQLITE_OK && i < EVENT_COLUMNS; i++)
		result = bind_value(statement, i + 1, &row.values[i]);
	if (result != SQLITE_OK)
		return connection_failed(&view->connection, trouble);
	return connection_step(&view->connection, statement, NULL, trouble) &&
	       sqlite_add_event_keys(view, event,
	           sqlite3_last_insert_rowid(view->connection.db), trouble);
}

/* ------------------------------------------------------------------- reading */

struct walk {
	struct view *view;
	const struct event_search *search;
	bool (*each)(void *ctx, const struct event *event);
	void *ctx;
	bool ended;
};

static struct event_value
read_value(sqlite3_stmt *statement, int column)
{
	switch (sqlite3_column_type(statement, column)) {
	case SQLITE_INTEGER:
		return (struct event_value){.kind = EVENT_NUMBER,
		    .number = sqlite3_column_int64(statement, column)};
	case SQLITE_FLOAT:
		return (struct event_value){.kind = EVENT_REAL,
		    .real = sqlite3_column_double(statement, column)};
	case SQLITE_TEXT:
		return (struct event_value){.kind = EVENT_TEXT,
		    .text = (const char *)sqlite3_column_text(statement, column)};
	default:
		return (struct event_value){.kind = EVENT_NULL};
	}
}

/* Calls give for every row of the statement. */
static bool
walk_rows(struct walk *walk, sqlite3_stmt *statement, struct trouble *trouble)
{
	struct event_value values[EVENT_COLUMNS];
	struct session_words words;
	struct event event;
	bool row = true;

	while (!walk->ended) {
		if (!connection_step(
		        &walk->view->connection, statement, &row, trouble))
			return false;
		if (!row)
			return true;
		for (int i = 0; i < EVENT_COLUMNS; i++)
			values[i] = read_value(statement, i + 1);
		event_from_row(sqlite3_column_int64(statement, 0), values, &event,
		    &words, walk->search->words);
		walk->ended = !walk->each(walk->ctx, &event);
	}
	return true;
}

static sqlite3_stmt *
prepare_rows(struct walk *walk, const char *where, struct trouble *trouble)
{
	char sql[EVENT_SQL_SIZE + 128];

	event_sql_select(sql, EVENT_SQL_SIZE, walk->search->words);
	strcat(sql, where);
	if (walk->search->newest_first)
		strcat(sql, " ORDER BY event_id DESC");
	else
		strcat(sql, " ORDER BY event_id");
	return connection_prepare(&walk->view->connection, sql, trouble);
}

static bool
walk_id(struct walk *walk, int64_t id, struct trouble *trouble)
{
	sqlite3_stmt *rows = prepare_rows(walk, " WHERE event_id = ?1", trouble);

	if (rows == NULL)
		return false;
	sqlite3_bind_int64(rows, 1, id);
	bool ok = walk_rows(walk, rows, trouble);
	sqlite3_finalize(rows);
	return ok;
}

/* ------------------------------------------------------- by the index of keys */

/* The first event_id with logged >= when; logged never decreases. */
static bool
find_id(struct connection *connection, int64_t when, int64_t *id_r,
    struct trouble *trouble)
{
	int64_t low, high;
	bool ok, row;

	if (!connection_number(
	        connection, "SELECT min(event_id) FROM event", &low, trouble) ||
	    !connection_number(
	        connection, "SELECT max(event_id) + 1 FROM event", &high, trouble))
		return false;
	sqlite3_stmt *statement = connection_prepare(connection,
	    "SELECT event_id, logged FROM event WHERE event_id >= ?1"
	    " ORDER BY event_id LIMIT 1",
	    trouble);
	ok = statement != NULL;
	while (ok && low < high) {
		uint64_t half = ((uint64_t)high - (uint64_t)low) / 2;
		int64_t middle = low + (int64_t)half;
		sqlite3_bind_int64(statement, 1, middle);
		ok = connection_step(connection, statement, &row, trouble);
		if (!ok)
			break;
		int64_t id = row ? sqlite3_column_int64(statement, 0) : high;
		if (row && sqlite3_column_int64(statement, 1) < when)
			low = id < high ? id + 1 : high;
		else
			high = middle;
		sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	*id_r = low;
	return ok;
}

struct keyed {
	struct walk *walk;
	sqlite3_stmt *rows;
	struct trouble *trouble;
	bool has_failed;
};

static bool
give_keyed(void *ctx, int64_t id)
{
	struct keyed *keyed = ctx;

	sqlite3_bind_int64(keyed->rows, 1, id);
	keyed->has_failed = !walk_rows(keyed->walk, keyed->rows, keyed->trouble);
	sqlite3_reset(keyed->rows);
	return !keyed->has_failed && !keyed->walk->ended;
}

static bool
walk_key(struct walk *walk, struct trouble *trouble)
{
	const struct event_search *search = walk->search;
	struct keyed keyed = {.walk = walk, .trouble = trouble};
	int64_t since_id = 0;

	if (search->since != 0 &&
	    !find_id(&walk->view->connection, search->since, &since_id, trouble))
		return false;
	keyed.rows = prepare_rows(walk, " WHERE event_id = ?1", trouble);
	bool ok = keyed.rows != NULL &&
	          sqlite_each_keyed(
	              walk->view, search, since_id, give_keyed, &keyed, trouble) &&
	          !keyed.has_failed;
	sqlite3_finalize(keyed.rows);
	return ok;
}

/* ------------------------------------------------------------------- by time */

static bool
walk_time(struct walk *walk, struct trouble *trouble)
{
	const struct event_search *search = walk->search;
	struct connection *connection = &walk->view->connection;
	int64_t low = 0, high = INT64_MAX;

	if (search->since != 0 &&
	    !find_id(connection, search->since, &low, trouble))
		return false;
	if (search->until != 0 &&
	    !find_id(connection, search->until + LONGEST_S, &high, trouble))
		return false;
	if (search->after_id >= low)
		low = search->after_id + 1;
	sqlite3_stmt *rows =
	    prepare_rows(walk, " WHERE event_id >= ?1 AND event_id <= ?2", trouble);
	if (rows == NULL)
		return false;
	sqlite3_bind_int64(rows, 1, low);
	sqlite3_bind_int64(rows, 2, high);
	bool ok = walk_rows(walk, rows, trouble);
	sqlite3_finalize(rows);
	return ok;
}

bool
sqlite_each_event(struct view *view, const struct event_search *search,
    bool (*each)(void *ctx, const struct event *event), void *ctx,
    struct trouble *trouble)
{
	struct walk walk = {view, search, each, ctx, false};

	if (search->id != 0)
		return walk_id(&walk, search->id, trouble);
	if (search->key != EVENT_KEY_NONE)
		return walk_key(&walk, trouble);
	return walk_time(&walk, trouble);
}

bool
sqlite_rate_event(struct view *view, int64_t id, double score, const char *verdict,
    bool by_person, struct trouble *trouble)
{
	const struct event_value values[] = {
	    {.kind = EVENT_NUMBER, .number = id},
	    {.kind = score != score ? EVENT_NULL : EVENT_REAL, .real = score},
	    {.kind = verdict == NULL ? EVENT_NULL : EVENT_TEXT, .text = verdict},
	    {.kind = by_person ? EVENT_NUMBER : EVENT_NULL, .number = 1},
	};
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, SQL_RATE_EVENT, trouble);

	if (statement == NULL)
		return false;
	sqlite3_clear_bindings(statement);
	for (int i = 0; i < 4; i++)
		bind_value(statement, i + 1, &values[i]);
	return connection_step(&view->connection, statement, NULL, trouble);
}

bool
sqlite_refuse_event(
    struct view *view, int64_t id, const char *reply, struct trouble *trouble)
{
	const struct event_value values[] = {
	    {.kind = EVENT_NUMBER, .number = id},
	    {.kind = EVENT_TEXT, .text = reply},
	};
	sqlite3_stmt *statement =
	    connection_statement(&view->connection, SQL_REFUSE_EVENT, trouble);

	if (statement == NULL)
		return false;
	for (int i = 0; i < 2; i++)
		bind_value(statement, i + 1, &values[i]);
	return connection_step(&view->connection, statement, NULL, trouble);
}
