/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/hours.h"

#include <stdio.h>
#include <time.h>

void
hours_add(struct hours *hours, const struct event_view *view)
{
	int64_t quarter = view->event->time / 900 + 1;

	if (quarter != hours->quarter) {
		time_t time = (time_t)view->event->time;
		struct tm tm;
		hours->hour =
		    localtime_r(&time, &tm) == NULL ? 0 : (unsigned)tm.tm_hour;
		hours->quarter = quarter;
	}
	if (view->is_gone)
		hours->gone[hours->hour]++;
	else if (view->is_suspect)
		hours->suspects[hours->hour]++;
	else
		hours->others[hours->hour]++;
}

void
hours_write(const struct hours *hours, struct doc *doc)
{
	static const struct column columns[] = {
	    {"hour", "Hour", 0, false},
	    {"gave_up", "Gave up", 0, false},
	    {"suspects", "Other suspects", 0, false},
	    {"others", "Others", 0, false},
	};
	struct chart chart = {.kind = CHART_STACKED,
	    .title = "Hours of the day (local time)",
	    .label = 0,
	    .values = {1, 2, 3},
	    .values_count = 3};
	unsigned busiest = 0;

	doc_section(doc, "hours", "Hours of the day");
	doc_table(doc, columns, 4);
	for (unsigned i = 0; i < 24; i++) {
		char hour[8];
		snprintf(hour, sizeof hour, "%02u", i);
		if (hours->gone[i] + hours->suspects[i] >
		    hours->gone[busiest] + hours->suspects[busiest])
			busiest = i;
		doc_row(doc,
		    (struct cell[]){cell_text(hour), cell_count(hours->gone[i]),
		        cell_count(hours->suspects[i]),
		        cell_count(hours->others[i])});
	}
	uint64_t most = hours->gone[busiest] + hours->suspects[busiest];
	snprintf(chart.alternative, sizeof chart.alternative,
	    most == 0 ? "No suspects came."
	              : "Most suspects came in the hour from %02u:00: %llu.",
	    busiest, (unsigned long long)most);
	doc_chart(doc, &chart);
}
