/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking again, withholding, waking, settling: one connection, frozen clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "gate/filter.h"
#include "gate/rig.h"

static struct rig *rig;
static _Atomic uint64_t number;
static struct gate_outcome seen[FILTER_EVENTS];
static _Atomic unsigned rounds; /* of the RCPT callback */
static _Atomic int answers[4];  /* of gate_wait() */

static void
look(const struct filter_call *call)
{
	atomic_store(&number, call->number);
	gate_outcome(rig->gate, call->number, &seen[call->event]);
}

static struct mta
begin(sfsistat (*hook)(const struct filter_call *))
{
	memset(seen, 0, sizeof seen);
	atomic_store(&rounds, 0);
	atomic_store(&number, 0);
	filter_protocol(RIG_LEAN);
	filter_hook(hook);
	struct mta mta = mta_connect(rig);
	assert_int_equal(mta_negotiate(&mta, MTA_OFFER), RIG_LEAN);
	mta_greet(&mta);
	return mta;
}

static void
end(struct mta *mta)
{
	mta_send(mta, 'Q', NULL, 0);
	assert_int_equal(mta_read(mta).cmd, 0);
	rig_await(FILTER_CLOSE, 1);
	mta_close(mta);
	rig_await_connections(0);
}

static void
deliver(struct mta *mta)
{
	mta_data(mta);
	assert_int_equal(mta_read(mta).cmd, 'c');
	mta_message(mta);
	assert_int_equal(mta_read(mta).cmd, 'c');
	assert_int_equal(filter_count(FILTER_EOM), 1);
}

static enum gate_wait_answer
wait_for(
    const struct filter_call *call, enum gate_wait_kind kind, int64_t ms, bool hold)
{
	struct gate_wait wait = {
	    .kind = kind, .until_ms = rig_now() + ms, .is_hold = hold};
	return gate_wait(rig->gate, call->number, &wait);
}

/* ------------------------------------------------------------ ask again */

static sfsistat
hold_once(const struct filter_call *call)
{
	look(call);
	if (call->event != FILTER_RCPT || atomic_fetch_add(&rounds, 1) > 0)
		return SMFIS_CONTINUE;
	if (!gate_budget(rig->gate, call->number, 1).granted)
		return SMFIS_TEMPFAIL;
	return wait_for(call, GATE_ASK_AGAIN, 125000, true) == GATE_WAITING
	           ? SMFIS_CONTINUE
	           : SMFIS_TEMPFAIL;
}

static void
a_hold_at_rcpt_is_asked_again_when_due(void **state)
{
	(void)state;
	struct mta mta = begin(hold_once);

	mta_rcpt(&mta, "<a@example.org>");
	rig_await_held(1);
	assert_true(mta_silent(&mta, 30));
	for (int i = 0; i < 12; i++) {
		rig_advance(10000);
		assert_int_equal(mta_read_any(&mta).cmd, 'p');
	}
	assert_int_equal(filter_count(FILTER_RCPT), 1);
	rig_advance(5000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(filter_count(FILTER_RCPT), 2);
	assert_int_equal(seen[FILTER_RCPT].end, GATE_END_ELAPSED);
	assert_int_equal(seen[FILTER_RCPT].waited_ms, 125000);
	assert_int_equal(seen[FILTER_RCPT].asked, 2);
	assert_true(seen[FILTER_RCPT].was_hold);
	assert_false(seen[FILTER_RCPT].watched);
	rig_await_held(0);
	deliver(&mta);
	end(&mta);
}

static void
a_hold_woken_early_is_still_on_and_keeps_its_place(void **state)
{
	(void)state;
	struct gate_report report;
	struct mta mta = begin(hold_once);

	mta_rcpt(&mta, "<a@example.org>");
	rig_await_held(1);
	rig_advance(3000);
	assert_true(gate_wake(rig->gate, atomic_load(&number)));
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(seen[FILTER_RCPT].end, GATE_END_WAITING);
	assert_int_equal(seen[FILTER_RCPT].waited_ms, 3000);
	gate_report(rig->gate, &report);
	assert_int_equal(report.holds, 0);
	end(&mta);
	assert_int_equal(seen[FILTER_CLOSE].end, GATE_END_WOKEN);
}

static sfsistat
wait_six_seconds_each(const struct filter_call *call)
{
	look(call);
	if (call->event == FILTER_RCPT && atomic_fetch_add(&rounds, 1) < 5)
		wait_for(call, GATE_ASK_AGAIN, 6000, false);
	return SMFIS_CONTINUE;
}

static void
the_progress_timer_runs_on_across_asks(void **state)
{
	(void)state;
	unsigned progress = 0;
	struct mta mta = begin(wait_six_seconds_each);

	mta_rcpt(&mta, "<a@example.org>");
	for (unsigned i = 1; i <= 5; i++) {
		rig_await(FILTER_RCPT, i);
		usleep(20000);
		rig_advance(6000);
	}
	struct mta_frame frame = mta_read_any(&mta);
	for (; frame.cmd == 'p'; frame = mta_read_any(&mta))
		progress++;
	assert_int_equal(frame.cmd, 'c');
	assert_in_range(progress, 2, 3);
	assert_int_equal(seen[FILTER_RCPT].asked, 6);
	assert_int_equal(seen[FILTER_RCPT].waited_ms, 30000);
	end(&mta);
}

static sfsistat
wake_before_the_wait(const struct filter_call *call)
{
	look(call);
	if (call->event == FILTER_RCPT && atomic_fetch_add(&rounds, 1) == 0) {
		gate_wake(rig->gate, call->number);
		wait_for(call, GATE_ASK_AGAIN, 60000, false);
	}
	return SMFIS_CONTINUE;
}

static void
a_wake_that_comes_before_the_wait_is_not_lost(void **state)
{
	(void)state;
	struct mta mta = begin(wake_before_the_wait);

	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(filter_count(FILTER_RCPT), 2);
	assert_int_equal(seen[FILTER_RCPT].end, GATE_END_WOKEN);
	deliver(&mta);
	end(&mta);
}

static sfsistat
wait_for_ever(const struct filter_call *call)
{
	look(call);
	if (call->event != FILTER_RCPT)
		return SMFIS_CONTINUE;
	gate_wake(rig->gate, call->number);
	return wait_for(call, GATE_ASK_AGAIN, 60000, false) == GATE_WAITING
	           ? SMFIS_CONTINUE
	           : SMFIS_TEMPFAIL;
}

static void
a_command_is_asked_a_bounded_number_of_times(void **state)
{
	(void)state;
	struct mta mta = begin(wait_for_ever);

	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 't');
	assert_in_range(filter_count(FILTER_RCPT), 2, 100);
	end(&mta);
}

static sfsistat
accept_after_a_wait(const struct filter_call *call)
{
	look(call);
	if (call->event != FILTER_RCPT)
		return SMFIS_CONTINUE;
	gate_budget(rig->gate, call->number, 1);
	wait_for(call, GATE_ASK_AGAIN, 60000, true);
	return SMFIS_ACCEPT;
}

static void
accept_is_passed_on_and_the_wait_forgotten(void **state)
{
	(void)state;
	struct gate_report report;
	struct mta mta = begin(accept_after_a_wait);

	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'a');
	gate_report(rig->gate, &report);
	assert_int_equal(report.holds, 0);
	end(&mta);
}

static sfsistat
wait_where_it_makes_no_sense(const struct filter_call *call)
{
	look(call);
	if (call->event == FILTER_MAIL) {
		/* the RCPT that may travel with it is not here yet */
		atomic_store(
		    &answers[0], wait_for(call, GATE_ASK_AGAIN, 60000, false));
		atomic_store(
		    &answers[1], wait_for(call, GATE_WITHHOLD, 60000, false));
	}
	if (call->event == FILTER_RCPT)
		atomic_store(
		    &answers[2], wait_for(call, GATE_ASK_AGAIN, 60000, true));
	if (call->event == FILTER_DATA)
		atomic_store(
		    &answers[3], wait_for(call, GATE_ASK_AGAIN, 60000, false));
	return SMFIS_CONTINUE;
}

static void
a_wait_is_refused_without_a_reply_a_place_or_a_repeatable_command(void **state)
{
	(void)state;
	struct mta mta = begin(wait_where_it_makes_no_sense);

	rig_await(FILTER_MAIL, 1);
	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	deliver(&mta);
	assert_int_equal(atomic_load(&answers[0]), GATE_NOT_WAITING);
	assert_int_equal(atomic_load(&answers[1]), GATE_NOT_WAITING);
	assert_int_equal(atomic_load(&answers[2]), GATE_FULL);
	assert_int_equal(atomic_load(&answers[3]), GATE_NOT_WAITING);
	end(&mta);
}

/* ------------------------------------------------------------- withhold */

static _Atomic int settle_first; /* a gate_settlement, or -1 */
static _Atomic bool refuse_when_due;

static sfsistat
withhold_data(const struct filter_call *call)
{
	look(call);
	if (call->event != FILTER_DATA)
		return SMFIS_CONTINUE;
	struct gate_wait wait = {.kind = GATE_WITHHOLD,
	    .until_ms = rig_now() + 5000,
	    .refusal = "450 4.7.1 Greylisted, 100% sure, come back in 5 min",
	    .refuse_when_due = atomic_load(&refuse_when_due)};
	if (atomic_load(&settle_first) >= 0)
		gate_settle(rig->gate, call->number,
		    (enum gate_settlement)atomic_load(&settle_first));
	gate_wait(rig->gate, call->number, &wait);
	return SMFIS_CONTINUE;
}

static struct mta
begin_withheld(int first, bool refuse)
{
	atomic_store(&settle_first, first);
	atomic_store(&refuse_when_due, refuse);
	struct mta mta = begin(withhold_data);
	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_data(&mta);
	rig_await(FILTER_DATA, 1);
	return mta;
}

static void
expect_refusal(struct mta *mta)
{
	struct mta_frame frame = mta_read(mta);

	assert_int_equal(frame.cmd, 'y');
	assert_string_equal(
	    frame.data, "450 4.7.1 Greylisted, 100%% sure, come back in 5 min");
	assert_int_equal(frame.len, strlen(frame.data) + 1);
	/* The session goes on: it was not the client that left. */
	mta_send(mta, 'A', NULL, 0);
	mta_send(mta, 'M', "<sender@example.net>", 21);
	mta_rcpt(mta, "<b@example.org>");
	assert_int_equal(mta_read(mta).cmd, 'c');
	assert_true(seen[FILTER_ABORT].refused);
	end(mta);
}

static void
a_withheld_reply_is_forwarded_when_due(void **state)
{
	(void)state;
	struct mta mta = begin_withheld(-1, false);

	assert_true(mta_silent(&mta, 30));
	rig_advance(5000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(seen[FILTER_EOM].end, GATE_END_ELAPSED);
	assert_int_equal(seen[FILTER_EOM].waited_ms, 5000);
	assert_false(seen[FILTER_EOM].refused);
	assert_int_equal(filter_count(FILTER_DATA), 1);
	end(&mta);
}

static void
a_withheld_reply_becomes_the_refusal_when_due(void **state)
{
	(void)state;
	struct mta mta = begin_withheld(-1, true);

	rig_advance(5000);
	expect_refusal(&mta);
}

static void
settling_lets_go_at_once(void **state)
{
	(void)state;
	struct mta mta = begin_withheld(-1, true);

	usleep(20000);
	assert_true(gate_settle(rig->gate, atomic_load(&number), GATE_FORWARD_NOW));
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(seen[FILTER_EOM].end, GATE_END_WOKEN);
	end(&mta);
}

static void
settling_can_refuse_at_once(void **state)
{
	(void)state;
	struct mta mta = begin_withheld(-1, false);

	usleep(20000);
	assert_true(gate_settle(rig->gate, atomic_load(&number), GATE_REFUSE_NOW));
	expect_refusal(&mta);
}

static void
settling_before_the_wait_counts(void **state)
{
	(void)state;
	struct mta mta = begin_withheld(GATE_REFUSE_NOW, false);

	expect_refusal(&mta);
}

static void
settling_for_later_changes_what_happens_when_due(void **state)
{
	(void)state;
	struct mta mta = begin_withheld(GATE_REFUSE_WHEN_DUE, false);

	assert_true(mta_silent(&mta, 30));
	gate_settle(rig->gate, atomic_load(&number), GATE_FORWARD_WHEN_DUE);
	gate_settle(rig->gate, atomic_load(&number), GATE_REFUSE_WHEN_DUE);
	assert_true(mta_silent(&mta, 30));
	rig_advance(5000);
	expect_refusal(&mta);
}

/* ------------------------------------------------------ data_not_before */

static _Atomic bool wake_first;

static sfsistat
keep_data_back(const struct filter_call *call)
{
	look(call);
	if (call->event == FILTER_RCPT) {
		if (atomic_load(&wake_first))
			gate_wake(rig->gate, call->number);
		gate_data_not_before(rig->gate, call->number, rig_now() + 20000);
	}
	return SMFIS_CONTINUE;
}

static struct mta
begin_kept(bool woken)
{
	atomic_store(&wake_first, woken);
	struct mta mta = begin(keep_data_back);
	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_data(&mta);
	return mta;
}

static void
data_is_kept_back_until_its_time(void **state)
{
	(void)state;
	struct mta mta = begin_kept(false);

	assert_true(mta_silent(&mta, 30));
	assert_int_equal(filter_count(FILTER_DATA), 0);
	rig_advance(10000);
	assert_int_equal(mta_read_any(&mta).cmd, 'p');
	rig_advance(10000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	end(&mta);
}

static void
data_is_let_go_by_a_wake(void **state)
{
	(void)state;
	struct mta mta = begin_kept(false);

	assert_true(mta_silent(&mta, 30));
	gate_wake(rig->gate, atomic_load(&number));
	assert_int_equal(mta_read(&mta).cmd, 'c');
	end(&mta);
}

static void
data_is_not_kept_back_when_the_wake_came_first(void **state)
{
	(void)state;
	struct mta mta = begin_kept(true);

	assert_int_equal(mta_read(&mta).cmd, 'c');
	end(&mta);
}

static void
data_is_let_go_when_the_time_is_lifted(void **state)
{
	(void)state;
	struct mta mta = begin_kept(false);

	assert_true(mta_silent(&mta, 30));
	gate_data_not_before(rig->gate, atomic_load(&number), 0);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	end(&mta);
}

/* ------------------------------------------------------------------ ends */

static void
an_mta_that_vanishes_in_a_hold_frees_its_place(void **state)
{
	(void)state;
	struct gate_report report;
	struct mta mta = begin(hold_once);

	mta_rcpt(&mta, "<a@example.org>");
	rig_await_held(1);
	rig_advance(4000);
	mta_close(&mta);
	rig_await(FILTER_CLOSE, 1);
	assert_int_equal(filter_count(FILTER_ABORT), 1);
	assert_int_equal(seen[FILTER_ABORT].end, GATE_END_MTA_GONE);
	assert_int_equal(seen[FILTER_CLOSE].end, GATE_END_MTA_GONE);
	assert_int_equal(seen[FILTER_CLOSE].waited_ms, 4000);
	gate_report(rig->gate, &report);
	assert_int_equal(report.holds, 0);
	rig_await_connections(0);
}

static void
a_late_call_does_nothing(void **state)
{
	(void)state;
	struct gate_outcome outcome;
	struct mta mta = begin(hold_once);

	mta_rcpt(&mta, "<a@example.org>");
	rig_await_held(1);
	uint64_t old = atomic_load(&number);
	mta_close(&mta);
	rig_await_connections(0);
	mta = begin(hold_once);
	mta_rcpt(&mta, "<a@example.org>");
	rig_await_held(1);
	assert_int_not_equal(old, atomic_load(&number));
	assert_false(gate_wake(rig->gate, old));
	assert_false(gate_settle(rig->gate, old, GATE_REFUSE_NOW));
	assert_false(gate_data_not_before(rig->gate, old, 0));
	assert_false(gate_outcome(rig->gate, old, &outcome));
	assert_false(gate_budget(rig->gate, old, 1).granted);
	assert_int_equal(gate_pending(rig->gate, old), -1);
	assert_true(mta_silent(&mta, 30));
	rig_await_held(1);
	mta_close(&mta);
	rig_await_connections(0);
}

static int
open_rig(void **state)
{
	(void)state;
	rig = rig_open();
	rig_gate(rig);
	return 0;
}

static int
close_rig(void **state)
{
	(void)state;
	rig_gate_stop(rig);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hold_at_rcpt_is_asked_again_when_due),
	    cmocka_unit_test(a_hold_woken_early_is_still_on_and_keeps_its_place),
	    cmocka_unit_test(the_progress_timer_runs_on_across_asks),
	    cmocka_unit_test(a_wake_that_comes_before_the_wait_is_not_lost),
	    cmocka_unit_test(a_command_is_asked_a_bounded_number_of_times),
	    cmocka_unit_test(accept_is_passed_on_and_the_wait_forgotten),
	    cmocka_unit_test(
	        a_wait_is_refused_without_a_reply_a_place_or_a_repeatable_command),
	    cmocka_unit_test(a_withheld_reply_is_forwarded_when_due),
	    cmocka_unit_test(a_withheld_reply_becomes_the_refusal_when_due),
	    cmocka_unit_test(settling_lets_go_at_once),
	    cmocka_unit_test(settling_can_refuse_at_once),
	    cmocka_unit_test(settling_before_the_wait_counts),
	    cmocka_unit_test(settling_for_later_changes_what_happens_when_due),
	    cmocka_unit_test(data_is_kept_back_until_its_time),
	    cmocka_unit_test(data_is_let_go_by_a_wake),
	    cmocka_unit_test(data_is_not_kept_back_when_the_wake_came_first),
	    cmocka_unit_test(data_is_let_go_when_the_time_is_lifted),
	    cmocka_unit_test(an_mta_that_vanishes_in_a_hold_frees_its_place),
	    cmocka_unit_test(a_late_call_does_nothing),
	};
	return cmocka_run_group_tests(tests, open_rig, close_rig);
}
