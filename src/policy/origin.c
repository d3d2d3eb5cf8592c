/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/origin.h"

#include <math.h>

#define STEPS 32 /* in a half-life */

/*
 * Halves counts for each half_life_s since a time; in 32 steps a half-life, each
 * rounded down, so that what is counted often does not fade more slowly.
 * since        0: they are zero, or of now
 * half_life_s  0: nothing fades
 * Returns the time up to which they have faded: since and whole steps; now when
 * since is 0 or lies in the future.
 */
static int64_t
counts_fade(uint32_t *const counts[], size_t count, int64_t since,
    int64_t half_life_s, int64_t now)
{
	int64_t step_s = half_life_s / STEPS;

	if (since == 0 || since > now)
		return now;
	if (half_life_s == 0)
		return since;
	if (step_s == 0)
		step_s = 1;
	int64_t steps = (now - since) / step_s;
	if (steps == 0)
		return since;
	double factor = exp2(-(double)steps / STEPS);
	for (size_t i = 0; i < count; i++)
		*counts[i] = (uint32_t)(*counts[i] * factor);
	return since + steps * step_s;
}

void
count_add(uint32_t *count, unsigned times)
{
	uint64_t sum = *count + (uint64_t)times * COUNT_UNIT;

	*count = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

void
address_fade(struct address_record *record, int64_t half_life_s, int64_t now)
{
	uint32_t *const counts[] = {&record->ham, &record->spam};

	record->rated = counts_fade(counts, 2, record->rated, half_life_s, now);
}

void
origin_fade(struct origin_record *record, int64_t half_life_s, int64_t now)
{
	uint32_t *const counts[] = {&record->sessions, &record->successes,
	    &record->gaveup, &record->ham, &record->spam};

	record->decayed = counts_fade(counts, 5, record->decayed, half_life_s, now);
}

unsigned
rating_weight(const struct rating *rating)
{
	return rating->by_person ? PERSON_WEIGHT : 1;
}

void
rating_count(
    const struct rating *rating, int64_t half_life_s, uint32_t *ham, uint32_t *spam)
{
	uint32_t was = COUNT_UNIT, *const counts[] = {&was};
	uint32_t *corrected = rating->corrected_spam ? spam : ham;

	if (rating->corrected_at != 0) {
		(void)counts_fade(
		    counts, 1, rating->corrected_at, half_life_s, rating->now);
		*corrected -= was < *corrected ? was : *corrected;
	}
	count_add(rating->is_spam ? spam : ham, rating_weight(rating));
}

void
origin_rate(
    struct origin_record *record, const struct rating *rating, int64_t half_life_s)
{
	rating_count(rating, half_life_s, &record->ham, &record->spam);
	if (!rating->is_spam &&
	    (rating->by_person || rating->now - record->first_seen >= half_life_s))
		record->people |= UINT64_C(1) << rating->person % 64;
}

struct origin_record
origin_step(struct origin_record record, enum outcome outcome, bool trust_eom,
    int64_t half_life_s, int64_t now)
{
	if (outcome == OUTCOME_ATTEMPT || outcome == OUTCOME_DOMAIN_FOUND)
		return record;
	origin_fade(&record, half_life_s, now);
	if (record.first_seen == 0 || record.first_seen > now)
		record.first_seen = now;
	record.last_seen = now;
	switch (outcome) {
	case OUTCOME_GONE:
		count_add(&record.gaveup, 1);
		break;
	case OUTCOME_UNPROVEN:
		if (trust_eom)
			count_add(&record.successes, 1);
		break;
	case OUTCOME_ENDURED:
	case OUTCOME_PASSED:
		count_add(&record.successes, 1);
		break;
	case OUTCOME_NONE:
	case OUTCOME_ATTEMPT:
	case OUTCOME_DOMAIN_FOUND:
	case OUTCOME_KNOWN:
	case OUTCOME_SEEN:
		break;
	}
	return record;
}
