/* SPDX-License-Identifier: BSD-2-Clause */
/* Domain names as text, and the names for looking up addresses. No state. */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ip.h"

#define DNS_NAME_SIZE 254 /* 253 octets (RFC 1035 2.3.4, as text) and NUL */

/*
 * Copies in lower case (ASCII) without one final dot. false, and "" in
 * target, for a name that cannot be asked for: empty, over 253 octets, an
 * empty label or one over 63 octets.
 */
bool dns_name_clean(char target[static DNS_NAME_SIZE], const char *name);

/* Labels in a cleaned name; 0 for "". */
size_t dns_name_labels(const char *name);

/* name is parent or ends in "." parent; both cleaned */
bool dns_name_is_below(const char *name, const char *parent);

/*
 * The address reversed, by octets for IPv4 and by nibbles for IPv6, then suffix:
 * "1.2.0.192.in-addr.arpa" or "1.2.0.192.list.example". Returns false, and "" in
 * target, when it does not fit.
 * suffix  without a leading dot; NULL = in-addr.arpa or ip6.arpa
 */
bool dns_name_reverse(
    char target[static DNS_NAME_SIZE], const struct ip *ip, const char *suffix);

#endif
