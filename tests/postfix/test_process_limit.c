/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "postfix/process_limit.h"
#include "lists/folder.h"

#define SMTP "smtp inet n - y - - smtpd\n"

static const struct {
	const char *main, *master; /* NULL: no such file */
	int wanted;
} cases[] = {
    {"", SMTP, 100},
    {NULL, SMTP, 100},
    {"", NULL, -1},
    {"", "", -1},
    {"", "pickup unix n - y 60 1 pickup\n", -1},
    {"default_process_limit = 250\n", SMTP, 250},
    {"default_process_limit=1\ndefault_process_limit =\n  30\n", SMTP, 30},
    {"#default_process_limit = 250\n", SMTP, 100},
    {"xdefault_process_limit = 250\n", SMTP, 100},
    {"default_process_limit = 250\n", "smtp inet n - y - 40 smtpd\n", 40},
    {"", "# smtp inet n - y - 40 smtpd\n" SMTP, 100},
    {"", "smtp\n  inet n - y -\n# between\n 40\tsmtpd\n  -o smtpd_x=1\n", 40},
    {"", "25 inet n - y - 41 smtpd\n", 41},
    {"", "192.0.2.1:smtp inet n - y - 42 smtpd -v\n", 42},
    {"", "[::1]:25 inet n - y - 43 smtpd\n", 43},
    {"", "submission inet n - y - 44 smtpd\n", -1},
    {"", "smtp unix - - y - 45 smtp\n", -1},
    {"", "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - 46 smtpd\n", 46},
    {"", "submission inet n - y - 9 smtpd\nsmtp inet n - y - 47 smtpd\n", 47},
    {"", "smtp inet n - y - 0 smtpd\n", POSTFIX_UNLIMITED},
    {"default_process_limit = $many\nmany = 77\n", SMTP, 77},
    {"default_process_limit = ${many}\nmany = 78\n", SMTP, 78},
    {"many = 79\n", "smtp inet n - y - $many smtpd\n", 79},
    {"default_process_limit = $many\n", SMTP, -1},
    {"default_process_limit = $default_process_limit\n", SMTP, -1},
    {"default_process_limit = lots\n", SMTP, -1},
    {"default_process_limit =\n", SMTP, -1},
    {"", "smtp inet n - y - -5 smtpd\n", -1},
    {"", "smtp inet n\n", -1},
    {"", "\001\377\n \n\t\n", -1},
};

static void
the_limit_is_that_of_the_service_for_mail_from_outside(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		folder_empty(state);
		if (cases[i].main != NULL)
			folder_write("main.cf", cases[i].main);
		if (cases[i].master != NULL)
			folder_write("master.cf", cases[i].master);
		int got = postfix_process_limit(folder);
		if (got != cases[i].wanted)
			fail_msg("case %zu: %d, not %d\n%s---\n%s", i, got,
			    cases[i].wanted, cases[i].main, cases[i].master);
	}
	assert_int_equal(postfix_process_limit("/nonexistent"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        the_limit_is_that_of_the_service_for_mail_from_outside),
	};
	return cmocka_run_group_tests_name(
	    "postfix limit", tests, folder_setup, folder_teardown);
}
