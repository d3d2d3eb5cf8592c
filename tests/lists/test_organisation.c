/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expected values: https://publicsuffix.org/list/, its sections ICANN and PRIVATE.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "record/organisation.h"

static const struct {
	const char *name, *organisation; /* NULL: none */
} cases[] = {
    {"mail.example.com", "example.com"},
    {"a.b.c.example.co.uk", "example.co.uk"},
    {"mx.example.co.jp", "example.co.jp"},
    {"example.org", "example.org"},
    {"www.city.kobe.jp", "city.kobe.jp"},          /* !city.kobe.jp */
    {"mx.someone.github.io", "someone.github.io"}, /* private */
    {"co.uk", NULL},
    {"github.io", NULL},
    {"com", NULL},
    {"localhost", NULL},
    {"", NULL},
    {NULL, NULL},
};

static void
a_name_belongs_to_the_label_below_the_public_suffix(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *is = organisation_of(cases[i].name);
		if (cases[i].organisation == NULL)
			assert_null(is);
		else
			assert_string_equal(is, cases[i].organisation);
	}
}

static void
a_name_that_is_too_long_belongs_to_none(void **state)
{
	char name[257]; /* 255 octets and one; RFC 1035 2.3.4 */

	(void)state;
	memset(name, 'a', sizeof name);
	memcpy(name + sizeof name - 5, ".com", 5);
	assert_null(organisation_of(name));
	assert_non_null(organisation_of(name + 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_belongs_to_the_label_below_the_public_suffix),
	    cmocka_unit_test(a_name_that_is_too_long_belongs_to_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
