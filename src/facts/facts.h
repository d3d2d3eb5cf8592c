/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one SMTP session has shown, without judgement. Built by session/ (or by
 * hand, for explain and tests), read by policy/. Strings are borrowed.
 */
#ifndef FACTS_FACTS_H
#define FACTS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "facts/gather.h"
#include "lists/s25r.h"

/* What the client calls itself; order of the header's word list. */
enum helo_class {
	HELO_FQDN,
	HELO_BARE,    /* a name without a dot */
	HELO_IP,      /* an address without brackets */
	HELO_LITERAL, /* an address literal, RFC 5321 4.1.3 */
	HELO_OURS,    /* our own name or address */
	HELO_LOCALHOST,
	HELO_MISSING
};
extern const char *const helo_class_words[7];

enum rdns_state { RDNS_PASS, RDNS_MISMATCH, RDNS_NONE, RDNS_TEMPERROR };
extern const char *const rdns_state_words[4];

/* The sender; null before what it says of itself, that before DNS. */
enum from_state {
	FROM_OK,
	FROM_NULL,
	FROM_SELF,
	FROM_OURS,
	FROM_NODNS,
	FROM_UNKNOWN
};
extern const char *const from_state_words[6];

/* Octets were waiting in the socket when the client should have been silent. */
enum pipe_state { PIPE_NO, PIPE_YES, PIPE_UNKNOWN };
extern const char *const pipe_state_words[3];

extern const char *const helo_dns_words[4]; /* of enum helo_dns */

struct facts {
	struct ip ip;
	uint16_t port;
	const char *name; /* verified, lower case; NULL: none */
	const char *ptr;  /* unverified, lower case; NULL: none */
	enum rdns_state rdns;
	struct s25r_fact s25r;

	const char *helo; /* as said; NULL: none */
	enum helo_class helo_class;
	const char *sender; /* without brackets; "" = null sender */
	enum from_state from;
	bool tls;
	enum pipe_state pipe;

	/* tags of suspect.d joined by ',', "" = none */
	const char *local;
	bool local_acts, local_warns; /* one of them makes a suspect / only warns */

	const struct dns_facts *dns; /* NULL until the job has ended */
};

#endif
