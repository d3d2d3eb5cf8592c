/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "facts/helo.h"

static const char *const our_names[] = {"example.jp", "example.org."};

static const struct {
	const char *helo;
	enum helo_class wanted;
} helos[] = {
    {NULL, HELO_MISSING},
    {"", HELO_MISSING},
    {"mail.example.com", HELO_FQDN},
    {"mail.example.com.", HELO_FQDN},
    {"MAIL_1.example-x.com", HELO_FQDN},
    {"xn--bcher-kva.example", HELO_FQDN},
    {"friend", HELO_BARE},
    {"friend.", HELO_BARE},
    {".example.com", HELO_BARE},
    {"a..b", HELO_BARE},
    {"mail example.com", HELO_BARE},
    {"mail.example.com\001", HELO_BARE},
    {"\303\244.example.com", HELO_BARE},
    {"1.2.3", HELO_BARE},
    {"999.1.1.1", HELO_BARE},
    {"192.0.2.1", HELO_IP},
    {"2001:db8::1", HELO_IP},
    {"[192.0.2.1]", HELO_LITERAL},
    {"[IPv6:2001:db8::1]", HELO_LITERAL},
    {"[ipv6:2001:DB8::1]", HELO_LITERAL},
    {"[2001:db8::1]", HELO_LITERAL},
    {"[192.0.2]", HELO_BARE},
    {"[]", HELO_BARE},
    {"[", HELO_BARE},
    {"localhost", HELO_LOCALHOST},
    {"LocalHost.LocalDomain", HELO_LOCALHOST},
    {"localhost.", HELO_LOCALHOST},
    {"pc.localhost", HELO_LOCALHOST},
    {"localhost.example.com", HELO_FQDN},
    {"mx.example.jp", HELO_OURS},
    {"MX.example.jp.", HELO_OURS},
    {"example.jp", HELO_OURS},
    {"example.org", HELO_OURS},
    {"pc.example.jp", HELO_FQDN},
    {"xexample.jp", HELO_FQDN},
    {"203.0.113.25", HELO_OURS},
    {"[203.0.113.25]", HELO_OURS},
};

static void
every_helo_has_its_class(void **state)
{
	(void)state;
	struct ip server;
	assert_true(ip_from_text("203.0.113.25", &server));
	const struct ours ours = {"mx.example.jp", our_names, 2, &server};
	for (size_t i = 0; i < sizeof helos / sizeof *helos; i++) {
		enum helo_class got = helo_classify(helos[i].helo, &ours);
		if (got != helos[i].wanted)
			fail_msg("%s: %s, not %s", helos[i].helo,
			    helo_class_words[got],
			    helo_class_words[helos[i].wanted]);
	}
}

static void
without_anything_of_ours_nothing_is_ours(void **state)
{
	(void)state;
	const struct ours nothing = {NULL, NULL, 0, NULL};
	assert_int_equal(helo_classify("mx.example.jp", &nothing), HELO_FQDN);
	assert_int_equal(helo_classify("mx.example.jp", NULL), HELO_FQDN);
	assert_int_equal(helo_classify("[203.0.113.25]", NULL), HELO_LITERAL);
	const struct ours empty = {"", NULL, 0, NULL};
	assert_int_equal(helo_classify(".", &empty), HELO_BARE);
}

static const struct {
	const char *name, *ip;
	bool wanted;
} names[] = {
    {"192.0.2.1.dyn.example.net", "192.0.2.1", true},
    {"ip-192-0-2-1.example.net", "192.0.2.1", true},
    {"1.2.0.192.dyn.example.net", "192.0.2.1", true},
    {"p1-2-0-192.example.net", "192.0.2.1", true},
    {"192x0x2x1.example.net", "192.0.2.1", true},
    {"host192_000_002_001.example.net", "192.0.2.1", true},
    {"192000002001.example.net", "192.0.2.1", true},
    {"001002000192.example.net", "192.0.2.1", true},
    {"192000.002001.example.net", "192.0.2.1", true},
    {"C0000201.dyn.example.net", "192.0.2.1", true},
    {"x010200c0.dyn.example.net", "192.0.2.1", true},
    {"c0-00-02-01.dyn.example.net", "192.0.2.1", true},
    {"d3221225985.example.net", "192.0.2.1", true},
    {"d13221225985.example.net", "192.0.2.1", false},
    {"mail.example.net", "192.0.2.1", false},
    {"p2-1.example.net", "192.0.2.1", false},
    {"192-0-2.example.net", "192.0.2.1", false},
    {"192-0-2-10.example.net", "192.0.2.1", false},
    {"1192-0-2-1.example.net", "192.0.2.1", false},
    {"192--0-2-1.example.net", "192.0.2.1", false},
    {"2-192-0-2-1.example.net", "192.0.2.1", true},
    {"", "192.0.2.1", false},
    {"20010db8000000000000000000000001.example.net", "2001:db8::1", true},
    {"2001-0db8-0000-0000-0000-0000-0000-0001.example.net", "2001:db8::1", true},
    {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.example.net",
        "2001:db8::1", true},
    {"ip-2001-db8--1.example.net", "2001:db8::1", true},
    {"2001-db8-0-0-0-0-0-1.example.net", "2001:db8::1", true},
    {"2001.DB8..1.example.net", "2001:db8::1", true},
    {"2001-db8--2.example.net", "2001:db8::1", false},
};

static void
an_address_is_found_in_a_name_in_every_usual_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct ip ip;
		assert_true(ip_from_text(names[i].ip, &ip));
		if (helo_has_address(names[i].name, &ip) != names[i].wanted)
			fail_msg("%s in %s", names[i].ip, names[i].name);
	}
	struct ip ip;
	assert_true(ip_from_text("192.0.2.1", &ip));
	assert_false(helo_has_address(NULL, &ip));
	char longest[2000];
	memset(longest, '1', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_false(helo_has_address(longest, &ip));
}

static void
senders_are_null_self_ours_or_nothing_of_that(void **state)
{
	(void)state;
	const struct ours ours = {"mx.example.jp", our_names, 2, NULL};
	assert_int_equal(from_classify("", "a@example.jp", &ours), FROM_NULL);
	assert_int_equal(
	    from_classify("A@example.JP", "a@example.jp", &ours), FROM_SELF);
	assert_int_equal(
	    from_classify("b@example.jp", "a@example.jp", &ours), FROM_OURS);
	assert_int_equal(from_classify("b@mx.example.jp", NULL, &ours), FROM_OURS);
	assert_int_equal(
	    from_classify("b@sub.example.jp", "a@example.jp", &ours), FROM_OK);
	assert_int_equal(
	    from_classify("b@example.com", "a@example.jp", NULL), FROM_OK);
	const char *const cafe[] = {"caf\xc3\xa9.example"};
	const struct ours ours_too = {"mx.example.jp", cafe, 1, NULL};
	assert_int_equal(
	    from_classify("b@xn--caf-dma.example", NULL, &ours_too), FROM_OURS);
	assert_int_equal(from_classify("b", NULL, &ours), FROM_OK);
	assert_int_equal(from_classify("b@", NULL, &ours), FROM_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_helo_has_its_class),
	    cmocka_unit_test(without_anything_of_ours_nothing_is_ours),
	    cmocka_unit_test(an_address_is_found_in_a_name_in_every_usual_form),
	    cmocka_unit_test(senders_are_null_self_ours_or_nothing_of_that),
	};
	return cmocka_run_group_tests_name("helo", tests, NULL, NULL);
}
