/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking again, waking, leaving: one connection, frozen clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "gate/filter.h"
#include "gate/play.h"
#include "gate/rig.h"

static struct rig *rig;
static _Atomic int answers[4]; /* of gate_wait() */

/* ------------------------------------------------------------ ask again */

static sfsistat
hold_once(const struct filter_call *call)
{
	play_look(call);
	if (call->event != FILTER_RCPT || atomic_fetch_add(&play_rounds, 1) > 0)
		return SMFIS_CONTINUE;
	if (!gate_budget(rig->gate, call->number, 1).granted)
		return SMFIS_TEMPFAIL;
	return play_wait(call, GATE_ASK_AGAIN, 125000, true) == GATE_WAITING
	           ? SMFIS_CONTINUE
	           : SMFIS_TEMPFAIL;
}

static void
a_hold_at_rcpt_is_asked_again_when_due(void **state)
{
	(void)state;
	struct mta mta = play_begin(hold_once);

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
	assert_int_equal(play_seen[FILTER_RCPT].end, GATE_END_ELAPSED);
	assert_int_equal(play_seen[FILTER_RCPT].waited_ms, 125000);
	assert_int_equal(play_seen[FILTER_RCPT].asked, 2);
	assert_true(play_seen[FILTER_RCPT].was_hold);
	assert_false(play_seen[FILTER_RCPT].watched);
	rig_await_held(0);
	play_deliver(&mta);
	play_end(&mta);
}

static void
a_hold_woken_early_is_still_on_and_keeps_its_place(void **state)
{
	(void)state;
	struct gate_report report;
	struct mta mta = play_begin(hold_once);

	mta_rcpt(&mta, "<a@example.org>");
	rig_await_held(1);
	rig_advance(3000);
	assert_true(gate_wake(rig->gate, play_number()));
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(play_seen[FILTER_RCPT].end, GATE_END_WAITING);
	assert_int_equal(play_seen[FILTER_RCPT].waited_ms, 3000);
	gate_report(rig->gate, &report);
	assert_int_equal(report.holds, 0);
	play_end(&mta);
	assert_int_equal(play_seen[FILTER_CLOSE].end, GATE_END_WOKEN);
}

static sfsistat
wait_six_seconds_each(const struct filter_call *call)
{
	play_look(call);
	if (call->event == FILTER_RCPT && atomic_fetch_add(&play_rounds, 1) < 5)
		play_wait(call, GATE_ASK_AGAIN, 6000, false);
	return SMFIS_CONTINUE;
}

static void
the_progress_timer_runs_on_across_asks(void **state)
{
	(void)state;
	unsigned progress = 0;
	struct mta mta = play_begin(wait_six_seconds_each);

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
	assert_int_equal(play_seen[FILTER_RCPT].asked, 6);
	assert_int_equal(play_seen[FILTER_RCPT].waited_ms, 30000);
	play_end(&mta);
}

static sfsistat
wake_before_the_wait(const struct filter_call *call)
{
	play_look(call);
	if (call->event == FILTER_RCPT && atomic_fetch_add(&play_rounds, 1) == 0) {
		gate_wake(rig->gate, call->number);
		play_wait(call, GATE_ASK_AGAIN, 60000, false);
	}
	return SMFIS_CONTINUE;
}

static void
a_wake_that_comes_before_the_wait_is_not_lost(void **state)
{
	(void)state;
	struct mta mta = play_begin(wake_before_the_wait);

	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(filter_count(FILTER_RCPT), 2);
	assert_int_equal(play_seen[FILTER_RCPT].end, GATE_END_WOKEN);
	play_deliver(&mta);
	play_end(&mta);
}

static sfsistat
wait_for_ever(const struct filter_call *call)
{
	play_look(call);
	if (call->event != FILTER_RCPT)
		return SMFIS_CONTINUE;
	gate_wake(rig->gate, call->number);
	return play_wait(call, GATE_ASK_AGAIN, 60000, false) == GATE_WAITING
	           ? SMFIS_CONTINUE
	           : SMFIS_TEMPFAIL;
}

static void
a_command_is_asked_a_bounded_number_of_times(void **state)
{
	(void)state;
	struct mta mta = play_begin(wait_for_ever);

	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 't');
	assert_in_range(filter_count(FILTER_RCPT), 2, 100);
	play_end(&mta);
}

static sfsistat
accept_after_a_wait(const struct filter_call *call)
{
	play_look(call);
	if (call->event != FILTER_RCPT)
		return SMFIS_CONTINUE;
	gate_budget(rig->gate, call->number, 1);
	play_wait(call, GATE_ASK_AGAIN, 60000, true);
	return SMFIS_ACCEPT;
}

static void
accept_is_passed_on_and_the_wait_forgotten(void **state)
{
	(void)state;
	struct gate_report report;
	struct mta mta = play_begin(accept_after_a_wait);

	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'a');
	gate_report(rig->gate, &report);
	assert_int_equal(report.holds, 0);
	play_end(&mta);
}

static sfsistat
wait_where_it_makes_no_sense(const struct filter_call *call)
{
	play_look(call);
	if (call->event == FILTER_MAIL) {
		/* the RCPT that may travel with it is not here yet */
		atomic_store(
		    &answers[0], play_wait(call, GATE_ASK_AGAIN, 60000, false));
		atomic_store(
		    &answers[1], play_wait(call, GATE_WITHHOLD, 60000, false));
	}
	if (call->event == FILTER_RCPT)
		atomic_store(
		    &answers[2], play_wait(call, GATE_ASK_AGAIN, 60000, true));
	if (call->event == FILTER_DATA)
		atomic_store(
		    &answers[3], play_wait(call, GATE_ASK_AGAIN, 60000, false));
	return SMFIS_CONTINUE;
}

static void
a_wait_is_refused_without_a_reply_a_place_or_a_repeatable_command(void **state)
{
	(void)state;
	struct mta mta = play_begin(wait_where_it_makes_no_sense);

	rig_await(FILTER_MAIL, 1);
	mta_rcpt(&mta, "<a@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	play_deliver(&mta);
	assert_int_equal(atomic_load(&answers[0]), GATE_NOT_WAITING);
	assert_int_equal(atomic_load(&answers[1]), GATE_NOT_WAITING);
	assert_int_equal(atomic_load(&answers[2]), GATE_FULL);
	assert_int_equal(atomic_load(&answers[3]), GATE_NOT_WAITING);
	play_end(&mta);
}

/* ------------------------------------------------------------------ ends */

static void
an_mta_that_vanishes_in_a_hold_frees_its_place(void **state)
{
	(void)state;
	struct gate_report report;
	struct mta mta = play_begin(hold_once);

	mta_rcpt(&mta, "<a@example.org>");
	rig_await_held(1);
	rig_advance(4000);
	mta_close(&mta);
	rig_await(FILTER_CLOSE, 1);
	assert_int_equal(filter_count(FILTER_ABORT), 1);
	assert_int_equal(play_seen[FILTER_ABORT].end, GATE_END_MTA_GONE);
	assert_int_equal(play_seen[FILTER_CLOSE].end, GATE_END_MTA_GONE);
	assert_int_equal(play_seen[FILTER_CLOSE].waited_ms, 4000);
	gate_report(rig->gate, &report);
	assert_int_equal(report.holds, 0);
	rig_await_connections(0);
}

static void
a_late_call_does_nothing(void **state)
{
	(void)state;
	struct gate_outcome outcome;
	struct mta mta = play_begin(hold_once);

	mta_rcpt(&mta, "<a@example.org>");
	rig_await_held(1);
	uint64_t old = play_number();
	mta_close(&mta);
	rig_await_connections(0);
	mta = play_begin(hold_once);
	mta_rcpt(&mta, "<a@example.org>");
	rig_await_held(1);
	assert_int_not_equal(old, play_number());
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
	    cmocka_unit_test(an_mta_that_vanishes_in_a_hold_frees_its_place),
	    cmocka_unit_test(a_late_call_does_nothing),
	};
	return cmocka_run_group_tests(tests, open_rig, rig_teardown);
}
