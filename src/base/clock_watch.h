/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does the wall clock still tell the time? Compared with the monotonic clock,
 * which nobody can set: a wall clock that jumped is not believed before it is
 * back, or has gone on steadily for a day. One thread looks; not shared.
 */
#ifndef BASE_CLOCK_WATCH_H
#define BASE_CLOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* Smaller jumps, and slewing at any pace, are followed. */
#define CLOCK_WATCH_SLACK_MS 60000
/* A jump that has stood for so long is the time. */
#define CLOCK_WATCH_BELIEF_MS (INT64_C(86400) * 1000)

/* Zeros at the start: the clock is believed as it is then. */
struct clock_watch {
	bool is_started;
	int64_t offset_ms; /* of the wall clock to the monotonic one, as believed */
	int64_t jumped_ms; /* the offset that is not believed */
	int64_t since_ms;  /* of the monotonic clock; 0: the two agree */
	int64_t jump_ms;   /* how far the wall clock is off; 0: not at all */
};

/* Looks at both; true when they agree. Logs when that changes. */
bool clock_watch_look(struct clock_watch *watch, const struct clock *clock);

/* Seconds since 1970 by the clock as believed; after a look. */
int64_t clock_watch_wall(
    const struct clock_watch *watch, const struct clock *clock);

#endif
