/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One parser for all record types. Accepts any octets; an unreadable message is
 * DNS_SERVFAIL, never a partial answer. No state.
 */
#ifndef DNS_PACKET_H
#define DNS_PACKET_H

#include "dns/answer.h"

/*
 * About a millisecond of CPU time. An honest answer of 64 KiB with 1,000 records
 * takes some 10,000.
 */
#define DNS_STEPS_MAX 200000

/*
 * Reads the answer to (name, type) from a whole DNS message (RFC 1035 4.1).
 * CNAMEs within the message are followed, 16 at most; a loop is DNS_SERVFAIL.
 * Records of other types, classes and names are skipped, as is a PTR or MX whose
 * name cannot be written as text (a dot or NUL inside a label). A name over 255
 * octets, a pointer that does not point back and a message that takes more than
 * DNS_STEPS_MAX steps are DNS_SERVFAIL.
 * name  cleaned, see dns/name.h
 * Fills *answer_r, which the caller clears. Returns the steps it took: labels,
 * pointers and records read, a measure of its CPU time.
 */
unsigned dns_packet_parse(const uint8_t *packet, size_t length, const char *name,
    enum dns_type type, struct dns_answer *answer_r);

#endif
