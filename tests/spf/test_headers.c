/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: test_spf_headers            the tests
 *        test_spf_headers print ...  values for tests/spf/spamassassin
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spf/headers.h"

static char text[SPF_HEADER_SIZE];

static struct spf_fact
fact_of(enum spf_result result, const char *domain)
{
	return (struct spf_fact){.result = result, .domain = domain};
}

static const char *
received(const struct spf_fact *fact, bool is_helo, const char *address,
    const char *helo, const char *sender)
{
	struct ip ip;

	assert_true(ip_from_text(address, &ip));
	size_t length = spf_header_received(
	    text, sizeof text, fact, is_helo, &ip, helo, sender, "mx.example.jp");
	assert_int_equal(length, strlen(text));
	return text;
}

static void
every_result_has_its_form(void **state)
{
	static const struct {
		enum spf_result result;
		enum spf_trouble trouble;
		const char *wanted;
	} cases[] = {
	    {SPF_PASS, SPF_TROUBLE_NONE,
	        "pass (mx.example.jp: domain of example.org designates 192.0.2.1 "
	        "as "
	        "permitted sender) client-ip=192.0.2.1; "
	        "envelope-from=\"a@example.org\"; helo=h.example.org; "
	        "receiver=mx.example.jp; identity=mailfrom"},
	    {SPF_SOFTFAIL, SPF_TROUBLE_NONE,
	        "softfail (mx.example.jp: domain of example.org does not designate "
	        "192.0.2.1 as permitted sender) client-ip=192.0.2.1; "
	        "envelope-from=\"a@example.org\"; helo=h.example.org; "
	        "receiver=mx.example.jp; identity=mailfrom"},
	    {SPF_TEMPERROR, SPF_TROUBLE_TIMEOUT,
	        "temperror (mx.example.jp: temporary error for example.org) "
	        "client-ip=192.0.2.1; envelope-from=\"a@example.org\"; "
	        "helo=h.example.org; receiver=mx.example.jp; problem=timeout; "
	        "identity=mailfrom"},
	    {SPF_SKIPPED, SPF_TROUBLE_NONE, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct spf_fact fact = fact_of(cases[i].result, "example.org");
		fact.trouble = cases[i].trouble;
		assert_string_equal(received(&fact, false, "192.0.2.1",
		                        "h.example.org", "a@example.org"),
		    cases[i].wanted);
	}
}

static void
ipv6_null_sender_and_missing_helo_have_a_form(void **state)
{
	struct spf_fact fact = fact_of(SPF_NONE, "");

	(void)state;
	assert_string_equal(received(&fact, true, "2001:db8::1", NULL, ""),
	    "none (mx.example.jp: no domain to check) client-ip=\"2001:db8::1\"; "
	    "envelope-from=\"\"; receiver=mx.example.jp; identity=helo");
}

static void
authentication_results_name_the_checked_domain(void **state)
{
	struct spf_fact fact = fact_of(SPF_PASS, "example.org");

	(void)state;
	spf_header_authres(text, sizeof text, &fact, false, "mx.example.jp");
	assert_string_equal(
	    text, "mx.example.jp; spf=pass smtp.mailfrom=example.org");
	fact.result = SPF_PERMERROR;
	spf_header_authres(text, sizeof text, &fact, true, "mx.example.jp");
	assert_string_equal(
	    text, "mx.example.jp; spf=permerror smtp.helo=example.org");
	fact.domain = "";
	assert_int_equal(
	    spf_header_authres(text, sizeof text, &fact, true, "mx.example.jp"), 0);
	assert_string_equal(text, "");
	fact = fact_of(SPF_SKIPPED, "example.org");
	assert_int_equal(
	    spf_header_authres(text, sizeof text, &fact, true, "mx.example.jp"), 0);
}

static const char *const hostile[] = {"\" identity=helo \"@x.example", "h) x=(y;",
    "identity=helo", "a; identity=helo", "a\r\nX-Injected: yes", "a\\\"b",
    "caf\xc3\xa9\x80\xff", "\x01\x7f\t", "a;spf=pass",
    "x; spf=pass smtp.mailfrom=x", "..", "[192.0.2.1]", "a b", "%{d}", "(((", "=",
    "''"};

static unsigned
count(const char *where, const char *what)
{
	unsigned found = 0;

	for (; (where = strstr(where, what)) != NULL; where++)
		found++;
	return found;
}

/* One comment, its parentheses alone, and quotes in pairs around plain text. */
static void
assert_well_formed(const char *value)
{
	unsigned quotes = 0;

	for (const char *p = value; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e || *p == '\\')
			fail_msg("octet %02x in: %s", (unsigned char)*p, value);
		quotes += *p == '"';
	}
	assert_int_equal(quotes % 2, 0);
}

static void
nothing_a_client_says_is_injected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		struct spf_fact fact = fact_of(SPF_FAIL, hostile[i]);
		const char *value =
		    received(&fact, false, "192.0.2.1", hostile[i], hostile[i]);
		assert_well_formed(value);
		assert_int_equal(count(value, "identity="), 1);
		assert_non_null(strstr(value, "; identity=mailfrom"));
		assert_int_equal(count(value, "("), 1);
		assert_int_equal(count(value, ")"), 1);
		assert_int_equal(count(value, ";"), 4);
		assert_int_equal(count(value, "="), 5);
		spf_header_authres(text, sizeof text, &fact, false, hostile[i]);
		assert_well_formed(text);
		assert_int_equal(count(text, ";"), 1);
		assert_int_equal(count(text, "spf="), 1);
	}
}

static void
long_values_are_cut_and_the_end_stays(void **state)
{
	struct spf_fact fact = {
	    .result = SPF_FAIL, .trouble = SPF_TROUBLE_SERVFAIL};
	char longest[2000], domain[SPF_DOMAIN_SIZE] = "";
	struct ip ip;

	(void)state;
	memset(longest, '@', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	memset(domain, 'a', sizeof domain - 1);
	fact.domain = domain;
	ip_from_text("2001:db8:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa", &ip);
	size_t length = spf_header_received(
	    text, sizeof text, &fact, false, &ip, longest, longest, longest);
	assert_in_range(length, 100, SPF_HEADER_SIZE - 1);
	assert_non_null(strstr(text, "; identity=mailfrom"));
	char small[20];
	assert_int_equal(spf_header_received(small, sizeof small, &fact, false, &ip,
	                     longest, longest, longest),
	    0);
	assert_string_equal(small, "");
}

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
		assert_true(spf_header_bears(values[i], "mx.example.jp"));
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
		assert_int_equal(
		    spf_header_bears(values[i], "mx.example.jp"), cut_short);
	}
}

/* print received|authres RESULT mailfrom|helo DOMAIN IP HELO SENDER RECEIVER */
static int
print(char **word)
{
	struct spf_fact fact = {.result = SPF_NONE};
	struct ip ip;
	bool is_helo = strcmp(word[2], "helo") == 0;

	while (strcmp(spf_result_words[fact.result], word[1]) != 0)
		fact.result++;
	fact.domain = word[3];
	if (!ip_from_text(word[4], &ip))
		return 2;
	if (strcmp(word[0], "received") == 0)
		spf_header_received(text, sizeof text, &fact, is_helo, &ip, word[5],
		    word[6], word[7]);
	else
		spf_header_authres(text, sizeof text, &fact, is_helo, word[7]);
	puts(text);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_result_has_its_form),
	    cmocka_unit_test(ipv6_null_sender_and_missing_helo_have_a_form),
	    cmocka_unit_test(authentication_results_name_the_checked_domain),
	    cmocka_unit_test(nothing_a_client_says_is_injected),
	    cmocka_unit_test(long_values_are_cut_and_the_end_stays),
	    cmocka_unit_test(our_id_is_found_however_it_is_written),
	    cmocka_unit_test(another_id_is_not_taken_for_ours),
	};

	if (argc == 10 && strcmp(argv[1], "print") == 0)
		return print(argv + 2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
