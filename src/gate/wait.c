/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a wait: the loop's side of gate_wait() and its relatives. */
#include <stdlib.h>

#include "gate/gate_private.h"

void
wait_renew(struct shared *shared)
{
	if (!shared->fresh)
		return;
	shared->fresh = false;
	shared->end = GATE_END_NONE;
	shared->waited_ms = 0;
	shared->was_hold = shared->watched = shared->refused = false;
	shared->counted = false;
}

void
wait_sent(struct gate *gate, struct conn *conn, char cmd, bool again)
{
	struct shared *shared = &conn->shared;

	pthread_mutex_lock(&gate->lock);
	shared->cmd = cmd;
	shared->wants = shared->woken = shared->has_settle = shared->parked = false;
	if (!again) {
		shared->fresh = true;
		shared->asked = 0;
	}
	shared->asked++;
	pthread_mutex_unlock(&gate->lock);
}

bool
wait_is_on(const struct conn *conn)
{
	return conn->state == CONN_WAITING || conn->state == CONN_WITHHELD ||
	       conn->state == CONN_KEPT;
}

/* With gate->lock held. */
static void
settle_end(struct gate *gate, struct conn *conn, enum gate_end end)
{
	struct shared *shared = &conn->shared;

	wait_renew(shared);
	if (shared->end == GATE_END_WAITING && gate->now_ms > shared->began_ms)
		shared->waited_ms = gate->now_ms - shared->began_ms;
	if (end != GATE_END_NONE)
		shared->end = end;
	shared->wants = shared->parked = false;
	shared->cmd = 0;
	free(shared->refusal);
	shared->refusal = NULL;
	budget_release(gate, conn);
}

void
wait_ended(struct gate *gate, struct conn *conn, enum gate_end end)
{
	pthread_mutex_lock(&gate->lock);
	settle_end(gate, conn, end);
	pthread_mutex_unlock(&gate->lock);
	loop_unwatch(gate, conn);
}

static struct watch_result
look(struct gate *gate, struct conn *conn)
{
	pthread_mutex_lock(&gate->lock);
	struct watch_socket socket = conn->shared.socket;
	pthread_mutex_unlock(&gate->lock);

	const struct watch_socket *wanted = &socket;
	struct watch_result result;
	watch_look(&gate->watch_socket, &wanted, 1, &result);
	return result;
}

/* The client's socket at the start of a hold. */
static void
begin_watch(struct gate *gate, struct conn *conn)
{
	pthread_mutex_lock(&gate->lock);
	bool watched = conn->shared.watched || conn->shared.was_seen;
	bool counted = conn->shared.counted;
	pthread_mutex_unlock(&gate->lock);
	struct watch_result result = look(gate, conn);

	bool stands = result.state == WATCH_STANDS;
	pthread_mutex_lock(&gate->lock);
	conn->shared.counted = true;
	conn->shared.watched =
	    watched || result.state == WATCH_STANDS || result.state == WATCH_LEFT;
	if (!counted && conn->shared.watched)
		gate->report.watched++;
	else if (!counted)
		gate->report.unwatched++;
	pthread_mutex_unlock(&gate->lock);
	if (stands || (watched && result.state == WATCH_UNKNOWN))
		loop_watch(gate, conn);
	else if (watched || result.state == WATCH_LEFT)
		answer_take_over(gate, conn, ANSWER_GONE);
	else if (!gate->said_unwatched) {
		gate->said_unwatched = true;
		log_info(
		    "gate: a held client's socket cannot be seen from here; its "
		    "hang-up is noticed when the hold ends (said once)");
	}
}

void
wait_looked(struct gate *gate, struct conn *conn, enum watch_state state)
{
	if (state == WATCH_STANDS || state == WATCH_UNKNOWN || !wait_is_on(conn))
		return;
	answer_take_over(gate, conn, ANSWER_GONE);
}

/* A hold is over: true when the client has left meanwhile. */
static bool
has_left(struct gate *gate, struct conn *conn)
{
	if (!conn->watching)
		return false;
	wait_looked(gate, conn, look(gate, conn).state);
	return conn->answerer != ANSWER_LIBMILTER;
}

bool
wait_reply(struct gate *gate, struct conn *conn, const char *frame, size_t len)
{
	struct shared *shared = &conn->shared;
	char reply = frame[FRAME_LENGTH];

	pthread_mutex_lock(&gate->lock);
	enum gate_wait_kind kind = shared->kind;
	/* After accept or discard libmilter would not answer the command again. */
	bool takes =
	    shared->wants && !(kind == GATE_ASK_AGAIN &&
	                         (reply == SMFIR_ACCEPT || reply == SMFIR_DISCARD));
	bool is_hold = shared->is_hold, stops = gate->no_waits;
	if (!takes)
		settle_end(gate, conn,
		    shared->end == GATE_END_WAITING ? GATE_END_WOKEN
		                                    : GATE_END_NONE);
	shared->cmd = 0;
	shared->wants = false;
	conn->until_ms = shared->until_ms;
	pthread_mutex_unlock(&gate->lock);
	if (!takes) {
		loop_unwatch(gate, conn);
		return false;
	}

	conn->state = kind == GATE_ASK_AGAIN ? CONN_WAITING : CONN_WITHHELD;
	if (kind == GATE_WITHHOLD)
		buf_append(&conn->withheld, frame, len);
	buf_trim(&conn->in);
	if (conn->front_hup) {
		conn_close_front(gate, conn);
		return true;
	}
	if (stops) {
		answer_take_over(gate, conn, ANSWER_STOPPED);
		return true;
	}
	if (is_hold)
		begin_watch(gate, conn);
	if (conn->answerer == ANSWER_LIBMILTER)
		wait_check(gate, conn);
	return true;
}

bool
wait_keeps(struct gate *gate, struct conn *conn)
{
	struct shared *shared = &conn->shared;

	pthread_mutex_lock(&gate->lock);
	bool keeps = shared->data_until_ms > gate->now_ms;
	conn->until_ms = shared->data_until_ms;
	if (!keeps)
		shared->data_until_ms = 0;
	shared->parked = keeps;
	pthread_mutex_unlock(&gate->lock);
	return keeps;
}

static void
ask_again(struct gate *gate, struct conn *conn, bool is_due)
{
	loop_unwatch(gate, conn);
	pthread_mutex_lock(&gate->lock);
	struct shared *shared = &conn->shared;
	if (is_due || !shared->is_hold)
		settle_end(gate, conn, is_due ? GATE_END_ELAPSED : GATE_END_WOKEN);
	pthread_mutex_unlock(&gate->lock);
	wait_sent(gate, conn, SMFIC_RCPT, true);
	buf_append(
	    &conn->out_back, buf_head(&conn->in), (size_t)frames_length(&conn->in));
	conn->urgent = true;
	conn->state = CONN_DUE;
	conn->sent_ms = gate->now_ms;
	loop_timer(gate, conn);
}

static void
let_go(struct gate *gate, struct conn *conn, bool is_due, bool refuse)
{
	static const char *const text_refused = "451 4.3.0 Try again later";

	if (refuse) {
		pthread_mutex_lock(&gate->lock);
		const char *own = conn->shared.refusal;
		answer_refuse(conn, own == NULL ? text_refused : own);
		conn->shared.refused = true;
		pthread_mutex_unlock(&gate->lock);
	} else
		buf_append(&conn->out_front, buf_head(&conn->withheld),
		    conn->withheld.len);
	char reply =
	    refuse ? SMFIR_REPLYCODE : buf_head(&conn->withheld)[FRAME_LENGTH];
	buf_clear(&conn->withheld);
	wait_ended(gate, conn, is_due ? GATE_END_ELAPSED : GATE_END_WOKEN);
	frames_done(conn, reply);
}

static void
check_withheld(struct gate *gate, struct conn *conn)
{
	struct shared *shared = &conn->shared;

	pthread_mutex_lock(&gate->lock);
	bool is_due = gate->now_ms >= conn->until_ms, now = false;
	if (shared->has_settle) {
		now = shared->settle == GATE_FORWARD_NOW ||
		      shared->settle == GATE_REFUSE_NOW;
		shared->refuse_when_due = shared->settle == GATE_REFUSE_NOW ||
		                          shared->settle == GATE_REFUSE_WHEN_DUE;
		shared->has_settle = shared->settles_once = false;
	}
	bool refuse = shared->refuse_when_due;
	shared->parked = true;
	if (is_due && shared->settles_once)
		shared->owed++;
	pthread_mutex_unlock(&gate->lock);
	if ((is_due || now) && !has_left(gate, conn))
		let_go(gate, conn, is_due, refuse);
}

/* Acts on what was asked for, has come or is due, and hears of what will come. */
void
wait_check(struct gate *gate, struct conn *conn)
{
	struct shared *shared = &conn->shared;

	if (conn->state == CONN_WITHHELD)
		check_withheld(gate, conn);
	else if (conn->state == CONN_KEPT && !wait_keeps(gate, conn)) {
		conn->state = CONN_IDLE;
		conn->due = 0;
	} else if (conn->state == CONN_WAITING) {
		pthread_mutex_lock(&gate->lock);
		bool woken = shared->woken;
		shared->parked = true;
		pthread_mutex_unlock(&gate->lock);
		bool is_due = gate->now_ms >= conn->until_ms;
		if ((is_due || woken) && !(is_due && has_left(gate, conn)))
			ask_again(gate, conn, is_due);
	}
	if (wait_is_on(conn))
		loop_timer(gate, conn);
}
