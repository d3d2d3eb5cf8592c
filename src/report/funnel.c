/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/funnel.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

bool
funnel_init(struct funnel *funnel)
{
	memset(funnel, 0, sizeof *funnel);
	funnel->exempt_why = tally_new(256);
	funnel->rules = tally_new(512);
	return funnel->exempt_why != NULL && funnel->rules != NULL;
}

void
funnel_clear(struct funnel *funnel)
{
	tally_free(&funnel->exempt_why);
	tally_free(&funnel->rules);
}

/*
 * A session's transactions are written close together: remembering the latest sids
 * is enough to count sessions.
 */
static bool
is_new_session(struct funnel *funnel, const char *sid)
{
	uint64_t hash = hash_finish(hash_add(HASH_START, sid, strlen(sid)));

	if (*sid == '\0')
		return true;
	uint64_t *slot = &funnel->recent[hash % FUNNEL_SIDS];
	bool is_new = *slot != hash;
	*slot = hash;
	return is_new;
}

static void
count_suspect(struct funnel *funnel, const struct event_view *view)
{
	const char *why = view_word(view, SK_WHY);
	const char *rule = view_word(view, SK_S25R_RULE);
	char name[64];

	if (strcmp(view_word(view, SK_S25R), "match") == 0)
		snprintf(name, sizeof name, "s25r rule %.24s", rule);
	else if (strcmp(why, "local") == 0 || *view_word(view, SK_LOCAL) == '\0' ||
	         strcmp(view_word(view, SK_LOCAL), "none") == 0)
		snprintf(name, sizeof name, "%.24s", why);
	else
		snprintf(name, sizeof name, "local");
	struct tally_row *row =
	    tally_add(funnel->rules, name, 1, view->event->time);
	if (row != NULL) {
		row->count[0]++;
		row->count[1] += view->is_held;
		row->count[2] += view->is_gone;
		row->count[3] += view->is_delivered;
	}
	funnel->by_known += strncmp(why, "known", 5) == 0;
	funnel->by_tries += strcmp(why, "tries") == 0;
	funnel->overflow += strcmp(why, "overflow") == 0;
	funnel->delivered_suspects += view->is_delivered;
}

void
funnel_add(struct funnel *funnel, const struct event_view *view)
{
	const struct event *event = view->event;

	funnel->events++;
	funnel->sessions += is_new_session(funnel, view_word(view, SK_SID));
	funnel->mails += view->is_mail;
	if (view->is_mail)
		funnel->ways[way_of(view)][view->is_delivered]++;
	if (funnel->first == 0 || event->time < funnel->first)
		funnel->first = event->time;
	if (event->time > funnel->last)
		funnel->last = event->time;
	if (view->is_exempt) {
		char kind[32];
		snprintf(kind, sizeof kind, "%.*s",
		    (int)strcspn(event->exempt, " :"), event->exempt);
		tally_add(funnel->exempt_why, kind, 1, event->time);
		funnel->exempt++;
	} else if (view->is_suspect) {
		funnel->suspects++;
		count_suspect(funnel, view);
	} else if (view->is_warned) {
		funnel->warned++;
	} else {
		funnel->ordinary++;
	}
	funnel->holds[event->hold_end]++;
	funnel->held += view->is_held;
	funnel->greylisted += view->is_greylisted;
	funnel->came_back +=
	    view->is_suspect && (view_number(view, SK_GREY_TRIES) > 0 ||
	                            strcmp(view_word(view, SK_EARLY), "yes") == 0);
	funnel->passed += strcmp(view_word(view, SK_GREY), "passed") == 0;
	funnel->delivered += view->is_delivered;
	funnel->ham += view->is_ham;
	funnel->spam += view->is_spam;
	if (*view_word(view, SK_FAULT) == 'n') /* none */
		return;
	for (enum fault i = FAULT_STORE; i < FAULTS; i++)
		funnel->faults[i] +=
		    strcmp(view_word(view, SK_FAULT), fault_words[i]) == 0;
}

static const struct column stages[] = {
    {"stage", "Stage", 0, false},
    {"count", "Count", 0, false},
    {"of_all", "Of all", 0, false},
    {"of_suspects", "Of suspects", 0, false},
};

static void
stage(struct funnel *funnel, struct doc *doc, const char *name, uint64_t count,
    bool of_suspects)
{
	doc_row(doc,
	    (struct cell[]){cell_text(name), cell_count(count),
	        cell_share((double)count, (double)funnel->events),
	        of_suspects ? cell_share((double)count, (double)funnel->suspects)
	                    : cell_none()});
}

static const struct {
	enum hold_end end;
	const char *name;
} ends[] = {
    {HOLD_GONE, "gave up (client left)"},
    {HOLD_ENDURED, "endured"},
    {HOLD_UNPROVEN, "waited, connection not visible"},
    {HOLD_HELD, "waited, no message came"},
    {HOLD_RELEASED, "released early"},
    {HOLD_SHED, "shed by the budget"},
    {HOLD_STOPPED, "stopped with the daemon"},
    {HOLD_MTA_GONE, "Postfix went away"},
    {HOLD_FAULT, "fault"},
};

static void
write_stages(struct funnel *funnel, struct doc *doc)
{
	struct chart chart = {.kind = CHART_BARS,
	    .title = "The funnel",
	    .skips_zero = true,
	    .label = 0,
	    .values = {1},
	    .values_count = 1};

	doc_table(doc, stages, 4);
	stage(
	    funnel, doc, "transactions and empty sessions", funnel->events, false);
	stage(funnel, doc, "exempt", funnel->exempt, false);
	stage(funnel, doc, "not suspect", funnel->ordinary, false);
	stage(funnel, doc, "marked on trial only", funnel->warned, false);
	stage(funnel, doc, "suspects", funnel->suspects, true);
	stage(funnel, doc, "let through: known as good", funnel->by_known, true);
	stage(funnel, doc, "let through: enough tries", funnel->by_tries, true);
	stage(funnel, doc, "held", funnel->held, true);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		stage(funnel, doc, ends[i].name, funnel->holds[ends[i].end], true);
	stage(
	    funnel, doc, "no place for a hold (overflow)", funnel->overflow, true);
	stage(funnel, doc, "greylisted (450)", funnel->greylisted, true);
	stage(funnel, doc, "came back", funnel->came_back, true);
	stage(funnel, doc, "passed after greylisting", funnel->passed, true);
	stage(funnel, doc, "suspects delivered", funnel->delivered_suspects, true);
	stage(funnel, doc, "delivered in all", funnel->delivered, false);
	for (enum fault i = FAULT_STORE; i < FAULTS; i++) {
		char name[32];
		snprintf(name, sizeof name, "fault: %s", fault_words[i]);
		stage(funnel, doc, name, funnel->faults[i], false);
	}
	snprintf(chart.alternative, sizeof chart.alternative,
	    "%llu transactions and empty sessions, %llu of them by suspects: %llu "
	    "held, %llu gave up, %llu endured, %llu greylisted, %llu delivered.",
	    (unsigned long long)funnel->events,
	    (unsigned long long)funnel->suspects, (unsigned long long)funnel->held,
	    (unsigned long long)funnel->holds[HOLD_GONE],
	    (unsigned long long)funnel->holds[HOLD_ENDURED],
	    (unsigned long long)funnel->greylisted,
	    (unsigned long long)funnel->delivered_suspects);
	doc_chart(doc, &chart);
}

static void
write_rules(struct funnel *funnel, struct doc *doc)
{
	static const struct column columns[] = {
	    {"rule", "Rule", 0, false},
	    {"suspects", "Suspects", 0, false},
	    {"share", "Of suspects", 0, false},
	    {"held", "Held", 0, false},
	    {"gave_up", "Gave up", 0, false},
	    {"gave_up_share", "Of held", 0, false},
	    {"delivered", "Delivered", 0, false},
	};
	struct chart chart = {.kind = CHART_BARS,
	    .title = "Suspects by rule",
	    .label = 0,
	    .values = {1},
	    .values_count = 1,
	    .rows = 10};
	size_t count;
	const struct tally_row *rows = tally_sort(funnel->rules, &count);

	doc_section(doc, "rules", "Suspects by rule");
	doc_table(doc, columns, 7);
	for (size_t i = 0; i < count; i++) {
		const uint64_t *n = rows[i].count;
		doc_row(doc,
		    (struct cell[]){cell_text(rows[i].name), cell_count(n[0]),
		        cell_share((double)n[0], (double)funnel->suspects),
		        cell_count(n[1]), cell_count(n[2]),
		        cell_share((double)n[2], (double)n[1]), cell_count(n[3])});
	}
	if (count == 0)
		return;
	snprintf(chart.alternative, sizeof chart.alternative,
	    "%zu rules and selectors marked suspects, most often %s.", count,
	    rows[0].name);
	doc_chart(doc, &chart);
}

void
funnel_write(struct funnel *funnel, struct doc *doc)
{
	static const struct column columns[] = {
	    {"why", "Exempt by", 0, false},
	    {"count", "Count", 0, false},
	    {"share", "Of exempt", 0, false},
	};
	size_t count;

	flow_write(funnel, doc);
	doc_section(doc, "funnel", "What came and what became of it");
	doc_detail(doc, "first", "First event", cell_time(funnel->first));
	doc_detail(doc, "last", "Last event", cell_time(funnel->last));
	doc_detail(doc, "sessions", "Sessions", cell_count(funnel->sessions));
	doc_detail(doc, "mails", "Transactions", cell_count(funnel->mails));
	write_stages(funnel, doc);

	doc_section(doc, "exempt", "Exempt");
	doc_table(doc, columns, 3);
	const struct tally_row *rows = tally_sort(funnel->exempt_why, &count);
	for (size_t i = 0; i < count; i++)
		doc_row(doc,
		    (struct cell[]){cell_text(rows[i].name),
		        cell_count(rows[i].rank),
		        cell_share((double)rows[i].rank, (double)funnel->exempt)});
	write_rules(funnel, doc);
}
