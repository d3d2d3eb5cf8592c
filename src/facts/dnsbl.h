/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS lists of bad and good clients (RFC 5782): all asked together, their
 * weights summed. A list that has not answered three times running is left
 * out, so that it holds no job up; once a minute one job asks it again.
 */
#ifndef FACTS_DNSBL_H
#define FACTS_DNSBL_H

#include <stdatomic.h>

#include "dns/resolver.h"
#include "facts/gather.h"

#define DNSBL_MAX_LISTS    32
#define DNSBL_SILENT_TIMES 3
#define DNSBL_REST_MS      60000
#define DNSBL_PATIENCE_MS  500 /* for lists alone, once all else is known */

/* What is known of one list; zero at start, shared by the workers. */
struct dnsbl_health {
	_Atomic unsigned silent;       /* times running */
	_Atomic int64_t rest_until_ms; /* 0: it answers */
};

/* The questions of one job, by list; NULL where none was asked. */
struct dnsbl_job {
	struct dns_question *question[DNSBL_MAX_LISTS];
};

/*
 * A listing: 127.0.0.0/8, but not 127.255.255.x ("we refuse to answer you"),
 * and last octet & mask is not 0.
 */
bool dnsbl_is_listed(const struct dns_answer *answer, uint8_t mask);

/* Sends the questions. count over DNSBL_MAX_LISTS is cut to it. */
void dnsbl_start(struct dnsbl_job *job, struct resolver *resolver,
    const struct dnsbl_setting *lists, size_t count, struct dnsbl_health *health,
    const struct ip *ip, int64_t now_ms);

/*
 * (blocks) for the answers, DNSBL_PATIENCE_MS at most: a list that is down must
 * not delay mail. Fills weight and names.
 */
void dnsbl_finish(const struct dnsbl_job *job, struct resolver *resolver,
    const struct dnsbl_setting *lists, size_t count, struct dnsbl_health *health,
    const struct clock *clock, struct dns_facts *facts);

#endif
