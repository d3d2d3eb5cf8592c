/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/session_private.h"
#include "session/visits.h"

#define HOST "mx.example.jp"

static void
our_id_is_found_however_it_is_written(void **state)
{
	static const char *const values[] = {
	    "mx.example.jp; spf=pass smtp.mailfrom=a.example",
	    " mx.example.jp;none",
	    "\n\tMX.Example.JP ; none",
	    "mx.example.jp 1; none",
	    "mx.example.jp/1; none",
	    "mx.example.jp(a comment); none",
	    "(a (nested \\) ;) comment) mx.example.jp; none",
	    "\"mx.example.jp\"; none",
	    "\"mx\\.example.jp\" 1; none",
	    "mx.example.jp",
	};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		assert_true(authres_bears(values[i], HOST));
}

static void
another_id_is_not_taken_for_ours(void **state)
{
	static const char *const values[] = {
	    "",
	    ";",
	    "mx.example.j",
	    "mx.example.jp.evil.example; none",
	    "amx.example.jp; none",
	    "other.example; mx.example.jp",
	    "(mx.example.jp) other.example; none",
	    "(mx.example.jp; none",
	    "\"mx.example.jpx\"; none",
	    "\"mx.example.jp",
	    "\\",
	    "(\\",
	};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		bool cut_short = i == 9; /* an open quote ends with the value */
		assert_int_equal(authres_bears(values[i], HOST), cut_short);
	}
}

static void
send_message(void)
{
	fixture_connect("203.0.113.7", "mail.example.net");
	fixture_mail(FROM);
	(void)fixture_rcpt_alone("<you@example.jp>");
	(void)fixture_data_refused();
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
those_with_our_id_are_removed_from_the_last_to_the_first(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture->snapshot.authentication_results = true;
	send_message();
	assert_string_equal(
	    fixture->removed, "Authentication-Results/4 Authentication-Results/2");
	word_is("forged", "0");
}

static void
a_flood_of_them_is_refused_for_now(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture->snapshot.authentication_results = true;
	fixture_connect("203.0.113.7", "mail.example.net");
	fixture_mail(FROM);
	(void)fixture_rcpt_alone("<you@example.jp>");
	(void)fixture_data_refused();
	for (int i = 0; i < 20000; i++)
		session_header(
		    fixture->session, "Authentication-Results", HOST "; spf=pass");
	assert_true(fixture_eom().refuse);
	assert_string_equal(fixture->removed, "");
}

static void
none_is_touched_unless_we_write_them_ourselves(void **state)
{
	fixture_new(MODE_TARGREY);
	send_message();
	assert_string_equal(fixture->removed, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(our_id_is_found_however_it_is_written),
	    cmocka_unit_test(another_id_is_not_taken_for_ours),
	    cmocka_unit_test(
	        those_with_our_id_are_removed_from_the_last_to_the_first),
	    cmocka_unit_test(a_flood_of_them_is_refused_for_now),
	    cmocka_unit_test(none_is_touched_unless_we_write_them_ourselves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
