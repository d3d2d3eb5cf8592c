/* SPDX-License-Identifier: BSD-2-Clause */
/* DATA: the whole message is judged once, and greylisted with one 450 at most. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "record/mx.h"
#include "session/session_private.h"

/*
 * Postfix ends a session after 20 errors with "too many errors after DATA", for
 * which log watchers punish the client; from 10 errors on it answers slowly. So
 * the 450 before is a 421: come again on another connection.
 */
#define REFUSALS_MAX 10

void
session_record_done(void *ctx, uint64_t ticket, enum note_state state)
{
	const struct snapshot *snapshot = ctx;

	/* A note that a flood's limit kept off the disk is still a 450. */
	snapshot->decide(snapshot->decide_ctx, ticket,
	    state == NOTE_COMMITTED || state == NOTE_LIMITED);
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
session_refusal(struct session *session)
{
	char text[600];

	if (session->mail->other == NULL) {
		session->mail->is_last = ++session->refusals >= REFUSALS_MAX;
		snprintf(text, sizeof text, "%s 4.7.1 %s",
		    session->mail->is_last ? "421" : "450",
		    session->snapshot->greylist_text);
		session->mail->other = text_dup(text);
	}
	return session->mail->other;
}

/* No memory, no greylisting: on_failure decides what replaces the 450. */
void
session_not_greylisted(struct session *session)
{
	struct transaction *mail = session->mail;

	session_fault(session, FAULT_STORE);
	mail->judgement.why = WHY_FAULT;
	mail->judgement.verdict = VERDICT_PASS;
	if (!session->snapshot->fail_open)
		mail->reply = "451";
}

struct answer
session_on_failure(const struct session *session)
{
	return session->snapshot->fail_open ? answer_continue : answer_trouble;
}

struct answer
session_greylist(struct session *session)
{
	struct transaction *mail = session->mail;

	if (!session->has_history || session->now.ticket == 0 ||
	    session_refusal(session) == NULL) {
		session_not_greylisted(session);
		return session_on_failure(session);
	}
	session->waits_for = WAITS_FOR_RECORD;
	record_attempt(session, 0, mail->count, session_record_done);
	struct answer answer = session_on_failure(session);
	answer.wish.reply_until_ms = session->now.mono_ms + COMMIT_LIMIT_MS;
	answer.wish.other = mail->other;
	return answer;
}

static bool
is_set_free(struct session *session)
{
	struct transaction *mail = session->mail;

	if (session->exempt_by != NULL || mail->exempt_by != NULL)
		return true;
	if (mail->exempt != 0 && mail->exempt == mail->accepted) {
		mail->exempt_by = text_dup(mail->exempt_recipient);
		return true;
	}
	mail->exempt_by = exempt_sender(session);
	return mail->exempt_by != NULL;
}

/*
 * At DATA and at the end of the message. Where CHUNKING is offered, what came ahead
 * may as well be the chunk behind a BDAT (RFC 3030), which the MTA shows as DATA.
 */
void
session_look_for_pipe(struct session *session)
{
	enum gate_early ahead = session->now.ahead;

	if (session->facts.pipe == PIPE_YES)
		return;
	session->facts.pipe = ahead == GATE_EARLY_NO ? PIPE_NO : PIPE_UNKNOWN;
	if (ahead == GATE_EARLY_YES && session->snapshot->policy.trust_eom)
		session->facts.pipe = PIPE_YES;
}

/* For all recipients; what RCPT and a hold have decided stands. */
static enum verdict
judge_message(struct session *session)
{
	struct transaction *mail = session->mail;
	struct judgement at_rcpt = mail->judgement;
	bool was_judged = mail->is_judged;

	decide_judge(session, 0, mail->count);
	enum verdict verdict = decide_after_hold(session);
	if (session->overflow && mail->judgement.verdict != VERDICT_PASS) {
		mail->judgement.why = WHY_OVERFLOW;
		mail->judgement.verdict = verdict;
	}
	if (was_judged && session->hold.over && verdict == VERDICT_PASS &&
	    mail->judgement.verdict != VERDICT_PASS) {
		at_rcpt.early |= mail->judgement.early;
		if (mx_count(mail->judgement.mxs) > mx_count(at_rcpt.mxs))
			at_rcpt.mxs = mail->judgement.mxs;
		mail->judgement = at_rcpt;
	}
	return verdict;
}

struct answer
session_judge(struct session *session, bool is_late)
{
	struct transaction *mail = session->mail;

	if (mail->gather != NULL && mail->dns == NULL)
		session_fault(session, FAULT_DNS);
	if (is_set_free(session)) {
		if (!session->is_outgoing)
			decide_listed(session);
		return answer_continue;
	}
	if (session_is_lost(session))
		return answer_continue;
	enum verdict verdict = judge_message(session);
	if (is_late && mail->judgement.verdict != VERDICT_PASS) {
		mail->judgement.would = mail->judgement.verdict;
		mail->judgement.verdict = VERDICT_PASS;
		return answer_continue;
	}
	if (verdict == VERDICT_HOLD)
		return hold_start(session, 0, true);
	return verdict == VERDICT_GREYLIST ? session_greylist(session)
	                                   : answer_continue;
}

struct answer
session_data(
    struct session *session, const struct gate_moment *moment, const char *queue_id)
{
	struct transaction *mail = session->mail;

	session_enter(session, moment);
	if (mail == NULL)
		return answer_continue;
	mail->data_seen = true;
	if (mail->queue_id == NULL)
		mail->queue_id = text_dup(queue_id);
	session_look_for_pipe(session);
	session_take_dns(session);
	return session_judge(session, false);
}

struct answer
session_headers_end(struct session *session, const struct gate_moment *moment)
{
	struct transaction *mail = session->mail;

	if (mail == NULL || mail->data_seen) {
		session_enter(session, moment);
		return answer_continue;
	}
	if (activity_no_data(session->snapshot->activity))
		log_warnx("%s", ACTIVITY_NO_DATA);
	return session_data(session, moment, NULL);
}
