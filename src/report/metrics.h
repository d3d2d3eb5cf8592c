/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenMetrics text: the counts of the funnel as counters that only grow. They
 * are carried from one run to the next in a small state, since events expire.
 */
#ifndef REPORT_METRICS_H
#define REPORT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/doc.h"

struct funnel;

#define METRICS_COUNTS 64

/* What was counted up to and including that event. */
struct metrics_state {
	int64_t event_id;
	uint64_t count[METRICS_COUNTS]; /* in the order of the families */
};

/* Adds what a funnel has counted of new events. */
void metrics_add(struct metrics_state *state, const struct funnel *funnel);

/*
 * A state as text, and back. A text with fewer counts is an earlier version's:
 * the others are 0. Returns false if the text is not a state.
 */
void metrics_state_write(const struct metrics_state *state, FILE *file);
bool metrics_state_read(struct metrics_state *state, FILE *file);

/* One number. Those of one name must follow each other. */
struct metric {
	const char *name, *unit; /* name without "targrey_", with its unit */
	const char *help;        /* of the first of its name */
	double value;            /* a whole number; NaN: left out */
	bool is_counter;         /* only grows */
	const char *label, *label_value; /* or NULL */
};

/* Fills row_r with the counts of a state; returns how many. */
size_t metrics_counts(
    const struct metrics_state *state, struct metric row_r[static METRICS_COUNTS]);

/* The whole text, with its end. */
void metrics_write(const struct metric *metrics, size_t count, FILE *file);
/* The same as a table. */
void metrics_doc(const struct metric *metrics, size_t count, struct doc *doc);

#endif
