/* SPDX-License-Identifier: BSD-2-Clause */
/* The one hold of a connection: asked for, asked again, ended. */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "session/internal.h"

#define LEAST_WAIT_MS 10

static uint64_t
keyed(const struct session *session, const void *data, size_t length)
{
	return siphash(store_secret(session->world->store), data, length);
}

static struct hold_plan
plan(const struct session *session, const struct port_grant *grant)
{
	struct ip address = key_address(&session->facts.ip);
	struct hold_request request = {
	    .dice = keyed(session, &address, sizeof address),
	    .at_data = session->hold.at_data,
	    .holds = grant->holds,
	    .max_holds = grant->max_holds,
	    .spent_ms = session->world->dns_timeout_ms,
	};

	return hold_plan(&session->world->policy, &request);
}

static struct reply
overflow(struct session *session, const struct port_grant *grant)
{
	static struct log_limit limit;
	struct judgement *judgement = &session->mail->judgement;

	if (log_may(&limit, clock_mono_ms(session->world->clock), NULL))
		log_info("sid=%s no place for a hold, %u of %u taken: overflow=%s",
		    session->sid, grant->holds, grant->max_holds,
		    session->world->policy.overflow == OVERFLOW_PASS ? "pass"
		                                                     : "greylist");
	board_shed(session->world->board);
	session->overflow = true;
	session->hold.shed = true;
	session->hold.end = HOLD_SHED;
	judgement->why = WHY_OVERFLOW;
	judgement->verdict = judge_overflow(&session->world->policy,
	    session->has_history ? &session->history : NULL);
	return reply_continue;
}

static void
begin(struct session *session)
{
	struct hold *hold = &session->hold;

	hold->begun = true;
	hold->board.ip = session->facts.ip;
	hold->board.sid = session->sid;
	hold->board.name = session->name;
	hold->board.since = clock_wall(session->world->clock);
	hold->board.asked_s = hold->asked_ms / 1000;
	board_hold_begin(session->world->board, &hold->board);
	if (hold->shed)
		board_shed(session->world->board);
}

static void
finish(struct session *session, enum hold_end end)
{
	session->hold.over = true;
	session->hold.end = end;
	board_hold_end(session->world->board, &session->hold.board);
}

static struct reply
refuse_all(struct session *session, enum hold_end end)
{
	finish(session, end);
	session->refuse_all = true;
	session->mail->reply = end == HOLD_GONE ? "450" : "451";
	return end == HOLD_GONE ? session_reply_gone() : session_reply_trouble();
}

/* The port would not wait: stopping, the client gone, or no gate at all. */
static struct reply
not_waiting(struct session *session)
{
	const struct port *port = session->world->port;
	struct port_outcome outcome;

	if (port->outcome(port->ctx, session->number, &outcome)) {
		if (outcome.end == PORT_END_GONE)
			return refuse_all(session, HOLD_GONE);
		return refuse_all(session, HOLD_STOPPED);
	}
	session_fault(session, FAULT_GATE);
	finish(session, HOLD_FAULT);
	return reply_continue;
}

static enum port_answer
ask(struct session *session)
{
	const struct port *port = session->world->port;
	const struct hold *hold = &session->hold;
	char refusal[600];
	bool greylists = hold->at_data && session->mail->judgement.then_greylist;
	struct port_wait wait = {
	    .kind = hold->at_data ? PORT_WITHHOLD : PORT_ASK_AGAIN,
	    .until_ms = hold->until_ms,
	    .is_hold = true,
	    .refusal = session_refusal(session, refusal, sizeof refusal),
	    .refuse_when_due = greylists,
	};

	return port->wait(port->ctx, session->number, &wait);
}

/* strict at DATA: without a record of the attempt there is no 450 either. */
static void
attempt_done(void *ctx, uint64_t number, enum note_state state)
{
	const struct world *world = ctx;

	if (state == NOTE_FAILED && world->fail_open)
		world->port->settle(
		    world->port->ctx, number, PORT_FORWARD_WHEN_DUE);
}

struct reply
hold_start(struct session *session, size_t first, bool at_data)
{
	const struct port *port = session->world->port;
	struct hold *hold = &session->hold;
	struct transaction *mail = session->mail;
	struct ipnet net = key_budget(&session->facts.ip);
	struct port_grant grant =
	    port->budget(port->ctx, session->number, keyed(session, &net.ip, 16));

	if (!grant.granted) {
		struct reply reply = overflow(session, &grant);
		if (at_data && mail->judgement.verdict == VERDICT_GREYLIST)
			return session_greylist(session);
		return reply;
	}
	hold->at_data = at_data;
	struct hold_plan planned = plan(session, &grant);
	hold->shed = planned.shed;
	hold->asked_ms = planned.ms < LEAST_WAIT_MS ? LEAST_WAIT_MS : planned.ms;
	hold->until_ms = clock_mono_ms(session->world->clock) + hold->asked_ms;
	begin(session);
	if (ask(session) != PORT_WAITING)
		return not_waiting(session);
	bool greylists = at_data && mail->judgement.then_greylist;
	size_t count = at_data ? mail->count : 1;
	if (!record_attempt(session, first, count, greylists ? attempt_done : NULL))
		session_fault(session, FAULT_STORE);
	if (log_wants(LOG_LEVEL_DEBUG))
		log_debug("sid=%s hold begins, %lld ms, %u of %u", session->sid,
		    (long long)hold->asked_ms, grant.holds, grant.max_holds);
	return reply_continue;
}

static enum hold_end
end_of(enum port_end end)
{
	switch (end) {
	case PORT_END_GONE:
		return HOLD_GONE;
	case PORT_END_STOPPED:
		return HOLD_STOPPED;
	case PORT_END_MTA_GONE:
		return HOLD_MTA_GONE;
	case PORT_END_ELAPSED:
	case PORT_END_NONE:
	case PORT_END_WAITING:
	case PORT_END_WOKEN:
		break;
	}
	return HOLD_ELAPSED;
}

static bool
is_due(const struct session *session, const struct port_outcome *outcome)
{
	return outcome->end == PORT_END_ELAPSED ||
	       clock_mono_ms(session->world->clock) >= session->hold.until_ms;
}

struct reply
hold_ask_again(struct session *session)
{
	const struct port *port = session->world->port;
	struct hold *hold = &session->hold;
	struct port_outcome outcome;

	if (!port->outcome(port->ctx, session->number, &outcome))
		return not_waiting(session);
	hold->waited_ms = outcome.waited_ms;
	hold->watched = outcome.watched;
	enum hold_end end = end_of(outcome.end);
	if (end != HOLD_ELAPSED)
		return refuse_all(session, end);
	session_take_dns(session);
	if (is_due(session, &outcome)) {
		finish(session, HOLD_ELAPSED);
		return reply_continue;
	}
	struct transaction *mail = session->mail;
	struct judgement before = mail->judgement;
	char *setter = exempt_sender(session);
	session_judge(session, 0, mail->count);
	if (setter != NULL || mail->judgement.verdict == VERDICT_PASS) {
		mail->exempt_by = setter;
		finish(session, HOLD_RELEASED);
		return reply_continue;
	}
	mail->judgement = before;
	return ask(session) == PORT_WAITING ? reply_continue : not_waiting(session);
}

void
hold_settle(struct session *session)
{
	const struct port *port = session->world->port;
	struct hold *hold = &session->hold;
	struct port_outcome outcome;

	if (!hold->begun || hold->over)
		return;
	if (!port->outcome(port->ctx, session->number, &outcome)) {
		finish(session, HOLD_FAULT);
		return;
	}
	hold->waited_ms = outcome.waited_ms;
	hold->watched = outcome.watched;
	enum hold_end end = end_of(outcome.end);
	if (end == HOLD_ELAPSED && !is_due(session, &outcome))
		end = HOLD_MTA_GONE;
	finish(session, end);
	if (hold->end != HOLD_ELAPSED) {
		session->refuse_all = true;
		if (session->mail != NULL && session->mail->reply == NULL)
			session->mail->reply =
			    hold->end == HOLD_GONE ? "450" : "451";
	}
}
