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
	size_t max_connections;     /* 0: (descriptor limit - reserved) / 3 */
	/* What others of the process may open; at most half of the limit. */
	unsigned reserved_descriptors;
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

/*
 * Looks whether the public socket's file is still there; when a cleaner of /tmp
 * or another start has removed it, the gate makes it again. From any thread.
 */
void gate_look_after(struct gate *gate);

/* Accepts NULL; nulls. The gate must be stopped. */
void gate_free(struct gate **gate);

/* ------------------------------------------------------ what a callback asks */

/*
 * A callback returns what shall happen, and the gate does it. At its beginning
 * it looks: gate_look(); at its end it tells: gate_tell(). There are two ways to
 * wait, both the gate's:
 *
 * - A command is delayed: RCPT or DATA stays at the head of the queue, until the
 *   ticket of the MAIL that asked for it is decided, or due. Its callback then
 *   runs once, with everything at hand.
 * - A reply is delayed: the callback of RCPT or DATA has answered, and the answer
 *   leaves when a hold has elapsed, or when the ticket is decided, or due.
 *
 * A ticket names one wait. Whoever decides a stale one does nothing. It may be
 * decided before the callback that was given it has returned.
 */

enum gate_end {
	GATE_END_NONE,    /* nothing was delayed */
	GATE_END_ELAPSED, /* it was due, or decided */
	GATE_END_GONE,    /* the client's socket is no longer ESTABLISHED */
	GATE_END_STOPPED, /* the program stops */
	GATE_END_MTA_GONE
};

enum gate_early { GATE_EARLY_UNKNOWN, GATE_EARLY_NO, GATE_EARLY_YES };

struct gate_moment {
	int64_t mono_ms; /* now, clock_mono_ms(); a delay is counted from here */
	/* For the wait that this callback may ask for; 0: it may not. */
	uint64_t ticket;
	/* How long the command was delayed, ms. */
	int64_t delayed_ms;
	/*
	 * A place in the budget is booked, until it is known that this callback
	 * does not ask for a hold, or until its hold ends.
	 */
	bool has_place;
	unsigned holds, max_holds; /* in progress, one's own place included */
	/*
	 * Whether the client had sent anything before the MTA greeted it, or behind
	 * EHLO or HELO before its reply. Unknown where the socket cannot be seen.
	 */
	enum gate_early early;
	/*
	 * Whether it had sent any of the message before DATA was answered: yes or
	 * unknown from DATA on, no at the end of the message at the earliest.
	 */
	enum gate_early ahead;
	/* The last delay of a reply; none once a later RCPT or DATA is answered. */
	struct gate_delay {
		enum gate_end end;
		int64_t waited_ms;
		bool was_hold;
		bool watched; /* the client's socket could be seen */
		bool other; /* the other reply was sent, or one of the gate's own */
	} last;
};

/*
 * In every callback, abort and close included. place: NULL, or the key of the
 * client's network, by any hash: wants a place in the budget. false: no such
 * connection; the moment is empty.
 */
bool gate_look(struct gate *gate, uint64_t number, const uint64_t *place,
    struct gate_moment *moment_r);

struct gate_wish {
	/* MAIL: delay DATA (and RCPT) so long, in clock_mono_ms(); 0: no */
	int64_t command_until_ms;
	bool delays_rcpt;
	/* RCPT, DATA: delay the reply so long; 0: no */
	int64_t reply_until_ms;
	/* Takes the place; the client's socket is watched; a decision only chooses.
	 */
	bool is_hold;
	/*
	 * A whole SMTP reply, "450 4.7.1 text", at most 512 octets, that is sent
	 * instead when the ticket is decided so; copied. Plain text: the gate
	 * doubles percent signs as the protocol wants. NULL: none.
	 */
	const char *other;
	/* RCPT: the MTA has refused this recipient; it counts for no DATA. */
	bool is_refused;
};

void gate_tell(struct gate *gate, uint64_t ticket, const struct gate_wish *wish);

/*
 * A delayed command goes on. Of a delayed reply this chooses which one it is;
 * it leaves now, or, of a hold, when that has elapsed.
 */
void gate_decide(struct gate *gate, uint64_t ticket, bool other);

/* ----------------------------------------------------------------- status */

struct gate_report {
	unsigned connections, holds, holds_peak, max_holds;
	unsigned waiting; /* delayed commands and replies right now */
	/* Given up by gate_stop(): a callback of theirs may still run. */
	unsigned abandoned;
	uint64_t accepted, holds_begun, holds_refused, gone, timeouts;
};
void gate_report(struct gate *gate, struct gate_report *report_r);

#endif
