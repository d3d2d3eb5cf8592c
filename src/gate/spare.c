/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections to libmilter that outlive their session. Opening one costs
 * libmilter a wake-up of its listener, an accept() and a negotiation; so the
 * MTA's QUIT goes on as SMFIC_QUIT_NC ("a new connection follows"), after which
 * libmilter has forgotten the session but not the negotiation. The next connection
 * of the MTA that makes the same offer adopts it, once the close callback has
 * run: until then callbacks may ask for what is known under the old number.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "gate/internal.h"

#define IDLE_MS ((int64_t)3600 * 1000) /* far below libmilter's own time-out */

void
spare_sent(struct conn *conn, char cmd)
{
	if (cmd == 'D')
		return;
	conn->at_rest = cmd == 'A';
	/* A greeting is legal within a transaction; libmilter aborts it. */
	if (strchr("MACKHO", cmd) != NULL)
		conn->in_mail = cmd == 'M';
}

/* A refusal of DATA or the end takes libmilter back to HELO. */
void
spare_replied(struct conn *conn, char cmd, char reply)
{
	if (strchr("RTE", cmd) == NULL)
		return;
	if (cmd == 'E')
		conn->at_rest = reply == 'c';
	if (cmd == 'E' || (cmd == 'T' && reply != 'c') || reply == 'a' ||
	    reply == 'd')
		conn->in_mail = false;
}

static bool
may_stay(const struct gate *gate, const struct conn *conn)
{
	return gate->spares_count < gate->max_spares && !gate->is_stopping &&
	       conn->back >= 0 && conn->back_ready && !conn->back_shut &&
	       !conn->back_hup && !conn->swallows && conn->agreement != NULL &&
	       conn->agreement_serial == conn->agreement->serial;
}

/*
 * libmilter obeys QUIT_NC after an abort, an accepted end of message and an
 * unknown command, and ignores it in every other state (engine.c, its table of
 * states). It answers the unknown command.
 */
static void
quit_nc(struct gate *gate, struct conn *conn)
{
	if (!conn->has_macro)
		frames_put_macros(conn, "C", 1);
	if (conn->in_mail)
		frames_put(&conn->out_back, 'A', NULL, 0);
	else if (!conn->at_rest) {
		frames_put(&conn->out_back, 'U', "QUIT", 5);
		conn->answers_unknown++;
	}
	frames_put(&conn->out_back, 'K', NULL, 0);
	spare_sent(conn, 'K');
	pthread_mutex_lock(&gate->lock);
	conn->shared.quits++;
	pthread_mutex_unlock(&gate->lock);
}

/* After QUIT_NC the MTA goes on with another client. */
void
spare_leave(struct gate *gate, struct conn *conn, char cmd)
{
	conn->urgent = true;
	conn->leaves = cmd == 'Q' && may_stay(gate, conn);
	conn->closing = conn->leaves;
	if (cmd == 'Q' && !conn->leaves) {
		frames_put(&conn->out_back, 'Q', NULL, 0);
		return;
	}
	quit_nc(gate, conn);
	if (conn->leaves)
		return;
	conn->has_macro = conn->in_content = false;
	pthread_mutex_lock(&gate->lock);
	conn->shared.socket.family = 0;
	pthread_mutex_unlock(&gate->lock);
}

bool
spare_keep(struct gate *gate, struct conn *conn)
{
	if (gate->is_stopping || conn->back_hup ||
	    gate->spares_count >= gate->max_spares ||
	    conn->agreement_serial != conn->agreement->serial)
		return false;
	heap_remove(&gate->heap, conn);
	loop_unwatch(gate, conn);
	buf_clear(&conn->in);
	buf_clear(&conn->back_in);
	conn->spare = true;
	conn->spare_ms = gate->now_ms;
	gate->spares[gate->spares_count++] = conn;
	pthread_mutex_lock(&gate->lock);
	budget_release(gate, conn);
	gate->report.connections--;
	pthread_mutex_unlock(&gate->lock);
	listen_resume(gate);
	return true;
}

/* Accepts one that is not in the list any more. */
void
spare_remove(struct gate *gate, const struct conn *conn)
{
	size_t at = 0;

	while (at < gate->spares_count && gate->spares[at] != conn)
		at++;
	if (at == gate->spares_count)
		return;
	gate->spares_count--;
	memmove(&gate->spares[at], &gate->spares[at + 1],
	    (gate->spares_count - at) * sizeof(struct conn *));
}

/* libmilter closes its end when its close callback has run once more. */
static void
end(struct gate *gate, struct conn *conn)
{
	spare_remove(gate, conn);
	shutdown(conn->back, SHUT_WR);
	conn->back_shut = true;
}

void
spare_end_all(struct gate *gate)
{
	while (gate->spares_count > 0)
		end(gate, gate->spares[0]);
}

/* The youngest whose session is over for libmilter too. */
static struct conn *
find_released(struct gate *gate, const struct agreement *agreement)
{
	struct conn *found = NULL;

	pthread_mutex_lock(&gate->lock);
	for (size_t i = gate->spares_count; i-- > 0 && found == NULL;)
		if (gate->spares[i]->agreement == agreement &&
		    gate->spares[i]->shared.releases ==
		        gate->spares[i]->shared.quits)
			found = gate->spares[i];
	pthread_mutex_unlock(&gate->lock);
	return found;
}

/* Reads what the last session has left; false: libmilter has closed it. */
static bool
drain(struct gate *gate, const struct conn *spare)
{
	ssize_t got;

	do
		got = recv(spare->back, gate->scratch, READ_SIZE, MSG_DONTWAIT);
	while (got > 0 || (got < 0 && errno == EINTR));
	return got < 0 && errno == EAGAIN;
}

bool
spare_adopt(struct gate *gate, struct conn *conn)
{
	while (gate->spares_count > 0 &&
	       gate->now_ms - gate->spares[0]->spare_ms > IDLE_MS)
		end(gate, gate->spares[0]);
	struct conn *spare = find_released(gate, conn->agreement);
	if (spare == NULL || conn->has_back)
		return false;
	conn->back = spare->back;
	if (!drain(gate, spare) ||
	    !conn_observe(gate, conn, true, EPOLL_CTL_MOD, false)) {
		conn->back = -1;
		end(gate, spare);
		return false;
	}
	spare->back = -1;
	conn_free(gate, spare);
	conn->has_back = conn->back_ready = true;
	return true;
}
