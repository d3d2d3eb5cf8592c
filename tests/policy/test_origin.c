/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/cases.h"
#include "policy/origin.h"

#define HALF (30 * DAY)

/* Values of 2^(-t/h), to a thousandth. */
static const struct {
	const char *claim;
	uint32_t counted;
	int64_t after_s;
	int thousandths;
} fades[] = {
    {"at once all of it is there", 8, 0, 8000},
    {"within a step nothing fades", 8, HALF / 32 - 1, 8000},
    {"a half-life halves", 8, HALF, 4000},
    {"two halve twice", 8, 2 * HALF, 2000},
    {"half of one leaves 0.707", 8, HALF / 2, 5657},
    {"a tenth is counted in whole steps, 3 of 32", 1000, HALF / 10, 937083},
    {"ten leave a thousandth", 1024, 10 * HALF, 1000},
    {"a year leaves nothing of one", 1, 365 * DAY, 0},
    {"the top fades, too", 4194303, 20 * HALF, 4000},
};

static uint32_t
count_of(uint32_t times)
{
	uint32_t count = 0;

	count_add(&count, times);
	return count;
}

static void
counts_halve_with_each_half_life(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof fades / sizeof *fades; i++) {
		struct origin_record record = {
		    .spam = count_of(fades[i].counted), .decayed = T0};
		origin_fade(&record, HALF, T0 + fades[i].after_s);
		double is = record.spam / (double)COUNT_UNIT;
		double error = is - fades[i].thousandths / 1000.0;
		print_message("  %s: %.3f\n", fades[i].claim, is);
		assert_true(error < 0.001 && error > -0.002);
	}
}

static void
looking_often_makes_it_fade_no_slower_and_hardly_faster(void **state)
{
	struct origin_record often = {.ham = count_of(100), .decayed = T0};
	struct origin_record once = often;

	(void)state;
	for (int64_t now = T0; now <= T0 + HALF; now += HOUR / 4)
		origin_fade(&often, HALF, now);
	origin_fade(&once, HALF, T0 + HALF);
	assert_int_equal(once.ham, 50 * COUNT_UNIT);
	assert_true(often.ham <= once.ham);
	assert_true(often.ham + 32 >= once.ham);
	for (int64_t now = T0 + HALF; now <= T0 + 30 * HALF; now += DAY)
		origin_fade(&often, HALF, now);
	assert_int_equal(often.ham, 0);
}

static void
every_count_of_both_records_fades(void **state)
{
	struct origin_record record = {.sessions = 1024,
	    .successes = 1024,
	    .gaveup = 1024,
	    .ham = 1024,
	    .spam = 1024,
	    .decayed = T0};
	struct address_record address = {
	    .ham = 1024, .spam = 1024, .rated = T0, .successes = 7};

	(void)state;
	origin_fade(&record, HALF, T0 + HALF);
	assert_int_equal(record.sessions, 512);
	assert_int_equal(record.successes, 512);
	assert_int_equal(record.gaveup, 512);
	assert_int_equal(record.ham, 512);
	assert_int_equal(record.spam, 512);
	address_fade(&address, HALF, T0 + HALF);
	assert_int_equal(address.ham, 512);
	assert_int_equal(address.spam, 512);
	assert_int_equal(address.successes, 7);
}

static void
counts_stay_at_the_top(void **state)
{
	uint32_t count = 0;

	(void)state;
	for (int i = 0; i < 5; i++)
		count_add(&count, 1000000);
	assert_int_equal(count, UINT32_MAX);
	assert_int_equal(count_rounded(count), 4194304);
	assert_int_equal(count_rounded(COUNT_UNIT / 2), 1);
	assert_int_equal(count_rounded(COUNT_UNIT / 2 - 1), 0);
}

static void
a_clock_set_back_and_no_half_life_change_no_count(void **state)
{
	struct origin_record record = {.spam = 4096, .decayed = T0 + DAY};

	(void)state;
	origin_fade(&record, HALF, T0);
	assert_int_equal(record.spam, 4096);
	assert_int_equal(record.decayed, T0);
	origin_fade(&record, 0, T0 + 100 * HALF);
	assert_int_equal(record.spam, 4096);
	/* fades by a 32nd of a half-life at a time, and no faster than one a second
	 */
	origin_fade(&record, 1, T0 + 1);
	assert_int_equal(record.spam, 4008); /* 4096 * 2^(-1/32) */
}

static const struct {
	enum outcome outcome;
	bool trust_eom;
	uint32_t sessions, successes, gaveup;
	bool is_seen;
} steps[] = {
    {OUTCOME_ATTEMPT, false, 0, 0, 0, false},
    {OUTCOME_DOMAIN_FOUND, false, 0, 0, 0, false},
    {OUTCOME_NONE, false, 0, 0, 0, true}, /* delivered by one that is no suspect */
    {OUTCOME_SEEN, false, 0, 0, 0, true},
    {OUTCOME_GONE, false, 0, 0, 1, true},
    {OUTCOME_ENDURED, false, 0, 1, 0, true},
    {OUTCOME_PASSED, false, 0, 1, 0, true},
    {OUTCOME_UNPROVEN, false, 0, 0, 0, true},
    {OUTCOME_UNPROVEN, true, 0, 1, 0, true},
    {OUTCOME_KNOWN, false, 0, 0, 0, true},
};

static void
each_deed_counts_what_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct origin_record record = origin_step((struct origin_record){0},
		    steps[i].outcome, steps[i].trust_eom, HALF, T0);
		assert_int_equal(record.sessions, steps[i].sessions * COUNT_UNIT);
		assert_int_equal(record.successes, steps[i].successes * COUNT_UNIT);
		assert_int_equal(record.gaveup, steps[i].gaveup * COUNT_UNIT);
		assert_int_equal(record.first_seen, steps[i].is_seen ? T0 : 0);
		assert_int_equal(record.last_seen, steps[i].is_seen ? T0 : 0);
		assert_int_equal(record.ham + record.spam, 0);
	}
	struct origin_record future = {.first_seen = T0 + DAY};
	assert_int_equal(
	    origin_step(future, OUTCOME_SEEN, false, HALF, T0).first_seen, T0);
	assert_int_equal(
	    origin_step(future, OUTCOME_SEEN, false, HALF, T0 + 2 * DAY).first_seen,
	    T0 + DAY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_halve_with_each_half_life),
	    cmocka_unit_test(
	        looking_often_makes_it_fade_no_slower_and_hardly_faster),
	    cmocka_unit_test(every_count_of_both_records_fades),
	    cmocka_unit_test(counts_stay_at_the_top),
	    cmocka_unit_test(a_clock_set_back_and_no_half_life_change_no_count),
	    cmocka_unit_test(each_deed_counts_what_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
