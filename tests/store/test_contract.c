/* SPDX-License-Identifier: BSD-2-Clause */
/* What every backend must do: the same tests for memory, SQLite, PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>

#include "record/mx.h"
#include "store_fixture.h"

#define SAME_NET "192.0.2.77"
#define OTHER    "198.51.100.5"

static struct history history;
static struct grey_row row;

static int
open_memory(void **state)
{
	*state = malloc(sizeof(struct store_fixture));
	fixture_open(*state, true);
	return 0;
}

static int
open_database(void **state)
{
	*state = malloc(sizeof(struct store_fixture));
	fixture_open(*state, false);
	return 0;
}

static int
close_fixture(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

static void
unknown_client_has_an_empty_history(void **state)
{
	row.first = 1;
	assert_int_equal(
	    fixture_recall(*state, IP, NULL, FROM, TO, &history, &row), STORE_OK);
	assert_int_equal(history.address.first_seen, 0);
	assert_int_equal(history.domain.first_seen, 0);
	assert_int_equal(row.first, 0);
	assert_int_equal(history.rows_count, 1);
}

static void
attempt_is_found_under_the_network_and_nowhere_else(void **state)
{
	assert_int_equal(fixture_note(*state, OUTCOME_ATTEMPT, IP, NULL, FROM, TO),
	    NOTE_COMMITTED);
	fixture_recall(*state, SAME_NET, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	assert_int_equal(row.last, TEST_NOW);
	assert_int_equal(row.last_try, 0);
	assert_int_equal(row.tries, 0);
	assert_false(row.early);
	assert_int_equal(history.address.first_seen, 0);
	fixture_recall(*state, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(history.address.first_seen, TEST_NOW);
	fixture_recall(*state, OTHER, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, 0);
	fixture_recall(*state, IP, NULL, "other@example.org", TO, &history, &row);
	assert_int_equal(row.first, 0);
	fixture_recall(*state, IP, NULL, FROM, "other@example.jp", &history, &row);
	assert_int_equal(row.first, 0);
}

static void
every_number_of_a_waiting_row_comes_back(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_sleep(fixture, 30);
	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
	assert_true(row.early);
	assert_int_equal(row.last, TEST_NOW + 30);
	fixture_sleep(fixture, 40000);
	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_sleep(fixture, 40000);
	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	assert_int_equal(row.last, TEST_NOW + 80030);
	assert_int_equal(row.last_try, TEST_NOW + 80030);
	assert_int_equal(row.tries, 2);
	assert_true(row.early);
	assert_int_equal(row.passed, 0);
}

static void
attempt_at(struct store_fixture *fixture, const char *mx)
{
	struct policy_settings policy = test_policy;
	struct triplet triplet = {FROM, TO};
	struct note_spec spec = {.now = fixture_time(fixture),
	    .outcome = OUTCOME_ATTEMPT,
	    .triplets = &triplet,
	    .count = 1,
	    .settings = &policy};

	policy.mx = mx_code(mx);
	ip_from_text(IP, &spec.who.ip);
	struct note *note = note_new(&spec);
	store_submit(fixture->store, note);
	store_flush(fixture->store);
	assert_int_equal(note_state(note), NOTE_COMMITTED);
	note_drop(&note);
}

static void
the_mxs_of_a_waiting_row_come_back(void **state)
{
	struct store_fixture *fixture = *state;
	static const char *const names[] = {"mx4", "mx2", "mx3", "mx1"};

	for (int i = 0; i < 4; i++) {
		attempt_at(fixture, names[i]);
		fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
		assert_int_equal(mx_count(row.mxs), i + 1);
		assert_int_equal(mx_first(row.mxs), mx_code("mx4"));
		assert_true(mx_is_walked(row.mxs, mx_code(names[i])));
	}
	assert_false(row.early);
	attempt_at(fixture, "mx2");
	fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
	assert_true(row.early);
}

static void
waiting_row_is_forgotten_after_the_window(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_sleep(fixture, 2 * 86400);
	fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	fixture_sleep(fixture, 86400);
	fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, 0);
}

static void
try_keeps_the_row_for_another_window(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_sleep(fixture, 2 * 86400 - 60);
	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_sleep(fixture, 2 * 86400 - 60);
	fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	assert_int_equal(row.tries, 1);
}

static void
passed_row_outlives_the_window(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_sleep(fixture, TEST_DELAY);
	fixture_note(fixture, OUTCOME_PASSED, IP, NULL, FROM, TO);
	fixture_sleep(fixture, 30 * 86400);
	fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	assert_int_equal(row.passed, TEST_NOW + TEST_DELAY);
	assert_int_equal(row.tries, 1);
	assert_int_equal(history.address.successes, 1);
}

static void
domain_finds_the_triplet_from_another_network(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_note(fixture, OUTCOME_ATTEMPT, IP, "example.org", FROM, TO);
	fixture_recall(fixture, OTHER, "example.org", FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	assert_int_equal(history.domain.first_seen, TEST_NOW);
	fixture_recall(fixture, OTHER, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, 0);
	assert_int_equal(history.domain.first_seen, 0);
}

static void
attempt_without_domain_is_carried_over_to_it(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_sleep(fixture, TEST_DELAY);
	fixture_note(fixture, OUTCOME_ATTEMPT, IP, "example.org", FROM, TO);
	fixture_recall(fixture, OTHER, "example.org", FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	assert_int_equal(row.tries, 1);
}

static void
hang_up_sticks_to_the_address_alone(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_note(fixture, OUTCOME_GONE, IP, "example.org", FROM, TO);
	fixture_recall(fixture, IP, "example.org", FROM, TO, &history, &row);
	assert_int_equal(history.address.gaveup, 1);
	assert_int_equal(history.address.gaveup_secs, 41);
	assert_int_equal(history.address.last_gaveup, TEST_NOW);
	assert_int_equal(history.domain.successes, 0);
	fixture_recall(fixture, SAME_NET, "example.org", FROM, TO, &history, &row);
	assert_int_equal(history.address.gaveup, 0);
}

static void
success_counts_for_address_and_domain(void **state)
{
	struct store_fixture *fixture = *state;

	for (int i = 0; i < 5; i++)
		fixture_note(
		    fixture, OUTCOME_ENDURED, IP, "example.org", NULL, NULL);
	fixture_recall(fixture, IP, "example.org", FROM, TO, &history, &row);
	assert_int_equal(history.address.successes, 5);
	assert_int_equal(history.address.counted, 5);
	assert_int_equal(history.address.known_until, TEST_NOW + 35 * 86400);
	assert_int_equal(history.domain.successes, 5);
}

/* All of them are in one commit, or two, as nobody waits for the first ones. */
static void
notes_of_one_commit_build_on_each_other(void **state)
{
	struct store_fixture *fixture = *state;
	struct ip one, other;

	assert_true(ip_from_text(IP, &one));
	assert_true(ip_from_text(SAME_NET, &other));
	for (int i = 0; i < 20; i++) {
		struct note_spec spec = {
		    .who = {.ip = i % 2 == 0 ? one : other,
		        .domain = "example.org",
		        .sender_domain = "example.org"},
		    .now = TEST_NOW + i,
		    .settings = &test_policy,
		    .outcome = i < 10 ? OUTCOME_ENDURED : OUTCOME_SEEN,
		    .begins_session = i >= 10,
		};
		struct note *note = note_new(&spec);
		assert_true(store_submit(fixture->store, note));
		note_drop(&note);
	}
	store_flush(fixture->store);
	const struct store_who who = {.ip = one, .domain = "example.org"};
	assert_int_equal(
	    store_recall(fixture->store, &who, NULL, 0, TEST_NOW + 20, &history),
	    STORE_OK);
	assert_int_equal(history.address.successes, 5);
	assert_int_equal(history.address.sessions, 5);
	assert_int_equal(history.address.last_seen, TEST_NOW + 18);
	assert_int_equal(history.domain.successes, 10);
	assert_int_equal(history.domain.networks, 1);
	assert_int_equal(history.network.successes, 10 * COUNT_UNIT);
	assert_int_equal(history.network.sessions, 10 * COUNT_UNIT);
	assert_int_equal(history.organisation.sessions, 10 * COUNT_UNIT);
}

static void
networks_of_a_domain_are_counted_once_a_day(void **state)
{
	struct store_fixture *fixture = *state;
	char ip[32];

	for (int i = 0; i < 70; i++) {
		snprintf(ip, sizeof ip, "10.0.%d.1", i % 35);
		fixture_note(fixture, OUTCOME_ATTEMPT, ip, "example.org", FROM, TO);
	}
	fixture_recall(fixture, IP, "example.org", FROM, TO, &history, &row);
	assert_int_equal(history.domain.networks, 35);
	fixture_sleep(fixture, 86400);
	fixture_recall(fixture, IP, "example.org", FROM, TO, &history, &row);
	assert_int_equal(history.domain.networks, 0);
	fixture_note(fixture, OUTCOME_ATTEMPT, IP, "example.org", FROM, TO);
	fixture_recall(fixture, IP, "example.org", FROM, TO, &history, &row);
	assert_int_equal(history.domain.networks, 1);
}

static void
domain_seen_from_65_networks_in_a_day_is_no_key(void **state)
{
	struct store_fixture *fixture = *state;
	char ip[32];

	for (int i = 0; i < 65; i++) {
		fixture_recall(
		    fixture, OTHER, "example.org", FROM, TO, &history, &row);
		assert_int_equal(row.first, i == 0 ? 0 : TEST_NOW);
		snprintf(ip, sizeof ip, "10.0.%d.1", i);
		fixture_note(fixture, OUTCOME_ENDURED, ip, "example.org", FROM, TO);
		fixture_note(fixture, OUTCOME_ATTEMPT, ip, "example.org", FROM, TO);
	}
	fixture_recall(fixture, OTHER, "example.org", FROM, TO, &history, &row);
	assert_int_equal(history.domain.successes, 65);
	assert_int_equal(row.first, 0);

	fixture_note(fixture, OUTCOME_ENDURED, OTHER, "example.org", NULL, NULL);
	fixture_note(fixture, OUTCOME_ATTEMPT, OTHER, "example.org", FROM,
	    "other@example.jp");
	fixture_recall(fixture, OTHER, "example.org", FROM, TO, &history, &row);
	assert_int_equal(history.domain.successes, 65);
	fixture_sleep(fixture, 86400);
	fixture_recall(
	    fixture, IP, "example.org", FROM, "other@example.jp", &history, &row);
	assert_int_equal(row.first, 0);
	fixture_recall(
	    fixture, OTHER, NULL, FROM, "other@example.jp", &history, &row);
	assert_int_equal(row.first, TEST_NOW);
}

static void
row_noted_before_the_clock_was_set_back_is_found(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO);
	fixture_sleep(fixture, -12 * 3600);
	fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
}

static void
ipv6_counts_by_its_first_half(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_note(fixture, OUTCOME_ATTEMPT, "2001:db8:0:1::5", NULL, FROM, TO);
	fixture_recall(
	    fixture, "2001:db8:0:1:ffff::9", NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	assert_int_equal(history.address.first_seen, TEST_NOW);
	fixture_recall(fixture, "2001:db8:0:2::5", NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, 0);
	assert_int_equal(history.address.first_seen, 0);
}

static void
flood_of_new_triplets_is_limited_by_network_and_minute(void **state)
{
	struct store_fixture *fixture = *state;
	char from[32];
	struct store_status_report report;

	fixture->settings.max_new_per_net = 10;
	store_configure(fixture->store, &fixture->settings);
	for (int i = 0; i < 15; i++) {
		snprintf(from, sizeof from, "%d@example.org", i);
		assert_int_equal(
		    fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, from, TO),
		    i < 10 ? NOTE_COMMITTED : NOTE_LIMITED);
	}
	assert_int_equal(
	    fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, "3@example.org", TO),
	    NOTE_COMMITTED);
	fixture_recall(fixture, IP, NULL, "12@example.org", TO, &history, &row);
	assert_int_equal(row.first, 0);
	fixture_sleep(fixture, 60);
	assert_int_equal(
	    fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, "12@example.org", TO),
	    NOTE_COMMITTED);
	store_report(fixture->store, true, &report);
	assert_int_equal(report.limited, 5);
	assert_int_equal(report.triplets_waiting, 2 * 11);
}

/* Every minute so many new ones, from other addresses of the network. */
static void
neighbours_flood(struct store_fixture *fixture, int round)
{
	char ip[32], from[32];

	for (int i = 0; i < 20; i++) {
		snprintf(ip, sizeof ip, "192.0.2.%d", 100 + i % 7);
		snprintf(from, sizeof from, "%d@flood.example", round * 20 + i);
		assert_int_equal(
		    fixture_note(fixture, OUTCOME_ATTEMPT, ip, NULL, from, TO),
		    i < 10 ? NOTE_COMMITTED : NOTE_LIMITED);
	}
}

static void
sender_that_keeps_coming_gets_in_whatever_its_neighbours_do(void **state)
{
	struct store_fixture *fixture = *state;

	fixture->settings.max_new_per_net = 10;
	store_configure(fixture->store, &fixture->settings);
	for (int minutes = 0; minutes <= 8 * 60; minutes += 240) {
		neighbours_flood(fixture, minutes);
		assert_int_equal(
		    fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, FROM, TO),
		    minutes == 0 ? NOTE_LIMITED : NOTE_COMMITTED);
		fixture_sleep(fixture, 240 * 60);
	}
	fixture_recall(fixture, IP, NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW + 240 * 60);
	assert_int_equal(row.tries, 1);
}

static void
refused_ones_that_come_again_are_limited_by_address(void **state)
{
	struct store_fixture *fixture = *state;
	char from[32];

	fixture->settings.max_new_per_net = 10;
	store_configure(fixture->store, &fixture->settings);
	neighbours_flood(fixture, 0);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < 15; i++) {
			snprintf(from, sizeof from, "%d@again.example", i);
			assert_int_equal(fixture_note(fixture, OUTCOME_ATTEMPT, IP,
			                     NULL, from, TO),
			    pass == 1 && i < 10 ? NOTE_COMMITTED : NOTE_LIMITED);
		}
	}
	/* a day later they are new */
	fixture_sleep(fixture, 86400);
	neighbours_flood(fixture, 1);
	assert_int_equal(fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL,
	                     "14@again.example", TO),
	    NOTE_LIMITED);
}

static void
triplet_known_by_its_domain_is_no_new_one(void **state)
{
	struct store_fixture *fixture = *state;

	fixture->settings.max_new_per_net = 1;
	store_configure(fixture->store, &fixture->settings);
	assert_int_equal(
	    fixture_note(fixture, OUTCOME_ATTEMPT, IP, "example.org", FROM, TO),
	    NOTE_COMMITTED);
	assert_int_equal(fixture_note(fixture, OUTCOME_ATTEMPT, OTHER, NULL,
	                     "c@example.org", TO),
	    NOTE_COMMITTED);
	assert_int_equal(
	    fixture_note(fixture, OUTCOME_ATTEMPT, OTHER, "example.org", FROM, TO),
	    NOTE_COMMITTED);
	assert_int_equal(fixture_note(fixture, OUTCOME_ATTEMPT, OTHER, NULL,
	                     "d@example.org", TO),
	    NOTE_LIMITED);
}

static void
rows_past_their_time_go_and_others_stay(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report;

	fixture_note(fixture, OUTCOME_ATTEMPT, IP, "old.example", FROM, TO);
	fixture_note_event(fixture, IP, "a1");
	fixture_sleep(fixture, 36 * 86400);
	fixture_note(fixture, OUTCOME_ATTEMPT, OTHER, "new.example", FROM, TO);
	fixture_note_event(fixture, OTHER, "a2");
	for (int i = 0; i < 200; i++) {
		fixture_sleep(fixture, 2);
		fixture_note(fixture, OUTCOME_ATTEMPT, OTHER, NULL, FROM, TO);
	}
	store_report(fixture->store, true, &report);
	/* under the network, the domain, and any network */
	assert_int_equal(report.triplets_waiting, 3);
	assert_int_equal(report.addresses, 1);
	assert_int_equal(report.domains, 1);
	assert_int_equal(report.events, 1);
}

static void
clock_far_ahead_expires_nothing(void **state)
{
	struct store_fixture *fixture = *state;
	struct store_status_report report;
	const int64_t year = 365 * INT64_C(86400);

	fixture_note(fixture, OUTCOME_PASSED, IP, "old.example", FROM, TO);
	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, "b@example.org", TO);
	fixture_note_event(fixture, IP, "a1");
	fixture->wall_ms = year * 1000;
	for (int i = 0; i < 100; i++) {
		fixture_sleep(fixture, 2);
		fixture_note(fixture, OUTCOME_ATTEMPT, OTHER, NULL, FROM, TO);
	}
	store_report(fixture->store, true, &report);
	assert_int_equal(report.clock_jump_s, year);
	assert_false(report.expiring);
	fixture->wall_ms = 0;
	for (int i = 0; i < 5; i++) {
		fixture_sleep(fixture, 2);
		fixture_note(fixture, OUTCOME_ATTEMPT, OTHER, NULL, FROM, TO);
	}
	store_report(fixture->store, true, &report);
	assert_int_equal(report.clock_jump_s, 0);
	assert_int_equal(report.triplets_passed, 2);
	assert_int_equal(report.addresses, 2);
	assert_int_equal(report.domains, 1);
	assert_int_equal(report.events, 1);
	fixture_recall(fixture, IP, NULL, "b@example.org", TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
}

static void
count_done(void *ctx, uint64_t number, enum note_state state)
{
	_Atomic unsigned *counts = ctx;

	if (state == NOTE_COMMITTED)
		counts[number]++;
	else
		counts[number] += 1000;
}

static void
count_release(void *keep)
{
	(*(_Atomic unsigned *)keep)++;
}

static void
each_note_is_reported_once_and_releases_once(void **state)
{
	struct store_fixture *fixture = *state;
	static _Atomic unsigned counts[100], releases;
	struct store_status_report report;

	releases = 0;
	for (unsigned i = 0; i < 100; i++) {
		char sender[32];
		snprintf(sender, sizeof sender, "%u@example.org", i);
		struct triplet triplet = {sender, TO};
		struct note_spec spec = {
		    .who = {.domain = NULL},
		    .now = TEST_NOW,
		    .outcome = OUTCOME_ATTEMPT,
		    .settings = &test_policy,
		    .triplets = &triplet,
		    .count = 1,
		    .release = count_release,
		    .keep = &releases,
		    .done = count_done,
		    .ctx = counts,
		    .number = i,
		};
		counts[i] = 0;
		ip_from_text(IP, &spec.who.ip);
		struct note *note = note_new(&spec);
		assert_true(store_submit(fixture->store, note));
		note_drop(&note);
	}
	store_flush(fixture->store);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(counts[i], 1);
	assert_int_equal(releases, 100);
	store_report(fixture->store, true, &report);
	assert_int_equal(report.notes, 100);
	assert_int_equal(report.queued, 0);
	assert_int_equal(report.triplets_waiting, 2 * 100);
	assert_true(report.commits <= 100);
	assert_false(report.failing);
}

static void
long_and_strange_texts_are_told_apart(void **state)
{
	struct store_fixture *fixture = *state;
	char *one = malloc(5000), *two = malloc(5000);

	for (int i = 0; i < 4999; i++)
		one[i] = two[i] = (char)(128 + i % 100);
	one[4999] = two[4999] = '\0';
	two[4990] = 'x';
	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, one, TO);
	fixture_recall(fixture, IP, NULL, one, TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	fixture_recall(fixture, IP, NULL, two, TO, &history, &row);
	assert_int_equal(row.first, 0);
	fixture_note(fixture, OUTCOME_ATTEMPT, IP, NULL, "", TO);
	fixture_recall(fixture, IP, NULL, "", TO, &history, &row);
	assert_int_equal(row.first, TEST_NOW);
	free(one);
	free(two);
}

static void
several_triplets_of_a_note_are_kept_and_found(void **state)
{
	struct store_fixture *fixture = *state;
	struct triplet triplets[40];
	struct grey_row rows[40];
	char text[40][32];
	struct store_who who = {.domain = NULL};

	ip_from_text(IP, &who.ip);
	for (int i = 0; i < 40; i++) {
		snprintf(text[i], sizeof text[i], "%d@example.jp", i);
		triplets[i] = (struct triplet){FROM, text[i]};
	}
	struct note_spec spec = {.who = who,
	    .now = TEST_NOW,
	    .outcome = OUTCOME_ATTEMPT,
	    .settings = &test_policy,
	    .triplets = triplets,
	    .count = 39};
	struct note *note = note_new(&spec);
	store_submit(fixture->store, note);
	store_flush(fixture->store);
	assert_int_equal(note_state(note), NOTE_COMMITTED);
	note_drop(&note);
	history.rows = rows;
	assert_int_equal(
	    store_recall(fixture->store, &who, triplets, 40, TEST_NOW, &history),
	    STORE_OK);
	assert_int_equal(history.rows_count, 40);
	for (int i = 0; i < 39; i++)
		assert_int_equal(rows[i].first, TEST_NOW);
	assert_int_equal(rows[39].first, 0);
}

#define HOST "mail.example.net"

/* A message of a host with a verified name, let through or not. */
static enum note_state
visit(struct store_fixture *fixture, const char *ip, const char *domain,
    enum outcome outcome, bool is_delivered)
{
	static const struct session_words words;
	struct event event = {
	    .time = fixture_time(fixture),
	    .name = HOST,
	    .spf_domain = domain,
	    .words = &words,
	    .score = NAN,
	    .delivered = is_delivered,
	};
	struct note_spec spec = {
	    .who = {.domain = domain,
	        .organisation = "example.net",
	        .sender_domain = "example.org"},
	    .now = event.time,
	    .outcome = outcome,
	    .settings = &test_policy,
	    .event = &event,
	    .begins_session = outcome == OUTCOME_SEEN,
	};

	ip_from_text(ip, &event.ip);
	spec.who.ip = event.ip;
	struct note *note = note_new(&spec);
	store_submit(fixture->store, note);
	store_flush(fixture->store);
	enum note_state state = note_state(note);
	note_drop(&note);
	return state;
}

static void
look(struct store_fixture *fixture, const char *ip, const char *domain,
    const char *organisation)
{
	struct store_who who = {.domain = domain,
	    .organisation = organisation,
	    .sender_domain = "example.org"};
	struct triplet triplet = {FROM, TO};

	ip_from_text(ip, &who.ip);
	memset(&history, 0xff, sizeof history);
	history.rows = &row;
	assert_int_equal(store_recall(fixture->store, &who, &triplet, 1,
	                     fixture_time(fixture), &history),
	    STORE_OK);
	assert_true(history.origins_known);
}

static void
a_visit_is_on_record_for_network_organisation_and_sender(void **state)
{
	struct store_fixture *fixture = *state;

	assert_int_equal(
	    visit(fixture, IP, NULL, OUTCOME_ENDURED, true), NOTE_COMMITTED);
	fixture_sleep(fixture, 60);
	assert_int_equal(
	    visit(fixture, SAME_NET, NULL, OUTCOME_SEEN, false), NOTE_COMMITTED);
	look(fixture, SAME_NET, NULL, "example.net");
	assert_int_equal(history.network.first_seen, TEST_NOW);
	assert_int_equal(history.network.last_seen, TEST_NOW + 60);
	assert_int_equal(history.network.sessions, COUNT_UNIT);
	assert_int_equal(history.network.successes, COUNT_UNIT);
	assert_true(history.has_organisation);
	assert_int_equal(history.organisation.sessions, COUNT_UNIT);
	assert_int_equal(history.organisation.successes, COUNT_UNIT);
	assert_int_equal(history.sender_domain_seen, TEST_NOW);
	look(fixture, OTHER, NULL, "example.net");
	assert_int_equal(history.network.first_seen, 0);
	assert_int_equal(history.organisation.first_seen, TEST_NOW);
	look(fixture, OTHER, NULL, NULL);
	assert_false(history.has_organisation);
	assert_int_equal(history.organisation.first_seen, 0);
}

static void
an_attempt_leaves_no_origin_and_no_sender_that_was_only_named(void **state)
{
	struct store_fixture *fixture = *state;

	fixture_note(fixture, OUTCOME_ATTEMPT, IP, "example.org", FROM, TO);
	visit(fixture, IP, NULL, OUTCOME_NONE, false);
	look(fixture, IP, NULL, "example.net");
	assert_int_equal(history.network.first_seen, 0);
	assert_int_equal(history.organisation.first_seen, 0);
	visit(fixture, IP, NULL, OUTCOME_GONE, false);
	look(fixture, IP, NULL, "example.net");
	assert_int_equal(history.network.gaveup, COUNT_UNIT);
	assert_int_equal(history.sender_domain_seen, 0);
	visit(fixture, IP, NULL, OUTCOME_NONE, true);
	look(fixture, IP, NULL, "example.net");
	assert_int_equal(history.network.successes, 0);
	assert_int_equal(history.network.sessions, 0);
	assert_int_equal(history.sender_domain_seen, TEST_NOW);
}

static void
a_narrow_domain_is_the_organisation_and_a_wide_one_is_not(void **state)
{
	struct store_fixture *fixture = *state;
	char ip[32];

	for (int i = 0; i < 64; i++) {
		snprintf(ip, sizeof ip, "10.0.%d.1", i);
		visit(fixture, ip, "example.com", OUTCOME_SEEN, false);
	}
	look(fixture, IP, "example.com", "example.net");
	assert_int_equal(history.organisation.sessions, 64 * COUNT_UNIT);
	visit(fixture, "10.0.64.1", "example.com", OUTCOME_SEEN, false);
	visit(fixture, "10.0.65.1", "example.com", OUTCOME_GONE, false);
	look(fixture, IP, "example.com", "example.net");
	assert_int_equal(history.organisation.sessions, 0);
	assert_int_equal(history.organisation.gaveup, COUNT_UNIT);
}

static void
ipv6_networks_are_48_bits_wide(void **state)
{
	struct store_fixture *fixture = *state;

	visit(fixture, "2001:db8:1:1::1", NULL, OUTCOME_SEEN, true);
	look(fixture, "2001:db8:1:ffff::2", NULL, NULL);
	assert_int_equal(history.network.sessions, COUNT_UNIT);
	look(fixture, "2001:db8:2:1::1", NULL, NULL);
	assert_int_equal(history.network.first_seen, 0);
}

static void
origins_fade_with_the_half_life_of_the_store(void **state)
{
	struct store_fixture *fixture = *state;

	fixture->settings.half_life_s = 10 * 86400;
	store_configure(fixture->store, &fixture->settings);
	visit(fixture, IP, NULL, OUTCOME_SEEN, true);
	fixture_sleep(fixture, 10 * 86400);
	look(fixture, IP, NULL, "example.net");
	assert_int_equal(history.network.sessions, COUNT_UNIT / 2);
	assert_int_equal(history.organisation.sessions, COUNT_UNIT / 2);
	visit(fixture, IP, NULL, OUTCOME_SEEN, false);
	look(fixture, IP, NULL, "example.net");
	assert_int_equal(history.network.sessions, COUNT_UNIT + COUNT_UNIT / 2);
	assert_int_equal(history.network.first_seen, TEST_NOW);
}

static void
a_sender_from_ever_other_networks_passes_after_a_day_of_tries(void **state)
{
	struct store_fixture *fixture = *state;
	char ip[32];

	for (int visit = 1; visit <= 5; visit++) {
		snprintf(ip, sizeof ip, "198.18.%d.1", visit);
		fixture_recall(fixture, ip, NULL, FROM, TO, &history, &row);
		assert_int_equal(row.first, visit < 5 ? 0 : TEST_NOW);
		assert_int_equal(row.tries, visit < 5 ? 0 : 3);
		if (visit == 5)
			break;
		fixture_note(fixture, OUTCOME_ATTEMPT, ip, NULL, FROM, TO);
		fixture_sleep(fixture, 12 * 3600);
	}
	fixture_recall(fixture, ip, NULL, FROM, "other@example.jp", &history, &row);
	assert_int_equal(row.first, 0);
	fixture_recall(fixture, ip, "example.com", FROM, TO, &history, &row);
	assert_int_equal(row.first, 0); /* its domain counts in its place */
	fixture_note(fixture, OUTCOME_PASSED, ip, NULL, FROM, TO);
	fixture_recall(fixture, ip, NULL, FROM, TO, &history, &row);
	assert_int_not_equal(row.passed, 0);
	fixture_recall(fixture, "203.0.113.1", NULL, FROM, TO, &history, &row);
	assert_int_equal(row.first, 0);
}

#define TEST(name, open)                                                           \
	{                                                                          \
		"" #open ": " #name, name, open, close_fixture, NULL               \
	}
#define TESTS(open)                                                                    \
	{                                                                              \
		TEST(unknown_client_has_an_empty_history, open),                       \
		    TEST(attempt_is_found_under_the_network_and_nowhere_else,          \
		        open),                                                         \
		    TEST(every_number_of_a_waiting_row_comes_back, open),              \
		    TEST(the_mxs_of_a_waiting_row_come_back, open),                    \
		    TEST(waiting_row_is_forgotten_after_the_window, open),             \
		    TEST(try_keeps_the_row_for_another_window, open),                  \
		    TEST(passed_row_outlives_the_window, open),                        \
		    TEST(domain_finds_the_triplet_from_another_network, open),         \
		    TEST(attempt_without_domain_is_carried_over_to_it, open),          \
		    TEST(hang_up_sticks_to_the_address_alone, open),                   \
		    TEST(success_counts_for_address_and_domain, open),                 \
		    TEST(notes_of_one_commit_build_on_each_other, open),               \
		    TEST(networks_of_a_domain_are_counted_once_a_day, open),           \
		    TEST(domain_seen_from_65_networks_in_a_day_is_no_key, open),       \
		    TEST(row_noted_before_the_clock_was_set_back_is_found, open),      \
		    TEST(ipv6_counts_by_its_first_half, open),                         \
		    TEST(flood_of_new_triplets_is_limited_by_network_and_minute,       \
		        open),                                                         \
		    TEST(                                                              \
		        sender_that_keeps_coming_gets_in_whatever_its_neighbours_do,   \
		        open),                                                         \
		    TEST(refused_ones_that_come_again_are_limited_by_address,          \
		        open),                                                         \
		    TEST(triplet_known_by_its_domain_is_no_new_one, open),             \
		    TEST(rows_past_their_time_go_and_others_stay, open),               \
		    TEST(a_visit_is_on_record_for_network_organisation_and_sender,     \
		        open),                                                         \
		    TEST(                                                              \
		        an_attempt_leaves_no_origin_and_no_sender_that_was_only_named, \
		        open),                                                         \
		    TEST(                                                              \
		        a_narrow_domain_is_the_organisation_and_a_wide_one_is_not,     \
		        open),                                                         \
		    TEST(ipv6_networks_are_48_bits_wide, open),                        \
		    TEST(origins_fade_with_the_half_life_of_the_store, open),          \
		    TEST(clock_far_ahead_expires_nothing, open),                       \
		    TEST(each_note_is_reported_once_and_releases_once, open),          \
		    TEST(long_and_strange_texts_are_told_apart, open),                 \
		    TEST(several_triplets_of_a_note_are_kept_and_found, open),         \
		    TEST(                                                              \
		        a_sender_from_ever_other_networks_passes_after_a_day_of_tries, \
		        open),                                                         \
	}

int
main(void)
{
	const struct CMUnitTest memory[] = TESTS(open_memory);
	const struct CMUnitTest database[] = TESTS(open_database);

	int failed = cmocka_run_group_tests(memory, NULL, NULL);
	return cmocka_run_group_tests(database, NULL, NULL) + failed;
}
