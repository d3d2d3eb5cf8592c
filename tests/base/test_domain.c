/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/domain.h"

/* A-labels as in RFC 5891 and by idn2(1). */
static const struct {
	const char *domain, *wanted;
	bool is_good;
} cases[] = {
    {"Example.COM", "example.com", true},
    {"example.com.", "example.com", true},
    {".", ".", true},
    {"", "", true},
    {"a..b", "a..b", true},
    {"caf\xc3\xa9.example", "xn--caf-dma.example", true},
    {"CAF\xc3\x89.example.", "xn--caf-dma.example", true},
    {"cafe\xcc\x81.example", "xn--caf-dma.example", true}, /* decomposed */
    {"XN--CAF-DMA.example", "xn--caf-dma.example", true},
    /* IDNA 2008 keeps the sharp s, IDNA 2003 did not */
    {"stra\xc3\x9f"
     "e.example",
        "xn--strae-oqa.example", true},
    {"\xe6\x97\xa5\xe6\x9c\xac.example", "xn--wgv71a.example", true},
    {"b\xe9.example", "b\xe9.example", false}, /* no UTF-8 */
    {"b\xc2\x80.example", "b\xc2\x80.example", false},
    {"[192.0.2.1]", "[192.0.2.1]", true},
};

static void
every_spelling_of_a_domain_has_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char once[DOMAIN_SIZE], twice[DOMAIN_SIZE];
		bool got = domain_normalize(once, sizeof once, cases[i].domain);
		if (got != cases[i].is_good || strcmp(once, cases[i].wanted) != 0)
			fail_msg("%s: %d %s", cases[i].domain, got, once);
		domain_normalize(twice, sizeof twice, once);
		assert_string_equal(once, twice);
	}
}

static void
what_does_not_fit_is_said(void **state)
{
	(void)state;
	char longest[400], buf[DOMAIN_SIZE], small[12];
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_false(domain_normalize(buf, sizeof buf, longest));
	assert_int_equal(strlen(buf), sizeof buf - 1);
	/* fits as UTF-8, not as A-labels */
	assert_false(domain_normalize(small, sizeof small, "caf\xc3\xa9.x"));
}

static void
a_labels_turn_back_into_u_labels(void **state)
{
	(void)state;
	char buf[DOMAIN_SIZE];
	assert_true(domain_to_unicode(buf, sizeof buf, "xn--caf-dma.example"));
	assert_string_equal(buf, "caf\xc3\xa9.example");
	assert_false(domain_to_unicode(buf, sizeof buf, "example.com"));
	assert_string_equal(buf, "");
	assert_false(domain_to_unicode(buf, sizeof buf, "xn--.example"));
}

static void
an_address_or_a_mistyped_name_is_no_domain(void **state)
{
	(void)state;
	static const char *const good[] = {
	    "example.com", ".example.com", "localhost", "_spf.example", "a-b.x1"};
	static const char *const bad[] = {"192.0.2.1", "a..b", "example.com.",
	    "a b", "a@b", "caf\xc3\xa9.x", "7"};
	char longest[300] = "x.", *end = longest + 256;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(domain_is_name(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(domain_is_name(bad[i]));
	memset(longest + 2, 'a', sizeof longest - 2);
	*end = '\0';
	assert_false(domain_is_name(longest));
	end[-1] = '\0';
	assert_true(domain_is_name(longest));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_spelling_of_a_domain_has_one_form),
	    cmocka_unit_test(what_does_not_fit_is_said),
	    cmocka_unit_test(a_labels_turn_back_into_u_labels),
	    cmocka_unit_test(an_address_or_a_mistyped_name_is_no_domain),
	};
	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
