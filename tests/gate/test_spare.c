/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection to libmilter serves one session after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/filter.h"
#include "gate/rig.h"

#define SPARES 3

static struct rig *rig;
static _Atomic bool blocks, ends_early;
static _Atomic uint64_t connected, closed;
static _Atomic unsigned kept, refused;
static _Atomic bool refused_at_close;

static sfsistat
follow(const struct filter_call *call)
{
	if (call->event == FILTER_CONNECT)
		atomic_store(&connected, call->number);
	if (call->event == FILTER_DATA && atomic_load(&ends_early)) {
		struct gate_wait wait = {.kind = GATE_WITHHOLD,
		    .until_ms = rig_now() + 1000,
		    .refusal = "450 4.7.1 later"};
		gate_wait(rig->gate, call->number, &wait);
		gate_settle(rig->gate, call->number, GATE_REFUSE_NOW);
	}
	if (call->event == FILTER_CLOSE) {
		while (atomic_load(&blocks))
			usleep(1000);
		struct gate_outcome outcome;
		gate_outcome(rig->gate, call->number, &outcome);
		atomic_store(&refused_at_close, outcome.refused);
		atomic_store(&closed, call->number);
		if (gate_session_closed(rig->gate, call->number))
			atomic_fetch_add(&kept, 1);
	}
	return SMFIS_CONTINUE;
}

static struct mta
begin(uint32_t offer)
{
	struct mta mta = mta_connect(rig);

	assert_int_equal(mta_negotiate(&mta, offer), RIG_LEAN);
	mta_greet(&mta);
	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	return mta;
}

static void
deliver(struct mta *mta)
{
	mta_data(mta);
	assert_int_equal(mta_read(mta).cmd, 'c');
	mta_message(mta);
	assert_int_equal(mta_read(mta).cmd, 'c');
}

static void
quit(struct mta *mta)
{
	mta_send(mta, 'Q', NULL, 0);
	assert_int_equal(mta_read(mta).cmd, 0);
	mta_close(mta);
}

static void
whole(uint32_t offer)
{
	unsigned before = filter_count(FILTER_CLOSE);
	struct mta mta = begin(offer);

	deliver(&mta);
	mta_send(&mta, 'A', NULL, 0); /* as Postfix does behind every message */
	quit(&mta);
	rig_await(FILTER_CLOSE, before + 1);
	rig_await_connections(0);
}

static void
the_next_session_finds_libmilters_connection_open(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		whole(MTA_OFFER);
		assert_int_equal(atomic_load(&closed), atomic_load(&connected));
	}
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 1);
	assert_int_equal(filter_count(FILTER_CONNECT), 6);
	assert_int_equal(filter_count(FILTER_EOM), 6);
	assert_int_equal(filter_count(FILTER_CLOSE), 6);
	assert_int_equal(atomic_load(&kept), 6);
}

static void
each_session_has_a_number_of_its_own(void **state)
{
	(void)state;
	whole(MTA_OFFER);
	uint64_t first = atomic_load(&connected);
	whole(MTA_OFFER);
	assert_true(atomic_load(&connected) != first);
	struct gate_outcome outcome;
	assert_false(gate_outcome(rig->gate, first, &outcome));
}

static void
a_connection_whose_close_callback_has_not_run_is_not_used(void **state)
{
	(void)state;
	atomic_store(&blocks, true);
	struct mta mta = begin(MTA_OFFER);
	quit(&mta);
	mta = begin(MTA_OFFER);
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 2);
	atomic_store(&blocks, false);
	rig_await(FILTER_CLOSE, 1);
	quit(&mta);
	rig_await(FILTER_CLOSE, 2);
}

static void
the_close_callback_reads_what_its_own_client_was_told(void **state)
{
	(void)state;
	atomic_store(&ends_early, true);
	struct mta mta = begin(MTA_OFFER);
	mta_data(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'y');
	mta_send(&mta, 'A', NULL, 0);
	quit(&mta);
	rig_await(FILTER_CLOSE, 1);
	assert_true(atomic_load(&refused_at_close));
	atomic_store(&ends_early, false);
	whole(MTA_OFFER);
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 1);
	assert_false(atomic_load(&refused_at_close));
}

static void
a_session_that_the_mta_cuts_off_ends_its_connection(void **state)
{
	(void)state;
	struct mta mta = begin(MTA_OFFER);
	mta_close(&mta);
	rig_await(FILTER_CLOSE, 1);
	rig_await_connections(0);
	assert_int_equal(atomic_load(&kept), 0);
	whole(MTA_OFFER);
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 2);
}

static void
an_mta_with_another_offer_gets_a_connection_of_its_own(void **state)
{
	(void)state;
	whole(MTA_OFFER);
	whole(MTA_OFFER & ~(uint32_t)SMFIP_SKIP);
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 2);
	whole(MTA_OFFER);
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 2);
}

static sfsistat
refuse_at(const struct filter_call *call)
{
	if (call->event == FILTER_CLOSE)
		return follow(call);
	return call->event == atomic_load(&refused) ? SMFIS_TEMPFAIL
	                                            : SMFIS_CONTINUE;
}

/* There libmilter ignores QUIT_NC by itself. */
static void
after_a_refusal_by_the_filter_the_next_finds_it_open(void **state)
{
	(void)state;
	filter_hook(refuse_at);
	atomic_store(&refused, FILTER_DATA);
	struct mta mta = begin(MTA_OFFER);
	mta_data(&mta);
	assert_int_equal(mta_read(&mta).cmd, 't');
	mta_send(&mta, 'A', NULL, 0);
	quit(&mta);
	rig_await(FILTER_CLOSE, 1);
	atomic_store(&refused, FILTER_EOM);
	mta = begin(MTA_OFFER);
	mta_data(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 't');
	quit(&mta);
	rig_await(FILTER_CLOSE, 2);
	assert_int_equal(atomic_load(&kept), 2);
	filter_hook(follow);
	whole(MTA_OFFER);
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 0);
}

static void
a_session_of_two_messages_and_one_left_behind_is_followed_by_another(void **state)
{
	(void)state;
	struct mta mta = begin(MTA_OFFER);
	deliver(&mta);
	mta_send(&mta, 'A', NULL, 0);
	for (int i = 0; i < 2; i++) {
		mta_send(&mta, 'M', "<sender@example.net>", 21);
		mta_rcpt(&mta, "<b@example.org>");
		assert_int_equal(mta_read(&mta).cmd, 'c');
		if (i == 0)
			deliver(&mta);
	}
	quit(&mta);
	rig_await(FILTER_CLOSE, 1);
	assert_int_equal(filter_count(FILTER_ABORT), 1);
	assert_int_equal(atomic_load(&kept), 1);
	whole(MTA_OFFER);
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 1);
}

static void
one_without_mail_leaves_it_to_the_next(void **state)
{
	(void)state;
	whole(MTA_OFFER);
	for (unsigned i = 0; i < 3; i++) {
		struct mta mta = mta_connect(rig);
		assert_int_equal(mta_negotiate(&mta, MTA_OFFER), RIG_LEAN);
		if (i > 0)
			mta_send(&mta, 'C', "host\0U", 6);
		if (i > 1)
			mta_send(&mta, 'H', "helo", 5);
		quit(&mta);
		rig_await(FILTER_CLOSE, 2 * i + 2);
		whole(MTA_OFFER);
	}
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 1);
	assert_int_equal(filter_count(FILTER_CONNECT), 6);
	assert_int_equal(atomic_load(&kept), 7);
}

static void
no_more_are_kept_than_was_asked_for(void **state)
{
	struct mta mta[2 * SPARES];
	(void)state;

	for (size_t i = 0; i < 2 * SPARES; i++)
		mta[i] = begin(MTA_OFFER);
	for (size_t i = 0; i < 2 * SPARES; i++)
		quit(&mta[i]);
	rig_await(FILTER_CLOSE, 2 * SPARES);
	rig_await_connections(0);
	assert_int_equal(atomic_load(&kept), SPARES);
	for (size_t i = 0; i < 2 * SPARES; i++)
		mta[i] = begin(MTA_OFFER);
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 3 * SPARES);
	for (size_t i = 0; i < 2 * SPARES; i++)
		quit(&mta[i]);
	rig_await(FILTER_CLOSE, 4 * SPARES);
}

static void
an_mta_that_negotiates_twice_is_left_alone(void **state)
{
	(void)state;
	whole(MTA_OFFER);
	struct mta mta = mta_connect(rig);
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), RIG_LEAN);
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), 0xffffffffU);
	mta_close(&mta);
	rig_await_connections(0);
	whole(MTA_OFFER);
	whole(MTA_OFFER);
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 2);
}

static void
one_that_was_idle_for_an_hour_is_closed(void **state)
{
	(void)state;
	whole(MTA_OFFER);
	rig_advance(3600 * 1000 + 1);
	whole(MTA_OFFER);
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 2);
	rig_await(FILTER_CLOSE, 3);
}

static void
a_client_behind_quit_nc_of_the_mta_is_another_session(void **state)
{
	(void)state;
	struct mta mta = begin(MTA_OFFER);
	deliver(&mta);
	mta_send(&mta, 'K', NULL, 0);
	mta_send(&mta, 'C', "host\0U", 6);
	mta_send(&mta, 'K', NULL, 0);
	for (unsigned i = 3; i < 5; i++) {
		mta_greet(&mta);
		mta_rcpt(&mta, "<b@example.org>");
		assert_int_equal(mta_read(&mta).cmd, 'c');
		assert_int_equal(filter_count(FILTER_CONNECT), i);
		assert_int_equal(filter_count(FILTER_CLOSE), i - 1);
		mta_send(&mta, 'K', NULL, 0);
	}
	rig_await(FILTER_CLOSE, 4);
	mta_close(&mta);
	rig_await(FILTER_CLOSE, 5);
	assert_int_equal(atomic_load(&kept), 4);
	rig_await_connections(0);
}

static void
a_stop_does_not_wait_for_spare_connections(void **state)
{
	struct gate_report report;
	(void)state;

	whole(MTA_OFFER);
	gate_stop(rig->gate, 60000);
	gate_report(rig->gate, &report);
	assert_int_equal(report.abandoned, 0);
	rig_await(FILTER_CLOSE, 2);
	assert_int_equal(atomic_load(&kept), 1);
}

/* libmilter goes back to HELO then, and ignores QUIT_NC and abort there. */
static void
a_greeting_within_a_transaction_leaves_it_to_the_next(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct mta mta = begin(MTA_OFFER);
		mta_send(&mta, 'H', "again", 6);
		if (i == 0)
			mta_send(
			    &mta, 'A', NULL, 0); /* as Postfix does behind it */
		quit(&mta);
		rig_await(FILTER_CLOSE, i + 1);
		assert_int_equal(filter_count(FILTER_ABORT), i + 1);
		assert_int_equal(atomic_load(&kept), i + 1);
	}
	whole(MTA_OFFER);
	assert_int_equal(filter_count(FILTER_NEGOTIATE), 1);
}

static void
two_clients_that_say_nothing_do_not_answer_for_the_third(void **state)
{
	(void)state;
	filter_hook(refuse_at);
	atomic_store(&refused, FILTER_RCPT);
	struct mta mta = mta_connect(rig);
	mta_negotiate(&mta, MTA_OFFER);
	for (int i = 0; i < 3; i++)
		mta_send(&mta, 'K', NULL, 0);
	mta_greet(&mta);
	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 't');
	mta_close(&mta);
	rig_await(FILTER_CLOSE, 4);
	rig_await_connections(0);
}

static void
a_stop_tells_of_a_spare_whose_callback_still_runs(void **state)
{
	struct gate_report report;
	(void)state;

	struct mta mta = begin(MTA_OFFER);
	atomic_store(&blocks, true);
	quit(&mta);
	rig_await_connections(0);
	gate_stop(rig->gate, 100);
	gate_report(rig->gate, &report);
	atomic_store(&blocks, false);
	rig_await(FILTER_CLOSE, 2);
	assert_int_equal(report.abandoned, 1);
}

static int
open_gate(void **state)
{
	(void)state;
	rig = rig_open();
	rig->settings.keeps_negotiation = true;
	rig->settings.max_spares = SPARES;
	filter_protocol(RIG_LEAN);
	filter_hook(follow);
	atomic_store(&kept, 0);
	rig_gate(rig);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gate, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_next_session_finds_libmilters_connection_open),
	    TEST(each_session_has_a_number_of_its_own),
	    TEST(a_connection_whose_close_callback_has_not_run_is_not_used),
	    TEST(the_close_callback_reads_what_its_own_client_was_told),
	    TEST(a_session_that_the_mta_cuts_off_ends_its_connection),
	    TEST(an_mta_with_another_offer_gets_a_connection_of_its_own),
	    TEST(after_a_refusal_by_the_filter_the_next_finds_it_open),
	    TEST(
	        a_session_of_two_messages_and_one_left_behind_is_followed_by_another),
	    TEST(one_without_mail_leaves_it_to_the_next),
	    TEST(no_more_are_kept_than_was_asked_for),
	    TEST(an_mta_that_negotiates_twice_is_left_alone),
	    TEST(one_that_was_idle_for_an_hour_is_closed),
	    TEST(a_client_behind_quit_nc_of_the_mta_is_another_session),
	    TEST(a_greeting_within_a_transaction_leaves_it_to_the_next),
	    TEST(two_clients_that_say_nothing_do_not_answer_for_the_third),
	    TEST(a_stop_does_not_wait_for_spare_connections),
	    TEST(a_stop_tells_of_a_spare_whose_callback_still_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
