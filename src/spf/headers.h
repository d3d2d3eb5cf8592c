/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of Received-SPF (RFC 7208 9.1) and Authentication-Results (RFC 8601),
 * one line each, never folded, under 900 octets. Pure text. What a client
 * controls can end no value, comment or line and can name no identity: octets
 * other than letters, digits and a few signs become '?', long values are cut.
 */
#ifndef SPF_HEADERS_H
#define SPF_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ip.h"
#include "spf/spf.h"

#define SPF_HEADER_SIZE 900

/*
 * Received-SPF, identity= last (SpamAssassin takes the last one).
 * is_helo   of the HELO identity; else of MAIL FROM
 * helo      as said; NULL or "": left out
 * sender    "" = null sender
 * receiver  our host name
 * Returns   the length; 0, and "" in buf, for a skipped check or when it does
 *           not fit (never with SPF_HEADER_SIZE)
 */
size_t spf_header_received(char *buf, size_t size, const struct spf_fact *fact,
    bool is_helo, const struct ip *ip, const char *helo, const char *sender,
    const char *receiver);

/*
 * Authentication-Results: one identity a field (SpamAssassin takes the last of
 * a field), the checked domain alone, no comment.
 * receiver  our authserv-id
 * Returns   as above; 0 also when there was no domain to check
 */
size_t spf_header_authres(char *buf, size_t size, const struct spf_fact *fact,
    bool is_helo, const char *receiver);

/*
 * Is id the authserv-id of this Authentication-Results, however written? Such a
 * field from a stranger speaks in our name (RFC 8601 5).
 */
bool spf_header_bears(const char *value, const char *id);

#endif
