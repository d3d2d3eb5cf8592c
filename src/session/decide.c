/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From facts to a verdict: what is on record, the judgement, the plan of the hold,
 * the rule behind it. The daemon and explain share this code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/siphash.h"
#include "base/text.h"
#include "facts/helo.h"
#include "record/mx.h"
#include "session/session_private.h"

#define ADDRESS_TAG "addr-in-name"
#define RECALL_MS   1000

void
session_fault(struct session *session, enum fault fault)
{
	static struct log_limit limits[FAULTS];

	if (session->fault == FAULT_NONE) {
		session->fault = fault;
		activity_fault(session->snapshot->activity, fault);
	}
	if (session->snapshot->store != NULL &&
	    log_may(&limits[fault], session->now.mono_ms, NULL))
		log_warnx("sid=%s fault=%s: a fact or a record is missing",
		    session->sid, fault_words[fault]);
}

const char *
session_domain(const struct session *session)
{
	const struct dns_facts *dns = session->facts.dns;

	if (dns == NULL)
		return NULL;
	if (spf_is_narrow(&dns->mailfrom))
		return dns->mailfrom.domain;
	return spf_is_narrow(&dns->helo) ? dns->helo.domain : NULL;
}

const char *
session_organisation(const struct session *session)
{
	const char *domain = session_domain(session);
	bool is_narrow = domain != NULL &&
	                 session->history.domain.networks <= DOMAIN_MAX_NETWORKS;

	return is_narrow ? domain : session->organisation;
}

struct store_who
session_who(const struct session *session)
{
	const struct transaction *mail = session->mail;
	const char *at = mail == NULL ? NULL : strrchr(mail->folded, '@');

	return (struct store_who){.ip = session->facts.ip,
	    .domain = session_domain(session),
	    .organisation = session->organisation,
	    .sender_domain = at == NULL ? NULL : at + 1};
}

/* Built in: a client whose name or HELO contains its own address. */
static void
add_address_tag(const struct session *session, struct local_fact *fact)
{
	const struct ip *ip = &session->facts.ip;

	if (!helo_has_address(session->facts.name, ip) &&
	    !helo_has_address(session->facts.ptr, ip) &&
	    !helo_has_address(session->facts.helo, ip))
		return;
	size_t used = strlen(fact->tags);
	if (used + sizeof ADDRESS_TAG + 1 <= sizeof fact->tags)
		snprintf(fact->tags + used, sizeof fact->tags - used, "%s%s",
		    used == 0 ? "" : ",", ADDRESS_TAG);
}

void
decide_local(struct session *session)
{
	struct local_subject subject = {
	    .ip = &session->facts.ip,
	    .name = session->facts.name,
	    .ptr = session->facts.ptr,
	    .helo = session->facts.helo,
	    .from = session->mail->sender,
	};
	struct local_fact fact;

	local_match(session->snapshot->local, &subject, &fact);
	add_address_tag(session, &fact);
	free((char *)session->facts.local);
	session->facts.local =
	    *fact.tags == '\0' ? NULL : session_keep(session, fact.tags);
	session->facts.local_acts = fact.rule != NULL;
	session->facts.local_warns = fact.warn != NULL;
	session->local_rule = fact.rule != NULL ? fact.rule : fact.warn;
}

/*
 * A visit is one attempt, however many messages it brings: what it has noted for a
 * triplet is not noted or counted again.
 * history, noted  for the recipients from there on that are not exempt
 */
static void
skip_noted(struct session *session, size_t from, const struct history *history,
    bool *noted)
{
	struct transaction *mail = session->mail;
	uint16_t mx = session->snapshot->policy.mx;
	size_t used = 0;

	if (session->attempt_at == 0)
		return;
	for (size_t i = from; i < mail->count && used < history->rows_count; i++) {
		if (mail->recipients[i].exempt)
			continue;
		/* An attempt at another MX meanwhile is not part of this visit. */
		const struct grey_row *row = &history->rows[used];
		if (row->last >= session->attempt_at &&
		    (row->passed != 0 || mx_is_walked(row->mxs, mx) || mx == 0))
			noted[used] = mail->recipients[i].noted = true;
		used++;
	}
}

/* Nothing of this visit is noted yet and no domain is known. */
static bool
is_plain(const struct session *session, const struct recipient *recipient)
{
	return !recipient->noted && session->mail->noted_at == 0 &&
	       session->attempt_at == 0 && session_domain(session) == NULL;
}

/*
 * Without a hold, DATA follows RCPT within milliseconds and asks for the same.
 * Returns false when the store has to be asked.
 */
static bool
recall_again(
    const struct session *session, size_t recipient, struct history *history)
{
	const struct recalled *recalled = &session->mail->recalled;
	int64_t age_ms = session->now.mono_ms - recalled->at_ms;

	if (recalled->at_ms == 0 || recalled->recipient != recipient ||
	    age_ms < 0 || age_ms >= RECALL_MS ||
	    !is_plain(session, &session->mail->recipients[recipient]))
		return false;
	struct history again = session->history;
	again.rows = history->rows;
	again.rows_noted = history->rows_noted;
	again.noted_at = history->noted_at;
	again.rows_count = recalled->rows_count;
	*history = again;
	if (recalled->rows_count > 0)
		history->rows[0] = recalled->row;
	return true;
}

static void
keep_recalled(
    struct session *session, size_t recipient, const struct history *history)
{
	if (history->rows_count > 1 ||
	    !is_plain(session, &session->mail->recipients[recipient]))
		return;
	struct recalled *recalled = &session->mail->recalled;
	recalled->at_ms = session->now.mono_ms;
	recalled->recipient = recipient;
	recalled->rows_count = history->rows_count;
	if (history->rows_count > 0)
		recalled->row = history->rows[0];
}

static bool
look_up(const struct session *session, const struct store_who *who,
    const struct triplet *triplets, size_t count, struct history *history)
{
	const struct snapshot *snapshot = session->snapshot;
	int64_t now = session->now.wall;

	if (snapshot->store != NULL && store_is_shared(snapshot->store))
		return store_recall_asked(snapshot->store, session->mail->asked,
		           who, triplets, count, now, history) == STORE_OK;
	if (snapshot->store != NULL)
		return store_recall(snapshot->store, who, triplets, count, now,
		           history) == STORE_OK;
	return snapshot->recall != NULL && snapshot->recall(snapshot->recall_ctx,
	                                       who, triplets, count, now, history);
}

/* Everything on record for the client and recipients [from, from + count). */
static void
recall(struct session *session, size_t from, size_t count, struct history *history,
    bool *noted)
{
	struct transaction *mail = session->mail;
	struct store_who who = session_who(session);
	struct triplet *triplets = calloc(count + 1, sizeof *triplets);
	size_t used = 0, last = from;

	session->has_history = false;
	if (triplets == NULL || history->rows == NULL || noted == NULL) {
		free(triplets);
		session_fault(session, FAULT_STORE);
		return;
	}
	for (size_t i = from; i < from + count; i++) {
		const struct recipient *recipient = &mail->recipients[i];
		if (recipient->exempt)
			continue;
		last = i;
		noted[used] = recipient->noted;
		triplets[used++] =
		    (struct triplet){mail->folded, recipient->address};
	}
	history->rows_count = used;
	history->rows_noted = noted;
	history->noted_at = mail->noted_at;
	if (used == 1 && recall_again(session, last, history)) {
		session->has_history = true;
	} else if (look_up(session, &who, triplets, used, history)) {
		session->has_history = true;
		skip_noted(session, from, history, noted);
		mail->recalled.at_ms = 0;
		if (used == 1)
			keep_recalled(session, last, history);
	} else {
		session_fault(session, FAULT_STORE);
	}
	free(triplets);
}

void
decide_judge(struct session *session, size_t from, size_t count)
{
	struct transaction *mail = session->mail;
	struct grey_row *rows = calloc(count + 1, sizeof *rows);
	bool *noted = calloc(count + 1, sizeof *noted);
	struct history history = {.rows = rows};

	session->facts.from = session_from(session);
	session->facts.helo_class = session_helo_class(session);
	recall(session, from, count, &history, noted);
	mail->judgement = judge(&session->snapshot->policy, &session->facts,
	    session->has_history ? &history : NULL, session->now.wall);
	mail->is_judged = true;
	session->history = history;
	session->history.rows = NULL;
	session->history.rows_noted = NULL;
	session->history.rows_count = 0;
	free(noted);
	free(rows);
}

/* Reports what is on record but takes no action. */
void
decide_listed(struct session *session)
{
	struct judgement *judgement = &session->mail->judgement;

	decide_judge(session, 0, session->mail->count);
	judgement->verdict = judgement->would = VERDICT_PASS;
	judgement->why = WHY_LISTED;
	judgement->suspect = WHY_NONE;
	judgement->then_greylist = judgement->early = false;
}

bool
decide_may_hold(const struct session *session)
{
	struct policy_settings policy = session->snapshot->policy;

	/* The client's record is not known yet. */
	if (policy.suspect & SELECT_RECORD)
		policy.suspect |= SELECT_ALL;
	struct judgement judgement =
	    judge(&policy, &session->facts, NULL, session->now.wall);

	return judgement.verdict == VERDICT_HOLD;
}

uint64_t
decide_keyed(const struct snapshot *snapshot, const void *data, size_t length)
{
	static const uint8_t no_secret[SIPHASH_KEY_SIZE];
	const uint8_t *secret = snapshot->store != NULL
	                            ? store_secret(snapshot->store)
	                            : snapshot->secret;

	return siphash(secret != NULL ? secret : no_secret, data, length);
}

struct hold_plan
decide_hold(const struct session *session, bool at_data)
{
	struct ip address = key_address(&session->facts.ip);
	struct hold_request request = {
	    .dice = decide_keyed(session->snapshot, &address, sizeof address),
	    .at_data = at_data,
	    .holds = session->now.holds,
	    .max_holds = session->now.max_holds,
	    .spent_ms = session->now.delayed_ms,
	};

	return hold_plan(&session->snapshot->policy, &request);
}

void
decide_overflow(struct session *session)
{
	static struct log_limit limit;
	struct judgement *judgement = &session->mail->judgement;

	if (log_may(&limit, session->now.mono_ms, NULL))
		log_info(
		    "sid=%s no place for a hold, by tarpit.max_sessions (%u of %u "
		    "taken) or tarpit.max_per_net: overflow=%s",
		    session->sid, session->now.holds, session->now.max_holds,
		    session->snapshot->policy.overflow == OVERFLOW_PASS
		        ? "pass"
		        : "greylist");
	activity_shed(session->snapshot->activity);
	session->overflow = true;
	session->hold.shed = true;
	session->hold.end = HOLD_SHED;
	judgement->why = WHY_OVERFLOW;
	judgement->verdict = judge_overflow(&session->snapshot->policy,
	    session->has_history ? &session->history : NULL);
}

enum verdict
decide_after_hold(const struct session *session)
{
	const struct hold *hold = &session->hold;
	const struct judgement *judgement = &session->mail->judgement;

	if (judgement->verdict == VERDICT_PASS)
		return VERDICT_PASS;
	if (session->overflow)
		return judge_overflow(&session->snapshot->policy,
		    session->has_history ? &session->history : NULL);
	if (!hold->over)
		return judgement->verdict;
	return judgement->then_greylist ? VERDICT_GREYLIST : VERDICT_PASS;
}

/* The numbers behind the "record" selector. */
static void
write_share(const struct session *session, char *buf, size_t size)
{
	const struct history *history = &session->history;
	bool is_network = record_says(&session->snapshot->policy, history,
	                      session->now.wall) == RECORD_SAYS_NETWORK;
	const struct origin_record *record =
	    is_network ? &history->network : &history->organisation;
	struct spam_share share = spam_share_of(record, &history->site);
	struct ipnet net = key_budget(&session->facts.ip);
	char text[IPNET_TEXT_SIZE];
	const char *domain = session_organisation(session);

	snprintf(buf, size, "%s %s: %u ham, %u spam, at least %.0f %% spam",
	    is_network ? "network" : "organisation",
	    is_network || domain == NULL ? ipnet_to_text(&net, text) : domain,
	    count_rounded(record->ham), count_rounded(record->spam),
	    share.at_least * 100);
}

void
decide_detail(const struct session *session, char *buf, size_t size)
{
	const struct judgement *judgement = &session->mail->judgement;
	const struct s25r_fact *s25r = &session->facts.s25r;
	const struct s25r_rule *rule = s25r->rule != NULL ? s25r->rule : s25r->warn;
	const struct local_rule *local = session->local_rule;

	buf[0] = '\0';
	if (judgement->suspect == WHY_S25R && rule != NULL)
		snprintf(buf, size, "%s:%u rule %s %s",
		    s25r_path(session->snapshot->s25r), rule->line, rule->id,
		    rule->pattern);
	else if (judgement->suspect == WHY_LOCAL && local != NULL)
		snprintf(buf, size, "%s:%u %s %s", local->file, local->line,
		    local->field, local->pattern);
	else if (judgement->suspect == WHY_RECORD && session->has_history)
		write_share(session, buf, size);
}
