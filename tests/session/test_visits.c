/* SPDX-License-Identifier: BSD-2-Clause */
/* Several messages in one visit, and what a visit leaves on record. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "policy/cases.h"
#include "session/session_private.h"
#include "session/rig.h"

#define LINE    "p7-dyn100.example.net"
#define SERVER  "mail.example.org"
#define SUSPECT "198.51.100.7"
#define FROM    "<a@example.net>"
#define TO      "<u@example.jp>"

static void
word_is(const struct rig *rig, const char *key, const char *value)
{
	assert_string_equal(rig_word(rig, key), value);
}

/* One connection with one message. */
static bool
visit(struct rig *rig)
{
	rig_connect(rig, SUSPECT, LINE);
	bool arrived = rig_message(rig, FROM, TO, HOLD_ELAPSED);
	rig_close(rig);
	return arrived;
}

static void
a_second_message_of_a_held_visit_is_not_early(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig->world.policy.hold_s = 20; /* less than retry_gap */
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, FROM, TO, HOLD_ELAPSED));
	word_is(rig, "early", "no");
	assert_true(rig_message(rig, FROM, TO, HOLD_ELAPSED));
	word_is(rig, "early", "no");
	rig_free(&rig);
}

static void
two_messages_greylisted_in_one_visit_are_one_attempt(void **state)
{
	struct rig *rig = rig_new(MODE_RGREY);

	(void)state;
	for (int i = 0; i < 2; i++) {
		rig_connect(rig, SUSPECT, LINE);
		assert_false(rig_message(rig, FROM, TO, HOLD_NONE));
		assert_false(rig_message(rig, FROM, TO, HOLD_NONE));
		rig_advance(rig, 2 * MINUTE);
		assert_false(rig_message(rig, FROM, TO, HOLD_NONE));
		rig_close(rig);
		rig_advance(rig, 31 * MINUTE);
	}
	rig_connect(rig, SUSPECT, LINE);
	assert_true(rig_message(rig, FROM, TO, HOLD_NONE));
	word_is(rig, "grey_tries", "2");
	word_is(rig, "early", "no");
	rig_free(&rig);
}

/* MAIL and RCPT of one session, a whole visit of another, DATA of the first. */
static bool
data_after_another_visit(int64_t seconds)
{
	struct rig *rig = rig_new(MODE_RGREY);

	rig->world.policy.retry_count = 1;
	rig->world.policy.delay_s = rig->world.policy.retry_gap_s = 0;
	rig_connect(rig, SUSPECT, LINE);
	rig_mail(rig, FROM);
	assert_false(rig_rcpt(rig, TO, HOLD_NONE).refuse);
	struct session *first = rig->session;
	rig->session = NULL;
	assert_false(visit(rig));
	rig->session = first;
	rig_advance(rig, seconds);
	bool refused = rig_data_refused(rig);
	rig_free(&rig);
	return refused;
}

static void
what_rcpt_recalled_serves_a_data_that_follows_at_once(void **state)
{
	(void)state;
	assert_true(data_after_another_visit(0));
}

static void
a_data_that_comes_later_asks_the_store_again(void **state)
{
	(void)state;
	assert_false(data_after_another_visit(1));
}

/* The store's limit refuses the note of the hold's start, DATA comes later. */
static void
an_attempt_that_was_not_kept_at_the_hold_is_kept_at_data(void **state)
{
	struct rig *rig = rig_new(MODE_STRICT);
	struct store_settings settings = {.url = "memory:",
	    .events_s = DAY,
	    .retry_window_s = 2 * DAY,
	    .max_age_s = 35 * DAY,
	    .max_new_per_net = 1};

	(void)state;
	store_configure(rig->store, &settings);
	rig->world.policy.hold_s = MINUTE; /* both first visits in one minute */
	rig_connect(rig, SUSPECT, LINE);
	rig_mail(rig, FROM);
	assert_false(
	    rig_rcpt(rig, "<other@example.jp>", HOLD_GONE).refuse == false);
	rig_close(rig);
	assert_false(visit(rig));
	for (int i = 0; i < 2; i++) {
		rig_advance(rig, 31 * MINUTE);
		assert_int_equal(visit(rig), i == 1);
	}
	rig_free(&rig);
}

/* What DNS would have found for a sender of example.net. */
static void
give_spf(struct rig *rig, enum spf_result result)
{
	struct transaction *mail = rig->session->mail;

	mail->dns = calloc(1, sizeof *mail->dns);
	assert_non_null(mail->dns);
	mail->dns->mailfrom = (struct spf_fact){
	    .result = result, .domain = "example.net", .wide = false};
	rig->session->facts.dns = mail->dns;
}

/* An allow list with one line. */
static void
allow(struct rig *rig, const char *line)
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
	list_free(&rig->world.allow);
	rig->world.allow = list_load(patterns, 1, &error);
	assert_non_null(rig->world.allow);
	unlink(path);
	rmdir(folder);
}

static void
a_sender_on_the_list_who_passes_spf_is_not_held_and_the_next_one_is(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	allow(rig, "sender: example.net");
	rig_connect(rig, SUSPECT, LINE);
	rig_mail(rig, FROM);
	give_spf(rig, SPF_PASS);
	assert_false(rig_rcpt(rig, TO, HOLD_ELAPSED).refuse);
	assert_int_equal(rig->waits, 0);
	assert_false(rig_data_refused(rig));
	assert_false(rig_eom(rig).refuse);
	assert_string_equal(rig_word(rig, "why"), "listed");

	rig_mail(rig, "<b@example.com>");
	assert_false(rig_rcpt(rig, TO, HOLD_ELAPSED).refuse);
	assert_int_equal(rig->waits, 1);
	assert_false(rig_data_refused(rig));
	rig_eom(rig);
	word_is(rig, "tarpit", "endured");
	rig_free(&rig);
}

/* RFC 5321 4.5.3.2.3: a client waits two minutes for the reply to DATA. */
static void
a_hold_at_data_is_short_enough_for_a_client_to_wait(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig->world.policy.suspect = SELECT_SPF;
	rig_connect(rig, "192.0.2.1", SERVER);
	rig_mail(rig, FROM);
	assert_false(rig_rcpt_alone(rig, TO).refuse);
	assert_int_equal(rig->waits, 0);
	give_spf(rig, SPF_FAIL);
	assert_false(rig_data_refused(rig));
	assert_true(rig->answer.wish.is_hold);
	assert_int_equal(rig->last.waited_ms, 90000);
	rig_eom(rig);
	rig_free(&rig);
}

static void
flood(struct rig *rig, unsigned count)
{
	char name[40];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "X-TaRgrey-%u", i);
		session_header(rig->session, name, "x");
	}
}

/* Removing them costs the MTA the square of their number. */
static void
a_message_with_thousands_of_forged_headers_is_refused(void **state)
{
	struct rig *rig = rig_new(MODE_TARGREY);

	(void)state;
	rig_connect(rig, "192.0.2.1", SERVER);
	rig_mail(rig, FROM);
	assert_false(rig_rcpt(rig, TO, HOLD_NONE).refuse);
	assert_false(rig_data_refused(rig));
	flood(rig, 50000);
	struct answer reply = rig_eom(rig);
	assert_true(reply.refuse);
	assert_string_equal(reply.code, "450");
	assert_int_equal(rig->inserted, 0);
	assert_string_equal(rig->removed, "");

	rig_mail(rig, FROM);
	assert_false(rig_rcpt(rig, TO, HOLD_NONE).refuse);
	assert_false(rig_data_refused(rig));
	flood(rig, 20);
	assert_false(rig_eom(rig).refuse);
	word_is(rig, "forged", "20");
	rig_free(&rig);
}

/* The first recipient is new, the second one's tries are reached at DATA. */
static void
a_message_that_passes_by_tries_after_its_hold_makes_its_triplets_pass(void **state)
{
	struct rig *rig = rig_new(MODE_STRICT);

	(void)state;
	for (int visit = 0; visit < 2; visit++) {
		rig_connect(rig, "198.51.100.7", "p7-dyn100.example.net");
		assert_false(rig_message(
		    rig, "<a@example.net>", "<u@example.jp>", HOLD_ELAPSED));
		rig_close(rig);
		rig_advance(rig, 31 * MINUTE);
	}
	rig_connect(rig, "198.51.100.7", "p7-dyn100.example.net");
	rig_mail(rig, "<a@example.net>");
	assert_false(rig_rcpt(rig, "<new@example.jp>", HOLD_ELAPSED).refuse);
	assert_false(rig_rcpt_alone(rig, "<u@example.jp>").refuse);
	assert_false(rig_data_refused(rig));
	rig_eom(rig);
	assert_string_equal(rig_word(rig, "why"), "tries");
	assert_string_equal(rig_word(rig, "tarpit"), "endured");
	rig_close(rig);

	rig_advance(rig, 10 * DAY); /* beyond the retry window */
	rig_connect(rig, "198.51.100.7", "p7-dyn100.example.net");
	assert_true(
	    rig_message(rig, "<a@example.net>", "<u@example.jp>", HOLD_NONE));
	assert_string_equal(rig_word(rig, "why"), "tries");
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_second_message_of_a_held_visit_is_not_early),
	    cmocka_unit_test(two_messages_greylisted_in_one_visit_are_one_attempt),
	    cmocka_unit_test(what_rcpt_recalled_serves_a_data_that_follows_at_once),
	    cmocka_unit_test(a_data_that_comes_later_asks_the_store_again),
	    cmocka_unit_test(
	        an_attempt_that_was_not_kept_at_the_hold_is_kept_at_data),
	    cmocka_unit_test(
	        a_sender_on_the_list_who_passes_spf_is_not_held_and_the_next_one_is),
	    cmocka_unit_test(a_hold_at_data_is_short_enough_for_a_client_to_wait),
	    cmocka_unit_test(a_message_with_thousands_of_forged_headers_is_refused),
	    cmocka_unit_test(
	        a_message_that_passes_by_tries_after_its_hold_makes_its_triplets_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
