/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off: cmocka.h needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "session/session_private.h"
#include "session/session_fixture.h"

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

	(void)state;
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

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		bool cut_short = i == 9; /* an open quote ends with the value */
		assert_int_equal(authres_bears(values[i], HOST), cut_short);
	}
}

static void
send_message(struct session_fixture *fixture)
{
	fixture_connect(fixture, "203.0.113.7", "mail.example.net");
	fixture_mail(fixture, "<a@example.net>");
	(void)fixture_rcpt_alone(fixture, "<you@example.jp>");
	(void)fixture_data_refused(fixture);
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
	(void)fixture_eom(fixture);
	fixture_close(fixture);
}

static void
those_with_our_id_are_removed_from_the_last_to_the_first(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);

	(void)state;
	fixture->snapshot.authentication_results = true;
	send_message(fixture);
	assert_string_equal(
	    fixture->removed, "Authentication-Results/4 Authentication-Results/2");
	assert_string_equal(fixture_word(fixture, "forged"), "0");
	fixture_free(&fixture);
}

static void
a_flood_of_them_is_refused_for_now(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);

	(void)state;
	fixture->snapshot.authentication_results = true;
	fixture_connect(fixture, "203.0.113.7", "mail.example.net");
	fixture_mail(fixture, "<a@example.net>");
	(void)fixture_rcpt_alone(fixture, "<you@example.jp>");
	(void)fixture_data_refused(fixture);
	for (int i = 0; i < 20000; i++)
		session_header(
		    fixture->session, "Authentication-Results", HOST "; spf=pass");
	assert_true(fixture_eom(fixture).refuse);
	assert_string_equal(fixture->removed, "");
	fixture_free(&fixture);
}

static void
none_is_touched_unless_we_write_them_ourselves(void **state)
{
	struct session_fixture *fixture = fixture_new(MODE_TARGREY);

	(void)state;
	send_message(fixture);
	assert_string_equal(fixture->removed, "");
	fixture_free(&fixture);
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
