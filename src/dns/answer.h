/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The result of a look-up, by the resolver or by a table in the tests. Plain
 * values; an answer owns its records.
 */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

/* The types that we ask for, with their numbers on the wire. */
enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5, /* followed inside answers, never asked for */
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28
};

enum dns_status {
	DNS_OK,       /* at least one record */
	DNS_NODATA,   /* the name is there, but no record of that type */
	DNS_NXDOMAIN, /* no such name */
	DNS_SERVFAIL, /* refused, failed, or nonsense */
	DNS_TIMEOUT,  /* no answer until the deadline or the last try */
	DNS_BAD_NAME  /* the name cannot be asked for; nothing was sent */
};

struct dns_record {
	struct ip ip; /* A, AAAA */
	/*
	 * PTR, MX: a name without its final dot ("" is the root), lower case
	 * as sent. TXT: its strings joined, any octets, NUL after the last.
	 */
	const char *text;
	size_t length; /* of text */
};

struct dns_answer {
	enum dns_status status;
	size_t count; /* 0 unless DNS_OK */
	struct dns_record *records;
};

/* Frees the records; the answer is empty afterwards. */
void dns_answer_clear(struct dns_answer *answer);

#endif
