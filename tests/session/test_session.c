/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "session/visits.h"

static void
a_verified_server_is_not_delayed_and_gets_its_headers(void **state)
{
	fixture_new(MODE_TARGREY);
	assert_true(visit("192.0.2.1", SERVER, "<a@example.org>", TO, HOLD_NONE));
	assert_int_equal(fixture->waits, 0);
	assert_string_equal(fixture->names[0], "X-TaRgrey-Session");
	assert_string_equal(fixture->names[1], "X-TaRgrey-Client");
	assert_string_equal(fixture->names[2], "X-TaRgrey-Flags");
	word_is("verdict", "pass");
	word_is("why", "none");
	word_is("s25r", "none");
	word_is("tarpit", "none");
	assert_string_equal(fixture_header("X-TaRgrey-Flags"), "NO-SUCCESS");
}

static void
a_suspect_that_waits_is_accepted_as_endured(void **state)
{
	fixture_new(MODE_TARGREY);
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	assert_int_equal(fixture->waits, 1);
	word_is("verdict", "hold");
	word_is("why", "s25r");
	word_is("s25r_rule", "1");
	word_is("tarpit", "endured");
	word_is("tarpit_secs", "125");
	word_is("passed", "0");
	assert_string_equal(
	    fixture_header("X-TaRgrey-Flags"), "S25R TARPIT NO-SUCCESS");
	fixture_close();

	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	word_is("seen", "1");
	word_is("passed", "1");
}

static void
a_hold_whose_socket_is_not_visible_is_unproven(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture_connect(SUSPECT, LINE);
	fixture_mail(FROM);
	assert_true(reaches_data(TO, HOLD_ELAPSED));
	fixture_eom();
	word_is("tarpit", "endured");
	fixture_close();

	fixture_connect("198.51.100.8", LINE);
	fixture_mail(FROM);
	assert_false(fixture_rcpt(TO, HOLD_ELAPSED).refuse);
	fixture->last.watched = false;
	assert_false(fixture_data_refused());
	fixture_eom();
	word_is("tarpit", "unproven");
}

/* Hang up; back at once; after 31 and 62 minutes. */
static void
a_client_that_hangs_up_is_greylisted_until_its_tries_are_reached(void **state)
{
	fixture_new(MODE_TARGREY);
	const char *from = FROM, *to = TO;

	assert_false(visit(SUSPECT, LINE, from, to, HOLD_GONE));
	fixture_close();

	fixture_advance(5);
	assert_false(visit(SUSPECT, LINE, from, to, HOLD_ELAPSED));
	assert_string_equal(
	    fixture->other, "450 4.7.1 Greylisted, please try again");
	assert_false(fixture->answer.wish.is_hold);
	fixture_close();

	fixture_advance(31 * MINUTE);
	assert_false(visit(SUSPECT, LINE, from, to, HOLD_ELAPSED));
	fixture_close();

	fixture_advance(31 * MINUTE);
	assert_true(visit(SUSPECT, LINE, from, to, HOLD_ELAPSED));
	word_is("verdict", "pass");
	word_is("why", "tries");
	word_is("grey", "passed");
	word_is("grey_tries", "2");
	word_is("early", "yes");
	word_is("gaveup", "1");
	word_is("tarpit", "none");
	assert_true(has_flag("GREY"));
	fixture_close();

	/* The next mail of the same triplet passes, without the old delay. */
	fixture_advance(HOUR);
	assert_true(visit(SUSPECT, LINE, from, to, HOLD_ELAPSED));
	word_is("why", "tries");
	word_is("grey_secs", "0");
	word_is("gaveup", "0");
}

static void
a_stop_or_an_mta_that_is_gone_counts_for_nothing(void **state)
{
	static const enum hold_end ends[] = {HOLD_STOPPED, HOLD_MTA_GONE};

	for (int i = 0; i < 2; i++) {
		fixture_new(MODE_TARGREY);
		assert_false(visit(SUSPECT, LINE, FROM, TO, ends[i]));
		fixture_close();
		/* The next visit is held like the first. */
		assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
		word_is("gaveup", "0");
		word_is("passed", "0");
	}
}

static void
several_recipients_and_messages_meet_one_hold_a_connection(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture_connect(SUSPECT, LINE);
	fixture_mail(FROM);
	assert_false(fixture_rcpt(TO, HOLD_ELAPSED).refuse);
	assert_true(reaches_data("<v@example.jp>", HOLD_ELAPSED));
	assert_false(fixture_eom().refuse);
	assert_true(
	    fixture_message("<b@example.net>", "<w@example.jp>", HOLD_ELAPSED));
	assert_int_equal(fixture->waits, 1);
	word_is("tarpit", "endured");
}

static void
a_call_out_is_never_delayed_and_a_null_sender_is_held_at_data(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture_connect(SUSPECT, LINE);
	fixture_mail("<>");
	assert_false(fixture_rcpt(TO, HOLD_ELAPSED).refuse);
	assert_int_equal(fixture->waits, 0);
	assert_false(fixture_data_refused());
	assert_int_equal(fixture->waits, 1);
	assert_true(fixture->answer.wish.is_hold);
	assert_int_equal(fixture->last.waited_ms, 90000);
	fixture_eom();
	word_is("tarpit", "endured");
	word_is("tarpit_secs", "90");
	word_is("from", "null");
}

static void
exempt_mail_is_not_delayed_and_shows_nothing_of_its_client(void **state)
{
	static const char *const names[] = {"X-TaRgrey-Session", "x-targrey-flags",
	    "X-TARGREY-Session", "X-TaRgrey"};

	for (int authenticated = 0; authenticated < 2; authenticated++) {
		fixture_new(MODE_STRICT);
		fixture_connect(authenticated ? SUSPECT : "10.1.2.3", LINE);
		struct gate_moment moment = fixture_moment();
		session_mail(fixture->session, &moment, FROM, authenticated, false);
		assert_true(reaches_data(TO, HOLD_ELAPSED));
		for (int i = 0; i < 4; i++)
			session_header(fixture->session, names[i], "forged");
		fixture_eom();
		assert_int_equal(fixture->waits, 0);
		assert_int_equal(fixture->inserted, 0);
		assert_string_equal(fixture->removed,
		    "X-TaRgrey/1 X-TARGREY-Session/2 "
		    "x-targrey-flags/1 X-TaRgrey-Session/1");
	}
}

static void
observe_delays_nobody_and_says_what_it_would_have_done(void **state)
{
	fixture_new(MODE_OBSERVE);
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
	assert_int_equal(fixture->waits, 0);
	word_is("verdict", "pass");
	word_is("would", "hold");
	fixture_close();
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
	word_is("seen", "1");
	word_is("passed", "0");
	word_is("would", "hold");
}

static void
strict_holds_and_then_greylists_and_counts_one_attempt_a_visit(void **state)
{
	fixture_new(MODE_STRICT);
	const char *from = FROM, *to = TO;

	for (int i = 0; i < 2; i++) {
		assert_false(visit(SUSPECT, LINE, from, to, HOLD_ELAPSED));
		assert_int_equal(fixture->waits, 2);
		fixture->waits = 0;
		fixture_close();
		fixture_advance(31 * MINUTE);
	}
	assert_true(visit(SUSPECT, LINE, from, to, HOLD_ELAPSED));
	assert_int_equal(fixture->waits, 0);
	word_is("why", "tries");
	word_is("early", "no");
}

static void
strict_refuses_a_null_sender_after_its_hold_at_data(void **state)
{
	fixture_new(MODE_STRICT);
	assert_false(visit(SUSPECT, LINE, "<>", TO, HOLD_NONE));
	assert_int_equal(fixture->waits, 1);
	assert_true(fixture->answer.wish.is_hold && *fixture->other != '\0');
}

static void
rgrey_greylists_the_first_visit_once_for_all_recipients(void **state)
{
	fixture_new(MODE_RGREY);
	fixture_connect(SUSPECT, NULL);
	fixture_mail(FROM);
	for (int i = 0; i < 50; i++) {
		char to[40];
		snprintf(to, sizeof to, "<u%d@example.jp>", i);
		assert_false(fixture_rcpt(to, HOLD_NONE).refuse);
	}
	assert_int_equal(fixture->waits, 0);
	assert_true(fixture_data_refused());
	assert_int_equal(fixture->waits, 1);
}

static void
starpit_holds_also_those_who_went_before(void **state)
{
	fixture_new(MODE_STARPIT);
	assert_false(visit(SUSPECT, LINE, FROM, TO, HOLD_GONE));
	fixture_close();
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	word_is("gaveup", "1");
	word_is("tarpit", "endured");
}

static void
a_full_budget_greylists_a_stranger_and_passes_one_with_a_success(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture->has_no_place = true;
	assert_false(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
	assert_int_equal(fixture->waits, 1); /* for the commit of the attempt */
	fixture_close();

	fixture->has_no_place = false;
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	fixture_close();

	fixture->has_no_place = true;
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
	word_is("why", "overflow");
	word_is("tarpit", "shed");
	assert_true(has_flag("SHED"));
}

static void
of_parallel_connections_the_one_that_endured_wins(void **state)
{
	fixture_new(MODE_TARGREY);
	/* One leaves after the other has endured: nothing against the address. */
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	fixture_close();
	assert_false(visit(SUSPECT, LINE, "<b@example.net>", TO, HOLD_GONE));
	fixture_close();
	assert_true(visit(SUSPECT, LINE, "<c@example.net>", TO, HOLD_ELAPSED));
	word_is("gaveup", "0");
}

static void
refused_recipients_are_only_counted(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture_connect(SUSPECT, LINE);
	fixture_mail(FROM);
	for (int i = 0; i < 3; i++) {
		struct gate_moment moment = fixture_moment();
		struct answer answer = session_rcpt(
		    fixture->session, &moment, "<nobody@example.jp>", true);
		assert_false(answer.refuse);
		assert_true(answer.wish.is_refused);
	}
	assert_int_equal(fixture->waits, 0);
	assert_true(reaches_data(TO, HOLD_ELAPSED));
	fixture_eom();
	word_is("rcpt_refused", "3");
}

/* A message ahead of the 354; CHUNKING may be off (trust_eom) or not. */
static void
a_client_that_talks_on_behind_data_is_known_by_it(void **state)
{
	static const struct {
		enum gate_early ahead;
		bool early, trusts;
		const char *word;
	} cases[] = {{GATE_EARLY_NO, false, false, "no"},
	    {GATE_EARLY_YES, false, false, "unknown"},
	    {GATE_EARLY_YES, false, true, "yes"},
	    {GATE_EARLY_UNKNOWN, false, true, "unknown"},
	    {GATE_EARLY_NO, true, false, "yes"},
	    {GATE_EARLY_UNKNOWN, true, false, "yes"}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fixture_new(MODE_TARGREY);
		fixture->snapshot.policy.trust_eom = cases[i].trusts;
		fixture->talked_early = cases[i].early;
		fixture->ahead = cases[i].ahead;
		assert_true(
		    visit("192.0.2.1", SERVER, "<a@example.org>", TO, HOLD_NONE));
		word_is("pipe", cases[i].word);
	}
}

static void
a_hold_without_a_message_counts_nothing(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture_connect(SUSPECT, LINE);
	fixture_mail(FROM);
	assert_false(fixture_rcpt(TO, HOLD_ELAPSED).refuse);
	fixture_abort();
	fixture_close();
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	word_is("passed", "0");
	word_is("gaveup", "0");
}

static void
what_the_client_says_cannot_leave_its_place(void **state)
{
	fixture_new(MODE_TARGREY);
	char helo[3000];

	memset(helo, ';', sizeof helo);
	memcpy(helo, "x; s25r=match\r\nX-Spam: \xff\"<>%", 28);
	helo[sizeof helo - 1] = '\0';
	fixture_connect("192.0.2.1", SERVER);
	session_helo(fixture->session, helo, false);
	assert_true(
	    fixture_message("<\"; verdict=pass\"@example.org>", TO, HOLD_NONE));
	const char *client = fixture_header("X-TaRgrey-Client");
	assert_null(strpbrk(client, "\r\n\"<>"));
	assert_null(strstr(client, "s25r=match"));
	assert_non_null(
	    strstr(client, "; heloname=x%3B%20s25r%3Dmatch%0D%0AX-Spam:%20%FF%22"));
	assert_non_null(strstr(client, "%7E; key="));
	assert_true(strlen(client) <= 800);
	word_is("helo", "bare");
}

static void
an_ipv6_client_is_remembered_by_its_64(void **state)
{
	fixture_new(MODE_TARGREY);
	assert_true(visit("2001:db8:1:2::25", NULL, FROM, TO, HOLD_ELAPSED));
	assert_non_null(strstr(fixture_header("X-TaRgrey-Client"),
	    "; ip=2001:db8:1:2::25; name=unknown; ptr=unknown; "
	    "heloname=helo.example.net; key=2001:db8:1:2::/64"));
	fixture_close();
	assert_true(visit("2001:db8:1:2::26", NULL, FROM, TO, HOLD_ELAPSED));
	word_is("passed", "1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_verified_server_is_not_delayed_and_gets_its_headers),
	    cmocka_unit_test(a_suspect_that_waits_is_accepted_as_endured),
	    cmocka_unit_test(a_hold_whose_socket_is_not_visible_is_unproven),
	    cmocka_unit_test(
	        a_client_that_hangs_up_is_greylisted_until_its_tries_are_reached),
	    cmocka_unit_test(a_stop_or_an_mta_that_is_gone_counts_for_nothing),
	    cmocka_unit_test(
	        several_recipients_and_messages_meet_one_hold_a_connection),
	    cmocka_unit_test(
	        a_call_out_is_never_delayed_and_a_null_sender_is_held_at_data),
	    cmocka_unit_test(
	        exempt_mail_is_not_delayed_and_shows_nothing_of_its_client),
	    cmocka_unit_test(
	        observe_delays_nobody_and_says_what_it_would_have_done),
	    cmocka_unit_test(
	        strict_holds_and_then_greylists_and_counts_one_attempt_a_visit),
	    cmocka_unit_test(strict_refuses_a_null_sender_after_its_hold_at_data),
	    cmocka_unit_test(
	        rgrey_greylists_the_first_visit_once_for_all_recipients),
	    cmocka_unit_test(starpit_holds_also_those_who_went_before),
	    cmocka_unit_test(
	        a_full_budget_greylists_a_stranger_and_passes_one_with_a_success),
	    cmocka_unit_test(of_parallel_connections_the_one_that_endured_wins),
	    cmocka_unit_test(refused_recipients_are_only_counted),
	    cmocka_unit_test(a_client_that_talks_on_behind_data_is_known_by_it),
	    cmocka_unit_test(a_hold_without_a_message_counts_nothing),
	    cmocka_unit_test(what_the_client_says_cannot_leave_its_place),
	    cmocka_unit_test(an_ipv6_client_is_remembered_by_its_64),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
