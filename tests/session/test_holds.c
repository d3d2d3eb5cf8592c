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
#include "session/session_fixture.h"
#include "session/session_private.h"

#define LINE    "p7-dyn100.example.net"
#define SUSPECT "198.51.100.7"
#define FROM    "<a@example.net>"
#define TO      "<u@example.jp>"

static void
word_is(const struct session_fixture *fixture, const char *key, const char *value)
{
	assert_string_equal(fixture_word(fixture, key), value);
}

static bool
has_flag(const struct session_fixture *fixture, const char *flag)
{
	return strstr(fixture_header(fixture, "X-TaRgrey-Flags"), flag) != NULL;
}

static void
a_hold_of_no_length_holds_nobody_and_counts_nothing(void **state)
{
	(void)state;
	for (int at_data = 0; at_data < 2; at_data++) {
		struct session_fixture *fixture = fixture_new(MODE_TARGREY);
		fixture->snapshot.policy.hold_s = 0;
		for (int i = 0; i < 7; i++) {
			fixture_connect(fixture, SUSPECT, LINE);
			assert_true(fixture_message(
			    fixture, at_data ? "<>" : FROM, TO, HOLD_ELAPSED));
			word_is(fixture, "verdict", "pass");
			word_is(fixture, "tarpit", "none");
			word_is(fixture, "passed", "0");
			fixture_close(fixture);
			fixture_advance(fixture, 2 * HOUR);
		}
		assert_int_equal(fixture->waits, 0);
		fixture_free(&fixture);
	}
}

static void
a_hold_of_no_length_is_followed_by_a_450_in_strict(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_STRICT);

	(void)state;
	fixture->snapshot.policy.hold_s = 0;
	fixture_connect(fixture, SUSPECT, LINE);
	assert_false(fixture_message(fixture, FROM, TO, HOLD_NONE));
	assert_false(fixture->answer.wish.is_hold);
	assert_int_equal(fixture->waits, 1);
	fixture_free(&fixture);
}

static int64_t
asked_ms(struct session_fixture *fixture, const char *ip)
{
	fixture_connect(fixture, ip, LINE);
	fixture_mail(fixture, FROM);
	struct answer answer = fixture_rcpt_alone(fixture, TO);
	int64_t asked = answer.wish.reply_until_ms - fixture->now_ms;
	fixture_close(fixture);
	return asked;
}

static void
a_hold_and_the_delay_before_it_stay_under_four_minutes(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_STARPIT);

	(void)state;
	fixture->snapshot.policy.hold_s = 240;
	fixture->snapshot.policy.vary_percent = 0;
	assert_int_equal(asked_ms(fixture, SUSPECT), 240000);
	fixture->delayed_ms = 30000;
	assert_int_equal(asked_ms(fixture, SUSPECT), 210000);
	fixture_free(&fixture);
}

static void
a_hold_at_data_and_the_delay_before_it_stay_under_100_seconds(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);

	(void)state;
	fixture->delayed_ms = 30000;
	fixture_connect(fixture, SUSPECT, LINE);
	assert_true(fixture_message(fixture, "<>", TO, HOLD_NONE));
	assert_in_range(fixture->answer.wish.reply_until_ms, 1, fixture->now_ms);
	word_is(fixture, "tarpit_secs", "69");
	fixture_free(&fixture);
}

static void
a_client_is_varied_alike_at_each_visit(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_STARPIT);
	unsigned others = 0;

	(void)state;
	fixture->snapshot.policy.vary_percent = 100;
	int64_t first = asked_ms(fixture, SUSPECT);
	for (unsigned i = 1; i < 50; i++) {
		char ip[20];
		snprintf(ip, sizeof ip, "198.51.100.%u", 100 + i);
		others += asked_ms(fixture, ip) != first;
		assert_int_equal(asked_ms(fixture, SUSPECT), first);
	}
	assert_true(others > 40);
	fixture_free(&fixture);
}

static uint64_t
place_of(struct session_fixture *fixture, const char *ip)
{
	uint64_t key = 0;

	fixture_connect(fixture, ip, LINE);
	fixture_mail(fixture, FROM);
	assert_true(session_wants_place(fixture->session, &key));
	fixture_close(fixture);
	return key;
}

/* IPv4: /24, IPv6: /48 */
static void
the_budget_counts_networks(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);
	uint64_t v4 = place_of(fixture, "198.51.100.7");
	uint64_t v6 = place_of(fixture, "2001:db8:1:1::25");

	(void)state;
	assert_true(v4 == place_of(fixture, "198.51.100.200"));
	assert_true(v4 != place_of(fixture, "198.51.101.7"));
	assert_true(v6 == place_of(fixture, "2001:db8:1:ffff::1"));
	assert_true(v6 != place_of(fixture, "2001:db8:2:1::25"));
	fixture_free(&fixture);
}

static void
who_cannot_be_held_wants_no_place(void **state)
{
	uint64_t key;

	(void)state;
	static const enum mode modes[] = {MODE_OBSERVE, MODE_RGREY};
	for (int i = 0; i < 2; i++) {
		struct session_fixture *fixture = fixture_new(modes[i]);
		fixture_connect(fixture, SUSPECT, LINE);
		fixture_mail(fixture, FROM);
		assert_false(session_wants_place(fixture->session, &key));
		fixture_free(&fixture);
	}
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);
	fixture_connect(fixture, "10.1.2.3", LINE);
	fixture_mail(fixture, FROM);
	assert_false(session_wants_place(fixture->session, &key));
	fixture_close(fixture);
	fixture_connect(fixture, SUSPECT, LINE);
	fixture_mail(fixture, FROM);
	fixture_rcpt(fixture, TO, HOLD_ELAPSED);
	assert_false(session_wants_place(fixture->session, &key));
	fixture_free(&fixture);
}

/* A success counts once a gap, and here there is none. */
static void
one_hold_counts_one_success(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);

	(void)state;
	fixture->snapshot.policy.known_gap_s = 0;
	fixture_connect(fixture, SUSPECT, LINE);
	for (int i = 0; i < 4; i++)
		assert_true(fixture_message(fixture, FROM, TO, HOLD_ELAPSED));
	fixture_close(fixture);
	fixture_connect(fixture, SUSPECT, LINE);
	assert_true(fixture_message(fixture, FROM, TO, HOLD_ELAPSED));
	word_is(fixture, "passed", "1");
	fixture_free(&fixture);
}

static void
a_shortened_hold_is_never_endured(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);

	(void)state;
	fixture->holds = fixture->max_holds = 50;
	fixture_connect(fixture, SUSPECT, LINE);
	assert_true(fixture_message(fixture, FROM, TO, HOLD_ELAPSED));
	word_is(fixture, "tarpit", "shed");
	assert_true(has_flag(fixture, "SHED"));
	assert_false(has_flag(fixture, "TARPIT"));
	fixture_close(fixture);
	fixture->holds = 1;
	fixture_connect(fixture, SUSPECT, LINE);
	assert_true(fixture_message(fixture, FROM, TO, HOLD_ELAPSED));
	word_is(fixture, "passed", "0");
	fixture_free(&fixture);
}

static void
without_a_gate_nobody_is_held_and_the_header_says_so(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);

	(void)state;
	fixture->has_no_gate = true;
	fixture_connect(fixture, SUSPECT, LINE);
	assert_true(fixture_message(fixture, FROM, TO, HOLD_ELAPSED));
	word_is(fixture, "fault", "gate");
	word_is(fixture, "tarpit", "none");
	fixture_free(&fixture);
}

static bool
is_shown(struct session_fixture *fixture)
{
	char text[1000] = "";
	FILE *file = fmemopen(text, sizeof text - 1, "w");

	assert_non_null(file);
	activity_write(fixture->snapshot.activity, fixture->now_ms / 1000, file);
	fclose(file);
	return strstr(text, "hold\t" SUSPECT "\t") != NULL;
}

static void
a_hold_is_shown_until_it_is_due(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);

	(void)state;
	fixture_connect(fixture, SUSPECT, LINE);
	fixture_mail(fixture, FROM);
	fixture_rcpt_alone(fixture, TO);
	assert_true(is_shown(fixture));
	fixture_advance(fixture, 125);
	assert_true(is_shown(fixture));
	fixture_advance(fixture, 1);
	assert_false(is_shown(fixture));
	fixture_free(&fixture);
}

/* The attempts of a hold at DATA are those of all its recipients. */
static void
all_recipients_are_noted_at_a_hold_at_data(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_STRICT);

	(void)state;
	for (int visit = 0; visit < 3; visit++) {
		fixture_connect(fixture, SUSPECT, LINE);
		fixture_mail(fixture, "<>");
		fixture_rcpt_alone(fixture, "<first@example.jp>");
		fixture_rcpt_alone(fixture, TO);
		assert_int_equal(fixture_data_refused(fixture), visit < 2);
		fixture_abort(fixture);
		fixture_close(fixture);
		fixture_advance(fixture, 31 * MINUTE);
	}
	fixture->snapshot.policy.retry_count = 2;
	fixture_connect(fixture, SUSPECT, LINE);
	assert_true(fixture_message(fixture, "<>", TO, HOLD_NONE));
	word_is(fixture, "why", "tries");
	fixture_free(&fixture);
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
