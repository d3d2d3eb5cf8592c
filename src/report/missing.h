/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail of suspects that came and was never let through, the likeliest good one
 * first: what targreyctl lost lists and what the report counts. Pure, over events
 * in the order of time; then the last event of each that is to be shown is asked
 * for again, for its names. A mail is a sender (folded) and a first recipient.
 */
#ifndef REPORT_MISSING_H
#define REPORT_MISSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/doc.h"
#include "report/view.h"

/* Signs of good mail, as bits; likelier the further to the end. */
enum missing_sign {
	SIGN_CAME_BACK = 1 << 0,
	SIGN_NAME = 1 << 1,    /* a verified name */
	SIGN_ADDRESS = 1 << 2, /* a success or ham of the address before */
	SIGN_DOMAIN = 1 << 3,  /* mail of the sender's domain was let through */
	SIGN_SPF = 1 << 4      /* SPF pass */
};
#define SIGNS 5

struct missing;

/* NULL when memory is out. */
struct missing *missing_new(void);
void missing_free(struct missing **missing);

/* Events have the session keys missing_words(). */
void missing_add(struct missing *missing, const struct event_view *view);
uint64_t missing_words(void);

/*
 * After the last event.
 * limit  how many are wanted, 0 = all
 * until  whose last attempt is later may still come back
 */
void missing_choose(struct missing *missing, size_t limit, int64_t until);
/* The id of the event of the n-th that is wanted; 0: there are no more. */
int64_t missing_wants(const struct missing *missing, size_t n);
/* That event: puts a row. */
void missing_name(struct missing *missing, const struct event_view *view);

/* Stayed away with a sign of good mail: "may be lost". */
size_t missing_count(const struct missing *missing);
/* Came lately, may still come back. */
size_t missing_pending(const struct missing *missing);
/*
 * The sections.
 * since  where the events begin; 0: the doc says it already
 * false: memory was out on the way
 */
bool missing_write(struct missing *missing, int64_t since, struct doc *doc);

#endif
