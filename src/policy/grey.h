/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How what is remembered changes: the steps that the store runs inside its
 * transaction, and that judge() runs beforehand to see what an attempt would give.
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
 * after the last try counts as a try, at whichever MX. It starts anew when the
 * first try is not made within retry_window_s of the first attempt, when a later
 * attempt comes more than retry_window_s after the one before, when a passed row
 * was last passed more than max_age_s ago, or when the row is from the future (the
 * clock was set back; that attempt counts). An attempt is too early when it comes
 * to the same MX sooner than retry_gap_s after the one before: a client may try one
 * MX after the other as fast as it likes.
 */
struct grey_row grey_step(const struct policy_settings *settings,
    struct grey_row row, enum outcome outcome, int64_t now);

/* The triplet lets its message pass: it has passed before, or tries are reached. */
bool grey_passes(const struct policy_settings *settings, const struct grey_row *row,
    int64_t now);

/*
 * The same sender and recipient from any network: for a sender without SPF that
 * uses so many networks that none comes twice within retry_window_s. An attempt
 * GREY_ANYWHERE_GAP_S after the last one that counted is a try; with
 * GREY_ANYWHERE_TRIES of them, and GREY_ANYWHERE_S after the first attempt, a visit
 * passes, from any network, and then it starts anew. So at most one message a day
 * passes this way for one sender and recipient; a client that retries from the same
 * network passes sooner.
 */
#define GREY_ANYWHERE_GAP_S 21600
#define GREY_ANYWHERE_S     86400 /* from the first one to the one that passes */
#define GREY_ANYWHERE_TRIES 3
struct grey_row grey_step_anywhere(const struct policy_settings *settings,
    struct grey_row row, enum outcome outcome, int64_t now);
bool grey_passes_anywhere(
    const struct grey_row *row, int64_t retry_window_s, int64_t now);

/* Of a triplet's rows under two keys, returns the one nearer to passing. */
struct grey_row grey_better(struct grey_row a, struct grey_row b);

/* secs  OUTCOME_GONE: how long the client had waited */
struct address_record address_step(const struct policy_settings *settings,
    struct address_record record, enum outcome outcome, uint32_t secs, int64_t now);

struct domain_record domain_step(const struct policy_settings *settings,
    struct domain_record record, enum outcome outcome, int64_t now);

/* The address left a hold within retry_window_s and has not succeeded since. */
bool address_is_gone(const struct policy_settings *settings,
    const struct address_record *record, int64_t now);

#endif
