/* SPDX-License-Identifier: BSD-2-Clause */
/* From SQLite into a real PostgreSQL and back: whole, interrupted, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <libpq-fe.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "pgsql_server.h"
#include "query/migrate.h"
#include "query/query.h"
#include "record/mx.h"
#include "store_fixture.h"

#define DOMAIN "bulk.example.net"
#define MANY   2600 /* of each of the big tables; told of after each 1024 */

static struct store_fixture source;
static char server[160], file[160], back[160];
static struct migrate_report report;
static struct error error;

static void
note(enum outcome outcome, const char *ip, const char *domain, const char *sender,
    const struct event *event)
{
	struct policy_settings policy = test_policy;
	struct triplet triplet = {sender, TO};
	struct note_spec spec = {.who = {.domain = domain},
	    .now = fixture_time(&source),
	    .outcome = outcome,
	    .secs = 41,
	    .triplets = &triplet,
	    .count = sender != NULL,
	    .event = event,
	    .settings = &policy};

	policy.mx = mx_code("mx2.example.jp");
	assert_true(ip_from_text(ip, &spec.who.ip));
	struct note *note = note_new(&spec);
	assert_non_null(note);
	store_submit(source.store, note);
	/* The settings are on the stack. */
	store_flush(source.store);
	assert_int_equal(note_state(note), NOTE_COMMITTED);
	note_drop(&note);
}

static void
event(const char *sid, const char *heloname, double score)
{
	static struct session_words words;
	struct event event = {.time = fixture_time(&source) - 3,
	    .queue_id = "4aB1",
	    .message_id = "<1@example.org>",
	    .heloname = heloname,
	    .sender = FROM,
	    .recipients = "b@example.jp c@example.jp",
	    .rcpt_accepted = 2,
	    .words = &words,
	    .hold_asked_ms = -1,
	    .hold_ms = 41000,
	    .hold_end = HOLD_GONE,
	    .reply = "450",
	    .score = score,
	    .feedback = isnan(score) ? NULL : "spam"};

	strcpy(words.value[SK_SID], sid);
	strcpy(words.value[SK_MX], "2");
	assert_true(ip_from_text(IP, &event.ip));
	note(OUTCOME_SEEN, IP, NULL, NULL, &event);
}

/* One row of each kind there is. */
static void
fill(void)
{
	note(OUTCOME_ATTEMPT, IP, NULL, FROM, NULL);
	note(OUTCOME_ATTEMPT, IP, DOMAIN, "", NULL);
	note(OUTCOME_GONE, "2001:db8:1:2::3", NULL, NULL, NULL);
	note(OUTCOME_PASSED, "198.51.100.7", DOMAIN, "\xff\xfe@example.org", NULL);
	for (int i = 0; i < 5; i++)
		note(OUTCOME_ENDURED, "198.51.100.7", DOMAIN, NULL, NULL);
	fixture_sleep(&source, 3600);
	note(OUTCOME_ATTEMPT, IP, NULL, FROM, NULL);
	event("4f2a9c01b7", "caf\xe9", NAN);
	event("4f2a9c01b8", "friend", 7.25);
}

/* More rows than are carried over at once. */
static void
fill_many(void)
{
	char ip[24], sender[32];

	for (unsigned i = 0; i < MANY; i++) {
		static const struct session_words words;
		struct event event = {.time = fixture_time(&source),
		    .sender = sender,
		    .words = &words,
		    .score = NAN};
		struct triplet triplet = {sender, TO};
		struct note_spec spec = {.now = fixture_time(&source),
		    .outcome = OUTCOME_ATTEMPT,
		    .triplets = &triplet,
		    .count = 1,
		    .event = &event,
		    .settings = &test_policy};
		snprintf(ip, sizeof ip, "10.9.%u.%u", i / 250, i % 250);
		snprintf(sender, sizeof sender, "%u@example.org", i);
		ip_from_text(ip, &spec.who.ip);
		event.ip = spec.who.ip;
		struct note *note = note_new(&spec);
		while (!store_submit(source.store, note)) {
			store_flush(source.store);
			note_drop(&note);
			note = note_new(&spec);
		}
		note_drop(&note);
	}
	store_flush(source.store);
}

static int
set_up(void **state)
{
	(void)state;
	fixture_open(&source, true);
	snprintf(file, sizeof file, "sqlite:%s/t.db", source.folder);
	snprintf(back, sizeof back, "sqlite:%s/back.db", source.folder);
	pgsql_new_database(server, sizeof server);
	source.settings.url = file;
	source.settings.durable = false;
	fixture_reopen(&source);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_close(&source);
	return 0;
}

static void
migrate(const char *from, const char *to)
{
	if (!query_migrate(
	        from, to, fixture_time(&source), NULL, NULL, &report, &error))
		fail_msg("%s", error.text);
	assert_true(report.is_equal);
}

static void
migrate_is_refused(const char *from, const char *to, const char *reason)
{
	assert_false(query_migrate(
	    from, to, fixture_time(&source), NULL, NULL, &report, &error));
	if (strstr(error.text, reason) == NULL)
		fail_msg("\"%s\" has no \"%s\"", error.text, reason);
}

/* The same daemon, on another database. */
static void
use(const char *url)
{
	store_close(&source.store);
	source.settings.url = url;
	fixture_reopen(&source);
}

static void
knows_what_it_was_told(void)
{
	struct history history;
	struct grey_row row;

	fixture_recall(&source, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	assert_int_equal(row.tries, 1);
	assert_int_equal(mx_first(row.mxs), mx_code("mx2.example.jp"));
	assert_int_equal(history.address.sessions, 2);
	fixture_recall(&source, "203.0.113.5", DOMAIN, "", TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	assert_int_equal(history.domain.successes, 6);
	assert_int_equal(history.domain.networks, 2);
	fixture_recall(&source, "2001:db8:1:2::9", NULL, FROM, TO, &history, &row);
	assert_int_equal(history.address.gaveup_secs, 41);
	fixture_recall(&source, "198.51.100.7", NULL, "\xff\xfe@example.org", TO,
	    &history, &row);
	assert_int_equal(row.passed, TEST_NOW);
	assert_true(history.address.known_until > TEST_NOW);
}

static bool
see_event(void *ctx, const struct event *event)
{
	int *seen = ctx;

	assert_string_equal(event->words->value[SK_MX], "2");
	assert_int_equal(event->hold_ms, 41000);
	assert_int_equal(event->hold_end, HOLD_GONE);
	assert_true(event->score == 7.25);
	(*seen)++;
	return true;
}

static void
finds_the_event(const char *url)
{
	const struct event_filter filter = {.sid = "4f2a9c01b8"};
	struct query *query = query_open(url, false, &error);
	int seen = 0;

	if (query == NULL)
		fail_msg("%s", error.text);
	assert_true(query_events(query, &filter, see_event, &seen, &error));
	assert_int_equal(seen, 1);
	query_close(&query);
}

#define LOCKS                                                                      \
	"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database =" \
	" (SELECT oid FROM pg_database WHERE datname = current_database())"

static void
all_that_is_on_record_goes_to_a_server_and_back(void **state)
{
	struct migrate_report there;

	(void)state;
	fill();
	store_close(&source.store);
	migrate(file, server);
	there = report;
	/* Else a daemon that is started now would be refused. */
	assert_int_equal(pgsql_ask(server, LOCKS), 0);
	assert_int_equal(there.kinds[MIGRATE_ADDRESSES].rows, 3);
	assert_int_equal(there.kinds[MIGRATE_DOMAINS].rows, 1);
	assert_true(there.kinds[MIGRATE_ORIGINS].rows >= 3);
	assert_int_equal(there.kinds[MIGRATE_NETWORKS].rows, 2);
	assert_int_equal(there.kinds[MIGRATE_TRIPLETS].rows, 6);
	assert_int_equal(there.kinds[MIGRATE_EVENTS].rows, 2);
	migrate(server, back);
	for (int i = 0; i < MIGRATE_KINDS; i++)
		assert_int_equal(there.kinds[i].sum, report.kinds[i].sum_found);
	finds_the_event(server);
	finds_the_event(back);
	use(server);
	knows_what_it_was_told();
	use(back);
	assert_int_equal(pgsql_ask(server, LOCKS), 0);
	knows_what_it_was_told();
}

static void
hashed_people_are_found_again(void **state)
{
	struct history history;
	struct grey_row row;

	(void)state;
	source.settings.hash_people = true;
	store_configure(source.store, &source.settings);
	fill();
	store_close(&source.store);
	migrate(file, server);
	assert_int_equal(
	    pgsql_ask(
	        server, "SELECT count(*) FROM triplet WHERE sender LIKE '%@%'"),
	    0);
	use(server);
	fixture_recall(&source, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.tries, 1);
}

/* Where a run is ended by force. */
struct end {
	enum migrate_kind kind;
	uint64_t after;
};

static void
die_there(void *ctx, enum migrate_kind kind, uint64_t done, uint64_t total)
{
	const struct end *end = ctx;

	(void)total;
	if (kind == end->kind && done >= end->after)
		raise(SIGKILL);
}

/* The server may hold the lock of one that was killed for a moment. */
static bool
try_soon(const char *from, const char *to,
    void (*progress)(
        void *ctx, enum migrate_kind kind, uint64_t done, uint64_t total),
    void *ctx)
{
	for (int i = 0; i < HUNG_S * 10; i++) {
		if (query_migrate(from, to, fixture_time(&source), progress, ctx,
		        &report, &error))
			return true;
		if (strstr(error.text, "in use by a targreyd") == NULL)
			break;
		usleep(100000);
	}
	return false;
}

static void
killed_run(const char *from, const char *to, struct end end)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		try_soon(from, to, die_there, &end);
		_exit(1); /* it was to be killed */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void
migrate_soon(const char *from, const char *to)
{
	if (!try_soon(from, to, NULL, NULL))
		fail_msg("%s", error.text);
	assert_true(report.is_equal);
}

static void
an_interrupted_run_is_taken_up_where_it_ended(void **state)
{
	static const struct end ends[] = {{MIGRATE_ADDRESSES, 1024},
	    {MIGRATE_TRIPLETS, 2048}, {MIGRATE_EVENTS, 2048}};
	const char *const ways[][2] = {{file, server}, {server, back}};

	(void)state;
	fill();
	fill_many();
	store_close(&source.store);
	for (int way = 0; way < 2; way++) {
		for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
			killed_run(ways[way][0], ways[way][1], ends[i]);
		migrate_soon(ways[way][0], ways[way][1]);
		const struct migrate_counts *events = &report.kinds[MIGRATE_EVENTS];
		assert_int_equal(events->rows, MANY + 2);
		assert_int_equal(events->found, MANY + 2);
		assert_in_range(events->written, 1, MANY - 1024);
		assert_int_equal(report.kinds[MIGRATE_TRIPLETS].written, 0);
		migrate_soon(ways[way][0], ways[way][1]);
		assert_int_equal(report.kinds[MIGRATE_EVENTS].written, 0);
	}
}

/* What becomes of the server in the middle of a run. */
static const char *server_command;

static void
end_server_there(void *ctx, enum migrate_kind kind, uint64_t done, uint64_t total)
{
	struct end *end = ctx;

	(void)total;
	if (kind == end->kind && done == end->after)
		pgsql_server(server_command);
}

static void
a_run_whose_server_goes_away_says_so_and_is_taken_up(void **state)
{
	static const struct end ends[] = {
	    {MIGRATE_TRIPLETS, 2048}, {MIGRATE_EVENTS, 2048}};
	const char *const ways[][2] = {{file, server}, {server, back}};

	(void)state;
	fill();
	fill_many();
	store_close(&source.store);
	for (int way = 0; way < 2; way++) {
		for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
			struct end end = ends[i];
			/* A lost connection is a lost lock: another may have it. */
			server_command = i == 0 ? "restart" : "kill";
			assert_false(query_migrate(ways[way][0], ways[way][1],
			    fixture_time(&source), end_server_there, &end, &report,
			    &error));
			assert_non_null(strstr(error.text, "postgresql:///"));
			assert_non_null(strstr(error.text, "connection"));
			assert_false(report.is_equal);
			if (i == 1)
				pgsql_server("again");
		}
		migrate_soon(ways[way][0], ways[way][1]);
		assert_int_equal(report.kinds[MIGRATE_EVENTS].found, MANY + 2);
		assert_in_range(
		    report.kinds[MIGRATE_EVENTS].written, 1, MANY - 1024);
	}
}

/* As of a full disk: the file may not grow any more. */
static void
a_target_without_room_says_so_and_is_taken_up(void **state)
{
	struct rlimit before, small;
	uint64_t rows = 0, written = 0;

	(void)state;
	fill();
	fill_many();
	store_close(&source.store);
	migrate(file, server);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 1200000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	migrate_is_refused(server, back, "disk");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	migrate_soon(server, back);
	for (int i = 0; i < MIGRATE_KINDS; i++) {
		rows += report.kinds[i].rows;
		written += report.kinds[i].written;
	}
	assert_in_range(written, 1, rows - 1024);
}

static void
what_a_daemon_uses_is_left_alone(void **state)
{
	(void)state;
	fill();
	migrate_is_refused(file, server, "in use by another targreyd");
	use(server);
	use("memory:");
	migrate_is_refused(file, server, "was not begun by a migration from");
	pgsql_new_database(server, sizeof server);
	migrate(file, server);
	/* From here on it is a daemon's, and newer than the source. */
	use(server);
	migrate_is_refused(file, server, "in use by a targreyd");
	migrate_is_refused(server, back, "in use by a targreyd");
	use("memory:");
	migrate_is_refused(file, server, "is in use already");
}

static void
a_daemon_does_not_begin_while_a_migration_is_at_work(void **state)
{
	(void)state;
	fill();
	store_close(&source.store);
	migrate(file, server);
	PGconn *conn = PQconnectdb(server);
	PQclear(PQexec(conn, "SELECT pg_advisory_lock(1952532306, 2)"));
	use(server);
	assert_int_equal(fixture_note(&source, OUTCOME_ATTEMPT, IP, NULL, FROM, TO),
	    NOTE_FAILED);
	assert_int_equal(
	    pgsql_ask(server, "SELECT count(*) FROM meta WHERE name = 'migrated'"),
	    1);
	PQfinish(conn);
}

static void
what_differs_at_the_end_is_told(void **state)
{
	(void)state;
	fill();
	store_close(&source.store);
	migrate(file, server);
	pgsql_do(server, "UPDATE triplet SET tries = tries + 7");
	migrate(file, server);
	assert_int_equal(report.kinds[MIGRATE_TRIPLETS].written, 6);
	pgsql_do(server, "UPDATE event SET hold_ms = 1 WHERE sid = '4f2a9c01b8'");
	assert_true(query_migrate(
	    file, server, fixture_time(&source), NULL, NULL, &report, &error));
	assert_false(report.is_equal);
	pgsql_do(server, "UPDATE event SET hold_ms = 41000");
	migrate(file, server);
	pgsql_do(server, "INSERT INTO domain_network VALUES (1, "
	                 "1760000000 / 86400)");
	assert_true(query_migrate(
	    file, server, fixture_time(&source), NULL, NULL, &report, &error));
	assert_false(report.is_equal);
}

static void
silent(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(all_that_is_on_record_goes_to_a_server_and_back),
	    TEST(hashed_people_are_found_again),
	    TEST(an_interrupted_run_is_taken_up_where_it_ended),
	    TEST(a_run_whose_server_goes_away_says_so_and_is_taken_up),
	    TEST(a_target_without_room_says_so_and_is_taken_up),
	    TEST(what_a_daemon_uses_is_left_alone),
	    TEST(a_daemon_does_not_begin_while_a_migration_is_at_work),
	    TEST(what_differs_at_the_end_is_told),
	};

	log_to_sink(silent, NULL);
	return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
