/* SPDX-License-Identifier: BSD-2-Clause */
/* How long who is held, and what is said of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/siphash.h"
#include "policy/cases.h"
#include "session/rig.h"
#include "session/session_private.h"

#define LINE    "p7-dyn100.example.net"
#define SUSPECT "198.51.100.7"
#define FROM    "<a@example.net>"
#define TO      "<u@example.jp>"

static void
word_is(const struct rig *rig, const char *key, const char *value)
{
	assert_string_equal(rig_word(rig, key), value);
}

static bool
has_flag(const struct rig *rig, const char *flag)
{
	return strstr(rig_header(rig, "X-TaRgrey-Flags"), flag) != NULL;
}

static void
a_hold_of_no_length_holds_nobody_and_counts_nothing(void **state)
{
	(void)state;
	for (int at_data = 0; at_data < 2; at_data++) {
		struct rig *rig = rig_new(MODE_TARGREY);
		rig->world.policy.hold_s = 0;
		for (int i = 0; i < 7; i++) {
			rig_connect(rig, SUSPECT, LINE);
			assert_true(rig_message(
			    rig, at_data ? "<>" : FROM, TO, HOLD_ELAPSED));
			word_is(rig, "verdict", "pass");
			word_is(rig, "tarpit", "none");
			word_is(rig, "passed", "0");
			rig_close(rig);
			rig_advance(rig, 2 * HOUR);
		}
		assert_int_equal(rig->waits, 0);
		rig_free(&rig);
	}
}

static void
a_hold_of_no_length_is_followed_by_a_450_in_strict(void **state)
{
	struct rig *rig = rig_new(MODE_STRICT);

	(void)state;
	rig->world.policy.hold_s = 0;
	rig_connect(rig, SUSPECT, LINE);
	assert_false(rig_message(rig, FROM, TO, HOLD_NONE));
	assert_false(rig->answer.wish.is_hold);
	assert_int_equal(rig->waits, 1);
	rig_free(&rig);
}

static int64_t
asked_ms(struct rig *rig, const char *ip)
{
	rig_connect(rig, ip, LINE);
	rig_mail(rig, FROM);
	struct answer answer = rig_rcpt_alone(rig, TO);
	int64_t asked = answer.wish.reply_until_ms - rig->now_ms;
	rig_close(rig);
	return asked;
}

static void
a_hold_and_the_delay_before_it_stay_under_four_minutes(void **state)
{
	struct rig *rig = rig_new(MODE_STARPIT);

	(void)state;
	rig->world.policy.hold_s = 240;
	rig->world.policy.vary_percent = 0;
	assert_int_equal(asked_ms(rig, SUSPECT), 240000);
	rig->delayed_ms = 30000;
	assert_int_equal(asked_ms(rig, SUSPECT), 210000);
	rig_free(&rig);
}

static void
a_hold_at_data_and_the_delay_before_it_stay_under_100_seconds(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig->delayed_ms = 30000;
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, "<>", TO, HOLD_NONE));
	assert_in_range(rig->answer.wish.reply_until_ms, 1, rig->now_ms);
	word_is(rig, "tarpit_secs", "69");
	rig_free(&rig);
}

static void
a_client_is_varied_alike_at_each_visit(void **state)
{
	struct rig *rig = rig_new(MODE_STARPIT);
	unsigned others = 0;

	(void)state;
	rig->world.policy.vary_percent = 100;
	int64_t first = asked_ms(rig, SUSPECT);
	for (unsigned i = 1; i < 50; i++) {
		char ip[20];
		snprintf(ip, sizeof ip, "198.51.100.%u", 100 + i);
		others += asked_ms(rig, ip) != first;
		assert_int_equal(asked_ms(rig, SUSPECT), first);
	}
	assert_true(others > 40);
	rig_free(&rig);
}

static uint64_t
place_of(struct rig *rig, const char *ip)
{
	uint64_t key = 0;

	rig_connect(rig, ip, LINE);
	rig_mail(rig, FROM);
	assert_true(session_wants_place(rig->session, &key));
	rig_close(rig);
	return key;
}

/* IPv4: /24, IPv6: /48 */
static void
the_budget_counts_networks(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);
	uint64_t v4 = place_of(rig, "198.51.100.7");
	uint64_t v6 = place_of(rig, "2001:db8:1:1::25");

	(void)state;
	assert_true(v4 == place_of(rig, "198.51.100.200"));
	assert_true(v4 != place_of(rig, "198.51.101.7"));
	assert_true(v6 == place_of(rig, "2001:db8:1:ffff::1"));
	assert_true(v6 != place_of(rig, "2001:db8:2:1::25"));
	rig_free(&rig);
}

static void
who_cannot_be_held_wants_no_place(void **state)
{
	uint64_t key;

	(void)state;
	static const enum mode modes[] = {MODE_OBSERVE, MODE_RGREY};
	for (int i = 0; i < 2; i++) {
		struct rig *rig = rig_new(modes[i]);
		rig_connect(rig, SUSPECT, LINE);
		rig_mail(rig, FROM);
		assert_false(session_wants_place(rig->session, &key));
		rig_free(&rig);
	}
	struct rig *rig = rig_new(MODE_TARGREY);
	rig_connect(rig, "10.1.2.3", LINE);
	rig_mail(rig, FROM);
	assert_false(session_wants_place(rig->session, &key));
	rig_close(rig);
	rig_connect(rig, SUSPECT, LINE);
	rig_mail(rig, FROM);
	rig_rcpt(rig, TO, HOLD_ELAPSED);
	assert_false(session_wants_place(rig->session, &key));
	rig_free(&rig);
}

/* A success counts once a gap, and here there is none. */
static void
one_hold_counts_one_success(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig->world.policy.auto_allow_gap_s = 0;
	rig_connect(rig, SUSPECT, LINE);
	for (int i = 0; i < 4; i++)
		assert_true(rig_message(rig, FROM, TO, HOLD_ELAPSED));
	rig_close(rig);
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, FROM, TO, HOLD_ELAPSED));
	word_is(rig, "passed", "1");
	rig_free(&rig);
}

static void
a_shortened_hold_is_never_endured(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig->holds = rig->max_holds = 50;
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, FROM, TO, HOLD_ELAPSED));
	word_is(rig, "tarpit", "shed");
	assert_true(has_flag(rig, "SHED"));
	assert_false(has_flag(rig, "TARPIT"));
	rig_close(rig);
	rig->holds = 1;
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, FROM, TO, HOLD_ELAPSED));
	word_is(rig, "passed", "0");
	rig_free(&rig);
}

static void
without_a_gate_nobody_is_held_and_the_header_says_so(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig->has_no_gate = true;
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, FROM, TO, HOLD_ELAPSED));
	word_is(rig, "fault", "gate");
	word_is(rig, "tarpit", "none");
	rig_free(&rig);
}

static bool
is_shown(struct rig *rig)
{
	char text[1000] = "";
	FILE *file = fmemopen(text, sizeof text - 1, "w");

	assert_non_null(file);
	board_write(rig->world.board, rig->now_ms / 1000, file);
	fclose(file);
	return strstr(text, "hold\t" SUSPECT "\t") != NULL;
}

static void
a_hold_is_shown_until_it_is_due(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig_connect(rig, SUSPECT, LINE);
	rig_mail(rig, FROM);
	rig_rcpt_alone(rig, TO);
	assert_true(is_shown(rig));
	rig_advance(rig, 125);
	assert_true(is_shown(rig));
	rig_advance(rig, 1);
	assert_false(is_shown(rig));
	rig_free(&rig);
}

/* The attempts of a hold at DATA are those of all its recipients. */
static void
all_recipients_are_noted_at_a_hold_at_data(void **state)
{
	struct rig *rig = rig_new(MODE_STRICT);

	(void)state;
	for (int visit = 0; visit < 3; visit++) {
		rig_connect(rig, SUSPECT, LINE);
		rig_mail(rig, "<>");
		rig_rcpt_alone(rig, "<first@example.jp>");
		rig_rcpt_alone(rig, TO);
		assert_int_equal(rig_data_refused(rig), visit < 2);
		rig_abort(rig);
		rig_close(rig);
		rig_advance(rig, 31 * MINUTE);
	}
	rig->world.policy.retry_count = 2;
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, "<>", TO, HOLD_NONE));
	word_is(rig, "why", "tries");
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hold_of_no_length_holds_nobody_and_counts_nothing),
	    cmocka_unit_test(a_hold_of_no_length_is_followed_by_a_450_in_strict),
	    cmocka_unit_test(
	        a_hold_and_the_delay_before_it_stay_under_four_minutes),
	    cmocka_unit_test(
	        a_hold_at_data_and_the_delay_before_it_stay_under_100_seconds),
	    cmocka_unit_test(a_client_is_varied_alike_at_each_visit),
	    cmocka_unit_test(the_budget_counts_networks),
	    cmocka_unit_test(who_cannot_be_held_wants_no_place),
	    cmocka_unit_test(one_hold_counts_one_success),
	    cmocka_unit_test(a_shortened_hold_is_never_endured),
	    cmocka_unit_test(without_a_gate_nobody_is_held_and_the_header_says_so),
	    cmocka_unit_test(a_hold_is_shown_until_it_is_due),
	    cmocka_unit_test(all_recipients_are_noted_at_a_hold_at_data),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
