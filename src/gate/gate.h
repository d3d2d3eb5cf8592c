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
 * CONNECT and HELO, as far as nobody waits for them, travel with the frame that
 * follows. A frame that the protocol does not allow ends the connection; a
 * recipient without MAIL, or a message without a recipient that was accepted,
 * is refused. Once the gate has given an answer of its own (client gone, stop,
 * libmilter silent), it gives all later ones of that connection too, and libmilter
 * sees the end of the connection, so that abort and close run. A call with the
 * number of a connection that is gone does nothing and returns false.
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

struct gate;

enum gate_failure { GATE_ACCEPT, GATE_TEMPFAIL };

struct gate_settings {
	/* "unix:/path", "inet:port@address", "inet6:port@address" */
	const char *listen;
	mode_t socket_mode;        /* of a unix socket */
	gid_t socket_group;        /* (gid_t)-1: left as it is */
	const char *back_path;     /* libmilter's private unix socket */
	int64_t answer_timeout_ms; /* libmilter must answer a command within */
	enum gate_failure on_failure;
	unsigned max_holds;         /* max_sessions of the tarpit */
	unsigned max_holds_per_key; /* max_per_net; 0: no such limit */
	size_t max_connections;     /* 0: (descriptor limit - 32) / 3 */
	/*
	 * Beginnings of the names of header fields that libmilter is to see, in any
	 * case, ended by NULL; borrowed for the gate's life. Others are dropped
	 * where no reply to a header was negotiated: each costs five system calls
	 * there. NULL: all are passed.
	 */
	const char *const *headers;
};

/*
 * Takes the lock "<socket>.lock" and binds the public socket. A second instance
 * is refused with an error that says so. Sets the umask for a moment: called
 * before there is a second thread.
 */
struct gate *gate_open(const struct gate_settings *settings,
    const struct clock *clock, struct error *error);

/* Starts the loop's thread and accepts connections. */
bool gate_start(struct gate *gate, struct error *error);

/* Limits, timeout and on_failure that a reload may change. */
void gate_configure(struct gate *gate, const struct gate_settings *settings);

/*
 * (blocks) Answers every waiting session (holds: 451), refuses what comes
 * after, closes all connections and waits until libmilter has closed its ends,
 * at most within grace_ms; then ends the loop and removes the socket.
 */
void gate_stop(struct gate *gate, int64_t grace_ms);

/*
 * Turns of the loop so far; asks for one more. A count that stays the same over
 * seconds: the loop stands still.
 */
unsigned gate_turns(struct gate *gate);

/* Accepts NULL; nulls. The gate must be stopped. */
void gate_free(struct gate **gate);

/* ---------------------------------------------------------------- waiting */

enum gate_wait_kind {
	/*
	 * RCPT only: drop the reply that this callback returns, and when woken
	 * or due send the same command to libmilter once more.
	 */
	GATE_ASK_AGAIN,
	/*
	 * DATA: keep the reply that this callback returns back, and forward it
	 * when due or let go; or answer with refusal instead, see gate_settle().
	 */
	GATE_WITHHOLD
};

struct gate_wait {
	enum gate_wait_kind kind;
	int64_t until_ms; /* of clock_mono_ms(); at least 10 ms from now */
	bool is_hold;     /* counts in the budget; the client's socket is watched */
	/*
	 * GATE_WITHHOLD: a whole SMTP reply, "450 4.7.1 text", at most 512
	 * octets, that can be sent in place of libmilter's; copied. NULL: none.
	 * Plain text: the gate doubles percent signs as the protocol wants.
	 */
	const char *refusal;
	bool refuse_when_due; /* what happens at until_ms, if not settled before */
	/*
	 * GATE_WITHHOLD: exactly one gate_settle() will follow. When it comes after
	 * until_ms it is dropped, and not taken for that of the next wait.
	 */
	bool settles_once;
};

enum gate_wait_answer {
	GATE_WAITING,
	GATE_NOT_WAITING, /* no such connection, stopping, client gone, no reply to
	                     drop */
	GATE_FULL         /* the budget has no room for this hold */
};

/*
 * Called in a callback that has a reply; takes effect when the callback has
 * returned. A hold must have been granted with gate_budget() before.
 */
enum gate_wait_answer gate_wait(
    struct gate *gate, uint64_t number, const struct gate_wait *wait);

/*
 * Something that the session waits for has arrived. GATE_ASK_AGAIN: the command
 * is sent again at once. GATE_WITHHOLD: nothing. Also lets a DATA go that
 * gate_data_not_before() keeps back. Sticky: a wake that comes before the wait
 * is not lost; it is cleared when the command is sent to libmilter.
 */
bool gate_wake(struct gate *gate, uint64_t number);

/* What a withheld reply becomes. */
enum gate_settlement {
	GATE_FORWARD_NOW,
	GATE_REFUSE_NOW,
	GATE_FORWARD_WHEN_DUE,
	GATE_REFUSE_WHEN_DUE
};
/* May come before the reply's frame, even before gate_wait(); the last one counts.
 */
bool gate_settle(struct gate *gate, uint64_t number, enum gate_settlement how);

/*
 * The next DATA (or first body command) of this connection is not handed to
 * libmilter before until_ms or gate_wake(), whichever is first; 0 lifts it.
 * Meanwhile the MTA is kept patient.
 */
bool gate_data_not_before(struct gate *gate, uint64_t number, int64_t until_ms);

/* ----------------------------------------------------------------- budget */

struct gate_grant {
	bool granted;   /* false: at max_holds, or max_holds_per_key for key */
	unsigned holds; /* in progress now, this one included when granted */
	unsigned max_holds;
};
/*
 * Books a place for one hold of the connection until its wait ends (or the
 * connection does). key is the client network's, by any hash.
 * A second call for the same connection in the same wait returns its booking.
 */
struct gate_grant gate_budget(struct gate *gate, uint64_t number, uint64_t key);

/* ---------------------------------------------------------------- outcome */

enum gate_end {
	GATE_END_NONE,    /* the last answered RCPT or DATA did not wait */
	GATE_END_WAITING, /* still on: asked again before it was due */
	GATE_END_ELAPSED,
	GATE_END_WOKEN,
	GATE_END_GONE,    /* the client's socket is no longer ESTABLISHED */
	GATE_END_STOPPED, /* the program stops */
	GATE_END_MTA_GONE
};

struct gate_outcome {
	enum gate_end end;
	int64_t waited_ms; /* since the first wait for this command */
	bool was_hold;
	bool watched; /* the client's socket could be seen when the hold began */
	bool refused; /* the gate sent the refusal, or a text of its own */
	unsigned
	    asked; /* times the command was sent to libmilter, first included */
};
/*
 * Readable in every later callback, abort and close included, until the next
 * RCPT or DATA has asked for a wait of its own or is answered: so an abort that
 * the next RCPT follows closely still reads what belongs to it. asked is always
 * that of the present command.
 */
bool gate_outcome(
    struct gate *gate, uint64_t number, struct gate_outcome *outcome_r);

/* ----------------------------------------------------------------- client */

/*
 * The end points of the SMTP connection, for the watch; call it in the connect
 * callback. mta is the address and port that the MTA listens on. Looks the
 * socket up once (microseconds, on the caller's thread) unless the look before
 * the greeting has seen it, so that a client that resets the connection before
 * its hold begins is told from one that cannot be seen.
 */
bool gate_endpoints(struct gate *gate, uint64_t number,
    const struct sockaddr *client, const struct sockaddr *mta);

/*
 * Octets that the client has sent and the MTA has not read yet; -1 when the
 * socket cannot be seen. One system call of some microseconds, made by the
 * caller's thread.
 */
int64_t gate_pending(struct gate *gate, uint64_t number);

enum gate_early { GATE_EARLY_UNKNOWN, GATE_EARLY_NO, GATE_EARLY_YES };
/*
 * Whether the client had sent anything before the MTA greeted it. The gate
 * answers CONNECT itself for this, libmilter not being asked: one look-up and
 * one frame to the MTA a connection. Unknown where the socket cannot be seen.
 */
enum gate_early gate_early(struct gate *gate, uint64_t number);

/* ----------------------------------------------------------------- status */

struct gate_report {
	unsigned connections, holds, holds_peak, max_holds;
	/* Given up by gate_stop(): a callback of theirs may still run. */
	unsigned abandoned;
	uint64_t accepted, holds_begun, holds_refused, gone, timeouts, watched,
	    unwatched;
};
void gate_report(struct gate *gate, struct gate_report *report_r);

/* One hold in progress, for "held right now". */
struct gate_held {
	uint64_t number;
	int64_t waited_ms, left_ms;
};
/* Fills at most max rows; returns how many there are. */
size_t gate_held(struct gate *gate, struct gate_held *rows, size_t max);

#endif
