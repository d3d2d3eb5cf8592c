/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of a header that speak in our name, and what becomes of them. */
#include <stdio.h>

#include "session/visits.h"

#define HOST "mx.example.jp"

static void
reach_data(void)
{
	fixture_connect("192.0.2.1", SERVER);
	fixture_mail(FROM);
	assert_true(reaches_data(TO, HOLD_NONE));
}

static void
send_message(void)
{
	reach_data();
	session_header(
	    fixture->session, "Authentication-Results", "other.example; none");
	session_header(
	    fixture->session, "AUTHENTICATION-results ", HOST "; spf=pass");
	session_header(
	    fixture->session, "X-Authentication-Results", HOST "; spf=pass");
	session_header(fixture->session, "ARC-Authentication-Results",
	    "i=1; " HOST "; spf=pass");
	session_header(
	    fixture->session, "Authentication-Results", "third.example; none");
	session_header(
	    fixture->session, "Authentication-Results", HOST " 1; dkim=pass");
	(void)fixture_eom();
	fixture_close();
}

static void
results_in_our_name_are_removed_from_the_last_to_the_first(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture->snapshot.authentication_results = true;
	send_message();
	assert_string_equal(
	    fixture->removed, "Authentication-Results/4 Authentication-Results/2");
	word_is("forged", "0");
}

static void
results_in_our_name_are_kept_unless_we_write_them_ourselves(void **state)
{
	fixture_new(MODE_TARGREY);
	send_message();
	assert_string_equal(fixture->removed, "");
}

static void
forged_copies_are_counted_and_removed_from_the_last_to_the_first(void **state)
{
	fixture_new(MODE_TARGREY);
	reach_data();
	session_header(fixture->session, "X-TaRgrey-Session", "v=1; s25r=none");
	session_header(fixture->session, "X-targrey-SESSION", "v=1");
	session_header(fixture->session, "X-Spam-Status", "No");
	fixture_eom();
	assert_string_equal(
	    fixture->removed, "X-targrey-SESSION/2 X-TaRgrey-Session/1");
	word_is("forged", "2");
	assert_true(has_flag("FORGED"));
}

static void
flood(bool is_ours, unsigned count)
{
	char ours[40];

	for (unsigned i = 0; i < count; i++) {
		snprintf(ours, sizeof ours, "X-TaRgrey-%u", i);
		session_header(fixture->session,
		    is_ours ? ours : "Authentication-Results", HOST "; spf=pass");
	}
}

/* Removing them costs the MTA the square of their number. */
static void
a_message_with_thousands_of_forged_headers_is_refused(void **state)
{
	for (int is_ours = 0; is_ours < 2; is_ours++) {
		fixture_new(MODE_TARGREY);
		fixture->snapshot.authentication_results = true;
		reach_data();
		flood(is_ours, 50000);
		struct answer reply = fixture_eom();
		assert_true(reply.refuse);
		assert_string_equal(reply.code, "450");
		assert_int_equal(fixture->inserted, 0);
		assert_string_equal(fixture->removed, "");
	}
	fixture_mail(FROM);
	assert_true(reaches_data(TO, HOLD_NONE));
	flood(true, 20);
	assert_false(fixture_eom().refuse);
	word_is("forged", "20");
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

	for (size_t i = 0; i < 3; i++) {
		fixture_new(MODE_STARPIT);
		char value[80];
		fixture->snapshot.trusted_relays = relays;
		fixture->snapshot.trusted_count = 1;
		fixture_connect(cases[i].ip, LINE);
		fixture_mail(FROM);
		fixture_rcpt(TO, HOLD_ELAPSED);
		assert_false(fixture_data_refused());
		snprintf(
		    value, sizeof value, "v=1; id=%s; sid=4f2a9c01b7", cases[i].id);
		session_header(fixture->session, "X-TaRgrey-Session", value);
		fixture_eom();
		assert_string_equal(
		    fixture->removed, cases[i].kept ? "" : "X-TaRgrey-Session/1");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        results_in_our_name_are_removed_from_the_last_to_the_first),
	    cmocka_unit_test(
	        results_in_our_name_are_kept_unless_we_write_them_ourselves),
	    cmocka_unit_test(
	        forged_copies_are_counted_and_removed_from_the_last_to_the_first),
	    cmocka_unit_test(a_message_with_thousands_of_forged_headers_is_refused),
	    cmocka_unit_test(headers_of_a_trusted_relay_are_kept_and_of_others_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
