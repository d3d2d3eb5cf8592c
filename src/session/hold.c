/* SPDX-License-Identifier: BSD-2-Clause */
/* The one hold of a connection. */
#include "base/log.h"
#include "session/session_private.h"

static void
begin(struct session *session)
{
	struct hold *hold = &session->hold;

	session->waits_for = WAITS_FOR_HOLD;
	hold->begun = true;
	hold->activity.ip = session->facts.ip;
	hold->activity.sid = session->sid;
	hold->activity.name = session->facts.name;
	hold->activity.since = session->now.wall;
	hold->activity.asked_s = hold->asked_ms / 1000;
	activity_hold_begin(session->snapshot->activity, &hold->activity);
	if (hold->shed)
		activity_shed(session->snapshot->activity);
}

void
hold_end(struct session *session, enum gate_end end)
{
	static const enum hold_end ends[] = {[GATE_END_NONE] = HOLD_MTA_GONE,
	    [GATE_END_ELAPSED] = HOLD_ELAPSED,
	    [GATE_END_GONE] = HOLD_GONE,
	    [GATE_END_STOPPED] = HOLD_STOPPED,
	    [GATE_END_MTA_GONE] = HOLD_MTA_GONE};

	session->hold.over = true;
	session->hold.end = ends[end];
	activity_hold_end(session->snapshot->activity, &session->hold.activity);
}

/* No place was left, or its length is zero: nobody is held. */
static struct answer
no_hold(struct session *session, bool at_data)
{
	struct transaction *mail = session->mail;

	if (at_data && mail->judgement.verdict == VERDICT_GREYLIST)
		return greylist_start(session);
	return answer_continue;
}

static struct answer
of_no_length(struct session *session, bool at_data)
{
	struct hold *hold = &session->hold;

	hold->over = true;
	hold->end = hold->shed ? HOLD_SHED : HOLD_NONE;
	session->mail->judgement.verdict = decide_after_hold(session);
	return no_hold(session, at_data);
}

static struct answer
without_gate(struct session *session)
{
	session_fault(session, FAULT_GATE);
	session->hold.over = true;
	session->hold.end = HOLD_FAULT;
	return answer_continue;
}

struct answer
hold_start(struct session *session, size_t first, bool at_data)
{
	struct hold *hold = &session->hold;
	struct transaction *mail = session->mail;

	if (session->now.ticket == 0)
		return without_gate(session);
	if (!session->now.has_place) {
		decide_overflow(session);
		return no_hold(session, at_data);
	}
	struct hold_plan planned = decide_hold(session, at_data);
	hold->shed = planned.shed;
	if (planned.ms <= 0)
		return of_no_length(session, at_data);
	hold->asked_ms = planned.ms;
	begin(session);
	/* at DATA: without a record of the attempt there is no 450 either */
	bool greylists = at_data && mail->judgement.then_greylist &&
	                 greylist_reply(session) != NULL;
	record_attempt(session, first, at_data ? mail->count : 1,
	    greylists ? greylist_record_done : NULL);
	if (log_wants(LOG_LEVEL_DEBUG))
		log_debug("sid=%s hold begins, %lld ms, %u of %u", session->sid,
		    (long long)hold->asked_ms, session->now.holds,
		    session->now.max_holds);
	struct answer answer =
	    greylists ? greylist_on_failure(session) : answer_continue;
	answer.wish.is_hold = true;
	answer.wish.reply_until_ms = session->now.mono_ms + hold->asked_ms;
	answer.wish.other = greylists ? mail->other : NULL;
	return answer;
}
