/* SPDX-License-Identifier: BSD-2-Clause */
/* What callbacks and other threads may call: they only touch struct shared. */
#include <stdlib.h>
#include <string.h>

#include "gate/gate_private.h"

#define SLOT_BITS 24

struct conn *
call_find(struct gate *gate, uint64_t number)
{
	uint64_t slot = number & ((1U << SLOT_BITS) - 1);
	if (slot >= gate->max_connections)
		return NULL;
	struct conn *conn = gate->slots[slot];
	return conn != NULL && conn->number == number ? conn : NULL;
}

static void
poke(struct gate *gate, struct conn *conn)
{
	if (!conn->shared.parked || conn->shared.poked)
		return;
	bool first = gate->poked == NULL;
	conn->shared.poked = true;
	conn->shared.next_poked = gate->poked;
	gate->poked = conn;
	if (first)
		loop_poke(gate);
}

static bool
may_wait(
    const struct gate *gate, const struct conn *conn, const struct gate_wait *wait)
{
	const struct shared *shared = &conn->shared;
	if (gate->no_waits || shared->shut || shared->asked > MOST_ASKS)
		return false;
	if (wait->kind == GATE_ASK_AGAIN)
		return shared->cmd == SMFIC_RCPT;
	return shared->cmd == SMFIC_RCPT || shared->cmd == SMFIC_DATA;
}

static enum gate_wait_answer
ask(struct gate *gate, struct conn *conn, const struct gate_wait *wait)
{
	struct shared *shared = &conn->shared;
	int64_t now = clock_mono_ms(&gate->clock);
	char *refusal = NULL;

	if (!may_wait(gate, conn, wait))
		return GATE_NOT_WAITING;
	if (wait->is_hold && !shared->booked)
		return GATE_FULL;
	if (wait->kind == GATE_WITHHOLD && wait->refusal != NULL) {
		refusal = strndup(wait->refusal, REFUSAL_MAX);
		if (refusal == NULL)
			return GATE_NOT_WAITING;
	}
	wait_renew(shared);
	free(shared->refusal);
	shared->refusal = refusal;
	shared->wants = true;
	shared->kind = wait->kind;
	shared->is_hold = wait->is_hold;
	shared->refuse_when_due = wait->refuse_when_due;
	shared->settles_once = wait->settles_once;
	shared->until_ms = wait->until_ms < now + LEAST_WAIT_MS
	                       ? now + LEAST_WAIT_MS
	                       : wait->until_ms;
	if (shared->end == GATE_END_NONE)
		shared->began_ms = now;
	shared->end = GATE_END_WAITING;
	if (wait->is_hold && !shared->was_hold) {
		shared->was_hold = true;
		gate->report.holds_begun++;
	}
	return GATE_WAITING;
}

enum gate_wait_answer
gate_wait(struct gate *gate, uint64_t number, const struct gate_wait *wait)
{
	enum gate_wait_answer answer = GATE_NOT_WAITING;

	pthread_mutex_lock(&gate->lock);
	struct conn *conn = call_find(gate, number);
	if (conn != NULL)
		answer = ask(gate, conn, wait);
	pthread_mutex_unlock(&gate->lock);
	return answer;
}

bool
gate_wake(struct gate *gate, uint64_t number)
{
	pthread_mutex_lock(&gate->lock);
	struct conn *conn = call_find(gate, number);
	if (conn != NULL) {
		conn->shared.woken = true;
		conn->shared.data_until_ms = 0;
		poke(gate, conn);
	}
	pthread_mutex_unlock(&gate->lock);
	return conn != NULL;
}

bool
gate_settle(struct gate *gate, uint64_t number, enum gate_settlement how)
{
	pthread_mutex_lock(&gate->lock);
	struct conn *conn = call_find(gate, number);
	if (conn != NULL && conn->shared.owed > 0) {
		conn->shared.owed--;
	} else if (conn != NULL) {
		conn->shared.settle = how;
		conn->shared.has_settle = true;
		poke(gate, conn);
	}
	pthread_mutex_unlock(&gate->lock);
	return conn != NULL;
}

bool
gate_data_not_before(struct gate *gate, uint64_t number, int64_t until_ms)
{
	pthread_mutex_lock(&gate->lock);
	struct conn *conn = call_find(gate, number);
	if (conn != NULL) {
		/* A wake since the last frame was meant for this too. */
		conn->shared.data_until_ms = conn->shared.woken ? 0 : until_ms;
		poke(gate, conn);
	}
	pthread_mutex_unlock(&gate->lock);
	return conn != NULL;
}

struct gate_grant
gate_budget(struct gate *gate, uint64_t number, uint64_t key)
{
	struct gate_grant grant = {false, 0, 0};

	pthread_mutex_lock(&gate->lock);
	struct conn *conn = call_find(gate, number);
	if (conn != NULL && !gate->no_waits && !conn->shared.shut)
		grant.granted = budget_book(gate, conn, key);
	grant.holds = gate->report.holds;
	grant.max_holds = gate->max_holds;
	pthread_mutex_unlock(&gate->lock);
	return grant;
}

bool
gate_outcome(struct gate *gate, uint64_t number, struct gate_outcome *outcome_r)
{
	*outcome_r = (struct gate_outcome){.end = GATE_END_NONE};
	pthread_mutex_lock(&gate->lock);
	struct conn *conn = call_find(gate, number);
	if (conn != NULL) {
		const struct shared *shared = &conn->shared;
		outcome_r->end = shared->end;
		outcome_r->waited_ms =
		    shared->end == GATE_END_WAITING
		        ? clock_mono_ms(&gate->clock) - shared->began_ms
		        : shared->waited_ms;
		outcome_r->was_hold = shared->was_hold;
		outcome_r->watched = shared->watched;
		outcome_r->refused = shared->refused;
		outcome_r->asked = shared->asked;
	}
	pthread_mutex_unlock(&gate->lock);
	return conn != NULL;
}

static struct watch_result
look_up(struct gate *gate, const struct watch_socket *socket)
{
	struct watch_result result = {WATCH_UNKNOWN, 0};

	if (socket->family == 0)
		return result;
	pthread_mutex_lock(&gate->pending_lock);
	watch_look(&gate->pending_socket, &socket, 1, &result);
	pthread_mutex_unlock(&gate->pending_lock);
	return result;
}

static bool
is_seen(const struct watch_result *result)
{
	return result->state == WATCH_STANDS || result->state == WATCH_LEFT;
}

bool
gate_endpoints(struct gate *gate, uint64_t number, const struct sockaddr *client,
    const struct sockaddr *mta)
{
	struct watch_socket socket;
	bool named = watch_name(&socket, client, mta);
	/* The look before the greeting has seen it already. */
	bool was_seen = gate_early(gate, number) != GATE_EARLY_UNKNOWN;

	if (!was_seen) {
		struct watch_result result = look_up(gate, &socket);
		was_seen = is_seen(&result);
	}
	pthread_mutex_lock(&gate->lock);
	struct conn *conn = call_find(gate, number);
	if (conn != NULL) {
		conn->shared.socket = socket;
		conn->shared.was_seen = was_seen;
	}
	pthread_mutex_unlock(&gate->lock);
	return conn != NULL && named;
}

int64_t
gate_pending(struct gate *gate, uint64_t number)
{
	struct watch_socket socket = {.family = 0};

	pthread_mutex_lock(&gate->lock);
	struct conn *conn = call_find(gate, number);
	if (conn != NULL)
		socket = conn->shared.socket;
	pthread_mutex_unlock(&gate->lock);
	struct watch_result result = look_up(gate, &socket);
	return is_seen(&result) ? (int64_t)result.unread : -1;
}

enum gate_early
gate_early(struct gate *gate, uint64_t number)
{
	pthread_mutex_lock(&gate->lock);
	struct conn *conn = call_find(gate, number);
	enum gate_early early =
	    conn != NULL ? conn->shared.early : GATE_EARLY_UNKNOWN;
	pthread_mutex_unlock(&gate->lock);
	return early;
}

void
gate_report(struct gate *gate, struct gate_report *report_r)
{
	pthread_mutex_lock(&gate->lock);
	*report_r = gate->report;
	report_r->max_holds = gate->max_holds;
	pthread_mutex_unlock(&gate->lock);
}

size_t
gate_held(struct gate *gate, struct gate_held *rows, size_t max)
{
	int64_t now = clock_mono_ms(&gate->clock);
	size_t count = 0;

	pthread_mutex_lock(&gate->lock);
	for (size_t i = 0; i < gate->max_connections; i++) {
		const struct conn *conn = gate->slots[i];
		if (conn == NULL || !conn->shared.booked ||
		    conn->shared.end != GATE_END_WAITING)
			continue;
		if (count < max)
			rows[count] = (struct gate_held){conn->number,
			    now - conn->shared.began_ms,
			    conn->shared.until_ms - now};
		count++;
	}
	pthread_mutex_unlock(&gate->lock);
	return count;
}
