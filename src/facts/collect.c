/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/collect_private.h"

#include <string.h>

#include "base/domain.h"
#include "dns/name.h"
#include "spf/spf.h"

bool
collect_is_loopback(const struct ip *ip)
{
	static const struct ip v6 = {.bytes = {[15] = 1}};

	return ip_equal(ip, &v6) || (ip_is_v4(ip) && ip->bytes[12] == 127);
}

/* The domain of local@domain, cleaned; "" when there is none to ask for. */
static void
sender_domain(char domain[static DNS_NAME_SIZE], const char *sender)
{
	const char *at = strrchr(sender, '@');

	domain[0] = '\0';
	if (at != NULL && dns_name_clean(domain, at + 1) && domain[0] == '[')
		domain[0] = '\0';
}

/*
 * The HELO name if it may be in DNS: two labels or more and not an address (which
 * a last label of digits would make it).
 */
static bool
helo_name(char name[static DNS_NAME_SIZE], const char *helo)
{
	char domain[DOMAIN_SIZE];

	domain_normalize(domain, sizeof domain, helo);
	if (!dns_name_clean(name, domain) || dns_name_labels(name) < 2 ||
	    name[0] == '[')
		return false;
	const char *last = strrchr(name, '.') + 1;
	return last[strspn(last, "0123456789")] != '\0';
}

struct run {
	struct collect *in;
	struct resolver *resolver;
	struct dns_question *helo_address, *sender_mx;
	struct dnsbl_job dnsbl;
	bool wants_spf;
	char helo[DNS_NAME_SIZE], domain[DNS_NAME_SIZE];
};

static enum dns_type
address_type(const struct ip *ip)
{
	return ip_is_v4(ip) ? DNS_A : DNS_AAAA;
}

/* Sends the questions that do not depend on other answers. */
static void
start_questions(struct run *run)
{
	const struct collect *in = run->in;

	dnsbl_start(&run->dnsbl, run->resolver, in->lists, in->lists_count,
	    in->health, &in->ip, clock_mono_ms(in->clock));
	if (helo_name(run->helo, in->helo)) {
		if (run->wants_spf)
			resolver_ask(run->resolver, run->helo, DNS_TXT);
		run->helo_address =
		    resolver_ask(run->resolver, run->helo, address_type(&in->ip));
	} else {
		run->helo[0] = '\0';
	}
	sender_domain(run->domain, in->sender);
	if (run->domain[0] != '\0') {
		if (run->wants_spf && dns_name_labels(run->domain) > 1)
			resolver_ask(run->resolver, run->domain, DNS_TXT);
		run->sender_mx = resolver_ask(run->resolver, run->domain, DNS_MX);
	}
}

static const struct dns_answer *
ask(void *ctx, const char *name, enum dns_type type)
{
	struct resolver *resolver = ctx;

	return resolver_await(resolver, resolver_ask(resolver, name, type));
}

static bool
is_over(void *ctx)
{
	return resolver_is_over(ctx);
}

static void
evaluate(struct run *run, const char *sender, unsigned max_queries, char *domain_r,
    struct spf_fact *fact)
{
	const struct collect *in = run->in;
	struct spf_asker asker = {ask, is_over, run->resolver};
	struct spf_query query = {in->ip, in->helo, sender, max_queries, domain_r};
	int64_t start = clock_mono_ms(in->clock);

	spf_check(&asker, &query, fact);
	fact->ms = (uint32_t)(clock_mono_ms(in->clock) - start);
}

/* MAIL FROM first: it is the more important of the two (RFC 7208 2.4). */
static void
evaluate_both(struct run *run, struct dns_facts *facts)
{
	const char *sender = run->in->sender;

	if (!run->wants_spf)
		return;
	evaluate(run, sender, SPF_MAX_QUERIES, run->in->mailfrom_domain,
	    &facts->mailfrom);
	if (sender[0] == '\0') {
		facts->helo = facts->mailfrom;
		return;
	}
	unsigned used = facts->mailfrom.queries;
	evaluate(run, NULL, used < SPF_MAX_QUERIES ? SPF_MAX_QUERIES - used : 1,
	    run->in->helo_domain, &facts->helo);
}

static bool
has_address(const struct dns_answer *answer, const struct ip *ip)
{
	for (size_t i = 0; i < answer->count; i++)
		if (ip_equal(&answer->records[i].ip, ip))
			return true;
	return false;
}

/* true: certainly no record of either type; false also when a look-up failed. */
static bool
has_no_address(struct resolver *resolver, const char *name, bool *is_known_r)
{
	struct dns_question *v4 = resolver_ask(resolver, name, DNS_A);
	struct dns_question *v6 = resolver_ask(resolver, name, DNS_AAAA);
	enum dns_status a = resolver_await(resolver, v4)->status;
	enum dns_status aaaa = resolver_await(resolver, v6)->status;
	bool a_failed = a == DNS_SERVFAIL || a == DNS_TIMEOUT;
	bool aaaa_failed = aaaa == DNS_SERVFAIL || aaaa == DNS_TIMEOUT;

	*is_known_r = a == DNS_OK || aaaa == DNS_OK || (!a_failed && !aaaa_failed);
	return *is_known_r && a != DNS_OK && aaaa != DNS_OK;
}

static enum helo_dns
judge_helo(struct run *run)
{
	const struct dns_answer *answer;
	bool is_known;

	if (run->helo[0] == '\0')
		return HELO_DNS_UNKNOWN;
	answer = resolver_await(run->resolver, run->helo_address);
	if (answer->status == DNS_SERVFAIL || answer->status == DNS_TIMEOUT)
		return HELO_DNS_UNKNOWN;
	if (answer->status == DNS_OK)
		return has_address(answer, &run->in->ip) ? HELO_DNS_MATCH
		                                         : HELO_DNS_MISMATCH;
	if (has_no_address(run->resolver, run->helo, &is_known))
		return HELO_DNS_NONE;
	return is_known ? HELO_DNS_MISMATCH : HELO_DNS_UNKNOWN;
}

/* A null MX (RFC 7505) says that the domain takes no mail: no MX at all. */
static void
judge_sender(struct run *run, struct dns_facts *facts)
{
	const struct dns_answer *answer;

	if (run->domain[0] == '\0')
		return;
	answer = resolver_await(run->resolver, run->sender_mx);
	switch (answer->status) {
	case DNS_OK:
		facts->sender_known = true;
		facts->sender_nodns =
		    answer->count == 1 && answer->records[0].text[0] == '\0';
		break;
	case DNS_NODATA:
	case DNS_BAD_NAME:
		facts->sender_nodns = has_no_address(
		    run->resolver, run->domain, &facts->sender_known);
		break;
	case DNS_NXDOMAIN:
		facts->sender_known = facts->sender_nodns = true;
		break;
	case DNS_SERVFAIL:
	case DNS_TIMEOUT:
		break;
	}
}

void
collect_facts(struct collect *in, struct dns_facts *facts)
{
	struct run run = {.in = in, .resolver = in->resolver, .wants_spf = in->spf};

	if (collect_is_loopback(&in->ip))
		return;
	facts->dnsbl = in->dnsbl;
	start_questions(&run);
	evaluate_both(&run, facts);
	facts->helo_dns = judge_helo(&run);
	judge_sender(&run, facts);
	dnsbl_finish(&run.dnsbl, run.resolver, in->lists, in->lists_count,
	    in->health, in->clock, facts);
}
