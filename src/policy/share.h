/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What verdicts say of the mail of a network or an organisation: the selector
 * "record". Pure. docs/record.md says the same for people.
 */
#ifndef POLICY_SHARE_H
#define POLICY_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"
#include "record/history.h"

/*
 * The value that a Beta distribution exceeds with probability 1 - p.
 * p     0..1, a, b > 0
 * Source  DLMF 8.17.2, 8.17.4 and the continued fraction 8.17.22
 */
double beta_quantile(double p, double a, double b);

/* How much of somebody's mail is spam, as far as verdicts tell; shares 0..1. */
struct spam_share {
	double verdicts; /* how many count now */
	double expected;
	double at_least; /* exceeded with a probability of 95 % */
};

/*
 * site  all verdicts of this site, whose share of spam is expected of a sender of
 *       whom nothing is known; it weighs as two verdicts
 */
struct spam_share spam_share_of(
    const struct origin_record *record, const struct origin_record *site);

/* At least this many different recipients of ours are marked in record->people. */
unsigned people_count(const struct origin_record *record);

enum record_says {
	RECORD_SAYS_NOTHING,  /* not asked */
	RECORD_SAYS_LITTLE,   /* too few verdicts on both */
	RECORD_SAYS_NOT_BAD,  /* no share is high beyond doubt */
	RECORD_SPARES_KNOWN,  /* bad or not, the address is known */
	RECORD_SPARES_PEOPLE, /* bad, but many of our people have ham from there */
	RECORD_SPARES_GOOD,   /* bad, but its own address or organisation is good */
	RECORD_SAYS_NETWORK,  /* bad */
	RECORD_SAYS_ORGANISATION, /* bad */
	RECORD_SAYINGS
};
/* history  NULL: the store could not be asked */
enum record_says record_says(const struct policy_settings *settings,
    const struct history *history, int64_t now);

static inline bool
record_is_bad(enum record_says says)
{
	return says == RECORD_SAYS_NETWORK || says == RECORD_SAYS_ORGANISATION;
}

#endif
