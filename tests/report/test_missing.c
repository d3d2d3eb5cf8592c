/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/missing.h"

#define DAY 86400

/* One visit; what is left out is that of a bot that hung up on its hold. */
struct visit {
	const char *sender, *recipients, *spf, *rdns, *passed, *why;
	int64_t time;
	bool through, refused_by_postfix, is_spam, heard_451;
};

static void
make(const struct visit *visit, int64_t id, struct event *event,
    struct session_words *words)
{
	*event = (struct event){.id = id,
	    .time = visit->time,
	    .sender = visit->sender,
	    .recipients =
	        visit->recipients != NULL ? visit->recipients : "taro@example.jp",
	    .rcpt_accepted = !visit->refused_by_postfix,
	    .rcpt_refused = visit->refused_by_postfix,
	    .words = words,
	    .hold_ms = visit->through ? -1 : 3000,
	    .hold_end = visit->through ? HOLD_NONE : HOLD_GONE,
	    .reply = visit->through ? "250" : "450",
	    .delivered = visit->through,
	    .feedback = visit->is_spam ? "spam" : NULL};
	for (unsigned i = 0; i < SESSION_KEYS; i++)
		strcpy(words->value[i], "0");
	strcpy(words->value[SK_WHY], visit->why != NULL ? visit->why : "s25r");
	strcpy(words->value[SK_VERDICT], "hold");
	if (visit->heard_451) { /* on_failure = tempfail */
		event->hold_end = HOLD_NONE;
		event->reply = "451";
		strcpy(words->value[SK_VERDICT], "pass");
		strcpy(words->value[SK_WHY], "fault");
	}
	strcpy(words->value[SK_SPF], visit->spf != NULL ? visit->spf : "none");
	strcpy(words->value[SK_RDNS], visit->rdns != NULL ? visit->rdns : "none");
	strcpy(
	    words->value[SK_PASSED], visit->passed != NULL ? visit->passed : "0");
	snprintf(words->value[SK_SID], SESSION_VALUE_SIZE, "sid%d", (int)id);
	ip_from_text("192.0.2.7", &event->ip);
}

/* The text of the rows, one line per mail: state, signs, attempts, sender. */
static char *
listed(const struct visit *visits, size_t count, size_t limit, int64_t until)
{
	struct missing *missing = missing_new();
	struct session_words words;
	struct event event;
	char *text = NULL;
	int64_t id;
	size_t size;

	assert_non_null(missing);
	for (size_t i = 0; i < count; i++) {
		make(&visits[i], (int64_t)i + 1, &event, &words);
		struct event_view view = view_of(&event);
		missing_add(missing, &view);
	}
	missing_choose(missing, limit, until);
	for (size_t n = 0; (id = missing_wants(missing, n)) != 0; n++) {
		make(&visits[id - 1], id, &event, &words);
		struct event_view view = view_of(&event);
		missing_name(missing, &view);
	}
	struct doc *doc = doc_new("x");
	assert_true(missing_write(missing, 0, doc));
	FILE *file = open_memstream(&text, &size);
	const struct section *section = &doc->sections[0];
	for (size_t row = 0; row < section->rows_count; row++)
		fprintf(file, "%s: %s; %d; %s\n",
		    section_cell(section, row, 0)->text,
		    section_cell(section, row, 1)->text,
		    (int)section_cell(section, row, 4)->number,
		    section_cell(section, row, 9)->text);
	fclose(file);
	doc_free(&doc);
	missing_free(&missing);
	return text;
}

#define LISTED(visits, limit, until)                                               \
	listed(visits, sizeof visits / sizeof(*(visits)), limit, until)

static void
the_likeliest_good_mail_stands_first(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "bot@a.example", .time = 1},
	    {.sender = "named@b.example", .rdns = "pass", .time = 2},
	    {.sender = "spf@c.example", .spf = "pass", .time = 3},
	    {.sender = "x@known.example",
	        .why = "none",
	        .through = true,
	        .time = 4},
	    {.sender = "y@known.example", .time = 5},
	    {.sender = "z@known.example", .spf = "softfail", .time = 6},
	    {.sender = "again@d.example", .time = 7},
	    {.sender = "again@d.example", .time = 8},
	    {.sender = "old@e.example", .passed = "3", .time = 9},
	};

	(void)state;
	char *text = LISTED(visits, 0, 3 * DAY);
	assert_string_equal(text, "stayed away: SPF pass; 1; spf@c.example\n"
	                          "stayed away: known domain; 1; y@known.example\n"
	                          "stayed away: known address; 1; old@e.example\n"
	                          "stayed away: verified name; 1; named@b.example\n"
	                          "stayed away: came back; 2; again@d.example\n"
	                          "stayed away: none; 1; z@known.example\n"
	                          "stayed away: none; 1; bot@a.example\n");
	free(text);
	text = LISTED(visits, 2, 3 * DAY);
	assert_string_equal(text,
	    "stayed away: SPF pass; 1; spf@c.example\n"
	    "stayed away: known domain; 1; y@known.example\n");
	free(text);
}

/* One rule: the report's headline is made of the same count. */
static void
what_is_counted_is_what_stayed_away_with_a_sign(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "bot@a.example", .time = 1},
	    {.sender = "named@b.example", .rdns = "pass", .time = 2},
	    {.sender = "spf@c.example", .spf = "pass", .rdns = "pass", .time = 3},
	    {.sender = "again@d.example", .time = 7},
	    {.sender = "again@d.example", .time = 8},
	    {.sender = "late@e.example", .spf = "pass", .time = 5 * DAY},
	};
	struct missing *missing = missing_new();
	struct session_words words;
	struct event event;

	(void)state;
	for (size_t i = 0; i < sizeof visits / sizeof *visits; i++) {
		make(&visits[i], (int64_t)i + 1, &event, &words);
		struct event_view view = view_of(&event);
		missing_add(missing, &view);
	}
	missing_choose(missing, 0, 3 * DAY);
	assert_int_equal(missing_count(missing), 3);
	assert_int_equal(missing_pending(missing), 1);
	struct doc *doc = doc_new("x");
	assert_true(missing_write(missing, 0, doc));
	const struct section *signs = &doc->sections[1];
	static const char *const wanted[] = {
	    "SPF pass", "verified name", "came back"};
	assert_int_equal(signs->rows_count, 3);
	for (size_t row = 0; row < 3; row++) {
		assert_string_equal(section_cell(signs, row, 0)->text, wanted[row]);
		assert_int_equal(section_cell(signs, row, 1)->number, 1);
	}
	doc_free(&doc);
	missing_free(&missing);
}

static void
what_got_through_in_the_end_is_not_lost(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "a@a.example", .time = 1},
	    {.sender = "a@a.example", .through = true, .time = 2},
	    {.sender = "pool@b.example", .time = 3}, /* then from a clean server */
	    {.sender = "pool@b.example", .why = "none", .through = true, .time = 4},
	    {.sender = "bounce-17@list.example", .time = 5}, /* VERP */
	    {.sender = "bounce-18@list.example", .through = true, .time = 6},
	    {.sender = "user@c.example", .refused_by_postfix = true, .time = 7},
	};

	(void)state;
	char *text = LISTED(visits, 0, DAY);
	assert_string_equal(text, "");
	free(text);
}

/* It was left out: only a hold and a 450 counted as a delay. */
static void
what_heard_451_may_be_lost_too(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "a@a.example", .spf = "pass", .heard_451 = true, .time = 1},
	    {.sender = "b@b.example", .heard_451 = true, .time = 2},
	    {.sender = "b@b.example", .through = true, .time = 3},
	};

	(void)state;
	char *text = LISTED(visits, 0, DAY);
	assert_string_equal(text, "stayed away: SPF pass; 1; a@a.example\n");
	free(text);
}

static void
who_came_lately_may_come_back(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "old@a.example", .time = DAY},
	    {.sender = "new@b.example", .time = 5 * DAY},
	    {.sender = "again@c.example", .through = true, .time = DAY},
	    {.sender = "again@c.example", .time = 5 * DAY + 1},
	};

	(void)state;
	char *text = LISTED(visits, 0, 3 * DAY);
	assert_string_equal(text,
	    "may come back: known domain; 1; again@c.example\n"
	    "may come back: none; 1; new@b.example\n"
	    "stayed away: none; 1; old@a.example\n");
	free(text);
}

static void
spam_makes_no_domain_known(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "a@spam.example",
	        .through = true,
	        .is_spam = true,
	        .time = 1},
	    {.sender = "b@spam.example", .time = 2},
	};

	(void)state;
	char *text = LISTED(visits, 0, DAY);
	assert_string_equal(text, "stayed away: none; 1; b@spam.example\n");
	free(text);
}

static void
many_mails_are_all_told_apart(void **state)
{
	enum { COUNT = 5000 };
	struct visit *visits = calloc(COUNT, sizeof *visits);
	char(*senders)[32] = calloc(COUNT, sizeof *senders);
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		snprintf(senders[i], sizeof senders[i], "%c%c%c%c@a.example",
		    'a' + i % 17, 'a' + i / 17 % 17, 'a' + i / 289 % 17,
		    'a' + i / 4913);
		visits[i] = (struct visit){.sender = senders[i], .time = i + 1};
	}
	char *text = listed(visits, COUNT, 0, DAY);
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, COUNT);
	free(text);
	free(senders);
	free(visits);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_likeliest_good_mail_stands_first),
	    cmocka_unit_test(what_is_counted_is_what_stayed_away_with_a_sign),
	    cmocka_unit_test(what_got_through_in_the_end_is_not_lost),
	    cmocka_unit_test(what_heard_451_may_be_lost_too),
	    cmocka_unit_test(who_came_lately_may_come_back),
	    cmocka_unit_test(spam_makes_no_domain_known),
	    cmocka_unit_test(many_mails_are_all_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
