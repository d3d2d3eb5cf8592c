/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings and words of the decisions. Everything in policy/ is pure: no
 * clock, no allocation, no log, no I/O; the same code runs in the daemon and in
 * targreyctl explain.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "words/vocabulary.h"

enum mode { MODE_LIST(WORD_ENUM) MODES };
extern const char *const mode_words[MODES];

/* What can make a client a suspect; bits of policy_settings.suspect and .warn. */
enum selector {
	SELECT_S25R = 1 << 0,
	SELECT_ALL = 1 << 1,
	SELECT_HELO = 1 << 2,
	SELECT_SPF = 1 << 3,
	SELECT_DNSBL = 1 << 4,
	SELECT_LOCAL = 1 << 5,
	SELECT_RECORD = 1 << 6
};
#define SELECTORS 7
extern const char *const selector_words[SELECTORS]; /* in the order of the bits */

enum overflow { OVERFLOW_GREYLIST, OVERFLOW_PASS };

/* Durations are in seconds. */
struct policy_settings {
	enum mode mode;
	unsigned suspect; /* selectors that act */
	unsigned warn;    /* selectors that only fill would= */

	int64_t hold_s;
	enum overflow overflow;
	unsigned vary_percent; /* 0..100, percentage of addresses held for a
	                          different time */
	bool trust_eom;

	int64_t delay_s, retry_gap_s, retry_window_s, max_age_s;
	uint32_t retry_count;
	int64_t half_life_s; /* of counts in the record; 0: no fading */
	/* Of the selector record, see policy/share.h. */
	uint32_t record_least;     /* verdicts */
	uint32_t record_threshold; /* percent of spam */
	uint32_t record_people;    /* of ours */

	uint32_t known_successes; /* successes; 0 = never */
	int64_t known_gap_s;
	int dnsbl_weight; /* sum from which the selector dnsbl speaks */
	uint16_t mx;      /* mx_code() of this host; 0: none is noted */
};

#endif
