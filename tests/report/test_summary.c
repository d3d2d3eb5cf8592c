/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "report/retry_series.h"
#include "report/days.h"
#include "report/funnel.h"
#include "report/feedback.h"
#include "report/mode_forecast.h"
#include "report/report.h"
#include "report/survival.h"
#include "report/top.h"

struct sample {
	struct event event;
	struct session_words words;
	char recipient[64], sid[32];
};

/* A suspect by rule 0 that is held and lets itself be changed. */
static struct sample *
make(struct sample *sample, int number, int64_t time)
{
	*sample = (struct sample){0};
	struct event *event = &sample->event;
	event->time = time;
	event->sender = "a@example.com";
	snprintf(
	    sample->recipient, sizeof sample->recipient, "u%d@example.jp", number);
	event->recipients = sample->recipient;
	event->rcpt_accepted = 1;
	event->hold_ms = event->hold_asked_ms = event->dns_ms = -1;
	event->score = (double)NAN;
	event->words = &sample->words;
	event->reply = "250";
	ip_from_text("192.0.2.7", &event->ip);
	for (unsigned i = 0; i < SESSION_KEYS; i++) {
		const struct session_key_row *row = &session_keys[i];
		snprintf(sample->words.value[i], SESSION_VALUE_SIZE, "%s",
		    row->words != NULL ? row->words[0] : "0");
	}
	snprintf(sample->words.value[SK_SID], SESSION_VALUE_SIZE, "sid%d", number);
	strcpy(sample->words.value[SK_S25R], "match");
	strcpy(sample->words.value[SK_MODE], "targrey");
	strcpy(sample->words.value[SK_VERDICT], "hold");
	return sample;
}

static void
held(struct sample *sample, enum hold_end end, int64_t ms)
{
	sample->event.hold_end = end;
	sample->event.hold_ms = ms;
	sample->event.delivered = end == HOLD_ENDURED;
	sample->event.reply = sample->event.delivered ? "250" : "450";
}

/* A hold that ends because targreyd stops is answered with 451. */
static void
a_visit_that_heard_451_was_not_greylisted(void **state)
{
	static const struct {
		const char *reply;
		bool is_greylisted;
	} cases[] = {{"450", true}, {"421", true}, {"451", false}, {"250", false}};
	struct sample sample;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		make(&sample, 1, 1000);
		held(&sample, HOLD_STOPPED, 20000);
		sample.event.reply = cases[i].reply;
		struct event_view view = view_of(&sample.event);
		assert_int_equal(view.is_greylisted, cases[i].is_greylisted);
		assert_int_equal(view.is_refused, *cases[i].reply == '4');
	}
}

static void
count(struct funnel *funnel, const struct event *event)
{
	struct event_view view = view_of(event);

	funnel_add(funnel, &view);
}

static void
the_funnel_counts_each_stage(void **state)
{
	struct funnel counted, *funnel = &counted;
	struct sample sample;

	(void)state;
	assert_true(funnel_init(funnel));
	for (int i = 0; i < 100; i++) {
		make(&sample, i, 1000000 + i);
		if (i < 10) {
			sample.event.exempt = "network: 192.0.2.0/24";
		} else if (i < 30) {
			strcpy(sample.words.value[SK_WHY], "none");
			strcpy(sample.words.value[SK_S25R], "none");
			sample.event.delivered = true;
		} else if (i < 70) {
			held(&sample, HOLD_GONE, 20000);
		} else if (i < 90) {
			held(&sample, HOLD_ENDURED, 125000);
		} else {
			strcpy(sample.words.value[SK_VERDICT], "greylist");
			sample.event.reply = "450";
		}
		if (i == 99)
			strcpy(sample.words.value[SK_FAULT], "store");
		count(funnel, &sample.event);
	}
	/* a second transaction of the last session */
	count(funnel, &sample.event);
	assert_int_equal(funnel->events, 101);
	assert_int_equal(funnel->sessions, 100);
	assert_int_equal(funnel->exempt, 10);
	assert_int_equal(funnel->ordinary, 20);
	assert_int_equal(funnel->suspects, 71);
	assert_int_equal(funnel->held, 60);
	assert_int_equal(funnel->holds[HOLD_GONE], 40);
	assert_int_equal(funnel->holds[HOLD_ENDURED], 20);
	assert_int_equal(funnel->greylisted, 11);
	assert_int_equal(funnel->delivered, 40);
	assert_int_equal(funnel->delivered_suspects, 20);
	assert_int_equal(funnel->faults[FAULT_STORE], 2);
	funnel_clear(funnel);
}

/* The same numbers, wherever the report is read. */
static void
each_form_of_the_report_has_its_numbers(void **state)
{
	static const char *const numbers[DOC_FORMATS] = {
	    [DOC_TEXT] = "messages accepted                     31\n",
	    [DOC_JSON] = "\"delivered\": 31,",
	    [DOC_CSV] = "headline,,delivered,31\r\n",
	    [DOC_HTML] = "Of 71 transactions, 31 were delivered",
	};
	struct report *report =
	    report_new(&(struct report_settings){.hold_s = 125, .top = 10});
	struct sample sample;

	(void)state;
	for (int i = 0; i < 71; i++) {
		make(&sample, i, 1000000 + i);
		sample.event.id = i + 1;
		held(&sample, i < 40 ? HOLD_GONE : HOLD_ENDURED, 20000);
		if (i % 2 == 1)
			strcpy(sample.words.value[SK_PASSED], "1");
		report_add(report, &sample.event);
	}
	report_end(report);
	/*
	 * Names of the ten that a table has room for, of the 40 who hung up; only
	 * the even ids show a sign of good mail.
	 */
	size_t wanted = 0;
	for (int64_t id; (id = report_wants(report, wanted)) != 0; wanted++) {
		assert_in_range(id, 1, 40);
		assert_int_equal(id % 2, 0);
		make(&sample, (int)id - 1, 1000000 + id - 1);
		sample.event.id = id;
		held(&sample, HOLD_GONE, 20000);
		report_name(report, &sample.event);
	}
	assert_int_equal(wanted, 10);
	struct doc *doc = report_finish(report);
	for (enum doc_format format = 0; format < DOC_FORMATS; format++) {
		char *text = NULL;
		size_t size;
		FILE *file = open_memstream(&text, &size);
		assert_true(doc_write(doc, format, 80, file));
		fclose(file);
		if (numbers[format] == NULL ||
		    strstr(text, numbers[format]) == NULL)
			fail_msg("format %d: %s", (int)format, text);
		free(text);
	}
	doc_free(&doc);
	report_free(&report);
}

static void
an_empty_report_can_be_written(void **state)
{
	struct report *report =
	    report_new(&(struct report_settings){.hold_s = 125, .top = 10});
	struct doc *doc = report_finish(report);
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_true(doc_write(doc, DOC_TEXT, 80, file));
	fclose(file);
	assert_non_null(strstr(text, "There are no events in this range."));
	assert_non_null(strstr(text, "No proposal: of 0 holds"));
	free(text);
	doc_free(&doc);
	report_free(&report);
}

static void
feed(struct survival *survival, enum hold_end end, int64_t seconds, int times)
{
	struct sample sample;

	while (times-- > 0) {
		make(&sample, 1, 1000);
		held(&sample, end, seconds * 1000);
		struct event_view view = view_of(&sample.event);
		survival_add(survival, &view);
	}
}

static void
the_proposed_hold_is_where_the_curve_flattens(void **state)
{
	struct survival survival = {0};

	(void)state;
	for (int s = 1; s <= 60; s++)
		feed(&survival, HOLD_GONE, s, 10);
	feed(&survival, HOLD_ENDURED, 125, 200);
	struct survival_advice advice = survival_advise(&survival, 125);
	/* 570 of the 600 within second 57: 58 s, and 5, rounded up to fives */
	assert_int_equal(advice.hold_s, 65);
	assert_non_null(strstr(advice.reason, "95 %"));
}

static void
the_proposal_tells_what_a_longer_hold_would_catch_beyond_it(void **state)
{
	struct survival survival = {0};

	(void)state;
	/* nearly all after 10 s, the rest just before the 15 s of the proposal */
	feed(&survival, HOLD_GONE, 9, 970);
	feed(&survival, HOLD_GONE, 13, 20);
	feed(&survival, HOLD_ENDURED, 125, 1000);
	struct survival_advice advice = survival_advise(&survival, 125);
	assert_int_equal(advice.hold_s, 15);
	assert_non_null(
	    strstr(advice.reason, "would catch 0.0 % more of all held"));

	feed(&survival, HOLD_GONE, 30, 10); /* of 2000 */
	advice = survival_advise(&survival, 125);
	assert_int_equal(advice.hold_s, 15);
	assert_non_null(
	    strstr(advice.reason, "would catch 0.5 % more of all held"));
}

static void
a_curve_that_still_falls_asks_for_longer_holds(void **state)
{
	struct survival survival = {0};

	(void)state;
	for (int s = 1; s <= 60; s++)
		feed(&survival, HOLD_GONE, s, s <= 50 ? 5 : 20);
	feed(&survival, HOLD_ENDURED, 60, 300);
	/* of 750 held 450 leave, 120 of them in the last tenth, 55 s to 60 s */
	struct survival_advice advice = survival_advise(&survival, 60);
	assert_non_null(strstr(advice.reason,
	    "still leaving in the last seconds observed (60 s): 16.0 % of all "
	    "held, out of 60.0 % that leave"));
	assert_int_equal(advice.hold_s, 90); /* 60 s and 30 */
}

/* The text in place of the chart said "80 % after 60 s" of holds of 20 s. */
static void
nothing_is_told_of_seconds_without_holds(void **state)
{
	struct survival survival = {0};
	struct doc *doc = doc_new("x");

	(void)state;
	feed(&survival, HOLD_GONE, 5, 20);
	feed(&survival, HOLD_ENDURED, 20, 80);
	survival_write(&survival, 125, doc);
	const char *text = doc->sections[0].chart.alternative;
	assert_int_equal(strncmp(text,
	                     "Of 100 holds, 80 % are still there after 10 s, "
	                     "80 % after 21 s. ",
	                     64),
	    0);
	doc_free(&doc);
}

static void
few_holds_give_no_proposal(void **state)
{
	struct survival survival = {0};

	(void)state;
	feed(&survival, HOLD_GONE, 10, 20);
	assert_int_equal(survival_advise(&survival, 125).hold_s, 0);
	feed(&survival, HOLD_FAULT, 0, 100); /* says nothing of the client */
	assert_int_equal(survival_advise(&survival, 125).hold_s, 0);
	feed(&survival, HOLD_STOPPED, 10, 100);
	/* all leave within second 10: 11 s, and 5, rounded up to fives */
	assert_int_equal(survival_advise(&survival, 125).hold_s, 20);
}

static void
a_series_of_retries_tells_return_spread_and_delay(void **state)
{
	static struct retry_series series;
	struct sample sample;

	(void)state;
	assert_true(retry_series_init(&series, 172800));
	const char *const addresses[] = {"192.0.2.1", "198.51.100.1", "192.0.2.1"};
	const int64_t times[] = {1000, 1000 + 600, 1000 + 1860};
	for (int i = 0; i < 3; i++) {
		make(&sample, 1, times[i]);
		ip_from_text(addresses[i], &sample.event.ip);
		sample.event.delivered = i == 2;
		struct event_view view = view_of(&sample.event);
		retry_series_add(&series, &view);
	}
	make(&sample, 2, 1000); /* never again */
	struct event_view view = view_of(&sample.event);
	retry_series_add(&series, &view);
	make(
	    &sample, 3, 1000 + 4 * 86400); /* the last event: may still come back */
	view = view_of(&sample.event);
	retry_series_add(&series, &view);
	retry_series_finish(&series);
	assert_int_equal(series.started, 3);
	assert_int_equal(series.pending, 1);
	assert_int_equal(series.never, 1);
	assert_int_equal(series.passed, 1);
	assert_int_equal(series.gap[2], 1);      /* 5 to 15 min */
	assert_int_equal(series.attempts[0], 2); /* once */
	assert_int_equal(series.attempts[2], 1); /* three times */
	assert_int_equal(series.spread[1], 1);   /* two addresses */
	assert_int_equal(series.late.count, 1);
	assert_true(fabs(series.worst[0].seconds - 1860) < 0.001);
	retry_series_clear(&series);
}

/* One attempt of a suspect that brings no mail. */
static void
attempt(struct retry_series *series, int number, int64_t time, const char *spf)
{
	struct sample sample;

	make(&sample, number, time);
	strcpy(sample.words.value[SK_SPF], spf);
	struct event_view view = view_of(&sample.event);
	retry_series_add(series, &view);
}

static void
who_came_lately_may_come_back(void **state)
{
	static struct retry_series series;
	struct sample sample;
	const int64_t later = 5 * 86400;

	(void)state;
	assert_true(retry_series_init(&series, 172800));
	attempt(&series, 1, 1000, "none");
	attempt(&series, 2, 1000, "pass");
	attempt(&series, 3, 1000, "fail"); /* came back */
	attempt(&series, 3, 2000, "fail");
	attempt(&series, 4, 1000, "pass"); /* got through */
	make(&sample, 4, 3000);
	sample.event.delivered = true;
	struct event_view view = view_of(&sample.event);
	retry_series_add(&series, &view);
	attempt(&series, 5, later, "pass"); /* may still come back */
	attempt(&series, 5, later + 60, "pass");
	retry_series_finish(&series);
	assert_int_equal(series.never, 2);
	assert_int_equal(series.pending, 1);
	retry_series_clear(&series);
}

static void
days_part_mail_of_others_from_suspects(void **state)
{
	static struct days days;
	struct sample sample;

	(void)state;
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	for (int i = 0; i < 10; i++) {
		/* 2026-01-01 20:00 UTC is the 2nd in Japan, a Friday, 05:00 */
		make(&sample, i, 1767297600);
		sample.event.delivered = i < 5;
		if (i < 2)
			strcpy(sample.words.value[SK_WHY], "none");
		struct event_view view = view_of(&sample.event);
		days_add(&days, &view);
	}
	struct doc *doc = doc_new("days");
	days_write(&days, doc);
	const struct section *section = &doc->sections[0];
	assert_int_equal(section->rows_count, 1);
	assert_string_equal(section_cell(section, 0, 0)->text, "2026-01-02");
	assert_true(section_cell(section, 0, 1)->number == 2);
	assert_true(section_cell(section, 0, 2)->number == 3);
	assert_true(section_cell(section, 0, 3)->number == 5);
	assert_int_equal(days.week[4][5], 8);
	doc_free(&doc);
	unsetenv("TZ");
	tzset();
}

/* A clock that has lost its time, or a row that somebody else has written. */
static void
an_event_of_before_the_second_day_of_1970_is_on_no_day(void **state)
{
	static const int64_t times[] = {0, -1, -86400 * 25, -86400 * 1000};
	static struct days days;
	struct sample sample;

	(void)state;
	setenv("TZ", "America/New_York", 1);
	tzset();
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		make(&sample, (int)i, times[i]);
		struct event_view view = view_of(&sample.event);
		days_add(&days, &view);
	}
	assert_int_equal(days.last, 0);
	unsetenv("TZ");
	tzset();
}

/* Every transaction goes one way, and its two ends are counted apart. */
static void
the_flow_holds_every_transaction_once(void **state)
{
	struct funnel funnel;
	struct sample sample;
	uint64_t sum = 0;

	(void)state;
	assert_true(funnel_init(&funnel));
	for (int i = 0; i < 8; i++) {
		make(&sample, i, 1000);
		sample.event.delivered = i % 2 == 0;
		if (i == 0)
			sample.event.exempt = "network 10.0.0.0/8";
		if (i == 1)
			strcpy(sample.words.value[SK_WHY], "none");
		if (i == 2)
			strcpy(sample.words.value[SK_WHY], "known-address");
		if (i == 3)
			sample.event.hold_end = HOLD_GONE;
		if (i == 4)
			sample.event.hold_end = HOLD_ENDURED;
		if (i == 5)
			sample.event.reply = "450";
		if (i == 6)
			strcpy(sample.words.value[SK_WHY], "tries");
		struct event_view view = view_of(&sample.event);
		funnel_add(&funnel, &view);
	}
	for (int i = 0; i < FUNNEL_WAYS; i++) {
		assert_int_equal(funnel.ways[i][0] + funnel.ways[i][1], 1);
		sum += funnel.ways[i][1];
	}
	assert_int_equal(sum, 4);
	assert_int_equal(funnel.ways[WAY_GONE][0], 1);
	assert_int_equal(funnel.ways[WAY_STAYED][1], 1);
	assert_int_equal(funnel.ways[WAY_GREYLISTED][0], 1);
	funnel_clear(&funnel);
}

static void
more_courses_than_room_are_counted(void **state)
{
	static struct retry_series series;
	struct sample sample;

	(void)state;
	assert_true(retry_series_init(&series, 172800));
	for (int i = 0; i < 400000; i++) {
		make(&sample, i, 1000 + i / 100);
		struct event_view view = view_of(&sample.event);
		retry_series_add(&series, &view);
	}
	retry_series_finish(&series);
	assert_int_equal(series.started, 400000);
	assert_true(series.cut_short >= 400000 - 262144);
	/* the stream is shorter than the window: of none is it known */
	assert_int_equal(series.never, 0);
	assert_int_equal(series.pending, 400000);
	retry_series_clear(&series);
}

static void
the_site_of_a_name_is_found(void **state)
{
	(void)state;
	assert_string_equal(top_site("mail.example.com"), "example.com");
	assert_string_equal(top_site("a.b.example.co.jp"), "example.co.jp");
	assert_string_equal(top_site("p1.example.de"), "example.de");
	assert_string_equal(top_site("example.com"), "example.com");
	assert_string_equal(top_site("localhost"), "localhost");
	assert_string_equal(top_site("co.jp"), "co.jp");
	assert_string_equal(top_site("ne.jp"), "ne.jp");
	assert_string_equal(top_site("x.ne.jp"), "x.ne.jp");
	assert_string_equal(top_site(""), "");
}

static void
learn(struct feedback *feedback, const char *name, const char *verdict)
{
	struct sample sample;

	make(&sample, 1, 1000);
	sample.event.name = name;
	sample.event.feedback = verdict;
	held(&sample, HOLD_ENDURED, 125000);
	struct event_view view = view_of(&sample.event);
	feedback_add(feedback, &view);
}

static void
only_senders_of_good_mail_alone_are_proposed(void **state)
{
	static struct feedback feedback;
	struct doc *doc = doc_new("x");
	char *json = NULL;
	size_t size;

	(void)state;
	assert_true(feedback_init(&feedback));
	for (int i = 0; i < 3; i++)
		learn(&feedback, "p7.good.example.org", "ham");
	learn(&feedback, "p7.once.example.net", "ham");
	learn(&feedback, "a1.both.example.com", "ham");
	learn(&feedback, "a2.both.example.com", "ham");
	learn(&feedback, "a3.both.example.com", "spam");
	learn(&feedback, "p9.good.example.org", NULL);
	/* customers of one host, by the public suffix list: no line for all of them
	 */
	learn(&feedback, "mail.one.github.io", "ham");
	learn(&feedback, "mail.one.github.io", "ham");
	feedback_write(&feedback, 10, doc);
	FILE *file = open_memstream(&json, &size);
	assert_true(doc_write(doc, DOC_JSON, 0, file));
	fclose(file);
	assert_non_null(strstr(json, "{\"entry\": \"example.org\", \"ham\": 3,"));
	assert_null(strstr(json, "\"entry\": \"example.net\""));
	assert_null(strstr(json, "\"entry\": \"example.com\""));
	assert_null(strstr(json, "\"entry\": \"github.io\""));
	assert_non_null(strstr(json, "{\"entry\": \"one.github.io\", \"ham\": 2,"));
	assert_non_null(strstr(json,
	    "{\"which\": \"endured\", \"mails\": 10, \"ham\": 8, \"spam\": 1, "
	    "\"unknown\": 1, \"spam_share\": 0.1111}"));
	free(json);
	doc_free(&doc);
	feedback_clear(&feedback);
}

static void
other_modes_are_told_as_far_as_the_events_can(void **state)
{
	static struct mode_forecast forecast;
	struct sample sample;

	(void)state;
	assert_true(mode_forecast_init(&forecast));
	for (int i = 0; i < 6; i++) {
		make(&sample, i, 1000);
		if (i == 0)
			strcpy(sample.words.value[SK_WHY], "known-address");
		else if (i == 1)
			held(&sample, HOLD_GONE, 5000);
		else if (i == 2)
			strcpy(sample.words.value[SK_GAVEUP], "2");
		else if (i == 3)
			strcpy(sample.words.value[SK_WHY], "none");
		else if (i == 4)
			strcpy(sample.words.value[SK_WHY], "warn");
		if (i >= 4)
			strcpy(sample.words.value[SK_WOULD], "hold");
		struct event_view view = view_of(&sample.event);
		mode_forecast_add(&forecast, &view);
	}
	assert_int_equal(forecast.passes, 1);
	assert_int_equal(forecast.rest, 3);
	assert_int_equal(forecast.rest_held, 1);
	assert_int_equal(forecast.rest_gone, 1);
	assert_int_equal(forecast.rest_repeat, 1);
	assert_int_equal(forecast.would_hold, 2);
	mode_forecast_clear(&forecast);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_visit_that_heard_451_was_not_greylisted),
	    cmocka_unit_test(the_funnel_counts_each_stage),
	    cmocka_unit_test(each_form_of_the_report_has_its_numbers),
	    cmocka_unit_test(an_empty_report_can_be_written),
	    cmocka_unit_test(the_proposed_hold_is_where_the_curve_flattens),
	    cmocka_unit_test(
	        the_proposal_tells_what_a_longer_hold_would_catch_beyond_it),
	    cmocka_unit_test(a_curve_that_still_falls_asks_for_longer_holds),
	    cmocka_unit_test(nothing_is_told_of_seconds_without_holds),
	    cmocka_unit_test(few_holds_give_no_proposal),
	    cmocka_unit_test(a_series_of_retries_tells_return_spread_and_delay),
	    cmocka_unit_test(who_came_lately_may_come_back),
	    cmocka_unit_test(days_part_mail_of_others_from_suspects),
	    cmocka_unit_test(
	        an_event_of_before_the_second_day_of_1970_is_on_no_day),
	    cmocka_unit_test(the_flow_holds_every_transaction_once),
	    cmocka_unit_test(more_courses_than_room_are_counted),
	    cmocka_unit_test(only_senders_of_good_mail_alone_are_proposed),
	    cmocka_unit_test(other_modes_are_told_as_far_as_the_events_can),
	    cmocka_unit_test(the_site_of_a_name_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
