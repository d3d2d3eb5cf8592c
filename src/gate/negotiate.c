/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmilter's answer to a negotiation depends on nothing but what the MTA
 * offers. So the first ones are kept, and the next MTA that offers the same is
 * answered from them; libmilter gets the frame later, together with the first
 * command that somebody waits for. That saves one hand-over a session. Its own
 * answer must then be the same, else the connection ends.
 */
#include <string.h>

#include "gate/internal.h"

static bool
equals(const struct buf *kept, const char *frame, size_t len)
{
	return kept->len == len && memcmp(buf_head(kept), frame, len) == 0;
}

static void
agree(struct conn *conn, const struct agreement *agreement)
{
	conn->agreement = agreement;
	conn->agreement_serial = agreement->serial;
}

bool
negotiate_known(struct gate *gate, struct conn *conn, const char *frame, size_t len)
{
	for (size_t i = 0; gate->keeps_negotiation && i < MOST_AGREEMENTS; i++) {
		const struct agreement *agreement = &gate->agreements[i];
		if (agreement->reply.len == 0 ||
		    !equals(&agreement->offer, frame, len))
			continue;
		agree(conn, agreement);
		if (!spare_adopt(gate, conn)) {
			buf_append(&conn->out_back, frame, len);
			conn->swallows = true;
		}
		return true;
	}
	return false;
}

void
negotiate_learn(struct gate *gate, struct conn *conn, const char *reply, size_t len)
{
	for (size_t i = 0; i < MOST_AGREEMENTS; i++) {
		struct agreement *agreement = &gate->agreements[i];
		if (agreement->learner != conn)
			continue;
		agreement->learner = NULL;
		if (buf_append(&agreement->reply, reply, len))
			agree(conn, agreement);
	}
}

static void
forget(struct agreement *agreement)
{
	buf_clear(&agreement->offer);
	buf_clear(&agreement->reply);
	agreement->learner = NULL;
	agreement->serial++;
}

void
negotiate_forget(struct gate *gate)
{
	for (size_t i = 0; i < MOST_AGREEMENTS; i++)
		forget(&gate->agreements[i]);
}

void
negotiate_offered(
    struct gate *gate, struct conn *conn, const char *frame, size_t len)
{
	struct agreement *empty = NULL;

	for (size_t i = 0; gate->keeps_negotiation && i < MOST_AGREEMENTS; i++) {
		struct agreement *agreement = &gate->agreements[i];
		if (agreement->offer.len == 0)
			empty = agreement;
		else if (equals(&agreement->offer, frame, len))
			return; /* another connection learns it */
	}
	if (empty != NULL && buf_append(&empty->offer, frame, len))
		empty->learner = conn;
}

void
negotiate_gone(struct gate *gate, const struct conn *conn)
{
	for (size_t i = 0; i < MOST_AGREEMENTS; i++)
		if (gate->agreements[i].learner == conn)
			forget(&gate->agreements[i]);
}

bool
negotiate_swallow(
    struct gate *gate, struct conn *conn, const char *reply, size_t len)
{
	conn->swallows = false;
	if (equals(&conn->agreement->reply, reply, len))
		return true;
	log_warnx("gate: libmilter negotiated otherwise than before; connection "
	          "closed");
	negotiate_forget(gate);
	spare_end_all(gate);
	return false;
}
