/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS lists of bad and good clients (RFC 5782): all asked together, their
 * weights summed. A list that failed to answer three times in a row is left out,
 * so that it delays no job; once a minute one job asks it again.
 *
 * A list that is gone, over quota or behind a resolver that invents answers lists
 * everybody or nobody. So the test entries of RFC 5782 5 are looked up before a
 * list first counts and once an hour: 127.0.0.2 must be listed (or, in a list of
 * IPv6 addresses, ::ffff:127.0.0.2), 127.0.0.1 must not. While this fails the list
 * is left out; every ten minutes one job tests it again.
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

#define DNSBL_TEST_MS   3600000
#define DNSBL_RETEST_MS 600000

/* Result of the last test. */
enum dnsbl_state {
	DNSBL_UNTESTED,
	DNSBL_GOOD,
	DNSBL_LISTS_ALL,  /* also 127.0.0.1 */
	DNSBL_LISTS_NONE, /* not even 127.0.0.2 */
	DNSBL_REFUSES
};

/* What is known of one list; zero at start, shared by the workers. */
struct dnsbl_health {
	_Atomic unsigned silent;       /* times in a row */
	_Atomic int64_t rest_until_ms; /* 0: it answers */
	_Atomic int state;             /* enum dnsbl_state */
	_Atomic int64_t next_test_ms;  /* 0: not tested yet */
};

/* The questions of one job, by list; NULL where none was asked. */
struct dnsbl_job {
	struct dns_question *question[DNSBL_MAX_LISTS];
	/* 127.0.0.1; 127.0.0.2 as IPv4 and as IPv6 */
	struct dns_question *absent[DNSBL_MAX_LISTS];
	struct dns_question *present[DNSBL_MAX_LISTS], *present6[DNSBL_MAX_LISTS];
};

/* Why a list is left out, in words, a literal; NULL: it is not. */
const char *dnsbl_trouble(const struct dnsbl_health *health);

/* Sends the questions. count over DNSBL_MAX_LISTS is cut to it. */
void dnsbl_start(struct dnsbl_job *job, struct resolver *resolver,
    const struct dnsbl_setting *lists, size_t count, struct dnsbl_health *health,
    const struct ip *ip, int64_t now_ms);

/*
 * (blocks) for the answers, DNSBL_PATIENCE_MS at most: a list that is down must
 * not delay mail. Adds to facts->dnsbl_weight and to facts->dnsbl, a buffer of
 * DNSBL_TEXT_SIZE.
 */
void dnsbl_finish(const struct dnsbl_job *job, struct resolver *resolver,
    const struct dnsbl_setting *lists, size_t count, struct dnsbl_health *health,
    const struct clock *clock, struct dns_facts *facts);

#endif
