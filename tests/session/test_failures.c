/* SPDX-License-Identifier: BSD-2-Clause */
/* A store that cannot be read or written: what is done, and what is said of it. */
#include <stdio.h>
#include <string.h>

#include "session/visits.h"
#include "session/session_private.h"
#include "store/note.h"

/* The linker puts these before the store's own. */
bool __real_store_submit(struct store *store, struct note *note);
bool __wrap_store_submit(struct store *store, struct note *note);
enum store_status __real_store_recall(struct store *store,
    const struct store_who *who, const struct triplet *triplets, size_t count,
    int64_t now, struct history *history_r);
enum store_status __wrap_store_recall(struct store *store,
    const struct store_who *who, const struct triplet *triplets, size_t count,
    int64_t now, struct history *history_r);

static struct {
	bool cannot_read;
	enum note_state
	    becomes; /* of an attempt; NOTE_WAITING: the store decides */
	bool is_never_decided;
	char reply[8], queue_id[20]; /* of the last event */
} store_now;

bool
__wrap_store_submit(struct store *store, struct note *note)
{
	const struct event *event = note->spec->event;

	if (event != NULL && event->reply != NULL)
		snprintf(
		    store_now.reply, sizeof store_now.reply, "%s", event->reply);
	if (event != NULL && event->queue_id != NULL)
		snprintf(store_now.queue_id, sizeof store_now.queue_id, "%s",
		    event->queue_id);
	if (note->spec->outcome != OUTCOME_ATTEMPT ||
	    store_now.becomes == NOTE_WAITING)
		return __real_store_submit(store, note);
	if (!store_now.is_never_decided)
		note_finish(note_ref(note), store_now.becomes);
	return true;
}

enum store_status
__wrap_store_recall(struct store *store, const struct store_who *who,
    const struct triplet *triplets, size_t count, int64_t now,
    struct history *history_r)
{
	return store_now.cannot_read ? STORE_FAILED
	                             : __real_store_recall(store, who, triplets,
	                                   count, now, history_r);
}

#define DAY 86400

static void
begin(enum mode mode, bool fail_open)
{
	fixture_new(mode);
	memset(&store_now, 0, sizeof store_now);
	fixture->snapshot.fail_open = fail_open;
	fixture_connect(SUSPECT, LINE);
}

/* What the event of the last message says was answered. */
static void
told_is(const char *reply)
{
	fixture_close();
	assert_string_equal(store_now.reply, reply);
}

static void
expect_fault(void)
{
	word_is("fault", "store");
	word_is("why", "fault");
	word_is("verdict", "pass");
	assert_true(has_flag("FAULT"));
}

static void
a_450_that_cannot_be_recorded_becomes_an_acceptance_that_says_so(void **state)
{
	begin(MODE_RGREY, true);
	store_now.becomes = NOTE_FAILED;
	assert_true(fixture_message(FROM, TO, HOLD_NONE));
	assert_false(fixture->answer.refuse);
	expect_fault();
	told_is("250");
}

static void
a_450_that_cannot_be_recorded_becomes_a_451_with_tempfail(void **state)
{
	begin(MODE_RGREY, false);
	store_now.becomes = NOTE_FAILED;
	assert_false(fixture_message(FROM, TO, HOLD_NONE));
	assert_true(fixture->answer.refuse);
	assert_string_equal(fixture->answer.code, "451");
	assert_int_equal(fixture->decided, -1);
	told_is("451");
}

/* A disk so slow that nobody decides in time: 451, no 450 without a record. */
static void
a_record_that_takes_too_long_is_none(void **state)
{
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		begin(MODE_RGREY, fail_open);
		store_now.becomes = NOTE_WAITING + 1;
		store_now.is_never_decided = true;
		assert_int_equal(fixture_message(FROM, TO, HOLD_NONE), fail_open);
		assert_in_range(
		    fixture->answer.wish.reply_until_ms - fixture->now_ms, 1, 5000);
		if (fail_open)
			expect_fault();
		else
			assert_string_equal(fixture->answer.code, "451");
		told_is(fail_open ? "250" : "451");
	}
}

/* The gate told the client nothing then: there was nobody to tell. */
static void
an_mta_that_went_away_in_a_hold_was_told_no_450(void **state)
{
	begin(MODE_TARGREY, true);
	assert_false(fixture_message(FROM, TO, HOLD_MTA_GONE));
	told_is("lost");
	begin(MODE_TARGREY, true);
	assert_false(fixture_message(FROM, TO, HOLD_GONE));
	told_is("450");
	begin(MODE_TARGREY, true);
	assert_false(fixture_message(FROM, TO, HOLD_STOPPED));
	told_is("451");
}

static void
a_record_that_a_limit_refused_is_still_a_450(void **state)
{
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		begin(MODE_RGREY, fail_open);
		store_now.becomes = NOTE_LIMITED;
		fixture_mail(FROM);
		fixture_rcpt_alone(TO);
		assert_true(fixture_data_refused());
		assert_true(fixture->last.other);
		fixture_abort();
		assert_int_equal(fixture->session->fault, FAULT_LIMIT);
		told_is("450");
	}
}

static void
without_memory_nobody_is_greylisted_but_held_all_the_same(void **state)
{
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		begin(MODE_RGREY, fail_open);
		store_now.cannot_read = true;
		assert_int_equal(fixture_message(FROM, TO, HOLD_NONE), fail_open);
		assert_int_equal(fixture->waits, 0);
		if (fail_open)
			expect_fault();
		told_is(fail_open ? "250" : "451");

		begin(MODE_TARGREY, fail_open);
		store_now.cannot_read = true;
		assert_true(fixture_message(FROM, TO, HOLD_ELAPSED));
		word_is("tarpit", "endured");
		word_is("verdict", "hold");
		word_is("fault", "store");
		told_is("250");
	}
}

/* The hold needs no record; the header knows that there is none. */
static void
a_hold_whose_attempt_is_lost_says_so(void **state)
{
	begin(MODE_TARGREY, true);
	store_now.becomes = NOTE_FAILED;
	assert_true(fixture_message(FROM, TO, HOLD_ELAPSED));
	word_is("tarpit", "endured");
	word_is("fault", "store");
	assert_true(has_flag("FAULT"));
}

/* strict, null sender: the 450 after the hold needs its record, too. */
static void
a_hold_at_data_ends_by_on_failure_when_its_record_is_lost(void **state)
{
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		begin(MODE_STRICT, fail_open);
		store_now.becomes = NOTE_FAILED;
		assert_int_equal(fixture_message("<>", TO, HOLD_NONE), fail_open);
		assert_true(fixture->answer.wish.is_hold);
		assert_int_equal(fixture->answer.refuse, !fail_open);
		told_is(fail_open ? "250" : "451");
	}
}

static void
a_450_is_told_with_its_queue_id(void **state)
{
	begin(MODE_RGREY, true);
	assert_false(fixture_message(FROM, TO, HOLD_NONE));
	assert_string_equal(store_now.queue_id, "4Qx1");
	told_is("450");
}

/* What is not on record is noted again, and counts then. */
static void
an_attempt_that_failed_is_noted_at_the_next_450(void **state)
{
	begin(MODE_RGREY, false);
	fixture->snapshot.policy.retry_count = 1;
	fixture->snapshot.policy.delay_s = 0;
	store_now.becomes = NOTE_FAILED;
	assert_false(fixture_message(FROM, TO, HOLD_NONE));
	store_now.becomes = NOTE_WAITING;
	assert_false(fixture_message(FROM, TO, HOLD_NONE));
	assert_int_equal(fixture->answer.wish.reply_until_ms > 0, 1);
	fixture_close();
	fixture_advance(2 * MINUTE);
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
	word_is("why", "tries");
}

/* Nothing is learnt from what was only observed. */
static void
observe_counts_nothing(void **state)
{
	begin(MODE_OBSERVE, true);
	fixture->snapshot.policy.known_gap_s = 0;
	fixture->snapshot.policy.delay_s = fixture->snapshot.policy.retry_gap_s = 0;
	for (int i = 0; i < 8; i++) {
		assert_true(fixture_message(FROM, TO, HOLD_NONE));
		fixture_close();
		fixture_advance(HOUR);
		fixture_connect(SUSPECT, LINE);
	}
	fixture->snapshot.policy.mode = MODE_STRICT;
	assert_false(fixture_message(FROM, TO, HOLD_ELAPSED));
	assert_int_equal(fixture->session->history.address.successes, 0);
}

/* What is known of old is not made younger by being observed. */
static void
observe_keeps_nobody_known_longer(void **state)
{
	begin(MODE_TARGREY, true);
	int64_t known_until = 0;

	for (int i = 0; i < 8; i++) {
		assert_true(fixture_message(FROM, TO, HOLD_ELAPSED));
		known_until = fixture->session->history.address.known_until;
		fixture_close();
		fixture_advance(2 * HOUR);
		fixture_connect(SUSPECT, LINE);
	}
	assert_true(known_until > 0);
	fixture->snapshot.policy.mode = MODE_OBSERVE;
	for (int i = 0; i < 2; i++) {
		fixture_close();
		fixture_advance(5 * DAY);
		assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
		word_is("why", "known-address");
	}
	assert_in_range(fixture->session->history.address.known_until, 1,
	    known_until + 2 * HOUR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        a_450_that_cannot_be_recorded_becomes_an_acceptance_that_says_so),
	    cmocka_unit_test(
	        a_450_that_cannot_be_recorded_becomes_a_451_with_tempfail),
	    cmocka_unit_test(a_record_that_takes_too_long_is_none),
	    cmocka_unit_test(an_mta_that_went_away_in_a_hold_was_told_no_450),
	    cmocka_unit_test(a_record_that_a_limit_refused_is_still_a_450),
	    cmocka_unit_test(
	        without_memory_nobody_is_greylisted_but_held_all_the_same),
	    cmocka_unit_test(a_hold_whose_attempt_is_lost_says_so),
	    cmocka_unit_test(
	        a_hold_at_data_ends_by_on_failure_when_its_record_is_lost),
	    cmocka_unit_test(a_450_is_told_with_its_queue_id),
	    cmocka_unit_test(an_attempt_that_failed_is_noted_at_the_next_450),
	    cmocka_unit_test(observe_counts_nothing),
	    cmocka_unit_test(observe_keeps_nobody_known_longer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
