/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The course of one mail: a sender's attempts for a recipient until it passes
 * or stays away. Tells after how long senders come back, how often, from how
 * many addresses, and how late good mail was.
 *
 * At most 2^18 courses are followed at once (16 MiB); of eight that share a
 * place, the one that was quiet longest is ended early, and counted as such.
 */
#ifndef REPORT_COURSE_H
#define REPORT_COURSE_H

#include <stdint.h>

#include "report/doc.h"
#include "report/histogram.h"
#include "report/lost.h"
#include "report/view.h"

#define COURSE_GAPS   10
#define COURSE_TIMES  6
#define COURSE_SPREAD 5
#define COURSE_WORST  10
#define COURSE_DELAYS 8

/* A mail that came late. */
struct late {
	double seconds;
	int64_t time;
	char sender[80], recipient[80], client[80];
};

struct course; /* one that is followed */

struct courses {
	struct course *table;
	int64_t window_s;
	uint64_t started, cut_short;
	uint64_t gap[COURSE_GAPS]; /* first return after, see course_gaps */
	uint64_t attempts[COURSE_TIMES];
	uint64_t spread[COURSE_SPREAD]; /* addresses of courses that came back */
	uint64_t never, passed;
	uint64_t pending; /* undelivered, but within the window before the end */
	uint64_t lost[2]; /* with a sign of good mail: came back; SPF pass alone */
	int64_t now;      /* time of the last event */
	bool is_over;     /* what runs still ends with the stream */
	struct lost *names;
	struct histogram good, late; /* ms of all good mail, of the delayed part */
	uint64_t delay[COURSE_DELAYS]; /* good mail by how late it was */
	uint64_t good_ham;             /* of good: a content filter called it ham */
	struct late worst[COURSE_WORST]; /* the worst first */
};

bool courses_init(struct courses *courses, int64_t window_s);
void courses_clear(struct courses *courses);
void courses_add(struct courses *courses, const struct view *view);
/* Ends all that still run; once. */
void courses_finish(struct courses *courses);
void courses_write(const struct courses *courses, struct doc *doc);

#endif
