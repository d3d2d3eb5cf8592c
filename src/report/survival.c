/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/survival.h"

#include <stdio.h>

/* A second counts for the curve while this many holds are under watch. */
#define AT_RISK 10
/* Longest hold that the daemon takes (policy/hold.h). */
#define LONGEST 240

void
survival_add(struct survival *survival, const struct event_view *view)
{
	const struct event *event = view->event;
	int64_t second = event->hold_ms / 1000;

	if (!view->is_held || event->hold_ms < 0)
		return;
	if (second >= SURVIVAL_SECONDS)
		second = SURVIVAL_SECONDS - 1;
	if (event->hold_end == HOLD_GONE)
		survival->gone[second]++;
	else if (event->hold_end != HOLD_FAULT && event->hold_end != HOLD_MTA_GONE)
		survival->ended[second]++;
}

struct curve {
	double share[SURVIVAL_SECONDS]; /* still there at the end of that second */
	uint64_t watched[SURVIVAL_SECONDS]; /* under watch when it began */
	uint64_t holds, gone;
	unsigned last; /* last second with AT_RISK holds under watch */
};

static void
draw(const struct survival *survival, struct curve *curve)
{
	uint64_t left = 0;
	double share = 1;

	*curve = (struct curve){0};
	for (unsigned s = 0; s < SURVIVAL_SECONDS; s++) {
		left += survival->gone[s] + survival->ended[s];
		curve->gone += survival->gone[s];
	}
	curve->holds = left;
	for (unsigned s = 0; s < SURVIVAL_SECONDS; s++) {
		curve->watched[s] = left;
		if (left > 0)
			share *= 1 - (double)survival->gone[s] / (double)left;
		if (left >= AT_RISK)
			curve->last = s;
		curve->share[s] = share;
		left -= survival->gone[s] + survival->ended[s];
	}
}

/* The first second by which that part of all who ever leave has left. */
static unsigned
second_of(const struct curve *curve, double part)
{
	double lost = 1 - curve->share[curve->last];

	for (unsigned s = 0; s < curve->last; s++) {
		if (1 - curve->share[s] >= part * lost)
			return s + 1;
	}
	return curve->last + 1;
}

struct survival_advice
survival_advise(const struct survival *survival, int64_t now_s)
{
	struct survival_advice advice = {0};
	struct curve curve;

	draw(survival, &curve);
	if (curve.holds < SURVIVAL_LEAST || curve.gone < 10) {
		snprintf(advice.reason, sizeof advice.reason,
		    "No proposal: of %llu holds, %llu were given up; it takes %d "
		    "holds, 10 of them given up.",
		    (unsigned long long)curve.holds, (unsigned long long)curve.gone,
		    SURVIVAL_LEAST);
		return advice;
	}
	unsigned knee = second_of(&curve, 0.95);
	double lost = 1 - curve.share[curve.last];
	double late =
	    curve.share[curve.last - curve.last / 10] - curve.share[curve.last];
	if (curve.last >= 20 && late > 0.1 * lost && curve.last < LONGEST - 5) {
		int64_t wanted = ((int64_t)curve.last + 30 + 4) / 5 * 5;
		advice.hold_s = wanted > LONGEST ? LONGEST : wanted;
		snprintf(advice.reason, sizeof advice.reason,
		    "Clients were still leaving in the last seconds observed (%u "
		    "s): %.1f %% of all held, out of %.1f %% that leave at all. A "
		    "longer hold would show more (now %lld s).",
		    curve.last, late * 100, lost * 100, (long long)now_s);
		return advice;
	}
	advice.hold_s = ((int64_t)knee + 5 + 4) / 5 * 5;
	if (advice.hold_s > LONGEST)
		advice.hold_s = LONGEST;
	int64_t at =
	    advice.hold_s - 1 < curve.last ? advice.hold_s - 1 : curve.last;
	snprintf(advice.reason, sizeof advice.reason,
	    "95 %% of the clients that give up at all have left after %u s; 5 s "
	    "are added and the sum is rounded up. A hold of %u s would catch "
	    "%.1f %% more of all held clients than one of %lld s (now %lld s).",
	    knee, curve.last + 1, (curve.share[at] - curve.share[curve.last]) * 100,
	    (long long)advice.hold_s, (long long)now_s);
	return advice;
}

static void
write_rows(
    const struct survival *survival, const struct curve *curve, struct doc *doc)
{
	double shown = 2;

	for (unsigned s = 0; s <= curve->last; s++) {
		bool is_step = s % 10 == 9 || s == curve->last || s == 0;
		if (!is_step && shown - curve->share[s] < 0.01)
			continue;
		shown = curve->share[s];
		doc_row(doc, (struct cell[]){cell_count(s + 1),
		                 cell_share(curve->share[s], 1),
		                 cell_count(curve->watched[s]),
		                 cell_count(survival->gone[s])});
	}
}

/* Nothing is said of seconds in which too few holds were under watch. */
static void
describe(const struct curve *curve, const char *reason, char text[static 640])
{
	static const unsigned seconds[] = {10, 60};
	size_t used = (size_t)snprintf(
	    text, 640, "Of %llu holds, ", (unsigned long long)curve->holds);

	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
		if (seconds[i] <= curve->last)
			used += (size_t)snprintf(text + used, 640 - used,
			    "%.0f %% are still there after %u s, ",
			    curve->share[seconds[i] - 1] * 100, seconds[i]);
	}
	snprintf(text + used, 640 - used, "%.0f %% after %u s. %s",
	    curve->share[curve->last] * 100, curve->last + 1, reason);
}

void
survival_write(const struct survival *survival, int64_t hold_s, struct doc *doc)
{
	static const struct column columns[] = {
	    {"second", "After (s)", 0, false},
	    {"still_there", "Still there", 0, false},
	    {"watched", "Under watch", 0, false},
	    {"left", "Left in that second", 0, false},
	};
	struct survival_advice advice = survival_advise(survival, hold_s);
	struct chart chart = {.kind = CHART_STEPS,
	    .title = "Share of held clients still there, by seconds",
	    .label = 0,
	    .values = {1, 2},
	    .values_count = 2,
	    .marks = {
	        {(double)hold_s, "now"}, {(double)advice.hold_s, "proposed"}}};
	struct curve curve;

	draw(survival, &curve);
	doc_section(doc, "survival", "How long suspects wait");
	doc_detail(doc, "holds", "Holds under watch", cell_count(curve.holds));
	doc_detail(doc, "gave_up", "Gave up", cell_count(curve.gone));
	doc_fact(doc, "hold_now", "tarpit.hold now", cell_seconds((double)hold_s));
	doc_detail(doc, "hold_proposed", "tarpit.hold proposed",
	    advice.hold_s > 0 ? cell_seconds((double)advice.hold_s) : cell_none());
	doc_say(doc, "%s", advice.reason);
	doc_table(doc, columns, 4);
	if (curve.holds == 0)
		return;
	write_rows(survival, &curve, doc);
	if (curve.holds < AT_RISK)
		return;
	describe(&curve, advice.reason, chart.alternative);
	doc_chart(doc, &chart);
}
