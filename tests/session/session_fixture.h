/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session on a bench: moments and decisions that the test makes, a clock that
 * it sets, the memory store, the shipped S25R rules.
 */
#ifndef TESTS_SESSION_FIXTURE_H
#define TESTS_SESSION_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "session/session.h"

#define FIXTURE_HEADERS 64

struct session_fixture {
	_Atomic int64_t now_ms;
	struct clock clock;
	struct store *store;
	struct snapshot snapshot;
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
	char *names[FIXTURE_HEADERS], *values[FIXTURE_HEADERS];
	size_t inserted;
	char removed[1024]; /* "name/index name/index ..." */
};

/* The process's one; of the last fixture_new() that was not followed by a free. */
extern struct session_fixture *fixture;
void fixture_new(enum mode mode);
/* At the exit as well, and at the next fixture_new(). */
void fixture_free(void);

/* Opens a session: name NULL = no reverse DNS. */
void fixture_connect(const char *ip, const char *name);
void fixture_close(void);
void fixture_advance(int64_t seconds);

struct gate_moment fixture_moment(void);
struct answer fixture_mail(const char *from);
void fixture_abort(void);
/* RCPT, and no more; fixture->answer when it is delayed. */
struct answer fixture_rcpt_alone(const char *recipient);
/* RCPT to the end of its hold, if one begins: the clock moves on. */
struct answer fixture_rcpt(const char *recipient, enum hold_end end);
/* DATA; true when the client would hear a 4xx, now or after what it waits for. */
bool fixture_data_refused(void);
/* Headers and end of message; fills names, values and removed. */
struct answer fixture_eom(void);

/* MAIL, RCPT, DATA, end of message: true when the message was accepted. */
bool fixture_message(const char *from, const char *to, enum hold_end end);

/* Value of a header that was inserted, or NULL. */
const char *fixture_header(const char *name);
/* The value of key in X-TaRgrey-Session, "" when the header is missing. */
const char *fixture_word(const char *key);

#endif
