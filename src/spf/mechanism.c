/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf/eval_private.h"

#include <string.h>

#include "spf/macro_private.h"

#define NO_PREFIX 255

void
spf_decide(struct spf_eval *eval, enum spf_result result, enum spf_trouble trouble)
{
	if (eval->is_decided)
		return;
	eval->is_decided = true;
	eval->fact->result = result;
	eval->fact->trouble = trouble;
}

const struct dns_answer *
spf_ask(struct spf_eval *eval, const char *name, enum dns_type type)
{
	if (eval->is_decided)
		return NULL;
	if (eval->fact->queries >= eval->max_queries) {
		spf_decide(eval, SPF_TEMPERROR, SPF_TROUBLE_QUERIES);
		return NULL;
	}
	eval->fact->queries++;
	const struct spf_asker *asker = eval->asker;
	const struct dns_answer *answer = asker->ask(asker->ctx, name, type);
	/* even where a failed answer alone is no error, as with ptr */
	if (answer->status == DNS_TIMEOUT && asker->is_over != NULL &&
	    asker->is_over(asker->ctx)) {
		spf_decide(eval, SPF_TEMPERROR, SPF_TROUBLE_TIMEOUT);
		return NULL;
	}
	return answer;
}

bool
spf_answer_holds(struct spf_eval *eval, const struct dns_answer *answer)
{
	switch (answer->status) {
	case DNS_OK:
	case DNS_NODATA:
	case DNS_NXDOMAIN:
	case DNS_BAD_NAME:
		return true;
	case DNS_SERVFAIL:
		spf_decide(eval, SPF_TEMPERROR, SPF_TROUBLE_SERVFAIL);
		return false;
	case DNS_TIMEOUT:
		spf_decide(eval, SPF_TEMPERROR, SPF_TROUBLE_TIMEOUT);
		return false;
	}
	return false;
}

bool
spf_count_term(struct spf_eval *eval)
{
	if (eval->is_decided)
		return false;
	if (eval->fact->terms >= SPF_MAX_TERMS) {
		spf_decide(eval, SPF_PERMERROR, SPF_TROUBLE_TERMS);
		return false;
	}
	eval->fact->terms++;
	return true;
}

/* RFC 7208 4.6.4: a term's look-up that found nothing */
static bool
count_void(struct spf_eval *eval, const struct dns_answer *answer)
{
	if (answer->status != DNS_NODATA && answer->status != DNS_NXDOMAIN)
		return true;
	if (eval->fact->voids >= SPF_MAX_VOIDS) {
		spf_decide(eval, SPF_PERMERROR, SPF_TROUBLE_VOIDS);
		return false;
	}
	eval->fact->voids++;
	return true;
}

static enum dns_type
address_type(const struct spf_eval *eval)
{
	return eval->is_v4 ? DNS_A : DNS_AAAA;
}

static bool
answer_has_client(
    const struct spf_eval *eval, const struct dns_answer *answer, uint8_t prefix)
{
	struct ipnet net = eval->is_v4 ? ip_network(&eval->ip, prefix, 128)
	                               : ip_network(&eval->ip, 32, prefix);

	for (size_t i = 0; i < answer->count; i++)
		if (ip_is_v4(&answer->records[i].ip) == eval->is_v4 &&
		    ipnet_has(&net, &answer->records[i].ip))
			return true;
	return false;
}

/*
 * Reads the client's validated names once (RFC 7208 5.5). A failure of the PTR
 * question means none; one of a name's address skips the name.
 */
static void
validate(struct spf_eval *eval, bool is_term)
{
	char name[DNS_NAME_SIZE];

	if (eval->is_validated)
		return;
	eval->is_validated = true;
	dns_name_reverse(name, &eval->ip, NULL);
	const struct dns_answer *answer = spf_ask(eval, name, DNS_PTR);
	if (answer == NULL || (is_term && !count_void(eval, answer)))
		return;
	for (size_t i = 0; i < answer->count && i < SPF_MAX_PTR; i++) {
		if (!dns_name_clean(name, answer->records[i].text))
			continue;
		const struct dns_answer *back =
		    spf_ask(eval, name, address_type(eval));
		if (back == NULL)
			return;
		if (answer_has_client(eval, back, eval->is_v4 ? 32 : 128))
			memcpy(eval->validated[eval->validated_count++], name,
			    sizeof name);
	}
}

/* RFC 7208 7.3: the domain itself, else one below it, else any, else "unknown" */
static const char *
client_name(struct spf_eval *eval, const char *domain)
{
	const char *below = NULL;

	validate(eval, false);
	for (size_t i = 0; i < eval->validated_count; i++) {
		if (strcmp(eval->validated[i], domain) == 0)
			return eval->validated[i];
		if (below == NULL && dns_name_is_below(eval->validated[i], domain))
			below = eval->validated[i];
	}
	if (below != NULL)
		return below;
	return eval->validated_count > 0 ? eval->validated[0] : "unknown";
}

/* RFC 7208 7.3: dotted quad, or nibbles with dots */
static const char *
address_text(struct spf_eval *eval)
{
	static const char hex[] = "0123456789abcdef";
	char *p = eval->ip_text;

	if (eval->is_v4)
		return ip_to_text(&eval->ip, eval->ip_text);
	for (size_t i = 0; i < 16; i++) {
		*p++ = hex[eval->ip.bytes[i] >> 4];
		*p++ = '.';
		*p++ = hex[eval->ip.bytes[i] & 15];
		*p++ = '.';
	}
	p[-1] = '\0';
	return eval->ip_text;
}

struct macro_ctx {
	struct spf_eval *eval;
	const struct spf_term *term;
};

static const char *
macro_value(void *ctx, char letter)
{
	struct spf_eval *eval = ((struct macro_ctx *)ctx)->eval;
	const char *domain = ((struct macro_ctx *)ctx)->term->record->domain;

	switch (letter) {
	case 's':
		return eval->sender;
	case 'l':
		return eval->local;
	case 'o':
		return eval->domain;
	case 'd':
		return domain;
	case 'i':
		return address_text(eval);
	case 'p':
		return client_name(eval, domain);
	case 'v':
		return eval->is_v4 ? "in-addr" : "ip6";
	default:
		return eval->helo;
	}
}

bool
spf_term_name(struct spf_eval *eval, const struct spf_term *term,
    char name[static DNS_NAME_SIZE])
{
	struct macro_ctx ctx = {eval, term};

	if (term->spec[0] == '\0')
		return dns_name_clean(name, term->record->domain);
	enum spf_expansion done =
	    spf_macro_expand(name, term->spec, macro_value, &ctx);
	if (done == SPF_NO_MEMORY)
		spf_decide(eval, SPF_TEMPERROR, SPF_TROUBLE_LIMIT);
	return done == SPF_EXPANDED;
}

bool
spf_ip_matches(const struct spf_eval *eval, const struct spf_term *term)
{
	struct ipnet a, b;

	if ((term->kind == SPF_IP4) != eval->is_v4)
		return false;
	a = ip_network(&eval->ip, term->prefix4, term->prefix6);
	b = ip_network(&term->ip, term->prefix4, term->prefix6);
	if (term->kind == SPF_IP6 && ip_is_v4(&term->ip))
		return false;
	return ip_equal(&a.ip, &b.ip);
}

static bool
matches_a(struct spf_eval *eval, const struct spf_term *term, const char *name)
{
	const struct dns_answer *answer = spf_ask(eval, name, address_type(eval));

	return answer != NULL && spf_answer_holds(eval, answer) &&
	       count_void(eval, answer) &&
	       answer_has_client(
	           eval, answer, eval->is_v4 ? term->prefix4 : term->prefix6);
}

static bool
matches_mx(struct spf_eval *eval, const struct spf_term *term, const char *name)
{
	const struct dns_answer *answer = spf_ask(eval, name, DNS_MX);
	char host[DNS_NAME_SIZE];

	if (answer == NULL || !spf_answer_holds(eval, answer) ||
	    !count_void(eval, answer))
		return false;
	if (answer->count > SPF_MAX_MX) {
		spf_decide(eval, SPF_PERMERROR, SPF_TROUBLE_TERMS);
		return false;
	}
	for (size_t i = 0; i < answer->count; i++) {
		if (!dns_name_clean(host, answer->records[i].text))
			continue;
		const struct dns_answer *a =
		    spf_ask(eval, host, address_type(eval));
		if (a == NULL || !spf_answer_holds(eval, a))
			return false;
		if (answer_has_client(
		        eval, a, eval->is_v4 ? term->prefix4 : term->prefix6))
			return true;
	}
	return false;
}

static bool
matches_ptr(struct spf_eval *eval, const char *name)
{
	validate(eval, true);
	for (size_t i = 0; i < eval->validated_count; i++)
		if (dns_name_is_below(eval->validated[i], name))
			return true;
	return false;
}

static bool
matches_exists(struct spf_eval *eval, const char *name)
{
	const struct dns_answer *answer = spf_ask(eval, name, DNS_A);

	return answer != NULL && spf_answer_holds(eval, answer) &&
	       count_void(eval, answer) && answer->count > 0;
}

static bool
looks_up(struct spf_eval *eval, const struct spf_term *term)
{
	char name[DNS_NAME_SIZE];

	if (!spf_count_term(eval) || !spf_term_name(eval, term, name))
		return false;
	switch (term->kind) {
	case SPF_A:
		return matches_a(eval, term, name);
	case SPF_MX:
		return matches_mx(eval, term, name);
	case SPF_PTR:
		return matches_ptr(eval, name);
	case SPF_EXISTS:
		return matches_exists(eval, name);
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
	case SPF_INCLUDE:
	case SPF_REDIRECT:
		break;
	}
	return false;
}

bool
spf_term_matches(struct spf_eval *eval, const struct spf_term *term)
{
	bool has_prefix = term->kind == SPF_A || term->kind == SPF_MX ||
	                  term->kind == SPF_IP4 || term->kind == SPF_IP6;
	bool matches;

	if (term->kind == SPF_ALL)
		matches = true;
	else if (term->kind == SPF_IP4 || term->kind == SPF_IP6)
		matches = spf_ip_matches(eval, term);
	else
		matches = looks_up(eval, term);
	if (matches && !eval->is_decided) {
		eval->matched = term;
		eval->matched_prefix = !has_prefix   ? NO_PREFIX
		                       : eval->is_v4 ? term->prefix4
		                                     : term->prefix6;
	}
	return matches && !eval->is_decided;
}
