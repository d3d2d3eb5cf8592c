/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/cases.h"
#include "policy/hold.h"

/* Above 70 %: what exceeds 10 s shrinks by (10 * holds - 7 * max) / (3 * max). */
static const struct {
	const char *claim;
	struct hold_request request;
	int64_t hold_s;
	int64_t ms;
	bool shed;
} plans[] = {
    {"a quiet server holds for the setting", {.holds = 1, .max_holds = 50}, 125,
        125000, false},
    {"a null sender is held for 90 s at most",
        {.at_data = true, .holds = 1, .max_holds = 50}, 125, 90000, false},
    {"at DATA what it was delayed by already counts: 99 s in all",
        {.at_data = true, .holds = 1, .max_holds = 50, .spent_ms = 20000}, 125,
        79000, false},
    {"70 % of the budget is still the whole hold", {.holds = 35, .max_holds = 50},
        125, 125000, false},
    {"above it the hold shrinks", {.holds = 40, .max_holds = 50}, 125, 86667,
        false}, /* 115 s * 50 / 150 less */
    {"cut below a minute it is shed", {.holds = 48, .max_holds = 50}, 125, 25334,
        true}, /* 115 s * 130 / 150 less */
    {"the last place gets the least hold", {.holds = 50, .max_holds = 50}, 125,
        10000, true},
    {"a short setting is not shed by itself", {.holds = 1, .max_holds = 50}, 30,
        30000, false},
    {"a short setting that is cut is shed", {.holds = 50, .max_holds = 50}, 30,
        10000, true},
    {"the least hold never lengthens", {.holds = 50, .max_holds = 50}, 5, 5000,
        false},
    {"hold and DNS stay below the ceiling",
        {.holds = 1, .max_holds = 50, .spent_ms = 5000}, 240, 235000, false},
    {"DNS that took longer than the ceiling leaves no hold",
        {.holds = 1, .max_holds = 50, .spent_ms = 2 * HOLD_CEILING_MS}, 125, 0,
        false},
};

static void
lengths_of_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
		struct policy_settings settings = defaults;
		settings.hold_s = plans[i].hold_s;
		struct hold_plan plan = hold_plan(&settings, &plans[i].request);
		print_message("  %s\n", plans[i].claim);
		assert_int_equal(plan.ms, plans[i].ms);
		assert_int_equal(plan.shed, plans[i].shed);
		assert_false(plan.varied);
	}
}

static void
vary_gives_its_share_of_addresses_another_length_and_the_same_one_again(
    void **state)
{
	struct policy_settings settings = defaults;
	unsigned varied = 0;

	(void)state;
	settings.vary_percent = 2;
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t dice = i * 0x9e3779b97f4a7c15;
		struct hold_request request = {
		    .dice = dice, .holds = 1, .max_holds = 50};
		struct hold_plan plan = hold_plan(&settings, &request);
		struct hold_plan again = hold_plan(&settings, &request);
		assert_int_equal(plan.ms, again.ms);
		assert_in_range(plan.ms, 5000, 240000);
		if (plan.varied)
			varied++;
		else
			assert_int_equal(plan.ms, 125000);
	}
	assert_in_range(varied, 1800, 2200);
	settings.hold_s = 0;
	settings.vary_percent = 100;
	struct hold_plan none =
	    hold_plan(&settings, &(struct hold_request){.max_holds = 50});
	assert_int_equal(none.ms, 0);
	assert_false(none.varied);
}

static void
only_a_full_hold_with_the_socket_standing_and_a_message_is_endured(void **state)
{
	(void)state;
	assert_int_equal(
	    hold_final_end(HOLD_ELAPSED, false, true, true), HOLD_ENDURED);
	assert_int_equal(
	    hold_final_end(HOLD_ELAPSED, false, false, true), HOLD_UNPROVEN);
	assert_int_equal(
	    hold_final_end(HOLD_ELAPSED, false, true, false), HOLD_HELD);
	assert_int_equal(
	    hold_final_end(HOLD_ELAPSED, false, false, false), HOLD_HELD);
	assert_int_equal(hold_final_end(HOLD_ELAPSED, true, true, true), HOLD_SHED);
	assert_int_equal(hold_final_end(HOLD_GONE, false, true, false), HOLD_GONE);
	assert_int_equal(
	    hold_final_end(HOLD_STOPPED, false, true, false), HOLD_STOPPED);
	assert_int_equal(hold_final_end(HOLD_NONE, false, false, true), HOLD_NONE);
}

/* Only what the client has shown of itself; OUTCOME_NONE: nothing. */
static const enum outcome outcomes[HOLD_ENDS] = {
    [HOLD_GONE] = OUTCOME_GONE,
    [HOLD_ENDURED] = OUTCOME_ENDURED,
    [HOLD_UNPROVEN] = OUTCOME_UNPROVEN,
};

static void
only_gone_endured_and_unproven_count_each_as_itself(void **state)
{
	(void)state;
	for (int end = 0; end < HOLD_ENDS; end++) {
		enum outcome outcome = OUTCOME_NONE;
		bool counts = hold_outcome((enum hold_end)end, &outcome);
		assert_int_equal(counts, outcomes[end] != OUTCOME_NONE);
		assert_int_equal(outcome, outcomes[end]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lengths_of_holds),
	    cmocka_unit_test(
	        vary_gives_its_share_of_addresses_another_length_and_the_same_one_again),
	    cmocka_unit_test(
	        only_a_full_hold_with_the_socket_standing_and_a_message_is_endured),
	    cmocka_unit_test(only_gone_endured_and_unproven_count_each_as_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
