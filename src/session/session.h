/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One SMTP connection: events in, answers out. It knows neither libmilter nor
 * frames, and it never waits: each function takes the gate's moment, which tells
 * how the last wait ended, and returns what shall happen; snapshot->decide() is
 * called with the moment's ticket to end a wait. A session belongs to the callback
 * that is running, and to nobody while it waits, so nothing here locks.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "facts/facts.h"
#include "gate/moment.h"
#include "record/event.h"
#include "session/snapshot.h"

struct session;

/* What shall happen. */
struct answer {
	bool refuse;          /* false: continue */
	const char *code;     /* "450", static */
	const char *enhanced; /* "4.7.1", static */
	const char *text;     /* static */
	/* Its other reply lives as long as the transaction. */
	struct gate_wish wish;
};

/* What the MTA knows of the client; strings borrowed for the call. */
struct session_client {
	struct ip ip;
	uint16_t port;
	const char *name; /* verified name, "unknown" or NULL */
	const char *ptr;  /* unverified name, "unknown" or NULL */
	/* Postfix's {client_resolve}: "OK", "FORGED", "FAIL", "TEMP", or NULL */
	const char *resolve;
	struct ip server_ip; /* the MTA's end; all zero when unknown */
	bool is_local; /* not an SMTP client: submitted by a process on this host */
};

/* Takes a reference to snapshot. NULL when out of memory. */
struct session *session_new(struct snapshot *snapshot);
/* The end of the connection: writes the last events. Accepts NULL; nulls. */
void session_close(struct session **session, const struct gate_moment *moment);

void session_connect(struct session *session, const struct gate_moment *moment,
    const struct session_client *client);
/* tls: the session is now encrypted. May be called again after STARTTLS. */
void session_helo(struct session *session, const char *helo, bool tls);
/*
 * sender  as given, with or without angle brackets, without parameters
 */
struct answer session_mail(struct session *session,
    const struct gate_moment *moment, const char *sender, bool authenticated,
    bool tls);
/*
 * Whether RCPT or DATA may lead to a hold, so that the moment should reserve a
 * place in the budget. key_r: the client network's key in that budget
 */
bool session_wants_place(const struct session *session, uint64_t *key_r);
/* refused: the MTA has already refused the recipient; it is only counted. */
struct answer session_rcpt(struct session *session,
    const struct gate_moment *moment, const char *recipient, bool refused);
/* queue_id may be NULL */
struct answer session_data(struct session *session,
    const struct gate_moment *moment, const char *queue_id);
void session_header(struct session *session, const char *name, const char *value);
/* For MTAs that wait for an answer here: stands in for DATA if that never came. */
struct answer session_headers_end(
    struct session *session, const struct gate_moment *moment);
/* Prefixes of the names to pass to session_header(); ends with NULL. */
extern const char *const session_headers[];

/* Callbacks that edit the header at the end of the message. */
struct session_edits {
	void *ctx;
	/* removes the index-th header of that name (case-insensitive) */
	void (*remove)(void *ctx, const char *name, unsigned index);
	/* inserts above everything; several calls end up in reverse order */
	void (*insert)(void *ctx, const char *name, const char *value);
};
struct answer session_eom(struct session *session, const struct gate_moment *moment,
    const char *queue_id, const struct session_edits *edits);

/* The transaction ends without a message. */
void session_abort(struct session *session, const struct gate_moment *moment);

#endif
