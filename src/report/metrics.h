/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenMetrics text: the counts of the funnel as counters that only grow. They
 * are carried from one run to the next in a small state, since events go away.
 */
#ifndef REPORT_METRICS_H
#define REPORT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct funnel;

#define METRICS_COUNTS 64

/* What was counted up to an event. */
struct metrics_state {
	int64_t event_id;
	uint64_t count[METRICS_COUNTS]; /* in the order of the families */
};

/* Adds what a funnel has counted of new events. */
void metrics_add(struct metrics_state *state, const struct funnel *funnel);

/* Text of a state; read: false when the text is not one. */
void metrics_state_write(const struct metrics_state *state, FILE *file);
bool metrics_state_read(struct metrics_state *state, FILE *file);

/* All counters. The caller adds gauges and ends with metrics_end(). */
void metrics_write(const struct metrics_state *state, FILE *file);

struct metrics_gauge {
	const char *name, *unit, *help; /* name without "targrey_", with its unit */
	double value;
	bool is_counter;                 /* since the daemon's start */
	const char *label, *label_value; /* or NULL */
};
/* Gauges of one name must follow each other. */
void metrics_gauges(const struct metrics_gauge *gauges, size_t count, FILE *file);
void metrics_end(FILE *file);

#endif
