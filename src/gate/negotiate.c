/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmilter's answer to a negotiation depends on nothing but what the MTA
 * offers. So the first one is kept, and the next MTA that offers the same is
 * answered from it; libmilter gets the frame later, together with the first
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

bool
negotiate_known(struct gate *gate, struct conn *conn, const char *frame, size_t len)
{
	if (!gate->keeps_negotiation || !equals(&gate->offer, frame, len) ||
	    gate->agreed.len == 0)
		return false;
	conn->swallows = true;
	return true;
}

void
negotiate_learn(struct gate *gate, struct conn *conn, const char *reply, size_t len)
{
	if (gate->learner != conn)
		return;
	gate->learner = NULL;
	buf_append(&gate->agreed, reply, len);
}

void
negotiate_offered(
    struct gate *gate, struct conn *conn, const char *frame, size_t len)
{
	if (!gate->keeps_negotiation || gate->learner != NULL ||
	    gate->agreed.len > 0)
		return;
	buf_clear(&gate->offer);
	if (buf_append(&gate->offer, frame, len))
		gate->learner = conn;
}

bool
negotiate_swallow(
    struct gate *gate, struct conn *conn, const char *reply, size_t len)
{
	conn->swallows = false;
	if (equals(&gate->agreed, reply, len))
		return true;
	log_warnx("gate: libmilter negotiated otherwise than before; connection "
	          "closed");
	buf_clear(&gate->agreed);
	buf_clear(&gate->offer);
	return false;
}
