/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can go wrong under the store: mail goes on, nothing is half written,
 * one line per minute says so, and service returns by itself.
 */
#include "fault_fixture.h"

#include <pthread.h>
#include <sqlite3.h>
#include <unistd.h>

/*
 * The nth call fails once, n = 1, 2, ... until a round needs fewer calls. Two
 * notes are made meanwhile; each is in the database exactly if it was said so
 * (but what a failed sync has left is not known, and must only not be promised).
 */
static void
assert_as_told(struct store_fixture *fixture, const char *sender,
    enum note_state state, enum shim_fault fault)
{
	bool kept = is_kept(fixture, sender);

	if (state == NOTE_COMMITTED || fault != SHIM_SYNC_ERROR)
		assert_int_equal(kept, state == NOTE_COMMITTED);
}

static void
sweep(struct store_fixture *fixture, enum shim_fault fault, unsigned count)
{
	unsigned n = 1;

	for (bool hit = true; hit && n < 400; n++) {
		char first[32], second[32], third[32];
		snprintf(first, sizeof first, "first%u.%d", n, (int)fault);
		snprintf(second, sizeof second, "second%u.%d", n, (int)fault);
		snprintf(third, sizeof third, "third%u.%d", n, (int)fault);
		fixture_sleep(fixture, 1);
		shim_fail(fault, n, count);
		enum note_state one = attempt(fixture, first);
		enum note_state two = attempt(fixture, second);
		hit = shim_failed() > 0;
		shim_fail(SHIM_NONE, 1, 0);
		fixture_sleep(fixture, 61);
		assert_int_equal(attempt(fixture, third), NOTE_COMMITTED);
		assert_as_told(fixture, first, one, fault);
		assert_as_told(fixture, second, two, fault);
		assert_true(is_kept(fixture, third));
		if (count == 0 && hit && n == 1)
			assert_int_not_equal(two, NOTE_COMMITTED);
	}
	assert_true(n > 2);
	assert_true(n < 400);
	assert_sound(fixture);
	fixture_reopen(fixture);
	assert_true(is_kept(fixture, fault == SHIM_FULL          ? "third1.1"
	                             : fault == SHIM_WRITE_ERROR ? "third1.2"
	                                                         : "third1.3"));
}

static void
each_write_may_find_the_disk_full_once(void **state)
{
	sweep(*state, SHIM_FULL, 1);
}

static void
each_write_may_fail_once(void **state)
{
	sweep(*state, SHIM_WRITE_ERROR, 1);
}

static void
each_sync_may_fail_once(void **state)
{
	sweep(*state, SHIM_SYNC_ERROR, 1);
}

static void
disk_may_be_full_from_any_write_on(void **state)
{
	sweep(*state, SHIM_FULL, 0);
}

static void
writes_may_fail_from_any_on(void **state)
{
	sweep(*state, SHIM_WRITE_ERROR, 0);
}

static void
syncs_may_fail_from_any_on(void **state)
{
	sweep(*state, SHIM_SYNC_ERROR, 0);
}

static void
trouble_is_told_once_a_minute_and_by_name(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report;
	char sender[32];

	shim_fail(SHIM_FULL, 1, 0);
	for (int i = 0; i < 20; i++) {
		snprintf(sender, sizeof sender, "%d@example.org", i);
		assert_int_equal(attempt(fixture, sender), NOTE_FAILED);
	}
	assert_int_equal(fault_warnings(), 1);
	assert_non_null(strstr(fault_last_warning(), "disk is full"));
	store_report(fixture->store, false, &report);
	assert_true(report.failing);
	assert_int_equal(report.failed, 20);
	assert_string_equal(report.trouble, "database or disk is full");
	fixture_sleep(fixture, 61);
	assert_int_equal(attempt(fixture, "x@example.org"), NOTE_FAILED);
	assert_int_equal(fault_warnings(), 2);
	shim_fail(SHIM_NONE, 1, 0);
	assert_int_equal(attempt(fixture, "y@example.org"), NOTE_COMMITTED);
	store_report(fixture->store, false, &report);
	assert_false(report.failing);
	assert_string_equal(report.trouble, "");
}

static void
service_returns_without_mail(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report;

	shim_fail(SHIM_WRITE_ERROR, 1, 0);
	assert_int_equal(attempt(fixture, FROM), NOTE_FAILED);
	shim_fail(SHIM_NONE, 1, 0);
	report.failing = true;
	for (int i = 0; i < HUNG_S * 100 && report.failing; i++) {
		fixture_sleep(fixture, 2);
		usleep(10000);
		store_report(fixture->store, false, &report);
	}
	if (report.failing)
		fail_msg("still failing after %d s: %s", HUNG_S, report.trouble);
}

static void
unreadable_disk_is_not_an_empty_history(void **state)
{
	struct store_fixture *fixture = *state;
	enum store_status status = STORE_OK;

	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	fixture_reopen(fixture);
	shim_fail(SHIM_READ_ERROR, 1, 0);
	status =
	    fixture_recall(fixture, IP, NULL, FROM, TO, &fault_history, &fault_row);
	assert_int_equal(status, STORE_FAILED);
	shim_fail(SHIM_NONE, 1, 0);
	for (int i = 0; i < HUNG_S * 100 && status != STORE_OK; i++) {
		fixture_sleep(fixture, 2);
		usleep(10000);
		status = fixture_recall(
		    fixture, IP, NULL, FROM, TO, &fault_history, &fault_row);
	}
	assert_int_equal(status, STORE_OK);
	assert_int_equal(fault_row.first, TEST_NOW);
}

static void
known_client_is_answered_from_memory(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_make_known(fixture, IP);
	shim_fail(SHIM_READ_ERROR, 1, 0);
	assert_int_equal(
	    fixture_recall(fixture, IP, NULL, FROM, TO, &fault_history, &fault_row),
	    STORE_OK);
	assert_true(fault_history.address.known_until > TEST_NOW);
	assert_int_equal(fault_row.first, 0);
	assert_int_equal(shim_failed(), 0);
}

/* What the daemon knows by heart may be what the commit did not keep. */
static void
failed_commit_ends_what_is_answered_from_memory(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_make_known(fixture, IP);
	shim_fail(SHIM_WRITE_ERROR, 1, 0);
	assert_int_equal(attempt(fixture, FROM), NOTE_FAILED);
	shim_fail(SHIM_READ_ERROR, 1, 0);
	assert_int_equal(
	    fixture_recall(fixture, IP, NULL, FROM, TO, &fault_history, &fault_row),
	    STORE_FAILED);
}

/* Not from memory, where it still lies: by then the disk may know better. */
static void
client_that_is_no_longer_known_is_looked_up(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_make_known(fixture, IP);
	fixture_sleep(fixture, 36 * 86400);
	shim_fail(SHIM_READ_ERROR, 1, 0);
	assert_int_equal(
	    fixture_recall(fixture, IP, NULL, FROM, TO, &fault_history, &fault_row),
	    STORE_FAILED);
	assert_true(shim_failed() > 0);
}

/* Nobody knows what of the log is on the disk then; Linux says it only once. */
static void
after_a_failed_sync_all_is_carried_over_before_service_returns(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report;

	for (int nth = 1; nth <= 3; nth++) {
		/* the commit's, and those of what carries the log over */
		assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
		shim_fail(SHIM_SYNC_ERROR, 1, (unsigned)nth);
		attempt(fixture, "c@example.org");
		assert_int_equal(shim_failed(), nth);
		shim_fail(SHIM_NONE, 1, 0);
		store_report(fixture->store, false, &report);
		assert_int_equal(report.wal_bytes, 0);
		fixture_sleep(fixture, 61);
	}
}

/* ---------------------------------------------------------------------- slow */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool has_begun, may_end;
} stop = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};

/* On the writer's thread. */
static void
stop_the_writer(void *ctx, uint64_t number, enum note_state state)
{
	(void)ctx, (void)number, (void)state;
	pthread_mutex_lock(&stop.lock);
	stop.has_begun = true;
	pthread_cond_broadcast(&stop.changed);
	while (!stop.may_end)
		pthread_cond_wait(&stop.changed, &stop.lock);
	pthread_mutex_unlock(&stop.lock);
}

static void
let_the_writer_go(void)
{
	pthread_mutex_lock(&stop.lock);
	stop.may_end = true;
	pthread_cond_broadcast(&stop.changed);
	pthread_mutex_unlock(&stop.lock);
}

/* A test that has failed has left the writer where it was. */
static int
tear_down_stopped(void **state)
{
	let_the_writer_go();
	return fault_tear_down(state);
}

static struct note *
note_of(struct store_fixture *fixture, const char *sender,
    void (*done)(void *, uint64_t, enum note_state))
{
	struct triplet triplet = {sender, TO};
	struct note_spec spec = {.now = fixture_time(fixture),
	    .settings = &test_policy,
	    .outcome = OUTCOME_ATTEMPT,
	    .triplets = &triplet,
	    .count = 1,
	    .done = done};

	assert_true(ip_from_text(IP, &spec.who.ip));
	struct note *note = note_new(&spec);
	assert_non_null(note);
	return note;
}

static void
note_behind_one_that_waits_for_five_seconds_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	struct note *notes[] = {note_of(fixture, "1@example.org", stop_the_writer),
	    note_of(fixture, "2@example.org", NULL),
	    note_of(fixture, "3@example.org", NULL),
	    note_of(fixture, "4@example.org", NULL)};

	assert_true(store_submit(fixture->store, notes[0]));
	pthread_mutex_lock(&stop.lock);
	while (!stop.has_begun)
		pthread_cond_wait(&stop.changed, &stop.lock);
	pthread_mutex_unlock(&stop.lock);
	assert_true(store_submit(fixture->store, notes[1]));
	fixture_sleep(fixture, 4);
	assert_true(store_submit(fixture->store, notes[2]));
	fixture_sleep(fixture, 1);
	assert_false(store_submit(fixture->store, notes[3]));
	assert_int_equal(note_state(notes[3]), NOTE_FAILED);
	let_the_writer_go();
	store_flush(fixture->store);
	for (int i = 0; i < 3; i++)
		assert_int_equal(note_state(notes[i]), NOTE_COMMITTED);
	assert_int_equal(attempt(fixture, "5@example.org"), NOTE_COMMITTED);
	for (int i = 0; i < 4; i++)
		note_drop(&notes[i]);
}

/* ------------------------------------------------------------------- locked */

struct other {
	sqlite3 *db;
	unsigned hold_us;
};

static void *
let_go(void *arg)
{
	struct other *other = arg;

	usleep(other->hold_us);
	sqlite3_exec(other->db, "COMMIT", NULL, NULL, NULL);
	return NULL;
}

static void
short_lock_of_another_program_is_waited_for(void **state)
{
	struct store_fixture *fixture = *state;
	struct other other = {NULL, 100000};
	pthread_t thread;

	assert_int_equal(sqlite3_open(fixture->path, &other.db), SQLITE_OK);
	sqlite3_busy_timeout(other.db, 5000);
	assert_int_equal(
	    sqlite3_exec(other.db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(pthread_create(&thread, NULL, let_go, &other), 0);
	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	pthread_join(thread, NULL);
	sqlite3_close(other.db);
	assert_int_equal(fault_warnings(), 0);
}

static void
long_lock_fails_writes_but_not_reads(void **state)
{
	struct store_fixture *fixture = *state;
	sqlite3 *db;

	assert_int_equal(attempt(fixture, FROM), NOTE_COMMITTED);
	assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	assert_int_equal(
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_FAILED);
	assert_non_null(strstr(fault_last_warning(), "locked"));
	assert_true(is_kept(fixture, FROM));
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(db);
	assert_int_equal(attempt(fixture, "c@example.org"), NOTE_COMMITTED);
}

static void
second_daemon_is_refused(void **state)
{
	struct store_fixture *fixture = *state;
	struct error error;

	assert_null(store_open(&fixture->settings, &fixture->clock, &error));
	assert_non_null(strstr(error.text, "in use by another targreyd"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_write_may_find_the_disk_full_once),
	    TEST(each_write_may_fail_once),
	    TEST(each_sync_may_fail_once),
	    TEST(disk_may_be_full_from_any_write_on),
	    TEST(writes_may_fail_from_any_on),
	    TEST(syncs_may_fail_from_any_on),
	    TEST(trouble_is_told_once_a_minute_and_by_name),
	    TEST(service_returns_without_mail),
	    TEST(unreadable_disk_is_not_an_empty_history),
	    TEST(known_client_is_answered_from_memory),
	    TEST(failed_commit_ends_what_is_answered_from_memory),
	    TEST(client_that_is_no_longer_known_is_looked_up),
	    TEST(after_a_failed_sync_all_is_carried_over_before_service_returns),
	    cmocka_unit_test_setup_teardown(
	        note_behind_one_that_waits_for_five_seconds_is_refused,
	        fault_set_up, tear_down_stopped),
	    TEST(short_lock_of_another_program_is_waited_for),
	    TEST(long_lock_fails_writes_but_not_reads),
	    TEST(second_daemon_is_refused),
	};

	fault_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
