/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/mode_forecast.h"

#include <stdio.h>
#include <string.h>

bool
mode_forecast_init(struct mode_forecast *forecast)
{
	memset(forecast, 0, sizeof *forecast);
	forecast->warned = tally_new(256);
	return forecast->warned != NULL;
}

void
mode_forecast_clear(struct mode_forecast *forecast)
{
	tally_free(&forecast->warned);
}

static void
count_warned(struct mode_forecast *forecast, const struct event_view *view)
{
	const char *detail = view->event->why_detail;
	struct tally_row *row = tally_add(forecast->warned,
	    detail == NULL ? view_word(view, SK_WHY) : detail, 1,
	    view->event->time);

	if (row == NULL)
		return;
	row->count[0] += strcmp(view_word(view, SK_WOULD), "hold") == 0;
	row->count[1] += strcmp(view_word(view, SK_WOULD), "greylist") == 0;
	row->count[2] += view->is_delivered;
	row->count[3] += view->is_ham;
	row->count[4] += view->is_spam;
}

void
mode_forecast_add(struct mode_forecast *forecast, const struct event_view *view)
{
	const char *why = view_word(view, SK_WHY);

	forecast->would_hold += strcmp(view_word(view, SK_WOULD), "hold") == 0;
	forecast->would_greylist +=
	    strcmp(view_word(view, SK_WOULD), "greylist") == 0;
	if (view->is_warned)
		count_warned(forecast, view);
	if (!view->is_suspect)
		return;
	const char *const *modes = session_keys[SK_MODE].words;
	for (size_t i = 0; i < 5 && modes[i] != NULL; i++) {
		if (strcmp(view_word(view, SK_MODE), modes[i]) == 0) {
			forecast->in_mode[i]++;
			break;
		}
	}
	if (strncmp(why, "known", 5) == 0 || strcmp(why, "tries") == 0) {
		forecast->passes++;
		return;
	}
	forecast->rest++;
	forecast->rest_held += view->is_held;
	forecast->rest_gone += view->is_gone;
	forecast->rest_repeat += view_number(view, SK_GAVEUP) > 0;
}

static void
mode_row(const struct mode_forecast *forecast, struct doc *doc, unsigned mode,
    uint64_t held, uint64_t greylisted, const char *told)
{
	doc_row(doc, (struct cell[]){cell_text(session_keys[SK_MODE].words[mode]),
	                 cell_count(forecast->in_mode[mode]), cell_count(held),
	                 cell_count(greylisted), cell_text(told)});
}

static void
write_warned(struct mode_forecast *forecast, struct doc *doc)
{
	static const struct column columns[] = {
	    {"rule", "Rule or selector on trial", 0, false},
	    {"count", "Count", 0, false},
	    {"would_hold", "Would hold", 0, false},
	    {"would_greylist", "Would greylist", 0, false},
	    {"delivered", "Delivered", 0, false},
	    {"ham", "Ham", 0, false},
	    {"spam", "Spam", 0, false},
	};
	size_t count;
	const struct tally_row *rows = tally_sort(forecast->warned, &count);

	doc_section(doc, "trial", "Rules on trial (warn)");
	doc_table(doc, columns, 7);
	for (size_t i = 0; i < count && i < 30; i++) {
		const uint64_t *n = rows[i].count;
		doc_row(doc, (struct cell[]){cell_text(rows[i].name),
		                 cell_count(rows[i].rank), cell_count(n[0]),
		                 cell_count(n[1]), cell_count(n[2]),
		                 cell_count(n[3]), cell_count(n[4])});
	}
}

void
mode_forecast_write(struct mode_forecast *forecast, struct doc *doc)
{
	static const struct column columns[] = {
	    {"mode", "Mode", 0, false},
	    {"was_in_force", "In force for", 0, false},
	    {"would_hold", "Would hold", 0, false},
	    {"would_greylist", "Would greylist", 0, false},
	    {"known", "What is known about the outcome", 0, false},
	};
	char held[160], repeat[160];
	uint64_t rest = forecast->rest;

	snprintf(held, sizeof held,
	    "%llu were really held: %llu left; the events cannot tell about the "
	    "other %llu",
	    (unsigned long long)forecast->rest_held,
	    (unsigned long long)forecast->rest_gone,
	    (unsigned long long)(rest - forecast->rest_held));
	snprintf(repeat, sizeof repeat,
	    "as starpit; %llu visits were from addresses that had left a hold "
	    "before",
	    (unsigned long long)forecast->rest_repeat);
	doc_section(doc, "forecast", "What each mode would have done");
	doc_detail(doc, "would_hold", "observe or warn: would have held",
	    cell_count(forecast->would_hold));
	doc_detail(doc, "would_greylist", "observe or warn: would have greylisted",
	    cell_count(forecast->would_greylist));
	doc_detail(doc, "passes", "Suspects that pass in every mode",
	    cell_count(forecast->passes));
	doc_table(doc, columns, 5);
	mode_row(forecast, doc, 0, 0, 0, "nothing is delayed");
	mode_row(forecast, doc, 1, 0, rest,
	    "the events cannot tell who would have come back, except for those "
	    "really greylisted");
	mode_row(forecast, doc, 2, rest, 0, held);
	mode_row(forecast, doc, 3, rest - forecast->rest_repeat,
	    forecast->rest_repeat, repeat);
	mode_row(forecast, doc, 4, rest, rest, "as starpit for the holds");
	if (forecast->would_hold + forecast->would_greylist + forecast->passes +
	        rest >
	    0)
		doc_say(doc, "The numbers take every visit as it came. In another "
		             "mode some visits would not have happened (retries of "
		             "a greylisted message) and others would have; records "
		             "of good senders would have grown at another pace. "
		             "The events cannot tell how much.");
	write_warned(forecast, doc);
}
