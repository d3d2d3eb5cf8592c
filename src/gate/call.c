/* SPDX-License-Identifier: BSD-2-Clause */
/* What callbacks and other threads may call; touches only struct shared. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/gate_private.h"

struct conn *
call_slot(const struct gate *gate, uint64_t number)
{
	uint64_t slot = number & SLOT_MASK;

	return number != 0 && slot < gate->max_connections ? gate->slots[slot]
	                                                   : NULL;
}

void
call_wake(struct gate *gate)
{
	static const uint64_t one = 1;
	if (write(gate->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
		log_warn("gate: eventfd");
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
		call_wake(gate);
}

/* While the program stops no hold is refused: each is answered at once. */
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
	*moment_r = (struct gate_moment){.wall = clock_wall(&gate->clock),
	    .mono_ms = clock_mono_ms(&gate->clock)};
	pthread_mutex_lock(&gate->lock);
	struct conn *conn = call_slot(gate, number);
	bool is_known = conn != NULL && conn->number == number;
	if (is_known) {
		struct gate_moment *moment = &conn->shared.moment;
		moment->wall = moment_r->wall;
		moment->mono_ms = moment_r->mono_ms;
		moment->has_place = place != NULL && moment->ticket != 0 &&
		                    book(gate, conn, *place);
		moment->holds = gate->report.holds;
		moment->max_holds = gate->max_holds;
		*moment_r = *moment;
	}
	pthread_mutex_unlock(&gate->lock);
	return is_known;
}

/* Call with gate->lock held. */
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
	shared->command_ticket = shared->moment.ticket;
	shared->command_until_ms = wish->command_until_ms;
	shared->delays_rcpt = wish->delays_rcpt;
}

void
gate_tell(struct gate *gate, uint64_t ticket, const struct gate_wish *wish)
{
	char *other =
	    wish->other != NULL ? strndup(wish->other, REFUSAL_MAX) : NULL;

	pthread_mutex_lock(&gate->lock);
	struct conn *conn = call_slot(gate, ticket);
	bool is_current = conn != NULL && conn->shared.moment.ticket == ticket;
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
	struct conn *conn = call_slot(gate, ticket);
	if (conn != NULL && conn->shared.command_ticket == ticket) {
		conn->shared.command_ticket = 0;
		notify(gate, conn);
	} else if (conn != NULL && conn->shared.moment.ticket == ticket) {
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
