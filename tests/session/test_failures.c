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
#include "session/rig.h"
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
	if (note->spec.deed != DEED_ATTEMPT || store_now.becomes == NOTE_WAITING)
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

static struct rig *
begin(enum mode mode, bool fail_open)
{
	struct rig *rig = rig_new(mode);

	memset(&store_now, 0, sizeof store_now);
	rig->world.fail_open = fail_open;
	rig_connect(rig, SUSPECT, LINE);
	return rig;
}

static void
word_is(const struct rig *rig, const char *key, const char *value)
{
	assert_string_equal(rig_word(rig, key), value);
}

/* What the event of the last message says was answered. */
static void
told_is(struct rig *rig, const char *reply)
{
	rig_close(rig);
	assert_string_equal(store_now.reply, reply);
	rig_free(&rig);
}

static void
expect_fault(struct rig *rig)
{
	word_is(rig, "fault", "store");
	word_is(rig, "why", "fault");
	word_is(rig, "verdict", "pass");
	assert_non_null(strstr(rig_header(rig, "X-TaRgrey-Flags"), "FAULT"));
}

static void
a_450_that_cannot_be_recorded_becomes_an_acceptance_that_says_so(void **state)
{
	struct rig *rig = begin(MODE_RGREY, true);

	(void)state;
	store_now.becomes = NOTE_FAILED;
	assert_true(rig_message(rig, FROM, TO, HOLD_NONE));
	assert_false(rig->answer.refuse);
	expect_fault(rig);
	told_is(rig, "250");
}

static void
a_450_that_cannot_be_recorded_becomes_a_451_with_tempfail(void **state)
{
	struct rig *rig = begin(MODE_RGREY, false);

	(void)state;
	store_now.becomes = NOTE_FAILED;
	assert_false(rig_message(rig, FROM, TO, HOLD_NONE));
	assert_true(rig->answer.refuse);
	assert_string_equal(rig->answer.code, "451");
	assert_int_equal(rig->decided, -1);
	told_is(rig, "451");
}

/* A disk so slow that nobody decides in time: 451, no 450 without a record. */
static void
a_record_that_takes_too_long_is_none(void **state)
{
	(void)state;
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		struct rig *rig = begin(MODE_RGREY, fail_open);
		store_now.becomes = NOTE_WAITING + 1;
		store_now.is_never_decided = true;
		assert_int_equal(rig_message(rig, FROM, TO, HOLD_NONE), fail_open);
		assert_in_range(
		    rig->answer.wish.reply_until_ms - rig->now_ms, 1, 5000);
		if (fail_open)
			expect_fault(rig);
		else
			assert_string_equal(rig->answer.code, "451");
		told_is(rig, fail_open ? "250" : "451");
	}
}

static void
a_record_that_a_limit_refused_is_still_a_450(void **state)
{
	(void)state;
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		struct rig *rig = begin(MODE_RGREY, fail_open);
		store_now.becomes = NOTE_LIMITED;
		rig_mail(rig, FROM);
		rig_rcpt_alone(rig, TO);
		assert_true(rig_data_refused(rig));
		assert_true(rig->last.other);
		rig_abort(rig);
		assert_int_equal(rig->session->fault, FAULT_LIMIT);
		told_is(rig, "450");
	}
}

static void
without_memory_nobody_is_greylisted_but_held_all_the_same(void **state)
{
	(void)state;
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		struct rig *rig = begin(MODE_RGREY, fail_open);
		store_now.cannot_read = true;
		assert_int_equal(rig_message(rig, FROM, TO, HOLD_NONE), fail_open);
		assert_int_equal(rig->waits, 0);
		if (fail_open)
			expect_fault(rig);
		told_is(rig, fail_open ? "250" : "451");

		rig = begin(MODE_TARGREY, fail_open);
		store_now.cannot_read = true;
		assert_true(rig_message(rig, FROM, TO, HOLD_ELAPSED));
		word_is(rig, "tarpit", "endured");
		word_is(rig, "verdict", "hold");
		word_is(rig, "fault", "store");
		told_is(rig, "250");
	}
}

/* The hold needs no record; the header knows that there is none. */
static void
a_hold_whose_attempt_is_lost_says_so(void **state)
{
	struct rig *rig = begin(MODE_TARGREY, true);

	(void)state;
	store_now.becomes = NOTE_FAILED;
	assert_true(rig_message(rig, FROM, TO, HOLD_ELAPSED));
	word_is(rig, "tarpit", "endured");
	word_is(rig, "fault", "store");
	assert_non_null(strstr(rig_header(rig, "X-TaRgrey-Flags"), "FAULT"));
	rig_free(&rig);
}

/* strict, null sender: the 450 after the hold needs its record, too. */
static void
a_hold_at_data_ends_by_on_failure_when_its_record_is_lost(void **state)
{
	(void)state;
	for (int fail_open = 0; fail_open < 2; fail_open++) {
		struct rig *rig = begin(MODE_STRICT, fail_open);
		store_now.becomes = NOTE_FAILED;
		assert_int_equal(rig_message(rig, "<>", TO, HOLD_NONE), fail_open);
		assert_true(rig->answer.wish.is_hold);
		assert_int_equal(rig->answer.refuse, !fail_open);
		told_is(rig, fail_open ? "250" : "451");
	}
}

static void
a_450_is_told_with_its_queue_id(void **state)
{
	struct rig *rig = begin(MODE_RGREY, true);

	(void)state;
	assert_false(rig_message(rig, FROM, TO, HOLD_NONE));
	assert_string_equal(store_now.queue_id, "4Qx1");
	told_is(rig, "450");
}

/* What is not on record is noted again, and counts then. */
static void
an_attempt_that_failed_is_noted_at_the_next_450(void **state)
{
	struct rig *rig = begin(MODE_RGREY, false);

	(void)state;
	rig->world.policy.retry_count = 1;
	rig->world.policy.delay_s = 0;
	store_now.becomes = NOTE_FAILED;
	assert_false(rig_message(rig, FROM, TO, HOLD_NONE));
	store_now.becomes = NOTE_WAITING;
	assert_false(rig_message(rig, FROM, TO, HOLD_NONE));
	assert_int_equal(rig->answer.wish.reply_until_ms > 0, 1);
	rig_close(rig);
	rig_advance(rig, 2 * MINUTE);
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, FROM, TO, HOLD_NONE));
	word_is(rig, "why", "tries");
	rig_free(&rig);
}

/* Nothing is learnt from what was only observed. */
static void
observe_counts_nothing(void **state)
{
	struct rig *rig = begin(MODE_OBSERVE, true);

	(void)state;
	rig->world.policy.auto_allow_gap_s = 0;
	rig->world.policy.delay_s = rig->world.policy.retry_gap_s = 0;
	for (int i = 0; i < 8; i++) {
		assert_true(rig_message(rig, FROM, TO, HOLD_NONE));
		rig_close(rig);
		rig_advance(rig, HOUR);
		rig_connect(rig, SUSPECT, LINE);
	}
	rig->world.policy.mode = MODE_STRICT;
	assert_false(rig_message(rig, FROM, TO, HOLD_ELAPSED));
	assert_int_equal(rig->session->history.address.successes, 0);
	rig_free(&rig);
}

/* What is known of old is not made younger by being observed. */
static void
observe_prolongs_no_allowance(void **state)
{
	struct rig *rig = begin(MODE_TARGREY, true);
	int64_t allowed_until = 0;

	(void)state;
	for (int i = 0; i < 8; i++) {
		assert_true(rig_message(rig, FROM, TO, HOLD_ELAPSED));
		allowed_until = rig->session->history.address.allowed_until;
		rig_close(rig);
		rig_advance(rig, 2 * HOUR);
		rig_connect(rig, SUSPECT, LINE);
	}
	assert_true(allowed_until > 0);
	rig->world.policy.mode = MODE_OBSERVE;
	for (int i = 0; i < 2; i++) {
		rig_close(rig);
		rig_advance(rig, 5 * DAY);
		rig_connect(rig, SUSPECT, LINE);
		assert_true(rig_message(rig, FROM, TO, HOLD_NONE));
		word_is(rig, "why", "allowed-address");
	}
	assert_in_range(rig->session->history.address.allowed_until, 1,
	    allowed_until + 2 * HOUR);
	rig_free(&rig);
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
	    cmocka_unit_test(observe_prolongs_no_allowance),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
