/* SPDX-License-Identifier: BSD-2-Clause */
/* Delayed commands and replies, and their tickets: frozen clock. */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <unistd.h>

#include "gate/script.h"

#define OTHER "450 4.7.1 Greylisted, 100% sure, come back in 5 min"

/* What the callback of one event tells, and when its ticket is decided. */
static struct {
	enum filter_event event;
	struct gate_wish wish;
	sfsistat reply;
	bool is_decided_first, other;
	int64_t takes_ms; /* of the callback's own */
} plan;

static sfsistat
by_plan(const struct filter_call *call)
{
	struct gate_moment moment =
	    script_look(call, call->event == plan.event && plan.wish.is_hold);

	if (call->event != plan.event)
		return SMFIS_CONTINUE;
	if (plan.is_decided_first)
		gate_decide(fixture->gate, moment.ticket, plan.other);
	if (plan.takes_ms != 0)
		fixture_advance(plan.takes_ms);
	gate_tell(fixture->gate, moment.ticket, &plan.wish);
	return plan.reply;
}

/* This callback delays something until ms from now. */
static void
set_plan(enum filter_event event, int64_t ms, bool is_hold)
{
	memset(&plan, 0, sizeof plan);
	plan.event = event;
	plan.reply = SMFIS_CONTINUE;
	if (event == FILTER_MAIL)
		plan.wish.command_until_ms = fixture_now() + ms;
	else
		plan.wish.reply_until_ms = fixture_now() + ms;
	plan.wish.is_hold = is_hold;
	plan.wish.other = OTHER;
}

static struct mta
begin(enum filter_event event, int64_t ms, bool is_hold)
{
	set_plan(event, ms, is_hold);
	return script_begin(by_plan);
}

static void
rcpt(struct mta *mta, char wanted)
{
	mta_rcpt(mta, "<a@example.org>");
	assert_int_equal(mta_read(mta).cmd, wanted);
}

static void
begin_data(struct mta *mta)
{
	rcpt(mta, 'c');
	mta_data(mta);
}

static void
expect_other(struct mta *mta)
{
	struct mta_frame frame = mta_read(mta);

	assert_int_equal(frame.cmd, 'y');
	assert_string_equal(
	    frame.data, "450 4.7.1 Greylisted, 100%% sure, come back in 5 min");
	assert_int_equal(frame.len, strlen(frame.data) + 1);
	/* The session goes on: it was not the client that left. */
	plan.event = FILTER_EVENTS;
	mta_send(mta, 'A', NULL, 0);
	mta_send(mta, 'M', "<sender@example.net>", 21);
	rcpt(mta, 'c');
	assert_int_equal(script_seen[FILTER_ABORT].last.end, GATE_END_ELAPSED);
	assert_true(script_seen[FILTER_ABORT].last.other);
	script_end(mta);
}

/* ---------------------------------------------------------- delayed replies */

static void
a_hold_is_counted_from_where_its_callback_began(void **state)
{
	struct mta mta = begin(FILTER_RCPT, 5000, true);

	plan.takes_ms = 1500;
	mta_rcpt(&mta, "<a@example.org>");
	fixture_await_waiting(1);
	fixture_advance(3500);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_data(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(script_seen[FILTER_DATA].last.waited_ms, 5000);
	script_end(&mta);
}

static void
a_hold_lasts_its_time_and_the_mta_is_kept_patient(void **state)
{
	struct mta mta = begin(FILTER_RCPT, 125000, true);

	mta_rcpt(&mta, "<a@example.org>");
	fixture_await_waiting(1);
	assert_int_equal(fixture_report().holds, 1);
	assert_true(mta_silent(&mta, 30));
	for (int i = 0; i < 62; i++) {
		fixture_advance(2000);
		assert_int_equal(mta_read_any(&mta).cmd, 'p');
	}
	fixture_advance(1000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(fixture_report().holds, 0);
	script_deliver(&mta);
	assert_int_equal(filter_count(FILTER_RCPT), 1);
	assert_int_equal(script_seen[FILTER_DATA].last.end, GATE_END_ELAPSED);
	assert_int_equal(script_seen[FILTER_DATA].last.waited_ms, 125000);
	assert_false(script_seen[FILTER_DATA].last.watched);
	/* DATA was answered without a delay */
	assert_int_equal(script_seen[FILTER_EOM].last.end, GATE_END_NONE);
	script_end(&mta);
}

/* Progress looks at the wait as well, but 2 s after its beginning. */
static void
a_hold_ends_at_its_time(void **state)
{
	struct mta mta = begin(FILTER_RCPT, 300, true);

	mta_rcpt(&mta, "<a@example.org>");
	fixture_await_waiting(1);
	fixture_advance(300);
	assert_int_equal(mta_read_any(&mta).cmd, 'c');
	script_end(&mta);
}

static void
a_decision_chooses_what_comes_at_the_end_of_a_hold(void **state)
{
	struct mta mta = begin(FILTER_DATA, 90000, true);

	begin_data(&mta);
	fixture_await_waiting(1);
	gate_decide(fixture->gate, script_ticket(FILTER_DATA), false);
	gate_decide(fixture->gate, script_ticket(FILTER_DATA), true);
	assert_true(mta_silent(&mta, 30));
	fixture_advance(90000);
	expect_other(&mta);
}

static void
a_reply_leaves_when_it_is_decided(void **state)
{
	for (int other = 0; other < 2; other++) {
		struct mta mta = begin(FILTER_DATA, 5000, false);
		begin_data(&mta);
		fixture_await_waiting(1);
		assert_true(mta_silent(&mta, 30));
		gate_decide(fixture->gate, script_ticket(FILTER_DATA), other == 1);
		if (other == 1) {
			expect_other(&mta);
			continue;
		}
		assert_int_equal(mta_read(&mta).cmd, 'c');
		mta_message(&mta);
		assert_int_equal(mta_read(&mta).cmd, 'c');
		assert_int_equal(
		    script_seen[FILTER_EOM].last.end, GATE_END_ELAPSED);
		assert_false(script_seen[FILTER_EOM].last.other);
		script_end(&mta);
	}
}

/* The 450 of a message that came without a DATA event. */
static void
the_reply_to_the_end_of_a_message_can_wait_too(void **state)
{
	struct mta mta = begin(FILTER_EOM, 5000, false);

	script_data(&mta);
	mta_message(&mta);
	fixture_await_waiting(1);
	gate_decide(fixture->gate, script_ticket(FILTER_EOM), true);
	assert_int_equal(mta_read(&mta).cmd, 'y');
	script_end(&mta);
	assert_true(script_seen[FILTER_CLOSE].last.other);
}

/* Headers are answered behind the hold. */
static void
what_a_delay_came_to_is_told_past_replies_that_cannot_wait(void **state)
{
	uint64_t begun = fixture_report().holds_begun;

	set_plan(FILTER_DATA, 5000, true);
	memset(script_seen, 0, sizeof script_seen);
	filter_protocol(SMFIP_NR_EOH);
	filter_hook(by_plan);
	struct mta mta = mta_connect(fixture->listen);
	mta_negotiate(&mta, MTA_OFFER);
	mta_greet(&mta);
	begin_data(&mta);
	fixture_await_waiting(1);
	fixture_advance(5000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_message(&mta);
	for (int i = 0; i < 3; i++)
		assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(script_seen[FILTER_EOM].last.end, GATE_END_ELAPSED);
	assert_int_equal(script_seen[FILTER_EOM].last.waited_ms, 5000);
	assert_int_equal(fixture_report().holds_begun, begun + 1);
	for (int event = 0; event < FILTER_EVENTS; event++) {
		bool may_wait = event == FILTER_MAIL || event == FILTER_RCPT ||
		                event == FILTER_DATA || event == FILTER_EOM;
		assert_int_equal(script_seen[event].ticket != 0, may_wait);
	}
	script_end(&mta);
}

static void
a_decision_before_the_callback_returns_counts(void **state)
{
	struct mta mta = begin(FILTER_DATA, 5000, false);

	plan.is_decided_first = plan.other = true;
	begin_data(&mta);
	expect_other(&mta);
}

static void
a_reply_that_nobody_decides_is_the_callbacks_own(void **state)
{
	struct mta mta = begin(FILTER_DATA, 5000, false);

	plan.reply = SMFIS_TEMPFAIL;
	begin_data(&mta);
	fixture_await_waiting(1);
	fixture_advance(5000);
	assert_int_equal(mta_read(&mta).cmd, 't');
	/* The transaction is over, whatever is sent now. */
	mta_data(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'y');
	script_end(&mta);
	assert_int_equal(script_seen[FILTER_CLOSE].last.end, GATE_END_ELAPSED);
}

static void
a_stale_ticket_decides_nothing(void **state)
{
	struct mta mta = begin(FILTER_DATA, 5000, false);

	begin_data(&mta);
	fixture_await_waiting(1);
	uint64_t old = script_ticket(FILTER_DATA);
	fixture_advance(5000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	plan.wish.reply_until_ms = fixture_now() + 5000;
	mta_send(&mta, 'M', "<sender@example.net>", 21);
	begin_data(&mta);
	fixture_await_waiting(1);
	gate_decide(fixture->gate, old, true);
	gate_decide(fixture->gate, script_ticket(FILTER_RCPT), true);
	gate_tell(fixture->gate, old, &(struct gate_wish){.reply_until_ms = 0});
	assert_true(mta_silent(&mta, 30));
	fixture_advance(5000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	script_end(&mta);
}

static void
without_a_place_nobody_is_held(void **state)
{
	struct mta mta = begin(FILTER_RCPT, 60000, true);

	fixture->settings.max_holds = 0;
	gate_configure(fixture->gate, &fixture->settings);
	mta_rcpt(&mta, "<a@example.org>");
	fixture_await(FILTER_RCPT, 1);
	assert_false(script_seen[FILTER_RCPT].has_place);
	assert_int_equal(fixture_report().holds, 0);
	fixture->settings.max_holds = 1000;
	gate_configure(fixture->gate, &fixture->settings);
	script_leave(&mta);
}

static void
a_place_that_no_hold_takes_is_given_back(void **state)
{
	struct mta mta = begin(FILTER_RCPT, 60000, true);

	uint64_t begun = fixture_report().holds_begun;
	plan.wish = (struct gate_wish){.is_hold = true};
	rcpt(&mta, 'c');
	assert_int_equal(fixture_report().holds_begun, begun);
	assert_true(script_seen[FILTER_RCPT].has_place);
	assert_int_equal(script_seen[FILTER_RCPT].holds, 1);
	assert_int_equal(fixture_report().holds, 0);
	script_end(&mta);
}

/* --------------------------------------------------------- delayed commands */

static void
data_is_delayed_until_it_is_due_and_rcpt_is_not(void **state)
{
	struct mta mta = begin(FILTER_MAIL, 20000, false);

	begin_data(&mta);
	fixture_await_waiting(1);
	assert_int_equal(filter_count(FILTER_DATA), 0);
	for (int i = 0; i < 9; i++) {
		fixture_advance(2000);
		assert_int_equal(mta_read_any(&mta).cmd, 'p');
	}
	assert_int_equal(filter_count(FILTER_DATA), 0);
	fixture_advance(2000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(script_seen[FILTER_DATA].delayed_ms, 20000);
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	script_end(&mta);
}

static struct mta
begin_delayed_rcpt(bool is_decided_first)
{
	set_plan(FILTER_MAIL, 20000, false);
	plan.wish.delays_rcpt = true;
	plan.is_decided_first = is_decided_first;
	return script_begin(by_plan);
}

static void
rcpt_is_delayed_until_it_is_decided(void **state)
{
	struct mta mta = begin_delayed_rcpt(false);

	mta_rcpt(&mta, "<a@example.org>");
	fixture_await_waiting(1);
	assert_int_equal(filter_count(FILTER_RCPT), 0);
	fixture_advance(1000);
	gate_decide(fixture->gate, script_ticket(FILTER_MAIL), false);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(script_seen[FILTER_RCPT].delayed_ms, 1000);
	/* Once is enough: what comes behind is not delayed any more. */
	rcpt(&mta, 'c');
	assert_int_equal(script_seen[FILTER_RCPT].delayed_ms, 0);
	script_deliver(&mta);
	script_end(&mta);
}

static void
a_command_that_is_decided_before_it_comes_is_not_delayed(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct mta mta = begin_delayed_rcpt(first == 1);
		fixture_await(FILTER_MAIL, 1);
		if (first == 0)
			gate_decide(
			    fixture->gate, script_ticket(FILTER_MAIL), false);
		rcpt(&mta, 'c');
		script_deliver(&mta);
		script_end(&mta);
	}
}

static void
the_next_transaction_is_not_delayed_by_the_last_one(void **state)
{
	struct mta mta = begin_delayed_rcpt(false);

	fixture_await(FILTER_MAIL, 1);
	plan.event = FILTER_EVENTS;
	mta_send(&mta, 'A', NULL, 0);
	mta_send(&mta, 'M', "<sender@example.net>", 21);
	rcpt(&mta, 'c');
	script_end(&mta);
}

/* ------------------------------------------------------------------- MAIL */

static void
the_callback_of_mail_has_run_before_rcpt_is_handed_over(void **state)
{
	for (int i = 0; i < 50; i++) {
		struct mta mta = begin(FILTER_EVENTS, 0, false);
		rcpt(&mta, 'c');
		assert_int_equal(filter_count(FILTER_MAIL), 1);
		script_end(&mta);
	}
}

static void
a_refused_sender_is_refused_at_his_recipients(void **state)
{
	memset(&plan, 0, sizeof plan);
	plan.event = FILTER_MAIL;
	plan.reply = SMFIS_TEMPFAIL;
	struct mta mta = script_begin(by_plan);

	rcpt(&mta, 'y');
	rcpt(&mta, 'y');
	plan.event = FILTER_EVENTS;
	mta_send(&mta, 'M', "<sender@example.net>", 21);
	rcpt(&mta, 'c');
	script_end(&mta);
}

static void
a_recipient_that_the_mta_has_refused_counts_for_no_data(void **state)
{
	struct mta mta = begin(FILTER_RCPT, 0, false);

	plan.wish = (struct gate_wish){.is_refused = true};
	rcpt(&mta, 'c');
	mta_data(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'y');
	plan.event = FILTER_EVENTS;
	rcpt(&mta, 'c');
	script_deliver(&mta);
	script_end(&mta);
}

/* ------------------------------------------------------------------- ends */

static void
an_mta_that_vanishes_in_a_hold_frees_its_place(void **state)
{
	struct mta mta = begin(FILTER_RCPT, 60000, true);

	mta_rcpt(&mta, "<a@example.org>");
	fixture_await_waiting(1);
	fixture_advance(4000);
	mta_close(&mta);
	fixture_await(FILTER_CLOSE, 1);
	assert_int_equal(filter_count(FILTER_ABORT), 1);
	assert_int_equal(script_seen[FILTER_ABORT].last.end, GATE_END_MTA_GONE);
	assert_int_equal(script_seen[FILTER_CLOSE].last.end, GATE_END_MTA_GONE);
	assert_int_equal(script_seen[FILTER_CLOSE].last.waited_ms, 4000);
	assert_int_equal(
	    script_seen[FILTER_CLOSE].last.other, delay_others[GATE_END_MTA_GONE]);
	assert_int_equal(fixture_report().holds, 0);
	fixture_await_connections(0);
}

static void
a_call_for_a_connection_that_is_gone_does_nothing(void **state)
{
	struct gate_moment moment;
	struct mta mta = begin(FILTER_RCPT, 60000, true);

	mta_rcpt(&mta, "<a@example.org>");
	fixture_await_waiting(1);
	uint64_t old = script_number(), ticket = script_ticket(FILTER_RCPT),
	         key = 1;
	script_leave(&mta);
	mta = begin(FILTER_RCPT, 60000, false);
	mta_rcpt(&mta, "<a@example.org>");
	fixture_await_waiting(1);
	assert_int_not_equal(old, script_number());
	assert_false(gate_look(fixture->gate, old, &key, &moment));
	assert_int_equal(moment.ticket, 0);
	assert_false(moment.has_place);
	gate_decide(fixture->gate, ticket, true);
	gate_decide(fixture->gate, 0, true);
	assert_true(mta_silent(&mta, 30));
	script_leave(&mta);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hold_is_counted_from_where_its_callback_began),
	    cmocka_unit_test(a_hold_lasts_its_time_and_the_mta_is_kept_patient),
	    cmocka_unit_test(a_hold_ends_at_its_time),
	    cmocka_unit_test(a_decision_chooses_what_comes_at_the_end_of_a_hold),
	    cmocka_unit_test(a_reply_leaves_when_it_is_decided),
	    cmocka_unit_test(the_reply_to_the_end_of_a_message_can_wait_too),
	    cmocka_unit_test(
	        what_a_delay_came_to_is_told_past_replies_that_cannot_wait),
	    cmocka_unit_test(a_decision_before_the_callback_returns_counts),
	    cmocka_unit_test(a_reply_that_nobody_decides_is_the_callbacks_own),
	    cmocka_unit_test(a_stale_ticket_decides_nothing),
	    cmocka_unit_test(without_a_place_nobody_is_held),
	    cmocka_unit_test(a_place_that_no_hold_takes_is_given_back),
	    cmocka_unit_test(data_is_delayed_until_it_is_due_and_rcpt_is_not),
	    cmocka_unit_test(rcpt_is_delayed_until_it_is_decided),
	    cmocka_unit_test(
	        a_command_that_is_decided_before_it_comes_is_not_delayed),
	    cmocka_unit_test(the_next_transaction_is_not_delayed_by_the_last_one),
	    cmocka_unit_test(
	        the_callback_of_mail_has_run_before_rcpt_is_handed_over),
	    cmocka_unit_test(a_refused_sender_is_refused_at_his_recipients),
	    cmocka_unit_test(
	        a_recipient_that_the_mta_has_refused_counts_for_no_data),
	    cmocka_unit_test(an_mta_that_vanishes_in_a_hold_frees_its_place),
	    cmocka_unit_test(a_call_for_a_connection_that_is_gone_does_nothing),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
