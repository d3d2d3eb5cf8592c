/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session on a bench: moments and decisions that the test makes, a clock that
 * it sets, the memory store, the shipped S25R rules.
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
	struct session *session;
	struct ipnet exempt[2];

	/* what the next moments bring */
	bool has_no_place, has_no_gate, talked_early;
	unsigned holds, max_holds;
	int64_t delayed_ms;
	enum gate_early ahead;
	int64_t patience_ms; /* a client leaves a longer hold then; 0: never */
	struct gate_delay last;

	struct answer answer; /* the last one that was delayed */
	char other[600];      /* its other text, "" without one */
	unsigned waits;       /* how many were */
	_Atomic int decided;  /* of the last ticket: other or not; -1: not yet */
	uint64_t ticket;

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

struct gate_moment rig_moment(struct rig *rig);
struct answer rig_mail(struct rig *rig, const char *from);
void rig_abort(struct rig *rig);
/* RCPT, and no more; rig->answer when it is delayed. */
struct answer rig_rcpt_alone(struct rig *rig, const char *recipient);
/* RCPT to the end of its hold, if one begins: the clock moves on. */
struct answer rig_rcpt(struct rig *rig, const char *recipient, enum hold_end end);
/* DATA; true when the client would hear a 4xx, now or after what it waits for. */
bool rig_data_refused(struct rig *rig);
/* Headers and end of message; fills names, values and removed. */
struct answer rig_eom(struct rig *rig);

/* MAIL, RCPT, DATA, end of message: true when the message was accepted. */
bool rig_message(
    struct rig *rig, const char *from, const char *to, enum hold_end end);

/* Value of a header that was inserted, or NULL. */
const char *rig_header(const struct rig *rig, const char *name);
/* The value of key in X-TaRgrey-Session, "" when the header is missing. */
const char *rig_word(const struct rig *rig, const char *key);

#endif
