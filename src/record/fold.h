/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail addresses in the form in which triplets remember them. Pure.
 */
#ifndef RECORD_FOLD_H
#define RECORD_FOLD_H

#include <stdbool.h>
#include <stddef.h>

/* RFC 5321 4.5.3.1.3: a path is at most 256 octets, brackets included */
#define FOLD_SIZE 320

/*
 * The sender as greylisting knows it, so that every message of a list or of a
 * tagging mail server has the same one: in its one form (lists/address.h); the
 * tags of BATV (prvs=TAG=user, prvs=user=TAG, prvs=user/TAG, msprvs1=TAG=user,
 * btv1==TAG==user) and SRS0/SRS1, also one around the other, an extension
 * (user+ext) and the numbers of VERP (those that stand alone become "#") are taken
 * out.
 *
 * sender   as in SMTP; "" (null sender) stays ""
 * Returns buf. What does not fit is cut and ends in the digits of a hash of the
 * whole, so that long senders stay different.
 * Source   the behaviour of postgrey 1.37; BATV: draft-levine-smtp-batv-01; SRS:
 *          Mengwong and Gruenbacher, 2004
 */
const char *sender_fold(const char *sender, char buf[static FOLD_SIZE]);

/* Recipients are only brought to their one form; cut as above. Returns buf. */
const char *recipient_fold(const char *recipient, char buf[static FOLD_SIZE]);

#endif
