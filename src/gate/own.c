/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate answers by itself: a client has left, the program stops, libmilter is
 * silent. */
#include <string.h>
#include <sys/socket.h>

#include "gate/internal.h"

static const char *const text_gone = "450 4.4.2 Client left, try again later";
static const char *const text_stopped =
    "451 4.3.2 Service is restarting, try again later";
static const char *const text_stopping =
    "421 4.3.2 Service is restarting, try again later";

/* As a milter reply: percent signs doubled, nothing that is not printable. */
void
own_refuse(struct conn *conn, const char *text)
{
	char line[2 * REFUSAL_MAX + 1];
	size_t len = 0;

	for (size_t i = 0; text[i] != '\0' && i < REFUSAL_MAX; i++) {
		char c = text[i];
		if (c == '%')
			line[len++] = '%';
		line[len++] = c < ' ' || c > '~' ? '?' : c;
	}
	line[len++] = '\0';
	frames_put(&conn->out_front, 'y', line, len);
}

static void
put32(char *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (char)(value >> (24 - 8 * i));
}

/* An answer to O that asks for as little as the MTA lets us ask for. */
static void
answer_negotiation(struct conn *conn)
{
	static const uint32_t send_nothing = 0x37f; /* all of SMFIP_NO* */
	char body[12] = {0};

	put32(body, conn->version);
	put32(body + 8, conn->own == OWN_ACCEPT ? conn->offered & send_nothing : 0);
	frames_put(&conn->out_front, 'O', body, sizeof body);
	conn->no_reply = 0;
}

void
own_answer(struct conn *conn, char cmd)
{
	if (cmd == 'Q' || cmd == 'K')
		conn->closing = true;
	if (cmd == 'O') {
		answer_negotiation(conn);
		return;
	}
	if (!frames_wants_reply(conn, cmd))
		return;
	switch (conn->own) {
	case OWN_NONE:
		break;
	case OWN_GONE:
		own_refuse(conn, text_gone);
		break;
	case OWN_STOPPED:
		own_refuse(conn, conn->own_said ? text_stopping : text_stopped);
		conn->own_said = true;
		break;
	case OWN_ACCEPT:
		frames_put(&conn->out_front, 'c', NULL, 0);
		break;
	case OWN_TEMPFAIL:
		frames_put(&conn->out_front, 't', NULL, 0);
		break;
	}
}

static void
note(struct gate *gate, struct conn *conn, enum conn_own how)
{
	pthread_mutex_lock(&gate->lock);
	conn->shared.shut = true;
	conn->shared.refused = how != OWN_ACCEPT;
	if (how == OWN_GONE)
		gate->report.gone++;
	if (how == OWN_ACCEPT || how == OWN_TEMPFAIL)
		gate->report.timeouts++;
	pthread_mutex_unlock(&gate->lock);
}

/*
 * From here on libmilter hears nothing more: its end of file lets the abort
 * and close callbacks run, and they can still read the outcome.
 */
void
own_take_over(struct gate *gate, struct conn *conn, enum conn_own how)
{
	char cmd = conn->due;
	bool is_due = conn->state != CONN_IDLE;
	bool at_head = conn->state == CONN_KEPT || (is_due && cmd == 'R');

	if (how == OWN_GONE)
		wait_ended(gate, conn, GATE_END_GONE);
	else if (how == OWN_STOPPED)
		wait_ended(gate, conn, GATE_END_STOPPED);
	else
		wait_ended(gate, conn, GATE_END_NONE);
	note(gate, conn, how);
	conn->own = how;
	conn->state = CONN_IDLE;
	conn->due = 0;
	buf_clear(&conn->withheld);
	buf_clear(&conn->out_back);
	if (conn->back >= 0 && !conn->back_shut) {
		shutdown(conn->back, SHUT_WR);
		conn->back_shut = true;
	}
	if (at_head)
		buf_take(&conn->in, (size_t)frames_length(&conn->in));
	if (is_due)
		own_answer(conn, cmd);
}
