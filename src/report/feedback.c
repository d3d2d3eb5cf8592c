/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/feedback.h"

#include <stdio.h>
#include <string.h>

#include "record/organisation.h"

/* Good mails that a proposal needs; one bad mail rules it out. */
#define GOOD_LEAST 2

bool
feedback_init(struct feedback *feedback)
{
	memset(feedback, 0, sizeof *feedback);
	feedback->rules = tally_new(512);
	feedback->holds = tally_new(64);
	feedback->spf = tally_new(64);
	feedback->good = tally_new(8192);
	return feedback->rules != NULL && feedback->holds != NULL &&
	       feedback->spf != NULL && feedback->good != NULL;
}

void
feedback_clear(struct feedback *feedback)
{
	tally_free(&feedback->rules);
	tally_free(&feedback->holds);
	tally_free(&feedback->spf);
	tally_free(&feedback->good);
}

static void
count(struct tally *tally, const char *name, const struct event_view *view)
{
	struct tally_row *row = tally_add(tally, name, 1, view->event->time);

	if (row == NULL)
		return;
	row->count[0] += view->is_ham;
	row->count[1] += view->is_spam;
	row->count[2] += !view->is_ham && !view->is_spam;
}

static void
count_good(struct feedback *feedback, const struct event_view *view)
{
	const struct event *event = view->event;
	char name[300], ip[IP_TEXT_SIZE];

	if (!view->is_ham && !view->is_spam)
		return;
	/* One customer of a big host says nothing about the others. */
	const char *organisation = organisation_of(event->name);
	if (event->name != NULL)
		snprintf(name, sizeof name, "%s",
		    organisation != NULL ? organisation : event->name);
	else
		snprintf(name, sizeof name, "%s", ip_to_text(&event->ip, ip));
	count(feedback->good, name, view);
}

void
feedback_add(struct feedback *feedback, const struct event_view *view)
{
	if (view->is_exempt || !view->is_let_through)
		return;
	feedback->ham += view->is_ham;
	feedback->spam += view->is_spam;
	const char *s25r = view_word(view, SK_S25R);
	char name[64];
	snprintf(name, sizeof name, "rule %.24s", view_word(view, SK_S25R_RULE));
	count(feedback->rules, strcmp(s25r, "match") == 0 ? name : s25r, view);
	count(feedback->holds,
	    view->is_held ? hold_end_words[view->event->hold_end] : "not held",
	    view);
	count(feedback->spf, view_word(view, SK_SPF), view);
	if (view->is_suspect)
		count_good(feedback, view);
}

static void
write_one(struct doc *doc, struct tally *tally, const char *key, const char *title)
{
	static const struct column columns[] = {
	    {"which", "Which", 0, false},
	    {"mails", "Let through", 0, false},
	    {"ham", "Ham", 0, false},
	    {"spam", "Spam", 0, false},
	    {"unknown", "Not known", 0, false},
	    {"spam_share", "Spam share", 0, false},
	};
	struct chart chart = {.kind = CHART_STACKED,
	    .title = title,
	    .label = 0,
	    .values = {2, 3},
	    .values_count = 2};
	size_t rows_count;
	const struct tally_row *rows = tally_sort(tally, &rows_count);

	doc_section(doc, key, title);
	doc_table(doc, columns, 6);
	for (size_t i = 0; i < rows_count; i++) {
		const uint64_t *n = rows[i].count;
		doc_row(doc,
		    (struct cell[]){
		        cell_text(*rows[i].name == '\0' ? "(none)" : rows[i].name),
		        cell_count(rows[i].rank), cell_count(n[0]),
		        cell_count(n[1]), cell_count(n[2]),
		        cell_share((double)n[1], (double)(n[0] + n[1]))});
	}
	snprintf(chart.alternative, sizeof chart.alternative,
	    "%s, of mail that was let through and has a verdict; the table has "
	    "the numbers.",
	    title);
	doc_chart(doc, &chart);
}

static void
write_proposals(struct feedback *feedback, size_t most, struct doc *doc)
{
	static const struct column columns[] = {
	    {"entry", "Line for allow.d", 0, false},
	    {"ham", "Good messages", 0, false},
	    {"first", "First", 0, true},
	    {"last", "Last", 0, true},
	};
	size_t rows_count, shown = 0;
	const struct tally_row *rows = tally_sort(feedback->good, &rows_count);

	doc_section(doc, "proposals", "Proposed for the allow list");
	doc_table(doc, columns, 4);
	for (size_t i = 0; i < rows_count && shown < most; i++) {
		if (rows[i].count[0] < GOOD_LEAST || rows[i].count[1] > 0)
			continue;
		shown++;
		doc_row(
		    doc, (struct cell[]){cell_text(rows[i].name),
		             cell_count(rows[i].count[0]), cell_time(rows[i].first),
		             cell_time(rows[i].last)});
	}
	doc_say(doc,
	    "Suspects whose mail a content filter called ham %d times or more "
	    "and never spam: the domain of a verified name, or an address. Check "
	    "each before you add it.",
	    GOOD_LEAST);
}

void
feedback_write(struct feedback *feedback, size_t rows, struct doc *doc)
{
	doc_section(doc, "feedback", "What content filters said");
	doc_detail(doc, "ham", "Ham", cell_count(feedback->ham));
	doc_detail(doc, "spam", "Spam", cell_count(feedback->spam));
	if (feedback->ham + feedback->spam == 0) {
		doc_say(doc,
		    "No verdict is known yet: feed the content filter's log to "
		    "targreyctl learn-log.");
		return;
	}
	write_one(
	    doc, feedback->rules, "feedback_rules", "Spam and ham by S25R rule");
	write_one(doc, feedback->holds, "feedback_holds", "Spam and ham by hold");
	write_one(doc, feedback->spf, "feedback_spf", "Spam and ham by SPF result");
	write_proposals(feedback, rows, doc);
}
