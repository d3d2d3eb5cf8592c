/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The milter protocol as far as the gate needs it. Commands go to libmilter one
 * by one: nothing follows one whose reply is due. So a reply always belongs to
 * conn->due.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gate/gate_private.h"

static const char *const text_out_of_order =
    "450 4.7.1 No recipient of this message was accepted, please start anew";

ssize_t
frames_length(const struct buf *buf)
{
	if (buf->len < FRAME_LENGTH)
		return 0;
	size_t len = protocol_get32(buf_head(buf));
	if (len == 0 || len > FRAME_MAX)
		return -1;
	return buf->len < len + FRAME_LENGTH ? 0 : (ssize_t)(len + FRAME_LENGTH);
}

void
frames_put(struct buf *buf, char cmd, const void *data, size_t len)
{
	char head[FRAME_HEAD];

	protocol_put32(head, (uint32_t)len + 1);
	head[FRAME_LENGTH] = cmd;
	if (buf_append(buf, head, sizeof head) && len > 0)
		buf_append(buf, data, len);
}

bool
frames_wants_reply(const struct conn *conn, char cmd)
{
	static const struct {
		char cmd;
		uint32_t no_reply;
	} replied[] = {{SMFIC_CONNECT, SMFIP_NR_CONN}, {SMFIC_HELO, SMFIP_NR_HELO},
	    {SMFIC_MAIL, SMFIP_NR_MAIL}, {SMFIC_RCPT, SMFIP_NR_RCPT},
	    {SMFIC_DATA, SMFIP_NR_DATA}, {SMFIC_UNKNOWN, SMFIP_NR_UNKN},
	    {SMFIC_EOH, SMFIP_NR_EOH}, {SMFIC_BODY, SMFIP_NR_BODY},
	    {SMFIC_HEADER, SMFIP_NR_HDR}, {SMFIC_BODYEOB, 0}, {SMFIC_OPTNEG, 0}};

	if (cmd == SMFIC_CONNECT && conn->asks_connect)
		return conn->answerer != ANSWER_LIBMILTER;
	for (size_t i = 0; i < sizeof replied / sizeof replied[0]; i++)
		if (replied[i].cmd == cmd)
			return (conn->no_reply & replied[i].no_reply) == 0;
	return false;
}

/* A macro frame of CONNECT with the connection's number behind the others. */
static void
put_macros(struct conn *conn, const char *data, size_t len)
{
	char ours[64], head[FRAME_HEAD + 1];
	int name = snprintf(
	    ours, sizeof ours, "%s%c%" PRIu64, GATE_MACRO, 0, conn->number);
	size_t mine = (size_t)name + 1;

	protocol_put32(head, (uint32_t)(2 + len + mine));
	head[FRAME_LENGTH] = SMFIC_MACRO;
	head[FRAME_HEAD] = SMFIC_CONNECT;
	buf_append(&conn->out_back, head, sizeof head);
	if (len > 0)
		buf_append(&conn->out_back, data, len);
	buf_append(&conn->out_back, ours, mine);
	conn->has_macro = true;
}

static void
note_negotiation(struct conn *conn, const char *data)
{
	conn->has_negotiated = true;
	conn->version = protocol_get32(data);
	conn->offered = protocol_get32(data + 8);
}

/* libmilter's half: which commands get replies; then to the MTA. */
static void
pass_negotiation(struct conn *conn, const char *reply, size_t len)
{
	struct buf *out = &conn->out_front;

	conn->no_reply = conn->offered & protocol_get32(reply + FRAME_HEAD + 8);
	if (buf_append(out, reply, len))
		pregreet_negotiate(
		    conn, out->data + out->off + out->len - len + FRAME_HEAD + 8);
}

static void
expect_reply(struct gate *gate, struct conn *conn, char cmd)
{
	conn->state = CONN_DUE;
	conn->due = cmd;
	conn->sent_ms = gate->now_ms;
	if (conn->progress_ms == 0)
		conn->progress_ms = (gate->now_ms + PROGRESS_MS) /
		                    PROGRESS_GRID_MS * PROGRESS_GRID_MS;
	if (cmd == SMFIC_RCPT || cmd == SMFIC_DATA)
		wait_sent(gate, conn, cmd, false);
	loop_timer(gate, conn);
}

/* What the transaction has come to by a command that was not refused. */
static void
accepted(struct conn *conn, char cmd)
{
	switch (cmd) {
	case SMFIC_MAIL:
		conn->mail = MAIL_BEGUN;
		break;
	case SMFIC_RCPT:
		conn->mail = MAIL_HAS_RECIPIENT;
		break;
	case SMFIC_DATA:
	case SMFIC_HEADER:
	case SMFIC_EOH:
	case SMFIC_BODY:
		conn->mail = MAIL_CONTENT;
		break;
	case SMFIC_BODYEOB:
	case SMFIC_ABORT:
	case SMFIC_CONNECT:
	case SMFIC_HELO:
		conn->mail = MAIL_NONE;
		break;
	default:
		break;
	}
}

static void
hand_over(struct gate *gate, struct conn *conn, char cmd, size_t len)
{
	bool wants = frames_wants_reply(conn, cmd);
	const char *frame = buf_head(&conn->in), *data = frame + FRAME_HEAD;

	if (cmd == SMFIC_OPTNEG)
		note_negotiation(conn, data);
	else if (!conn->has_macro && cmd != SMFIC_MACRO && cmd != SMFIC_QUIT)
		put_macros(conn, NULL, 0);
	if (cmd == SMFIC_MACRO && *data == SMFIC_CONNECT) {
		pregreet_macros(conn, data + 1, len - FRAME_HEAD - 1);
		put_macros(conn, data + 1, len - FRAME_HEAD - 1);
	} else {
		buf_append(&conn->out_back, frame, len);
	}
	if (cmd == SMFIC_CONNECT && conn->asks_connect)
		pregreet_connect(gate, conn, data, len - FRAME_HEAD);
	/* What nobody waits for travels with the next frame. */
	if (wants ||
	    (cmd != SMFIC_MACRO && cmd != SMFIC_CONNECT && cmd != SMFIC_HELO))
		conn->urgent = true;
	if (!wants || cmd == SMFIC_MAIL || cmd == SMFIC_CONNECT ||
	    cmd == SMFIC_HELO)
		accepted(conn, cmd);
	if (wants)
		expect_reply(gate, conn, cmd);
	else
		conn->progress_ms = 0;
	if (!wants || cmd != SMFIC_RCPT)
		buf_take(&conn->in, len);
}

static bool
keep(struct gate *gate, struct conn *conn, char cmd)
{
	bool is_content = cmd == SMFIC_DATA || cmd == SMFIC_HEADER ||
	                  cmd == SMFIC_EOH || cmd == SMFIC_BODY ||
	                  cmd == SMFIC_BODYEOB;

	if (!is_content || conn->mail == MAIL_CONTENT || !wait_keeps(gate, conn))
		return false;
	conn->state = CONN_KEPT;
	conn->due = cmd;
	conn->progress_ms = gate->now_ms + PROGRESS_MS;
	loop_timer(gate, conn);
	return true;
}

/*
 * RCPT belongs to MAIL, and a message to a recipient that was accepted (RFC 5321
 * 3.3). Postfix knows better, but not after a BDAT that was refused: it aborts
 * the transaction, shows the DATA of its client all the same, and several of
 * its releases crash when that is answered "continue".
 */
static bool
is_out_of_order(const struct conn *conn, char cmd)
{
	switch (cmd) {
	case SMFIC_RCPT:
		return conn->mail != MAIL_BEGUN && conn->mail != MAIL_HAS_RECIPIENT;
	case SMFIC_DATA:
		return conn->mail != MAIL_HAS_RECIPIENT;
	case SMFIC_HEADER:
	case SMFIC_EOH:
	case SMFIC_BODY:
	case SMFIC_BODYEOB:
		/* Before version 4 of the protocol there is no DATA. */
		return conn->mail != MAIL_CONTENT &&
		       conn->mail != MAIL_HAS_RECIPIENT;
	default:
		return false;
	}
}

static void
end_for(struct gate *gate, struct conn *conn, const char *what)
{
	if (log_may(&gate->limit_frame, gate->now_ms, NULL))
		log_warnx("gate: %s; connection closed", what);
	conn_close_front(gate, conn);
}

/* true: the frame goes to libmilter, else it is dealt with */
static bool
is_for_libmilter(struct gate *gate, struct conn *conn, char cmd, size_t len)
{
	const char *data = buf_head(&conn->in) + FRAME_HEAD;
	enum filter_verdict verdict =
	    filter_frame(gate, conn, cmd, data, len - FRAME_HEAD);

	if (cmd == SMFIC_QUIT_NC) {
		/* The next client's session needs a connection of its own. */
		conn_close_front(gate, conn);
		return false;
	}
	if (verdict == FILTER_WRONG ||
	    conn->has_negotiated == (cmd == SMFIC_OPTNEG)) {
		end_for(gate, conn, "a frame from the MTA that is none");
		return false;
	}
	if (verdict == FILTER_PASS && cmd != SMFIC_UNKNOWN &&
	    !is_out_of_order(conn, cmd))
		return true;
	if (verdict == FILTER_WRONG_MACROS &&
	    log_may(&gate->limit_frame, gate->now_ms, NULL))
		log_warnx("gate: macros from the MTA that are none; left out");
	if (verdict == FILTER_PASS && frames_wants_reply(conn, cmd)) {
		if (cmd == SMFIC_UNKNOWN)
			frames_put(&conn->out_front, SMFIR_CONTINUE, NULL, 0);
		else
			answer_refuse(conn, text_out_of_order);
	}
	buf_take(&conn->in, len);
	return false;
}

void
frames_front(struct gate *gate, struct conn *conn)
{
	while (conn->front >= 0 && conn->state == CONN_IDLE && !conn->closing &&
	       conn->out_back.len <= READ_SIZE) {
		ssize_t len = frames_length(&conn->in);
		if (len == 0)
			break;
		if (len < 0) {
			end_for(
			    gate, conn, "a frame of a wrong length from the MTA");
			break;
		}
		char cmd = buf_head(&conn->in)[FRAME_LENGTH];
		if (conn->answerer == ANSWER_LIBMILTER && gate->is_stopping &&
		    conn->mail != MAIL_CONTENT && frames_wants_reply(conn, cmd))
			answer_take_over(gate, conn, ANSWER_STOPPED);
		if (conn->answerer != ANSWER_LIBMILTER) {
			answer_command(conn, cmd);
			buf_take(&conn->in, (size_t)len);
			continue;
		}
		if (!is_for_libmilter(gate, conn, cmd, (size_t)len))
			continue;
		if (keep(gate, conn, cmd))
			break;
		hand_over(gate, conn, cmd, (size_t)len);
	}
}

void
frames_done(struct conn *conn, char reply)
{
	if (conn->due == SMFIC_RCPT)
		buf_take(&conn->in, (size_t)frames_length(&conn->in));
	if (reply == SMFIR_CONTINUE)
		accepted(conn, conn->due);
	else if (conn->due == SMFIC_DATA)
		conn->mail = MAIL_REFUSED;
	else if (reply == SMFIR_ACCEPT || reply == SMFIR_DISCARD ||
	         conn->due == SMFIC_MAIL || conn->due == SMFIC_BODYEOB)
		conn->mail = MAIL_NONE;
	conn->state = CONN_IDLE;
	conn->due = 0;
	conn->progress_ms = 0;
}

static bool
is_final(const struct conn *conn, char reply)
{
	switch (reply) {
	case SMFIR_ACCEPT:
	case SMFIR_CONTINUE:
	case SMFIR_DISCARD:
	case SMFIR_REJECT:
	case SMFIR_TEMPFAIL:
	case SMFIR_REPLYCODE:
	case SMFIR_SKIP:
	case SMFIR_CONN_FAIL:
	case SMFIR_SHUTDOWN:
		return conn->due != SMFIC_OPTNEG;
	case SMFIC_OPTNEG:
		return conn->due == SMFIC_OPTNEG;
	default:
		return false;
	}
}

static void
take_reply(struct gate *gate, struct conn *conn, const char *frame, size_t len)
{
	char reply = frame[FRAME_LENGTH];

	if (conn->state == CONN_DUE && is_final(conn, reply)) {
		if ((conn->due == SMFIC_RCPT || conn->due == SMFIC_DATA) &&
		    wait_reply(gate, conn, frame, len))
			return;
		frames_done(conn, reply);
	}
	if (reply == SMFIC_OPTNEG && len >= FRAME_HEAD + NEGOTIATION_SIZE)
		pass_negotiation(conn, frame, len);
	else
		buf_append(&conn->out_front, frame, len);
}

void
frames_back(struct gate *gate, struct conn *conn)
{
	while (conn->state != CONN_WITHHELD && conn->back >= 0) {
		ssize_t len = frames_length(&conn->back_in);
		if (len == 0)
			break;
		if (len < 0) {
			if (log_may(&gate->limit_frame, gate->now_ms, NULL))
				log_warnx("gate: a frame of a wrong length from "
				          "libmilter; connection closed");
			conn_close_back(gate, conn);
			break;
		}
		if (conn->front >= 0 && conn->answerer == ANSWER_LIBMILTER)
			take_reply(
			    gate, conn, buf_head(&conn->back_in), (size_t)len);
		buf_take(&conn->back_in, (size_t)len);
	}
}
