/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this folder share about an evaluation; private to it. */
#ifndef SPF_EVAL_PRIVATE_H
#define SPF_EVAL_PRIVATE_H

#include "spf/spf.h"
#include "spf/spf_record_private.h"

struct spf_eval {
	const struct spf_asker *asker;
	struct ip ip;
	bool is_v4;
	unsigned max_queries;
	const char *helo;           /* of %{h} */
	char *sender, *local;       /* %{s}, %{l}; on the heap */
	char domain[DNS_NAME_SIZE]; /* %{o}: where the evaluation begins */
	struct spf_fact *fact;

	/* Set by the first error or limit: it is the result of the whole. */
	bool is_decided;

	struct spf_record *records; /* every record read */
	/* Terms that libspf2 knows by their index here: see layer.c. */
	struct spf_term **tags;
	size_t tag_count, tag_size;

	/* The leaf that matched last: for a pass, the one that caused it. */
	const struct spf_term *matched;
	uint8_t matched_prefix; /* of the client's family; 255: none */

	/* Names of the client that lead back to it (5.5). */
	bool is_validated;
	size_t validated_count;
	char validated[SPF_MAX_PTR][DNS_NAME_SIZE];
	char ip_text[64]; /* %{i} */
};

/* The first call decides. */
void spf_decide(
    struct spf_eval *eval, enum spf_result result, enum spf_trouble trouble);

/* Asks within the limits; NULL when the evaluation is decided. */
const struct dns_answer *spf_ask(
    struct spf_eval *eval, const char *name, enum dns_type type);

/* Decides on temperror for a failed answer. true: the answer is usable. */
bool spf_answer_holds(struct spf_eval *eval, const struct dns_answer *answer);

/* Counts a term that looks something up; false when it is one too many. */
bool spf_count_term(struct spf_eval *eval);

/*
 * The name that a term refers to: its domain-spec expanded, or the domain of its
 * record. false: no name that DNS can hold.
 */
bool spf_term_name(struct spf_eval *eval, const struct spf_term *term,
    char name[static DNS_NAME_SIZE]);

/* Does a directive match (RFC 7208 5)? Not for include. */
bool spf_term_matches(struct spf_eval *eval, const struct spf_term *term);

/* ip4 and ip6, without a question */
bool spf_ip_matches(const struct spf_eval *eval, const struct spf_term *term);

/* Runs the evaluation from eval->domain; returns libspf2's result. */
enum spf_result spf_layer_run(struct spf_eval *eval);

#endif
