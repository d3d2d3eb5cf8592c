/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything at once: K sessions send their RCPT in one loop, half are held.
 * libmilter's pool lets innocents queue behind callbacks that sleep; behind
 * the gate nobody may wait for a hold. The clock of the holds stands still, so
 * an innocent that waited for one would wait for ever.
 */
#include <time.h>

#include <unistd.h>

#include "gate/script.h"

enum { MOST = 200, ROUNDS = 10 };

static sfsistat
hold_half(const struct filter_call *call)
{
	if (call->event == FILTER_RCPT && call->text[1] == 'h')
		script_hold(call, 20000);
	return SMFIS_CONTINUE;
}

static double
real_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
burst(int count)
{
	static struct mta mtas[MOST];
	double slowest = 0, ends = 0;

	filter_hook(hold_half);
	for (int i = 0; i < count; i++)
		mtas[i] = script_greet();
	double from = real_ms();
	for (int i = 0; i < count; i++)
		mta_rcpt(&mtas[i],
		    i % 2 == 0 ? "<hold@example.org>" : "<free@example.org>");
	for (int i = 1; i < count; i += 2) {
		assert_int_equal(mta_read(&mtas[i]).cmd, 'c');
		slowest = real_ms() - from;
	}
	fixture_await_waiting((unsigned)count / 2);
	for (int i = 0; i < count; i += 2)
		assert_true(mta_silent(&mtas[i], 0));
	from = real_ms();
	fixture_advance(20000);
	for (int i = 0; i < count; i += 2)
		assert_int_equal(mta_read(&mtas[i]).cmd, 'c');
	ends = real_ms() - from;
	print_message(
	    "%d sessions, half held: all innocents after %.1f ms; all held "
	    "let go after %.1f ms\n",
	    count, slowest, ends);
	for (int i = 0; i < count; i++)
		mta_close(&mtas[i]);
	fixture_await_connections(0);
}

static void
no_innocent_waits_for_a_hold_in_bursts_of_40(void **state)
{
	for (int i = 0; i < ROUNDS; i++)
		burst(40);
}

static void
no_innocent_waits_for_a_hold_in_bursts_of_200(void **state)
{
	for (int i = 0; i < ROUNDS; i++)
		burst(200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_innocent_waits_for_a_hold_in_bursts_of_40),
	    cmocka_unit_test(no_innocent_waits_for_a_hold_in_bursts_of_200),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
