/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/text.h"

static const struct {
	const char *source;
	size_t limit;
	const char *wanted;
} encoded[] = {
    {"", 10, ""},
    {"AZaz09._:-+/[],", 20, "AZaz09._:-+/[],"},
    {"a b", 20, "a%20b"},
    {"x; s25r=match\r\n", 64, "x%3B%20s25r%3Dmatch%0D%0A"},
    {"%41", 20, "%2541"},
    {"caf\xc3\xa9", 20, "caf%C3%A9"},
    {"\x7f\x01\xff", 20, "%7F%01%FF"},
    /* what does not fit is cut between octets and ends in %7E */
    {"abcdef", 6, "abcdef"},
    {"abcdefg", 6, "abc%7E"},
    {"ab  ", 8, "ab%20%20"},
    {"ab   ", 8, "ab%20%7E"},
    {"a    ", 6, "a%7E"},
    {"abcd", 3, "%7E"},
    {"~", 3, "%7E"},
};

static void
every_octet_but_the_plain_ones_is_percent_encoded(void **state)
{
	(void)state;
	char buf[128];
	for (size_t i = 0; i < sizeof encoded / sizeof *encoded; i++) {
		size_t length = text_percent(buf, sizeof buf, encoded[i].limit,
		    encoded[i].source, strlen(encoded[i].source));
		assert_string_equal(buf, encoded[i].wanted);
		assert_int_equal(length, strlen(buf));
	}
	assert_int_equal(text_percent(buf, sizeof buf, 20, "a\0b", 3), 5);
	assert_string_equal(buf, "a%00b");
}

static void
what_does_not_fit_is_not_appended_in_part(void **state)
{
	(void)state;
	char buf[8] = "";
	size_t used = 0;
	assert_true(text_append(buf, sizeof buf, &used, "abc"));
	assert_false(text_append(buf, sizeof buf, &used, "defgh"));
	assert_string_equal(buf, "abc");
	assert_true(text_append(buf, sizeof buf, &used, "defg"));
	assert_true(text_append(buf, sizeof buf, &used, ""));
	assert_string_equal(buf, "abcdefg");
	assert_int_equal(used, 7);
}

static const struct {
	const char *text;
	int64_t seconds; /* -1: no duration */
	const char *written;
} durations[] = {
    {"0", 0, "0s"},
    {"90", 90, "90s"},
    {"90s", 90, "90s"},
    {"60s", 60, "1m"},
    {"2h", 7200, "2h"},
    {"36h", 129600, "36h"},
    {"35d", 3024000, "5w"},
    {"3550w", 2147040000, "3550w"},
    {"3551w", -1, NULL},
    {"2147483647", 2147483647, "2147483647s"},
    {"2147483648", -1, NULL},
    {"99999999999999999999", -1, NULL},
    {"", -1, NULL},
    {"s", -1, NULL},
    {"-1s", -1, NULL},
    {"1.5h", -1, NULL},
    {"1 h", -1, NULL},
    {"1H", -1, NULL},
};

static void
durations_are_read_with_their_units_and_written_short(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
		char buf[24];
		int64_t seconds = -1;
		bool got = text_duration(durations[i].text, &seconds);
		assert_int_equal(got, durations[i].seconds >= 0);
		assert_int_equal(seconds, durations[i].seconds);
		if (got)
			assert_string_equal(
			    text_from_duration(seconds, buf), durations[i].written);
	}
}

static void
copies_say_when_they_were_cut(void **state)
{
	(void)state;
	char buf[4];
	assert_true(text_copy(buf, sizeof buf, "abc"));
	assert_string_equal(buf, "abc");
	assert_false(text_copy(buf, sizeof buf, "abcd"));
	assert_string_equal(buf, "abc");
	char blanks[] = " \t a b \r\n";
	assert_string_equal(text_trim(blanks), "a b");
	char upper[] = "AZ\xc3\x89_9";
	text_lower(upper);
	assert_string_equal(upper, "az\xc3\x89_9");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_octet_but_the_plain_ones_is_percent_encoded),
	    cmocka_unit_test(what_does_not_fit_is_not_appended_in_part),
	    cmocka_unit_test(durations_are_read_with_their_units_and_written_short),
	    cmocka_unit_test(copies_say_when_they_were_cut),
	};
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
