/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The grammar of an SPF record (RFC 7208 12), whole: an error anywhere in the
 * record is an error of the record. Takes any octets. Private to this folder.
 */
#ifndef SPF_SPF_RECORD_PRIVATE_H
#define SPF_SPF_RECORD_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "dns/name.h"

#define SPF_RECORD_MAX 8192 /* octets of a record; more is permerror */
#define SPF_TERM_MAX   512  /* octets of one term */

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT
};

struct spf_record;

struct spf_term {
	const struct spf_record *record;
	enum spf_kind kind;
	char qualifier; /* + - ~ ?; + for redirect */
	/* Domain-spec as written, NUL-terminated; "" when left out. */
	const char *spec;
	bool has_macro; /* a letter that depends on the client or the sender */
	struct ip ip;   /* ip4, ip6 */
	uint8_t prefix4, prefix6; /* 0..32, 0..128 */
};

/* One evaluated record; freed whole by spf_record_free(). */
struct spf_record {
	struct spf_record *next; /* for the list of an evaluation */
	/* What was followed to get here holds a macro (see has_macro). */
	bool via_macro;
	char domain[DNS_NAME_SIZE]; /* where it was found: the <domain> of 4.1 */
	size_t count;
	struct spf_term *terms;    /* directives in order */
	struct spf_term *redirect; /* NULL: none, or an "all" makes it void */
	char *text;                /* the specs point into it */
};

enum spf_grammar {
	SPF_GRAMMAR_OK,
	SPF_GRAMMAR_BAD,
	SPF_GRAMMAR_SIZE,
	SPF_GRAMMAR_MEMORY
};

/* text begins with "v=spf1" and a blank or the end (RFC 7208 4.5) */
bool spf_record_is_ours(const char *text, size_t length);

/*
 * text  of a record that is ours; may hold NULs
 * *record_r is the caller's; NULL unless SPF_GRAMMAR_OK
 */
enum spf_grammar spf_record_parse(const char *text, size_t length,
    const char *domain, struct spf_record **record_r);

/* Accepts NULL; nulls. */
void spf_record_free(struct spf_record **record);

#endif
