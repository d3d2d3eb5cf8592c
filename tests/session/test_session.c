/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "policy/cases.h"
#include "session/rig.h"

#define LINE    "p7-dyn100.example.net"
#define SERVER  "mail.example.org"
#define SUSPECT "198.51.100.7"

static void
word_is(const struct rig *rig, const char *key, const char *value)
{
	assert_string_equal(rig_word(rig, key), value);
}

static void
a_verified_server_is_not_delayed_and_gets_its_headers(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig_connect(rig, "192.0.2.1", SERVER);
	assert_true(
	    rig_message(rig, "<a@example.org>", "<u@example.jp>", HOLD_NONE));
	assert_int_equal(rig->waits, 0);
	assert_string_equal(rig->names[0], "X-TaRgrey-Session");
	assert_string_equal(rig->names[1], "X-TaRgrey-Client");
	assert_string_equal(rig->names[2], "X-TaRgrey-Flags");
	word_is(rig, "verdict", "pass");
	word_is(rig, "why", "none");
	word_is(rig, "s25r", "none");
	word_is(rig, "tarpit", "none");
	assert_string_equal(rig_header(rig, "X-TaRgrey-Flags"), "NO-SUCCESS");
	rig_free(&rig);
}

static void
a_suspect_that_waits_is_accepted_as_endured(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig_connect(rig, SUSPECT, LINE);
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_ELAPSED));
	assert_int_equal(rig->waits, 1);
	word_is(rig, "verdict", "hold");
	word_is(rig, "why", "s25r");
	word_is(rig, "s25r_rule", "1");
	word_is(rig, "tarpit", "endured");
	word_is(rig, "tarpit_secs", "125");
	word_is(rig, "passed", "0");
	assert_string_equal(
	    rig_header(rig, "X-TaRgrey-Flags"), "S25R TARPIT NO-SUCCESS");
	rig_close(rig);

	rig_connect(rig, SUSPECT, LINE);
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_ELAPSED));
	word_is(rig, "seen", "1");
	word_is(rig, "passed", "1");
	rig_free(&rig);
}

static void
a_hold_whose_socket_is_not_visible_is_unproven(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig_connect(rig, SUSPECT, LINE);
	rig_mail(rig, "<a@example.net>");
	assert_false(rig_rcpt(rig, "<u@example.jp>", HOLD_ELAPSED).refuse);
	assert_false(rig_data_refused(rig));
	rig_eom(rig);
	word_is(rig, "tarpit", "endured");
	rig_close(rig);

	rig_connect(rig, "198.51.100.8", LINE);
	rig_mail(rig, "<a@example.net>");
	assert_false(rig_rcpt(rig, "<u@example.jp>", HOLD_ELAPSED).refuse);
	rig->last.watched = false;
	assert_false(rig_data_refused(rig));
	rig_eom(rig);
	word_is(rig, "tarpit", "unproven");
	rig_free(&rig);
}

/* Hang up; back at once; after 31 and 62 minutes. */
static void
a_client_that_hangs_up_is_greylisted_until_its_tries_are_reached(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);
	const char *from = "<a@example.net>", *to = "<u@example.jp>";

	(void)state;
	rig_connect(rig, SUSPECT, LINE);
	assert_false(rig_message(rig, from, to, HOLD_GONE));
	rig_close(rig);

	rig_advance(rig, 5);
	rig_connect(rig, SUSPECT, LINE);
	assert_false(rig_message(rig, from, to, HOLD_ELAPSED));
	assert_string_equal(rig->other, "450 4.7.1 Greylisted, please try again");
	assert_false(rig->answer.wish.is_hold);
	rig_close(rig);

	rig_advance(rig, 31 * MINUTE);
	rig_connect(rig, SUSPECT, LINE);
	assert_false(rig_message(rig, from, to, HOLD_ELAPSED));
	rig_close(rig);

	rig_advance(rig, 31 * MINUTE);
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, from, to, HOLD_ELAPSED));
	word_is(rig, "verdict", "pass");
	word_is(rig, "why", "tries");
	word_is(rig, "grey", "passed");
	word_is(rig, "grey_tries", "2");
	word_is(rig, "early", "yes");
	word_is(rig, "gaveup", "1");
	word_is(rig, "tarpit", "none");
	assert_non_null(strstr(rig_header(rig, "X-TaRgrey-Flags"), "GREY"));
	rig_close(rig);

	/* The next mail of the same triplet passes, without the old delay. */
	rig_advance(rig, HOUR);
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, from, to, HOLD_ELAPSED));
	word_is(rig, "why", "tries");
	word_is(rig, "grey_secs", "0");
	word_is(rig, "gaveup", "0");
	rig_free(&rig);
}

static void
a_stop_or_an_mta_that_is_gone_counts_for_nothing(void **state)
{
	static const enum hold_end ends[] = {HOLD_STOPPED, HOLD_MTA_GONE};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig *rig = rig_new(MODE_TARGREY);
		rig_connect(rig, SUSPECT, LINE);
		assert_false(
		    rig_message(rig, "<a@example.net>", "<u@example.jp>", ends[i]));
		rig_close(rig);
		/* The next visit is held like the first. */
		rig_connect(rig, SUSPECT, LINE);
		assert_true(rig_message(
		    rig, "<a@example.net>", "<u@example.jp>", HOLD_ELAPSED));
		word_is(rig, "gaveup", "0");
		word_is(rig, "passed", "0");
		rig_free(&rig);
	}
}

static void
several_recipients_and_messages_meet_one_hold_a_connection(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig_connect(rig, SUSPECT, LINE);
	rig_mail(rig, "<a@example.net>");
	assert_false(rig_rcpt(rig, "<u@example.jp>", HOLD_ELAPSED).refuse);
	assert_false(rig_rcpt(rig, "<v@example.jp>", HOLD_ELAPSED).refuse);
	assert_false(rig_data_refused(rig));
	assert_false(rig_eom(rig).refuse);
	assert_true(
	    rig_message(rig, "<b@example.net>", "<w@example.jp>", HOLD_ELAPSED));
	assert_int_equal(rig->waits, 1);
	word_is(rig, "tarpit", "endured");
	rig_free(&rig);
}

static void
a_call_out_is_never_delayed_and_a_null_sender_is_held_at_data(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig_connect(rig, SUSPECT, LINE);
	rig_mail(rig, "<>");
	assert_false(rig_rcpt(rig, "<u@example.jp>", HOLD_ELAPSED).refuse);
	assert_int_equal(rig->waits, 0);
	assert_false(rig_data_refused(rig));
	assert_int_equal(rig->waits, 1);
	assert_true(rig->answer.wish.is_hold);
	assert_int_equal(rig->last.waited_ms, 90000);
	rig_eom(rig);
	word_is(rig, "tarpit", "endured");
	word_is(rig, "tarpit_secs", "90");
	word_is(rig, "from", "null");
	rig_free(&rig);
}

static void
exempt_mail_is_not_delayed_and_shows_nothing_of_its_client(void **state)
{
	static const char *const names[] = {"X-TaRgrey-Session", "x-targrey-flags",
	    "X-TARGREY-Session", "X-TaRgrey"};

	(void)state;
	for (int authenticated = 0; authenticated < 2; authenticated++) {
		struct rig *rig = rig_new(MODE_STRICT);
		rig_connect(rig, authenticated ? SUSPECT : "10.1.2.3", LINE);
		struct gate_moment moment = rig_moment(rig);
		session_mail(
		    rig->session, &moment, "<a@example.net>", authenticated, false);
		assert_false(rig_rcpt(rig, "<u@example.jp>", HOLD_ELAPSED).refuse);
		assert_false(rig_data_refused(rig));
		for (int i = 0; i < 4; i++)
			session_header(rig->session, names[i], "forged");
		rig_eom(rig);
		assert_int_equal(rig->waits, 0);
		assert_int_equal(rig->inserted, 0);
		assert_string_equal(rig->removed,
		    "X-TaRgrey-Session/2 X-TaRgrey-Session/1 "
		    "x-targrey-flags/1 X-TaRgrey/1");
		rig_free(&rig);
	}
}

static void
headers_of_a_trusted_relay_are_kept_and_of_others_not(void **state)
{
	char *relays[] = {(char *)(uintptr_t) "mx2.example.jp"};
	const struct {
		const char *ip, *id;
		bool kept;
	} cases[] = {{"10.0.0.2", "mx2.example.jp", true},
	    {"10.0.0.2", "mx3.example.jp", false},
	    {SUSPECT, "mx2.example.jp", false}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct rig *rig = rig_new(MODE_STARPIT);
		char value[80];
		rig->world.trusted_relays = relays;
		rig->world.trusted_count = 1;
		rig_connect(rig, cases[i].ip, LINE);
		rig_mail(rig, "<a@example.net>");
		rig_rcpt(rig, "<u@example.jp>", HOLD_ELAPSED);
		assert_false(rig_data_refused(rig));
		snprintf(
		    value, sizeof value, "v=1; id=%s; sid=4f2a9c01b7", cases[i].id);
		session_header(rig->session, "X-TaRgrey-Session", value);
		rig_eom(rig);
		assert_string_equal(
		    rig->removed, cases[i].kept ? "" : "X-TaRgrey-Session/1");
		rig_free(&rig);
	}
}

static void
forged_copies_are_counted_and_removed_from_the_last_to_the_first(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig_connect(rig, "192.0.2.1", SERVER);
	rig_mail(rig, "<a@example.org>");
	rig_rcpt(rig, "<u@example.jp>", HOLD_NONE);
	rig_data_refused(rig);
	session_header(rig->session, "X-TaRgrey-Session", "v=1; s25r=none");
	session_header(rig->session, "X-targrey-SESSION", "v=1");
	session_header(rig->session, "X-Spam-Status", "No");
	rig_eom(rig);
	assert_string_equal(
	    rig->removed, "X-TaRgrey-Session/2 X-TaRgrey-Session/1");
	word_is(rig, "forged", "2");
	assert_non_null(strstr(rig_header(rig, "X-TaRgrey-Flags"), "FORGED"));
	rig_free(&rig);
}

static void
observe_delays_nobody_and_says_what_it_would_have_done(void **state)
{
	struct rig *rig = rig_new(MODE_OBSERVE);

	(void)state;
	rig_connect(rig, SUSPECT, LINE);
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_NONE));
	assert_int_equal(rig->waits, 0);
	word_is(rig, "verdict", "pass");
	word_is(rig, "would", "hold");
	rig_close(rig);
	rig_connect(rig, SUSPECT, LINE);
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_NONE));
	word_is(rig, "seen", "1");
	word_is(rig, "passed", "0");
	word_is(rig, "would", "hold");
	rig_free(&rig);
}

static void
strict_holds_and_then_greylists_and_counts_one_attempt_a_visit(void **state)
{
	struct rig *rig = rig_new(MODE_STRICT);
	const char *from = "<a@example.net>", *to = "<u@example.jp>";

	(void)state;
	for (int visit = 0; visit < 2; visit++) {
		rig_connect(rig, SUSPECT, LINE);
		assert_false(rig_message(rig, from, to, HOLD_ELAPSED));
		assert_int_equal(rig->waits, 2);
		rig->waits = 0;
		rig_close(rig);
		rig_advance(rig, 31 * MINUTE);
	}
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, from, to, HOLD_ELAPSED));
	assert_int_equal(rig->waits, 0);
	word_is(rig, "why", "tries");
	word_is(rig, "early", "no");
	rig_free(&rig);
}

static void
strict_refuses_a_null_sender_after_its_hold_at_data(void **state)
{
	struct rig *rig = rig_new(MODE_STRICT);

	(void)state;
	rig_connect(rig, SUSPECT, LINE);
	assert_false(rig_message(rig, "<>", "<u@example.jp>", HOLD_NONE));
	assert_int_equal(rig->waits, 1);
	assert_true(rig->answer.wish.is_hold && *rig->other != '\0');
	rig_free(&rig);
}

static void
rgrey_greylists_the_first_visit_once_for_all_recipients(void **state)
{
	struct rig *rig = rig_new(MODE_RGREY);

	(void)state;
	rig_connect(rig, SUSPECT, NULL);
	rig_mail(rig, "<a@example.net>");
	for (int i = 0; i < 50; i++) {
		char to[40];
		snprintf(to, sizeof to, "<u%d@example.jp>", i);
		assert_false(rig_rcpt(rig, to, HOLD_NONE).refuse);
	}
	assert_int_equal(rig->waits, 0);
	assert_true(rig_data_refused(rig));
	assert_int_equal(rig->waits, 1);
	rig_free(&rig);
}

static void
starpit_holds_also_those_who_went_before(void **state)
{
	struct rig *rig = rig_new(MODE_STARPIT);

	(void)state;
	rig_connect(rig, SUSPECT, LINE);
	assert_false(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_GONE));
	rig_close(rig);
	rig_connect(rig, SUSPECT, LINE);
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_ELAPSED));
	word_is(rig, "gaveup", "1");
	word_is(rig, "tarpit", "endured");
	rig_free(&rig);
}

static void
a_full_budget_greylists_a_stranger_and_passes_one_with_a_success(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig->has_no_place = true;
	rig_connect(rig, SUSPECT, LINE);
	assert_false(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_NONE));
	assert_int_equal(rig->waits, 1); /* for the commit of the attempt */
	rig_close(rig);

	rig->has_no_place = false;
	rig_connect(rig, SUSPECT, LINE);
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_ELAPSED));
	rig_close(rig);

	rig->has_no_place = true;
	rig_connect(rig, SUSPECT, LINE);
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_NONE));
	word_is(rig, "why", "overflow");
	word_is(rig, "tarpit", "shed");
	assert_non_null(strstr(rig_header(rig, "X-TaRgrey-Flags"), "SHED"));
	rig_free(&rig);
}

static void
of_parallel_connections_the_one_that_endured_wins(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	/* One leaves after the other has endured: nothing against the address. */
	rig_connect(rig, SUSPECT, LINE);
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_ELAPSED));
	rig_close(rig);
	rig_connect(rig, SUSPECT, LINE);
	assert_false(
	    rig_message(rig, "<b@example.net>", "<u@example.jp>", HOLD_GONE));
	rig_close(rig);
	rig_connect(rig, SUSPECT, LINE);
	assert_true(
	    rig_message(rig, "<c@example.net>", "<u@example.jp>", HOLD_ELAPSED));
	word_is(rig, "gaveup", "0");
	rig_free(&rig);
}

static void
refused_recipients_are_only_counted(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig_connect(rig, SUSPECT, LINE);
	rig_mail(rig, "<a@example.net>");
	for (int i = 0; i < 3; i++) {
		struct gate_moment moment = rig_moment(rig);
		struct answer answer = session_rcpt(
		    rig->session, &moment, "<nobody@example.jp>", true);
		assert_false(answer.refuse);
		assert_true(answer.wish.is_refused);
	}
	assert_int_equal(rig->waits, 0);
	assert_false(rig_rcpt(rig, "<u@example.jp>", HOLD_ELAPSED).refuse);
	assert_false(rig_data_refused(rig));
	rig_eom(rig);
	word_is(rig, "rcpt_refused", "3");
	rig_free(&rig);
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

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rig *rig = rig_new(MODE_TARGREY);
		rig->world.policy.trust_eom = cases[i].trusts;
		rig->talked_early = cases[i].early;
		rig->ahead = cases[i].ahead;
		rig_connect(rig, "192.0.2.1", SERVER);
		assert_true(rig_message(
		    rig, "<a@example.org>", "<u@example.jp>", HOLD_NONE));
		word_is(rig, "pipe", cases[i].word);
		rig_free(&rig);
	}
}

static void
a_hold_without_a_message_counts_nothing(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig_connect(rig, SUSPECT, LINE);
	rig_mail(rig, "<a@example.net>");
	assert_false(rig_rcpt(rig, "<u@example.jp>", HOLD_ELAPSED).refuse);
	rig_abort(rig);
	rig_close(rig);
	rig_connect(rig, SUSPECT, LINE);
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_ELAPSED));
	word_is(rig, "passed", "0");
	word_is(rig, "gaveup", "0");
	rig_free(&rig);
}

static void
what_the_client_says_cannot_leave_its_place(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);
	char helo[3000];

	(void)state;
	memset(helo, ';', sizeof helo);
	memcpy(helo, "x; s25r=match\r\nX-Spam: \xff\"<>%", 28);
	helo[sizeof helo - 1] = '\0';
	rig_connect(rig, "192.0.2.1", SERVER);
	session_helo(rig->session, helo, false);
	assert_true(rig_message(
	    rig, "<\"; verdict=pass\"@example.org>", "<u@example.jp>", HOLD_NONE));
	const char *client = rig_header(rig, "X-TaRgrey-Client");
	assert_null(strpbrk(client, "\r\n\"<>"));
	assert_null(strstr(client, "s25r=match"));
	assert_non_null(
	    strstr(client, "; heloname=x%3B%20s25r%3Dmatch%0D%0AX-Spam:%20%FF%22"));
	assert_non_null(strstr(client, "%7E; key="));
	assert_true(strlen(client) <= 800);
	word_is(rig, "helo", "bare");
	rig_free(&rig);
}

static void
an_ipv6_client_is_remembered_by_its_64(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig_connect(rig, "2001:db8:1:2::25", NULL);
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_ELAPSED));
	assert_non_null(strstr(rig_header(rig, "X-TaRgrey-Client"),
	    "; ip=2001:db8:1:2::25; name=unknown; ptr=unknown; "
	    "heloname=helo.example.net; key=2001:db8:1:2::/64"));
	rig_close(rig);
	rig_connect(rig, "2001:db8:1:2::26", NULL);
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_ELAPSED));
	word_is(rig, "passed", "1");
	rig_free(&rig);
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
	    cmocka_unit_test(headers_of_a_trusted_relay_are_kept_and_of_others_not),
	    cmocka_unit_test(
	        forged_copies_are_counted_and_removed_from_the_last_to_the_first),
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
