/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/pgsql/schema_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "store/event_row.h"

/*
 * meta        name: schema, secret (hexadecimal), probe
 * triplet     pair: hash of client and sender, under which a session's are
 *             read before the recipient is known; day: of the time that the row
 *             is kept by, seconds / 86400; mxs: record/mx.h
 * address     key: IPv4 as 0..2^32-1, the first half of IPv6 otherwise
 * domain      networks: how many different ones on day
 * origin      counts in units of 1/1024, as they were at the time decayed; so
 *             are ham and spam of an address at the time rated
 * event       one row an SMTP transaction or session
 * version     of a row: one more with each change
 */
static const char step_1[] =
    "CREATE TABLE triplet ("
    " hash bigint PRIMARY KEY, version bigint NOT NULL, first bigint NOT NULL,"
    " last bigint NOT NULL, last_try bigint NOT NULL, passed bigint NOT NULL,"
    " tries bigint NOT NULL, early bigint NOT NULL,"
    " pair bigint NOT NULL, day bigint NOT NULL,"
    " client text NOT NULL, sender text NOT NULL, recipient text NOT NULL)"
    " WITH (fillfactor = 80);"
    "CREATE INDEX triplet_pair ON triplet (pair);"
    "CREATE INDEX triplet_waiting ON triplet (day) WHERE passed = 0;"
    "CREATE INDEX triplet_passed ON triplet (day) WHERE passed <> 0;"

    "CREATE TABLE address ("
    " key bigint PRIMARY KEY, version bigint NOT NULL,"
    " first_seen bigint NOT NULL, last_seen bigint NOT NULL,"
    " last_success bigint NOT NULL, last_counted bigint NOT NULL,"
    " last_unproven bigint NOT NULL, last_gaveup bigint NOT NULL,"
    " known_until bigint NOT NULL, sessions bigint NOT NULL,"
    " successes bigint NOT NULL, counted bigint NOT NULL,"
    " gaveup bigint NOT NULL, gaveup_secs bigint NOT NULL, ham bigint NOT NULL,"
    " spam bigint NOT NULL) WITH (fillfactor = 80);"

    "CREATE TABLE domain ("
    " name text COLLATE \"C\" PRIMARY KEY, version bigint NOT NULL,"
    " first_seen bigint NOT NULL, last_seen bigint NOT NULL,"
    " last_success bigint NOT NULL, last_counted bigint NOT NULL,"
    " known_until bigint NOT NULL, successes bigint NOT NULL,"
    " counted bigint NOT NULL, day bigint NOT NULL, networks bigint NOT NULL);"
    "CREATE TABLE domain_network ("
    " hash bigint NOT NULL, day bigint NOT NULL, PRIMARY KEY (day, hash));"

    "CREATE TABLE event ("
    " event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " logged bigint NOT NULL, time bigint NOT NULL, ip text NOT NULL,"
    " sid text, queue_id text, message_id text);"
    "CREATE INDEX event_logged ON event (logged);"
    "CREATE INDEX event_time ON event (time);"
    "CREATE INDEX event_sid ON event (sid);"
    "CREATE INDEX event_queue_id ON event (queue_id) WHERE queue_id IS NOT NULL;"
    "CREATE INDEX event_message_id ON event (message_id)"
    " WHERE message_id IS NOT NULL;"
    "CREATE INDEX event_ip ON event ((ip::inet));";

static const char step_2[] =
    "ALTER TABLE triplet ADD COLUMN mxs bigint NOT NULL DEFAULT 0;"
    "CREATE TABLE origin ("
    " name text COLLATE \"C\" PRIMARY KEY, version bigint NOT NULL,"
    " first_seen bigint NOT NULL, last_seen bigint NOT NULL,"
    " decayed bigint NOT NULL, sessions bigint NOT NULL,"
    " successes bigint NOT NULL, gaveup bigint NOT NULL, ham bigint NOT NULL,"
    " spam bigint NOT NULL) WITH (fillfactor = 80);"
    "ALTER TABLE address ADD COLUMN rated bigint NOT NULL DEFAULT 0;"
    "UPDATE address SET ham = least(ham, 4194303) * 1024,"
    " spam = least(spam, 4194303) * 1024, rated = last_seen"
    " WHERE ham > 0 OR spam > 0;";

/* Finds one client's triplets, or those of a network. */
static const char step_3[] =
    "CREATE INDEX triplet_client ON triplet (client COLLATE \"C\");";

static const char step_4[] =
    "ALTER TABLE origin ADD COLUMN people bigint NOT NULL DEFAULT 0;";

static const char *const steps[] = {step_1, step_2, step_3, step_4};
const int pgsql_schema_version = sizeof steps / sizeof *steps;

/* Only a migration may hold it; the number identifies targrey's locks. */
#define LOCK                                                                       \
	"BEGIN; SET LOCAL statement_timeout = 0;"                                  \
	"SELECT pg_advisory_xact_lock(1952532306, 0);"                             \
	"CREATE TABLE IF NOT EXISTS meta (name text PRIMARY KEY, value text);"

bool
pgsql_read_meta(struct link *link, const char *name, char *value, size_t size,
    bool *found_r, struct trouble *trouble)
{
	const char *const values[] = {name};
	PGresult *result = link_query(link,
	    "SELECT value FROM meta WHERE name = $1::text", 1, values, trouble);

	value[0] = '\0';
	if (result == NULL)
		return false;
	*found_r = libpq.PQntuples(result) > 0;
	if (*found_r)
		snprintf(value, size, "%s", libpq.PQgetvalue(result, 0, 0));
	libpq.PQclear(result);
	return true;
}

bool
pgsql_write_meta(
    struct link *link, const char *name, const char *value, struct trouble *trouble)
{
	const char *const values[] = {name, value};
	PGresult *result = link_query(link,
	    "INSERT INTO meta (name, value) VALUES ($1::text, $2::text)"
	    " ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
	    2, values, trouble);

	libpq.PQclear(result);
	return result != NULL;
}

static bool
read_secret(struct link *link, uint8_t secret_r[static SIPHASH_KEY_SIZE],
    struct trouble *trouble)
{
	char text[2 * SIPHASH_KEY_SIZE + 2];
	bool found;

	if (!pgsql_read_meta(link, "secret", text, sizeof text, &found, trouble))
		return false;
	for (size_t i = 0; found && i < SIPHASH_KEY_SIZE; i++) {
		unsigned octet;
		found = sscanf(text + 2 * i, "%2x", &octet) == 1;
		secret_r[i] = found ? (uint8_t)octet : 0;
	}
	if (found)
		return true;
	trouble->kind = TROUBLE_CORRUPT;
	error_set(&trouble->error, "no secret in the database");
	return false;
}

static bool
write_secret(struct link *link, const uint8_t given[static SIPHASH_KEY_SIZE],
    struct trouble *trouble)
{
	static const uint8_t zero[SIPHASH_KEY_SIZE];
	uint8_t secret[SIPHASH_KEY_SIZE];
	char text[2 * SIPHASH_KEY_SIZE + 1];

	memcpy(secret, given, sizeof secret);
	if (memcmp(secret, zero, sizeof secret) == 0 &&
	    getrandom(secret, sizeof secret, 0) != sizeof secret) {
		trouble->kind = TROUBLE_WAIT;
		error_set(&trouble->error, "cannot get random octets");
		return false;
	}
	for (size_t i = 0; i < sizeof secret; i++)
		snprintf(text + 2 * i, 3, "%02x", secret[i]);
	return pgsql_write_meta(link, "secret", text, trouble);
}

static bool
is_too_new(int found, struct trouble *trouble)
{
	if (found <= pgsql_schema_version)
		return false;
	trouble->kind = TROUBLE_REOPEN;
	error_set(&trouble->error,
	    "schema version %d is newer than this program's %d", found,
	    pgsql_schema_version);
	return true;
}

/* Asks first: reading a missing table would put an error in the server's log. */
static bool
has_meta(struct link *link, bool *has_r, struct trouble *trouble)
{
	PGresult *result = link_query(
	    link, "SELECT to_regclass('meta') IS NOT NULL", 0, NULL, trouble);

	*has_r = result != NULL && libpq.PQgetvalue(result, 0, 0)[0] == 't';
	libpq.PQclear(result);
	return result != NULL;
}

/* 0: there are no tables */
static bool
find_version(struct link *link, int *version_r, struct trouble *trouble)
{
	char text[32] = "";
	bool found;

	if (!has_meta(link, &found, trouble) ||
	    (found && !pgsql_read_meta(
	                  link, "schema", text, sizeof text, &found, trouble)))
		return false;
	*version_r = found ? atoi(text) : 0;
	return true;
}

static const char *
type_of(int column)
{
	switch (event_column_kind(column)) {
	case EVENT_NUMBER:
		return "bigint";
	case EVENT_REAL:
		return "double precision";
	case EVENT_NULL:
	case EVENT_TEXT:
		break;
	}
	return "text";
}

static bool
add_event_columns(struct link *link, struct trouble *trouble)
{
	char sql[EVENT_COLUMNS * 80];
	size_t used = (size_t)snprintf(sql, sizeof sql, "ALTER TABLE event ");

	for (int i = 0; i < EVENT_COLUMNS; i++)
		used += (size_t)snprintf(sql + used, sizeof sql - used,
		    "%sADD COLUMN IF NOT EXISTS \"%s\" %s", i > 0 ? ", " : "",
		    event_column_name(i), type_of(i));
	return link_run(link, sql, trouble);
}

static bool
has_event_columns(struct link *link, bool *has_r, struct trouble *trouble)
{
	PGresult *result = link_query(link,
	    "SELECT attname FROM pg_attribute WHERE attrelid = 'event'::regclass"
	    " AND attnum > 0 AND NOT attisdropped",
	    0, NULL, trouble);

	if (result == NULL)
		return false;
	*has_r = true;
	for (int i = 0; i < EVENT_COLUMNS; i++) {
		bool found = false;
		for (int row = 0; !found && row < libpq.PQntuples(result); row++)
			found = strcmp(libpq.PQgetvalue(result, row, 0),
			            event_column_name(i)) == 0;
		*has_r = *has_r && found;
	}
	libpq.PQclear(result);
	return true;
}

static bool
upgrade(struct link *link, const uint8_t secret[static SIPHASH_KEY_SIZE],
    bool *is_fatal_r, struct trouble *trouble)
{
	char number[16];
	int found;

	if (!find_version(link, &found, trouble))
		return false;
	*is_fatal_r = is_too_new(found, trouble);
	if (*is_fatal_r)
		return false;
	for (int i = found; i < pgsql_schema_version; i++) {
		if (!link_run(link, steps[i], trouble))
			return false;
	}
	snprintf(number, sizeof number, "%d", pgsql_schema_version);
	return add_event_columns(link, trouble) &&
	       (found > 0 || write_secret(link, secret, trouble)) &&
	       pgsql_write_meta(link, "schema", number, trouble);
}

/* Without a lock: what exists already needs no migration. */
static bool
is_made(struct link *link, bool *is_made_r, struct trouble *trouble)
{
	int version;

	*is_made_r = false;
	if (!find_version(link, &version, trouble))
		return false;
	return version != pgsql_schema_version ||
	       has_event_columns(link, is_made_r, trouble);
}

/*
 * However long it takes once it has its locks; mail meanwhile goes on without
 * memory. While somebody reads, or another daemon is at it, it is tried again
 * later: a daemon shall start, and those that wait behind it shall go on.
 */
static bool
migrate(struct link *link, const uint8_t secret[static SIPHASH_KEY_SIZE],
    bool *is_fatal_r, struct trouble *trouble)
{
	struct trouble ignored;
	int timeout_ms = link->timeout_ms;

	link->timeout_ms = 0;
	bool ok = link_run(link, LOCK, trouble) &&
	          upgrade(link, secret, is_fatal_r, trouble) &&
	          link_run(link, "COMMIT", trouble);
	if (!ok && !*is_fatal_r)
		error_prefix(&trouble->error, "its tables cannot be made");
	if (!ok && link->conn != NULL)
		(void)link_run(link, "ROLLBACK", &ignored);
	link->timeout_ms = timeout_ms;
	return ok;
}

/* SQL_ASCII keeps any octets. */
static bool
keeps_utf8(const struct link *link, struct trouble *trouble)
{
	const char *encoding =
	    libpq.PQparameterStatus(link->conn, "server_encoding");

	if (encoding == NULL || strcmp(encoding, "UTF8") == 0 ||
	    strcmp(encoding, "SQL_ASCII") == 0)
		return true;
	error_set(&trouble->error,
	    "its encoding is %s, which has not all characters that mail has: make "
	    "it anew with createdb --encoding=UTF8 --template=template0",
	    encoding);
	return false;
}

bool
pgsql_make_schema(struct link *link, uint8_t secret[static SIPHASH_KEY_SIZE],
    bool *is_fatal_r, struct trouble *trouble)
{
	bool made;

	*is_fatal_r = !keeps_utf8(link, trouble);
	if (*is_fatal_r)
		return false;
	if (!is_made(link, &made, trouble))
		return false;
	if (!made && !migrate(link, secret, is_fatal_r, trouble))
		return false;
	return read_secret(link, secret, trouble);
}

bool
pgsql_check_schema(struct link *link, uint8_t secret_r[static SIPHASH_KEY_SIZE],
    struct trouble *trouble)
{
	int found;

	if (!find_version(link, &found, trouble) || is_too_new(found, trouble))
		return false;
	if (found == 0) {
		error_set(&trouble->error,
		    "it has no tables of targrey: start targreyd once");
		return false;
	}
	if (found < pgsql_schema_version) {
		error_set(&trouble->error,
		    "schema version %d is older than this program's %d: start "
		    "targreyd once",
		    found, pgsql_schema_version);
		return false;
	}
	return read_secret(link, secret_r, trouble);
}
