/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is waited for: libmilter's answer, a delayed command, a delayed reply. A
 * wait begins in one of the first three functions, and wait_end() ends it.
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
 * When libmilter has to have answered. A clock that jumped (a machine that was
 * suspended, a test) takes nothing off its time.
 */
static int64_t
answer_limit(const struct gate *gate, const struct conn *conn)
{
	int64_t since = conn->wait.since_ms;

	return (since > gate->jumped_ms ? since : gate->jumped_ms) +
	       atomic_load(&gate->answer_timeout_ms);
}

/* The heap's time may be too early, never too late: most commands cost none. */
void
wait_set_timer(struct gate *gate, struct conn *conn)
{
	struct wait *wait = &conn->wait;

	if (wait->state == WAIT_NONE)
		return;
	int64_t at = wait->state == WAIT_LIBMILTER ? answer_limit(gate, conn)
	                                           : wait->until_ms;
	if (wait->progress_ms < at)
		at = wait->progress_ms;
	if (wait->heap_at < 0 || at < wait->timer_ms)
		heap_set(&gate->heap, conn, at);
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
	    cmd == SMFIC_BODYEOB) {
		enum gate_early ahead = GATE_EARLY_UNKNOWN;
		if (cmd == SMFIC_RCPT)
			early_rcpt(gate, conn);
		else if (cmd == SMFIC_DATA)
			ahead = early_data(gate, conn);
		else if (cmd == SMFIC_BODYEOB)
			ahead = early_eom(gate, conn, shared->ahead);
		pthread_mutex_lock(&gate->lock);
		shared->ticket = ++gate->generation << SLOT_BITS |
		                 (conn->number & ((1U << SLOT_BITS) - 1));
		shared->wish = (struct gate_wish){.is_hold = false};
		shared->is_decided = shared->chosen = false;
		shared->delayed_ms = conn->wait.delayed_ms;
		shared->ahead = ahead;
		if (cmd == SMFIC_MAIL)
			shared->command_ticket = 0;
		pthread_mutex_unlock(&gate->lock);
	}
	conn->wait.delayed_ms = 0;
	begin(gate, conn, WAIT_LIBMILTER, cmd);
}

/* With gate->lock held: whether MAIL's wish keeps this command back. */
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

static void
unwatch(struct gate *gate, struct conn *conn)
{
	struct wait *wait = &conn->wait;

	if (!wait->is_watched)
		return;
	wait->is_watched = false;
	if (wait->watch_prev == NULL)
		gate->watch.first = wait->watch_next;
	else
		wait->watch_prev->wait.watch_next = wait->watch_next;
	if (wait->watch_next == NULL)
		gate->watch.last = wait->watch_prev;
	else
		wait->watch_next->wait.watch_prev = wait->watch_prev;
}

/* At the end of the list, which is in the order of watch_ms. */
static void
watch(struct gate *gate, struct conn *conn)
{
	struct wait *wait = &conn->wait;

	wait->is_watched = true;
	wait->watch_ms = (gate->now_ms + WATCH_MS) / WATCH_GRID_MS * WATCH_GRID_MS;
	wait->watch_next = NULL;
	wait->watch_prev = gate->watch.last;
	if (gate->watch.last == NULL)
		gate->watch.first = conn;
	else
		gate->watch.last->wait.watch_next = conn;
	gate->watch.last = conn;
}

static void
begin_watch(struct gate *gate, struct conn *conn)
{
	struct wait *wait = &conn->wait;
	enum watch_state state = look(gate, conn).state;

	pthread_mutex_lock(&gate->lock);
	bool was_seen = conn->shared.was_seen;
	pthread_mutex_unlock(&gate->lock);
	wait->was_seen = was_seen || state == WATCH_STANDS || state == WATCH_LEFT;
	if (state == WATCH_STANDS || (was_seen && state == WATCH_UNKNOWN))
		watch(gate, conn);
	else if (wait->was_seen)
		wait->has_left = true;
	else if (!gate->said_unwatched) {
		gate->said_unwatched = true;
		log_info(
		    "gate: a held client's socket cannot be seen from here; its "
		    "hang-up is noticed when the hold ends (said once)");
	}
}

/* With gate->lock held: the ticket is stale from here. */
static void
forget(struct gate *gate, struct conn *conn)
{
	conn->shared.ticket = 0;
	free(conn->shared.other);
	conn->shared.other = NULL;
	budget_release(gate, conn);
	set_waiting(gate, conn, false);
}

bool
wait_takes_reply(
    struct gate *gate, struct conn *conn, const char *frame, size_t len)
{
	struct shared *shared = &conn->shared;
	bool is_counted = conn->wait.cmd == SMFIC_RCPT ||
	                  conn->wait.cmd == SMFIC_DATA ||
	                  conn->wait.cmd == SMFIC_BODYEOB;

	pthread_mutex_lock(&gate->lock);
	bool takes = is_counted && shared->wish.reply_until_ms != 0;
	bool is_hold = takes && shared->wish.is_hold;
	conn->wait.is_refused = shared->wish.is_refused;
	conn->wait.until_ms = shared->wish.reply_until_ms;
	if (takes)
		set_waiting(gate, conn, true);
	else
		forget(gate, conn);
	if (is_counted && !takes)
		shared->last = (struct gate_delay){.end = GATE_END_NONE};
	gate->report.holds_begun += is_hold;
	pthread_mutex_unlock(&gate->lock);
	if (!takes) {
		conn->wait.state = WAIT_NONE;
		conn->wait.progress_ms = 0;
		return false;
	}
	buf_append(&conn->wait.reply, frame, len);
	conn->wait.was_seen = conn->wait.has_left = false;
	begin(gate, conn, WAIT_REPLY, conn->wait.cmd);
	buf_trim(&conn->mta.in);
	if (is_hold)
		begin_watch(gate, conn);
	return true;
}

static bool
is_gone(enum watch_state state)
{
	return state != WATCH_STANDS && state != WATCH_UNKNOWN;
}

/* The reply is due: a client that left in the last second is not let through. */
static enum wait_event
reply_event(struct gate *gate, struct conn *conn)
{
	const struct shared *shared = &conn->shared;

	pthread_mutex_lock(&gate->lock);
	bool is_due = gate->now_ms >= conn->wait.until_ms;
	bool leaves = is_due || (shared->is_decided && !shared->wish.is_hold);
	bool other = shared->is_decided && shared->chosen;
	pthread_mutex_unlock(&gate->lock);
	if (!leaves)
		return WAIT_GOES_ON;
	if (conn->wait.is_watched && is_gone(look(gate, conn).state))
		return WAIT_CLIENT_GONE;
	return other ? WAIT_OTHER : WAIT_FORWARD;
}

static enum wait_event
command_event(struct gate *gate, struct conn *conn)
{
	pthread_mutex_lock(&gate->lock);
	bool stays = keeps(gate, conn, conn->wait.cmd);
	if (!stays) {
		/* Who decides it now is late. */
		conn->shared.command_ticket = 0;
		set_waiting(gate, conn, false);
	}
	pthread_mutex_unlock(&gate->lock);
	if (stays)
		return WAIT_GOES_ON;
	conn->wait.delayed_ms = gate->now_ms - conn->wait.since_ms;
	conn->wait.state = WAIT_NONE;
	conn->wait.cmd = 0;
	return WAIT_LET_GO;
}

enum wait_event
wait_look(struct gate *gate, struct conn *conn)
{
	switch (conn->wait.state) {
	case WAIT_NONE:
		break;
	case WAIT_LIBMILTER:
		return gate->now_ms >= answer_limit(gate, conn) ? WAIT_SILENT
		                                                : WAIT_GOES_ON;
	case WAIT_COMMAND:
	case WAIT_REPLY:
		if (gate->is_stopping)
			return WAIT_STOPS;
		if (conn->wait.has_left)
			return WAIT_CLIENT_GONE;
		return conn->wait.state == WAIT_REPLY ? reply_event(gate, conn)
		                                      : command_event(gate, conn);
	}
	return WAIT_GOES_ON;
}

void
wait_end(struct gate *gate, struct conn *conn, enum gate_end end, bool other)
{
	struct shared *shared = &conn->shared;

	unwatch(gate, conn);
	pthread_mutex_lock(&gate->lock);
	int64_t waited_ms = gate->now_ms - shared->asked_ms;
	bool was_told = shared->ticket != 0 && shared->wish.reply_until_ms != 0;
	if (was_told || other)
		shared->last = (struct gate_delay){.end = end,
		    .waited_ms = was_told && waited_ms > 0 ? waited_ms : 0,
		    .was_hold = was_told && shared->wish.is_hold,
		    .watched = conn->wait.was_seen,
		    .other = other};
	forget(gate, conn);
	pthread_mutex_unlock(&gate->lock);
	buf_clear(&conn->wait.reply);
	conn->wait.state = WAIT_NONE;
	conn->wait.cmd = 0;
	conn->wait.progress_ms = 0;
}

size_t
wait_watch(struct gate *gate, struct conn *left_r[static WATCH_BATCH])
{
	struct conn *conns[WATCH_BATCH];
	struct watch_socket sockets[WATCH_BATCH];
	const struct watch_socket *wanted[WATCH_BATCH];
	struct watch_result results[WATCH_BATCH];
	size_t count = 0, left = 0;

	pthread_mutex_lock(&gate->lock);
	while (count < WATCH_BATCH && gate->watch.first != NULL &&
	       gate->watch.first->wait.watch_ms <= gate->now_ms) {
		struct conn *conn = gate->watch.first;
		unwatch(gate, conn);
		watch(gate, conn);
		sockets[count] = conn->shared.socket;
		wanted[count] = &sockets[count];
		conns[count++] = conn;
	}
	pthread_mutex_unlock(&gate->lock);
	watch_look(&gate->watch_socket, wanted, count, results);
	for (size_t i = 0; i < count; i++) {
		if (!is_gone(results[i].state))
			continue;
		conns[i]->wait.has_left = true;
		left_r[left++] = conns[i];
	}
	return left;
}
