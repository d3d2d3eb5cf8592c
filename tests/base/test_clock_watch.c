/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock_watch.h"
#include "base/log.h"

#define START_S INT64_C(1760000000)
#define DAY     INT64_C(86400)
#define YEAR    (365 * DAY)

static _Atomic int64_t both_ms, wall_ms;
static struct clock clock_now;
static int warnings;

static void
count(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)text;
	warnings += level == LOG_LEVEL_WARNING;
}

static int
begin(void **state)
{
	static struct clock_watch watch;

	both_ms = START_S * 1000;
	wall_ms = 0;
	warnings = 0;
	clock_init_manual(&clock_now, &both_ms);
	clock_now.wall_ms = &wall_ms;
	log_to_sink(count, NULL);
	watch = (struct clock_watch){.is_started = false};
	assert_true(clock_watch_look(&watch, &clock_now));
	*state = &watch;
	return 0;
}

static bool
after(struct clock_watch *watch, int64_t seconds, int64_t wall_jump_s)
{
	both_ms += seconds * 1000;
	wall_ms += wall_jump_s * 1000;
	return clock_watch_look(watch, &clock_now);
}

static void
time_that_passes_is_believed(void **state)
{
	assert_true(after(*state, 1, 0));
	assert_true(after(*state, 400 * DAY, 0));
	assert_int_equal(
	    clock_watch_wall(*state, &clock_now), START_S + 1 + 400 * DAY);
}

static void
slewing_is_followed(void **state)
{
	for (int i = 0; i < 1000; i++)
		assert_true(after(*state, 1, i % 2 == 0 ? 59 : -30));
	assert_int_equal(
	    clock_watch_wall(*state, &clock_now), START_S + 1000 + 500 * 29);
	assert_int_equal(warnings, 0);
}

static void
jump_is_not_believed_until_it_is_taken_back(void **state)
{
	static const int64_t jumps[] = {YEAR, -DAY, 61, -61, -10 * YEAR};
	int64_t now = START_S;

	for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
		assert_false(after(*state, 1, jumps[i]));
		assert_false(after(*state, 3600, 0));
		now += 3601;
		assert_int_equal(clock_watch_wall(*state, &clock_now), now);
		assert_int_equal(warnings, (int)i + 1);
		assert_true(after(*state, 1, -jumps[i]));
		now++;
		assert_int_equal(clock_watch_wall(*state, &clock_now), now);
	}
}

static void
jump_that_stands_for_a_day_is_the_time(void **state)
{
	assert_false(after(*state, 1, YEAR));
	assert_false(after(*state, DAY - 1, 0));
	assert_true(after(*state, 1, 0));
	assert_int_equal(
	    clock_watch_wall(*state, &clock_now), START_S + 1 + DAY + YEAR);
}

static void
second_jump_begins_the_day_anew(void **state)
{
	assert_false(after(*state, 1, YEAR));
	assert_false(after(*state, DAY - 1, 3600));
	assert_false(after(*state, DAY - 1, 0));
	assert_true(after(*state, 1, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(time_that_passes_is_believed, begin),
	    cmocka_unit_test_setup(slewing_is_followed, begin),
	    cmocka_unit_test_setup(
	        jump_is_not_believed_until_it_is_taken_back, begin),
	    cmocka_unit_test_setup(jump_that_stands_for_a_day_is_the_time, begin),
	    cmocka_unit_test_setup(second_jump_begins_the_day_anew, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
