/* SPDX-License-Identifier: BSD-2-Clause */
/* What callbacks and other threads may call: they only touch struct shared. */
#include <stdlib.h>
#include <string.h>

#include "gate/gate_private.h"

/* With gate->lock held: of a connection's number, or of a ticket of its. */
static struct conn *
find(struct gate *gate, uint64_t number)
{
	uint64_t slot = number & ((1U << SLOT_BITS) - 1);

	return number != 0 && slot < gate->max_connections ? gate->slots[slot]
	                                                   : NULL;
}

static void
notify(struct gate *gate, struct conn *conn)
{
	bool is_first = gate->notified == NULL;

	if (!conn->shared.is_waiting || conn->shared.is_notified)
		return;
	conn->shared.is_notified = true;
	conn->shared.next_notified = gate->notified;
	gate->notified = conn;
	if (is_first)
		loop_notify(gate);
}

/* While the program stops every hold is answered at once, and none is refused. */
static bool
book(struct gate *gate, struct conn *conn, uint64_t place)
{
	if (gate->no_waits || conn->shared.is_shut)
		return true;
	return budget_book(gate, conn, place);
}

bool
gate_look(struct gate *gate, uint64_t number, const uint64_t *place,
    struct gate_moment *moment_r)
{
	*moment_r = (struct gate_moment){.mono_ms = clock_mono_ms(&gate->clock)};
	pthread_mutex_lock(&gate->lock);
	struct conn *conn = find(gate, number);
	bool is_known = conn != NULL && conn->number == number;
	if (is_known) {
		struct shared *shared = &conn->shared;
		shared->asked_ms = moment_r->mono_ms;
		moment_r->ticket = shared->ticket;
		moment_r->delayed_ms = shared->delayed_ms;
		if (place != NULL && shared->ticket != 0)
			moment_r->has_place = book(gate, conn, *place);
		moment_r->holds = gate->report.holds;
		moment_r->max_holds = gate->max_holds;
		moment_r->early = shared->early;
		moment_r->ahead = shared->ahead;
		moment_r->last = shared->last;
	}
	pthread_mutex_unlock(&gate->lock);
	return is_known;
}

/* With gate->lock held. */
static void
tell(
    struct gate *gate, struct conn *conn, const struct gate_wish *wish, char *other)
{
	struct shared *shared = &conn->shared;

	shared->wish = *wish;
	shared->wish.other = NULL;
	free(shared->other);
	shared->other = other;
	if (!shared->is_booked && !gate->no_waits && !shared->is_shut)
		shared->wish.is_hold = false;
	if (!wish->is_hold)
		budget_release(gate, conn);
	if (wish->command_until_ms == 0 || shared->is_decided)
		return;
	shared->command_ticket = shared->ticket;
	shared->command_until_ms = wish->command_until_ms;
	shared->delays_rcpt = wish->delays_rcpt;
}

void
gate_tell(struct gate *gate, uint64_t ticket, const struct gate_wish *wish)
{
	char *other =
	    wish->other != NULL ? strndup(wish->other, REFUSAL_MAX) : NULL;

	pthread_mutex_lock(&gate->lock);
	struct conn *conn = find(gate, ticket);
	bool is_current = conn != NULL && conn->shared.ticket == ticket;
	if (is_current)
		tell(gate, conn, wish, other);
	pthread_mutex_unlock(&gate->lock);
	if (!is_current)
		free(other);
}

void
gate_decide(struct gate *gate, uint64_t ticket, bool other)
{
	pthread_mutex_lock(&gate->lock);
	struct conn *conn = find(gate, ticket);
	if (conn != NULL && conn->shared.command_ticket == ticket) {
		conn->shared.command_ticket = 0;
		notify(gate, conn);
	} else if (conn != NULL && conn->shared.ticket == ticket) {
		conn->shared.is_decided = true;
		conn->shared.chosen = other;
		notify(gate, conn);
	}
	pthread_mutex_unlock(&gate->lock);
}

void
gate_report(struct gate *gate, struct gate_report *report_r)
{
	pthread_mutex_lock(&gate->lock);
	*report_r = gate->report;
	report_r->max_holds = gate->max_holds;
	pthread_mutex_unlock(&gate->lock);
}
