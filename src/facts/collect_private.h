/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The questions of one job and the meaning of their answers. For the thread that
 * owns the resolver. Private to facts/gather.c and its tests.
 */
#ifndef FACTS_COLLECT_PRIVATE_H
#define FACTS_COLLECT_PRIVATE_H

#include "dns/resolver.h"
#include "facts/dnsbl.h"
#include "facts/gather.h"

struct collect {
	const struct clock *clock;
	struct resolver *resolver; /* its job is open */
	bool spf;
	const struct dnsbl_setting *lists;
	size_t lists_count;
	struct dnsbl_health *health;
	struct ip ip;
	const char *helo, *sender; /* "" = none, null sender */
	/* Buffers for the facts' texts. */
	char mailfrom_domain[SPF_DOMAIN_SIZE], helo_domain[SPF_DOMAIN_SIZE];
	char dnsbl[DNSBL_TEXT_SIZE];
};

/* 127.0.0.0/8 and ::1: nothing is asked about them */
bool collect_is_loopback(const struct ip *ip);

/*
 * (blocks) until the job's deadline at most. facts: cleared before; ms, timed_out
 * and limited are left to the caller.
 */
void collect_facts(struct collect *collect, struct dns_facts *facts);

#endif
