/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What noise cannot move: commits, syncs and writes for 1,000 attempts, bytes a
 * row, memory, and that neither a look-up nor a known client writes. The limits
 * are a tenth above what was measured (docs/develop/performance.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "store_fixture.h"
#include "figures.h"
#include "workload.h"
#include "shim.h"
#include "store/sqlite/sqlite_private.h"

/* A sanitizer's memory says nothing: tests/all asks the release build. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define OWN_MEMORY
#endif

#define ATTEMPTS 20000

/* Sends the given number of attempts, so many to a commit, and waits. */
static void
attempt(
    struct store_fixture *fixture, uint64_t first, uint64_t count, unsigned at_once)
{
	char text[WORKLOAD_SIZE];

	for (uint64_t i = 0; i < count; i++) {
		struct triplet triplet = workload_triplet(first + i, text);
		struct note_spec spec = {
		    .who = workload_client(first + i),
		    .now = fixture_time(fixture),
		    .outcome = OUTCOME_ATTEMPT,
		    .settings = &test_policy,
		    .triplets = &triplet,
		    .count = 1,
		};
		struct note *note = note_new(&spec);
		assert_true(store_submit(fixture->store, note));
		note_drop(&note);
		if (i % at_once == at_once - 1)
			store_flush(fixture->store);
	}
	store_flush(fixture->store);
}

static void
limit(double value, double most, const char *unit, const char *name)
{
	figure(value, unit, "", "%s", name);
	if (value > most)
		fail_msg("%s: %g %s, at most %g", name, value, unit, most);
}

static void
sixteen_clients_share_a_commit(void **state)
{
	struct store_fixture fixture;
	struct store_status_report before, after;

	(void)state;
	fixture_open(&fixture, false);
	attempt(&fixture, 0, 2000, 16);
	store_report(fixture.store, false, &before);
	uint64_t syncs = shim_syncs(), writes = shim_writes();
	attempt(&fixture, 2000, ATTEMPTS, 16);
	store_report(fixture.store, false, &after);
	syncs = shim_syncs() - syncs;
	writes = shim_writes() - writes;
	double per = (double)ATTEMPTS / 1000;
	/* 62.5 when each sixteen meet; some come in two halves. */
	limit((double)(after.commits - before.commits) / per, 130, "/1000 attempts",
	    "commits of 16 clients");
	limit((double)syncs / (double)(after.commits - before.commits), 1.25,
	    "/commit", "syncs");
	limit((double)writes / per, 4200, "/1000 attempts", "writes");
	fixture_close(&fixture);
}

static double
bytes_a_row(struct store_fixture *fixture, const char *table)
{
	struct connection connection;
	struct trouble trouble = {0};
	int64_t bytes, rows;
	char sql[128];

	assert_true(connection_open(&connection, fixture->path,
	    SQLITE_OPEN_READWRITE, 512, 5000, &trouble));
	snprintf(sql, sizeof sql,
	    "SELECT sum(pgsize) FROM dbstat WHERE name = '%s'", table);
	assert_true(connection_number(&connection, sql, &bytes, &trouble));
	snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
	assert_true(connection_number(&connection, sql, &rows, &trouble));
	connection_close(&connection);
	return (double)bytes / (double)rows;
}

static void
hot_row_takes_forty_bytes_at_most(void **state)
{
	struct store_fixture fixture;

	(void)state;
	fixture_open(&fixture, false);
	attempt(&fixture, 0, 30000, 64);
	limit(bytes_a_row(&fixture, "waiting"), 40, "bytes", "row of waiting");
	limit(bytes_a_row(&fixture, "waiting_text"), 100, "bytes",
	    "row of waiting_text");
	limit(bytes_a_row(&fixture, "address"), 60, "bytes", "row of address");
	fixture_close(&fixture);
}

static void
looking_up_writes_nothing(void **state)
{
	struct store_fixture fixture;
	struct history history;
	struct grey_row row;
	char text[WORKLOAD_SIZE];

	(void)state;
	fixture_open(&fixture, false);
	attempt(&fixture, 0, 1000, 64);
	fixture_reopen(&fixture);
	uint64_t writes = shim_writes(), syncs = shim_syncs();
	for (uint64_t i = 0; i < 2000; i++) {
		struct store_who who = workload_client(i);
		struct triplet triplet = workload_triplet(i, text);
		history.rows = &row;
		assert_int_equal(store_recall(fixture.store, &who, &triplet, 1,
		                     fixture_time(&fixture), &history),
		    STORE_OK);
		assert_int_equal(row.first != 0, i < 1000);
	}
	assert_int_equal(shim_writes(), writes);
	assert_int_equal(shim_syncs(), syncs);
	fixture_close(&fixture);
}

static void
use_of_what_is_known_is_written_once_an_hour(void **state)
{
	struct store_fixture fixture;

	(void)state;
	fixture_open(&fixture, false);
	fixture_note(&fixture, OUTCOME_KNOWN, "192.0.2.1", NULL, NULL, NULL);
	uint64_t writes = shim_writes();
	for (int i = 0; i < 50; i++) {
		fixture_sleep(&fixture, 60);
		fixture_note(
		    &fixture, OUTCOME_KNOWN, "192.0.2.1", NULL, NULL, NULL);
	}
	assert_int_equal(shim_writes(), writes);
	fixture_sleep(&fixture, 3600);
	fixture_note(&fixture, OUTCOME_KNOWN, "192.0.2.1", NULL, NULL, NULL);
	assert_true(shim_writes() > writes);
	fixture_close(&fixture);
}

/* Housekeeping with nothing to remove must not read through a large bucket. */
static void
idle_expiry_looks_at_few_rows(void **state)
{
	struct store_fixture fixture;
	struct trouble trouble = {0};
	struct error error;
	struct expiry expiry = {.events_s = 30 * 86400,
	    .retry_window_s = 2 * 86400,
	    .max_age_s = 35 * 86400,
	    .now = TEST_NOW,
	    .limit = 500};
	uint8_t secret[SIPHASH_KEY_SIZE] = {0};
	bool changed, more;
	int64_t steps = 0;

	(void)state;
	fixture_open(&fixture, false);
	store_close(&fixture.store);
	assert_true(
	    workload_fill(&fixture.settings, 30000, TEST_NOW, 3600, &error));
	struct backend *backend =
	    sqlite_ops.open(&fixture.settings, secret, &error);
	assert_non_null(backend);
	struct view *view =
	    sqlite_ops.begin(backend, FOR_HOUSEKEEPING, 0, &changed, &trouble);
	assert_non_null(view);
	assert_true(sqlite_ops.expire(view, &expiry, &more, &trouble));
	assert_false(more);
	for (int i = 0; i < STATEMENTS; i++) {
		if (view->connection.statements[i] != NULL)
			steps += sqlite3_stmt_status(view->connection.statements[i],
			    SQLITE_STMTSTATUS_VM_STEP, 0);
	}
	limit((double)steps, 10000, "steps", "idle expiry");
	sqlite_ops.rollback(view);
	sqlite_ops.close(backend);
	fixture_close(&fixture);
}

#ifdef OWN_MEMORY
static void
memory_stays_small(void **state)
{
	struct store_fixture fixture;

	(void)state;
	fixture_open(&fixture, false);
	attempt(&fixture, 0, 50000, 64);
	limit(rss_mib(getpid()), 24, "MiB", "memory");
	fixture_close(&fixture);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef OWN_MEMORY
	    cmocka_unit_test(memory_stays_small), /* before others use some */
#endif
	    cmocka_unit_test(sixteen_clients_share_a_commit),
	    cmocka_unit_test(hot_row_takes_forty_bytes_at_most),
	    cmocka_unit_test(idle_expiry_looks_at_few_rows),
	    cmocka_unit_test(looking_up_writes_nothing),
	    cmocka_unit_test(use_of_what_is_known_is_written_once_an_hour),
	};

	shim_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
