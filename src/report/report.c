/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report.h"

#include <stdlib.h>

#include "report/retry_series.h"
#include "report/days.h"
#include "report/funnel.h"
#include "report/hours.h"
#include "report/feedback.h"
#include "report/missing.h"
#include "report/mode_forecast.h"
#include "report/mxs.h"
#include "report/survival.h"
#include "report/top.h"
#include "report/view.h"

struct report {
	struct report_settings settings;
	struct funnel funnel;
	struct survival survival;
	struct hours hours;
	struct days days;
	struct top top;
	struct retry_series retries;
	struct mode_forecast forecast;
	struct feedback feedback;
	struct mxs mxs;
	struct missing *missing;
	int64_t last; /* time of the last event */
};

/* Rows of the list of mails that may be lost. */
#define LOST_MOST 10

struct report *
report_new(const struct report_settings *settings)
{
	struct report *report = calloc(1, sizeof *report);

	if (report == NULL)
		return NULL;
	report->settings = *settings;
	bool ok = funnel_init(&report->funnel);
	ok = top_init(&report->top) && ok;
	ok = retry_series_init(&report->retries, settings->retry_window_s) && ok;
	ok = mode_forecast_init(&report->forecast) && ok;
	ok = feedback_init(&report->feedback) && ok;
	ok = mxs_init(&report->mxs) && ok;
	report->missing = missing_new();
	ok = report->missing != NULL && ok;
	if (!ok)
		report_free(&report);
	return report;
}

void
report_free(struct report **report)
{
	if (*report == NULL)
		return;
	funnel_clear(&(*report)->funnel);
	top_clear(&(*report)->top);
	retry_series_clear(&(*report)->retries);
	mode_forecast_clear(&(*report)->forecast);
	feedback_clear(&(*report)->feedback);
	mxs_clear(&(*report)->mxs);
	missing_free(&(*report)->missing);
	free(*report);
	*report = NULL;
}

void
report_add(struct report *report, const struct event *event)
{
	struct event_view view = view_of(event);

	funnel_add(&report->funnel, &view);
	survival_add(&report->survival, &view);
	hours_add(&report->hours, &view);
	days_add(&report->days, &view);
	top_add(&report->top, &view);
	retry_series_add(&report->retries, &view);
	mode_forecast_add(&report->forecast, &view);
	feedback_add(&report->feedback, &view);
	mxs_add(&report->mxs, &view);
	missing_add(report->missing, &view);
	if (event->time > report->last)
		report->last = event->time;
}

/* The end of the range. */
static int64_t
until_of(const struct report *report)
{
	return report->settings.until != 0 ? report->settings.until : report->last;
}

void
report_end(struct report *report)
{
	retry_series_finish(&report->retries);
	missing_choose(report->missing, LOST_MOST, true,
	    until_of(report) - report->settings.retry_window_s);
}

int64_t
report_wants(const struct report *report, size_t n)
{
	return missing_wants(report->missing, n);
}

void
report_name(struct report *report, const struct event *event)
{
	struct event_view view = view_of(event);

	missing_name(report->missing, &view);
}

/* The five numbers that a hurried reader wants. */
static void
headline(const struct report *report, struct doc *doc)
{
	const struct funnel *funnel = &report->funnel;
	const struct retry_series *retries = &report->retries;

	doc_section(doc, "headline", "In short");
	doc_headline(doc);
	doc_fact(
	    doc, "delivered", "messages accepted", cell_count(funnel->delivered));
	doc_fact(doc, "not_delivered", "visits by suspects delivered nothing",
	    cell_count(funnel->suspects - funnel->delivered_suspects));
	doc_fact(doc, "gave_up", "of held clients hung up",
	    cell_share((double)funnel->holds[HOLD_GONE], (double)funnel->held));
	doc_fact(doc, "delayed", "good messages came late",
	    cell_count(retries->late.count));
	/* In a shorter time nobody can be said to have stayed away. */
	if (report->settings.since == 0 ||
	    until_of(report) - report->settings.since >
	        report->settings.retry_window_s)
		doc_fact(doc, "may_be_lost", "messages may be lost",
		    cell_count(missing_count(report->missing)));
	else
		doc_fact(doc, "may_come_back",
		    "delayed messages may still come back",
		    cell_count(missing_pending(report->missing)));
}

struct doc *
report_finish(struct report *report)
{
	const struct report_settings *settings = &report->settings;
	struct doc *doc = doc_new("targrey report");

	if (doc == NULL)
		return NULL;
	doc_section(doc, "range", "Range");
	doc_subtitle(doc);
	doc_fact(doc, "host", "Host", cell_text(settings->host));
	doc_fact(doc, "mode", "Mode", cell_text(settings->mode));
	doc_fact(doc, "since", "Since", cell_time(settings->since));
	doc_fact(doc, "until", "Until", cell_time(settings->until));
	doc_fact(doc, "made", "Created", cell_time(settings->made));
	if (report->funnel.events == 0)
		doc_say(doc, "There are no events in this range.");
	else
		headline(report, doc);
	days_write(&report->days, doc);
	funnel_write(&report->funnel, doc);
	survival_write(&report->survival, settings->hold_s, doc);
	hours_write(&report->hours, doc);
	week_write(&report->days, doc);
	retry_series_write(&report->retries, doc);
	mxs_write(&report->mxs, doc);
	bool ok = missing_write(report->missing, 0, doc);
	top_write(&report->top, settings->top, doc);
	mode_forecast_write(&report->forecast, doc);
	feedback_write(&report->feedback, settings->top, doc);
	if (!ok)
		doc_free(&doc);
	return doc;
}

uint64_t
report_words(void)
{
	static const enum session_key keys[] = {SK_SID, SK_MODE, SK_VERDICT, SK_WHY,
	    SK_WOULD, SK_S25R, SK_S25R_RULE, SK_GREY, SK_GREY_TRIES, SK_EARLY,
	    SK_AGE, SK_SEEN, SK_GAVEUP, SK_SPF, SK_LOCAL, SK_FAULT, SK_ID, SK_MX,
	    SK_MX_ORDER};
	uint64_t words = missing_words();

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		words |= UINT64_C(1) << keys[i];
	return words;
}
