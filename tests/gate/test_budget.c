/* SPDX-License-Identifier: BSD-2-Clause */
/* Places for holds: never one too many, whoever asks and whatever changes. */
#include <pthread.h>
#include <stdatomic.h>

#include <unistd.h>

#include "gate/script.h"

enum { THREADS = 16, SESSIONS = 64 };

static _Atomic uint64_t numbers[SESSIONS];
static _Atomic unsigned connected;
static struct mta mtas[SESSIONS];

/* A reply that is delayed for ever: a place may be had meanwhile. */
static sfsistat
note_number(const struct filter_call *call)
{
	struct gate_moment moment;
	struct gate_wish wish = {.reply_until_ms = INT64_MAX / 2};

	if (call->event != FILTER_RCPT)
		return SMFIS_CONTINUE;
	gate_look(fixture->gate, call->number, NULL, &moment);
	gate_tell(fixture->gate, moment.ticket, &wish);
	atomic_store(&numbers[atomic_fetch_add(&connected, 1)], call->number);
	return SMFIS_CONTINUE;
}

static void
set_limits(unsigned holds, unsigned per_key)
{
	fixture->settings.max_holds = holds;
	fixture->settings.max_holds_per_key = per_key;
	gate_configure(fixture->gate, &fixture->settings);
}

static int
connect_all(void **state)
{
	atomic_store(&connected, 0);
	filter_protocol(FILTER_PROTOCOL);
	filter_hook(note_number);
	for (int i = 0; i < SESSIONS; i++) {
		mtas[i] = script_greet();
		mta_rcpt(&mtas[i], "<a@example.org>");
		fixture_await_waiting((unsigned)i + 1);
	}
	return 0;
}

static int
close_all(void **state)
{
	for (int i = 0; i < SESSIONS; i++)
		mta_close(&mtas[i]);
	fixture_await_connections(0);
	assert_int_equal(fixture_report().holds, 0);
	return 0;
}

static struct gate_moment
book(int session, uint64_t key)
{
	struct gate_moment moment;

	gate_look(fixture->gate, atomic_load(&numbers[session]), &key, &moment);
	return moment;
}

static void
the_limit_is_reached_and_not_passed(void **state)
{
	set_limits(5, 0);
	for (int i = 0; i < 5; i++) {
		struct gate_moment grant = book(i, (uint64_t)i);
		assert_true(grant.has_place);
		assert_int_equal(grant.holds, i + 1);
		assert_int_equal(grant.max_holds, 5);
	}
	assert_false(book(5, 5).has_place);
	assert_int_equal(book(5, 5).holds, 5);
	/* the same connection's own place, again */
	assert_true(book(3, 3).has_place);
	assert_int_equal(fixture_report().holds, 5);
}

static void
one_network_has_its_own_limit(void **state)
{
	set_limits(50, 2);
	assert_true(book(0, 77).has_place);
	assert_true(book(1, 77).has_place);
	assert_false(book(2, 77).has_place);
	/* another key, in the same bucket of the table */
	assert_true(book(2, 77 + 256).has_place);
	assert_true(book(3, 77 + 256).has_place);
	assert_false(book(4, 77 + 256).has_place);
	mta_close(&mtas[0]);
	fixture_await_connections(SESSIONS - 1);
	assert_true(book(4, 77).has_place);
	assert_false(book(5, 77).has_place);
}

static void
a_lowered_limit_holds_until_enough_have_ended(void **state)
{
	set_limits(10, 0);
	for (int i = 0; i < 10; i++)
		assert_true(book(i, 1).has_place);
	set_limits(4, 0);
	for (int i = 0; i < 7; i++) {
		assert_false(book(20, 1).has_place);
		mta_close(&mtas[i]);
		fixture_await_connections((unsigned)(SESSIONS - i - 1));
	}
	assert_int_equal(fixture_report().holds, 3);
	assert_true(book(20, 1).has_place);
	assert_false(book(21, 1).has_place);
	set_limits(5, 0);
	assert_true(book(21, 1).has_place);
	assert_false(book(22, 1).has_place);
}

static _Atomic unsigned granted, highest;

static void *
grab(void *arg)
{
	unsigned start = (unsigned)(uintptr_t)arg;

	for (unsigned round = 0; round < 200; round++)
		for (unsigned i = 0; i < SESSIONS; i++) {
			unsigned at = (start * 5 + i) % SESSIONS;
			struct gate_moment grant = book((int)at, at % 4);
			unsigned high = atomic_load(&highest);
			while (
			    grant.holds > high && !atomic_compare_exchange_weak(
			                              &highest, &high, grant.holds))
				;
			if (grant.has_place)
				atomic_fetch_add(&granted, 1);
		}
	return NULL;
}

static void
sixteen_threads_never_get_one_too_many(void **state)
{
	pthread_t threads[THREADS];

	atomic_store(&granted, 0);
	atomic_store(&highest, 0);
	set_limits(7, 3);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, grab, (void *)i);
	for (int i = 0; i < 300; i++) {
		set_limits(i % 2 == 0 ? 5 : 7, 3);
		usleep(100);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	set_limits(7, 3);
	for (int i = 0; i < SESSIONS; i++)
		book(i, (uint64_t)(i % 4));
	assert_true(atomic_load(&granted) > 0);
	assert_int_equal(atomic_load(&highest), 7);
	assert_int_equal(fixture_report().holds, 7);
}

static void
none_are_granted_when_the_limit_is_zero(void **state)
{
	set_limits(0, 0);
	assert_false(book(0, 1).has_place);
	assert_int_equal(fixture_report().holds, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, connect_all, close_all)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_limit_is_reached_and_not_passed),
	    TEST(one_network_has_its_own_limit),
	    TEST(a_lowered_limit_holds_until_enough_have_ended),
	    TEST(sixteen_threads_never_get_one_too_many),
	    TEST(none_are_granted_when_the_limit_is_zero),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
