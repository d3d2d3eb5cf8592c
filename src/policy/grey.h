/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How what is remembered changes: the steps that the store runs inside its
 * transaction, and that judge() runs ahead to see what an attempt would give.
 * Pure. Times in seconds since 1970.
 */
#ifndef POLICY_GREY_H
#define POLICY_GREY_H

#include <stdbool.h>
#include <stdint.h>

#include "record/history.h"
#include "policy/policy.h"

/*
 * One triplet. An attempt at least delay_s after the first one and retry_gap_s
 * after the last try counts as a try, at whichever MX; when the first retry comes
 * after retry_window_s, or a passed row was last used max_age_s ago, it starts
 * anew. Too early is what comes to the same MX sooner than retry_gap_s after the
 * one before: a client may try one MX after the other as fast as it likes.
 * So does a row from the future (the clock was set back); that attempt counts.
 */
struct grey_row grey_step(const struct policy_settings *settings,
    struct grey_row row, enum outcome outcome, int64_t now);

/* The triplet lets its message pass: it has passed before, or tries are reached. */
bool grey_passes(const struct policy_settings *settings, const struct grey_row *row,
    int64_t now);

/* Of the rows of one triplet under two keys, the one that is nearer to passing. */
struct grey_row grey_better(struct grey_row a, struct grey_row b);

/* secs  OUTCOME_GONE: how long the client had waited */
struct address_record address_step(const struct policy_settings *settings,
    struct address_record record, enum outcome outcome, uint32_t secs, int64_t now);

struct domain_record domain_step(const struct policy_settings *settings,
    struct domain_record record, enum outcome outcome, int64_t now);

/* The address went from a hold within retry_window_s and has not succeeded since.
 */
bool address_is_gone(const struct policy_settings *settings,
    const struct address_record *record, int64_t now);

#endif
