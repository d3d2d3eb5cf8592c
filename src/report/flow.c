/* SPDX-License-Identifier: BSD-2-Clause */
/* What was done with transactions, and whether they were delivered. */
#include <string.h>

#include "report/funnel.h"

static const struct {
	const char *from, *name; /* what it was, what was done */
} ways[FUNNEL_WAYS] = {
    [WAY_EXEMPT] = {"exempt", NULL},
    [WAY_ORDINARY] = {"not suspect", NULL},
    [WAY_KNOWN] = {"suspect", "known as good"},
    [WAY_TRIES] = {"suspect", "came back"},
    [WAY_STAYED] = {"suspect", "held, stayed"},
    [WAY_GONE] = {"suspect", "held, left"},
    [WAY_GREYLISTED] = {"suspect", "greylisted"},
    [WAY_OTHER] = {"suspect", "other"},
};

enum funnel_way
way_of(const struct event_view *view)
{
	const char *why = view_word(view, SK_WHY);

	if (view->is_exempt)
		return WAY_EXEMPT;
	if (!view->is_suspect)
		return WAY_ORDINARY;
	if (view->is_gone)
		return WAY_GONE;
	if (view->is_greylisted)
		return WAY_GREYLISTED;
	if (view->is_held)
		return WAY_STAYED;
	if (strncmp(why, "known", 5) == 0)
		return WAY_KNOWN;
	return strcmp(why, "tries") == 0 ? WAY_TRIES : WAY_OTHER;
}

static void
stream(struct doc *doc, const char *from, const char *to, uint64_t count)
{
	if (count > 0)
		doc_row(doc, (struct cell[]){cell_text(from), cell_text(to),
		                 cell_count(count)});
}

void
flow_write(const struct funnel *funnel, struct doc *doc)
{
	static const struct column columns[] = {
	    {"from", "From", 0, false},
	    {"to", "To", 0, false},
	    {"transactions", "Transactions", 0, false},
	};
	struct chart chart = {.kind = CHART_FLOW,
	    .title = "Where transactions went",
	    .label = 0,
	    .values = {1, 2},
	    .values_count = 2};
	uint64_t delivered = 0, suspects = 0, through = 0;

	doc_section(doc, "flow", "Where mail went");
	doc_table(doc, columns, 3);
	for (size_t i = 0; i < FUNNEL_WAYS; i++) {
		uint64_t both = funnel->ways[i][0] + funnel->ways[i][1];
		const char *name = ways[i].name;
		delivered += funnel->ways[i][1];
		if (name != NULL) {
			suspects += both;
			through += funnel->ways[i][1];
			stream(doc, ways[i].from, name, both);
		}
		stream(doc, name != NULL ? name : ways[i].from, "delivered",
		    funnel->ways[i][1]);
		stream(doc, name != NULL ? name : ways[i].from, "not delivered",
		    funnel->ways[i][0]);
	}
	snprintf(chart.alternative, sizeof chart.alternative,
	    "Of %llu transactions, %llu were delivered; of %llu transactions of "
	    "suspects, %llu.",
	    (unsigned long long)funnel->mails, (unsigned long long)delivered,
	    (unsigned long long)suspects, (unsigned long long)through);
	if (funnel->mails == 0)
		return;
	doc_say(doc, "%s", chart.alternative);
	doc_chart(doc, &chart);
}
