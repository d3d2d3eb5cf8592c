/* SPDX-License-Identifier: BSD-2-Clause */
/* The 450 of a transaction, which waits for its record. */
#include <stdio.h>

#include "base/text.h"
#include "session/session_private.h"

/*
 * After 20 errors Postfix ends a session with "too many errors after DATA", for
 * which log watchers punish the client; from 10 errors on it answers slowly. So the
 * last 450 before that is a 421: come again on another connection.
 */
#define REFUSALS_MAX 10

void
greylist_record_done(void *ctx, uint64_t ticket, enum note_state state)
{
	const struct snapshot *snapshot = ctx;

	/* A note that the flood limit kept off the disk still gets a 450. */
	snapshot->decide(snapshot->decide_ctx, ticket,
	    state == NOTE_COMMITTED || state == NOTE_LIMITED);
}

const char *
greylist_reply(struct session *session)
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

/* No record, no greylisting: on_failure decides what replaces the 450. */
void
greylist_failed(struct session *session)
{
	struct transaction *mail = session->mail;

	session_fault(session, FAULT_STORE);
	mail->judgement.why = WHY_FAULT;
	mail->judgement.verdict = VERDICT_PASS;
	if (!session->snapshot->fail_open)
		mail->reply = "451";
}

struct answer
greylist_on_failure(const struct session *session)
{
	return session->snapshot->fail_open ? answer_continue : answer_trouble;
}

struct answer
greylist_start(struct session *session)
{
	struct transaction *mail = session->mail;

	if (!session->has_history || session->now.ticket == 0 ||
	    greylist_reply(session) == NULL) {
		greylist_failed(session);
		return greylist_on_failure(session);
	}
	session->waits_for = WAITS_FOR_RECORD;
	record_attempt(session, 0, mail->count, greylist_record_done);
	struct answer answer = greylist_on_failure(session);
	answer.wish.reply_until_ms =
	    session->now.mono_ms + store_note_limit_ms(session->snapshot->store);
	answer.wish.other = mail->other;
	return answer;
}
