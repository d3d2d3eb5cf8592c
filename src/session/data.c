/* SPDX-License-Identifier: BSD-2-Clause */
/* DATA: the whole message is judged once, and gets at most one 450. */
#include "base/text.h"
#include "record/mx.h"
#include "session/session_private.h"

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
 * At DATA and at the end of the message. With CHUNKING offered, what came early may
 * just as well be the chunk after a BDAT (RFC 3030), which the MTA shows as DATA.
 */
void
data_look_for_pipe(struct session *session)
{
	enum gate_early ahead = session->now.ahead;

	if (session->facts.pipe == PIPE_YES)
		return;
	session->facts.pipe = ahead == GATE_EARLY_NO ? PIPE_NO : PIPE_UNKNOWN;
	if (ahead == GATE_EARLY_YES && session->snapshot->policy.trust_eom)
		session->facts.pipe = PIPE_YES;
}

/* For all recipients; decisions made at RCPT and by a hold stand. */
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
data_judge(struct session *session, bool is_late)
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
	return verdict == VERDICT_GREYLIST ? greylist_start(session)
	                                   : answer_continue;
}
