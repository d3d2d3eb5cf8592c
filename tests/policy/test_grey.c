/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/row.h"

/* ---------------------------------------------------------------- triplets */

#define MAX_VISITS 8

static const struct {
	const char *claim;
	int64_t visits[MAX_VISITS]; /* seconds after the first; ends with -1 */
	uint32_t tries;
	bool passes, early;
} courses[] = {
    {"the first visit is no try", {0, -1}, 0, false, false},
    {"a return at once is early and no try", {0, 5, -1}, 0, false, true},
    {"a return before the delay is no try", {0, 5 * MINUTE, -1}, 0, false, false},
    {"a return after the delay is a try", {0, 31 * MINUTE, -1}, 1, false, false},
    {"two tries pass", {0, 31 * MINUTE, 62 * MINUTE, -1}, 2, true, false},
    {"tries one second apart count once", {0, 31 * MINUTE, 31 * MINUTE + 1, -1}, 1,
        false, true},
    {"tries a minute apart count", {0, 31 * MINUTE, 32 * MINUTE, -1}, 2, true,
        false},
    {"early knocking does not reset the clock",
        {0, 5, 10, 31 * MINUTE, 40 * MINUTE, -1}, 2, true, true},
    {"a retry every four hours passes", {0, 4 * HOUR, 8 * HOUR, -1}, 2, true,
        false},
    {"a first retry after the window starts anew", {0, 3 * DAY, -1}, 0, false,
        false},
    {"the second try may come after the window, counted from the first visit",
        {0, 36 * HOUR, 72 * HOUR, -1}, 2, true, false},
    {"early knocking does not make the window longer",
        {0, 20 * MINUTE, 2 * DAY + 10 * MINUTE, -1}, 0, false, false},
    {"a try counts a minute after the last try, whatever knocks between",
        {0, 31 * MINUTE, 31 * MINUTE + 30, 32 * MINUTE, -1}, 2, true, true},
    {"a try forgotten for longer than the window starts anew",
        {0, HOUR, 4 * DAY, -1}, 0, false, false},
};

static void
courses_of_attempts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof courses / sizeof *courses; i++) {
		struct grey_row row = {0};
		int64_t now = T0;
		for (int v = 0; v < MAX_VISITS && courses[i].visits[v] >= 0; v++) {
			now = T0 + courses[i].visits[v];
			row = grey_step(&defaults, row, OUTCOME_ATTEMPT, now);
		}
		row_is(courses[i].claim, &row, now, courses[i].tries,
		    courses[i].passes, courses[i].early);
	}
}

/* Retries at these seconds after T0, of a row of which only what is set is known.
 */
static const struct {
	const char *claim;
	struct grey_row row;
	int64_t retries[MAX_VISITS]; /* ends with 0 */
	uint32_t tries;
	bool early;
} set_back[] = {
    {"first noted in the future: the retry counts and the delay runs from it",
        {.first = T0 + 10 * HOUR, .last = T0 + 10 * HOUR}, {1}, 1, false},
    {"a retry half an hour after that passes",
        {.first = T0 + 10 * HOUR, .last = T0 + 10 * HOUR}, {1, 31 * MINUTE}, 2,
        false},
    {"tries made in the future are kept",
        {.first = T0 + HOUR,
            .last = T0 + 2 * HOUR,
            .last_try = T0 + 2 * HOUR,
            .tries = 1},
        {1}, 2, false},
    {"only the last try lies in the future: the next retry counts",
        {.first = T0 - HOUR,
            .last = T0 + 9 * HOUR,
            .last_try = T0 + 9 * HOUR,
            .tries = 1},
        {1}, 2, false},
    {"a visit noted a second out of order is early, not from the future",
        {.first = T0 + 3, .last = T0 + 3}, {2}, 0, true},
};

static void
a_clock_set_back_costs_a_waiting_sender_one_delay_at_most(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof set_back / sizeof *set_back; i++) {
		struct grey_row row = set_back[i].row;
		for (int v = 0; v < MAX_VISITS && set_back[i].retries[v] != 0; v++)
			row = grey_step(&defaults, row, OUTCOME_ATTEMPT,
			    T0 + set_back[i].retries[v]);
		print_message("  %s\n", set_back[i].claim);
		assert_int_equal(row.tries, set_back[i].tries);
		assert_int_equal(row.early, set_back[i].early);
	}
}

static void
a_triplet_that_passed_in_the_future_passes_and_ages_from_now(void **state)
{
	struct grey_row row = {
	    .first = T0 + DAY, .last = T0 + DAY, .passed = T0 + 365 * (int64_t)DAY};

	(void)state;
	row = grey_step(&defaults, row, OUTCOME_ATTEMPT, T0);
	assert_true(grey_passes(&defaults, &row, T0));
	assert_false(grey_passes(&defaults, &row, T0 + 36 * DAY));
}

static void
a_passed_triplet_passes_until_max_age_since_its_last_use(void **state)
{
	(void)state;
	struct grey_row row =
	    grey_step(&defaults, (struct grey_row){0}, OUTCOME_PASSED, T0);
	assert_true(grey_passes(&defaults, &row, T0 + 35 * DAY));
	assert_false(grey_passes(&defaults, &row, T0 + 35 * DAY + 1));

	row = grey_step(&defaults, row, OUTCOME_PASSED, T0 + 30 * DAY);
	assert_true(grey_passes(&defaults, &row, T0 + 60 * DAY));
	row = grey_step(&defaults, row, OUTCOME_ATTEMPT, T0 + 80 * DAY);
	assert_int_equal(row.first, T0 + 80 * DAY);
	assert_int_equal(row.passed, 0);
}

static void
deeds_other_than_attempt_and_pass_leave_a_triplet_alone(void **state)
{
	static const enum outcome outcomes[] = {OUTCOME_NONE, OUTCOME_GONE,
	    OUTCOME_ENDURED, OUTCOME_UNPROVEN, OUTCOME_KNOWN, OUTCOME_SEEN};

	(void)state;
	for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
		struct grey_row row = {
		    .first = T0, .last = T0, .tries = 1, .last_try = T0};
		row = grey_step(&defaults, row, outcomes[i], T0 + DAY);
		assert_int_equal(row.last, T0);
		assert_int_equal(row.tries, 1);
	}
}

static struct address_record after(
    struct address_record record, enum outcome outcome, int64_t now);

static void
an_attempt_is_counted_once_when_its_domain_becomes_known_later(void **state)
{
	struct grey_row pool = {.first = T0 - HOUR, .last = T0 - HOUR};
	struct grey_row network =
	    grey_step(&defaults, (struct grey_row){0}, OUTCOME_ATTEMPT, T0);

	(void)state;
	network = grey_step(&defaults, network, OUTCOME_DOMAIN_FOUND, T0);
	assert_int_equal(network.first, T0);
	assert_int_equal(network.tries, 0);
	assert_false(network.early);

	pool = grey_step(&defaults, pool, OUTCOME_DOMAIN_FOUND, T0);
	assert_int_equal(pool.tries, 1);
	assert_int_equal(pool.last, T0);
	pool = grey_step(&defaults, pool, OUTCOME_DOMAIN_FOUND, T0);
	assert_int_equal(pool.tries, 1);
	assert_false(pool.early);

	struct grey_row fresh =
	    grey_step(&defaults, (struct grey_row){0}, OUTCOME_DOMAIN_FOUND, T0);
	assert_int_equal(fresh.first, T0);
	assert_int_equal(
	    after((struct address_record){0}, OUTCOME_DOMAIN_FOUND, T0).sessions,
	    0);
}

static const struct {
	const char *claim;
	int64_t every_s;
	unsigned passes_at; /* the visit, the first being 1; 0: none of 300 */
} anywhere[] = {
    {"every 24 hours", DAY, 5},
    {"every 12 hours", 12 * HOUR, 5},
    {"every 6 hours: a day, and the tries are long there", 6 * HOUR, 5},
    {"every 5 hours: each second visit counts", 5 * HOUR, 8},
    {"every hour: at the end of the day", HOUR, 25},
    {"within the retry window, just", 2 * DAY, 5},
    {"later than the retry window: each is the first", 2 * DAY + 1, 0},
};

static unsigned
visits_from_anywhere(int64_t every_s)
{
	struct grey_row row = {0};
	int64_t now = T0;

	for (unsigned visit = 1; visit <= 300; visit++, now += every_s) {
		if (grey_passes_anywhere(&row, defaults.retry_window_s, now))
			return visit;
		row = grey_step_anywhere(&defaults, row, OUTCOME_ATTEMPT, now);
	}
	return 0;
}

static void
visits_from_anywhere_pass_after_three_tries_and_a_day(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++) {
		unsigned is = visits_from_anywhere(anywhere[i].every_s);
		if (is != anywhere[i].passes_at)
			fail_msg("%s: %u", anywhere[i].claim, is);
	}
	struct grey_row row = {.first = T0, .last = T0 + 2 * DAY, .tries = 4};
	row = grey_step_anywhere(&defaults, row, OUTCOME_PASSED, T0 + 2 * DAY + 1);
	assert_int_equal(row.first, T0 + 2 * DAY + 1);
	assert_int_equal(row.tries, 0);
	assert_int_equal(row.passed, 0);
	row =
	    grey_step_anywhere(&defaults, (struct grey_row){0}, OUTCOME_PASSED, T0);
	assert_int_equal(row.first, 0);
	row = grey_step_anywhere(
	    &defaults, (struct grey_row){0}, OUTCOME_ATTEMPT, T0 + 365 * DAY);
	row = grey_step_anywhere(&defaults, row, OUTCOME_ATTEMPT, T0);
	assert_int_equal(row.first, T0); /* from the future */
}

static const struct {
	const char *claim;
	struct grey_row row;
	enum outcome outcome;
	int64_t now;
	int64_t first, last; /* of what comes of it */
} from_anywhere[] = {
    {"a known address changes nothing", {.first = T0, .last = T0}, OUTCOME_KNOWN,
        T0 + HOUR, T0, T0},
    {"a domain that is found begins it", {0}, OUTCOME_DOMAIN_FOUND, T0, T0, T0},
    {"what is in it already is not counted again", {.first = T0, .last = T0 + HOUR},
        OUTCOME_DOMAIN_FOUND, T0 + HOUR, T0, T0 + HOUR},
    {"a later one is", {.first = T0, .last = T0, .last_try = T0},
        OUTCOME_DOMAIN_FOUND, T0 + HOUR, T0, T0 + HOUR},
    {"after the window it begins anew", {.first = T0, .last = T0}, OUTCOME_ATTEMPT,
        T0 + 3 * DAY, T0 + 3 * DAY, T0 + 3 * DAY},
    {"a first visit in the future begins anew", {.first = T0 + DAY, .last = T0},
        OUTCOME_ATTEMPT, T0 + HOUR, T0 + HOUR, T0 + HOUR},
    {"a last visit in the future begins anew", {.first = T0, .last = T0 + DAY},
        OUTCOME_ATTEMPT, T0 + HOUR, T0 + HOUR, T0 + HOUR},
};

static void
steps_from_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof from_anywhere / sizeof *from_anywhere; i++) {
		struct grey_row row =
		    grey_step_anywhere(&defaults, from_anywhere[i].row,
		        from_anywhere[i].outcome, from_anywhere[i].now);
		print_message("  %s\n", from_anywhere[i].claim);
		assert_int_equal(row.first, from_anywhere[i].first);
		assert_int_equal(row.last, from_anywhere[i].last);
		assert_int_equal(row.tries, 0);
	}
}

static void
tries_from_anywhere_do_not_pass_after_the_window_nor_from_the_future(void **state)
{
	const struct grey_row row = {
	    .first = T0, .last = T0 + DAY, .tries = GREY_ANYWHERE_TRIES};
	const struct grey_row future = {
	    .first = T0, .last = T0 + 5 * DAY, .tries = GREY_ANYWHERE_TRIES};

	(void)state;
	assert_true(grey_passes_anywhere(&row, 2 * DAY, T0 + 3 * DAY));
	assert_false(grey_passes_anywhere(&row, 2 * DAY, T0 + 3 * DAY + 1));
	assert_false(grey_passes_anywhere(&future, 2 * DAY, T0 + 3 * DAY));
}

static void
the_better_row_is_the_one_nearer_to_passing(void **state)
{
	struct grey_row none = {0}, waits = {.first = T0, .last = T0};
	struct grey_row tried = {.first = T0 + 9, .tries = 1},
	                passed = {.first = T0 + 99, .passed = T0 + 100};

	(void)state;
	assert_int_equal(grey_better(none, waits).first, T0);
	assert_int_equal(grey_better(waits, none).first, T0);
	assert_int_equal(grey_better(waits, tried).tries, 1);
	assert_int_equal(grey_better(passed, tried).passed, T0 + 100);
	assert_int_equal(grey_better(tried, passed).passed, T0 + 100);
	assert_int_equal(grey_better(tried, waits).tries, 1);
	struct grey_row later = {.first = T0 + 5, .last = T0 + 5};
	assert_int_equal(grey_better(waits, later).first, T0);
	assert_int_equal(grey_better(later, waits).first, T0);
	assert_false(grey_passes(&defaults, &none, T0));
}

/* --------------------------------------------------------------- addresses */

static struct address_record
after(struct address_record record, enum outcome outcome, int64_t now)
{
	return address_step(&defaults, record, outcome, 41, now);
}

static void
a_hang_up_is_remembered_with_its_seconds_for_the_retry_window(void **state)
{
	struct address_record record =
	    after((struct address_record){0}, OUTCOME_GONE, T0);

	(void)state;
	assert_int_equal(record.gaveup, 1);
	assert_int_equal(record.gaveup_secs, 41);
	assert_true(address_is_gone(&defaults, &record, T0 + 2 * DAY));
	assert_false(address_is_gone(&defaults, &record, T0 + 2 * DAY + 1));
}

static void
a_success_clears_the_hang_up(void **state)
{
	struct address_record record =
	    after((struct address_record){0}, OUTCOME_GONE, T0);

	(void)state;
	record = after(record, OUTCOME_ENDURED, T0 + 10);
	assert_int_equal(record.gaveup, 0);
	assert_false(address_is_gone(&defaults, &record, T0 + 20));
	assert_int_equal(record.successes, 1);
}

static void
a_hang_up_within_an_hour_after_a_success_does_not_count(void **state)
{
	struct address_record record =
	    after((struct address_record){0}, OUTCOME_ENDURED, T0);

	(void)state;
	record = after(record, OUTCOME_GONE, T0 + HOUR - 1);
	assert_int_equal(record.gaveup, 0);
	record = after(record, OUTCOME_GONE, T0 + HOUR);
	assert_int_equal(record.gaveup, 1);
	assert_true(address_is_gone(&defaults, &record, T0 + HOUR));
}

static void
five_successes_an_hour_apart_make_an_address_allowed(void **state)
{
	struct address_record record = {0};

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(record.known_until, 0);
		record = after(record, i % 2 ? OUTCOME_PASSED : OUTCOME_ENDURED,
		    T0 + i * HOUR);
		record = after(
		    record, OUTCOME_ENDURED, T0 + i * HOUR + 10); /* too close */
		if (i < 4)
			assert_int_equal(record.known_until, 0);
	}
	assert_int_equal(record.known_until, T0 + 4 * HOUR + 10 + 35 * DAY);
	record = after(record, OUTCOME_KNOWN, T0 + 30 * DAY);
	assert_int_equal(record.known_until, T0 + 65 * DAY);
	record = after(record, OUTCOME_KNOWN, T0 + 66 * DAY); /* had run out */
	assert_int_equal(record.known_until, T0 + 65 * DAY);
}

static void
no_successes_make_nobody_known(void **state)
{
	struct policy_settings settings = defaults;
	struct address_record record = {0};

	(void)state;
	settings.known_successes = 0;
	for (int i = 0; i < 20; i++)
		record = address_step(
		    &settings, record, OUTCOME_ENDURED, 0, T0 + i * DAY);
	assert_int_equal(record.known_until, 0);
}

static void
an_unproven_hold_counts_once_a_day_or_always_with_trust_eom(void **state)
{
	struct policy_settings trusting = defaults;
	struct address_record record =
	    after((struct address_record){0}, OUTCOME_UNPROVEN, T0);

	(void)state;
	assert_int_equal(record.successes, 1);
	record = after(record, OUTCOME_UNPROVEN, T0 + DAY - 1);
	assert_int_equal(record.successes, 1);
	record = after(record, OUTCOME_UNPROVEN, T0 + DAY);
	assert_int_equal(record.successes, 2);

	trusting.trust_eom = true;
	record = address_step(&trusting, record, OUTCOME_UNPROVEN, 0, T0 + DAY + 1);
	assert_int_equal(record.successes, 3);
}

static void
sessions_are_counted_when_they_end(void **state)
{
	struct address_record record =
	    after((struct address_record){0}, OUTCOME_SEEN, T0);

	(void)state;
	record = after(record, OUTCOME_NONE, T0 + 5);
	assert_int_equal(record.sessions, 1);
	assert_int_equal(record.first_seen, T0);
	assert_int_equal(record.last_seen, T0);
	record = after(record, OUTCOME_SEEN, T0 + 9);
	assert_int_equal(record.sessions, 2);
	assert_int_equal(record.last_seen, T0 + 9);
}

static void
a_success_dated_in_the_future_does_not_stop_counting(void **state)
{
	int64_t year_ahead = T0 + 365 * (int64_t)DAY;
	struct address_record record =
	    after((struct address_record){0}, OUTCOME_ENDURED, year_ahead);

	(void)state;
	for (int i = 0; i < 4; i++)
		record = after(record, OUTCOME_ENDURED, T0 + i * HOUR);
	assert_int_equal(record.counted, 5);
	assert_int_equal(record.known_until, T0 + 3 * HOUR + 35 * DAY);
	assert_int_equal(record.first_seen, T0);

	struct domain_record domain = domain_step(
	    &defaults, (struct domain_record){0}, OUTCOME_PASSED, year_ahead);
	domain = domain_step(&defaults, domain, OUTCOME_PASSED, T0);
	assert_int_equal(domain.counted, 2);
	assert_int_equal(domain.first_seen, T0);
}

static void
a_hang_up_dated_in_the_future_is_remembered_for_the_retry_window(void **state)
{
	int64_t year_ahead = T0 + 365 * (int64_t)DAY;
	struct address_record record =
	    after((struct address_record){0}, OUTCOME_GONE, year_ahead);

	(void)state;
	record = after(record, OUTCOME_ATTEMPT, T0);
	assert_true(address_is_gone(&defaults, &record, T0 + 2 * DAY));
	assert_false(address_is_gone(&defaults, &record, T0 + 2 * DAY + 1));
}

static void
an_unproven_hold_dated_in_the_future_counts_again_after_a_day(void **state)
{
	struct address_record record = after(
	    (struct address_record){0}, OUTCOME_UNPROVEN, T0 + 365 * (int64_t)DAY);

	(void)state;
	record = after(record, OUTCOME_UNPROVEN, T0);
	assert_int_equal(record.successes, 1);
	record = after(record, OUTCOME_UNPROVEN, T0 + DAY);
	assert_int_equal(record.successes, 2);
}

/* ----------------------------------------------------------------- domains */

static void
a_domain_learns_only_good_things(void **state)
{
	struct domain_record record = {0};

	(void)state;
	record = domain_step(&defaults, record, OUTCOME_GONE, T0);
	record = domain_step(&defaults, record, OUTCOME_ATTEMPT, T0);
	assert_int_equal(record.successes, 0);
	for (int i = 0; i < 5; i++)
		record =
		    domain_step(&defaults, record, OUTCOME_PASSED, T0 + i * HOUR);
	assert_int_equal(record.successes, 5);
	assert_int_equal(record.known_until, T0 + 4 * HOUR + 35 * DAY);

	record = domain_step(&defaults, record, OUTCOME_KNOWN, T0 + 10 * DAY);
	assert_int_equal(record.known_until, T0 + 45 * DAY);
	record = domain_step(&defaults, record, OUTCOME_KNOWN, T0 + 45 * DAY + 1);
	assert_int_equal(record.known_until, T0 + 45 * DAY);
	struct domain_record same =
	    domain_step(&defaults, record, OUTCOME_NONE, T0 + 46 * DAY);
	assert_int_equal(same.last_seen, record.last_seen);
}

static void
an_unproven_hold_is_a_success_of_a_domain_only_with_trust_eom(void **state)
{
	(void)state;
	struct domain_record record =
	    domain_step(&defaults, (struct domain_record){0}, OUTCOME_UNPROVEN, T0);
	assert_int_equal(record.successes, 0);

	struct policy_settings trusting = defaults;
	trusting.trust_eom = true;
	record = domain_step(&trusting, record, OUTCOME_UNPROVEN, T0);
	assert_int_equal(record.successes, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(courses_of_attempts),
	    cmocka_unit_test(
	        a_clock_set_back_costs_a_waiting_sender_one_delay_at_most),
	    cmocka_unit_test(
	        a_triplet_that_passed_in_the_future_passes_and_ages_from_now),
	    cmocka_unit_test(
	        a_passed_triplet_passes_until_max_age_since_its_last_use),
	    cmocka_unit_test(
	        deeds_other_than_attempt_and_pass_leave_a_triplet_alone),
	    cmocka_unit_test(
	        an_attempt_is_counted_once_when_its_domain_becomes_known_later),
	    cmocka_unit_test(visits_from_anywhere_pass_after_three_tries_and_a_day),
	    cmocka_unit_test(steps_from_anywhere),
	    cmocka_unit_test(
	        tries_from_anywhere_do_not_pass_after_the_window_nor_from_the_future),
	    cmocka_unit_test(the_better_row_is_the_one_nearer_to_passing),
	    cmocka_unit_test(
	        a_hang_up_is_remembered_with_its_seconds_for_the_retry_window),
	    cmocka_unit_test(a_success_clears_the_hang_up),
	    cmocka_unit_test(
	        a_hang_up_within_an_hour_after_a_success_does_not_count),
	    cmocka_unit_test(five_successes_an_hour_apart_make_an_address_allowed),
	    cmocka_unit_test(no_successes_make_nobody_known),
	    cmocka_unit_test(
	        an_unproven_hold_counts_once_a_day_or_always_with_trust_eom),
	    cmocka_unit_test(sessions_are_counted_when_they_end),
	    cmocka_unit_test(a_success_dated_in_the_future_does_not_stop_counting),
	    cmocka_unit_test(
	        a_hang_up_dated_in_the_future_is_remembered_for_the_retry_window),
	    cmocka_unit_test(
	        an_unproven_hold_dated_in_the_future_counts_again_after_a_day),
	    cmocka_unit_test(a_domain_learns_only_good_things),
	    cmocka_unit_test(
	        an_unproven_hold_is_a_success_of_a_domain_only_with_trust_eom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
