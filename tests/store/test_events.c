/* SPDX-License-Identifier: BSD-2-Clause */
/* Events as they were written, and each way to find them. */
#include "query_fixture.h"

static void
add_event(struct query_fixture *f, const struct event *event)
{
	struct note_spec spec = {
	    .who = {.ip = event->ip},
	    .now = fixture_time(&f->daemon),
	    .outcome = OUTCOME_SEEN,
	    .settings = &test_policy,
	    .event = event,
	};
	struct note *note = note_new(&spec);

	assert_true(store_submit(f->daemon.store, note));
	store_flush(f->daemon.store);
	assert_int_equal(note_state(note), NOTE_COMMITTED);
	note_drop(&note);
}

/* Five events a day apart: sids s0..s4, and everything else set as well. */
static void
add_five(struct query_fixture *f)
{
	static struct session_words words;

	for (int key = 1; key < SESSION_KEYS; key++)
		snprintf(words.value[key], sizeof words.value[key],
		    session_keys[key].is_number ? "%d" : "word-%d", key);
	for (int i = 0; i < 5; i++) {
		char queue_id[16], ip[32];
		snprintf(words.value[SK_SID], sizeof words.value[SK_SID], "s%d", i);
		snprintf(queue_id, sizeof queue_id, "4cQ%d", i);
		snprintf(ip, sizeof ip, "192.0.2.%d", i);
		add_event(f, &(struct event){
		                 .time = fixture_time(&f->daemon) - 200,
		                 .queue_id = queue_id,
		                 .message_id = "<x@example.org>",
		                 .ip = ip_of(ip),
		                 .name = i % 2 == 0 ? "p7.example.net" : NULL,
		                 .ptr = "ptr.example.net",
		                 .heloname = "friend",
		                 .sender = FROM,
		                 .recipients = "b@example.jp c@example.jp",
		                 .rcpt_accepted = 2,
		                 .rcpt_refused = 1,
		                 .words = &words,
		                 .exempt = "authenticated",
		                 .why_detail = "rule 1",
		                 .hold_asked_ms = 125000,
		                 .hold_ms = 41000,
		                 .hold_end = HOLD_GONE,
		                 .dns_ms = -1,
		                 .spf_domain = "example.org",
		                 .reply = "450",
		                 .delivered = true,
		                 .score = i == 4 ? 7.5 : NAN,
		                 .feedback = i == 4 ? "spam" : NULL,
		             });
		fixture_sleep(&f->daemon, 86400);
	}
}

static bool
every_column(void *ctx, const struct event *event)
{
	(void)ctx;
	assert_int_equal(event->id, 5);
	assert_int_equal(event->time, TEST_NOW + 4 * 86400 - 200);
	assert_string_equal(event->queue_id, "4cQ4");
	assert_string_equal(event->message_id, "<x@example.org>");
	assert_string_equal(event->name, "p7.example.net");
	assert_string_equal(event->ptr, "ptr.example.net");
	assert_string_equal(event->heloname, "friend");
	assert_string_equal(event->sender, FROM);
	assert_string_equal(event->recipients, "b@example.jp c@example.jp");
	assert_int_equal(event->rcpt_accepted, 2);
	assert_int_equal(event->rcpt_refused, 1);
	assert_string_equal(event->exempt, "authenticated");
	assert_string_equal(event->why_detail, "rule 1");
	assert_int_equal(event->hold_asked_ms, 125000);
	assert_int_equal(event->hold_ms, 41000);
	assert_int_equal(event->hold_end, HOLD_GONE);
	assert_int_equal(event->dns_ms, -1);
	assert_string_equal(event->spf_domain, "example.org");
	assert_string_equal(event->reply, "450");
	assert_true(event->delivered);
	assert_float_equal(event->score, 7.5, 1e-6);
	assert_string_equal(event->feedback, "spam");
	for (int key = 1; key < SESSION_KEYS; key++) {
		char wanted[32];
		snprintf(wanted, sizeof wanted,
		    session_keys[key].is_number ? "%d" : "word-%d", key);
		assert_string_equal(
		    event->words->value[key], key == SK_SID ? "s4" : wanted);
	}
	return true;
}

static void
every_column_of_an_event_comes_back(void **state)
{
	struct query_fixture *f = *state;

	add_five(f);
	assert_true(query_events(f->query, &(struct event_filter){.sid = "s4"},
	    every_column, NULL, &f->error));
}

static void
events_are_found_by_each_of_their_marks(void **state)
{
	struct query_fixture *f = *state;
	struct ipnet net;

	add_five(f);
	assert_string_equal(sids(f, (struct event_filter){0}), "s0s1s2s3s4");
	assert_string_equal(
	    sids(f, (struct event_filter){.newest_first = true, .limit = 2}),
	    "s4s3");
	assert_string_equal(sids(f, (struct event_filter){.sid = "s2"}), "s2");
	assert_string_equal(sids(f, (struct event_filter){.sid = "s9"}), "");
	assert_string_equal(
	    sids(f, (struct event_filter){.queue_id = "4cQ1"}), "s1");
	assert_string_equal(
	    sids(f, (struct event_filter){.message_id = "<x@example.org>"}),
	    "s0s1s2s3s4");
	assert_string_equal(
	    sids(f, (struct event_filter){.name = "P7.example"}), "s0s2s4");
	assert_string_equal(
	    sids(f, (struct event_filter){.sender = "A@EXAMPLE"}), "s0s1s2s3s4");
	assert_string_equal(sids(f, (struct event_filter){.sender = "nobody"}), "");
	assert_string_equal(
	    sids(f, (struct event_filter){.recipient = "c@", .limit = 1}), "s0");
	assert_true(ipnet_from_text("192.0.2.3", &net));
	assert_string_equal(sids(f, (struct event_filter){.net = &net}), "s3");
	assert_true(ipnet_from_text("192.0.2.0/31", &net));
	assert_string_equal(sids(f, (struct event_filter){.net = &net}), "s0s1");
	assert_string_equal(sids(f, (struct event_filter){.after_id = 3}), "s3s4");
}

static void
events_are_found_by_time_to_the_second(void **state)
{
	struct query_fixture *f = *state;
	int64_t third = TEST_NOW + 2 * 86400 - 200;

	add_five(f);
	assert_string_equal(
	    sids(f, (struct event_filter){.since = third}), "s2s3s4");
	assert_string_equal(
	    sids(f, (struct event_filter){.since = third + 1}), "s3s4");
	assert_string_equal(
	    sids(f, (struct event_filter){.until = third}), "s0s1s2");
	assert_string_equal(
	    sids(f, (struct event_filter){.until = third - 1}), "s0s1");
	assert_string_equal(
	    sids(f, (struct event_filter){.since = third, .until = third}), "s2");
	assert_string_equal(
	    sids(f, (struct event_filter){.since = TEST_NOW + 90 * 86400}), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_column_of_an_event_comes_back),
	    TEST(events_are_found_by_each_of_their_marks),
	    TEST(events_are_found_by_time_to_the_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
