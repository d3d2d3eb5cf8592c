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

/*
 * One visit; what is left out is that of a bot that hung up on its hold. With rdns
 * "pass" its name is NAME; with narrow, its SPF domain passed narrowly.
 */
struct visit {
	const char *sender, *recipients, *spf, *rdns, *s25r, *passed, *ham, *spam;
	const char *helo, *helo_dns, *from, *why, *org_ham, *org_spam;
	int64_t time;
	bool narrow, through, waited, is_ham, is_spam;
	bool refused_by_postfix, heard_451;
};

#define NAME "p12-34.line.example"

static void
put(struct session_words *words, enum session_key key, const char *value)
{
	if (value != NULL)
		strcpy(words->value[key], value);
}

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
	    .hold_ms = visit->through && !visit->waited ? -1 : 3000,
	    .hold_end = !visit->through ? HOLD_GONE
	                : visit->waited ? HOLD_ENDURED
	                                : HOLD_NONE,
	    .reply = visit->through ? "250" : "450",
	    .delivered = visit->through,
	    .name = visit->rdns != NULL ? NAME : NULL,
	    .heloname = visit->helo != NULL ? visit->helo : "pc7",
	    .spf_domain = visit->narrow ? "narrow.example" : NULL,
	    .feedback = visit->is_spam  ? "spam"
	                : visit->is_ham ? "ham"
	                                : NULL};
	for (unsigned i = 0; i < SESSION_KEYS; i++)
		strcpy(words->value[i], "0");
	put(words, SK_WHY, visit->why != NULL ? visit->why : "s25r");
	put(words, SK_VERDICT, "hold");
	if (visit->heard_451) { /* on_failure = tempfail */
		event->hold_end = HOLD_NONE;
		event->reply = "451";
		put(words, SK_VERDICT, "pass");
		put(words, SK_WHY, "fault");
	}
	put(words, SK_SPF,
	    visit->spf != NULL ? visit->spf
	    : visit->narrow    ? "pass"
	                       : "none");
	put(words, SK_RDNS, visit->rdns != NULL ? visit->rdns : "none");
	put(words, SK_S25R, visit->s25r != NULL ? visit->s25r : "match");
	put(words, SK_HELO, visit->helo != NULL ? "fqdn" : "bare");
	put(words, SK_HELO_DNS,
	    visit->helo_dns != NULL ? visit->helo_dns : "unknown");
	put(words, SK_FROM, visit->from != NULL ? visit->from : "ok");
	put(words, SK_PASSED, visit->passed);
	put(words, SK_HAM, visit->ham);
	put(words, SK_SPAM, visit->spam);
	put(words, SK_ORG_HAM, visit->org_ham);
	put(words, SK_ORG_SPAM, visit->org_spam);
	snprintf(words->value[SK_SID], SESSION_VALUE_SIZE, "sid%d", (int)id);
	ip_from_text("192.0.2.7", &event->ip);
}

/* The text of the rows, one line per mail: state, signs, attempts, sender. */
static char *
listed(const struct visit *visits, size_t count, size_t limit, bool only_likely,
    int64_t until)
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
	missing_choose(missing, limit, only_likely, until);
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
	listed(visits, sizeof visits / sizeof(*(visits)), limit, false, until)

static void
the_likeliest_good_mail_stands_first(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "bot@a.example", .time = 1},
	    {.sender = "mx@b.example", .rdns = "pass", .s25r = "none", .time = 2},
	    {.sender = "spf@c.example", .narrow = true, .time = 3},
	    {.sender = "x@known.example",
	        .why = "none",
	        .through = true,
	        .time = 4},
	    {.sender = "y@known.example", .time = 5},
	    {.sender = "z@known.example", .narrow = true, .time = 6},
	    {.sender = "again@d.example", .time = 7},
	    {.sender = "again@d.example", .time = 7 + 3600},
	    {.sender = "old@e.example", .passed = "3", .time = 9},
	    {.sender = "ham@e.example", .ham = "1", .time = 10},
	    {.sender = "own@f.example",
	        .helo = "mail.f.example",
	        .helo_dns = "match",
	        .time = 11},
	};

	(void)state;
	char *text = LISTED(visits, 0, 3 * DAY);
	assert_string_equal(text,
	    "stayed away: known address; 1; ham@e.example\n"
	    "stayed away: known address; 1; old@e.example\n"
	    "stayed away: kept trying; 2; again@d.example\n"
	    "stayed away: known domain, SPF pass; 1; z@known.example\n"
	    "stayed away: known domain; 1; y@known.example\n"
	    "stayed away: own HELO; 1; own@f.example\n"
	    "stayed away: SPF pass; 1; spf@c.example\n"
	    "stayed away: server's name; 1; mx@b.example\n"
	    "stayed away: none; 1; bot@a.example\n");
	free(text);
	text = LISTED(visits, 2, 3 * DAY);
	assert_string_equal(text, "stayed away: known address; 1; ham@e.example\n"
	                          "stayed away: known address; 1; old@e.example\n");
	free(text);
}

/* They were counted, and hid the good mail among them. */
static void
what_bots_show_is_no_sign(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "line@a.example", .rdns = "pass", .time = 1},
	    {.sender = "said@b.example",
	        .rdns = "pass",
	        .helo = "P12-34.line.example",
	        .helo_dns = "match",
	        .time = 2},
	    {.sender = "other@c.example",
	        .helo = "mail.c.example",
	        .helo_dns = "mismatch",
	        .time = 3},
	    {.sender = "soon@d.example", .time = 4},
	    {.sender = "soon@d.example", .time = 4 + 3599},
	    {.sender = "wide@e.example", .spf = "pass", .time = 5},
	    {.sender = "record@f.example",
	        .rdns = "pass",
	        .s25r = "none",
	        .why = "record",
	        .time = 6},
	    {.sender = "listed@g.example",
	        .rdns = "pass",
	        .s25r = "none",
	        .why = "dnsbl",
	        .time = 7},
	};

	(void)state;
	char *text = LISTED(visits, 0, 3 * DAY);
	assert_string_equal(text, "stayed away: none; 2; soon@d.example\n"
	                          "stayed away: none; 1; listed@g.example\n"
	                          "stayed away: none; 1; record@f.example\n"
	                          "stayed away: none; 1; wide@e.example\n"
	                          "stayed away: none; 1; other@c.example\n"
	                          "stayed away: none; 1; said@b.example\n"
	                          "stayed away: none; 1; line@a.example\n");
	free(text);
}

static void
a_sender_that_may_be_forged_is_no_sign(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "x@ours.example", .through = true, .why = "none", .time = 1},
	    {.sender = "a@ours.example", .from = "ours", .time = 2},
	    {.sender = "a@ours.example", .from = "ours", .time = 2 + DAY},
	    {.sender = "b@ours.example", .from = "self", .time = 3},
	    {.sender = "c@ours.example", .spf = "fail", .time = 4},
	    {.sender = "d@ours.example", .spf = "softfail", .time = 5},
	    {.sender = "e@ours.example", .spf = "neutral", .time = 6},
	    {.sender = "f@ours.example", .spf = "pass", .time = 7}, /* +all */
	    {.sender = "g@ours.example", .from = "ours", .narrow = true, .time = 8},
	    {.sender = "", .from = "null", .time = 9},
	    {.sender = "", .from = "null", .time = 9 + DAY},
	};

	(void)state;
	char *text = LISTED(visits, 0, 3 * DAY);
	assert_string_equal(text,
	    "stayed away: known domain, SPF pass; 1; g@ours.example\n"
	    "stayed away: none; 2; <>\n"
	    "stayed away: none; 2; a@ours.example\n"
	    "stayed away: none; 1; f@ours.example\n"
	    "stayed away: none; 1; e@ours.example\n"
	    "stayed away: none; 1; d@ours.example\n"
	    "stayed away: none; 1; c@ours.example\n"
	    "stayed away: none; 1; b@ours.example\n");
	free(text);
}

static void
who_has_sent_more_spam_than_ham_shows_no_sign(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "a@a.example", .passed = "5", .spam = "1", .time = 1},
	    {.sender = "b@b.example", .ham = "2", .spam = "2", .time = 2},
	    {.sender = "c@c.example", .narrow = true, .org_spam = "1", .time = 3},
	    /* the organisation of a line's name is the provider */
	    {.sender = "d@d.example",
	        .rdns = "pass",
	        .passed = "1",
	        .org_spam = "9",
	        .time = 4},
	};

	(void)state;
	char *text = LISTED(visits, 0, DAY);
	assert_string_equal(text, "stayed away: known address; 1; d@d.example\n"
	                          "stayed away: known address; 1; b@b.example\n"
	                          "stayed away: none; 1; c@c.example\n"
	                          "stayed away: none; 1; a@a.example\n");
	free(text);
}

/* One rule: the report's headline is made of the same count. */
static void
what_is_counted_is_what_stayed_away_with_a_sign(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "bot@a.example", .time = 1},
	    {.sender = "line@b.example", .rdns = "pass", .time = 2},
	    {.sender = "spf@c.example", .narrow = true, .rdns = "pass", .time = 3},
	    {.sender = "again@d.example", .time = 7},
	    {.sender = "again@d.example", .time = DAY},
	    {.sender = "late@e.example", .narrow = true, .time = 5 * DAY},
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
	missing_choose(missing, 0, false, 3 * DAY);
	assert_int_equal(missing_count(missing), 2);
	assert_int_equal(missing_pending(missing), 1);
	struct doc *doc = doc_new("x");
	assert_true(missing_write(missing, 0, doc));
	const struct section *signs = &doc->sections[1];
	static const char *const wanted[] = {"kept trying", "SPF pass"};
	assert_int_equal(signs->rows_count, 2);
	for (size_t row = 0; row < 2; row++) {
		assert_string_equal(section_cell(signs, row, 0)->text, wanted[row]);
		assert_int_equal(section_cell(signs, row, 1)->number, 1);
	}
	doc_free(&doc);
	missing_free(&missing);
	char *text =
	    listed(visits, sizeof visits / sizeof *visits, 0, true, 3 * DAY);
	assert_string_equal(text, "stayed away: kept trying; 2; again@d.example\n"
	                          "may come back: SPF pass; 1; late@e.example\n"
	                          "stayed away: SPF pass; 1; spf@c.example\n");
	free(text);
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
	    {.sender = "a@a.example", .narrow = true, .heard_451 = true, .time = 1},
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

/* Bots do that too; every further mail of theirs would be a false alarm. */
static void
a_hold_that_was_waited_out_makes_no_domain_known(void **state)
{
	static const struct visit visits[] = {
	    {.sender = "a@bot.example", .through = true, .waited = true, .time = 1},
	    {.sender = "b@bot.example", .time = 2},
	    {.sender = "a@ham.example",
	        .through = true,
	        .waited = true,
	        .is_ham = true,
	        .time = 3},
	    {.sender = "b@ham.example", .time = 4},
	    {.sender = "a@spf.example",
	        .through = true,
	        .waited = true,
	        .narrow = true,
	        .time = 5},
	    {.sender = "b@spf.example", .time = 6},
	};

	(void)state;
	char *text = LISTED(visits, 0, DAY);
	assert_string_equal(text, "stayed away: known domain; 1; b@spf.example\n"
	                          "stayed away: known domain; 1; b@ham.example\n"
	                          "stayed away: none; 1; b@bot.example\n");
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
	char *text = listed(visits, COUNT, 0, false, DAY);
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
	    cmocka_unit_test(what_bots_show_is_no_sign),
	    cmocka_unit_test(a_sender_that_may_be_forged_is_no_sign),
	    cmocka_unit_test(who_has_sent_more_spam_than_ham_shows_no_sign),
	    cmocka_unit_test(what_is_counted_is_what_stayed_away_with_a_sign),
	    cmocka_unit_test(what_got_through_in_the_end_is_not_lost),
	    cmocka_unit_test(what_heard_451_may_be_lost_too),
	    cmocka_unit_test(who_came_lately_may_come_back),
	    cmocka_unit_test(spam_makes_no_domain_known),
	    cmocka_unit_test(a_hold_that_was_waited_out_makes_no_domain_known),
	    cmocka_unit_test(many_mails_are_all_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
