/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One SPF evaluation: check_host() of RFC 7208. libspf2 runs the loop over the
 * directives, includes and redirects; what others wrote (records, names, HELO,
 * sender) is checked and used by our code alone and never reaches it. The limits
 * count for the evaluation, whatever the includes.
 *
 * No state; any thread. Explanations are never fetched.
 */
#ifndef SPF_SPF_H
#define SPF_SPF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "dns/answer.h"
#include "words/vocabulary.h"

#define SPF_MAX_TERMS   10  /* that look something up; RFC 7208 4.6.4 */
#define SPF_MAX_VOIDS   2   /* RFC 7208 4.6.4 */
#define SPF_MAX_MX      10  /* names of one "mx"; more is permerror */
#define SPF_MAX_PTR     10  /* names of the client; the rest is ignored */
#define SPF_MAX_QUERIES 128 /* a message, both identities; ours */

enum spf_result { SPF_LIST(WORD_ENUM) SPF_RESULTS };
extern const char *const spf_result_words[SPF_RESULTS];

enum spf_trouble {
	SPF_TROUBLE_NONE,
	SPF_TROUBLE_TIMEOUT,
	SPF_TROUBLE_SERVFAIL,
	SPF_TROUBLE_SYNTAX,
	SPF_TROUBLE_TERMS,   /* over 10 terms that look up (RFC 7208 4.6.4) */
	SPF_TROUBLE_VOIDS,   /* over 2 void look-ups */
	SPF_TROUBLE_SIZE,    /* record or term over our limits */
	SPF_TROUBLE_QUERIES, /* over our limit of queries a message */
	SPF_TROUBLE_LIMIT,   /* our own queue was full */
	SPF_TROUBLES
};
extern const char *const spf_trouble_words[SPF_TROUBLES];

#define SPF_DOMAIN_SIZE 256

struct spf_fact {
	enum spf_result result;
	enum spf_trouble trouble;
	const char *domain; /* checked domain, lower case, or ""; borrowed */
	unsigned queries, terms, voids;
	uint32_t ms;
	/* Why a pass is worth little: +all, /0 or a very wide match, ... */
	bool by_all, by_ptr, by_exists, by_macro, wide;
};

/* Is it a pass that ties the client to the domain, with none of the flags above? */
bool spf_is_narrow(const struct spf_fact *fact);

/* Who answers questions: a resolver, or a table in tests. */
struct spf_asker {
	/* name is clean; the answer stays valid until spf_check() returns */
	const struct dns_answer *(*ask)(
	    void *ctx, const char *name, enum dns_type type);
	/* The time is up: what failed then is temperror. NULL: never. */
	bool (*is_over)(void *ctx);
	void *ctx;
};

struct spf_query {
	struct ip ip;
	const char *helo;     /* as said; NULL: none */
	const char *sender;   /* local@domain; "" or NULL: the HELO identity */
	unsigned max_queries; /* 0 = SPF_MAX_QUERIES */
	char *domain_r; /* SPF_DOMAIN_SIZE, for the fact's domain; NULL: left "" */
};

/*
 * The domain of spf_fact for a sender's domain or a HELO name. false, and "": none
 * that SPF could be asked for.
 * domain_r  DNS_NAME_SIZE
 */
bool spf_domain_of(const char *name, char domain_r[static 254]);

/*
 * Fills everything of *fact_r but ms. domain is "" when there was no name
 * that SPF could be asked for (the result is then SPF_NONE).
 */
void spf_check(const struct spf_asker *asker, const struct spf_query *query,
    struct spf_fact *fact_r);

#endif
