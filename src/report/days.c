/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/days.h"

#include <stdio.h>
#include <time.h>

/* As timegm() counts, without its time zones: the day of a local date. */
static int64_t
day_number(const struct tm *tm)
{
	struct tm copy = {.tm_year = tm->tm_year,
	    .tm_mon = tm->tm_mon,
	    .tm_mday = tm->tm_mday,
	    .tm_hour = 12};

	return (int64_t)timegm(&copy) / 86400;
}

static void
place(struct days *days, int64_t when)
{
	int64_t quarter = when / 900 + 1;
	time_t time = (time_t)when;
	struct tm tm;

	if (quarter == days->quarter || localtime_r(&time, &tm) == NULL)
		return;
	days->quarter = quarter;
	days->quarter_day = day_number(&tm);
	days->weekday = (unsigned)(tm.tm_wday + 6) % 7;
	days->hour = (unsigned)tm.tm_hour;
}

void
days_add(struct days *days, const struct event_view *view)
{
	place(days, view->event->time);
	if (view->is_suspect)
		days->week[days->weekday][days->hour]++;
	/* Days before 2 January 1970 are not kept: 0 means none. */
	if (!view->is_mail || days->quarter_day < 1)
		return;
	struct day *day = &days->day[days->quarter_day % DAYS_MOST];
	if (day->number > days->quarter_day)
		return;
	if (day->number != days->quarter_day)
		*day = (struct day){.number = days->quarter_day};
	if (days->quarter_day > days->last)
		days->last = days->quarter_day;
	if (!view->is_suspect)
		day->others += view->is_delivered;
	else if (view->is_delivered)
		day->through++;
	else
		day->stopped++;
}

static const struct day *
day_at(const struct days *days, int64_t number)
{
	static const struct day none;
	const struct day *day = &days->day[number % DAYS_MOST];

	return day->number == number ? day : &none;
}

static int64_t
first_day(const struct days *days)
{
	int64_t first = days->last;

	for (int64_t i = days->last; i > days->last - DAYS_MOST && i > 0; i--) {
		if (day_at(days, i)->number == i)
			first = i;
	}
	return first;
}

void
days_write(const struct days *days, struct doc *doc)
{
	static const struct column columns[] = {
	    {"day", "Day", 0, false},
	    {"others", "Others delivered", 0, false},
	    {"through", "Suspects delivered", 0, false},
	    {"stopped", "Stopped", 0, false},
	};
	struct chart chart = {.kind = CHART_STACKED,
	    .title = "Transactions by day",
	    .label = 0,
	    .values = {1, 2, 3},
	    .values_count = 3};
	uint64_t others = 0, through = 0, stopped = 0;

	doc_section(doc, "days", "Mail by day");
	doc_table(doc, columns, 4);
	for (int64_t i = first_day(days); days->last > 0 && i <= days->last; i++) {
		const struct day *day = day_at(days, i);
		time_t time = (time_t)(i * 86400);
		struct tm tm;
		char name[16];
		gmtime_r(&time, &tm);
		strftime(name, sizeof name, "%Y-%m-%d", &tm);
		others += day->others;
		through += day->through;
		stopped += day->stopped;
		doc_row(
		    doc, (struct cell[]){cell_text(name), cell_count(day->others),
		             cell_count(day->through), cell_count(day->stopped)});
	}
	snprintf(chart.alternative, sizeof chart.alternative,
	    "%zu days: %llu messages delivered from clients that are not suspects, "
	    "%llu from suspects; %llu transactions of suspects were not delivered.",
	    doc_rows(doc), (unsigned long long)others, (unsigned long long)through,
	    (unsigned long long)stopped);
	if (doc_rows(doc) > 1)
		doc_chart(doc, &chart);
}

void
week_write(const struct days *days, struct doc *doc)
{
	static const char *const names[7] = {
	    "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	static const struct column columns[] = {
	    {"day", "Day", 0, false},
	    {"hour", "Hour", 0, false},
	    {"suspects", "Suspects", 0, false},
	};
	struct chart chart = {.kind = CHART_HEAT,
	    .title = "Suspects by hour of the week (local time)",
	    .label = 0,
	    .values = {2},
	    .values_count = 1};
	unsigned day = 0, hour = 0;
	char text[8];

	doc_section(doc, "week", "Hours of the week");
	doc_long(doc);
	doc_table(doc, columns, 3);
	for (unsigned i = 0; i < 7 * 24; i++) {
		uint64_t count = days->week[i / 24][i % 24];
		if (count > days->week[day][hour]) {
			day = i / 24;
			hour = i % 24;
		}
		snprintf(text, sizeof text, "%02u", i % 24);
		doc_row(doc, (struct cell[]){cell_text(names[i / 24]),
		                 cell_text(text), cell_count(count)});
	}
	if (days->week[day][hour] == 0)
		return;
	snprintf(chart.alternative, sizeof chart.alternative,
	    "Most suspects came on %s in the hour from %02u:00: %llu.", names[day],
	    hour, (unsigned long long)days->week[day][hour]);
	doc_say(doc, "%s", chart.alternative);
	doc_chart(doc, &chart);
}
