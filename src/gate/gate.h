/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate stands between Postfix and libmilter. Postfix connects to it; for
 * each connection it opens one to libmilter's private socket and passes the
 * frames of the milter protocol both ways. All waiting of the program happens
 * in its one event loop: a callback asks for a wait and returns.
 *
 * It knows frames, numbers and times, nothing of mail. One thread owns the
 * sockets, the frames, the waits and the budget; the functions below may be
 * called from any thread and never block, unless marked (blocks).
 *
 * A connection's number (generation and slot) is given to libmilter as the
 * macro {targrey_gate}, in decimal. Commands go to libmilter one at a time;
 * CONNECT and HELO, where no reply is awaited, are sent with the next frame. A
 * frame that the protocol does not allow ends the connection; a recipient without
 * MAIL, or a message without a recipient that was accepted, is refused. Once the
 * gate has given an answer of its own (client gone, stop, libmilter silent), it
 * gives all later ones of that connection too, and libmilter sees the end of the
 * connection, so that abort and close run. A call with the number of a connection
 * that is gone does nothing and returns false.
 */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/error.h"
#include "gate/moment.h"

struct gate;

enum gate_failure { GATE_ACCEPT, GATE_TEMPFAIL };

struct gate_settings {
	/* "unix:/path" or "local:/path", "inet:port@address", "inet6:..." */
	const char *listen;
	mode_t socket_mode;        /* of a unix socket */
	gid_t socket_group;        /* (gid_t)-1: left as it is */
	const char *back_path;     /* libmilter's private unix socket */
	int64_t answer_timeout_ms; /* for libmilter to answer a command */
	enum gate_failure on_failure;
	unsigned max_holds;         /* max_sessions of the tarpit */
	unsigned max_holds_per_key; /* max_per_net; 0: no such limit */
	size_t
	    max_connections; /* for tests; 0: (descriptor limit - reserved) / 3 */
	/*
	 * Descriptors kept for the rest of the process; taken as 32 at least and
	 * half of the limit at most.
	 */
	unsigned reserved_descriptors;
	/*
	 * Prefixes of the names of header fields that libmilter is to see, in any
	 * case, NULL-terminated; borrowed for the gate's life. Others are dropped
	 * where no reply to a header was negotiated: each costs five system calls
	 * there. NULL: all are passed.
	 */
	const char *const *headers;
};

/*
 * Takes the lock "<socket>.lock" and binds the public socket. A second instance
 * gets an error that says so. Changes the umask for a moment: call before there is
 * a second thread. The caller frees; NULL: see error.
 */
struct gate *gate_open(const struct gate_settings *settings,
    const struct clock *clock, struct error *error);

/* Starts the loop's thread and accepts connections; once. */
bool gate_start(struct gate *gate, struct error *error);

/* Sets the limits, timeout and on_failure, which a reload may change. */
void gate_configure(struct gate *gate, const struct gate_settings *settings);

/*
 * (blocks) Removes the socket, answers every waiting session (451), refuses what
 * comes after, closes all connections and waits until libmilter has closed its
 * ends, for grace_ms at most; then ends the loop. Does nothing before gate_start().
 */
void gate_stop(struct gate *gate, int64_t grace_ms);

/*
 * Turns of the loop so far; also wakes it for one more. A loop whose count stays
 * the same for seconds hangs.
 */
unsigned gate_turns(struct gate *gate);

/*
 * Has the loop make the public socket's file again if a cleaner of /tmp or another
 * start has removed it. From any thread.
 */
void gate_look_after(struct gate *gate);

/* Accepts NULL; nulls. The gate must be stopped. */
void gate_free(struct gate **gate);

/* ------------------------------------------------------ what a callback asks */

/*
 * Call in every callback, abort and close included. place: NULL, or the hashed key
 * of the client's network, to book a place in the budget. false: no such
 * connection; the moment is empty.
 */
bool gate_look(struct gate *gate, uint64_t number, const uint64_t *place,
    struct gate_moment *moment_r);

/* Call at the end of a callback. Copies wish; a stale ticket has no effect. */
void gate_tell(struct gate *gate, uint64_t ticket, const struct gate_wish *wish);

/*
 * Lets a delayed command go on. For a delayed reply it chooses the one to send: at
 * once, or for a hold when that has elapsed.
 */
void gate_decide(struct gate *gate, uint64_t ticket, bool other);

/* ----------------------------------------------------------------- status */

struct gate_report {
	unsigned connections, holds, holds_peak, max_holds;
	unsigned waiting; /* delayed commands and replies right now */
	/* Given up by gate_stop(): their callbacks may still run. */
	unsigned abandoned;
	uint64_t accepted, holds_begun, holds_refused, gone, timeouts;
};
/* A consistent copy of the counters. From any thread. */
void gate_report(struct gate *gate, struct gate_report *report_r);

#endif
