/* SPDX-License-Identifier: BSD-2-Clause */
/* How long who is held, and what is said of it. */
#include <stdio.h>
#include <string.h>

#include "base/siphash.h"
#include "session/visits.h"
#include "session/session_private.h"

static void
a_hold_of_no_length_holds_nobody_and_counts_nothing(void **state)
{
	for (int at_data = 0; at_data < 2; at_data++) {
		fixture_new(MODE_TARGREY);
		fixture->snapshot.policy.hold_s = 0;
		for (int i = 0; i < 7; i++) {
			assert_true(visit(SUSPECT, LINE, at_data ? "<>" : FROM, TO,
			    HOLD_ELAPSED));
			word_is("verdict", "pass");
			word_is("tarpit", "none");
			word_is("passed", "0");
			fixture_close();
			fixture_advance(2 * HOUR);
		}
		assert_int_equal(fixture->waits, 0);
	}
}

static void
a_hold_of_no_length_is_followed_by_a_450_in_strict(void **state)
{
	fixture_new(MODE_STRICT);
	fixture->snapshot.policy.hold_s = 0;
	assert_false(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
	assert_false(fixture->answer.wish.is_hold);
	assert_int_equal(fixture->waits, 1);
}

static int64_t
asked_ms(const char *ip)
{
	fixture_connect(ip, LINE);
	fixture_mail(FROM);
	struct answer answer = fixture_rcpt_alone(TO);
	int64_t asked = answer.wish.reply_until_ms - fixture->now_ms;
	fixture_close();
	return asked;
}

static void
a_hold_and_the_delay_before_it_stay_under_four_minutes(void **state)
{
	fixture_new(MODE_STARPIT);
	fixture->snapshot.policy.hold_s = 240;
	fixture->snapshot.policy.vary_percent = 0;
	assert_int_equal(asked_ms(SUSPECT), 240000);
	fixture->delayed_ms = 30000;
	assert_int_equal(asked_ms(SUSPECT), 210000);
}

static void
a_hold_at_data_and_the_delay_before_it_stay_under_100_seconds(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture->delayed_ms = 30000;
	assert_true(visit(SUSPECT, LINE, "<>", TO, HOLD_NONE));
	assert_in_range(fixture->answer.wish.reply_until_ms, 1, fixture->now_ms);
	word_is("tarpit_secs", "69");
}

static void
a_client_is_varied_alike_at_each_visit(void **state)
{
	fixture_new(MODE_STARPIT);
	unsigned others = 0;

	fixture->snapshot.policy.vary_percent = 100;
	int64_t first = asked_ms(SUSPECT);
	for (unsigned i = 1; i < 50; i++) {
		char ip[20];
		snprintf(ip, sizeof ip, "198.51.100.%u", 100 + i);
		others += asked_ms(ip) != first;
		assert_int_equal(asked_ms(SUSPECT), first);
	}
	assert_true(others > 40);
}

static uint64_t
place_of(const char *ip)
{
	uint64_t key = 0;

	fixture_connect(ip, LINE);
	fixture_mail(FROM);
	assert_true(session_wants_place(fixture->session, &key));
	fixture_close();
	return key;
}

/* IPv4: /24, IPv6: /48 */
static void
the_budget_counts_networks(void **state)
{
	fixture_new(MODE_TARGREY);
	uint64_t v4 = place_of(SUSPECT);
	uint64_t v6 = place_of("2001:db8:1:1::25");

	assert_true(v4 == place_of("198.51.100.200"));
	assert_true(v4 != place_of("198.51.101.7"));
	assert_true(v6 == place_of("2001:db8:1:ffff::1"));
	assert_true(v6 != place_of("2001:db8:2:1::25"));
}

static void
who_cannot_be_held_wants_no_place(void **state)
{
	uint64_t key;

	static const enum mode modes[] = {MODE_OBSERVE, MODE_RGREY};
	for (int i = 0; i < 2; i++) {
		fixture_new(modes[i]);
		fixture_connect(SUSPECT, LINE);
		fixture_mail(FROM);
		assert_false(session_wants_place(fixture->session, &key));
	}
	fixture_new(MODE_TARGREY);
	fixture_connect("10.1.2.3", LINE);
	fixture_mail(FROM);
	assert_false(session_wants_place(fixture->session, &key));
	fixture_close();
	fixture_connect(SUSPECT, LINE);
	fixture_mail(FROM);
	fixture_rcpt(TO, HOLD_ELAPSED);
	assert_false(session_wants_place(fixture->session, &key));
}

/* A success counts once a gap, and here there is none. */
static void
one_hold_counts_one_success(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture->snapshot.policy.known_gap_s = 0;
	fixture_connect(SUSPECT, LINE);
	for (int i = 0; i < 4; i++)
		assert_true(fixture_message(FROM, TO, HOLD_ELAPSED));
	fixture_close();
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	word_is("passed", "1");
}

static void
a_shortened_hold_is_never_endured(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture->holds = fixture->max_holds = 50;
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	word_is("tarpit", "shed");
	assert_true(has_flag("SHED"));
	assert_false(has_flag("TARPIT"));
	fixture_close();
	fixture->holds = 1;
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	word_is("passed", "0");
}

static void
without_a_gate_nobody_is_held_and_the_header_says_so(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture->has_no_gate = true;
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	word_is("fault", "gate");
	word_is("tarpit", "none");
}

static bool
is_shown(void)
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
	fixture_new(MODE_TARGREY);
	fixture_connect(SUSPECT, LINE);
	fixture_mail(FROM);
	fixture_rcpt_alone(TO);
	assert_true(is_shown());
	fixture_advance(125);
	assert_true(is_shown());
	fixture_advance(1);
	assert_false(is_shown());
}

/* The attempts of a hold at DATA are those of all its recipients. */
static void
all_recipients_are_noted_at_a_hold_at_data(void **state)
{
	fixture_new(MODE_STRICT);
	for (int i = 0; i < 3; i++) {
		fixture_connect(SUSPECT, LINE);
		fixture_mail("<>");
		fixture_rcpt_alone("<first@example.jp>");
		fixture_rcpt_alone(TO);
		assert_int_equal(fixture_data_refused(), i < 2);
		fixture_abort();
		fixture_close();
		fixture_advance(31 * MINUTE);
	}
	fixture->snapshot.policy.retry_count = 2;
	assert_true(visit(SUSPECT, LINE, "<>", TO, HOLD_NONE));
	word_is("why", "tries");
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
