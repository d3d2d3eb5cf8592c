/* SPDX-License-Identifier: BSD-2-Clause */
/* One triplet at several MXs. */
#include <stdio.h>

#include "policy/row.h"
#include "policy/judge.h"
#include "record/mx.h"

#define MAX_VISITS 12
#define END                                                                        \
	{                                                                          \
		0, -1                                                              \
	}

struct visit {
	int mx;         /* 1.. */
	int64_t second; /* after the first visit */
};

static struct policy_settings
at(int mx)
{
	struct policy_settings settings = defaults;
	char name[32];

	snprintf(name, sizeof name, "mx%d.example.jp", mx);
	settings.mx = mx_code(name);
	return settings;
}

static const struct {
	const char *claim;
	struct visit visits[MAX_VISITS];
	uint32_t tries;
	bool passes, early;
	unsigned mxs;
	int first;
} courses[] = {
    {"one visit is at one MX", {{1, 0}, END}, 0, false, false, 1, 1},
    {"a walk over both is not early", {{1, 0}, {2, 1}, END}, 0, false, false, 2, 1},
    {"over three, too", {{3, 0}, {1, 1}, {2, 2}, END}, 0, false, false, 3, 3},
    {"back at once at one that it has walked over is early",
        {{1, 0}, {2, 1}, {1, 2}, END}, 0, false, true, 2, 1},
    {"twice at once at one is early", {{1, 0}, {1, 1}, END}, 0, false, true, 1, 1},
    {"each walk may be a fast one",
        {{1, 0}, {2, 1}, {1, 20 * MINUTE}, {2, 20 * MINUTE + 1}, END}, 0, false,
        false, 2, 1},
    {"the other way round, too",
        {{1, 0}, {2, 1}, {2, 20 * MINUTE}, {1, 20 * MINUTE + 1}, END}, 0, false,
        false, 2, 1},
    {"a try at the second MX counts like one at the first",
        {{1, 0}, {2, 31 * MINUTE}, {1, 33 * MINUTE}, END}, 2, true, false, 2, 1},
    {"a walk is one try",
        {{1, 0}, {2, 1}, {1, 31 * MINUTE}, {2, 31 * MINUTE + 1}, END}, 1, false,
        false, 2, 1},
    {"two walks in time pass",
        {{1, 0}, {2, 1}, {1, 31 * MINUTE}, {2, 31 * MINUTE + 1}, {1, 62 * MINUTE},
            END},
        2, true, false, 2, 1},
    {"who comes to the secondary first is known by it",
        {{2, 0}, {1, 40 * MINUTE}, END}, 1, false, false, 2, 2},
    {"a first retry after the window is the first at its MX",
        {{1, 0}, {2, 3 * DAY}, END}, 0, false, false, 1, 2},
    {"more than four are not told apart",
        {{1, 0}, {2, 1}, {3, 2}, {4, 3}, {5, 4}, {6, 5}, END}, 0, false, false, 4,
        1},
};

static void
courses_of_a_client_that_walks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof courses / sizeof *courses; i++) {
		const struct visit *visit = courses[i].visits;
		struct grey_row row = {0};
		int64_t now = T0;
		for (; visit->second >= 0; visit++) {
			struct policy_settings settings = at(visit->mx);
			now = T0 + visit->second;
			row = grey_step(&settings, row, OUTCOME_ATTEMPT, now);
		}
		row_is(courses[i].claim, &row, now, courses[i].tries,
		    courses[i].passes, courses[i].early);
		assert_int_equal(mx_count(row.mxs), courses[i].mxs);
		assert_int_equal(mx_first(row.mxs), at(courses[i].first).mx);
	}
}

static void
names_of_hosts_are_compared_as_dns_does(void **state)
{
	(void)state;
	assert_int_equal(mx_code("MX1.Example.JP"), mx_code("mx1.example.jp"));
	assert_int_not_equal(mx_code("mx1.example.jp"), mx_code("mx2.example.jp"));
	assert_in_range(mx_code(""), 1, 32767);
	/* what is on disk: SipHash-2-4 under a key of zeros, by openssl mac */
	assert_int_equal(
	    mx_code("mx1.example.jp"), UINT64_C(0xd252f8336560044c) % 32767 + 1);
	assert_int_equal(
	    mx_code("mx2.example.jp"), UINT64_C(0x0e327b78aee88001) % 32767 + 1);
}

static uint64_t
judged(int mx, struct grey_row *rows, size_t count, int64_t now)
{
	struct policy_settings settings = at(mx);
	struct facts facts = {0};
	struct history history = {.rows = rows, .rows_count = count};

	return judge(&settings, &facts, &history, now).mxs;
}

static void
the_visit_that_is_judged_is_among_them(void **state)
{
	struct policy_settings first = at(1);
	struct grey_row none = {0},
	                passed = {.first = T0, .last = T0, .passed = T0},
	                waits = grey_step(&first, none, OUTCOME_ATTEMPT, T0);
	struct grey_row both[] = {none, waits};

	(void)state;
	assert_int_equal(mx_count(judged(2, &none, 1, T0 + 9)), 1);
	assert_int_equal(mx_first(judged(2, &none, 1, T0 + 9)), at(2).mx);
	assert_int_equal(mx_count(judged(2, &waits, 1, T0 + 9)), 2);
	assert_int_equal(mx_first(judged(2, &waits, 1, T0 + 9)), first.mx);
	assert_int_equal(mx_count(judged(1, &waits, 1, T0 + 9)), 1);
	/* of several recipients the one that was tried at most */
	assert_int_equal(mx_count(judged(2, both, 2, T0 + 9)), 2);
	/* one mail that has passed says nothing of the next */
	assert_int_equal(mx_first(judged(2, &passed, 1, T0 + DAY)), at(2).mx);
	/* an address that is known by heart: nothing was looked up */
	assert_int_equal(judged(1, NULL, 0, T0), 0);
}

static void
a_mail_that_passed_leaves_no_trace_of_its_walk(void **state)
{
	struct policy_settings first = at(1), second = at(2);
	struct grey_row row =
	    grey_step(&first, (struct grey_row){0}, OUTCOME_ATTEMPT, T0);

	(void)state;
	row = grey_step(&second, row, OUTCOME_PASSED, T0 + HOUR);
	assert_int_equal(row.mxs, 0);
	row = grey_step(&second, row, OUTCOME_ATTEMPT, T0 + 2 * HOUR);
	assert_int_equal(row.mxs, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(courses_of_a_client_that_walks),
	    cmocka_unit_test(names_of_hosts_are_compared_as_dns_does),
	    cmocka_unit_test(the_visit_that_is_judged_is_among_them),
	    cmocka_unit_test(a_mail_that_passed_leaves_no_trace_of_its_walk),
	};

	return cmocka_run_group_tests_name("mx", tests, NULL, NULL);
}
