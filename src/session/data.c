/* SPDX-License-Identifier: BSD-2-Clause */
/* DATA: the whole message is judged once, and greylisted with one 450 at most. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "session/internal.h"

/* On the writer's thread: the 450 goes out only when its attempt is on disk. */
void
session_commit_done(void *ctx, uint64_t number, enum note_state state)
{
	const struct world *world = ctx;
	bool refuse =
	    state == NOTE_COMMITTED || state == NOTE_LIMITED || !world->fail_open;

	world->port->settle(
	    world->port->ctx, number, refuse ? PORT_REFUSE_NOW : PORT_FORWARD_NOW);
}

const char *
session_refusal(const struct session *session, char *buf, size_t size)
{
	snprintf(buf, size, "450 4.7.1 %s", session->world->greylist_text);
	return buf;
}

/* No memory, no greylisting: on_failure decides what replaces the 450. */
static struct reply
without_memory(struct session *session)
{
	session_fault(session, FAULT_STORE);
	session->mail->judgement.why = WHY_FAULT;
	session->mail->judgement.verdict = VERDICT_PASS;
	if (session->world->fail_open)
		return reply_continue;
	session->mail->reply = "451";
	return session_reply_trouble();
}

struct reply
session_greylist(struct session *session)
{
	struct transaction *mail = session->mail;
	const struct port *port = session->world->port;
	char refusal[600];

	if (!session->has_history)
		return without_memory(session);
	struct port_wait wait = {
	    .kind = PORT_WITHHOLD,
	    .until_ms = clock_mono_ms(session->world->clock) + COMMIT_LIMIT_MS,
	    .refusal = session_refusal(session, refusal, sizeof refusal),
	    .refuse_when_due = !session->world->fail_open,
	    .settles_once = true,
	};
	if (port->wait(port->ctx, session->number, &wait) != PORT_WAITING) {
		mail->reply = "451";
		return session_reply_trouble();
	}
	if (!record_attempt(session, 0, mail->count, session_commit_done))
		session_fault(session, FAULT_STORE);
	return reply_continue;
}

/* What the judgement means for a connection that may have been held already. */
static enum verdict
after_hold(const struct session *session, const struct judgement *judgement)
{
	const struct hold *hold = &session->hold;

	if (session->overflow && judgement->verdict != VERDICT_PASS)
		return judge_overflow(&session->world->policy,
		    session->has_history ? &session->history : NULL);
	if (!hold->over)
		return judgement->verdict;
	if (judgement->verdict == VERDICT_PASS)
		return VERDICT_PASS;
	return judgement->then_greylist ? VERDICT_GREYLIST : VERDICT_PASS;
}

static bool
is_set_free(struct session *session)
{
	struct transaction *mail = session->mail;

	if (session->exempt_by != NULL || mail->exempt_by != NULL)
		return true;
	if (mail->exempt != 0 && mail->exempt == mail->accepted) {
		mail->exempt_by = text_dup("recipient");
		return true;
	}
	mail->exempt_by = exempt_sender(session);
	return mail->exempt_by != NULL;
}

/*
 * Octets behind DATA, before the client can have read the 354. Where CHUNKING is
 * offered they may as well be the chunk behind a BDAT (RFC 3030), which the MTA
 * shows as DATA.
 */
static void
look_for_pipe(struct session *session)
{
	const struct port *port = session->world->port;
	int64_t pending = port->pending(port->ctx, session->number);

	if (session->facts.pipe == PIPE_YES || pending < 0)
		return;
	if (pending == 0)
		session->facts.pipe = PIPE_NO;
	else
		session->facts.pipe =
		    session->world->policy.trust_eom ? PIPE_YES : PIPE_UNKNOWN;
}

struct reply
session_data(struct session *session, const char *queue_id)
{
	struct transaction *mail = session->mail;

	hold_settle(session);
	if (session->refuse_all)
		return session_reply_gone();
	if (mail == NULL)
		return reply_continue;
	mail->data_seen = true;
	if (mail->queue_id == NULL)
		mail->queue_id = text_dup(queue_id);
	look_for_pipe(session);
	session_take_dns(session);
	if (mail->gather != NULL && mail->dns == NULL)
		session_fault(session, FAULT_DNS);
	if (is_set_free(session))
		return reply_continue;

	struct judgement at_rcpt = mail->judgement;
	bool was_judged = mail->is_judged;
	session_judge(session, 0, mail->count);
	enum verdict verdict = after_hold(session, &mail->judgement);
	if (verdict == VERDICT_HOLD && session->hold.begun)
		verdict = VERDICT_PASS;
	if (verdict == VERDICT_HOLD)
		return hold_start(session, 0, true);
	if (session->overflow && mail->judgement.verdict != VERDICT_PASS) {
		mail->judgement.why = WHY_OVERFLOW;
		mail->judgement.verdict = verdict;
	}
	if (was_judged && session->hold.over && verdict == VERDICT_PASS &&
	    mail->judgement.verdict != VERDICT_PASS) {
		at_rcpt.early |= mail->judgement.early;
		mail->judgement = at_rcpt;
	}
	return verdict == VERDICT_GREYLIST ? session_greylist(session)
	                                   : reply_continue;
}
