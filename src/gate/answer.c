/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate's own answers: the client has left, the program stops, or libmilter is
 * silent.
 */
#include "gate/gate_private.h"

static const char *const text_gone = "450 4.4.2 Client left, try again later";
static const char *const text_stopped =
    "451 4.3.2 Service is not available, try again later";
static const char *const text_stopping =
    "421 4.3.2 Service is not available, try again later";

void
answer_put(struct buf *buf, char cmd, const void *data, size_t len)
{
	char head[FRAME_HEAD];

	protocol_put32(head, (uint32_t)len + 1);
	head[FRAME_LENGTH] = cmd;
	buf_append(buf, head, sizeof head);
	buf_append(buf, data, len);
}

bool
answer_is_due(uint32_t no_reply, char cmd)
{
	static const struct {
		char cmd;
		uint32_t no_reply;
	} replied[] = {{SMFIC_CONNECT, SMFIP_NR_CONN}, {SMFIC_HELO, SMFIP_NR_HELO},
	    {SMFIC_MAIL, SMFIP_NR_MAIL}, {SMFIC_RCPT, SMFIP_NR_RCPT},
	    {SMFIC_DATA, SMFIP_NR_DATA}, {SMFIC_UNKNOWN, SMFIP_NR_UNKN},
	    {SMFIC_EOH, SMFIP_NR_EOH}, {SMFIC_BODY, SMFIP_NR_BODY},
	    {SMFIC_HEADER, SMFIP_NR_HDR}, {SMFIC_BODYEOB, 0}, {SMFIC_OPTNEG, 0}};

	for (size_t i = 0; i < sizeof replied / sizeof replied[0]; i++)
		if (replied[i].cmd == cmd)
			return (no_reply & replied[i].no_reply) == 0;
	return false;
}

/* Sends text as a milter reply: doubles percent signs, masks unprintable octets. */
void
answer_refuse(struct conn *conn, const char *text)
{
	char line[2 * REFUSAL_MAX + 1];
	size_t len = 0;

	for (size_t i = 0; i < REFUSAL_MAX && text[i] != '\0'; i++) {
		char c = text[i];
		if (c == '%')
			line[len++] = '%';
		line[len++] = c < ' ' || c > '~' ? '?' : c;
	}
	line[len++] = '\0';
	answer_put(&conn->mta.out, SMFIR_REPLYCODE, line, len);
}

/* Answers O, asking for as little as the MTA allows. */
static void
answer_negotiation(struct conn *conn)
{
	static const uint32_t send_nothing =
	    SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL | SMFIP_NORCPT |
	    SMFIP_NOBODY | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOUNKNOWN |
	    SMFIP_NODATA;
	char body[NEGOTIATION_SIZE] = {0};

	protocol_put32(body, conn->mta.version);
	if (conn->answerer == ANSWER_ACCEPT)
		protocol_put32(body + 8, conn->mta.offered & send_nothing);
	answer_put(&conn->mta.out, SMFIC_OPTNEG, body, sizeof body);
	conn->mta.no_reply = 0;
}

void
answer_command(struct conn *conn, char cmd)
{
	struct buf *out = &conn->mta.out;

	if (cmd == SMFIC_QUIT || cmd == SMFIC_QUIT_NC)
		conn->mta.state = MTA_CLOSES;
	if (cmd == SMFIC_OPTNEG) {
		answer_negotiation(conn);
		return;
	}
	if (!answer_is_due(conn->mta.no_reply, cmd))
		return;
	switch (conn->answerer) {
	case ANSWER_LIBMILTER:
		break;
	case ANSWER_GONE:
		answer_refuse(conn, text_gone);
		break;
	case ANSWER_STOPPED:
		answer_refuse(
		    conn, conn->said_stopped ? text_stopping : text_stopped);
		conn->said_stopped = true;
		break;
	case ANSWER_ACCEPT:
		answer_put(out, SMFIR_CONTINUE, NULL, 0);
		break;
	case ANSWER_TEMPFAIL:
		answer_put(out, SMFIR_TEMPFAIL, NULL, 0);
		break;
	}
}

void
answer_take_over(struct gate *gate, struct conn *conn, enum answerer how)
{
	char cmd = conn->wait.cmd;
	enum gate_end end = how == ANSWER_GONE      ? GATE_END_GONE
	                    : how == ANSWER_STOPPED ? GATE_END_STOPPED
	                                            : GATE_END_NONE;

	wait_end(gate, conn, end, how != ANSWER_ACCEPT);
	pthread_mutex_lock(&gate->lock);
	conn->shared.is_shut = true;
	gate->report.gone += how == ANSWER_GONE;
	gate->report.timeouts += how == ANSWER_ACCEPT || how == ANSWER_TEMPFAIL;
	pthread_mutex_unlock(&gate->lock);
	conn->answerer = how;
	buf_clear(&conn->back.out);
	if (cmd != 0)
		answer_command(conn, cmd);
}
