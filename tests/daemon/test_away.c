/* SPDX-License-Identifier: BSD-2-Clause */
/* For how long the daemon was away, as its next run reckons it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/away.h"

#define NOW   INT64_C(1800000000) /* 08:00 of its day, UTC */
#define DAY   86400
#define OTHER "0123456789abcdef0123456789abcdef"

struct fixture {
	char folder[64], path[96], said[512];
	enum log_level level;
	_Atomic int64_t now_ms, alone_ms; /* both clocks; the wall clock alone */
	struct clock clock;
	struct away away;
};

static void
hear(void *ctx, enum log_level level, const char *text)
{
	struct fixture *fixture = ctx;

	fixture->level = level;
	snprintf(fixture->said, sizeof fixture->said, "%s", text);
}

static int
set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof fixture);
	strcpy(fixture.folder, "/tmp/targrey-away.XXXXXX");
	assert_non_null(mkdtemp(fixture.folder));
	snprintf(fixture.path, sizeof fixture.path, "%s/sock.away", fixture.folder);
	atomic_store(&fixture.now_ms, NOW * 1000);
	clock_init_manual(&fixture.clock, &fixture.now_ms);
	fixture.clock.wall_ms = &fixture.alone_ms;
	log_to_sink(hear, &fixture);
	away_begin(&fixture.away, fixture.path, &fixture.clock);
	*state = &fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	away_end(&fixture->away);
	log_to_stderr("test");
	unlink(fixture->path);
	return rmdir(fixture->folder);
}

static void
pass(struct fixture *fixture, int64_t seconds)
{
	atomic_fetch_add(&fixture->now_ms, seconds * 1000);
}

static void
set_back(struct fixture *fixture, int64_t seconds)
{
	atomic_fetch_sub(&fixture->alone_ms, seconds * 1000);
}

/* As kill -9 leaves it: without a word. */
static void
die(struct fixture *fixture)
{
	jobs_stop(&fixture->away.jobs);
	close(fixture->away.fd);
	fixture->away.fd = -1;
}

/* away_alive() does not wait for its thread; this does. */
static void
live(struct fixture *fixture)
{
	away_alive(&fixture->away);
	jobs_stop(&fixture->away.jobs);
}

static void
begin(struct fixture *fixture)
{
	fixture->said[0] = '\0';
	away_begin(&fixture->away, fixture->path, &fixture->clock);
}

/* The first line of the file as another run of the host left it. */
static void
write_first(struct fixture *fixture, const char *word, int64_t wall, int64_t mono,
    const char *boot_id)
{
	FILE *file = fopen(fixture->path, "r+");

	assert_non_null(file);
	fprintf(file, "%s %016" PRId64 " %016" PRId64 " %-36s\n", word, wall, mono,
	    boot_id);
	assert_int_equal(fclose(file), 0);
}

static void
assert_last(struct fixture *fixture, enum away_end end, int64_t seconds)
{
	assert_true(fixture->away.has_last);
	assert_int_equal(fixture->away.last_end, end);
	assert_int_equal(fixture->away.last_s, seconds);
}

static void
the_first_start_says_nothing_and_counts_nothing(void **state)
{
	struct fixture *fixture = *state;

	assert_false(fixture->away.has_last);
	assert_int_equal(fixture->away.times, 0);
	assert_string_equal(fixture->said, "");
	assert_int_equal(access(fixture->path, R_OK), 0);
}

static void
a_stop_counts_from_its_moment_and_is_told_as_information(void **state)
{
	struct fixture *fixture = *state;

	pass(fixture, 100);
	away_end(&fixture->away);
	pass(fixture, 7);
	begin(fixture);
	assert_last(fixture, AWAY_STOPPED, 7);
	assert_false(fixture->away.host_restarted);
	assert_int_equal(fixture->level, LOG_LEVEL_INFO);
	assert_non_null(strstr(fixture->said, "was away for 7 s (stopped): "));
}

static void
a_death_counts_from_the_last_sign_of_life_and_warns(void **state)
{
	struct fixture *fixture = *state;

	pass(fixture, 50);
	live(fixture);
	pass(fixture, 30);
	die(fixture);
	begin(fixture);
	assert_last(fixture, AWAY_DIED, 30);
	assert_int_equal(fixture->level, LOG_LEVEL_WARNING);
	assert_non_null(
	    strstr(fixture->said, "was away for 30 s (ended without a stop): "));
}

static void
a_clock_set_back_or_ahead_meanwhile_changes_nothing(void **state)
{
	static const int64_t jumps[] = {DAY, -DAY, 20, -3600};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
		die(fixture);
		pass(fixture, 5);
		set_back(fixture, jumps[i]);
		begin(fixture);
		assert_last(fixture, AWAY_DIED, 5);
		assert_false(fixture->away.host_restarted);
	}
}

static void
over_a_restart_of_the_host_the_wall_clock_tells(void **state)
{
	struct fixture *fixture = *state;

	die(fixture);
	/* its clock had run longer by then than ours by now, or shorter */
	write_first(fixture, "alive", NOW - 90, NOW + 5000, OTHER);
	begin(fixture);
	assert_last(fixture, AWAY_DIED, 90);
	assert_true(fixture->away.host_restarted);
	assert_non_null(strstr(fixture->said, "the host was restarted"));
	die(fixture);
	write_first(fixture, "ended", NOW - 91, 5, OTHER);
	begin(fixture);
	assert_last(fixture, AWAY_STOPPED, 91);
	assert_true(fixture->away.host_restarted);
}

static void
set_back_over_a_restart_of_the_host_it_is_not_known(void **state)
{
	struct fixture *fixture = *state;

	die(fixture);
	write_first(fixture, "alive", NOW + 3600, 5, OTHER);
	begin(fixture);
	assert_last(fixture, AWAY_DIED, -1);
	assert_int_equal(fixture->level, LOG_LEVEL_WARNING);
	assert_non_null(strstr(
	    fixture->said, "an unknown time because the clock was set back"));
	assert_int_equal(fixture->away.times, 1);
	assert_int_equal(fixture->away.seconds, 0);
}

static void
without_an_id_of_the_host_s_run_both_clocks_must_agree(void **state)
{
	struct fixture *fixture = *state;

	die(fixture);
	write_first(fixture, "alive", NOW - 40, NOW - 41, "-");
	begin(fixture);
	assert_last(fixture, AWAY_DIED, 41);
	assert_false(fixture->away.host_restarted);
	die(fixture);
	write_first(fixture, "alive", NOW - 40, NOW - 5000, "-");
	begin(fixture);
	assert_last(fixture, AWAY_DIED, 40);
	assert_true(fixture->away.host_restarted);
}

static void
all_are_kept_from_run_to_run_and_summed_by_the_day(void **state)
{
	struct fixture *fixture = *state;
	uint64_t times, seconds;

	/* days 0 to 39, each with two, of 10 s and of as many as its number */
	for (int day = 0; day < 40; day++) {
		for (int i = 0; i < 2; i++) {
			live(fixture);
			die(fixture);
			pass(fixture, i == 0 ? 10 : day);
			begin(fixture);
		}
		live(fixture);
		die(fixture);
		write_first(fixture, "ended",
		    clock_wall(&fixture->clock) + DAY - 100,
		    clock_mono_ms(&fixture->clock) / 1000 + DAY - 100,
		    fixture->away.boot_id);
		pass(fixture, DAY - 100);
		begin(fixture); /* one of 0 s: the days are full of life */
	}
	int64_t now = clock_wall(&fixture->clock) - DAY + 200;
	away_sum(&fixture->away, now, 1, &times, &seconds);
	assert_int_equal(seconds, 10 + 39);
	away_sum(&fixture->away, now, 7, &times, &seconds);
	assert_int_equal(seconds, 7 * 10 + 33 + 34 + 35 + 36 + 37 + 38 + 39);
	assert_int_equal(fixture->away.times, 3 * 40);
	assert_int_equal(fixture->away.seconds, 40 * 10 + 39 * 40 / 2);
	/* a clock set back: what is of the days to come does not count */
	away_sum(&fixture->away, now - 3 * DAY, 1, &times, &seconds);
	assert_int_equal(seconds, 10 + 36);
}

static void
a_file_that_cannot_be_understood_is_begun_anew_and_said(void **state)
{
	static const char *const texts[] = {"", "alive\n", "alive x y z\n",
	    "\377\376\n", "sleepy 0000001800000000 0000001800000000 -\n"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		die(fixture);
		FILE *file = fopen(fixture->path, "w");
		fputs(texts[i], file);
		fclose(file);
		begin(fixture);
		assert_false(fixture->away.has_last);
		assert_non_null(strstr(fixture->said, "started afresh"));
		assert_true(fixture->away.fd >= 0);
	}
}

static void
without_a_place_for_the_file_nothing_is_known_and_all_goes_on(void **state)
{
	struct fixture *fixture = *state;
	struct away away;

	away_begin(&away, "/nonexistent/x.away", &fixture->clock);
	assert_false(away.has_last);
	assert_int_equal(away.fd, -1);
	assert_non_null(strstr(fixture->said, "will not be known"));
	away_alive(&away);
	away_end(&away);
	away_begin(&away, NULL, &fixture->clock);
	away_alive(&away);
	away_end(&away);
}

static void
a_link_in_its_place_is_not_followed(void **state)
{
	struct fixture *fixture = *state;
	char target[128];

	snprintf(target, sizeof target, "%s/other", fixture->folder);
	FILE *file = fopen(target, "w");
	fputs("keep me\n", file);
	fclose(file);
	die(fixture);
	unlink(fixture->path);
	assert_int_equal(symlink(target, fixture->path), 0);
	begin(fixture);
	live(fixture);
	struct stat status;
	assert_int_equal(stat(target, &status), 0);
	assert_int_equal(status.st_size, 8);
	assert_int_equal(lstat(fixture->path, &status), 0);
	assert_true(S_ISREG(status.st_mode));
	unlink(target);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_first_start_says_nothing_and_counts_nothing),
	    TEST(a_stop_counts_from_its_moment_and_is_told_as_information),
	    TEST(a_death_counts_from_the_last_sign_of_life_and_warns),
	    TEST(a_clock_set_back_or_ahead_meanwhile_changes_nothing),
	    TEST(over_a_restart_of_the_host_the_wall_clock_tells),
	    TEST(set_back_over_a_restart_of_the_host_it_is_not_known),
	    TEST(without_an_id_of_the_host_s_run_both_clocks_must_agree),
	    TEST(all_are_kept_from_run_to_run_and_summed_by_the_day),
	    TEST(a_file_that_cannot_be_understood_is_begun_anew_and_said),
	    TEST(without_a_place_for_the_file_nothing_is_known_and_all_goes_on),
	    TEST(a_link_in_its_place_is_not_followed),
	};
	return cmocka_run_group_tests_name("away", tests, NULL, NULL);
}
