/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail of suspects that came and was never let through, the likeliest good one
 * first. Pure, over two passes of the same events in the order of time: the
 * first tells which, the second has their names. A mail is a sender (folded)
 * and a first recipient.
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

struct missing;

/* NULL when memory is out. */
struct missing *missing_new(void);
void missing_free(struct missing **missing);

/* The first pass. Events are those of session keys missing_words(). */
void missing_add(struct missing *missing, const struct view *view);
uint64_t missing_words(void);

/* Between the passes; limit: so many are wanted, 0 = all. */
void missing_choose(struct missing *missing, size_t limit);
/* The second pass: puts a row when this is the last attempt of a chosen one. */
void missing_name(struct missing *missing, const struct view *view);

/*
 * Sections of the likeliest; those that came after `until` may still come back.
 * false: memory was out on the way.
 */
bool missing_write(struct missing *missing, int64_t until, struct doc *doc);

#endif
