/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf/spf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/domain.h"
#include "base/text.h"
#include "spf/eval_private.h"

#define NARROW_V4 12 /* the widest match that still ties a client to a domain */
#define NARROW_V6 32

const char *const spf_result_words[SPF_RESULTS] = {SPF_LIST(WORD_TEXT)};
const char *const spf_trouble_words[SPF_TROUBLES] = {"none", "timeout", "servfail",
    "syntax", "terms", "voids", "size", "queries", "limit"};

bool
spf_is_narrow(const struct spf_fact *fact)
{
	return fact->result == SPF_PASS && !fact->by_all && !fact->by_ptr &&
	       !fact->by_exists && !fact->by_macro && !fact->wide;
}

/*
 * A domain that SPF can be asked for (RFC 7208 4.3): a name of two labels or
 * more, printable ASCII, no address and no address literal.
 */
static bool
is_domain(const char *name)
{
	bool is_last_numeric = true;

	if (dns_name_labels(name) < 2 || name[0] == '[')
		return false;
	for (; *name != '\0'; name++) {
		if (*name <= 0x20 || *name >= 0x7f)
			return false;
		if (*name == '.')
			is_last_numeric = true;
		else if (*name < '0' || *name > '9')
			is_last_numeric = false;
	}
	return !is_last_numeric;
}

bool
spf_domain_of(const char *name, char domain_r[static DNS_NAME_SIZE])
{
	char domain[DOMAIN_SIZE];

	domain_normalize(domain, sizeof domain, name);
	if (!dns_name_clean(domain_r, domain) || !is_domain(domain_r))
		domain_r[0] = '\0';
	return domain_r[0] != '\0';
}

/*
 * Sender as used by the macros: local@domain, "postmaster" for no local part.
 * The domain in A-labels (RFC 7208 4.3).
 */
static bool
split_sender(struct spf_eval *eval, const char *sender)
{
	const char *at = strrchr(sender, '@');
	int local = at == NULL ? 0 : (int)(at - sender);
	char domain[DOMAIN_SIZE];

	domain_normalize(domain, sizeof domain, at == NULL ? sender : at + 1);
	if (local > 0)
		eval->local = strndup(sender, (size_t)local);
	else
		eval->local = strdup("postmaster");
	if (eval->local == NULL ||
	    asprintf(&eval->sender, "%s@%s", eval->local, domain) < 0) {
		eval->sender = NULL;
		return false;
	}
	(void)spf_domain_of(domain, eval->domain);
	return true;
}

/* What a pass rests on. */
static void
judge_pass(struct spf_eval *eval)
{
	const struct spf_term *term = eval->matched;
	struct spf_fact *fact = eval->fact;

	if (term == NULL) {
		fact->wide = true;
		return;
	}
	fact->by_all = term->kind == SPF_ALL;
	fact->by_ptr = term->kind == SPF_PTR;
	fact->by_exists = term->kind == SPF_EXISTS;
	fact->by_macro = term->has_macro || term->record->via_macro;
	fact->wide = eval->matched_prefix < (eval->is_v4 ? NARROW_V4 : NARROW_V6);
}

void
spf_check(const struct spf_asker *asker, const struct spf_query *query,
    struct spf_fact *fact_r)
{
	struct spf_eval eval = {
	    .asker = asker,
	    .ip = query->ip,
	    .is_v4 = ip_is_v4(&query->ip),
	    .max_queries =
	        query->max_queries > 0 ? query->max_queries : SPF_MAX_QUERIES,
	    .helo = query->helo == NULL ? "" : query->helo,
	    .fact = fact_r,
	};
	const char *sender = query->sender;

	*fact_r = (struct spf_fact){.result = SPF_NONE, .domain = ""};
	if (sender == NULL || sender[0] == '\0')
		sender = eval.helo;
	if (!split_sender(&eval, sender)) {
		spf_decide(&eval, SPF_TEMPERROR, SPF_TROUBLE_LIMIT);
	} else if (eval.domain[0] != '\0') {
		if (query->domain_r != NULL) {
			text_copy(query->domain_r, SPF_DOMAIN_SIZE, eval.domain);
			fact_r->domain = query->domain_r;
		}
		enum spf_result result = spf_layer_run(&eval);
		if (!eval.is_decided)
			fact_r->result = result;
		if (fact_r->result == SPF_PASS)
			judge_pass(&eval);
	}
	while (eval.records != NULL) {
		struct spf_record *record = eval.records;
		eval.records = record->next;
		spf_record_free(&record);
	}
	free(eval.tags);
	free(eval.sender);
	free(eval.local);
}
