/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns/name.h"

#define LONGEST "253 octets" /* any name of that length */
#define L63     "a23456789012345678901234567890123456789012345678901234567890123"

static void
names_that_dns_can_hold_are_cleaned(void **state)
{
	static const struct {
		const char *name, *wanted; /* NULL: refused */
	} cases[] = {
	    {"Example.ORG", "example.org"},
	    {"example.org.", "example.org"},
	    {"a", "a"},
	    {L63 ".org", L63 ".org"},
	    {"_spf.Example.org", "_spf.example.org"},
	    {"a b%20.example", "a b%20.example"},
	    {"", NULL},
	    {".", NULL},
	    {"..", NULL},
	    {".org", NULL},
	    {"a..org", NULL},
	    {"a.org..", NULL},
	    {L63 "4.org", NULL},
	    {L63 "." L63 "." L63
	         ".a2345678901234567890123456789012345678901234567890123"
	         "45678901",
	        LONGEST},
	    {L63 "." L63 "." L63
	         ".a2345678901234567890123456789012345678901234567890123"
	         "456789012",
	        NULL},
	};
	char name[DNS_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool ok = dns_name_clean(name, cases[i].name);
		assert_int_equal(ok, cases[i].wanted != NULL);
		if (!ok)
			assert_string_equal(name, "");
		else if (strcmp(cases[i].wanted, LONGEST) != 0)
			assert_string_equal(name, cases[i].wanted);
		else
			assert_int_equal(strlen(name), 253);
	}
}

static void
addresses_are_turned_round(void **state)
{
	static const struct {
		const char *ip, *suffix, *wanted;
	} cases[] = {
	    {"192.0.2.1", NULL, "1.2.0.192.in-addr.arpa"},
	    {"192.0.2.1", "bl.example", "1.2.0.192.bl.example"},
	    {"2001:db8::1", NULL,
	        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
	        "ip6.arpa"},
	};
	char name[DNS_NAME_SIZE];
	char longest[240];
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(ip_from_text(cases[i].ip, &ip));
		assert_true(dns_name_reverse(name, &ip, cases[i].suffix));
		assert_string_equal(name, cases[i].wanted);
	}
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_false(dns_name_reverse(name, &ip, longest));
	assert_string_equal(name, "");
}

static void
below_means_whole_labels(void **state)
{
	(void)state;
	assert_true(dns_name_is_below("example.org", "example.org"));
	assert_true(dns_name_is_below("mx.example.org", "example.org"));
	assert_false(dns_name_is_below("badexample.org", "example.org"));
	assert_false(dns_name_is_below("org", "example.org"));
	assert_int_equal(dns_name_labels(""), 0);
	assert_int_equal(dns_name_labels("org"), 1);
	assert_int_equal(dns_name_labels("a.b.c"), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_that_dns_can_hold_are_cleaned),
	    cmocka_unit_test(addresses_are_turned_round),
	    cmocka_unit_test(below_means_whole_labels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
