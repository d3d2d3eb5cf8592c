/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "base/text.h"
#include "session/session_private.h"

static void
keep(char *target, const char *source)
{
	text_copy(target, EXPLAIN_TEXT_SIZE, source == NULL ? "" : source);
}

struct recall {
	const struct explain_memory *memory;
	struct explained *out;
};

/* Asks as the session does, and keeps the answer. */
static bool
recall(void *ctx, const struct store_who *who, const struct triplet *triplets,
    size_t count, int64_t now, struct history *history_r)
{
	struct recall *recall = ctx;
	const struct explain_memory *memory = recall->memory;
	struct explained *out = recall->out;

	out->has_history =
	    memory->recall != NULL &&
	    memory->recall(memory->ctx, who, triplets, count, now, history_r);
	if (out->has_history && count > 0)
		out->row = history_r->rows[0];
	return out->has_history;
}

static bool
give_dns(struct session *session, const struct dns_facts *dns)
{
	struct transaction *mail = session->mail;

	if (mail == NULL || dns == NULL)
		return mail != NULL;
	session->facts.dns = mail->dns = dns_facts_copy(dns);
	return mail->dns != NULL;
}

/* Plays a hold that was sat out, with its attempt on record. */
static void
pass_time(struct gate_moment *moment, const struct session *session,
    const struct answer *answer, struct explained *out)
{
	if (!answer->wish.is_hold)
		return;
	out->hold = decide_hold(session, session->mail->data_seen);
	moment->mono_ms += out->hold.ms;
	moment->wall += out->hold.ms / 1000;
	moment->last = (struct gate_delay){.end = GATE_END_ELAPSED,
	    .waited_ms = out->hold.ms,
	    .watched = true,
	    .other = answer->wish.other != NULL};
}

/* Runs the session as the daemon would, up to the end of DATA. */
static bool
play(struct session *session, const struct explain_visit *visit,
    struct explained *out)
{
	struct gate_moment moment = {.wall = visit->now,
	    .ticket = 1,
	    .has_place = true,
	    .max_holds = UINT32_MAX};

	session_connect(session, &moment, &visit->client);
	session_helo(session, visit->helo, visit->tls);
	session_mail(
	    session, &moment, visit->sender, visit->authenticated, visit->tls);
	if (!give_dns(session, visit->dns))
		return false;
	struct answer answer =
	    session_rcpt(session, &moment, visit->recipient, false);
	if (session->mail == NULL || session->mail->count == 0)
		return false;
	pass_time(&moment, session, &answer, out);
	answer = session_data(session, &moment, NULL);
	pass_time(&moment, session, &answer, out);
	if (answer.wish.is_hold)
		session_enter(session, &moment);
	return true;
}

/* What the rule is for: the comment after its line, or its tag. */
static void
add_reason(const struct session *session, struct explained *out)
{
	const struct s25r_fact *s25r = &session->facts.s25r;
	const struct s25r_rule *rule = s25r->rule != NULL ? s25r->rule : s25r->warn;
	size_t used = strlen(out->detail), left = sizeof out->detail - used;

	if (used == 0)
		return;
	if (out->judgement.suspect == WHY_S25R)
		snprintf(out->detail + used, left, " (%s)", rule->reason);
	else if (out->judgement.suspect == WHY_LOCAL)
		snprintf(out->detail + used, left, " %s", session->local_rule->tag);
}

static void
fill(const struct session *session, struct explained *out)
{
	const struct transaction *mail = session->mail;

	keep(out->exempt,
	    session->exempt_by != NULL ? session->exempt_by : mail->exempt_by);
	out->s25r = session->facts.s25r;
	out->is_outgoing = session->is_outgoing;
	if (!session->is_outgoing) {
		out->judgement = mail->judgement;
		out->history = session->history;
		text_copy(out->domain, sizeof out->domain,
		    session_domain(session) != NULL ? session_domain(session) : "");
		text_copy(out->organisation, sizeof out->organisation,
		    session_organisation(session) != NULL
		        ? session_organisation(session)
		        : "");
		decide_detail(session, out->detail, sizeof out->detail);
		add_reason(session, out);
	}
	session_words_fill(session, true, &out->words);
	stamp_session(&out->words, out->session_header);
	stamp_client(session, out->client_header);
	stamp_flags(session, &out->words, out->flags_header);
}

bool
session_explain(struct snapshot *snapshot, const struct explain_visit *visit,
    const struct explain_memory *memory, struct explained *out)
{
	struct session *session = session_new(snapshot);
	struct recall asked = {memory, out};

	*out = (struct explained){.judgement.suspect = WHY_NONE};
	if (session == NULL)
		return false;
	snapshot->recall = recall;
	snapshot->recall_ctx = &asked;
	snapshot->secret = memory->secret;
	/* no real session has it */
	memset(session->sid, '0', SID_SIZE - 1);
	bool ok = play(session, visit, out);
	if (ok)
		fill(session, out);
	snapshot->recall = NULL;
	snapshot->recall_ctx = NULL;
	session_free(session); /* session_close() would write an event */
	return ok;
}
