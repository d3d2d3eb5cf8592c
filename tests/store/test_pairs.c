/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How rows lie in SQLite: a client's triplet and that of KEY_ANYWHERE in one row,
 * the index of events in parts, and what version 4 of the schema has left.
 */
#include <sqlite3.h>
#include <unistd.h>

#include "query_fixture.h"
#include "store/keys.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

#define FAR "198.51.100.7"

static int64_t
number(const struct query_fixture *f, const char *sql)
{
	struct connection connection;
	struct trouble trouble = {0};
	int64_t value;

	assert_true(connection_open(&connection, f->daemon.path,
	    SQLITE_OPEN_READONLY, 256, 1000, &trouble));
	if (!connection_number(&connection, sql, &value, &trouble))
		fail_msg("%s", trouble.error.text);
	connection_close(&connection);
	return value;
}

static bool
note_client(void *ctx, const struct triplet_row *row)
{
	char *text = ctx;

	snprintf(text + strlen(text), 256 - strlen(text), "%s(%u) ", row->client,
	    row->row.tries);
	return true;
}

/* "CLIENT(TRIES) " of each row; static. */
static const char *
listed(struct query_fixture *f, const char *net_text)
{
	static char text[256];
	struct ipnet net;
	struct triplet_filter filter = {.net = NULL};

	if (net_text != NULL) {
		assert_true(ipnet_from_text(net_text, &net));
		filter.net = &net;
	}
	text[0] = '\0';
	if (!query_triplets(f->query, &filter, note_client, text, &f->error))
		fail_msg("%s", f->error.text);
	return text;
}

static int64_t
first_of(struct query_fixture *f, const char *ip)
{
	struct history history;
	struct grey_row row;

	let_notice(f);
	assert_int_equal(
	    fixture_recall(&f->daemon, ip, NULL, FROM, TO, &history, &row),
	    STORE_OK);
	return row.first;
}

static void
first_attempt_leaves_one_row_and_one_text_for_client_and_pair(void **state)
{
	struct query_fixture *f = *state;

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	assert_int_equal(number(f, "SELECT count(*) FROM waiting"), 1);
	assert_int_equal(number(f, "SELECT count(twin) FROM waiting"), 1);
	assert_int_equal(number(f, "SELECT count(*) FROM waiting_text"), 1);
	assert_string_equal(listed(f, NULL), "192.0.2.0/24(0) *(0) ");
	assert_string_equal(listed(f, IP), "192.0.2.0/24(0) ");
	assert_int_equal(first_of(f, IP), TEST_NOW);
	assert_int_equal(first_of(f, FAR), 0);
}

static void
each_row_goes_its_way_when_one_of_them_changes(void **state)
{
	struct query_fixture *f = *state;

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_sleep(&f->daemon, 7 * 3600);
	fixture_note(&f->daemon, OUTCOME_ATTEMPT, FAR, NULL, FROM, TO);
	assert_int_equal(number(f, "SELECT count(*) FROM waiting"), 3);
	assert_int_equal(number(f, "SELECT count(twin) FROM waiting"), 0);
	assert_string_equal(
	    listed(f, NULL), "192.0.2.0/24(0) 198.51.100.0/24(0) *(1) ");
	assert_int_equal(first_of(f, IP), TEST_NOW);
	assert_int_equal(first_of(f, FAR), TEST_NOW + 7 * 3600);
	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	assert_string_equal(
	    listed(f, NULL), "198.51.100.0/24(0) *(1) 192.0.2.0/24(1) ");
}

static void
retry_of_the_client_counts_for_both(void **state)
{
	struct query_fixture *f = *state;

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_sleep(&f->daemon, 7 * 3600);
	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	assert_string_equal(listed(f, NULL), "192.0.2.0/24(1) *(1) ");
	fixture_sleep(&f->daemon, 3600);
	fixture_note(&f->daemon, OUTCOME_PASSED, IP, NULL, FROM, TO);
	assert_string_equal(listed(f, NULL), "*(0) 192.0.2.0/24(2) ");
	assert_int_equal(number(f, "SELECT count(*) FROM passed"), 1);
}

static void
passing_at_once_after_the_first_attempt_leaves_the_pair(void **state)
{
	struct query_fixture *f = *state;

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_note(&f->daemon, OUTCOME_PASSED, IP, NULL, FROM, TO);
	assert_int_equal(number(f, "SELECT count(twin) FROM waiting"), 0);
	assert_string_equal(listed(f, NULL), "*(0) 192.0.2.0/24(0) ");
}

static void
forgotten_client_is_not_brought_back_by_the_pair(void **state)
{
	struct query_fixture *f = *state;
	struct ipnet net;
	struct store_counts counts;

	assert_true(ipnet_from_text("192.0.2.0/24", &net));
	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	assert_true(query_forget(
	    f->query, &(struct forget_filter){.net = &net}, &counts, &f->error));
	assert_int_equal(counts.triplets, 1);
	assert_string_equal(listed(f, NULL), "*(0) ");
	assert_int_equal(first_of(f, IP), 0);
	fixture_sleep(&f->daemon, 60);
	fixture_note(&f->daemon, OUTCOME_ATTEMPT, FAR, NULL, FROM, TO);
	assert_int_equal(first_of(f, IP), 0);
	assert_true(query_forget(
	    f->query, &(struct forget_filter){.sender = FROM}, &counts, &f->error));
	assert_int_equal(counts.triplets, 2);
	assert_string_equal(listed(f, NULL), "");
	assert_int_equal(number(f, "SELECT count(*) FROM waiting"), 0);
}

static void
forgotten_sender_takes_both_with_it(void **state)
{
	struct query_fixture *f = *state;
	struct store_counts counts;

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	assert_true(query_forget(
	    f->query, &(struct forget_filter){.sender = FROM}, &counts, &f->error));
	assert_int_equal(counts.triplets, 2);
	assert_int_equal(number(f, "SELECT count(*) FROM waiting"), 0);
}

/* The row of KEY_ANYWHERE alone, which no command names. */
static void
dropped_pair_leaves_its_client(void **state)
{
	struct query_fixture *f = *state;
	struct trouble trouble = {0};
	struct error error;
	uint8_t secret[SIPHASH_KEY_SIZE];
	const struct grey_row row = {
	    .first = TEST_NOW, .last = TEST_NOW, .last_try = TEST_NOW};
	bool is_there, changed;

	fixture_note(&f->daemon, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	struct backend *backend =
	    sqlite_ops.attach(f->daemon.url, true, secret, &error);
	assert_non_null(backend);
	struct view *view =
	    sqlite_ops.begin(backend, FOR_CHANGES, 0, &changed, &trouble);
	assert_true(sqlite_ops.drop_triplet(view,
	    key_triplet(secret, KEY_ANYWHERE, FROM, TO), 0, &row, &is_there,
	    &trouble));
	assert_true(is_there);
	assert_int_equal(sqlite_ops.commit(view, &trouble), COMMITTED);
	sqlite_ops.close(backend);
	assert_string_equal(listed(f, NULL), "192.0.2.0/24(0) ");
	assert_int_equal(first_of(f, IP), TEST_NOW);
}

/* ------------------------------------------------------------ parts of events */

#define EVENTS 2100 /* three parts */

static void
events_are_found_in_all_parts_and_their_keys_go_with_them(void **state)
{
	struct query_fixture *f = *state;
	char sid[16], ip[16];
	struct ipnet net;
	struct store_counts counts;

	f->daemon.settings.durable = false;
	store_configure(f->daemon.store, &f->daemon.settings);
	for (int i = 0; i < EVENTS; i++) {
		snprintf(sid, sizeof sid, "s%d", i);
		snprintf(
		    ip, sizeof ip, "192.0.%d.%d", i % 600 == 0 ? 2 : 3, i % 250);
		fixture_note_event(&f->daemon, ip, sid);
		if (i == EVENTS / 2)
			fixture_sleep(&f->daemon, 10 * 86400);
	}
	assert_int_equal(number(f, "SELECT count(DISTINCT day) FROM event_key"), 3);
	for (int i = 0; i < EVENTS; i += 277) {
		snprintf(sid, sizeof sid, "s%d", i);
		assert_string_equal(
		    sids(f, (struct event_filter){.sid = sid}), sid);
	}
	assert_true(ipnet_from_text("192.0.2.0/24", &net));
	assert_string_equal(
	    sids(f, (struct event_filter){.net = &net}), "s0s600s1200s1800");
	assert_string_equal(
	    sids(f, (struct event_filter){.net = &net, .newest_first = true}),
	    "s1800s1200s600s0");
	assert_true(query_expire(f->query, &f->daemon.settings,
	    TEST_NOW + 35 * 86400, &counts, &f->error));
	assert_int_equal(counts.events, EVENTS / 2 + 1);
	assert_int_equal(number(f, "SELECT min(day) FROM event_key"),
	    schema_event_part(EVENTS / 2 + 2));
	assert_true(query_expire(f->query, &f->daemon.settings,
	    TEST_NOW + 50 * 86400, &counts, &f->error));
	assert_int_equal(number(f, "SELECT count(*) FROM event_key"), 0);
}

/* -------------------------------------------------------------- of version 4 */

static const uint8_t old_secret[SIPHASH_KEY_SIZE] = "0123456789abcde";

static void
run(struct connection *connection, const char *sql)
{
	struct trouble trouble = {0};

	if (!connection_run(connection, sql, &trouble))
		fail_msg("%s: %s", sql, trouble.error.text);
}

static void
add_old_triplet(struct connection *connection, const char *client)
{
	char sql[400];
	int64_t bucket = schema_bucket(TEST_NOW);
	long long hash = key_triplet(old_secret, client, FROM, TO);

	snprintf(sql, sizeof sql,
	    "INSERT INTO waiting VALUES (%lld, %lld, %lld, 0, %d, 0, 0);"
	    "INSERT INTO waiting_text (bucket, hash, client, sender, recipient)"
	    " VALUES (%lld, %lld, '%s', '" FROM "', '" TO "')",
	    (long long)bucket, hash,
	    (long long)(TEST_NOW - bucket * SCHEMA_BUCKET_S), *client == '*',
	    (long long)bucket, hash, client);
	run(connection, sql);
}

static void
add_old_event(struct connection *connection, const char *sid, int day)
{
	char sql[400];
	long long when = TEST_NOW + day * 86400;

	snprintf(sql, sizeof sql,
	    "INSERT INTO event (logged, time, ip, sid) VALUES (%lld, %lld,"
	    " '192.0.2.10', '%s'); INSERT INTO event_key VALUES (%lld, %lld,"
	    " last_insert_rowid()), (%lld, %lld, last_insert_rowid())",
	    when, when, sid, when / 86400,
	    (long long)key_text(old_secret, "sid", sid), when / 86400,
	    (long long)key_text(old_secret, "ip", "192.0.2.10"));
	run(connection, sql);
}

/* A database of version 4 in place of the fixture's, which is opened with it. */
static void
begin_with_version_4(struct query_fixture *f)
{
	struct connection connection;
	struct trouble trouble = {0};
	int found;

	query_close(&f->query);
	store_close(&f->daemon.store);
	unlink(f->daemon.path);
	assert_true(connection_open(&connection, f->daemon.path,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 256, 0, &trouble));
	assert_true(sqlite_check_schema(
	    &connection, false, schema_steps, 4, &found, &trouble));
	run(&connection, "INSERT INTO meta VALUES"
	                 " ('secret', CAST('0123456789abcde' || char(0) AS BLOB))");
	add_old_triplet(&connection, "192.0.2.0/24");
	add_old_triplet(&connection, KEY_ANYWHERE);
	add_old_event(&connection, "one", -1);
	add_old_event(&connection, "two", 0);
	connection_close(&connection);
	f->daemon.store =
	    store_open(&f->daemon.settings, &f->daemon.clock, &f->error);
	if (f->daemon.store == NULL)
		fail_msg("%s", f->error.text);
	f->query = query_open(f->daemon.url, true, &f->error);
	assert_non_null(f->query);
}

static void
what_waits_since_version_4_is_found(void **state)
{
	struct query_fixture *f = *state;

	begin_with_version_4(f);
	assert_int_equal(first_of(f, IP), TEST_NOW);
	assert_string_equal(listed(f, NULL), "192.0.2.0/24(0) *(0) ");
	assert_string_equal(listed(f, "192.0.2.0/25"), "192.0.2.0/24(0) ");
	fixture_sleep(&f->daemon, 7 * 3600);
	fixture_note(&f->daemon, OUTCOME_ATTEMPT, FAR, NULL, FROM, TO);
	assert_int_equal(first_of(f, IP), TEST_NOW);
	assert_string_equal(
	    listed(f, NULL), "192.0.2.0/24(0) 198.51.100.0/24(0) *(1) ");
}

static void
events_since_version_4_are_found_beside_new_ones_and_expire(void **state)
{
	struct query_fixture *f = *state;
	struct ipnet net;
	struct store_counts counts;

	begin_with_version_4(f);
	fixture_sleep(&f->daemon, 3 * 86400);
	fixture_note_event(&f->daemon, IP, "new");
	assert_true(ipnet_from_text("192.0.2.10", &net));
	struct event_filter filter = {.net = &net};
	assert_string_equal(sids(f, filter), "onetwonew");
	filter.since = TEST_NOW;
	assert_string_equal(sids(f, filter), "twonew");
	filter.since = TEST_NOW + 1;
	assert_string_equal(sids(f, filter), "new");
	filter.newest_first = true;
	assert_string_equal(sids(f, filter), "new");
	filter.since = 0;
	assert_string_equal(sids(f, filter), "newtwoone");
	assert_string_equal(sids(f, (struct event_filter){.sid = "one"}), "one");
	assert_true(query_expire(f->query, &f->daemon.settings,
	    TEST_NOW + f->daemon.settings.events_s + 2 * 86400, &counts,
	    &f->error));
	assert_int_equal(counts.events, 2);
	assert_int_equal(number(f, "SELECT count(*) FROM event_key"), 2);
	assert_string_equal(sids(f, (struct event_filter){.net = &net}), "new");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(first_attempt_leaves_one_row_and_one_text_for_client_and_pair),
	    TEST(each_row_goes_its_way_when_one_of_them_changes),
	    TEST(retry_of_the_client_counts_for_both),
	    TEST(passing_at_once_after_the_first_attempt_leaves_the_pair),
	    TEST(forgotten_client_is_not_brought_back_by_the_pair),
	    TEST(forgotten_sender_takes_both_with_it),
	    TEST(dropped_pair_leaves_its_client),
	    TEST(events_are_found_in_all_parts_and_their_keys_go_with_them),
	    TEST(what_waits_since_version_4_is_found),
	    TEST(events_since_version_4_are_found_beside_new_ones_and_expire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
