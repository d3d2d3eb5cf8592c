/* SPDX-License-Identifier: BSD-2-Clause */
/* Several messages in one visit, and what a visit leaves on record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/session_private.h"
#include "session/visits.h"

/* One connection with one message. */
static bool
whole_visit(void)
{
	bool arrived = visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED);
	fixture_close();
	return arrived;
}

static void
a_second_message_of_a_held_visit_is_not_early(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture->snapshot.policy.hold_s = 20; /* less than retry_gap */
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	word_is("early", "no");
	assert_true(fixture_message(FROM, TO, HOLD_ELAPSED));
	word_is("early", "no");
}

static void
two_messages_greylisted_in_one_visit_are_one_attempt(void **state)
{
	fixture_new(MODE_RGREY);
	for (int i = 0; i < 2; i++) {
		assert_false(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
		assert_false(fixture_message(FROM, TO, HOLD_NONE));
		fixture_advance(2 * MINUTE);
		assert_false(fixture_message(FROM, TO, HOLD_NONE));
		fixture_close();
		fixture_advance(31 * MINUTE);
	}
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
	word_is("grey_tries", "2");
	word_is("early", "no");
}

/* MAIL and RCPT of one session, a whole visit of another, DATA of the first. */
static bool
data_after_another_visit(int64_t seconds)
{
	fixture_new(MODE_RGREY);
	fixture->snapshot.policy.retry_count = 1;
	fixture->snapshot.policy.delay_s = fixture->snapshot.policy.retry_gap_s = 0;
	fixture_connect(SUSPECT, LINE);
	fixture_mail(FROM);
	assert_false(fixture_rcpt(TO, HOLD_NONE).refuse);
	struct session *first = fixture->session;
	fixture->session = NULL;
	assert_false(whole_visit());
	fixture->session = first;
	fixture_advance(seconds);
	bool refused = fixture_data_refused();
	fixture_free();
	return refused;
}

static void
what_rcpt_recalled_serves_a_data_that_follows_at_once(void **state)
{
	assert_true(data_after_another_visit(0));
}

static void
a_data_that_comes_later_asks_the_store_again(void **state)
{
	assert_false(data_after_another_visit(1));
}

/* The store's limit refuses the note of the hold's start, DATA comes later. */
static void
an_attempt_that_was_not_kept_at_the_hold_is_kept_at_data(void **state)
{
	fixture_new(MODE_STRICT);
	struct store_settings settings = {.url = "memory:",
	    .events_s = DAY,
	    .retry_window_s = 2 * DAY,
	    .max_age_s = 35 * DAY,
	    .max_new_per_net = 1};

	store_configure(fixture->store, &settings);
	fixture->snapshot.policy.hold_s =
	    MINUTE; /* both first visits in one minute */
	fixture_connect(SUSPECT, LINE);
	fixture_mail(FROM);
	assert_false(fixture_rcpt("<other@example.jp>", HOLD_GONE).refuse == false);
	fixture_close();
	assert_false(whole_visit());
	for (int i = 0; i < 2; i++) {
		fixture_advance(31 * MINUTE);
		assert_int_equal(whole_visit(), i == 1);
	}
}

/* What DNS would have found for a sender of example.net. */
static void
give_spf(enum spf_result result)
{
	struct transaction *mail = fixture->session->mail;

	mail->dns = calloc(1, sizeof *mail->dns);
	assert_non_null(mail->dns);
	dns_facts_clear(mail->dns);
	mail->dns->mailfrom = (struct spf_fact){
	    .result = result, .domain = "example.net", .wide = false};
	fixture->session->facts.dns = mail->dns;
}

/* An allow list with one line. */
static void
allow(const char *line)
{
	struct error error;
	char folder[] = "/tmp/targrey-test.XXXXXX", path[80];
	const char *patterns[] = {path};

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/good", folder);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file, "%s\n", line);
	fclose(file);
	list_free(&fixture->snapshot.allow);
	fixture->snapshot.allow = list_load(patterns, 1, &error);
	assert_non_null(fixture->snapshot.allow);
	unlink(path);
	rmdir(folder);
}

static void
a_sender_on_the_list_who_passes_spf_is_not_held_and_the_next_one_is(void **state)
{
	fixture_new(MODE_TARGREY);
	allow("sender: example.net");
	fixture_connect(SUSPECT, LINE);
	fixture_mail(FROM);
	give_spf(SPF_PASS);
	assert_false(fixture_rcpt(TO, HOLD_ELAPSED).refuse);
	assert_int_equal(fixture->waits, 0);
	assert_false(fixture_data_refused());
	assert_false(fixture_eom().refuse);
	word_is("why", "listed");

	fixture_mail("<b@example.com>");
	assert_false(fixture_rcpt(TO, HOLD_ELAPSED).refuse);
	assert_int_equal(fixture->waits, 1);
	assert_false(fixture_data_refused());
	fixture_eom();
	word_is("tarpit", "endured");
}

/* RFC 5321 4.5.3.2.3: a client waits two minutes for the reply to DATA. */
static void
a_hold_at_data_is_short_enough_for_a_client_to_wait(void **state)
{
	fixture_new(MODE_TARGREY);
	fixture->snapshot.policy.suspect = SELECT_SPF;
	fixture_connect("192.0.2.1", SERVER);
	fixture_mail(FROM);
	assert_false(fixture_rcpt_alone(TO).refuse);
	assert_int_equal(fixture->waits, 0);
	give_spf(SPF_FAIL);
	assert_false(fixture_data_refused());
	assert_true(fixture->answer.wish.is_hold);
	assert_int_equal(fixture->last.waited_ms, 90000);
	fixture_eom();
}

/* The first recipient is new, the second one's tries are reached at DATA. */
static void
a_message_that_passes_by_tries_after_its_hold_makes_its_triplets_pass(void **state)
{
	fixture_new(MODE_STRICT);
	for (int i = 0; i < 2; i++) {
		assert_false(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
		fixture_close();
		fixture_advance(31 * MINUTE);
	}
	fixture_connect(SUSPECT, LINE);
	fixture_mail(FROM);
	assert_false(fixture_rcpt("<new@example.jp>", HOLD_ELAPSED).refuse);
	assert_false(fixture_rcpt_alone(TO).refuse);
	assert_false(fixture_data_refused());
	fixture_eom();
	word_is("why", "tries");
	word_is("tarpit", "endured");
	fixture_close();

	fixture_advance(10 * DAY); /* beyond the retry window */
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_NONE));
	word_is("why", "tries");
}

static void
what_was_never_seen_before_is_new(void **state)
{
	fixture_new(MODE_TARGREY);
	assert_true(visit("192.0.2.10", "mail.example.org", FROM, TO, HOLD_NONE));
	word_is("new", "address,network,organisation,sender");
	word_is("net_ham", "0");
	word_is("net_spam", "0");
	word_is("org_ham", "0");
	word_is("org_spam", "0");
	fixture_close();
	assert_true(visit(
	    "192.0.2.11", "Mx.Example.ORG", "<b@example.net>", TO, HOLD_NONE));
	word_is("new", "address");
	fixture_close();
	assert_true(visit(
	    "203.0.113.1", "mail.example.co.jp", "<b@EXAMPLE.net>", TO, HOLD_NONE));
	word_is("new", "address,network,organisation");
	fixture_close();
	assert_true(
	    visit("203.0.113.1", "mail.example.co.jp", "<>", TO, HOLD_NONE));
	word_is("new", "none");
}

static void
a_hold_of_this_visit_makes_nothing_seen(void **state)
{
	fixture_new(MODE_TARGREY);
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	word_is("new", "address,network,organisation,sender");
	fixture_close();
	assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
	word_is("new", "none");
}

static void
the_neighbours_of_a_known_address_are_not_told(void **state)
{
	bool was_known = false;

	fixture_new(MODE_TARGREY);
	for (int i = 0; i < 12; i++) {
		assert_true(visit(SUSPECT, LINE, FROM, TO, HOLD_ELAPSED));
		bool is_known = strcmp(fixture_word("why"), "known-address") == 0;
		word_is("net_ham", is_known ? "" : "0");
		word_is("org_spam", is_known ? "" : "0");
		assert_int_equal(*fixture_word("new") == '\0', is_known);
		was_known |= is_known;
		fixture_close();
		fixture_advance(2 * HOUR);
	}
	assert_true(was_known);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_never_seen_before_is_new),
	    cmocka_unit_test(a_hold_of_this_visit_makes_nothing_seen),
	    cmocka_unit_test(the_neighbours_of_a_known_address_are_not_told),
	    cmocka_unit_test(a_second_message_of_a_held_visit_is_not_early),
	    cmocka_unit_test(two_messages_greylisted_in_one_visit_are_one_attempt),
	    cmocka_unit_test(what_rcpt_recalled_serves_a_data_that_follows_at_once),
	    cmocka_unit_test(a_data_that_comes_later_asks_the_store_again),
	    cmocka_unit_test(
	        an_attempt_that_was_not_kept_at_the_hold_is_kept_at_data),
	    cmocka_unit_test(
	        a_sender_on_the_list_who_passes_spf_is_not_held_and_the_next_one_is),
	    cmocka_unit_test(a_hold_at_data_is_short_enough_for_a_client_to_wait),
	    cmocka_unit_test(
	        a_message_that_passes_by_tries_after_its_hold_makes_its_triplets_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
