/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index for finding events: hashes of their keys, filed in parts of a thousand
 * events; before step 5 of the schema, by the day that they were logged.
 */
#include <stdlib.h>

#include "store/event_row.h"
#include "store/keys.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

/* The kind hashed with each text of the index; never to be changed. */
static const char *const key_kinds[EVENT_KEYS] = {
    [EVENT_KEY_SID] = "sid",
    [EVENT_KEY_QUEUE_ID] = "queue",
    [EVENT_KEY_MESSAGE_ID] = "message",
    [EVENT_KEY_ADDRESS] = "ip",
};

/* Keys of a kind lie together, so that a network is found in few pages. */
static int64_t
entry_of(int64_t part, enum event_key key, int64_t hash)
{
	int64_t mask = (INT64_C(1) << 45) - 1;

	return part < SCHEMA_FIRST_PART
	           ? hash
	           : ((int64_t)key - EVENT_KEY_SID) << 45 | (hash & mask);
}

bool
sqlite_add_event_keys(struct view *view, const struct event *event, int64_t id,
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
		int64_t part = schema_event_part(id);
		int64_t hash =
		    key_text(view->backend->secret, key_kinds[key], text);
		sqlite3_bind_int64(statement, 1, part);
		sqlite3_bind_int64(statement, 2, entry_of(part, key, hash));
		sqlite3_bind_int64(statement, 3, id);
		if (!connection_step(&view->connection, statement, NULL, trouble))
			return false;
	}
	return true;
}

/* What is looked up, and the ids of one part's events with one of the keys. */
struct lookup {
	struct view *view;
	const struct event_search *search;
	bool (*give)(void *ctx, int64_t event_id);
	void *ctx;
	int64_t hashes[EVENT_NET_MOST];
	unsigned hashes_count;
	int64_t *ids;
	size_t ids_count, ids_room;
	bool ended;
};

static bool
add_id(struct lookup *lookup, int64_t id, struct trouble *trouble)
{
	if (lookup->ids_count == lookup->ids_room) {
		size_t room = lookup->ids_room == 0 ? 64 : lookup->ids_room * 2;
		int64_t *grown = realloc(lookup->ids, room * sizeof *grown);
		if (grown == NULL) {
			error_set(&trouble->error, "out of memory");
			return false;
		}
		lookup->ids = grown;
		lookup->ids_room = room;
	}
	lookup->ids[lookup->ids_count++] = id;
	return true;
}

static int
by_number(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static bool
gather_part(
    struct lookup *lookup, int64_t part, sqlite3_stmt *ids, struct trouble *trouble)
{
	bool row;

	lookup->ids_count = 0;
	for (unsigned i = 0; i < lookup->hashes_count; i++) {
		sqlite3_bind_int64(ids, 1, part);
		sqlite3_bind_int64(
		    ids, 2, entry_of(part, lookup->search->key, lookup->hashes[i]));
		do {
			if (!connection_step(
			        &lookup->view->connection, ids, &row, trouble) ||
			    (row && !add_id(lookup, sqlite3_column_int64(ids, 0),
			                trouble)))
				return false;
		} while (row);
		sqlite3_reset(ids);
	}
	if (lookup->ids_count > 1)
		qsort(
		    lookup->ids, lookup->ids_count, sizeof *lookup->ids, by_number);
	return true;
}

static void
give_part(struct lookup *lookup)
{
	bool newest = lookup->search->newest_first;

	for (size_t i = 0; i < lookup->ids_count && !lookup->ended; i++) {
		size_t at = newest ? lookup->ids_count - 1 - i : i;
		lookup->ended = !lookup->give(lookup->ctx, lookup->ids[at]);
	}
}

/* The next part that has an entry; a gap may be of any width. */
static bool
next_part(struct view *view, sqlite3_stmt *parts, int64_t *part, bool *found_r,
    struct trouble *trouble)
{
	sqlite3_bind_int64(parts, 1, *part);
	if (!connection_step(&view->connection, parts, found_r, trouble))
		return false;
	*found_r = *found_r && sqlite3_column_type(parts, 0) != SQLITE_NULL;
	if (*found_r)
		*part = sqlite3_column_int64(parts, 0);
	sqlite3_reset(parts);
	return true;
}

/* Days from before step 5 come first, so they hold what is older. */
static bool
walk_parts(struct lookup *lookup, int64_t since_id, sqlite3_stmt *parts,
    sqlite3_stmt *ids, struct trouble *trouble)
{
	const struct event_search *search = lookup->search;
	int64_t since_day = backend_day(search->since);
	int64_t since_part = schema_event_part(since_id);
	int64_t part = search->newest_first ? INT64_MAX : since_day - 1;
	bool found = true;

	while (!lookup->ended) {
		if (!next_part(lookup->view, parts, &part, &found, trouble))
			return false;
		if (!found || part < since_day)
			return true;
		if (part >= SCHEMA_FIRST_PART && part < since_part) {
			part = search->newest_first ? SCHEMA_FIRST_PART
			                            : since_part - 1;
			continue;
		}
		if (!gather_part(lookup, part, ids, trouble))
			return false;
		give_part(lookup);
	}
	return true;
}

/* The keys of all addresses of a network. */
static void
hash_network(struct lookup *lookup)
{
	const uint8_t *secret = lookup->view->backend->secret;
	struct ip ip = key_address(&lookup->search->net->ip);
	char text[IP_TEXT_SIZE];

	uint8_t *counter = &ip.bytes[ip_is_v4(&ip) ? 15 : 7]; /* at most 256 */

	do {
		lookup->hashes[lookup->hashes_count++] = key_text(
		    secret, key_kinds[EVENT_KEY_ADDRESS], ip_to_text(&ip, text));
	} while (++*counter != 0 && ipnet_has(lookup->search->net, &ip));
}

bool
sqlite_each_keyed(struct view *view, const struct event_search *search,
    int64_t since_id, bool (*give)(void *ctx, int64_t event_id), void *ctx,
    struct trouble *trouble)
{
	struct lookup lookup = {
	    .view = view, .search = search, .give = give, .ctx = ctx};
	struct connection *connection = &view->connection;
	sqlite3_stmt *parts = connection_prepare(connection,
	    search->newest_first ? "SELECT max(day) FROM event_key WHERE day < ?1"
	                         : "SELECT min(day) FROM event_key WHERE day > ?1",
	    trouble);
	sqlite3_stmt *ids = connection_prepare(connection,
	    "SELECT event_id FROM event_key WHERE day = ?1 AND hash = ?2", trouble);

	if (search->key == EVENT_KEY_ADDRESS)
		hash_network(&lookup);
	else
		lookup.hashes[lookup.hashes_count++] = key_text(
		    view->backend->secret, key_kinds[search->key], search->text);
	bool ok = parts != NULL && ids != NULL &&
	          walk_parts(&lookup, since_id, parts, ids, trouble);
	sqlite3_finalize(parts);
	sqlite3_finalize(ids);
	free(lookup.ids);
	return ok;
}
