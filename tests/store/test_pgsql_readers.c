/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections that look-ups in PostgreSQL use: open before one needs them, to
 * the server that is in use, and kept alive.
 */
#include <setjmp.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "pgsql_server.h"
#include "store/pgsql/pgsql.h"
#include "store_fixture.h"

#define PAUSE_US 10000
#define PAUSES   (HUNG_S * 1000000 / PAUSE_US)

/* The server's processes for the store: the writer's, and the readers'. */
#define OURS "FROM pg_stat_activity WHERE application_name = 'targrey'"

static struct history history;
static struct grey_row row;

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
	fixture_close(*state);
	free(*state);
	return 0;
}

static void
wait_for_number(const char *url, const char *sql, long wanted)
{
	for (int i = 0; pgsql_ask(url, sql) != wanted; i++) {
		if (i == PAUSES)
			fail_msg(
			    "%s: %ld, not %ld", sql, pgsql_ask(url, sql), wanted);
		usleep(PAUSE_US);
	}
}

static void
wait_until_back(struct store_fixture *fixture)
{
	struct store_status_report report = {.away = true};

	for (int i = 0; report.away || report.failing; i++) {
		assert_true(i < PAUSES);
		fixture_sleep(fixture, 1);
		usleep(PAUSE_US);
		store_report(fixture->store, false, &report);
	}
}

static enum store_status
recall(struct store_fixture *fixture, const char *ip)
{
	return fixture_recall(fixture, ip, NULL, FROM, TO, &history, &row);
}

static void
look_ups_find_their_connections_open(void **state)
{
	struct store_fixture *fixture = *state;
	char ip[32], newer[160];

	wait_for_number(fixture->url, "SELECT count(*) " OURS, 1 + BACKEND_READERS);
	long newest = pgsql_ask(fixture->url,
	    "SELECT max(extract(epoch FROM backend_start) * 1000000)"
	    "::bigint " OURS);
	for (int i = 0; i < 3 * BACKEND_READERS; i++) {
		snprintf(ip, sizeof ip, "198.51.100.%d", i);
		assert_int_equal(recall(fixture, ip), STORE_OK);
	}
	snprintf(newer, sizeof newer,
	    "SELECT count(*) " OURS
	    " AND extract(epoch FROM backend_start) * 1000000 > %ld",
	    newest);
	assert_int_equal(pgsql_ask(fixture->url, newer), 0);
}

static void
connections_are_opened_again_when_the_server_is_back(void **state)
{
	struct store_fixture *fixture = *state;

	wait_for_number(fixture->url, "SELECT count(*) " OURS, 1 + BACKEND_READERS);
	pgsql_server("restart");
	assert_int_equal(fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO),
	    NOTE_COMMITTED);
	wait_until_back(fixture);
	wait_for_number(fixture->url, "SELECT count(*) " OURS, 1 + BACKEND_READERS);
	assert_int_equal(recall(fixture, IP), STORE_OK);
}

struct using
{
	struct backend *backend;
	struct view *view;
	bool is_open;
};

static void *
recall_in_thread(void *arg)
{
	struct using *using = arg;
	const char *origins[] = {"example.org"};
	struct wanted wanted = {.origins = origins, .origins_count = 1};
	struct trouble trouble;

	using->view = pgsql_ops.recall(using->backend, &wanted,
	    clock_real_ms() + HUNG_S * INT64_C(1000), &trouble);
	return NULL;
}

static void *
reopen_in_thread(void *arg)
{
	struct using *using = arg;
	uint8_t secret[SIPHASH_KEY_SIZE];
	struct trouble trouble;

	using->is_open = pgsql_ops.reopen(using->backend, false, secret, &trouble);
	return NULL;
}

/* The writer connects anew while a reader waits for what may be the old server. */
static void
connection_from_before_the_writer_connected_anew_is_not_used_again(void **state)
{
	static const char waiting[] =
	    "SELECT count(*) FROM pg_locks WHERE NOT granted";
	struct store_fixture *fixture = *state;
	struct using using = {0};
	struct error error;
	uint8_t secret[SIPHASH_KEY_SIZE] = {0};
	pthread_t recaller, reopener;
	PGconn *conn = PQconnectdb(fixture->url);

	using.backend = pgsql_ops.open(&fixture->settings, secret, &error);
	assert_non_null(using.backend);
	pgsql_ops.open_reader(using.backend);
	store_close(&fixture->store);
	wait_for_number(fixture->url, "SELECT count(*) " OURS, 2);
	PQclear(PQexec(conn, "BEGIN; LOCK TABLE origin IN ACCESS EXCLUSIVE MODE"));
	assert_int_equal(
	    pthread_create(&recaller, NULL, recall_in_thread, &using), 0);
	wait_for_number(fixture->url, waiting, 1);
	assert_int_equal(
	    pthread_create(&reopener, NULL, reopen_in_thread, &using), 0);
	wait_for_number(fixture->url, waiting, 2);
	PQclear(PQexec(conn, "COMMIT"));
	pthread_join(recaller, NULL);
	pthread_join(reopener, NULL);
	assert_non_null(using.view);
	assert_true(using.is_open);
	pgsql_ops.release(using.view);
	wait_for_number(fixture->url, "SELECT count(*) " OURS, 1);
	pgsql_ops.close(using.backend);
	PQfinish(conn);
}

/* The tables are out of sight for a moment: another schema comes first. */
static void
connection_on_which_nothing_could_be_prepared_is_not_kept(void **state)
{
	struct store_fixture *fixture = *state;
	struct using using = {0};
	struct error error;
	uint8_t secret[SIPHASH_KEY_SIZE] = {0};

	using.backend = pgsql_ops.open(&fixture->settings, secret, &error);
	assert_non_null(using.backend);
	store_close(&fixture->store);
	wait_for_number(fixture->url, "SELECT count(*) " OURS, 1);
	pgsql_do(fixture->url, "ALTER ROLE CURRENT_USER SET search_path = nowhere");
	pgsql_ops.open_reader(using.backend);
	recall_in_thread(&using);
	pgsql_do(fixture->url, "ALTER ROLE CURRENT_USER RESET search_path");
	assert_null(using.view);
	recall_in_thread(&using);
	assert_non_null(using.view);
	pgsql_ops.release(using.view);
	wait_for_number(fixture->url, "SELECT count(*) " OURS, 2);
	pgsql_ops.close(using.backend);
}

static void
client_stays_known_when_a_commit_fails_and_the_server_is_away(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report = {0};

	fixture_make_known(fixture, IP);
	assert_int_equal(recall(fixture, IP), STORE_OK);
	pgsql_server("kill");
	for (int i = 0; !report.away; i++) {
		assert_true(i < 10);
		assert_int_equal(fixture_note(fixture, OUTCOME_ATTEMPT,
		                     "198.51.100.1", NULL, FROM, TO),
		    NOTE_FAILED);
		store_report(fixture->store, false, &report);
	}
	assert_int_equal(recall(fixture, IP), STORE_OK);
	assert_int_equal(history.address.successes, 5);
	assert_int_equal(recall(fixture, "198.51.100.1"), STORE_FAILED);
	pgsql_server("again");
	wait_until_back(fixture);
}

/* ----------------------------------------------------------------- keeping alive
 */

static void *
open_in_thread(void *arg)
{
	struct store_fixture *fixture = arg;
	struct error error;

	fixture->store = store_open(&fixture->settings, &fixture->clock, &error);
	return NULL;
}

/* The option of the socket of this process that is connected to the port. */
static int
option_towards(in_port_t port, int option)
{
	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_in peer = {0};
		socklen_t size = sizeof peer;
		int value = -1;
		if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0 ||
		    peer.sin_family != AF_INET || peer.sin_port != port)
			continue;
		size = sizeof value;
		assert_int_equal(
		    getsockopt(fd, IPPROTO_TCP, option, &value, &size), 0);
		return value;
	}
	fail_msg("no such connection");
	return -1;
}

static void
see_idle_time(struct store_fixture *fixture, const char *more, int wanted_s)
{
	struct sockaddr_in here = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof here;
	char url[160];
	pthread_t thread;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&here, size), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &size), 0);
	snprintf(url, sizeof url,
	    "postgresql://127.0.0.1:%d/t?user=postgres&sslmode=disable%s",
	    ntohs(here.sin_port), more);
	store_close(&fixture->store);
	fixture->settings.url = url;
	fixture->settings.timeout_ms = HUNG_S * 1000;
	assert_int_equal(pthread_create(&thread, NULL, open_in_thread, fixture), 0);
	int server = accept(listener, NULL, NULL);
	assert_true(server >= 0);
	assert_int_equal(option_towards(here.sin_port, TCP_KEEPIDLE), wanted_s);
	close(listener);
	close(server);
	pthread_join(thread, NULL);
	assert_non_null(fixture->store);
}

/* Seconds; the second is what the URL asks for (libpq, keepalives_idle). */
static void
idle_connection_is_kept_alive_each_minute_unless_the_url_says_otherwise(
    void **state)
{
	see_idle_time(*state, "", 60);
	see_idle_time(*state, "&keepalives_idle=77", 77);
}

static void
silent(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(look_ups_find_their_connections_open),
	    TEST(connections_are_opened_again_when_the_server_is_back),
	    TEST(
	        connection_from_before_the_writer_connected_anew_is_not_used_again),
	    TEST(connection_on_which_nothing_could_be_prepared_is_not_kept),
	    TEST(client_stays_known_when_a_commit_fails_and_the_server_is_away),
	    TEST(
	        idle_connection_is_kept_alive_each_minute_unless_the_url_says_otherwise),
	};

	log_to_sink(silent, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
