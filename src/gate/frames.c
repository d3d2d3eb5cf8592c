/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passes frames from one end to the other. Commands go to libmilter one by one:
 * nothing is sent while it owes a reply, so a reply always belongs to
 * conn->wait.cmd. Its reply to MAIL ends at the gate: the MTA is told that none is
 * due, and the callback has run before RCPT is handed over.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gate/gate_private.h"

static const char *const text_out_of_order =
    "450 4.7.1 No recipient of this message was accepted, please try again";
static const char *const text_trouble = "451 4.3.0 Try again later";

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

/* A macro frame of CONNECT with the connection's number appended. */
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
	buf_append(&conn->back.out, head, sizeof head);
	buf_append(&conn->back.out, data, len);
	buf_append(&conn->back.out, ours, mine);
	conn->back.has_macro = true;
}

/* Updates the transaction's state after a command and its answer. */
static void
answered(struct conn *conn, char cmd, char reply)
{
	enum mail_state *mail = &conn->back.mail;

	if (reply != SMFIR_CONTINUE) {
		if (cmd == SMFIC_MAIL || cmd == SMFIC_DATA || cmd == SMFIC_EOH)
			*mail = MAIL_REFUSED;
		else if (cmd == SMFIC_BODYEOB || reply == SMFIR_ACCEPT ||
		         reply == SMFIR_DISCARD)
			*mail = MAIL_NONE;
		return;
	}
	switch (cmd) {
	case SMFIC_MAIL:
		*mail = MAIL_BEGUN;
		break;
	case SMFIC_RCPT:
		if (!conn->wait.is_refused)
			*mail = MAIL_HAS_RECIPIENT;
		break;
	case SMFIC_DATA:
	case SMFIC_HEADER:
		*mail = MAIL_HEADERS;
		break;
	case SMFIC_EOH:
	case SMFIC_BODY:
		*mail = MAIL_BODY;
		break;
	case SMFIC_BODYEOB:
	case SMFIC_ABORT:
	case SMFIC_CONNECT:
	case SMFIC_HELO:
		*mail = MAIL_NONE;
		break;
	default:
		break;
	}
}

static void
hand_over(struct gate *gate, struct conn *conn, char cmd, size_t len)
{
	struct back_side *back = &conn->back;
	const char *frame = buf_head(&conn->mta.in), *data = frame + FRAME_HEAD;
	bool is_due = answer_is_due(back->no_reply, cmd);
	bool is_greeting = cmd == SMFIC_CONNECT || cmd == SMFIC_HELO;

	early_look(gate, conn, cmd, data, len - FRAME_HEAD);
	if (cmd == SMFIC_OPTNEG) {
		conn->mta.has_negotiated = true;
		conn->mta.version = protocol_get32(data);
		conn->mta.offered = protocol_get32(data + 8);
	} else if (!back->has_macro && cmd != SMFIC_MACRO)
		put_macros(conn, NULL, 0);
	if (cmd == SMFIC_MACRO && *data == SMFIC_CONNECT)
		put_macros(conn, data + 1, len - FRAME_HEAD - 1);
	else
		buf_append(&back->out, frame, len);
	buf_take(&conn->mta.in, len);
	if (is_greeting && !is_due) /* pass_negotiation() made the MTA wait */
		answer_put(&conn->mta.out, SMFIR_CONTINUE, NULL, 0);
	/* What nobody awaits is sent with the next frame, but an abort at once. */
	if (is_due || cmd == SMFIC_ABORT)
		back->is_urgent = true;
	if (is_due)
		wait_for_libmilter(gate, conn, cmd);
	else
		answered(conn, cmd, SMFIR_CONTINUE);
}

/*
 * RCPT needs a MAIL, and a message needs an accepted recipient (RFC 5321 3.3).
 * Postfix keeps to this, except after a refused BDAT: it aborts the transaction,
 * passes its client's DATA on all the same, and several releases crash when that
 * is answered "continue". And libmilter does not answer commands out of order at
 * all.
 */
static bool
is_out_of_order(const struct conn *conn, char cmd)
{
	enum mail_state mail = conn->back.mail;

	switch (cmd) {
	case SMFIC_RCPT:
		return mail != MAIL_BEGUN && mail != MAIL_HAS_RECIPIENT;
	case SMFIC_DATA:
		return mail != MAIL_HAS_RECIPIENT;
	case SMFIC_HEADER:
	case SMFIC_EOH:
		/* Before version 4 of the protocol there is no DATA. */
		return mail != MAIL_HEADERS && mail != MAIL_HAS_RECIPIENT;
	case SMFIC_BODY:
	case SMFIC_BODYEOB:
		return mail != MAIL_BODY;
	default:
		return false;
	}
}

static void
end_for(struct gate *gate, struct conn *conn, const char *what)
{
	if (log_may(&gate->limit_frame, gate->now_ms, NULL))
		log_warnx("gate: %s; connection closed", what);
	conn->mta.state = MTA_ENDS;
}

/* Answers a frame that is kept from libmilter, where an answer is due. */
static void
answer_alone(struct conn *conn, char cmd)
{
	if (!answer_is_due(conn->mta.no_reply, cmd))
		return;
	if (cmd == SMFIC_UNKNOWN)
		answer_put(&conn->mta.out, SMFIR_CONTINUE, NULL, 0);
	else
		answer_refuse(conn, text_out_of_order);
}

/* true: the frame is for libmilter; false: it has been dealt with */
static bool
is_for_libmilter(struct gate *gate, struct conn *conn, char cmd, size_t len)
{
	const char *data = buf_head(&conn->mta.in) + FRAME_HEAD;
	enum filter_verdict verdict =
	    filter_frame(gate, conn, cmd, data, len - FRAME_HEAD);

	if (cmd == SMFIC_QUIT || cmd == SMFIC_QUIT_NC) {
		/* Closing its connection tells libmilter the same. */
		conn->mta.state = MTA_CLOSES;
		return false;
	}
	if (verdict == FILTER_WRONG ||
	    conn->mta.has_negotiated == (cmd == SMFIC_OPTNEG)) {
		end_for(gate, conn, "an invalid milter frame from the MTA");
		return false;
	}
	if (verdict == FILTER_PASS && cmd != SMFIC_UNKNOWN &&
	    !is_out_of_order(conn, cmd))
		return true;
	if (verdict == FILTER_WRONG_MACROS &&
	    log_may(&gate->limit_frame, gate->now_ms, NULL))
		log_warnx("gate: malformed macros from the MTA ignored");
	if (verdict == FILTER_PASS)
		answer_alone(conn, cmd);
	buf_take(&conn->mta.in, len);
	return false;
}

/* The commands that may wait at the head of the queue. */
static bool
is_delayed(struct gate *gate, struct conn *conn, char cmd)
{
	switch (cmd) {
	case SMFIC_RCPT:
	case SMFIC_DATA:
	case SMFIC_HEADER:
	case SMFIC_EOH:
		return wait_delays(gate, conn, cmd);
	default:
		return false;
	}
}

void
frames_from_mta(struct gate *gate, struct conn *conn)
{
	while (conn->mta.state < MTA_CLOSES && conn->wait.state == WAIT_NONE &&
	       conn->back.out.len <= READ_SIZE) {
		ssize_t len = frames_length(&conn->mta.in);
		if (len == 0)
			break;
		if (len < 0) {
			end_for(
			    gate, conn, "a frame of invalid length from the MTA");
			break;
		}
		char cmd = buf_head(&conn->mta.in)[FRAME_LENGTH];
		if (conn->answerer == ANSWER_LIBMILTER && gate->is_stopping &&
		    conn->back.mail != MAIL_HEADERS &&
		    conn->back.mail != MAIL_BODY &&
		    answer_is_due(conn->mta.no_reply, cmd))
			answer_take_over(gate, conn, ANSWER_STOPPED);
		if (conn->answerer != ANSWER_LIBMILTER) {
			answer_command(conn, cmd);
			buf_take(&conn->mta.in, (size_t)len);
		} else if (is_for_libmilter(gate, conn, cmd, (size_t)len) &&
		           !is_delayed(gate, conn, cmd))
			hand_over(gate, conn, cmd, (size_t)len);
	}
}

/* Sends the delayed reply, or the other one. */
static void
reply(struct gate *gate, struct conn *conn, bool other)
{
	const char *frame = buf_head(&conn->back.in);
	size_t len = (size_t)frames_length(&conn->back.in);
	char cmd = conn->wait.cmd;
	char letter = other ? SMFIR_REPLYCODE : frame[FRAME_LENGTH];

	if (other) {
		pthread_mutex_lock(&gate->lock);
		const char *text = conn->shared.other;
		answer_refuse(conn, text == NULL ? text_trouble : text);
		pthread_mutex_unlock(&gate->lock);
	} else {
		buf_append(&conn->mta.out, frame, len);
	}
	buf_take(&conn->back.in, len);
	wait_end(gate, conn, GATE_END_ELAPSED, other);
	answered(conn, cmd, letter);
}

/* The MTA must not give up while it waits for us. */
static void
keep_patient(struct gate *gate, struct conn *conn)
{
	struct wait *wait = &conn->wait;
	bool mta_waits =
	    conn->mta.in.len > 0 || answer_is_due(conn->mta.no_reply, wait->cmd);

	if (wait->state == WAIT_NONE || gate->now_ms < wait->progress_ms)
		return;
	/* Postfix takes anything but the answer to a negotiation for a failure. */
	if (mta_waits && wait->cmd != SMFIC_OPTNEG && conn->mta.out.len == 0)
		answer_put(&conn->mta.out, SMFIR_PROGRESS, NULL, 0);
	wait->progress_ms =
	    (gate->now_ms + PROGRESS_MS) / PROGRESS_GRID_MS * PROGRESS_GRID_MS;
}

static void
take_over(struct gate *gate, struct conn *conn, enum answerer how)
{
	if (conn->wait.state == WAIT_COMMAND)
		buf_take(&conn->mta.in, (size_t)frames_length(&conn->mta.in));
	answer_take_over(gate, conn, how);
}

static void
answer_for_libmilter(struct gate *gate, struct conn *conn)
{
	bool accept = atomic_load(&gate->on_failure) == GATE_ACCEPT;

	if (log_may(&gate->limit_timeout, gate->now_ms, NULL))
		log_warnx(
		    "gate: no answer to command %c within %lld ms; the rest of "
		    "the session is %s",
		    conn->wait.cmd, (long long)(gate->now_ms - conn->wait.since_ms),
		    accept ? "accepted unfiltered" : "refused for now");
	take_over(gate, conn, accept ? ANSWER_ACCEPT : ANSWER_TEMPFAIL);
}

void
frames_check(struct gate *gate, struct conn *conn)
{
	if (conn->mta.state >= MTA_ENDS)
		return;
	switch (wait_look(gate, conn)) {
	case WAIT_GOES_ON:
		keep_patient(gate, conn);
		wait_set_timer(gate, conn);
		break;
	case WAIT_FORWARD:
		reply(gate, conn, false);
		break;
	case WAIT_OTHER:
		reply(gate, conn, true);
		break;
	case WAIT_CLIENT_GONE:
		take_over(gate, conn, ANSWER_GONE);
		break;
	case WAIT_STOPS:
		take_over(gate, conn, ANSWER_STOPPED);
		break;
	case WAIT_SILENT:
		answer_for_libmilter(gate, conn);
		break;
	}
}

static bool
is_final(const struct conn *conn, char letter)
{
	switch (letter) {
	case SMFIR_ACCEPT:
	case SMFIR_CONTINUE:
	case SMFIR_DISCARD:
	case SMFIR_REJECT:
	case SMFIR_TEMPFAIL:
	case SMFIR_REPLYCODE:
	case SMFIR_SKIP:
	case SMFIR_CONN_FAIL:
	case SMFIR_SHUTDOWN:
		return conn->wait.cmd != SMFIC_OPTNEG;
	case SMFIC_OPTNEG:
		return conn->wait.cmd == SMFIC_OPTNEG;
	default:
		return false;
	}
}

/*
 * Sets which commands are answered. The MTA is told to wait for CONNECT and HELO,
 * which the gate answers, and not to wait for MAIL.
 */
static void
pass_negotiation(struct conn *conn, const char *frame, size_t len)
{
	char told[FRAME_HEAD + NEGOTIATION_SIZE], *steps = told + FRAME_HEAD + 8;

	if (len < sizeof told) {
		conn->mta.state = MTA_ENDS;
		return;
	}
	memcpy(told, frame, sizeof told);
	uint32_t wants = protocol_get32(steps);
	conn->back.no_reply = wants & conn->mta.offered;
	wants &= ~(uint32_t)(SMFIP_NR_CONN | SMFIP_NR_HELO);
	wants |= conn->mta.offered & SMFIP_NR_MAIL;
	conn->mta.no_reply = wants & conn->mta.offered;
	protocol_put32(steps, wants);
	buf_append(&conn->mta.out, told, sizeof told);
	buf_append(&conn->mta.out, frame + sizeof told, len - sizeof told);
}

/* true: the reply is delayed */
static bool
take_reply(struct gate *gate, struct conn *conn, const char *frame, size_t len)
{
	char letter = frame[FRAME_LENGTH], cmd = conn->wait.cmd;

	if (conn->wait.state != WAIT_LIBMILTER)
		return false; /* nothing was asked */
	if (!is_final(conn, letter)) {
		if (answer_is_due(conn->mta.no_reply, cmd))
			buf_append(&conn->mta.out, frame, len);
		return false;
	}
	if (wait_takes_reply(gate, conn))
		return true;
	conn->wait.cmd = 0;
	if (letter == SMFIC_OPTNEG)
		pass_negotiation(conn, frame, len);
	else if (answer_is_due(conn->mta.no_reply, cmd))
		buf_append(&conn->mta.out, frame, len);
	answered(conn, cmd, letter);
	return false;
}

void
frames_from_libmilter(struct gate *gate, struct conn *conn)
{
	struct buf *in = &conn->back.in;

	while (conn->wait.state != WAIT_REPLY) {
		ssize_t len = frames_length(in);
		if (len == 0)
			break;
		if (len < 0) {
			end_for(
			    gate, conn, "a frame of invalid length from libmilter");
			buf_clear(in);
			break;
		}
		bool is_heard = conn->mta.state < MTA_ENDS &&
		                conn->answerer == ANSWER_LIBMILTER;
		if (!is_heard ||
		    !take_reply(gate, conn, buf_head(in), (size_t)len)) {
			buf_take(in, (size_t)len);
			continue;
		}
		if (conn->mta.state != MTA_TALKS)
			conn->mta.state = MTA_ENDS; /* the MTA waits no longer */
		frames_check(gate, conn);
	}
}
