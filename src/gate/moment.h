/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a callback is told at its beginning, gate_look(), and what it wants at its
 * end, gate_tell(): it returns what shall happen, and the gate does it. Values
 * only. There are two ways to wait, both the gate's:
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
#ifndef GATE_MOMENT_H
#define GATE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

enum gate_end {
	GATE_END_NONE,    /* nothing was delayed */
	GATE_END_ELAPSED, /* it was due, or decided */
	GATE_END_GONE,    /* the client's socket is no longer ESTABLISHED */
	GATE_END_STOPPED, /* the program stops */
	GATE_END_MTA_GONE
};

enum gate_early { GATE_EARLY_UNKNOWN, GATE_EARLY_NO, GATE_EARLY_YES };

struct gate_moment {
	int64_t wall;    /* now, seconds since 1970 */
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
		bool watched; /* the client's socket could be seen */
		bool other; /* the other reply was sent, or one of the gate's own */
	} last;
};

struct gate_wish {
	/* MAIL: delay DATA (and RCPT) until then, in clock_mono_ms(); 0: no */
	int64_t command_until_ms;
	bool delays_rcpt;
	/* RCPT, DATA, end of message: delay the reply until then; 0: no */
	int64_t reply_until_ms;
	/* takes the place, the client is watched, a decision only chooses */
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

#endif
