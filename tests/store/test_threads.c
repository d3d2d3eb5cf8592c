/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many threads note, look up and reconfigure at once, while the disk fails now
 * and then and another program reads and changes: each note is reported once,
 * and what was reported as committed is there. Meant for ThreadSanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "store_fixture.h"
#include "shim.h"
#include "query/query.h"

#define THREADS 6
#define NOTES   400

static _Atomic unsigned reports[THREADS * NOTES];
static _Atomic int states[THREADS * NOTES];
static _Atomic bool going;

static void
silent(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

static void
report(void *ctx, uint64_t number, enum note_state state)
{
	(void)ctx;
	reports[number]++;
	states[number] = (int)state;
}

static struct store_who
client(unsigned number, char domain[static 64])
{
	struct store_who who = {.domain = number % 3 == 0 ? domain : NULL};
	char ip[32];

	snprintf(ip, sizeof ip, "10.%u.%u.1", number % 7, number % 200);
	snprintf(domain, 64, "d%u.example", number % 5);
	ip_from_text(ip, &who.ip);
	return who;
}

static struct triplet
triplet_of(unsigned number, char sender[static 64])
{
	snprintf(sender, 64, "%u@example.org", number);
	return (struct triplet){sender, "b@example.jp"};
}

struct worker {
	struct store_fixture *fixture;
	unsigned first;
};

static void *
work(void *arg)
{
	struct worker *worker = arg;
	struct store_fixture *fixture = worker->fixture;
	char domain[64], sender[64];
	struct history history;
	struct grey_row row;

	for (unsigned i = 0; i < NOTES; i++) {
		unsigned number = worker->first + i;
		struct triplet triplet = triplet_of(number, sender);
		struct note_spec spec = {
		    .who = client(number, domain),
		    .now = fixture_time(fixture),
		    .outcome = OUTCOME_ATTEMPT,
		    .settings = &test_policy,
		    .triplets = &triplet,
		    .count = 1,
		    .done = report,
		    .number = number,
		};
		struct note *note = note_new(&spec);
		store_submit(fixture->store, note);
		history.rows = &row;
		store_recall(
		    fixture->store, &spec.who, &triplet, 1, spec.now, &history);
		while (i % 8 == 7 && note_state(note) == NOTE_WAITING)
			usleep(200);
		note_drop(&note);
	}
	return NULL;
}

static void *
disturb(void *arg)
{
	struct store_fixture *fixture = arg;
	static const enum shim_fault faults[] = {
	    SHIM_WRITE_ERROR, SHIM_FULL, SHIM_READ_ERROR};
	struct store_status_report status;
	struct error error;

	for (unsigned i = 0; atomic_load(&going); i++) {
		struct ip ip = {{1}};
		shim_fail(faults[i % 3], 3, 5);
		fixture_sleep(fixture, 1);
		store_configure(fixture->store, &fixture->settings);
		store_report(fixture->store, true, &status);
		struct query *query = query_open(fixture->url, true, &error);
		if (query != NULL)
			query_allow_address(
			    query, &ip, TEST_NOW, KNOWN_FOREVER, NULL, &error);
		query_close(&query);
		usleep(3000);
	}
	return NULL;
}

static void
each_note_is_reported_once_and_truly(void **state)
{
	struct store_fixture fixture;
	struct worker workers[THREADS];
	pthread_t threads[THREADS], other;
	char domain[64], sender[64];
	struct history history;
	struct grey_row row;
	unsigned committed = 0;

	(void)state;
	fixture_open(&fixture, false);
	going = true;
	/* the first undisturbed: on a busy machine the faults may leave no other */
	workers[0] = (struct worker){&fixture, 0};
	assert_int_equal(pthread_create(&threads[0], NULL, work, &workers[0]), 0);
	pthread_join(threads[0], NULL);
	store_flush(fixture.store);
	assert_int_equal(pthread_create(&other, NULL, disturb, &fixture), 0);
	for (unsigned i = 1; i < THREADS; i++) {
		workers[i] = (struct worker){&fixture, i * NOTES};
		assert_int_equal(
		    pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 1; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	going = false;
	pthread_join(other, NULL);
	store_flush(fixture.store);
	shim_fail(SHIM_NONE, 1, 0);
	fixture_reopen(&fixture);
	for (unsigned number = 0; number < THREADS * NOTES; number++) {
		struct store_who who = client(number, domain);
		struct triplet triplet = triplet_of(number, sender);
		history.rows = &row;
		assert_int_equal(reports[number], 1);
		assert_int_equal(store_recall(fixture.store, &who, &triplet, 1,
		                     TEST_NOW, &history),
		    STORE_OK);
		assert_int_equal(row.first != 0, states[number] == NOTE_COMMITTED);
		committed += row.first != 0;
	}
	print_message("%u of %u committed\n", committed, THREADS * NOTES);
	assert_true(committed > 0);
	fixture_close(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_note_is_reported_once_and_truly),
	};

	log_to_sink(silent, NULL);
	shim_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
