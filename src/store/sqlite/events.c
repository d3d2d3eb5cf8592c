/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "store/event_row.h"
#include "store/keys.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

/* A transaction may end, and be written, so long after it began. */
#define LONGEST_S 86400

/* What the texts of the index are hashed with; never to be changed. */
static const char *const key_kinds[EVENT_KEYS] = {
    [EVENT_KEY_SID] = "sid",
    [EVENT_KEY_QUEUE_ID] = "queue",
    [EVENT_KEY_MESSAGE_ID] = "message",
    [EVENT_KEY_ADDRESS] = "ip",
};

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

static bool
add_keys(struct view *view, const struct event *event, int64_t id, int64_t day,
    struct trouble *trouble)
{
	char ip[IP_TEXT_SIZE];

	for (enum event_key key = EVENT_KEY_NONE + 1; key < EVENT_KEYS; key++) {
		const char *text = event_key_text(event, key, ip);
		if (text == NULL || text[0] == '\0')
			continue;
		sqlite3_stmt *statement = connection_statement(
		    &view->connection, SQL_ADD_EVENT_KEY, trouble);
		if (statement == NULL)
			return false;
		sqlite3_bind_int64(statement, 1, day);
		sqlite3_bind_int64(statement, 2,
		    key_text(view->backend->secret, key_kinds[key], text));
		sqlite3_bind_int64(statement, 3, id);
		if (!connection_step(&view->connection, statement, NULL, trouble))
			return false;
	}
	return true;
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
	       add_keys(view, event, sqlite3_last_insert_rowid(view->connection.db),
	           backend_day(logged), trouble);
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

/* Gives every row of the statement. */
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

/* What is looked up, and the ids of one day's events with one of the keys. */
struct keyed {
	int64_t hashes[EVENT_NET_MOST];
	unsigned hashes_count;
	int64_t *ids;
	size_t ids_count, ids_room;
};

static bool
add_id(struct keyed *keyed, int64_t id, struct trouble *trouble)
{
	if (keyed->ids_count == keyed->ids_room) {
		size_t room = keyed->ids_room == 0 ? 64 : keyed->ids_room * 2;
		int64_t *grown = realloc(keyed->ids, room * sizeof *grown);
		if (grown == NULL) {
			error_set(&trouble->error, "out of memory");
			return false;
		}
		keyed->ids = grown;
		keyed->ids_room = room;
	}
	keyed->ids[keyed->ids_count++] = id;
	return true;
}

static int
by_number(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static bool
gather_day(struct walk *walk, struct keyed *keyed, int64_t day, sqlite3_stmt *ids,
    struct trouble *trouble)
{
	bool row;

	keyed->ids_count = 0;
	for (unsigned i = 0; i < keyed->hashes_count; i++) {
		sqlite3_bind_int64(ids, 1, day);
		sqlite3_bind_int64(ids, 2, keyed->hashes[i]);
		do {
			if (!connection_step(
			        &walk->view->connection, ids, &row, trouble) ||
			    (row && !add_id(keyed, sqlite3_column_int64(ids, 0),
			                trouble)))
				return false;
		} while (row);
		sqlite3_reset(ids);
	}
	if (keyed->ids_count > 1)
		qsort(keyed->ids, keyed->ids_count, sizeof *keyed->ids, by_number);
	return true;
}

static bool
walk_day(struct walk *walk, const struct keyed *keyed, sqlite3_stmt *rows,
    struct trouble *trouble)
{
	bool newest = walk->search->newest_first;

	for (size_t i = 0; i < keyed->ids_count && !walk->ended; i++) {
		size_t at = newest ? keyed->ids_count - 1 - i : i;
		sqlite3_bind_int64(rows, 1, keyed->ids[at]);
		if (!walk_rows(walk, rows, trouble))
			return false;
		sqlite3_reset(rows);
	}
	return true;
}

/* The next day that there is an entry of; a hole may be of any width. */
static bool
next_day(struct walk *walk, sqlite3_stmt *days, int64_t *day, bool *found_r,
    struct trouble *trouble)
{
	sqlite3_bind_int64(days, 1, *day);
	if (!connection_step(&walk->view->connection, days, found_r, trouble))
		return false;
	*found_r = *found_r && sqlite3_column_type(days, 0) != SQLITE_NULL;
	if (*found_r)
		*day = sqlite3_column_int64(days, 0);
	sqlite3_reset(days);
	return true;
}

static bool
walk_days(struct walk *walk, struct keyed *keyed, sqlite3_stmt *ids,
    sqlite3_stmt *rows, struct trouble *trouble)
{
	const struct event_search *search = walk->search;
	int64_t since = search->since == 0 ? INT64_MIN : backend_day(search->since);
	int64_t day = search->newest_first ? INT64_MAX
	              : since == INT64_MIN ? since
	                                   : since - 1;
	sqlite3_stmt *days = connection_prepare(&walk->view->connection,
	    search->newest_first ? "SELECT max(day) FROM event_key WHERE day < ?1"
	                         : "SELECT min(day) FROM event_key WHERE day > ?1",
	    trouble);
	bool ok = days != NULL, found = true;

	while (ok && !walk->ended) {
		ok = next_day(walk, days, &day, &found, trouble);
		if (!ok || !found || day < since)
			break;
		ok = gather_day(walk, keyed, day, ids, trouble) &&
		     walk_day(walk, keyed, rows, trouble);
	}
	sqlite3_finalize(days);
	return ok;
}

/* The keys of all addresses of a network. */
static void
hash_network(const struct walk *walk, struct keyed *keyed)
{
	const uint8_t *secret = walk->view->backend->secret;
	struct ip ip = key_address(&walk->search->net->ip);
	char text[IP_TEXT_SIZE];

	uint8_t *counter = &ip.bytes[ip_is_v4(&ip) ? 15 : 7]; /* of 256 at most */

	do {
		keyed->hashes[keyed->hashes_count++] = key_text(
		    secret, key_kinds[EVENT_KEY_ADDRESS], ip_to_text(&ip, text));
	} while (++*counter != 0 && ipnet_has(walk->search->net, &ip));
}

static bool
walk_key(struct walk *walk, struct trouble *trouble)
{
	const struct event_search *search = walk->search;
	struct keyed keyed = {.hashes_count = 0};
	sqlite3_stmt *rows = prepare_rows(walk, " WHERE event_id = ?1", trouble);
	sqlite3_stmt *ids = connection_prepare(&walk->view->connection,
	    "SELECT event_id FROM event_key WHERE day = ?1 AND hash = ?2", trouble);

	if (search->key == EVENT_KEY_ADDRESS)
		hash_network(walk, &keyed);
	else
		keyed.hashes[keyed.hashes_count++] =
		    key_text(walk->view->backend->secret, key_kinds[search->key],
		        search->text);
	bool ok = rows != NULL && ids != NULL &&
	          walk_days(walk, &keyed, ids, rows, trouble);
	sqlite3_finalize(rows);
	sqlite3_finalize(ids);
	free(keyed.ids);
	return ok;
}

/* ------------------------------------------------------------------- by time */

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
