/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Summaries over a stream of events, in bounded memory whatever their number: is
 * greylisting worth it? Pure: no clock, no files, no store; events may come from
 * anywhere, in the order of time (nearly).
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "record/event.h"
#include "report/doc.h"

struct report_settings {
	int64_t since, until;   /* range of event.time asked for; 0 = open */
	int64_t hold_s;         /* the setting now, for the proposal */
	int64_t retry_window_s; /* a series ends this long after its last attempt */
	unsigned top;           /* rows of the lists of the most frequent */
	const char *host, *mode; /* of the daemon; borrowed; NULL = not known */
	int64_t made;            /* the present */
};

struct report;

/* NULL when out of memory. */
struct report *report_new(const struct report_settings *settings);
/* Accepts NULL; nulls. */
void report_free(struct report **report);

void report_add(struct report *report, const struct event *event);

/*
 * Call after the last event. Then give report_name() the event of each id that
 * report_wants() returns, n from 0 until it returns 0: names are not kept for all.
 */
void report_end(struct report *report);
int64_t report_wants(const struct report *report, size_t n);
void report_name(struct report *report, const struct event *event);

/* Puts every section into a new doc. NULL when out of memory. */
struct doc *report_finish(struct report *report);

/* The session keys of an event that report_add() reads, as bits 1 << SK_. */
uint64_t report_words(void);

#endif
