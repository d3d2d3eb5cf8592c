/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of X-TaRgrey-Session and the event row: only words and numbers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "facts/helo.h"
#include "record/mx.h"
#include "session/session_private.h"

#define DAY_S      86400
#define ID_LIMIT   64
#define TAGS_LIMIT 28 /* keeps the whole header within 900 octets */

static const char *
domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at == NULL ? "" : at + 1;
}

/* A sender in a recipient's domain claims to be one of us. */
enum from_state
session_from(const struct session *session)
{
	const struct transaction *mail = session->mail;
	const struct dns_facts *dns = session->facts.dns;
	enum from_state found = FROM_OK;

	if (mail == NULL)
		return FROM_UNKNOWN;
	if (*mail->sender == '\0')
		return FROM_NULL;
	for (size_t i = 0; i < mail->count; i++) {
		const char *domain = domain_of(mail->recipients[i].address);
		struct ours ours = {.hostname = session->snapshot->hostname,
		    .names = &domain,
		    .names_count = 1};
		enum from_state state =
		    from_classify(mail->sender, mail->recipients[i].address, &ours);
		if (state == FROM_SELF)
			return FROM_SELF;
		if (state == FROM_OURS)
			found = FROM_OURS;
	}
	if (found == FROM_OURS)
		return FROM_OURS;
	if (dns == NULL || !dns->sender_known)
		return FROM_UNKNOWN;
	return dns->sender_nodns ? FROM_NODNS : FROM_OK;
}

/* A HELO in a recipient's domain claims to be one of us. */
enum helo_class
session_helo_class(const struct session *session)
{
	const struct transaction *mail = session->mail;

	if (session->facts.helo_class != HELO_FQDN)
		return session->facts.helo_class;
	for (size_t i = 0; i < mail->count; i++) {
		if (strcasecmp(session->facts.helo,
		        domain_of(mail->recipients[i].address)) == 0)
			return HELO_OURS;
	}
	return HELO_FQDN;
}

static void
put(struct session_words *words, enum session_key key, const char *value)
{
	text_copy(words->value[key], SESSION_VALUE_SIZE, value);
}

static void
put_number(struct session_words *words, enum session_key key, int64_t value)
{
	snprintf(words->value[key], SESSION_VALUE_SIZE, "%" PRId64,
	    value < 0 ? 0 : value);
}

static void
put_yes(struct session_words *words, enum session_key key, bool value)
{
	put(words, key, value ? "yes" : "no");
}

static const char *
mx_order(const struct snapshot *snapshot, uint64_t mxs)
{
	uint16_t first = mx_first(mxs);

	for (size_t i = 0; first != 0 && i < snapshot->mx_ranks_count; i++) {
		if (snapshot->mx_ranks[i].code == first)
			return snapshot->mx_ranks[i].is_primary ? "primary-first"
			                                        : "secondary-first";
	}
	return "none";
}

/* The names; "none" if there are none. */
static void
put_tags(struct session_words *words, enum session_key key, const char *tags)
{
	if (tags == NULL || *tags == '\0')
		tags = "none";
	text_percent(
	    words->value[key], SESSION_VALUE_SIZE, TAGS_LIMIT, tags, strlen(tags));
}

static void
fill_verdict(const struct session *session, const struct judgement *judgement,
    struct session_words *words)
{
	bool by_tries = judgement->why == WHY_TRIES;

	put(words, SK_MODE, mode_words[session->snapshot->policy.mode]);
	put(words, SK_VERDICT, verdict_words[judgement->verdict]);
	put(words, SK_WHY, why_words[judgement->why]);
	put(words, SK_WOULD,
	    judgement->would != VERDICT_PASS ? verdict_words[judgement->would]
	                                     : "none");
	put(words, SK_GREY, by_tries ? "passed" : "none");
	put_number(words, SK_GREY_TRIES, by_tries ? judgement->grey_tries : 0);
	put_number(words, SK_GREY_SECS, by_tries ? judgement->grey_secs : 0);
	put_yes(words, SK_EARLY, judgement->early);
	put_number(words, SK_MX, mx_count(judgement->mxs));
	put(words, SK_MX_ORDER, mx_order(session->snapshot, judgement->mxs));
}

static const char *
tarpit_word(enum hold_end outcome)
{
	static const char *const words[HOLD_ENDS] = {[HOLD_ENDURED] = "endured",
	    [HOLD_UNPROVEN] = "unproven",
	    [HOLD_SHED] = "shed"};

	return words[outcome] != NULL ? words[outcome] : "none";
}

static void
fill_history(const struct session *session, struct session_words *words)
{
	const struct address_record *record = &session->history.address;
	int64_t now = session->now.wall;

	/* it may lie in the future after the clock was set back */
	bool has_age = record->first_seen != 0 && record->first_seen <= now;

	put_number(words, SK_AGE, has_age ? (now - record->first_seen) / DAY_S : 0);
	put_number(words, SK_SEEN, record->sessions);
	put_number(words, SK_PASSED, record->successes);
	put_number(words, SK_GAVEUP, record->gaveup);
	put_number(words, SK_GAVEUP_SECS, record->gaveup_secs);
	put_number(words, SK_HAM, count_rounded(record->ham));
	put_number(words, SK_SPAM, count_rounded(record->spam));
}

/* Whether it was new before this visit, whose attempt may be on record. */
static bool
is_new(const struct session *session, int64_t first_seen)
{
	return first_seen == 0 ||
	       (session->attempt_at != 0 && first_seen >= session->attempt_at);
}

static void
fill_new(const struct session *session, struct session_words *words)
{
	const struct history *history = &session->history;
	const struct {
		const char *word;
		bool is_new;
	} of[] = {
	    {"address", is_new(session, history->address.first_seen)},
	    {"network", history->network.first_seen == 0},
	    {"organisation",
	        history->has_organisation && history->organisation.first_seen == 0},
	    {"sender",
	        history->has_sender_domain && history->sender_domain_seen == 0},
	};
	char *value = words->value[SK_NEW];

	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		if (!of[i].is_new)
			continue;
		if (*value != '\0')
			strcat(value, ",");
		strcat(value, of[i].word);
	}
	if (*value == '\0')
		put(words, SK_NEW, "none");
}

static void
fill_origins(const struct session *session, struct session_words *words)
{
	const struct history *history = &session->history;

	/* A client known as good by its address is answered without its origins. */
	if (!session->has_history || !history->origins_known ||
	    history->address.known_until >= session->now.wall)
		return;
	put_number(words, SK_NET_HAM, count_rounded(history->network.ham));
	put_number(words, SK_NET_SPAM, count_rounded(history->network.spam));
	if (history->has_organisation) {
		put_number(
		    words, SK_ORG_HAM, count_rounded(history->organisation.ham));
		put_number(
		    words, SK_ORG_SPAM, count_rounded(history->organisation.spam));
	}
	fill_new(session, words);
}

static void
fill_client(const struct session *session, struct session_words *words)
{
	const struct facts *facts = &session->facts;

	put(words, SK_RDNS, rdns_state_words[facts->rdns]);
	put(words, SK_S25R, s25r_state_words[facts->s25r.state]);
	put(words, SK_S25R_RULE,
	    facts->s25r.rule != NULL ? facts->s25r.rule->id : "-");
	put(words, SK_HELO, helo_class_words[facts->helo_class]);
	put(words, SK_FROM, from_state_words[session_from(session)]);
	put(words, SK_PIPE, pipe_state_words[facts->pipe]);
	put_yes(words, SK_TLS, facts->tls);
	put_tags(words, SK_LOCAL, facts->local);
}

static void
fill_dns(const struct session *session, struct session_words *words)
{
	const struct dns_facts *dns = session->facts.dns;

	put(words, SK_HELO_DNS,
	    helo_dns_words[dns != NULL ? dns->helo_dns : HELO_DNS_UNKNOWN]);
	put(words, SK_SPF,
	    spf_result_words[dns != NULL ? dns->mailfrom.result : SPF_SKIPPED]);
	put(words, SK_SPF_HELO,
	    spf_result_words[dns != NULL ? dns->helo.result : SPF_SKIPPED]);
	if (session->snapshot->has_dnsbl)
		put_tags(words, SK_DNSBL, dns != NULL ? dns->dnsbl : NULL);
}

void
session_words_fill(
    const struct session *session, bool delivered, struct session_words *words)
{
	static const struct transaction none = {.judgement = {.why = WHY_NONE}};
	const struct transaction *mail =
	    session->mail != NULL ? session->mail : &none;
	const struct hold *hold = &session->hold;
	enum hold_end outcome =
	    hold_final_end(hold->end, hold->shed, hold->watched, delivered);

	memset(words, 0, sizeof *words);
	put(words, SK_V, "1");
	text_percent(words->value[SK_ID], SESSION_VALUE_SIZE, ID_LIMIT,
	    session->snapshot->hostname, strlen(session->snapshot->hostname));
	put(words, SK_SID, session->sid);
	fill_verdict(session, &mail->judgement, words);
	put(words, SK_TARPIT, tarpit_word(outcome));
	put_number(words, SK_TARPIT_SECS, hold->waited_ms / 1000);
	fill_history(session, words);
	fill_origins(session, words);
	fill_client(session, words);
	fill_dns(session, words);
	put_number(words, SK_RCPT_REFUSED, mail->refused);
	put_number(
	    words, SK_FORGED, mail->relay_trusted ? 0 : mail->forged_headers);
	put(words, SK_FAULT, fault_words[session->fault]);
}
