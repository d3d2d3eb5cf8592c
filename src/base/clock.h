/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two clocks that the program reads, behind one value, so that tests own
 * the time. Any thread may read; a struct clock is immutable after its init.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* 9999-12-31 23:59:59 UTC, seconds since 1970: the last with a four-digit year. */
#define CLOCK_LAST INT64_C(253402300799)

struct clock {
	_Atomic int64_t *shift_ms; /* added to both clocks; NULL = 0; borrowed */
	_Atomic int64_t *wall_ms;  /* added to the wall clock alone; as above */
	bool manual;               /* true: the real clocks are not read */
};

/* The system's clocks. */
void clock_init(struct clock *clock);

/*
 * A clock that stands still until *now_ms changes; both clocks read *now_ms.
 * For tests.
 * now_ms  milliseconds since 1970; borrowed, must outlive the clock
 */
void clock_init_manual(struct clock *clock, _Atomic int64_t *now_ms);

/*
 * Maps the file named by the environment variable TARGREY_TEST_CLOCK (native
 * int64, milliseconds) as the shift; a second one shifts the wall clock alone. Does
 * nothing, and returns true, when the variable is not set, or in builds without the
 * option TARGREY_TEST_CLOCK. The mapping lives as long as the process.
 */
bool clock_map_shift(struct clock *clock, struct error *error);

/* Milliseconds since 1970 (UTC). */
int64_t clock_wall_ms(const struct clock *clock);

/* Seconds since 1970 (UTC). */
int64_t clock_wall(const struct clock *clock);

/* Milliseconds that never run backwards (CLOCK_MONOTONIC). */
int64_t clock_mono_ms(const struct clock *clock);

/* The system's monotonic clock, whatever a test sets: for socket timeouts. */
int64_t clock_real_ms(void);

/*
 * The longest time that a loop may sleep at once and still see a shifted clock:
 * timeout_ms itself (-1 = for ever) with the system's clocks, at most 10 ms when
 * the clock can be shifted or set.
 */
int clock_slice_ms(const struct clock *clock, int timeout_ms);

#endif
