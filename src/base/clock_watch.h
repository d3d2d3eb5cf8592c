/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks the wall clock against the monotonic clock, which nobody can set. A wall
 * clock that jumped is not believed until it is back or has run steadily for a
 * day. For one thread; not shared.
 */
#ifndef BASE_CLOCK_WATCH_H
#define BASE_CLOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* Smaller jumps, and slewing at any rate, are believed. */
#define CLOCK_WATCH_SLACK_MS 60000
/* A jump that has lasted this long is believed. */
#define CLOCK_WATCH_BELIEF_MS (INT64_C(86400) * 1000)

/* Zero-initialise: the clock is believed as it is at the first look. */
struct clock_watch {
	bool is_started;
	int64_t offset_ms; /* wall clock minus monotonic clock, as believed */
	int64_t jumped_ms; /* the offset that is not believed */
	int64_t since_ms;  /* of the jump, monotonic clock; 0: the two agree */
	int64_t jump_ms;   /* how far the wall clock is off; 0: not at all */
};

/* Compares the two; true when they agree. Logs when that changes. */
bool clock_watch_look(struct clock_watch *watch, const struct clock *clock);

/* Seconds since 1970 by the clock as believed; call clock_watch_look() first. */
int64_t clock_watch_wall(
    const struct clock_watch *watch, const struct clock *clock);

#endif
