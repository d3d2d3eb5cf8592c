/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The series of one mail: a sender's attempts for a recipient until it passes
 * or stays away. Tells after how long senders come back, how often, from how
 * many addresses, and how late good mail was.
 *
 * At most 2^18 all are followed at once (16 MiB); of eight that share a
 * place, the one that was quiet longest is ended early and counted in cut_short.
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

/* A mail that came late. */
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
	uint64_t
	    gap[SERIES_GAPS]; /* first return after, see gaps of retry_series.c */
	uint64_t attempts[SERIES_TIMES];
	uint64_t spread[SERIES_SPREAD]; /* addresses of all that came back */
	uint64_t never, passed;
	uint64_t pending; /* undelivered, but within the window before the end */
	int64_t now;      /* time of the last event */
	bool is_over;     /* the stream has ended: open series end too */
	struct histogram good, late; /* ms of all good mail, of the delayed part */
	uint64_t delay[SERIES_DELAYS]; /* good mail by how late it was */
	uint64_t good_ham;             /* of good: a content filter called it ham */
	struct late worst[SERIES_WORST]; /* the worst first */
};

/* window_s  0: two days. Returns false when out of memory. */
bool retry_series_init(struct retry_series *all, int64_t window_s);
void retry_series_clear(struct retry_series *all);
void retry_series_add(struct retry_series *all, const struct event_view *view);
/* Ends all that still run; once. */
void retry_series_finish(struct retry_series *all);
void retry_series_write(const struct retry_series *all, struct doc *doc);

#endif
