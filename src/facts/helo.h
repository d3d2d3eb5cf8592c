/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a client's HELO and names show by themselves, without DNS. No state; the
 * enums are in facts/facts.h.
 */
#ifndef FACTS_HELO_H
#define FACTS_HELO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ip.h"
#include "facts/facts.h"

/* What counts as "ours". Any member may be NULL or 0. */
struct ours {
	const char *hostname;
	const char *const *names; /* further names and domains of ours */
	size_t names_count;
	const struct ip *server; /* address that the client connected to */
};

/*
 * helo  as said; NULL or "" = none
 *
 * ours: our hostname, one of our names (exactly, not below), or the server's
 * address, in brackets or not. fqdn: two labels or more, the last not a number,
 * of letters, digits, "-" and "_"; anything else that is not an address is bare.
 */
enum helo_class helo_classify(const char *helo, const struct ours *ours);

/*
 * The name holds the whole address: decimal octets in order or reversed with
 * one character between ("192-0-2-1", "1.2.0.192", zeros in front or not), all
 * twelve digits ("192000002001"), eight hexadecimal digits in order or
 * reversed, or the address as one decimal number. IPv6: all 32 nibbles in
 * order or reversed, or the text with "-", "." or "x" for ":".
 *
 * name  any case; NULL = no
 */
bool helo_has_address(const char *name, const struct ip *ip);

/*
 * What the sender address shows by itself: FROM_NULL; FROM_SELF: it is the
 * recipient; FROM_OURS: its domain is one of our names; else FROM_OK.
 *
 * sender, recipient  local@domain without brackets; recipient may be NULL
 */
enum from_state from_classify(
    const char *sender, const char *recipient, const struct ours *ours);

#endif
