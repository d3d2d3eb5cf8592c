/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one SMTP session has shown, without judgement. Built by session/ (or by
 * hand, for explain and tests), read by policy/. Strings are borrowed.
 */
#ifndef FACTS_FACTS_H
#define FACTS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "facts/gather.h"
#include "lists/s25r.h"
#include "words/vocabulary.h"

enum helo_class { HELO_LIST(WORD_ENUM) HELO_CLASSES };
extern const char *const helo_class_words[HELO_CLASSES];
enum rdns_state { RDNS_LIST(WORD_ENUM) RDNS_STATES };
extern const char *const rdns_state_words[RDNS_STATES];
enum from_state { FROM_LIST(WORD_ENUM) FROM_STATES };
extern const char *const from_state_words[FROM_STATES];
enum pipe_state { PIPE_LIST(WORD_ENUM) PIPE_STATES };
extern const char *const pipe_state_words[PIPE_STATES];
extern const char *const helo_dns_words[HELO_DNS_STATES];

struct facts {
	struct ip ip;
	uint16_t port;
	const char *name; /* verified, lower case; NULL: none */
	const char *ptr;  /* unverified, lower case; NULL: none */
	enum rdns_state rdns;
	struct s25r_fact s25r;

	const char *helo; /* as said; NULL: none */
	enum helo_class helo_class;
	const char *sender; /* without brackets; "" = null sender */
	enum from_state from;
	bool tls;
	enum pipe_state pipe;

	/* tags of suspect.d joined by ','; NULL: none */
	const char *local;
	bool local_acts,
	    local_warns; /* one of them makes a suspect; one only warns */

	const struct dns_facts *dns; /* NULL until the job has ended */
};

#endif
