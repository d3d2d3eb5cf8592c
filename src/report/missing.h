/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail of suspects that was delayed and never let through, the likeliest good mail
 * first: what targreyctl lost lists and the report counts. Pure. Reads events in
 * the order of time, then again the last event of each message to be shown, for its
 * names. A message is a sender (folded) and a first recipient.
 */
#ifndef REPORT_MISSING_H
#define REPORT_MISSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/doc.h"
#include "report/view.h"

/*
 * Signs of good mail, as bits; a higher bit is a stronger sign. A verified name as
 * such is none, since many lines have one, nor that a message soon came again,
 * since bots do that too.
 */
enum missing_sign {
	SIGN_NAME = 1 << 0,    /* a verified name that is not that of a line */
	SIGN_SPF = 1 << 1,     /* a narrow SPF pass, of sender or HELO */
	SIGN_HELO = 1 << 2,    /* a HELO that leads to it, other than its name */
	SIGN_DOMAIN = 1 << 3,  /* mail of the sender's domain was let through */
	SIGN_TRIED = 1 << 4,   /* tried for an hour or longer */
	SIGN_ADDRESS = 1 << 5, /* a success or ham of the address before */
};
#define SIGNS 6

struct missing;

/* NULL when out of memory. */
struct missing *missing_new(void);
/* Accepts NULL; nulls. */
void missing_free(struct missing **missing);

/* The events must have at least the session keys of missing_words(). */
void missing_add(struct missing *missing, const struct event_view *view);
uint64_t missing_words(void);

/*
 * After the last event.
 * limit        how many are wanted, 0 = all
 * only_likely  those without a sign of good mail are not
 * until        mail whose last attempt is later may still come back
 */
void missing_choose(
    struct missing *missing, size_t limit, bool only_likely, int64_t until);
/* The id of the n-th event that missing_name() needs; 0: there are no more. */
int64_t missing_wants(const struct missing *missing, size_t n);
/* Takes the names from that event. */
void missing_name(struct missing *missing, const struct event_view *view);

/* How many stayed away with a sign of good mail: "may be lost". */
size_t missing_count(const struct missing *missing);
/* How many came so recently that they may still come back. */
size_t missing_pending(const struct missing *missing);
/*
 * Writes the sections.
 * since  where the events begin; 0: the doc says it already
 * Returns false when out of memory.
 */
bool missing_write(struct missing *missing, int64_t since, struct doc *doc);

#endif
