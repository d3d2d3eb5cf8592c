/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the records of networks and organisations change, and how counts fade.
 * Pure. Times in seconds since 1970.
 */
#ifndef POLICY_ORIGIN_H
#define POLICY_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/history.h"

/* What a person says counts as this many verdicts of a content filter. */
#define PERSON_WEIGHT 4

/* Adds times of COUNT_UNIT; saturates. */
void count_add(uint32_t *count, unsigned times);

void address_fade(struct address_record *record, int64_t half_life_s, int64_t now);
void origin_fade(struct origin_record *record, int64_t half_life_s, int64_t now);

/* A verdict on one message. */
struct rating {
	bool is_spam;
	bool by_person;
	uint64_t person; /* keyed hash of its first recipient */
	int64_t now;
	/*
	 * When the content filter's verdict that this one replaces was counted; 0:
	 * there is none.
	 */
	int64_t corrected_at;
	bool corrected_spam;
};

/* How many verdicts of a content filter it counts for. */
unsigned rating_weight(const struct rating *rating);
/* Adds it to counts that have already faded to its time. */
void rating_count(const struct rating *rating, int64_t half_life_s, uint32_t *ham,
    uint32_t *spam);

/*
 * Counts it. Ham also marks its recipient among the people: at once when a person
 * says so; when a content filter does, only where the record is a half-life old, as
 * a filter misses some of the spam of those who are new.
 */
void origin_rate(
    struct origin_record *record, const struct rating *rating, int64_t half_life_s);

/*
 * Fades and counts. An attempt is no more than that: it changes nothing here.
 * Sessions are counted by the store, when they leave their first event.
 */
struct origin_record origin_step(struct origin_record record, enum outcome outcome,
    bool trust_eom, int64_t half_life_s, int64_t now);

#endif
