/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The series of attempts of one message: a sender and a first recipient, until it
 * is delivered or stays away. Tells how soon suspects come back, how often, from
 * how many addresses, and how late good mail was.
 *
 * At most 2^18 are followed at once (14 MiB). When a ninth needs one of eight
 * places, the series that was quiet longest ends early, and is counted in cut_short
 * if its window was not over.
 */
#ifndef REPORT_RETRY_SERIES_H
#define REPORT_RETRY_SERIES_H

#include <stdint.h>

#include "report/doc.h"
#include "report/histogram.h"
#include "report/view.h"

#define SERIES_GAPS   10
#define SERIES_TIMES  6
#define SERIES_SPREAD 5
#define SERIES_WORST  10
#define SERIES_DELAYS 8

/* A message that came late; texts are cut. */
struct late {
	double seconds;
	int64_t time;
	char sender[80], recipient[80], client[80];
};

struct series; /* one series being followed */

struct retry_series {
	struct series *table;
	int64_t window_s;
	uint64_t started, cut_short;
	uint64_t gap[SERIES_GAPS]; /* by time until the first return */
	uint64_t attempts[SERIES_TIMES];
	/* Of those that came back, by number of addresses. */
	uint64_t spread[SERIES_SPREAD];
	uint64_t never, passed;
	uint64_t pending; /* undelivered, but within the window before the end */
	int64_t now;      /* time of the last event */
	bool is_over;     /* the events have ended */
	/* ms of delay: of all good mail; of what came a second late or more */
	struct histogram good, late;
	uint64_t delay[SERIES_DELAYS]; /* good mail by how late it was */
	uint64_t good_ham;             /* of good: a content filter called it ham */
	struct late worst[SERIES_WORST]; /* the worst first */
};

/*
 * window_s  a series ends so long after its last attempt; 0: two days
 * Returns false when out of memory.
 */
bool retry_series_init(struct retry_series *all, int64_t window_s);
void retry_series_clear(struct retry_series *all);
void retry_series_add(struct retry_series *all, const struct event_view *view);
/* Call once, after the last event: ends the series that are still open. */
void retry_series_finish(struct retry_series *all);
void retry_series_write(const struct retry_series *all, struct doc *doc);

#endif
