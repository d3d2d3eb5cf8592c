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

/*
 * The same sender and recipient, wherever they come from: for a sender in so many
 * networks, without SPF, that none of them comes twice within retry_window_s. An
 * attempt GREY_ANYWHERE_GAP_S after the last one that counted is a try, and after
 * GREY_ANYWHERE_TRIES the next visit passes, from whatever network; then it starts
 * anew. So of one sender and recipient no more than one message a day passes by it,
 * and who can come back to the same network has it easier there.
 */
#define GREY_ANYWHERE_GAP_S 21600
#define GREY_ANYWHERE_S     86400 /* from the first one to the one that passes */
#define GREY_ANYWHERE_TRIES 3
struct grey_row grey_step_anywhere(const struct policy_settings *settings,
    struct grey_row row, enum outcome outcome, int64_t now);
bool grey_passes_anywhere(
    const struct grey_row *row, int64_t retry_window_s, int64_t now);

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
