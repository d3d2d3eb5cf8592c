/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several daemons on one PostgreSQL, and what can become of it: races, data that
 * it refuses, a server that stops, stands still, or is followed by its standby.
 */
#include <setjmp.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "pgsql_server.h"
#include "query/query.h"
#include "store_fixture.h"

static struct history history;
static struct grey_row row;

static char refused[512]; /* what the log says of it */
static char again[512];   /* of what is over */

static void
keep_refusal(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	if (strstr(text, "not kept") != NULL)
		snprintf(refused, sizeof refused, "%s", text);
	if (strstr(text, " again") != NULL)
		snprintf(again, sizeof again, "%s", text);
}

static int
set_up(void **state)
{
	*state = calloc(1, sizeof(struct store_fixture));
	fixture_open(*state, false);
	return 0;
}

static int
tear_down(void **state)
{
	pgsql_server_signal(SIGCONT);
	fixture_close(*state);
	free(*state);
	return 0;
}

static struct store *
open_another(struct store_fixture *fixture)
{
	struct error error;
	struct store *store =
	    store_open(&fixture->settings, &fixture->clock, &error);

	if (store == NULL)
		fail_msg("%s", error.text);
	return store;
}

/* A mail host's answer has to wait for the time-out, not for the test's. */
static void
set_timeout(struct store_fixture *fixture, int64_t ms)
{
	store_close(&fixture->store);
	fixture->settings.timeout_ms = ms;
	fixture->store = open_another(fixture);
}

static enum note_state
attempt(struct store_fixture *fixture, const char *sender)
{
	return fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, sender, TO);
}

static bool
count_row(void *ctx, const struct triplet_row *triplet)
{
	(void)triplet;
	++*(int *)ctx;
	return true;
}

static bool
count_address(void *ctx, const struct address_row *address)
{
	(void)address;
	++*(int *)ctx;
	return true;
}

static bool
count_event(void *ctx, const struct event *event)
{
	(void)event;
	++*(int *)ctx;
	return true;
}

static int
count_in(const struct store_fixture *fixture, const char *net_text)
{
	struct error error;
	struct ipnet net;
	struct query *query = query_open(fixture->url, false, &error);
	int count = 0;

	assert_non_null(query);
	assert_true(ipnet_from_text(net_text, &net));
	assert_true(query_addresses(query, &net, 0, count_address, &count, &error));
	assert_true(query_triplets(query, &(struct triplet_filter){.net = &net},
	    count_row, &count, &error));
	assert_true(query_events(query, &(struct event_filter){.net = &net},
	    count_event, &count, &error));
	query_close(&query); /* its statistics are written then */
	return count;
}

#define SCANS(what)                                                                \
	"SELECT sum(" what ") FROM pg_stat_user_tables"                            \
	" WHERE relname IN ('address', 'triplet', 'event')"

static void
one_client_or_network_is_found_without_reading_all(void **state)
{
	struct store_fixture *fixture = *state;

	pgsql_do(fixture->url,
	    "INSERT INTO address SELECT 167772160 + i, 1, 1, 1, 1, 1, 1, 1, 1, 1, "
	    "1,"
	    " 1, 1, 1, 1, 1 FROM generate_series(0, 20000) AS i;"
	    "INSERT INTO triplet SELECT i, 1, 1, 1, 1, i % 2, 1, 1, i, 1,"
	    " '10.' || i / 256 || '.' || i % 256 || '.0/24', 's' || i, 'r'"
	    " FROM generate_series(0, 20000) AS i;"
	    "INSERT INTO event (logged, time, ip) SELECT i, i,"
	    " '10.0.' || i / 256 || '.' || i % 256 FROM generate_series(0, 20000) "
	    "AS i;"
	    "ANALYZE");
	long whole = pgsql_ask(fixture->url, SCANS("seq_scan"));
	long indexed = pgsql_ask(fixture->url, SCANS("idx_scan"));
	assert_int_equal(count_in(fixture, "10.0.7.9"), 1 + 1 + 1);
	assert_int_equal(count_in(fixture, "10.0.7.0/24"), 256 + 1 + 256);
	assert_int_equal(count_in(fixture, "10.0.4.0/22"), 1024 + 4 + 1024);
	for (int i = 0; i < HUNG_S * 100 &&
	                pgsql_ask(fixture->url, SCANS("idx_scan")) < indexed + 12;
	     i++)
		usleep(10000);
	assert_true(pgsql_ask(fixture->url, SCANS("idx_scan")) >= indexed + 12);
	assert_int_equal(pgsql_ask(fixture->url, SCANS("seq_scan")), whole);
}

static bool
is_kept(struct store_fixture *fixture, const char *sender)
{
	assert_int_equal(
	    fixture_recall(fixture, IP, NULL, sender, TO, &history, &row),
	    STORE_OK);
	return row.first != 0;
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Housekeeping asks a server that was away every second of the daemon's clock. */
static void
wait_until_back(struct store_fixture *fixture)
{
	int64_t begin = now_ms();
	struct store_status_report report = {.away = true};

	while (report.away || report.failing) {
		if (now_ms() - begin > HUNG_S * 1000)
			fail_msg("the store did not come back: %s", report.trouble);
		fixture_sleep(fixture, 1);
		usleep(20000);
		store_report(fixture->store, false, &report);
	}
}

/* ---------------------------------------------------------------------- races */

#define DAEMONS 2
#define THREADS 4

struct racer {
	struct store *store;
	unsigned attempts;
	unsigned committed[2]; /* attempts, ends of sessions */
};

static const struct policy_settings every_attempt_counts = {
    .retry_window_s = 86400, .max_age_s = 86400, .retry_count = UINT32_MAX};

static void *
race(void *arg)
{
	struct racer *racer = arg;
	struct triplet triplet = {FROM, TO};
	struct note_spec spec = {
	    .who = {.domain = "example.org"},
	    .now = TEST_NOW,
	    .outcome = OUTCOME_ATTEMPT,
	    .settings = &every_attempt_counts,
	    .triplets = &triplet,
	    .count = 1,
	};
	/* What is written of the same session at its end. */
	struct note_spec end = {.who = {.domain = "example.org"},
	    .now = TEST_NOW,
	    .outcome = OUTCOME_SEEN,
	    .settings = &every_attempt_counts,
	    .begins_session = true};

	ip_from_text(IP, &spec.who.ip);
	end.who.ip = spec.who.ip;
	for (unsigned i = 0; i < racer->attempts; i++) {
		struct note *notes[] = {note_new(&spec), note_new(&end)};
		for (int j = 0; j < 2; j++)
			store_submit(racer->store, notes[j]);
		for (int j = 0; j < 2; j++) {
			while (note_state(notes[j]) == NOTE_WAITING)
				usleep(100);
			racer->committed[j] +=
			    note_state(notes[j]) == NOTE_COMMITTED;
			note_drop(&notes[j]);
		}
	}
	return NULL;
}

static void
race_two_daemons(struct store_fixture *fixture, unsigned attempts)
{
	struct store *stores[DAEMONS] = {fixture->store, open_another(fixture)};
	struct racer racers[DAEMONS * THREADS];
	pthread_t threads[DAEMONS * THREADS];
	unsigned committed = 0, ended = 0;

	for (int i = 0; i < DAEMONS * THREADS; i++) {
		racers[i] = (struct racer){stores[i % DAEMONS], attempts, {0}};
		assert_int_equal(
		    pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < DAEMONS * THREADS; i++) {
		pthread_join(threads[i], NULL);
		committed += racers[i].committed[0];
		ended += racers[i].committed[1];
	}
	store_close(&stores[1]);
	assert_int_equal(committed, DAEMONS * THREADS * attempts);
	/* The first one only begins the row. */
	fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.tries, committed - 1);
	fixture_recall(
	    fixture, "198.51.100.1", "example.org", FROM, TO, &history, &row);
	assert_int_equal(row.tries, committed - 1);
	assert_int_equal(history.domain.networks, 1);
	assert_int_equal(ended, committed);
	/* The records of its network and its organisation. */
	assert_int_equal(pgsql_ask(fixture->url, "SELECT count(*) FROM origin"), 2);
	assert_int_equal(
	    pgsql_ask(fixture->url, "SELECT min(sessions) FROM origin"),
	    1024 * ended);
	assert_int_equal(
	    pgsql_ask(fixture->url, "SELECT max(sessions) FROM origin"),
	    1024 * ended);
}

static void
no_attempt_of_two_daemons_on_the_same_rows_is_lost(void **state)
{
	struct store_fixture *fixture = *state;
	long logged = pgsql_log_size();

	race_two_daemons(fixture, 250);
	/* Nothing that an admin would be afraid of. */
	assert_false(pgsql_log_says(logged, "ERROR"));
}

/* The server breaks off one of two that have read what the other changes. */
static void
nor_where_the_server_wants_all_of_it_serializable(void **state)
{
	struct store_fixture *fixture = *state;
	long logged = pgsql_log_size();

	pgsql_do(fixture->url,
	    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET"
	    " default_transaction_isolation = serializable', current_database());"
	    " END $$");
	fixture_reopen(fixture);
	race_two_daemons(fixture, 40);
	assert_true(pgsql_log_says(logged, "could not serialize access"));
}

static void *
open_one(void *arg)
{
	struct store_fixture *fixture = arg;
	struct error error;
	struct store *store =
	    store_open(&fixture->settings, &fixture->clock, &error);

	if (store == NULL)
		print_message("%s\n", error.text);
	return store;
}

static void
tables_are_made_once_by_daemons_that_start_together(void **state)
{
	struct store_fixture *fixture = *state;
	pthread_t threads[4];
	struct store *stores[4];
	long logged = pgsql_log_size();

	store_close(&fixture->store);
	pgsql_new_database(fixture->url, sizeof fixture->url);
	for (int i = 0; i < 4; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, open_one, fixture), 0);
	for (int i = 0; i < 4; i++) {
		void *store;
		pthread_join(threads[i], &store);
		assert_non_null(store);
		stores[i] = store;
		assert_memory_equal(store_secret(stores[i]),
		    store_secret(stores[0]), SIPHASH_KEY_SIZE);
	}
	fixture->store = stores[0];
	assert_false(pgsql_log_says(logged, "ERROR"));
	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	assert_true(is_kept(fixture, FROM));
	for (int i = 1; i < 4; i++)
		store_close(&stores[i]);
}

/* -------------------------------------------------------------- what it refuses */

static void
note_that_it_refuses_takes_no_other_with_it(void **state)
{
	struct store_fixture *fixture = *state;
	struct note *notes[40];
	char sender[48];

	pgsql_do(fixture->url,
	    "ALTER TABLE triplet ADD CHECK (sender <> '17@example.org')");
	for (int i = 0; i < 40; i++) {
		struct triplet triplet = {sender, TO};
		struct note_spec spec = {.now = TEST_NOW,
		    .outcome = OUTCOME_ATTEMPT,
		    .settings = &test_policy,
		    .triplets = &triplet,
		    .count = 1};
		snprintf(sender, sizeof sender, "%d@example.org", i);
		ip_from_text(IP, &spec.who.ip);
		notes[i] = note_new(&spec);
		assert_true(store_submit(fixture->store, notes[i]));
	}
	store_flush(fixture->store);
	assert_non_null(strstr(refused, "not kept: "));
	assert_non_null(strstr(refused, "triplet_sender_check"));
	for (int i = 0; i < 40; i++) {
		snprintf(sender, sizeof sender, "%d@example.org", i);
		assert_int_equal(
		    note_state(notes[i]), i == 17 ? NOTE_FAILED : NOTE_COMMITTED);
		assert_int_equal(is_kept(fixture, sender), i != 17);
		note_drop(&notes[i]);
	}
}

static void
text_that_is_no_utf8_is_kept_readably(void **state)
{
	struct store_fixture *fixture = *state;

	assert_int_equal(
	    attempt(fixture, "\xe9t\xe9\\\"{,}@example.org"), NOTE_COMMITTED);
	assert_true(is_kept(fixture, "\xe9t\xe9\\\"{,}@example.org"));
	assert_int_equal(pgsql_ask(fixture->url,
	                     "SELECT count(*) / 2 FROM triplet WHERE sender ="
	                     " E'\\uFFFDt\\uFFFD\\\\\"{,}@example.org'"),
	    1);
}

static const struct {
	const char *url, *says;
} with_password[] = {
    {"postgresql://me:verysecret@localhost/t", "PGPASSFILE"},
    {"postgresql://localhost/t?password=verysecret", "PGPASSFILE"},
    {"postgresql://localhost/t?sslpassword=verysecret", "service file"},
    /* libpq's own sentences quote all of it, or the password. */
    {"postgresql://me:verysecret@[::1/t", "matching"},
    {"postgresql://me:verysecret%ZZ@localhost/t", "percent-encoded"},
    {"postgresql://localhost/t?password=verysecret%00", "percent-encoded"},
};

static void
newer_tables_and_passwords_in_the_url_are_refused(void **state)
{
	struct store_fixture *fixture = *state;
	struct error error;
	char restore[80];

	store_close(&fixture->store);
	snprintf(restore, sizeof restore,
	    "UPDATE meta SET value = '%lld' WHERE name = 'schema'",
	    (long long)pgsql_ask(fixture->url,
	        "SELECT value::bigint FROM meta WHERE name = 'schema'"));
	pgsql_do(
	    fixture->url, "UPDATE meta SET value = '99' WHERE name = 'schema'");
	assert_null(store_open(&fixture->settings, &fixture->clock, &error));
	assert_non_null(strstr(error.text, "version 99 is newer"));
	assert_null(query_open(fixture->url, false, &error));
	assert_non_null(strstr(error.text, "version 99 is newer"));
	pgsql_do(fixture->url, restore);
	for (size_t i = 0; i < sizeof with_password / sizeof *with_password; i++) {
		fixture->settings.url = with_password[i].url;
		assert_null(
		    store_open(&fixture->settings, &fixture->clock, &error));
		if (strstr(error.text, with_password[i].says) == NULL ||
		    strstr(error.text, "verysecret") != NULL)
			fail_msg("%s", error.text);
	}
	fixture->settings.url = fixture->url;
	fixture->store = open_another(fixture);
}

static void
database_that_has_not_all_characters_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	char url[160];
	struct error error;

	pgsql_do(fixture->url, "CREATE DATABASE latin TEMPLATE template0"
	                       " ENCODING 'LATIN1' LOCALE 'C'");
	snprintf(url, sizeof url, "postgresql:///latin?host=%s&user=postgres",
	    pgsql_server_folder());
	store_close(&fixture->store);
	fixture->settings.url = url;
	assert_null(store_open(&fixture->settings, &fixture->clock, &error));
	assert_non_null(strstr(error.text, "LATIN1"));
	assert_non_null(strstr(error.text, "--encoding=UTF8"));
}

static void
address_of_ipv6_stands_in_brackets(void **state)
{
	struct error error;

	(void)state;
	assert_null(query_open("postgresql://[::1]:1/t", false, &error));
	assert_non_null(strstr(error.text, "postgresql://[::1]/t: "));
}

/* A report reads one of the tables that a new version has to change. */
static void
tables_that_somebody_reads_do_not_keep_a_daemon_from_starting(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report;
	PGconn *conn = PQconnectdb(fixture->url);

	store_close(&fixture->store);
	pgsql_do(fixture->url, "ALTER TABLE origin DROP COLUMN people;"
	                       "UPDATE meta SET value = '3' WHERE name = 'schema'");
	PQclear(PQexec(conn, "BEGIN; SELECT count(*) FROM origin"));
	fixture->settings.timeout_ms = 500;
	fixture->store = open_another(fixture);
	assert_int_equal(attempt(fixture, FROM), NOTE_FAILED);
	store_report(fixture->store, false, &report);
	assert_non_null(strstr(report.trouble, "its tables cannot be made: "));
	PQclear(PQexec(conn, "COMMIT"));
	PQfinish(conn);
	wait_until_back(fixture);
	assert_int_equal(
	    pgsql_ask(fixture->url, "SELECT count(people) FROM origin"), 0);
}

static void
clock_that_is_not_the_servers_is_told_until_it_agrees(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report;

	store_report(fixture->store, false, &report);
	assert_int_equal(report.clock_ahead_s, 0);
	store_close(&fixture->store);
	pgsql_do(fixture->url,
	    "CREATE SCHEMA late; CREATE FUNCTION late.clock_timestamp()"
	    " RETURNS timestamptz LANGUAGE sql AS $$"
	    " SELECT pg_catalog.clock_timestamp() - interval '3 days' $$;"
	    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path ="
	    " late, public, pg_catalog', current_database()); END $$");
	fixture->store = open_another(fixture);
	store_report(fixture->store, false, &report);
	/* Of the real clocks, not of the test's. */
	assert_in_range(report.clock_ahead_s, 3 * 86400 - 60, 3 * 86400 + 600);
	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	pgsql_do(fixture->url, "DROP FUNCTION late.clock_timestamp()");
	for (int64_t begin = now_ms(); report.clock_ahead_s != 0;) {
		assert_true(now_ms() - begin < HUNG_S * 1000);
		fixture_sleep(fixture, 1);
		usleep(20000);
		store_report(fixture->store, false, &report);
	}
}

/* As a newer targrey beside this one would make them. */
static void
running_daemon_goes_on_beside_newer_tables_until_it_connects_again(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report;
	long ours = pgsql_ask(
	    fixture->url, "SELECT value::bigint FROM meta WHERE name = 'schema'");
	char restore[80];

	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	assert_true(is_kept(fixture, FROM));
	pgsql_do(fixture->url,
	    "ALTER TABLE triplet ADD COLUMN fresh bigint NOT NULL DEFAULT 0;"
	    "ALTER TABLE address ADD COLUMN fresh bigint NOT NULL DEFAULT 0;"
	    "ALTER TABLE domain ADD COLUMN fresh bigint NOT NULL DEFAULT 0;"
	    "ALTER TABLE origin ADD COLUMN fresh bigint NOT NULL DEFAULT 0;"
	    "ALTER TABLE event ADD COLUMN fresh text;"
	    "UPDATE meta SET value = '99' WHERE name = 'schema'");
	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_COMMITTED);
	assert_true(is_kept(fixture, "c@example.org"));
	assert_int_equal(
	    fixture_note_event(fixture, IP, "4f2a9c01b7"), NOTE_COMMITTED);
	pgsql_ask(fixture->url,
	    "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity"
	    " WHERE datname = current_database() AND pid <> pg_backend_pid()");
	assert_int_equal(attempt(fixture, "d@example.org"), NOTE_FAILED);
	store_report(fixture->store, false, &report);
	assert_non_null(strstr(report.trouble, "version 99 is newer"));
	snprintf(restore, sizeof restore,
	    "UPDATE meta SET value = '%ld' WHERE name = 'schema'", ours);
	pgsql_do(fixture->url, restore);
	wait_until_back(fixture);
	assert_int_equal(attempt(fixture, "d@example.org"), NOTE_COMMITTED);
}

static void
use_role(struct store_fixture *fixture, char *url, size_t size, const char *role)
{
	const char *user = strstr(fixture->url, "user=");

	assert_non_null(user);
	snprintf(url, size, "%.*suser=%s", (int)(user - fixture->url), fixture->url,
	    role);
}

/* As in docs/several-mx.md. */
static void
right_to_change_rows_is_enough_once_there_are_tables(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report;
	struct error error;
	char url[200];
	int count = 0;

	store_close(&fixture->store);
	pgsql_do(fixture->url,
	    "CREATE ROLE writes LOGIN; CREATE ROLE reads LOGIN;"
	    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"
	    " TO writes; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reads");
	use_role(fixture, url, sizeof url, "writes");
	fixture->settings.url = url;
	fixture->store = open_another(fixture);
	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	assert_int_equal(
	    fixture_note_event(fixture, IP, "4f2a9c01b7"), NOTE_COMMITTED);
	assert_true(is_kept(fixture, FROM));
	fixture_sleep(fixture, 400 * 86400);
	for (int i = 0; pgsql_ask(fixture->url, "SELECT count(*) FROM event") > 0;
	     i++) {
		assert_true(i < HUNG_S * 100);
		fixture_sleep(fixture, 1);
		usleep(10000);
	}
	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	store_close(&fixture->store);

	/* For reports. */
	use_role(fixture, url, sizeof url, "reads");
	struct query *query = query_open(url, true, &error);
	assert_non_null(query);
	assert_true(query_triplets(
	    query, &(struct triplet_filter){0}, count_row, &count, &error));
	assert_true(count > 0);
	assert_false(query_allow_address(
	    query, &(struct ip){0}, TEST_NOW, TEST_NOW + 60, NULL, &error));
	if (strstr(error.text, "permission denied") == NULL)
		fail_msg("%s", error.text);
	query_close(&query);

	/* Tables are their owner's to change. */
	pgsql_do(fixture->url, "ALTER TABLE origin DROP COLUMN people;"
	                       "UPDATE meta SET value = '3' WHERE name = 'schema'");
	use_role(fixture, url, sizeof url, "writes");
	fixture->store = open_another(fixture);
	assert_int_equal(attempt(fixture, FROM), NOTE_FAILED);
	store_report(fixture->store, false, &report);
	assert_non_null(strstr(report.trouble, "its tables cannot be made: "));
	fixture->settings.url = fixture->url;
}

struct reading {
	struct store_fixture *fixture;
	unsigned found;
};

#define READINGS 40

static void *
read_often(void *arg)
{
	struct reading *reading = arg;
	struct history found;
	struct grey_row found_row;

	for (int i = 0; i < READINGS; i++)
		reading->found += fixture_recall(reading->fixture, IP, NULL, FROM,
		                      TO, &found, &found_row) == STORE_OK;
	return NULL;
}

/* One for the writer, one for all look-ups: max_connections, or the role's limit.
 */
static void
look_ups_share_what_connections_the_server_has_left(void **state)
{
	struct store_fixture *fixture = *state;
	struct reading readings[6];
	pthread_t threads[6];
	char url[200];

	store_close(&fixture->store);
	pgsql_do(fixture->url,
	    "CREATE ROLE few LOGIN CONNECTION LIMIT 2;"
	    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"
	    " TO few");
	use_role(fixture, url, sizeof url, "few");
	fixture->settings.url = url;
	fixture->store = open_another(fixture);
	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	for (int i = 0; i < 6; i++) {
		readings[i] = (struct reading){fixture, 0};
		assert_int_equal(
		    pthread_create(&threads[i], NULL, read_often, &readings[i]), 0);
	}
	for (int i = 0; i < 6; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(readings[i].found, READINGS);
	}
	assert_int_equal(
	    pgsql_ask(fixture->url, "SELECT count(*) FROM"
	                            " pg_stat_activity WHERE usename = 'few'"),
	    2);
	fixture->settings.url = fixture->url;
}

static void
verdicts_of_the_first_version_are_kept_as_they_are(void **state)
{
	struct store_fixture *fixture = *state;

	store_close(&fixture->store);
	pgsql_do(fixture->url,
	    "DROP TABLE origin; ALTER TABLE address DROP COLUMN rated;"
	    "ALTER TABLE triplet DROP COLUMN mxs; DROP INDEX triplet_client;"
	    "INSERT INTO address VALUES"
	    " (1, 1, 1000, 2000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 9000000),"
	    " (2, 1, 1000, 2000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);"
	    "UPDATE meta SET value = '1' WHERE name = 'schema'");
	fixture->store = open_another(fixture);
	assert_int_equal(pgsql_ask(fixture->url,
	                     "SELECT count(*) FROM address WHERE key = 1 AND"
	                     " ham = 3072 AND spam = 4194303::bigint * 1024 AND"
	                     " rated = 2000 OR key = 2 AND ham = 0 AND rated = 0"),
	    2);
	assert_int_equal(pgsql_ask(fixture->url, "SELECT count(*) FROM origin"), 0);
}

/* ------------------------------------------------------------------- its absence
 */

static void
stopped_server_costs_memory_and_comes_back(void **state)
{
	struct store_fixture *fixture = *state;
	char sender[48];

	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	pgsql_server("kill");
	for (int i = 0; i < 5; i++) {
		snprintf(sender, sizeof sender, "%d@example.org", i);
		assert_int_equal(attempt(fixture, sender), NOTE_FAILED);
		assert_int_equal(
		    fixture_recall(fixture, IP, NULL, sender, TO, &history, &row),
		    STORE_FAILED);
	}
	pgsql_server("again");
	wait_until_back(fixture);
	assert_true(is_kept(fixture, FROM));
	assert_false(is_kept(fixture, "0@example.org"));
	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_COMMITTED);
}

static enum store_status
recall_known(struct store_fixture *fixture)
{
	return fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
}

/* Ten seconds: docs/several-mx.md. */
static void
address_that_is_known_is_not_asked_for_again_for_ten_seconds(void **state)
{
	struct store_fixture *fixture = *state;

	for (int i = 0; i < 5; i++)
		assert_int_equal(
		    fixture_note(fixture, OUTCOME_ENDURED, IP, NULL, NULL, NULL),
		    NOTE_COMMITTED);
	pgsql_server("kill");
	fixture_sleep(fixture, 9);
	assert_int_equal(recall_known(fixture), STORE_OK);
	assert_int_equal(history.address.successes, 5);
	fixture_sleep(fixture, 2);
	assert_int_equal(recall_known(fixture), STORE_FAILED);
	/* Once the database is held for away, it cannot know better. */
	for (int i = 0; i < 5; i++)
		assert_int_equal(fixture_recall(fixture, "198.51.100.1", NULL, FROM,
		                     TO, &history, &row),
		    STORE_FAILED);
	assert_int_equal(recall_known(fixture), STORE_OK);
	pgsql_server("again");
	wait_until_back(fixture);
}

static void
server_that_stands_still_is_waited_for_three_times(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report;
	unsigned waited = 0;

	set_timeout(fixture, 500);
	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	pgsql_server_signal(SIGSTOP);
	for (int i = 0; i < 20; i++) {
		struct note_spec spec = {.now = TEST_NOW,
		    .outcome = OUTCOME_SEEN,
		    .settings = &test_policy};
		ip_from_text(IP, &spec.who.ip);
		struct note *note = note_new(&spec);
		waited += store_submit(fixture->store, note);
		store_flush(fixture->store);
		assert_int_equal(note_state(note), NOTE_FAILED);
		note_drop(&note);
	}
	store_report(fixture->store, false, &report);
	assert_true(report.away);
	assert_in_range(waited, 1, 3);
	pgsql_server_signal(SIGCONT);
	wait_until_back(fixture);
	assert_true(is_kept(fixture, FROM));
}

/* The writer's connection is the one that keeps migrations away. */
static void
let_readers_connect(const struct store_fixture *fixture, bool may)
{
	char url[160], sql[400], name[32];

	assert_int_equal(sscanf(fixture->url, "postgresql:///%31[^?]", name), 1);
	snprintf(url, sizeof url, "postgresql:///postgres?host=%s&user=postgres",
	    pgsql_server_folder());
	snprintf(sql, sizeof sql, "ALTER DATABASE %s ALLOW_CONNECTIONS %s", name,
	    may ? "true" : "false");
	pgsql_do(url, sql);
	if (may)
		return;
	snprintf(sql, sizeof sql,
	    "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
	    " WHERE datname = '%s' AND pid NOT IN (SELECT pid FROM pg_locks"
	    " WHERE locktype = 'advisory' AND classid = 1952532306)",
	    name);
	pgsql_do(url, sql);
}

static void
database_that_can_be_written_to_but_not_read_is_away_until_it_can(void **state)
{
	static const char closed[] = "not currently accepting connections";
	struct store_fixture *fixture = *state;
	struct store_status_report report;

	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	let_readers_connect(fixture, false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(recall_known(fixture), STORE_FAILED);
		/* Only of those in a row. */
		if (i < 2)
			assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	}
	assert_int_equal(attempt(fixture, FROM), NOTE_FAILED);
	for (int i = 0; i < 3; i++) {
		store_report(fixture->store, false, &report);
		assert_true(report.away && report.failing);
		assert_non_null(strstr(report.trouble, closed));
		long logged = pgsql_log_size();
		fixture_sleep(fixture, 1);
		for (int j = 0; !pgsql_log_says(logged, closed); j++) {
			assert_true(j < HUNG_S * 100);
			usleep(10000);
		}
	}
	again[0] = refused[0] = '\0';
	let_readers_connect(fixture, true);
	wait_until_back(fixture);
	/* It could be written to all the while. */
	assert_string_equal(again, "store: works again");
	assert_true(is_kept(fixture, FROM));
	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	/* That it could not be read was logged just now: another trouble. */
	pgsql_do(fixture->url,
	    "ALTER TABLE triplet ADD CHECK (sender <> '17@example.org')");
	assert_int_equal(attempt(fixture, "17@example.org"), NOTE_FAILED);
	assert_non_null(strstr(refused, "not kept: "));
}

static void
look_ups_that_fail_now_and_then_do_not_add_up(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report;

	for (int i = 0; i < 4; i++) {
		let_readers_connect(fixture, false);
		assert_int_equal(recall_known(fixture), STORE_FAILED);
		let_readers_connect(fixture, true);
		assert_int_equal(recall_known(fixture), STORE_OK);
	}
	store_report(fixture->store, false, &report);
	assert_false(report.away);
}

static void
count_done(void *ctx, uint64_t number)
{
	(*(_Atomic unsigned *)ctx) += (unsigned)number;
}

static void
question_to_a_server_that_stands_still_is_over_in_time(void **state)
{
	struct store_fixture *fixture = *state;
	struct ask_request request = {.sender = FROM};
	struct triplet triplet = {FROM, TO};
	struct store_who who = {.domain = NULL};
	static _Atomic unsigned done;

	set_timeout(fixture, 500);
	ip_from_text(IP, &request.ip);
	who.ip = request.ip;
	done = 0;
	pgsql_server_signal(SIGSTOP);
	int64_t begin = now_ms();
	struct asked *asked =
	    store_ask(fixture->store, &request, count_done, &done, 1);
	while (!asked_is_over(asked) && now_ms() - begin < HUNG_S * 1000)
		usleep(1000);
	/* Not before the time-out, and not for ever. */
	assert_in_range(now_ms() - begin, 400, HUNG_S * 1000 - 1);
	history.rows = &row;
	assert_int_equal(store_recall_asked(fixture->store, asked, &who, &triplet,
	                     1, TEST_NOW, &history),
	    STORE_FAILED);
	asked_drop(&asked);
	assert_null(asked);
	pgsql_server_signal(SIGCONT);
	wait_until_back(fixture);
	assert_int_equal(done, 1);
}

/* A resolver that has not answered yet; libpq asks it for each connection. */
static _Atomic bool names_hang;

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
    struct addrinfo **found)
{
	(void)name;
	(void)service;
	(void)hints;
	(void)found;
	while (names_hang)
		usleep(10000);
	return EAI_AGAIN;
}

static void
server_whose_name_is_not_found_is_waited_for_three_times(void **state)
{
	struct store_fixture *fixture = *state;
	struct ask_request request = {.sender = FROM};
	struct store_status_report report = {.away = false};
	struct triplet triplet = {FROM, TO};
	struct store_who who = {.domain = NULL};
	static _Atomic unsigned done;
	unsigned asks = 0;

	ip_from_text(IP, &request.ip);
	who.ip = request.ip;
	fixture->settings.url = "postgresql://db.invalid/t";
	set_timeout(fixture, 200);
	names_hang = true;
	history.rows = &row;
	while (!report.away && asks < 20) {
		struct asked *asked =
		    store_ask(fixture->store, &request, count_done, &done, 1);
		usleep(250000);
		assert_int_equal(store_recall_asked(fixture->store, asked, &who,
		                     &triplet, 1, TEST_NOW, &history),
		    STORE_FAILED);
		asked_drop(&asked);
		asks++;
		store_report(fixture->store, false, &report);
	}
	names_hang = false;
	assert_int_equal(asks, 3);
	assert_non_null(strstr(report.trouble, "no answer in time"));
}

static void
a_450_waits_for_its_note_as_long_as_the_database_is_waited_for(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_settings local = {.url = "memory:", .timeout_ms = 1000};
	struct error error;

	set_timeout(fixture, 1000);
	assert_in_range(store_note_limit_ms(fixture->store), 1000, 1500);
	set_timeout(fixture, 30000);
	assert_int_equal(store_note_limit_ms(fixture->store), 5000);
	struct store *store = store_open(&local, &fixture->clock, &error);
	assert_int_equal(store_note_limit_ms(store), 5000);
	store_close(&store);
}

static void
what_was_asked_answers_for_either_domain(void **state)
{
	struct store_fixture *fixture = *state;
	struct ask_request request = {
	    .sender = FROM, .domains = {"example.org", "helo.example"}};
	struct triplet triplets[] = {{FROM, TO}, {FROM, "other@example.jp"}};
	struct store_who who = {.domain = "helo.example"};
	struct grey_row rows[2];
	static _Atomic unsigned done;

	done = 0;
	fixture_note(
	    fixture, OUTCOME_ATTEMPT, "198.51.100.1", "helo.example", FROM, TO);
	ip_from_text(IP, &request.ip);
	who.ip = request.ip;
	struct asked *asked =
	    store_ask(fixture->store, &request, count_done, &done, 1);
	for (int i = 0; i < HUNG_S * 1000 && done == 0; i++)
		usleep(1000);
	history.rows = rows;
	assert_int_equal(store_recall_asked(fixture->store, asked, &who, triplets,
	                     2, TEST_NOW, &history),
	    STORE_OK);
	assert_int_equal(rows[0].first, TEST_NOW);
	assert_int_equal(rows[1].first, 0);
	assert_int_equal(history.domain.first_seen, TEST_NOW);
	who.domain = NULL;
	assert_int_equal(store_recall_asked(fixture->store, asked, &who, triplets,
	                     1, TEST_NOW, &history),
	    STORE_OK);
	assert_int_equal(rows[0].first, 0);
	asked_drop(&asked);
}

static void
start_without_a_server_goes_on_without_memory(void **state)
{
	struct store_fixture *fixture = *state;

	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	store_close(&fixture->store);
	pgsql_server("kill");
	fixture->store = open_another(fixture);
	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_FAILED);
	pgsql_server("again");
	wait_until_back(fixture);
	assert_true(is_kept(fixture, FROM));
}

struct unanswered {
	struct store_fixture *fixture;
	char sender[48];
	enum note_state noted;
};

/* Until one of them is not kept as far as anybody can tell. */
static void *
attempt_on(void *arg)
{
	struct unanswered *one = arg;

	for (int i = 0; one->noted == NOTE_COMMITTED && i < HUNG_S * 100; i++) {
		snprintf(one->sender, sizeof one->sender, "%d@example.org", i);
		one->noted = attempt(one->fixture, one->sender);
		usleep(10000);
	}
	return NULL;
}

/* The server has kept it and waits for a standby when its connection is ended. */
static void
commit_without_an_answer_is_no_promise_and_is_not_made_twice(void **state)
{
	struct store_fixture *fixture = *state;
	struct unanswered one = {fixture, "", NOTE_COMMITTED};
	pthread_t thread;

	pgsql_do(
	    fixture->url, "ALTER SYSTEM SET synchronous_standby_names = 'none'");
	pgsql_do(fixture->url, "SELECT pg_reload_conf()");
	assert_int_equal(pthread_create(&thread, NULL, attempt_on, &one), 0);
	for (int i = 0;
	     i < HUNG_S * 100 &&
	     pgsql_ask(fixture->url,
	         "SELECT count(pg_terminate_backend(pid))"
	         " FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == 0;
	     i++)
		usleep(10000);
	pgsql_do(fixture->url, "ALTER SYSTEM RESET synchronous_standby_names");
	pgsql_do(fixture->url, "SELECT pg_reload_conf()");
	pthread_join(thread, NULL);
	assert_int_equal(one.noted, NOTE_FAILED);
	wait_until_back(fixture);
	assert_true(is_kept(fixture, one.sender));
	assert_int_equal(row.tries, 0);
	assert_int_equal(
	    pgsql_ask(fixture->url, "SELECT max(version) FROM triplet"), 1);
}

static void *
start_server(void *arg)
{
	(void)arg;
	usleep(1500000);
	pgsql_server("again");
	return NULL;
}

static void
start_may_wait_for_the_server(void **state)
{
	struct store_fixture *fixture = *state;
	pthread_t thread;

	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	store_close(&fixture->store);
	pgsql_server("kill");
	fixture->settings.waits_at_start = true;
	assert_int_equal(pthread_create(&thread, NULL, start_server, NULL), 0);
	fixture->store = open_another(fixture);
	pthread_join(thread, NULL);
	assert_true(is_kept(fixture, FROM));
}

/* --------------------------------------------------------------------- fail-over
 */

#define LOADERS 4

struct loader {
	struct store *store;
	unsigned first, next;
	_Atomic unsigned char *promised;
};

static _Atomic bool going;
#define MOST 20000

static void *
load(void *arg)
{
	struct loader *loader = arg;
	char sender[48];

	for (; atomic_load(&going) && loader->next < MOST; loader->next++) {
		struct triplet triplet = {sender, TO};
		struct note_spec spec = {.now = TEST_NOW,
		    .outcome = OUTCOME_ATTEMPT,
		    .settings = &test_policy,
		    .triplets = &triplet,
		    .count = 1};
		snprintf(sender, sizeof sender, "%u.%u@example.org", loader->first,
		    loader->next);
		ip_from_text(IP, &spec.who.ip);
		struct note *note = note_new(&spec);
		store_submit(loader->store, note);
		while (note_state(note) == NOTE_WAITING)
			usleep(200);
		loader->promised[loader->next] = note_state(note) == NOTE_COMMITTED;
		if (note_state(note) != NOTE_COMMITTED)
			usleep(2000);
		note_drop(&note);
	}
	return NULL;
}

static unsigned
count_promised(const struct loader *loaders)
{
	unsigned count = 0;

	for (int i = 0; i < LOADERS; i++) {
		for (unsigned at = 0; at < MOST; at++)
			count += loaders[i].promised[at];
	}
	return count;
}

static void
wait_for_promises(
    struct store_fixture *fixture, const struct loader *loaders, unsigned more)
{
	unsigned wanted = count_promised(loaders) + more;
	int64_t begin = now_ms();

	while (count_promised(loaders) < wanted) {
		if (now_ms() - begin > HUNG_S * 1000)
			fail_msg(
			    "no more promises after %u", count_promised(loaders));
		fixture_sleep(fixture, 1);
		usleep(20000);
	}
}

static void
standby(const char *folder, const char *command, const char *more)
{
	char line[512];

	snprintf(line, sizeof line, "%s %s %s %s", POSTGRES_SCRIPT, command, folder,
	    more);
	assert_int_equal(system(line), 0);
}

static void
begin_load(
    struct store_fixture *fixture, struct loader *loaders, pthread_t *threads)
{
	going = true;
	for (unsigned i = 0; i < LOADERS; i++) {
		loaders[i] = (struct loader){fixture->store, i, 0, calloc(MOST, 1)};
		assert_int_equal(
		    pthread_create(&threads[i], NULL, load, &loaders[i]), 0);
	}
}

/* And sees what became of it. */
static void
end_load(
    struct store_fixture *fixture, struct loader *loaders, const pthread_t *threads)
{
	unsigned lost = 0;

	going = false;
	for (int i = 0; i < LOADERS; i++)
		pthread_join(threads[i], NULL);
	wait_until_back(fixture);
	unsigned promised = count_promised(loaders);
	for (int i = 0; i < LOADERS; i++) {
		for (unsigned at = 0; at < loaders[i].next; at++) {
			char sender[48];
			snprintf(sender, sizeof sender, "%d.%u@example.org", i, at);
			if (loaders[i].promised[at])
				lost += !is_kept(fixture, sender);
		}
		free(loaders[i].promised);
	}
	print_message("%u promised, %u lost\n", promised, lost);
	assert_int_equal(lost, 0);
}

static void
nothing_promised_is_lost_when_the_server_is_restarted_paused_or_killed(void **state)
{
	struct store_fixture *fixture = *state;
	struct loader loaders[LOADERS];
	pthread_t threads[LOADERS];

	set_timeout(fixture, 1000);
	begin_load(fixture, loaders, threads);
	wait_for_promises(fixture, loaders, 100);
	pgsql_server("restart");
	wait_for_promises(fixture, loaders, 100);
	pgsql_server_signal(SIGSTOP);
	usleep(1500000);
	pgsql_server_signal(SIGCONT);
	wait_for_promises(fixture, loaders, 100);
	pgsql_server("kill");
	pgsql_server("again");
	wait_for_promises(fixture, loaders, 100);
	end_load(fixture, loaders, threads);
}

/* Another server in place of one that is gone for good. */
static void
nothing_promised_is_lost_in_a_fail_over(void **state)
{
	struct store_fixture *fixture = *state;
	char folder[] = "/tmp/targrey-pg2-XXXXXX", more[128], url[512], name[32];
	struct loader loaders[LOADERS];
	pthread_t threads[LOADERS];

	assert_non_null(mkdtemp(folder));
	snprintf(more, sizeof more, "%s ''", pgsql_server_folder());
	standby(folder, "standby", more);
	pgsql_do(fixture->url, "ALTER SYSTEM SET synchronous_standby_names = '*'");
	pgsql_do(fixture->url, "SELECT pg_reload_conf()");
	/* As in docs/several-mx.md; a folder's name with its slashes escaped. */
	assert_int_equal(sscanf(fixture->url, "postgresql:///%31[^?]", name), 1);
	snprintf(url, sizeof url,
	    "postgresql://postgres@%%2Ftmp%%2F%s,%%2Ftmp%%2F%s/%s",
	    strrchr(pgsql_server_folder(), '/') + 1, strrchr(folder, '/') + 1,
	    name);
	fixture->settings.url = url;
	set_timeout(fixture, 2000);
	begin_load(fixture, loaders, threads);
	wait_for_promises(fixture, loaders, 200);
	pgsql_server("kill");
	standby(folder, "promote", "");
	wait_for_promises(fixture, loaders, 200);
	end_load(fixture, loaders, threads);
	store_close(&fixture->store);
	standby(folder, "kill", "");
	snprintf(more, sizeof more, "rm -rf %s", folder);
	assert_int_equal(system(more), 0);
	pgsql_server("again");
	pgsql_do(fixture->url, "ALTER SYSTEM RESET synchronous_standby_names");
	pgsql_do(fixture->url, "SELECT pg_reload_conf()");
}

static void
standby_that_may_not_be_written_to_is_not_used(void **state)
{
	struct store_fixture *fixture = *state;
	char folder[] = "/tmp/targrey-pg3-XXXXXX", more[128], url[512];
	struct store_status_report report;

	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	store_close(&fixture->store);
	assert_non_null(mkdtemp(folder));
	snprintf(more, sizeof more, "%s ''", pgsql_server_folder());
	standby(folder, "standby", more);
	snprintf(url, sizeof url, "postgresql:///%.*s?host=%s&user=postgres",
	    (int)strcspn(strstr(fixture->url, ":///") + 4, "?"),
	    strstr(fixture->url, ":///") + 4, folder);
	fixture->settings.url = url;
	fixture->store = open_another(fixture);
	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_FAILED);
	store_report(fixture->store, false, &report);
	assert_non_null(strstr(report.trouble, "read-only"));
	/* targreyctl may read there, if its URL says so. */
	struct error error;
	int count = 0;
	assert_null(query_open(url, false, &error));
	strcat(url, "&target_session_attrs=any");
	struct query *query = query_open(url, false, &error);
	assert_non_null(query);
	assert_true(query_triplets(
	    query, &(struct triplet_filter){0}, count_row, &count, &error));
	assert_int_equal(count, 2); /* that of the network, and that of any */
	query_close(&query);
	*strstr(url, "&target_session_attrs") = '\0';
	standby(folder, "promote", "");
	wait_until_back(fixture);
	assert_true(is_kept(fixture, FROM));
	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_COMMITTED);
	store_close(&fixture->store);
	standby(folder, "kill", "");
	snprintf(more, sizeof more, "rm -rf %s", folder);
	assert_int_equal(system(more), 0);
}

struct allowing {
	struct query *query;
	bool ok;
	struct error error;
};

static void *
allow(void *arg)
{
	struct allowing *allowing = arg;
	struct ip ip;

	ip_from_text(IP, &ip);
	allowing->ok = query_allow_address(
	    allowing->query, &ip, TEST_NOW, TEST_NOW + 60, NULL, &allowing->error);
	return NULL;
}

/* Both find no row, and this one is the second to write it. */
static void
a_change_is_done_again_when_another_was_faster(void **state)
{
	static const char insert[] =
	    "BEGIN; INSERT INTO address VALUES (3221225994, 1, 1760000000,"
	    " 1760000000, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0)";
	struct store_fixture *fixture = *state;
	struct allowing allowing;
	pthread_t thread;
	PGconn *conn = PQconnectdb(fixture->url);

	allowing.query = query_open(fixture->url, true, &allowing.error);
	assert_non_null(allowing.query);
	PGresult *result = PQexec(conn, insert);
	assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
	PQclear(result);
	assert_int_equal(pthread_create(&thread, NULL, allow, &allowing), 0);
	for (int i = 0; pgsql_ask(fixture->url,
	                    "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0;
	     i++) {
		assert_true(i < HUNG_S * 100);
		usleep(10000);
	}
	PQclear(PQexec(conn, "COMMIT"));
	pthread_join(thread, NULL);
	if (!allowing.ok)
		fail_msg("%s", allowing.error.text);
	assert_int_equal(
	    pgsql_ask(fixture->url, "SELECT sessions FROM address"), 5);
	assert_int_equal(pgsql_ask(fixture->url, "SELECT known_until FROM address"),
	    TEST_NOW + 60);
	query_close(&allowing.query);
	PQfinish(conn);
}

static int
count_triplets(struct query *query, struct error *error)
{
	int count = 0;

	return query_triplets(
	           query, &(struct triplet_filter){0}, count_row, &count, error)
	           ? count
	           : -1;
}

/* The admin's page may run for months. */
static void
query_goes_on_when_the_server_was_restarted(void **state)
{
	struct store_fixture *fixture = *state;
	struct error error;
	struct ip ip;

	ip_from_text(IP, &ip);
	attempt(fixture, FROM);
	struct query *query = query_open(fixture->url, true, &error);
	assert_int_equal(count_triplets(query, &error), 2);
	pgsql_server("restart");
	assert_int_equal(count_triplets(query, &error), 2);
	pgsql_server("restart");
	assert_true(
	    query_allow_address(query, &ip, TEST_NOW, TEST_NOW + 60, NULL, &error));
	pgsql_server("kill");
	assert_int_equal(count_triplets(query, &error), -1);
	assert_non_null(strstr(error.text, "failed: No such file"));
	pgsql_server("again");
	assert_int_equal(count_triplets(query, &error), 2);
	/* Hashed addresses of the one are not those of the other. */
	pgsql_do(fixture->url,
	    "UPDATE meta SET value = repeat('0a', 16) WHERE name = 'secret'");
	pgsql_server("restart");
	assert_int_equal(count_triplets(query, &error), -1);
	assert_non_null(strstr(error.text, "another database"));
	query_close(&query);
}

static bool
keep_finding(void *ctx, const char *finding)
{
	strcat(ctx, finding);
	strcat(ctx, "\n");
	return true;
}

static void
finds(struct store_fixture *fixture, const char *sql, const char *wanted)
{
	char findings[2048] = "";
	struct error error;
	bool sound;

	pgsql_do(fixture->url, sql);
	struct query *query = query_open(fixture->url, false, &error);
	assert_non_null(query);
	if (!query_check(query, keep_finding, findings, &sound, &error))
		fail_msg("%s", error.text);
	query_close(&query);
	assert_int_equal(sound, *wanted == '\0');
	if (*wanted == '\0' ? *findings != '\0' : strstr(findings, wanted) == NULL)
		fail_msg("\"%s\": found \"%s\"", sql, findings);
}

/* As docs/several-mx.md says. */
static void
tables_may_be_partitioned_by_the_hash_of_their_keys(void **state)
{
	struct store_fixture *fixture = *state;

	store_close(&fixture->store);
	pgsql_do(fixture->url,
	    "ALTER TABLE triplet RENAME TO whole; CREATE TABLE triplet"
	    " (LIKE whole INCLUDING DEFAULTS, PRIMARY KEY (hash))"
	    " PARTITION BY HASH (hash);"
	    "DROP TABLE whole;"
	    "CREATE INDEX triplet_pair ON triplet (pair);"
	    "CREATE INDEX triplet_client ON triplet (client COLLATE \"C\");"
	    "CREATE INDEX triplet_waiting ON triplet (day) WHERE passed = 0;"
	    "CREATE INDEX triplet_passed ON triplet (day) WHERE passed <> 0;"
	    "ALTER TABLE address RENAME TO whole; CREATE TABLE address"
	    " (LIKE whole INCLUDING DEFAULTS, PRIMARY KEY (key))"
	    " PARTITION BY HASH (key);"
	    "DROP TABLE whole;"
	    "DO $$ BEGIN FOR i IN 0..3 LOOP EXECUTE format('CREATE TABLE"
	    " triplet_%s PARTITION OF triplet FOR VALUES WITH (MODULUS 4,"
	    " REMAINDER %s); CREATE TABLE address_%s PARTITION OF address FOR"
	    " VALUES WITH (MODULUS 4, REMAINDER %s)', i, i, i, i); END LOOP; END "
	    "$$");
	fixture->store = open_another(fixture);
	race_two_daemons(fixture, 10);
	for (int i = 0; i < 16; i++) {
		char sender[48];
		snprintf(sender, sizeof sender, "%d@example.org", i);
		assert_int_equal(attempt(fixture, sender), NOTE_COMMITTED);
		assert_true(is_kept(fixture, sender));
	}
	assert_true(pgsql_ask(fixture->url,
	                "SELECT count(DISTINCT tableoid) FROM triplet") > 1);
	finds(fixture, "ANALYZE", "");
}

static void
what_no_daemon_writes_is_found(void **state)
{
	struct store_fixture *fixture = *state;

	attempt(fixture, FROM);
	fixture_note(fixture, OUTCOME_PASSED, IP, "a.example", "p@example.org", TO);
	fixture_make_known(fixture, IP);
	fixture_note_event(fixture, IP, "4f2a9c01b7");
	finds(fixture, "ANALYZE", "");
	/* that of the network, and that of any */
	finds(fixture, "UPDATE triplet SET day = day + 1 WHERE passed = 0",
	    "2 triplets that expire at the wrong time");
	finds(fixture, "UPDATE triplet SET last = first - 1 WHERE passed = 0",
	    "2 triplets with impossible times");
	finds(fixture, "UPDATE address SET sessions = -1",
	    "1 addresses with impossible");
	finds(fixture, "UPDATE domain SET networks = -1",
	    "1 domains with impossible");
	finds(fixture, "UPDATE event SET ip = '::'; UPDATE event SET logged = 0",
	    "1 events without");
	finds(fixture, "DROP INDEX event_sid", "1 indexes that are missing");
	finds(fixture,
	    "UPDATE pg_index SET indisvalid = false"
	    " WHERE indexrelid = 'triplet_pair'::regclass",
	    "1 indexes that are not valid");
	pgsql_do(fixture->url, "ALTER TABLE event DROP COLUMN mx_order");
	struct error error;
	assert_null(query_open(fixture->url, false, &error));
	assert_non_null(strstr(error.text, "mx_order"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(commit_without_an_answer_is_no_promise_and_is_not_made_twice),
	    TEST(no_attempt_of_two_daemons_on_the_same_rows_is_lost),
	    TEST(nor_where_the_server_wants_all_of_it_serializable),
	    TEST(tables_are_made_once_by_daemons_that_start_together),
	    TEST(note_that_it_refuses_takes_no_other_with_it),
	    TEST(text_that_is_no_utf8_is_kept_readably),
	    TEST(database_that_has_not_all_characters_is_refused),
	    TEST(address_of_ipv6_stands_in_brackets),
	    TEST(tables_that_somebody_reads_do_not_keep_a_daemon_from_starting),
	    TEST(clock_that_is_not_the_servers_is_told_until_it_agrees),
	    TEST(
	        running_daemon_goes_on_beside_newer_tables_until_it_connects_again),
	    TEST(right_to_change_rows_is_enough_once_there_are_tables),
	    TEST(look_ups_share_what_connections_the_server_has_left),
	    TEST(verdicts_of_the_first_version_are_kept_as_they_are),
	    TEST(one_client_or_network_is_found_without_reading_all),
	    TEST(newer_tables_and_passwords_in_the_url_are_refused),
	    TEST(address_that_is_known_is_not_asked_for_again_for_ten_seconds),
	    TEST(stopped_server_costs_memory_and_comes_back),
	    TEST(server_that_stands_still_is_waited_for_three_times),
	    TEST(database_that_can_be_written_to_but_not_read_is_away_until_it_can),
	    TEST(look_ups_that_fail_now_and_then_do_not_add_up),
	    TEST(question_to_a_server_that_stands_still_is_over_in_time),
	    TEST(server_whose_name_is_not_found_is_waited_for_three_times),
	    TEST(a_450_waits_for_its_note_as_long_as_the_database_is_waited_for),
	    TEST(what_was_asked_answers_for_either_domain),
	    TEST(start_without_a_server_goes_on_without_memory),
	    TEST(start_may_wait_for_the_server),
	    TEST(standby_that_may_not_be_written_to_is_not_used),
	    TEST(
	        nothing_promised_is_lost_when_the_server_is_restarted_paused_or_killed),
	    TEST(nothing_promised_is_lost_in_a_fail_over),
	    TEST(a_change_is_done_again_when_another_was_faster),
	    TEST(query_goes_on_when_the_server_was_restarted),
	    TEST(tables_may_be_partitioned_by_the_hash_of_their_keys),
	    TEST(what_no_daemon_writes_is_found),
	};

	if (getenv("FILTER"))
		cmocka_set_test_filter(getenv("FILTER"));
	log_to_sink(keep_refusal, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
