/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "lists/pattern.h"

static const struct {
	const char *pattern, *subject;
	bool matches;
} cases[] = {
    {"^dyn", "DYN-1.example.net", true},
    {"^dyn", "a.dyn.example.net", false},
    {"example", "mail.example.net", true},
    {"\\.net$", "mail.example.net", true},
    {"\\.net$", "mail.example.net\n", false},
    {"(a)\\1", "xaax", true},
    {"", "", true},
    {"^$", "x", false},
    {"^[^.]*[0-9][^0-9.]+[0-9].*\\.", "p7-dyn100.example.net", true},
    {"(*NO_JIT)^mail", "mail.example.net", true},
};

static void
patterns_match_without_case_and_to_the_very_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error error = {""};
		struct pattern *pattern = pattern_compile(cases[i].pattern, &error);
		if (pattern == NULL)
			fail_msg("%s: %s", cases[i].pattern, error.text);
		if (pattern_match(pattern, cases[i].subject,
		        strlen(cases[i].subject)) != cases[i].matches)
			fail_msg("%s on %s", cases[i].pattern, cases[i].subject);
		pattern_free(&pattern);
		assert_null(pattern);
	}
	pattern_free(&(struct pattern *){NULL});
}

static void
octets_beyond_ascii_and_nul_are_only_octets(void **state)
{
	(void)state;
	struct pattern *pattern = pattern_compile("a.b$", NULL);
	assert_true(pattern_match(pattern, "x\377a\0b", 5));
	assert_true(pattern_match(pattern, "a\200b", 3));
	pattern_free(&pattern);
}

/* Names come with A-labels, in lower case. */
static void
u_labels_are_written_in_either_case(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} names[] = {
	    {"^CAF\xc3\x89\\.", "xn--caf-dma.example", true},
	    {"^caf\xc3\xa9\\.", "xn--caf-dma.example", true},
	    {"^XN--CAF-DMA\\.", "xn--caf-dma.example", true},
	    {"^u@(\xc3\x89|x)t\xc3\xa9\\.", "u@xn--t-9fab.example",
	        true}, /* idn2(1) */
	    {"^[^\xc3\xa9]\\.", "xn--9ca.example", false},
	    {"^.\\.\xc3\xa9\\.", "xn--9ca.xn--9ca.example", true}, /* a letter */
	    {"caf\xc3\xa9", "\xff.example", false},
	    {"caf\xc3", "caf\xc3", true}, /* octets that are no text */
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct error error = {""};
		struct pattern *pattern = pattern_compile(names[i].pattern, &error);
		if (pattern == NULL)
			fail_msg("%s: %s", names[i].pattern, error.text);
		if (pattern_match_name(pattern, names[i].name) != names[i].matches)
			fail_msg("%s on %s", names[i].pattern, names[i].name);
		pattern_free(&pattern);
	}
}

static void
a_wrong_pattern_is_an_error_with_its_offset(void **state)
{
	(void)state;
	static const char *const wrong[][2] = {{"ab(", "offset 3: "},
	    {"[z-a]", "offset 3: "}, {"(*UTF)x", "offset 6: "}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct error error = {""};
		assert_null(pattern_compile(wrong[i][0], &error));
		if (strncmp(error.text, wrong[i][1], strlen(wrong[i][1])) != 0)
			fail_msg("%s: %s", wrong[i][0], error.text);
	}
	assert_null(pattern_compile("(", NULL));
}

static int lines;

static void
count_lines(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	if (strstr(text, "too costly") != NULL)
		lines++;
}

static void
a_pattern_that_explodes_is_given_up_and_logged_once(void **state)
{
	(void)state;
	char subject[4097];
	memset(subject, 'a', sizeof subject);
	log_to_sink(count_lines, NULL);
	static const char *const exploding[] = {"(a+)+$x", "^(a|aa)+[^a]$",
	    "(.*)*(.*)*(.*)*z", "(*NO_JIT)^(a|aa)+[^a]$"};
	for (size_t i = 0; i < sizeof exploding / sizeof *exploding; i++) {
		struct pattern *pattern = pattern_compile(exploding[i], NULL);
		assert_non_null(pattern);
		lines = 0;
		for (int repeat = 0; repeat < 5; repeat++)
			assert_false(
			    pattern_match(pattern, subject, sizeof subject));
		if (lines > 1)
			fail_msg("%s: %d lines", exploding[i], lines);
		if (i == 1)
			assert_int_equal(lines, 1);
		pattern_free(&pattern);
	}
	log_to_stderr("test");
}

static char last_line[200];

static void
keep_line(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	snprintf(last_line, sizeof last_line, "%s", text);
}

/* -53 is PCRE2_ERROR_DEPTHLIMIT; the JIT has its own stack for that, of 32 KiB. */
static void
a_pattern_that_nests_is_given_up_at_its_depth(void **state)
{
	(void)state;
	char subject[4097];
	memset(subject, 'a', sizeof subject);
	struct pattern *pattern = pattern_compile("(*NO_JIT)^(?:a|b)*$", NULL);
	assert_non_null(pattern);
	log_to_sink(keep_line, NULL);
	/* as long as a name can be (RFC 1035), and beyond all reason */
	assert_true(pattern_match(pattern, subject, 255));
	assert_false(pattern_match(pattern, subject, sizeof subject));
	assert_non_null(strstr(last_line, "(PCRE2 error -53)"));
	pattern_free(&pattern);
	log_to_stderr("test");
}

static void *
match_often(void *pattern)
{
	intptr_t hits = 0;
	for (int i = 0; i < 2000; i++) {
		char name[64];
		int length =
		    snprintf(name, sizeof name, "host%d.dyn.example.net", i);
		hits += pattern_match(pattern, name, (size_t)length);
	}
	return (void *)hits;
}

static void
threads_share_one_pattern(void **state)
{
	(void)state;
	struct pattern *pattern = pattern_compile("^host[0-9]*7\\.dyn\\.", NULL);
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, match_often, pattern), 0);
	for (size_t i = 0; i < 4; i++) {
		void *hits;
		pthread_join(threads[i], &hits);
		assert_int_equal((intptr_t)hits, 200);
	}
	pattern_free(&pattern);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(patterns_match_without_case_and_to_the_very_end),
	    cmocka_unit_test(octets_beyond_ascii_and_nul_are_only_octets),
	    cmocka_unit_test(u_labels_are_written_in_either_case),
	    cmocka_unit_test(a_wrong_pattern_is_an_error_with_its_offset),
	    cmocka_unit_test(a_pattern_that_explodes_is_given_up_and_logged_once),
	    cmocka_unit_test(a_pattern_that_nests_is_given_up_at_its_depth),
	    cmocka_unit_test(threads_share_one_pattern),
	};
	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
