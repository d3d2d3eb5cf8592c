/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies that are withheld, and DATA that is kept back: frozen clock. */
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

/* ------------------------------------------------------------- withhold */

static _Atomic int settle_first; /* a gate_settlement, or -1 */
static _Atomic bool refuse_when_due, settles_once;

static sfsistat
withhold_data(const struct filter_call *call)
{
	play_look(call);
	if (call->event != FILTER_DATA)
		return SMFIS_CONTINUE;
	struct gate_wait wait = {.kind = GATE_WITHHOLD,
	    .until_ms = rig_now() + 5000,
	    .refusal = "450 4.7.1 Greylisted, 100% sure, come back in 5 min",
	    .refuse_when_due = atomic_load(&refuse_when_due),
	    .settles_once = atomic_load(&settles_once)};
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
	struct mta mta = play_begin(withhold_data);
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
	assert_true(play_seen[FILTER_ABORT].refused);
	play_end(mta);
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
	assert_int_equal(play_seen[FILTER_EOM].end, GATE_END_ELAPSED);
	assert_int_equal(play_seen[FILTER_EOM].waited_ms, 5000);
	assert_false(play_seen[FILTER_EOM].refused);
	assert_int_equal(filter_count(FILTER_DATA), 1);
	play_end(&mta);
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
	assert_true(gate_settle(rig->gate, play_number(), GATE_FORWARD_NOW));
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	assert_int_equal(play_seen[FILTER_EOM].end, GATE_END_WOKEN);
	play_end(&mta);
}

static void
settling_can_refuse_at_once(void **state)
{
	(void)state;
	struct mta mta = begin_withheld(-1, false);

	usleep(20000);
	assert_true(gate_settle(rig->gate, play_number(), GATE_REFUSE_NOW));
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
	gate_settle(rig->gate, play_number(), GATE_FORWARD_WHEN_DUE);
	gate_settle(rig->gate, play_number(), GATE_REFUSE_WHEN_DUE);
	assert_true(mta_silent(&mta, 30));
	rig_advance(5000);
	expect_refusal(&mta);
}

/* A commit of more than five seconds must not answer the next DATA. */
static void
a_settlement_that_comes_too_late_is_not_the_next_ones(void **state)
{
	(void)state;
	atomic_store(&settles_once, true);
	struct mta mta = begin_withheld(-1, false);
	rig_advance(5000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_send(&mta, 'M', "<sender@example.net>", 21);
	mta_rcpt(&mta, "<b@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_data(&mta);
	rig_await(FILTER_DATA, 2);
	gate_settle(rig->gate, play_number(), GATE_FORWARD_NOW);
	assert_true(mta_silent(&mta, 30));
	gate_settle(rig->gate, play_number(), GATE_REFUSE_NOW);
	atomic_store(&settles_once, false);
	expect_refusal(&mta);
}

static void
a_settlement_for_later_is_not_owed_when_it_is_due(void **state)
{
	(void)state;
	atomic_store(&settles_once, true);
	struct mta mta = begin_withheld(GATE_FORWARD_WHEN_DUE, true);
	assert_true(mta_silent(&mta, 30));
	rig_advance(5000);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_message(&mta);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	atomic_store(&settle_first, GATE_REFUSE_NOW);
	mta_send(&mta, 'M', "<sender@example.net>", 21);
	mta_rcpt(&mta, "<b@example.org>");
	assert_int_equal(mta_read(&mta).cmd, 'c');
	mta_data(&mta);
	atomic_store(&settles_once, false);
	expect_refusal(&mta);
}

/* ------------------------------------------------------ data_not_before */

static _Atomic bool wake_first;

static sfsistat
keep_data_back(const struct filter_call *call)
{
	play_look(call);
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
	struct mta mta = play_begin(keep_data_back);
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
	play_end(&mta);
}

static void
data_is_let_go_by_a_wake(void **state)
{
	(void)state;
	struct mta mta = begin_kept(false);

	assert_true(mta_silent(&mta, 30));
	gate_wake(rig->gate, play_number());
	assert_int_equal(mta_read(&mta).cmd, 'c');
	play_end(&mta);
}

static void
data_is_not_kept_back_when_the_wake_came_first(void **state)
{
	(void)state;
	struct mta mta = begin_kept(true);

	assert_int_equal(mta_read(&mta).cmd, 'c');
	play_end(&mta);
}

static void
data_is_let_go_when_the_time_is_lifted(void **state)
{
	(void)state;
	struct mta mta = begin_kept(false);

	assert_true(mta_silent(&mta, 30));
	gate_data_not_before(rig->gate, play_number(), 0);
	assert_int_equal(mta_read(&mta).cmd, 'c');
	play_end(&mta);
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
	    cmocka_unit_test(a_withheld_reply_is_forwarded_when_due),
	    cmocka_unit_test(a_withheld_reply_becomes_the_refusal_when_due),
	    cmocka_unit_test(settling_lets_go_at_once),
	    cmocka_unit_test(settling_can_refuse_at_once),
	    cmocka_unit_test(settling_before_the_wait_counts),
	    cmocka_unit_test(settling_for_later_changes_what_happens_when_due),
	    cmocka_unit_test(a_settlement_that_comes_too_late_is_not_the_next_ones),
	    cmocka_unit_test(a_settlement_for_later_is_not_owed_when_it_is_due),
	    cmocka_unit_test(data_is_kept_back_until_its_time),
	    cmocka_unit_test(data_is_let_go_by_a_wake),
	    cmocka_unit_test(data_is_not_kept_back_when_the_wake_came_first),
	    cmocka_unit_test(data_is_let_go_when_the_time_is_lifted),
	};
	return cmocka_run_group_tests(tests, open_rig, rig_teardown);
}
