/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another program that keeps a read transaction open (a suspended backup, a
 * shell): mail does not wait for it, and who it is is said.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "base/log.h"
#include "store_fixture.h"

#define TRIPLETS 1000

/* In a process of its own: reads, says so, and goes on until it is killed. */
static int
keep_reading(const char *path)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "BEGIN; SELECT count(*) FROM event", NULL, NULL,
	        NULL) != SQLITE_OK ||
	    write(STDOUT_FILENO, "r", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static pid_t
start_reader(const char *path)
{
	int ends[2];
	char said;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		execl("/proc/self/exe", "reader", "read", path, (char *)NULL);
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &said, 1), 1);
	close(ends[0]);
	return pid;
}

/* Thousands of pages, in a few commits. */
static void
write_much(struct store_fixture *fixture, int round)
{
	static char senders[TRIPLETS][200];
	static struct triplet triplets[TRIPLETS];
	struct note_spec spec = {.now = fixture_time(fixture),
	    .outcome = OUTCOME_ATTEMPT,
	    .triplets = triplets,
	    .count = TRIPLETS,
	    .settings = &test_policy};

	ip_from_text("192.0.2.10", &spec.who.ip);
	for (int i = 0; i < TRIPLETS; i++) {
		snprintf(senders[i], sizeof senders[i], "%0150d@example.org",
		    round * TRIPLETS + i);
		triplets[i] = (struct triplet){senders[i], "b@example.jp"};
	}
	struct note *note = note_new(&spec);
	assert_non_null(note);
	assert_true(store_submit(fixture->store, note));
	store_flush(fixture->store);
	assert_int_equal(note_state(note), NOTE_COMMITTED);
	note_drop(&note);
}

static bool
is_held(struct store_fixture *fixture, char text[static HELD_BY_SIZE])
{
	struct store_status_report report;

	store_report(fixture->store, false, &report);
	memcpy(text, report.held_by, HELD_BY_SIZE);
	return *text != '\0';
}

/*
 * name  the report must hold it; NULL: there must be none. The kernel's list of
 * locks can lack one while others come and go: the store looks again and again.
 */
static void
wait_until(
    struct store_fixture *fixture, const char *name, char text[static HELD_BY_SIZE])
{
	const struct timespec pause = {.tv_nsec = 50000000};

	for (int i = 0; i < HUNG_S * 20; i++) {
		bool held = is_held(fixture, text);
		if (name != NULL ? held && strstr(text, name) != NULL : !held)
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("waited %d s for the store to report %s, not \"%s\"", HUNG_S,
	    name != NULL ? name : "nobody", text);
}

static double
seconds_of_a_note(struct store_fixture *fixture)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	fixture_note(fixture, OUTCOME_ATTEMPT, "192.0.2.10", NULL, "a@example.org",
	    "b@example.jp");
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)(to.tv_sec - from.tv_sec) +
	       (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static uint64_t
rows_waiting(struct store_fixture *fixture)
{
	struct store_status_report report;

	store_report(fixture->store, true, &report);
	return report.triplets_waiting;
}

/* Rows past their time stay while removing them would lengthen the log. */
static void
nothing_expires_for_a_while(struct store_fixture *fixture)
{
	uint64_t before = rows_waiting(fixture);

	fixture_sleep(fixture, 3 * 86400);
	for (int i = 0; i < 20; i++) {
		fixture_sleep(fixture, 2);
		seconds_of_a_note(fixture);
	}
	assert_true(rows_waiting(fixture) >= before);
}

static void
wait_until_rows_expire(struct store_fixture *fixture)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	uint64_t before = rows_waiting(fixture);

	for (int i = 0; i < HUNG_S * 20; i++) {
		fixture_sleep(fixture, 2);
		seconds_of_a_note(fixture);
		if (rows_waiting(fixture) < before)
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("no row of %d went within %d s", (int)before, HUNG_S);
}

static void
a_reader_that_stays_is_named_and_nobody_waits_for_it(void **state)
{
	struct store_fixture fixture;
	char text[HELD_BY_SIZE], name[64];
	double longest = 0;

	(void)state;
	fixture_open(&fixture, false);
	pid_t reader = start_reader(fixture.path);
	for (int round = 0; round < 60 && !is_held(&fixture, text); round++)
		write_much(&fixture, round);
	snprintf(name, sizeof name, "process %ld (", (long)reader);
	wait_until(&fixture, name, text);
	print_message("  %s\n", text);
	assert_non_null(strstr(text, "has kept reading for "));
	for (int i = 0; i < 20; i++) {
		double seconds = seconds_of_a_note(&fixture);
		if (seconds > longest)
			longest = seconds;
	}
	print_message("  the slowest of 20 notes took %.3f s\n", longest);
	nothing_expires_for_a_while(&fixture);
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	for (int round = 0; round < 3; round++)
		write_much(&fixture, 100 + round);
	wait_until(&fixture, NULL, text);
	wait_until_rows_expire(&fixture);
	fixture_close(&fixture);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_reader_that_stays_is_named_and_nobody_waits_for_it),
	};

	if (argc == 3 && strcmp(argv[1], "read") == 0)
		return keep_reading(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
