/* SPDX-License-Identifier: BSD-2-Clause */
/* What is on record, what DNS has said, and the judgement that follows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "facts/helo.h"
#include "session/internal.h"

#define ADDRESS_TAG "addr-in-name"
#define RECALL_MS   1000

void
session_fault(struct session *session, enum fault fault)
{
	static struct log_limit limits[FAULTS];

	if (session->fault == FAULT_NONE) {
		session->fault = fault;
		board_fault(session->world->board, fault);
	}
	if (log_may(&limits[fault], clock_mono_ms(session->world->clock), NULL))
		log_warnx(
		    "sid=%s fault=%s: a fact or a record is missing; mail goes on",
		    session->sid, fault_words[fault]);
}

void
session_dns_done(void *ctx, uint64_t number)
{
	const struct world *world = ctx;

	world->port->wake(world->port->ctx, number);
}

void
session_take_dns(struct session *session)
{
	struct transaction *mail = session->mail;
	struct dns_facts result;

	if (mail->gather == NULL || mail->dns != NULL ||
	    !gather_result(mail->gather, &result))
		return;
	mail->dns = malloc(sizeof *mail->dns);
	if (mail->dns == NULL)
		return;
	*mail->dns = result;
	session->facts.dns = mail->dns;
	gather_drop(&mail->gather);
	if (result.limited)
		session_fault(session, FAULT_LIMIT);
	else if (result.timed_out)
		session_fault(session, FAULT_DNS);
	if (mail->noted_at != 0 && session_domain(session) != NULL)
		record_named(session);
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

/* Built in: a client whose name or HELO holds its own address. */
static void
add_address_tag(const struct session *session, struct local_fact *fact)
{
	const struct ip *ip = &session->facts.ip;

	if (!helo_has_address(session->name, ip) &&
	    !helo_has_address(session->ptr, ip) &&
	    !helo_has_address(session->helo, ip))
		return;
	size_t used = strlen(fact->tags);
	if (used + sizeof ADDRESS_TAG + 1 <= sizeof fact->tags)
		snprintf(fact->tags + used, sizeof fact->tags - used, "%s%s",
		    used == 0 ? "" : ",", ADDRESS_TAG);
}

void
session_local(struct session *session)
{
	struct local_subject subject = {
	    .ip = &session->facts.ip,
	    .name = session->name,
	    .ptr = session->ptr,
	    .helo = session->helo,
	    .from = session->mail->sender,
	};
	struct local_fact fact;

	local_match(session->world->local, &subject, &fact);
	add_address_tag(session, &fact);
	free(session->local);
	session->local = text_dup(fact.tags);
	session->facts.local = session->local;
	session->facts.local_acts = fact.rule != NULL;
	session->facts.local_warns = fact.warn != NULL;
	session->local_rule = fact.rule != NULL ? fact.rule : fact.warn;
}

/*
 * A visit is one attempt, whatever its number of messages: what this visit has
 * noted for a triplet is not noted or counted again.
 * history, noted  of the recipients from there on that are not exempt
 */
static void
skip_noted(struct session *session, size_t from, const struct history *history,
    bool *noted)
{
	struct transaction *mail = session->mail;
	size_t used = 0;

	if (session->attempt_at == 0)
		return;
	for (size_t i = from; i < mail->count && used < history->rows_count; i++) {
		if (mail->recipients[i].exempt)
			continue;
		if (history->rows[used].last >= session->attempt_at)
			noted[used] = mail->recipients[i].noted = true;
		used++;
	}
}

/* Where nothing of this visit is noted yet and no domain is known. */
static bool
is_plain(const struct session *session, const struct recipient *recipient)
{
	return !recipient->noted && session->mail->noted_at == 0 &&
	       session->attempt_at == 0 && session_domain(session) == NULL;
}

/*
 * DATA follows RCPT within milliseconds where nobody is held, and asks for the
 * same. Returns false when the store has to be asked.
 */
static bool
recall_again(
    const struct session *session, size_t recipient, struct history *history)
{
	const struct recalled *recalled = &session->mail->recalled;
	int64_t age_ms = clock_mono_ms(session->world->clock) - recalled->at_ms;

	if (recalled->at_ms == 0 || recalled->recipient != recipient ||
	    age_ms < 0 || age_ms >= RECALL_MS ||
	    !is_plain(session, &session->mail->recipients[recipient]))
		return false;
	history->address = session->history.address;
	history->domain = session->history.domain;
	history->rows_count = recalled->rows_count;
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
	recalled->at_ms = clock_mono_ms(session->world->clock);
	recalled->recipient = recipient;
	recalled->rows_count = history->rows_count;
	if (history->rows_count > 0)
		recalled->row = history->rows[0];
}

/* Everything on record for the client and recipients [from, from + count). */
static void
recall(struct session *session, size_t from, size_t count, struct history *history,
    bool *noted)
{
	struct transaction *mail = session->mail;
	struct store_who who = {session->facts.ip, session_domain(session)};
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
	} else if (store_recall(session->world->store, &who, triplets, used,
	               clock_wall(session->world->clock), history) == STORE_OK) {
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
session_judge(struct session *session, size_t from, size_t count)
{
	struct transaction *mail = session->mail;
	struct grey_row *rows = calloc(count + 1, sizeof *rows);
	bool *noted = calloc(count + 1, sizeof *noted);
	struct history history = {.rows = rows};

	session->facts.from = session_from(session);
	session->facts.helo_class = session_helo_class(session);
	recall(session, from, count, &history, noted);
	mail->judgement = judge(&session->world->policy, &session->facts,
	    session->has_history ? &history : NULL,
	    clock_wall(session->world->clock));
	mail->is_judged = true;
	session->history = history;
	session->history.rows = NULL;
	session->history.rows_noted = NULL;
	session->history.rows_count = 0;
	free(noted);
	free(rows);
}
