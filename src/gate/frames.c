/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The milter protocol as far as the gate needs it: four octets of length (big
 * endian, the command's own octet counted), one of command, data. Commands go
 * to libmilter one by one: nothing follows one whose reply is due. So a reply
 * always belongs to conn->due.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gate/internal.h"

#define HEAD 5 /* length and command */

static const char *const text_refused =
    "450 4.7.1 The message was refused for now, please start anew";

static uint32_t
get32(const char *at)
{
	const unsigned char *u = (const unsigned char *)at;
	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 |
	       u[3];
}

ssize_t
frames_length(const struct buf *buf)
{
	if (buf->len < 4)
		return 0;
	size_t len = get32(buf_head(buf));
	if (len == 0 || len > FRAME_MAX)
		return -1;
	return buf->len < len + 4 ? 0 : (ssize_t)(len + 4);
}

void
frames_put(struct buf *buf, char cmd, const void *data, size_t len)
{
	char head[HEAD];
	size_t size = len + 1;

	for (int i = 0; i < 4; i++)
		head[i] = (char)(size >> (24 - 8 * i));
	head[4] = cmd;
	if (buf_append(buf, head, HEAD) && len > 0)
		buf_append(buf, data, len);
}

bool
frames_wants_reply(const struct conn *conn, char cmd)
{
	static const struct {
		char cmd;
		uint32_t no_reply; /* SMFIP_NR_* */
	} replied[] = {{'C', 0x1000}, {'H', 0x2000}, {'M', 0x4000}, {'R', 0x8000},
	    {'T', 0x10000}, {'U', 0x20000}, {'N', 0x40000}, {'B', 0x80000},
	    {'L', 0x80}, {'E', 0}, {'O', 0}};

	if (cmd == 'C' && conn->asks_connect)
		return conn->own != OWN_NONE;
	for (size_t i = 0; i < sizeof replied / sizeof replied[0]; i++)
		if (replied[i].cmd == cmd)
			return (conn->no_reply & replied[i].no_reply) == 0;
	return false;
}

/* Copies a D/C frame, or makes one, with the connection's number. */
void
frames_put_macros(struct conn *conn, const char *data, size_t len)
{
	char ours[64], pad[2] = {0, 0};
	size_t nuls = 0;

	for (size_t i = 1; i < len; i++)
		nuls += data[i] == '\0';
	size_t pads = len > 1 && data[len - 1] != '\0' ? 1 : 0;
	pads += (nuls + pads) % 2;
	int name = snprintf(
	    ours, sizeof ours, "{targrey_gate}%c%" PRIu64, 0, conn->number);
	size_t mine = (size_t)name + 1;

	frames_put(&conn->out_back, 'D', NULL, 0);
	size_t at = conn->out_back.off + conn->out_back.len - HEAD;
	size_t size = 1 + len + pads + mine;
	if (conn->out_back.len < HEAD)
		return;
	for (int i = 0; i < 4; i++)
		conn->out_back.data[at + (size_t)i] = (char)(size >> (24 - 8 * i));
	buf_append(&conn->out_back, data, len);
	if (pads > 0)
		buf_append(&conn->out_back, pad, pads);
	buf_append(&conn->out_back, ours, mine);
	conn->has_macro = true;
}

static void
note_negotiation(struct conn *conn, const char *frame, size_t len)
{
	conn->version = len >= HEAD + 4 ? get32(frame + HEAD) : 0;
	conn->offered = len >= HEAD + 12 ? get32(frame + HEAD + 8) : 0;
}

/* libmilter's half: which commands get replies; then to the MTA. */
static void
pass_negotiation(
    struct gate *gate, struct conn *conn, const char *reply, size_t len)
{
	struct buf *out = &conn->out_front;

	conn->no_reply = conn->offered & get32(reply + HEAD + 8);
	if (buf_append(out, reply, len))
		early_negotiate(
		    gate, conn, out->data + out->off + out->len - len + HEAD + 8);
}

/* true: the MTA has its answer; the frame waits for company. */
static bool
negotiate(struct gate *gate, struct conn *conn, const char *frame, size_t len)
{
	note_negotiation(conn, frame, len);
	if (conn->has_macro || !negotiate_known(gate, conn, frame, len)) {
		negotiate_offered(gate, conn, frame, len);
		return false;
	}
	pass_negotiation(gate, conn, buf_head(&conn->agreement->reply),
	    conn->agreement->reply.len);
	return true;
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
	if (cmd == 'R' || cmd == 'T')
		wait_sent(gate, conn, cmd, false);
	loop_timer(gate, conn);
}

/* true: libmilter does not get this frame */
static bool
deal_with(struct gate *gate, struct conn *conn, char cmd, size_t len)
{
	const char *data = buf_head(&conn->in) + HEAD;

	if (cmd == 'O' && conn->version != 0) {
		if (log_may(&gate->limit_frame, gate->now_ms, NULL))
			log_warnx(
			    "gate: the MTA negotiated twice; connection closed");
		conn_close_front(gate, conn);
		return true;
	}
	if (cmd == 'Q' || cmd == 'K') {
		buf_take(&conn->in, len);
		spare_leave(gate, conn, cmd);
		return true;
	}
	if (cmd == 'A')
		conn->in_content = false;
	if (frames_wants_reply(conn, cmd) ||
	    !lean_drops(gate, conn, cmd, data, len - HEAD))
		return false;
	if (cmd == 'L')
		conn->in_content = true;
	conn->progress_ms = 0;
	buf_take(&conn->in, len);
	return true;
}

static void
hand_over(struct gate *gate, struct conn *conn, char cmd, size_t len)
{
	bool wants = frames_wants_reply(conn, cmd);
	const char *frame = buf_head(&conn->in);
	bool connects = cmd == 'D' && len > HEAD && frame[HEAD] == 'C';

	if (deal_with(gate, conn, cmd, len))
		return;
	if (!conn->has_macro && !connects && strchr("OAQK", cmd) == NULL)
		frames_put_macros(conn, "C", 1);
	if (cmd == 'O' && negotiate(gate, conn, frame, len)) {
		buf_take(&conn->in, len);
		return;
	}
	if (connects) {
		early_macros(conn, frame + HEAD + 1, len - HEAD - 1);
		frames_put_macros(conn, frame + HEAD, len - HEAD);
	} else {
		buf_append(&conn->out_back, frame, len);
	}
	if (cmd == 'C' && conn->asks_connect)
		early_connect(gate, conn, frame + HEAD, len - HEAD);
	spare_sent(conn, cmd);
	/* C and H that nobody waits for travel with the next frame. */
	if (cmd != 'D' && (wants || (cmd != 'C' && cmd != 'H')))
		conn->urgent = true;
	if (cmd == 'L' || (cmd == 'T' && !wants))
		conn->in_content = true;
	if (wants)
		expect_reply(gate, conn, cmd);
	else
		conn->progress_ms = 0;
	if (!wants || cmd != 'R')
		buf_take(&conn->in, len);
}

static bool
keep(struct gate *gate, struct conn *conn, char cmd)
{
	if (conn->in_content || strchr("TLNBE", cmd) == NULL ||
	    !wait_keeps(gate, conn))
		return false;
	conn->state = CONN_KEPT;
	conn->due = cmd;
	conn->progress_ms = gate->now_ms + PROGRESS_MS;
	loop_timer(gate, conn);
	return true;
}

/*
 * Postfix lets a client go on with RCPT and DATA after a DATA that was refused;
 * libmilter ignores both then and would never answer (engine.c, its table of
 * states). So the refusal stands until the transaction ends.
 */
static bool
refuse_the_rest(struct conn *conn, char cmd, size_t len)
{
	if (strchr("AMHCOQK", cmd) != NULL)
		conn->data_refused = false;
	if (!conn->data_refused || strchr("RTLNBE", cmd) == NULL)
		return false;
	if (frames_wants_reply(conn, cmd))
		own_refuse(conn, text_refused);
	buf_take(&conn->in, len);
	return true;
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
			if (log_may(&gate->limit_frame, gate->now_ms, NULL))
				log_warnx("gate: frame of a wrong length from the "
				          "MTA; connection closed");
			conn_close_front(gate, conn);
			break;
		}
		char cmd = buf_head(&conn->in)[4];
		if (conn->own == OWN_NONE && gate->is_stopping &&
		    !conn->in_content && frames_wants_reply(conn, cmd))
			own_take_over(gate, conn, OWN_STOPPED);
		if (conn->own != OWN_NONE) {
			own_answer(conn, cmd);
			buf_take(&conn->in, (size_t)len);
			continue;
		}
		if (refuse_the_rest(conn, cmd, (size_t)len))
			continue;
		if (keep(gate, conn, cmd))
			break;
		hand_over(gate, conn, cmd, (size_t)len);
	}
}

void
frames_done(struct conn *conn, char reply)
{
	if (conn->due == 'R')
		buf_take(&conn->in, (size_t)frames_length(&conn->in));
	if (conn->due == 'T') {
		conn->in_content = reply == 'c';
		conn->data_refused = strchr("rty4f", reply) != NULL;
	}
	if (conn->due == 'E')
		conn->in_content = false;
	conn->state = CONN_IDLE;
	conn->due = 0;
	conn->progress_ms = 0;
}

static void
take_reply(struct gate *gate, struct conn *conn, const char *frame, size_t len)
{
	char reply = frame[4];
	bool negotiates = false;

	if (conn->swallows) {
		if (!negotiate_swallow(gate, conn, frame, len))
			conn_close_front(gate, conn);
		return;
	}
	if (conn->answers_unknown > 0) {
		conn->answers_unknown--;
		return;
	}
	bool final =
	    conn->due == 'O' ? reply == 'O' : strchr("acdrtysf4", reply) != NULL;

	if (conn->state == CONN_DUE && final) {
		negotiates = reply == 'O' && len >= HEAD + 12;
		spare_replied(conn, conn->due, reply);
		if ((conn->due == 'R' || conn->due == 'T') &&
		    wait_reply(gate, conn, frame, len))
			return;
		frames_done(conn, reply);
	}
	if (negotiates) {
		negotiate_learn(gate, conn, frame, len);
		pass_negotiation(gate, conn, frame, len);
	} else {
		buf_append(&conn->out_front, frame, len);
	}
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
				log_warnx("gate: frame of a wrong length from "
				          "libmilter; connection closed");
			conn_close_back(gate, conn);
			break;
		}
		if (conn->front >= 0 && conn->own == OWN_NONE)
			take_reply(
			    gate, conn, buf_head(&conn->back_in), (size_t)len);
		buf_take(&conn->back_in, (size_t)len);
	}
}
