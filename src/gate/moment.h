/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a callback learns when it begins, gate_look(), and what it asks for when it
 * ends, gate_tell(): the callback decides, the gate does it. Plain values. There
 * are two ways to wait, both the gate's:
 *
 * - A command is delayed: RCPT or DATA stays at the head of the queue, until the
 *   ticket of the MAIL that asked for it is decided or due. Its callback then runs
 *   once, with the facts known by then.
 * - A reply is delayed: the callback of RCPT or DATA has answered, and the answer
 *   is sent when a hold has elapsed, or when the ticket is decided or due.
 *
 * A ticket names one wait. Deciding a stale one has no effect. It may be decided
 * before the callback that received it has returned.
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
	 * A place in the budget is booked until this callback turns out not to ask
	 * for a hold, or until its hold ends.
	 */
	bool has_place;
	unsigned holds, max_holds; /* in progress, its own place included */
	/*
	 * Whether the client had sent anything before the MTA's greeting, or after
	 * EHLO or HELO before the reply. Unknown where the socket cannot be seen.
	 */
	enum gate_early early;
	/*
	 * Whether it had sent any of the message before DATA was answered: yes or
	 * unknown from DATA on, no only at the end of the message.
	 */
	enum gate_early ahead;
	/*
	 * The last delay of a reply; cleared once a later RCPT or DATA is
	 * answered.
	 */
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
	/*
	 * uses the place; the client is watched; a decision only chooses the reply
	 */
	bool is_hold;
	/*
	 * A whole SMTP reply, "450 4.7.1 text", at most 512 octets, sent instead
	 * when the ticket is decided with other; copied. Plain text: the gate
	 * doubles percent signs for the protocol. NULL: none.
	 */
	const char *other;
	/* RCPT: the MTA has refused this recipient; it does not count at DATA. */
	bool is_refused;
};

#endif
