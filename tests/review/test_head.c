/* SPDX-License-Identifier: BSD-2-Clause */
/* The header reader: forms of scores, the vectors of docs/headers.md, texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "review/head.h"

static struct head head;

static void
parse(const char *text)
{
	head_parse(text, strlen(text), &head);
}

#define NONE         SCORE_NONE, 0
#define EXACT(score) SCORE_EXACT, score
#define LEAST(score) SCORE_LEAST, score

/*
 * Lines as the programs write them: amavisd-new 2.13, SpamAssassin 4.0 (and 2.6),
 * rspamd's milter_headers with and without extended headers, Exim's example
 * configuration.
 */
static const struct {
	const char *lines;
	enum score_kind kind;
	double score;
} forms[] = {
    {"X-Spam-Score: 6.31\n", EXACT(6.31)},
    {"X-Spam-Score: -1.9\n", EXACT(-1.9)},
    {"X-Spam-Flag: YES\nX-Spam-Score: 19.84\nX-Spam-Level: *******************\n"
     "X-Spam-Status: Yes, score=19.84 tagged_above=-999 required=5\n"
     "\ttests=[BAYES_99=3.8, URIBL_BLACK=1.7] autolearn=no\n",
        EXACT(19.84)},
    {"X-Spam-Checker-Version: SpamAssassin 4.0.0\nX-Spam-Level: *******\n"
     "X-Spam-Status: Yes, score=7.1 required=5.0 tests=BAYES_99,\n"
     "\tHTML_MESSAGE autolearn=no autolearn_force=no version=4.0.0\n",
        EXACT(7.1)},
    {"X-Spam-Status: No, hits=-4.9 required=5.0 tests=BAYES_00\n", EXACT(-4.9)},
    {"X-Spamd-Result: default: False [5.30 / 15.00];\n\tBAYES_SPAM(3.00)[99.0%];\n",
        EXACT(5.3)},
    {"X-Spamd-Bar: +++++\nX-Spam-Status: Yes, score=5.30\n", EXACT(5.3)},
    {"X-Spamd-Bar: --\n", LEAST(-2)},
    {"X-Spamd-Bar: /\n", LEAST(0)},
    {"X-Spam-Level: *******\n", LEAST(7)},
    {"X-Spam-Level: \n", LEAST(0)},
    {"X-Spam-Score: 5.3 (+++++)\n", EXACT(5.3)},
    {"X-Spam_score: 5.3\n", EXACT(5.3)},
    {"X-Spam-Score: x\n", NONE},
    {"X-Spam-Score: 5,3\n", EXACT(5)},
    {"X-Spam-Score: nan\n", NONE},
    {"X-Spam-Score: 1e300\n", NONE},
    {"X-Spam-Score: 0x10\n", NONE},
    {"X-Spam-Status: No, score=- required=5\n", NONE},
    {"X-Spam-Status: see the report for tests=X of score=4 which is long\n", NONE},
    {"Subject: X-Spam-Score: 9\n", NONE},
    {"X-Spam-Score:\n", NONE},
};

static void
every_form_of_a_score_is_read(void **state)
{
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		snprintf(text, sizeof text, "%sFrom: a\n\n", forms[i].lines);
		parse(text);
		if (head.score.kind != forms[i].kind)
			print_error("%s", forms[i].lines);
		assert_int_equal(head.score.kind, forms[i].kind);
		assert_true(head.score.value > forms[i].score - 1e-9 &&
		            head.score.value < forms[i].score + 1e-9);
	}
}

static void
a_score_below_the_next_received_does_not_count(void **state)
{
	(void)state;
	parse("X-Spam-Level: **\nReceived: from a\nX-Spam-Score: -99\n\n");
	assert_int_equal(head.score.kind, SCORE_LEAST);
	assert_true(head.score.value == 2);
	assert_int_equal(head.notes & HEAD_OTHER_SCORES, HEAD_OTHER_SCORES);

	/* SpamAssassin writes below what the own MTA put on top */
	parse("Received: from localhost\nX-Spam-Score: 6.2\nReceived: from b\n"
	      "X-Spam-Score: -99\n\n");
	assert_float_equal(head.score.value, 6.2, 1e-6);
	assert_int_equal(head.score.others, 1);
}

static void
the_topmost_of_two_scores_counts(void **state)
{
	(void)state;
	parse("X-Spam-Score: 6.2\nX-Spam-Score: -99\nReceived: from b\n\n");
	assert_float_equal(head.score.value, 6.2, 1e-6);
	assert_int_equal(head.score.others, 1);
	parse("X-Spam-Score: 6.2\nX-Spam-Status: Yes, score=6.2\n\n");
	assert_int_equal(head.score.others, 0);
}

static void
tests_with_the_most_points_are_named(void **state)
{
	(void)state;
	parse(
	    "X-Spam-Status: Yes, score=9.1 tests=[A=0.001, B_1=3.8, C=-2, D=1.7,\n"
	    " E=1.8, TARGREY_DISCARD_OK=0.001] autolearn=no\n\n");
	assert_string_equal(head.score.tests, "B_1 3.8, E 1.8, D 1.7");
	assert_true(head.score.may_discard);
	parse("X-Spam-Status: Yes, score=9.1 tests=NO_TARGREY_DISCARD_OK,A\n\n");
	assert_false(head.score.may_discard);
	parse("X-Spamd-Result: default: True [9.1 / 15.00]; A(3.50)[x,y=2];"
	      "\n\tTARGREY_DISCARD_OK(0.00)[]\n\n");
	assert_string_equal(head.score.tests, "A 3.5, y 2.0");
	assert_true(head.score.may_discard);
	/* a sender's own, below the block that counts */
	parse("X-Spam-Status: Yes, score=9.1 tests=A\nReceived: from b\n"
	      "X-Spam-Status: Yes, score=50 tests=TARGREY_DISCARD_OK\n\n");
	assert_false(head.score.may_discard);
}

/* The three examples of docs/headers.md, which the writer must produce. */
static void
the_examples_of_the_headers_page_are_read(void **state)
{
	static const struct {
		const char *sid, *client, *why;
	} wanted[] = {
	    {"4f2a9c01b7", "198.51.100.7",
	        "no X-Spam score; end-user line by its name (S25R rule 0); stayed "
	        "through a hold of 125 s; hung up on 1 earlier holds; client's "
	        "name "
	        "does not lead back to it; SPF fail; no good mail from there "
	        "before"},
	    {"00c0ffee11", "mail.example.org",
	        "SPF pass; 0 good visits before; 12 ham and 0 spam before"},
	    {"9d31b0aa07", "ppp-203-0-113-99.example.net",
	        "end-user line by its name (S25R rule 1); came back 2 times"},
	};
	FILE *page = fopen(HEADERS_PAGE, "r");
	char line[2048], block[8192] = "", why[1024];
	size_t count = 0;

	(void)state;
	assert_non_null(page);
	while (fgets(line, sizeof line, page) != NULL) {
		if (strncmp(line, "    X-TaRgrey-", 14) == 0 &&
		    strstr(line, "...") == NULL)
			strcat(block, line + 4);
		if (strncmp(line, "    X-TaRgrey-Flags", 19) != 0 ||
		    strncmp(block, "X-TaRgrey-Session", 17) != 0) {
			if (line[0] != ' ')
				*block = '\0';
			continue;
		}
		strcat(block, "\n");
		parse(block);
		*block = '\0';
		assert_in_range(count, 0, 2);
		assert_true(head.has_session);
		assert_int_equal(head.notes, 0);
		assert_string_equal(head.session.value[SK_SID], wanted[count].sid);
		assert_string_equal(head.client, wanted[count].client);
		head_why(&head, why, sizeof why);
		const char *from = strchr(wanted[count].why, ';');
		assert_non_null(
		    strstr(why, count == 0 ? from + 2 : wanted[count].why));
		for (int key = 0; key < SK_DNSBL; key++)
			assert_true(head.session.value[key][0] != '\0');
		count++;
	}
	fclose(page);
	assert_int_equal(count, 3);
}

static void
a_session_of_another_grammar_is_left_alone_and_said(void **state)
{
	static const char *const odd[] = {"v=2; id=a; sid=b", "v=1;id=a",
	    "v=1; id=a;", "v=1; id=a b; sid=c", "v=1; ID=a", "sid=b; v=1", ""};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		snprintf(text, sizeof text, "X-TaRgrey-Session: %s\n\n", odd[i]);
		parse(text);
		if (head.has_session && i != 2)
			print_error("%s", text);
		assert_true(!head.has_session || i == 2);
	}
	parse("X-TaRgrey-Session: v=1; id=a; sid=b; later=word\n\n");
	assert_true(head.has_session);
	parse("X-TaRgrey-Session: v=9\nX-TaRgrey-Session: v=1; sid=b\n\n");
	assert_false(head.has_session);
	assert_int_equal(head.notes & HEAD_ODD_SESSION, HEAD_ODD_SESSION);
}

static void
words_of_any_charset_are_decoded(void **state)
{
	(void)state;
	parse("From: =?iso-2022-jp?B?GyRCOzNFRBsoQg==?= <a@b.example>\n"
	      "Subject: =?shift_jis?B?ie+LYw==?= =?utf-8?Q?=E4=BC=9A?=\n\n");
	assert_string_equal(head.from, "山田 <a@b.example>");
	assert_string_equal(head.subject, "会議会");
	/* not encoded at all: ISO-2022-JP, UTF-8, octets of no charset */
	parse("Subject: \033$B;3ED\033(B!\n\n");
	assert_string_equal(head.subject, "山田!");
	parse("Subject: 山田\n\n");
	assert_string_equal(head.subject, "山田");
	parse("Subject: a\xff\xfe z\n\n");
	assert_true(g_utf8_validate(head.subject, -1, NULL));
	assert_int_equal(head.subject[0], 'a');
	parse("Subject: =?x-none?B?YWJj?= =?utf-8?B?broken\n\n");
	assert_true(g_utf8_validate(head.subject, -1, NULL));
	parse("Subject: =?utf-8?Q?a=1B]0;x=07=0Ab?=\n\n");
	assert_null(strpbrk(head.subject, "\033\007\n"));
}

static void
odd_headers_are_read_as_far_as_they_go(void **state)
{
	static const char nuls[] = "Subject: a\0b\n\n";
	char *large = malloc(HEAD_MOST * 2);

	(void)state;
	head_parse(nuls, sizeof nuls - 1, &head);
	assert_string_equal(head.subject, "a\xef\xbf\xbd"
	                                  "b");
	assert_int_equal(head.notes & HEAD_NULS, HEAD_NULS);
	parse("Subject: a\nno field at all\nFrom: b\n");
	assert_string_equal(head.from, "b");
	assert_int_equal(head.notes, HEAD_BROKEN | HEAD_NO_END);
	parse("From you Sat Nov 28 10:00:00 2026\nSubject: x\r\n\r\nSubject: y\n");
	assert_string_equal(head.subject, "x");
	assert_int_equal(head.notes, 0);
	parse("Subject : old form\n\n");
	assert_string_equal(head.subject, "old form");
	parse("");
	assert_int_equal(head.score.kind, SCORE_NONE);
	memset(large, 'a', HEAD_MOST * 2);
	memcpy(large, "Subject: ", 9);
	head_parse(large, HEAD_MOST * 2, &head);
	assert_int_equal(strlen(head.subject) < HEAD_TEXT_SIZE, 1);
	/* many folded lines take no longer than their octets */
	for (size_t i = 9; i + 1 < HEAD_MOST * 2; i += 2)
		memcpy(large + i, "\n ", 2);
	head_parse(large, HEAD_MOST * 2, &head);
	free(large);
}

static void
an_envelope_holds_only_what_a_mailer_may_be_given(void **state)
{
	(void)state;
	parse("Return-Path: <a@b.example>\nDelivered-To: you@example.jp\n\n");
	assert_string_equal(head.envelope_from, "a@b.example");
	assert_string_equal(head.envelope_to, "you@example.jp");
	parse(
	    "X-Envelope-From: <>\nX-Envelope-To: <a@example.jp>,\n <b@example.jp>\n"
	    "X-Quarantine-ID: <Ab-1_x>\n\n");
	assert_string_equal(head.envelope_from, "");
	assert_string_equal(head.envelope_to, "a@example.jp b@example.jp");
	assert_string_equal(head.quarantine_id, "Ab-1_x");
	parse("X-Envelope-To: <-oQ/tmp@x>, <a b@x>, <\"|sh\"@x>, <ok@x>\n\n");
	assert_string_equal(head.envelope_to, "ok@x");
	/* octets that are no UTF-8, and a C1 control: no address, not another one
	 */
	parse("Return-Path: <a\xff@x>\n"
	      "X-Envelope-To: <b\xff@x>, <c\xc2\x9b@x>, <\xc3\xa9@x>\n"
	      "X-Quarantine-ID: <d\xff>\n\n");
	assert_string_equal(head.envelope_from, "");
	assert_string_equal(head.envelope_to, "\xc3\xa9@x");
	assert_string_equal(head.quarantine_id, "");
}

static void
bands_part_the_scores_without_gap(void **state)
{
	double least, most, last = 0;

	(void)state;
	for (int band = BAND_GOOD; band < BANDS; band++) {
		band_range((enum band)band, 5, &least, &most);
		if (band > BAND_GOOD) {
			assert_true(least == last);
			assert_int_equal(band_of(SCORE_EXACT, least, 5), band);
		}
		assert_int_equal(band_of(SCORE_EXACT,
		                     band == BAND_CERTAIN ? 1e4 : most - 0.01, 5),
		    band);
		last = most;
	}
	assert_int_equal(band_of(SCORE_NONE, 9, 5), BAND_NONE);
	assert_int_equal(band_of(SCORE_EXACT, 20, 5), BAND_CERTAIN);
	assert_int_equal(band_of(SCORE_EXACT, 4.99, 5), BAND_BELOW);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_form_of_a_score_is_read),
	    cmocka_unit_test(a_score_below_the_next_received_does_not_count),
	    cmocka_unit_test(the_topmost_of_two_scores_counts),
	    cmocka_unit_test(tests_with_the_most_points_are_named),
	    cmocka_unit_test(the_examples_of_the_headers_page_are_read),
	    cmocka_unit_test(a_session_of_another_grammar_is_left_alone_and_said),
	    cmocka_unit_test(words_of_any_charset_are_decoded),
	    cmocka_unit_test(odd_headers_are_read_as_far_as_they_go),
	    cmocka_unit_test(an_envelope_holds_only_what_a_mailer_may_be_given),
	    cmocka_unit_test(bands_part_the_scores_without_gap),
	};

	g_mime_init();
	return cmocka_run_group_tests_name("review_head", tests, NULL, NULL);
}
