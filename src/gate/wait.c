/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waits for libmilter's answer, and delays of a command or a reply. One of the
 * first three functions begins a wait; wait_end() ends it.
 */
#include <stdlib.h>

#include "gate/gate_private.h"

#define WATCH_GRID_MS 100 /* look-ups share wake-ups; the period is 0.9 to 1 s */
#define WATCH_MS      1000

bool
wait_is_delay(const struct conn *conn)
{
	return conn->wait.state == WAIT_COMMAND || conn->wait.state == WAIT_REPLY;
}

/*
 * When libmilter must have answered. A jump of the clock (a suspended machine, a
 * test) does not shorten its time.
 */
static int64_t
limit_ms(const struct gate *gate, const struct conn *conn)
{
	int64_t since = conn->wait.since_ms;

	return (since > gate->jumped_ms ? since : gate->jumped_ms) +
	       atomic_load(&gate->answer_timeout_ms);
}

void
wait_due(struct gate *gate, const struct conn *conn, int64_t at_ms)
{
	int64_t *due_ms = &gate->due_ms[conn->number & SLOT_MASK];

	if (at_ms < *due_ms)
		*due_ms = at_ms;
	if (at_ms < gate->soonest_ms)
		gate->soonest_ms = at_ms;
}

void
wait_set_timer(struct gate *gate, struct conn *conn)
{
	const struct wait *wait = &conn->wait;

	if (wait->state == WAIT_NONE)
		return;
	wait_due(gate, conn, wait->progress_ms);
	wait_due(gate, conn, wait->watch_ms);
	wait_due(gate, conn,
	    wait->state == WAIT_LIBMILTER ? limit_ms(gate, conn) : wait->until_ms);
}

static void
begin(struct gate *gate, struct conn *conn, enum wait_state state, char cmd)
{
	struct wait *wait = &conn->wait;

	wait->state = state;
	wait->cmd = cmd;
	wait->since_ms = gate->now_ms;
	if (wait->progress_ms == 0)
		wait->progress_ms = (gate->now_ms + PROGRESS_MS) /
		                    PROGRESS_GRID_MS * PROGRESS_GRID_MS;
	wait_set_timer(gate, conn);
}

/* With gate->lock held. */
static void
set_waiting(struct gate *gate, struct conn *conn, bool is_waiting)
{
	if (conn->shared.is_waiting == is_waiting)
		return;
	conn->shared.is_waiting = is_waiting;
	if (is_waiting)
		gate->report.waiting++;
	else
		gate->report.waiting--;
}

void
wait_for_libmilter(struct gate *gate, struct conn *conn, char cmd)
{
	struct shared *shared = &conn->shared;

	if (cmd == SMFIC_MAIL || cmd == SMFIC_RCPT || cmd == SMFIC_DATA ||
	    cmd == SMFIC_EOH || cmd == SMFIC_BODYEOB) {
		pthread_mutex_lock(&gate->lock);
		shared->moment.ticket =
		    ++gate->generation << SLOT_BITS | (conn->number & SLOT_MASK);
		shared->moment.delayed_ms = conn->wait.delayed_ms;
		shared->wish = (struct gate_wish){.is_hold = false};
		shared->is_decided = shared->chosen = false;
		if (cmd == SMFIC_MAIL) {
			shared->command_ticket = 0;
			shared->moment.ahead = GATE_EARLY_UNKNOWN;
		}
		pthread_mutex_unlock(&gate->lock);
	}
	conn->wait.delayed_ms = 0;
	begin(gate, conn, WAIT_LIBMILTER, cmd);
}

/* With gate->lock held: whether MAIL asked to delay this command. */
static bool
keeps(const struct gate *gate, const struct conn *conn, char cmd)
{
	const struct shared *shared = &conn->shared;

	if (shared->command_ticket == 0 || shared->command_until_ms <= gate->now_ms)
		return false;
	return cmd == SMFIC_RCPT ? shared->delays_rcpt
	                         : conn->back.mail == MAIL_HAS_RECIPIENT;
}

bool
wait_delays(struct gate *gate, struct conn *conn, char cmd)
{
	pthread_mutex_lock(&gate->lock);
	bool is_delayed = keeps(gate, conn, cmd);
	if (is_delayed)
		set_waiting(gate, conn, true);
	conn->wait.until_ms = conn->shared.command_until_ms;
	pthread_mutex_unlock(&gate->lock);
	if (is_delayed)
		begin(gate, conn, WAIT_COMMAND, cmd);
	return is_delayed;
}

/* With gate->lock held: the ticket is stale from here. */
static void
forget(struct gate *gate, struct conn *conn)
{
	conn->shared.moment.ticket = 0;
	free(conn->shared.other);
	conn->shared.other = NULL;
	budget_release(gate, conn);
	set_waiting(gate, conn, false);
}

bool
wait_takes_reply(struct gate *gate, struct conn *conn)
{
	struct shared *shared = &conn->shared;
	struct wait *wait = &conn->wait;

	pthread_mutex_lock(&gate->lock);
	bool may_wait = shared->moment.ticket != 0 && wait->cmd != SMFIC_MAIL;
	bool takes = may_wait && shared->wish.reply_until_ms != 0;
	bool is_hold = takes && shared->wish.is_hold;
	wait->is_refused = shared->wish.is_refused;
	wait->until_ms = shared->wish.reply_until_ms;
	if (takes)
		set_waiting(gate, conn, true);
	else
		forget(gate, conn);
	if (may_wait && !takes)
		shared->moment.last = (struct gate_delay){.end = GATE_END_NONE};
	gate->report.holds_begun += is_hold;
	pthread_mutex_unlock(&gate->lock);
	if (!takes) {
		wait->state = WAIT_NONE;
		wait->progress_ms = 0;
		return false;
	}
	buf_trim(&conn->back.in);
	buf_trim(&conn->mta.in);
	if (is_hold)
		wait->watch_ms = gate->now_ms;
	begin(gate, conn, WAIT_REPLY, wait->cmd);
	return true;
}

/*
 * The client of a hold is looked up at its beginning, once a second, and at its
 * end.
 */
static bool
client_has_left(struct gate *gate, struct conn *conn)
{
	if (!conn->client.was_seen) {
		conn->wait.watch_ms = INT64_MAX;
		if (!gate->said_unwatched)
			log_info("gate: a held client's socket cannot be seen from "
			         "here; its hang-up is noticed only when the hold "
			         "ends (logged once)");
		gate->said_unwatched = true;
		return false;
	}
	enum watch_state state =
	    watch_look(&gate->watch, &conn->client.socket, NULL);

	conn->wait.watch_ms =
	    (gate->now_ms + WATCH_MS) / WATCH_GRID_MS * WATCH_GRID_MS;
	return state == WATCH_LEFT || state == WATCH_UNSEEN;
}

static enum wait_event
reply_event(struct gate *gate, struct conn *conn)
{
	const struct shared *shared = &conn->shared;
	int64_t watch_ms = conn->wait.watch_ms;

	pthread_mutex_lock(&gate->lock);
	bool is_due = gate->now_ms >= conn->wait.until_ms;
	bool leaves = is_due || (shared->is_decided && !shared->wish.is_hold);
	bool other = shared->is_decided && shared->chosen;
	pthread_mutex_unlock(&gate->lock);
	if (watch_ms != INT64_MAX && (leaves || gate->now_ms >= watch_ms) &&
	    client_has_left(gate, conn))
		return WAIT_CLIENT_GONE;
	if (!leaves)
		return WAIT_GOES_ON;
	return other ? WAIT_OTHER : WAIT_FORWARD;
}

static enum wait_event
command_event(struct gate *gate, struct conn *conn)
{
	pthread_mutex_lock(&gate->lock);
	bool stays = keeps(gate, conn, conn->wait.cmd);
	if (!stays) {
		/* A decision from now on is too late. */
		conn->shared.command_ticket = 0;
		set_waiting(gate, conn, false);
	}
	pthread_mutex_unlock(&gate->lock);
	if (stays)
		return WAIT_GOES_ON;
	conn->wait.delayed_ms = gate->now_ms - conn->wait.since_ms;
	conn->wait.state = WAIT_NONE;
	conn->wait.cmd = 0;
	return WAIT_GOES_ON;
}

enum wait_event
wait_look(struct gate *gate, struct conn *conn)
{
	switch (conn->wait.state) {
	case WAIT_NONE:
		break;
	case WAIT_LIBMILTER:
		return gate->now_ms >= limit_ms(gate, conn) ? WAIT_SILENT
		                                            : WAIT_GOES_ON;
	case WAIT_COMMAND:
		return gate->is_stopping ? WAIT_STOPS : command_event(gate, conn);
	case WAIT_REPLY:
		return gate->is_stopping ? WAIT_STOPS : reply_event(gate, conn);
	}
	return WAIT_GOES_ON;
}

void
wait_end(struct gate *gate, struct conn *conn, enum gate_end end, bool other)
{
	struct shared *shared = &conn->shared;
	struct gate_moment *moment = &shared->moment;

	pthread_mutex_lock(&gate->lock);
	int64_t waited_ms = gate->now_ms - moment->mono_ms;
	bool was_told = moment->ticket != 0 && shared->wish.reply_until_ms != 0;
	if (was_told || other)
		moment->last = (struct gate_delay){.end = end,
		    .waited_ms = was_told && waited_ms > 0 ? waited_ms : 0,
		    .watched = shared->wish.is_hold && conn->client.was_seen,
		    .other = other};
	forget(gate, conn);
	pthread_mutex_unlock(&gate->lock);
	conn->wait.state = WAIT_NONE;
	conn->wait.cmd = 0;
	conn->wait.progress_ms = 0;
	conn->wait.watch_ms = INT64_MAX;
}
