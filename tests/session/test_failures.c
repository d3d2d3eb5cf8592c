/* SPDX-License-Identifier: BSD-2-Clause */
/* A store that cannot be read or written: what is done, and what is said of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "policy/cases.h"
#include "session/session_fixture.h"
#include "session/session_private.h"
#include "store/note.h"

#define LINE    "p7-dyn100.example.net"
#define SUSPECT "198.51.100.7"
#define FROM    "<a@example.net>"
#define TO      "<u@example.jp>"

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
	const struct event *event = note->spec.event;

	if (event != NULL && event->reply != NULL)
		snprintf(
		    store_now.reply, sizeof store_now.reply, "%s", event->reply);
	if (event != NULL && event->queue_id != NULL)
		snprintf(store_now.queue_id, sizeof store_now.queue_id, "%s",
		    event->queue_id);
	if (note->spec.outcome != OUTCOME_ATTEMPT ||
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

static struct session_fixture *
begin(enum mode mode, bool fail_open)
{
	struct session_fixture *fixture = fixture_new(mode);

	memset(&store_now, 0, sizeof store_now);
	fixture->snapshot.fail_open = fail_open;
	fixture_connect(fixture, SUSPECT, LINE);
	return fixture;
}

static void
word_is(const struct session_fixture *fixture, const char *key, const char *value)
{
	assert_string_equal(fixture_word(fixture, key), value);
}

/* What the event of the last message says was answered. */
static void
told_is(struct session_fixture *fixture, const char *reply)
{
	fixture_close(fixture);
	assert_string_equal(store_now.reply, reply);
	fixture_free(&fixture);
}

static void
expect_fault(struct session_fixture *fixture)
{
	word_is(fixture, "fault", "store");
	word_is(fixture, "why", "fault");
	word_is(fixture, "verdict", "pass");
	assert_non_null(
	    strstr(fixture_header(fixture, "X-TaRgrey-Flags"), "FAULT"));
}

static void
a_450_that_cannot_be_recorded_becomes_an_acceptance_that_says_so(void **state)
{
	struct session_fixture *fixture = begin(MODE_RGREY, true);

	(void)state;
	store_now.becomes = NOTE_FAILED;
	assert_true(fixture_message(fixture, FROM, TO, HOLD_NONE));
	assert_false(fixture->answer.refuse);
	expect_fault(fixture);
	told_is(fixture, "250");
}

static void
a_450_that_cannot_be_recorded_becomes_a_451_with_tempfail(void **state)
{
	struct session_fixture *fixture = begin(MODE_RGREY, false);

	(void)state;
	store_now.becomes = NOTE_FAILED;
	assert_false(fixture_message(fixture, FROM, TO, HOLD_NONE));
	assert_true(fixture->answer.refuse);
	assert_string_equal(fixture->answer.code, "451");
	assert_int_equal(fixture->decided, -1);
	told_is(fixture, "451");
}

/* A disk so slow that nobody decides in time: 451, no 450 without a record. */
static void
a_record_that_takes_too_long_is_none(void **state)
{
	(void)state;
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		struct session_fixture *fixture = begin(MODE_RGREY, fail_open);
		store_now.becomes = NOTE_WAITING + 1;
		store_now.is_never_decided = true;
		assert_int_equal(
		    fixture_message(fixture, FROM, TO, HOLD_NONE), fail_open);
		assert_in_range(
		    fixture->answer.wish.reply_until_ms - fixture->now_ms, 1, 5000);
		if (fail_open)
			expect_fault(fixture);
		else
			assert_string_equal(fixture->answer.code, "451");
		told_is(fixture, fail_open ? "250" : "451");
	}
}

static void
a_record_that_a_limit_refused_is_still_a_450(void **state)
{
	(void)state;
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		struct session_fixture *fixture = begin(MODE_RGREY, fail_open);
		store_now.becomes = NOTE_LIMITED;
		fixture_mail(fixture, FROM);
		fixture_rcpt_alone(fixture, TO);
		assert_true(fixture_data_refused(fixture));
		assert_true(fixture->last.other);
		fixture_abort(fixture);
		assert_int_equal(fixture->session->fault, FAULT_LIMIT);
		told_is(fixture, "450");
	}
}

static void
without_memory_nobody_is_greylisted_but_held_all_the_same(void **state)
{
	(void)state;
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		struct session_fixture *fixture = begin(MODE_RGREY, fail_open);
		store_now.cannot_read = true;
		assert_int_equal(
		    fixture_message(fixture, FROM, TO, HOLD_NONE), fail_open);
		assert_int_equal(fixture->waits, 0);
		if (fail_open)
			expect_fault(fixture);
		told_is(fixture, fail_open ? "250" : "451");

		fixture = begin(MODE_TARGREY, fail_open);
		store_now.cannot_read = true;
		assert_true(fixture_message(fixture, FROM, TO, HOLD_ELAPSED));
		word_is(fixture, "tarpit", "endured");
		word_is(fixture, "verdict", "hold");
		word_is(fixture, "fault", "store");
		told_is(fixture, "250");
	}
}

/* The hold needs no record; the header knows that there is none. */
static void
a_hold_whose_attempt_is_lost_says_so(void **state)
{
	struct session_fixture *fixture = begin(MODE_TARGREY, true);

	(void)state;
	store_now.becomes = NOTE_FAILED;
	assert_true(fixture_message(fixture, FROM, TO, HOLD_ELAPSED));
	word_is(fixture, "tarpit", "endured");
	word_is(fixture, "fault", "store");
	assert_non_null(
	    strstr(fixture_header(fixture, "X-TaRgrey-Flags"), "FAULT"));
	fixture_free(&fixture);
}

/* strict, null sender: the 450 after the hold needs its record, too. */
static void
a_hold_at_data_ends_by_on_failure_when_its_record_is_lost(void **state)
{
	(void)state;
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		struct session_fixture *fixture = begin(MODE_STRICT, fail_open);
		store_now.becomes = NOTE_FAILED;
		assert_int_equal(
		    fixture_message(fixture, "<>", TO, HOLD_NONE), fail_open);
		assert_true(fixture->answer.wish.is_hold);
		assert_int_equal(fixture->answer.refuse, !fail_open);
		told_is(fixture, fail_open ? "250" : "451");
	}
}

static void
a_450_is_told_with_its_queue_id(void **state)
{
	struct session_fixture *fixture = begin(MODE_RGREY, true);

	(void)state;
	assert_false(fixture_message(fixture, FROM, TO, HOLD_NONE));
	assert_string_equal(store_now.queue_id, "4Qx1");
	told_is(fixture, "450");
}

/* What is not on record is noted again, and counts then. */
static void
an_attempt_that_failed_is_noted_at_the_next_450(void **state)
{
	struct session_fixture *fixture = begin(MODE_RGREY, false);

	(void)state;
	fixture->snapshot.policy.retry_count = 1;
	fixture->snapshot.policy.delay_s = 0;
	store_now.becomes = NOTE_FAILED;
	assert_false(fixture_message(fixture, FROM, TO, HOLD_NONE));
	store_now.becomes = NOTE_WAITING;
	assert_false(fixture_message(fixture, FROM, TO, HOLD_NONE));
	assert_int_equal(fixture->answer.wish.reply_until_ms > 0, 1);
	fixture_close(fixture);
	fixture_advance(fixture, 2 * MINUTE);
	fixture_connect(fixture, SUSPECT, LINE);
	assert_true(fixture_message(fixture, FROM, TO, HOLD_NONE));
	word_is(fixture, "why", "tries");
	fixture_free(&fixture);
}

/* Nothing is learnt from what was only observed. */
static void
observe_counts_nothing(void **state)
{
	struct session_fixture *fixture = begin(MODE_OBSERVE, true);

	(void)state;
	fixture->snapshot.policy.known_gap_s = 0;
	fixture->snapshot.policy.delay_s = fixture->snapshot.policy.retry_gap_s = 0;
	for (int i = 0; i < 8; i++) {
		assert_true(fixture_message(fixture, FROM, TO, HOLD_NONE));
		fixture_close(fixture);
		fixture_advance(fixture, HOUR);
		fixture_connect(fixture, SUSPECT, LINE);
	}
	fixture->snapshot.policy.mode = MODE_STRICT;
	assert_false(fixture_message(fixture, FROM, TO, HOLD_ELAPSED));
	assert_int_equal(fixture->session->history.address.successes, 0);
	fixture_free(&fixture);
}

/* What is known of old is not made younger by being observed. */
static void
observe_keeps_nobody_known_longer(void **state)
{
	struct session_fixture *fixture = begin(MODE_TARGREY, true);
	int64_t known_until = 0;

	(void)state;
	for (int i = 0; i < 8; i++) {
		assert_true(fixture_message(fixture, FROM, TO, HOLD_ELAPSED));
		known_until = fixture->session->history.address.known_until;
		fixture_close(fixture);
		fixture_advance(fixture, 2 * HOUR);
		fixture_connect(fixture, SUSPECT, LINE);
	}
	assert_true(known_until > 0);
	fixture->snapshot.policy.mode = MODE_OBSERVE;
	for (int i = 0; i < 2; i++) {
		fixture_close(fixture);
		fixture_advance(fixture, 5 * DAY);
		fixture_connect(fixture, SUSPECT, LINE);
		assert_true(fixture_message(fixture, FROM, TO, HOLD_NONE));
		word_is(fixture, "why", "known-address");
	}
	assert_in_range(fixture->session->history.address.known_until, 1,
	    known_until + 2 * HOUR);
	fixture_free(&fixture);
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
