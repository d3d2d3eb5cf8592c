/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate answers by itself: a client has left, the program stops, libmilter is
 * silent. */
#include <string.h>
#include <sys/socket.h>

#include "gate/gate_private.h"

static const char *const text_gone = "450 4.4.2 Client left, try again later";
static const char *const text_stopped =
    "451 4.3.2 Service is restarting, try again later";
static const char *const text_stopping =
    "421 4.3.2 Service is restarting, try again later";

/* As a milter reply: percent signs doubled, nothing that is not printable. */
void
answer_refuse(struct conn *conn, const char *text)
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
	frames_put(&conn->out_front, SMFIR_REPLYCODE, line, len);
}

/* An answer to O that asks for as little as the MTA lets us ask for. */
static void
answer_negotiation(struct conn *conn)
{
	static const uint32_t send_nothing =
	    SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL | SMFIP_NORCPT |
	    SMFIP_NOBODY | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOUNKNOWN |
	    SMFIP_NODATA;
	char body[NEGOTIATION_SIZE] = {0};

	protocol_put32(body, conn->version);
	protocol_put32(body + 8,
	    conn->answerer == ANSWER_ACCEPT ? conn->offered & send_nothing : 0);
	frames_put(&conn->out_front, SMFIC_OPTNEG, body, sizeof body);
	conn->no_reply = 0;
}

void
answer_command(struct conn *conn, char cmd)
{
	if (cmd == SMFIC_QUIT || cmd == SMFIC_QUIT_NC)
		conn->closing = true;
	if (cmd == SMFIC_OPTNEG) {
		answer_negotiation(conn);
		return;
	}
	if (!frames_wants_reply(conn, cmd))
		return;
	switch (conn->answerer) {
	case ANSWER_LIBMILTER:
		break;
	case ANSWER_GONE:
		answer_refuse(conn, text_gone);
		break;
	case ANSWER_STOPPED:
		answer_refuse(conn, conn->own_said ? text_stopping : text_stopped);
		conn->own_said = true;
		break;
	case ANSWER_ACCEPT:
		frames_put(&conn->out_front, SMFIR_CONTINUE, NULL, 0);
		break;
	case ANSWER_TEMPFAIL:
		frames_put(&conn->out_front, SMFIR_TEMPFAIL, NULL, 0);
		break;
	}
}

static void
note(struct gate *gate, struct conn *conn, enum answerer how)
{
	pthread_mutex_lock(&gate->lock);
	conn->shared.shut = true;
	conn->shared.refused = how != ANSWER_ACCEPT;
	if (how == ANSWER_GONE)
		gate->report.gone++;
	if (how == ANSWER_ACCEPT || how == ANSWER_TEMPFAIL)
		gate->report.timeouts++;
	pthread_mutex_unlock(&gate->lock);
}

/*
 * From here on libmilter hears nothing more: its end of file lets the abort
 * and close callbacks run, and they can still read the outcome.
 */
void
answer_take_over(struct gate *gate, struct conn *conn, enum answerer how)
{
	char cmd = conn->due;
	bool is_due = conn->state != CONN_IDLE;
	bool at_head = conn->state == CONN_KEPT || (is_due && cmd == SMFIC_RCPT);

	if (how == ANSWER_GONE)
		wait_ended(gate, conn, GATE_END_GONE);
	else if (how == ANSWER_STOPPED)
		wait_ended(gate, conn, GATE_END_STOPPED);
	else
		wait_ended(gate, conn, GATE_END_NONE);
	note(gate, conn, how);
	conn->answerer = how;
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
		answer_command(conn, cmd);
}
