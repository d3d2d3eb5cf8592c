/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session on a bench: a port that only writes down what it is asked, a clock
 * that the test sets, the memory store, the shipped S25R rules.
 */
#ifndef TESTS_SESSION_RIG_H
#define TESTS_SESSION_RIG_H

#include <stdbool.h>
#include <stddef.h>

#include "session/session.h"

#define RIG_HEADERS 64

struct rig {
	_Atomic int64_t now_ms;
	struct clock clock;
	struct store *store;
	struct world world;
	struct port port;
	struct session *session;
	struct ipnet exempt[2];

	/* what the port was asked, and what it answers */
	struct port_wait wait;
	char refusal[600];
	unsigned waits;
	enum port_answer answer;
	bool budget_full;
	unsigned holds, max_holds;
	struct port_outcome outcome;
	int64_t pending;
	enum port_early early;
	_Atomic int settled; /* enum port_settlement, -1: not yet */

	/* edits of the last end of message, topmost header first */
	char *names[RIG_HEADERS], *values[RIG_HEADERS];
	size_t inserted;
	char removed[1024]; /* "name/index name/index ..." */
};

struct rig *rig_new(enum mode mode);
void rig_free(struct rig **rig);

/* Opens a session: name NULL = no reverse DNS. */
void rig_connect(struct rig *rig, const char *ip, const char *name);
void rig_close(struct rig *rig);
void rig_advance(struct rig *rig, int64_t seconds);

/*
 * RCPT to the end of its hold, if one begins: the clock moves on and the
 * callback is asked again, with this end.
 */
struct reply rig_rcpt(struct rig *rig, const char *recipient, enum port_end end);
/* DATA; true when the client would hear a 4xx, now or after what it waits for. */
bool rig_data_refused(struct rig *rig);
/* Headers and end of message; fills names, values and removed. */
struct reply rig_eom(struct rig *rig);

/* MAIL, RCPT, DATA, end of message: true when the message was accepted. */
bool rig_message(
    struct rig *rig, const char *from, const char *to, enum port_end end);

/* Value of a header that was inserted, or NULL. */
const char *rig_header(const struct rig *rig, const char *name);
/* The value of key in X-TaRgrey-Session, "" when the header is missing. */
const char *rig_word(const struct rig *rig, const char *key);

#endif
