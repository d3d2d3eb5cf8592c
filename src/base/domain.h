/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domain names in one form, so that two spellings of one domain compare equal:
 * lower case, A-labels ("xn--caf-dma.example"), no final dot. No state.
 *
 * Source: RFC 5890 (IDNA 2008); the conversion is libidn2's, non-transitional.
 */
#ifndef BASE_DOMAIN_H
#define BASE_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

#define DOMAIN_SIZE 256 /* 255 octets (RFC 5321 4.5.3.1.2) and NUL */

/*
 * Writes the one form of domain, given in any case, with U-labels (UTF-8) or
 * A-labels. false: it has none (octets that are not UTF-8, a U-label that IDNA
 * forbids), or does not fit; target then has domain in ASCII lower case without a
 * final dot, cut to fit. A domain in ASCII is not checked: "a..b" stays as it is.
 */
bool domain_normalize(char *target, size_t size, const char *domain);

/*
 * true: labels of letters, digits, hyphens and underscores, at most 255 octets, a
 * leading dot allowed, a final one not; the last label is not a number, as it is in
 * an address.
 */
bool domain_is_name(const char *text);

/*
 * A domain in its one form with U-labels, in UTF-8. false, and "" in target, when
 * it has none or they do not fit.
 */
bool domain_to_unicode(char *target, size_t size, const char *domain);

#endif
