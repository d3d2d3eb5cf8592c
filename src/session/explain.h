/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a visit would get, for targreyctl explain: the session's own code runs on
 * facts given by hand. Nothing waits and nothing is noted.
 */
#ifndef SESSION_EXPLAIN_H
#define SESSION_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "record/words.h"
#include "policy/hold.h"
#include "policy/judge.h"
#include "session/session.h"

/* Strings are borrowed for the call. */
struct explain_visit {
	struct session_client client;
	const char *helo;
	const char *sender, *recipient; /* without brackets; "" = null sender */
	const struct dns_facts *dns;    /* NULL: not looked up */
	bool authenticated, tls;
	int64_t now; /* wall clock, seconds */
};

struct explain_memory {
	const uint8_t *secret; /* of the store; NULL: none */
	/* As store_recall(); NULL or false: the store cannot be asked. */
	bool (*recall)(void *ctx, const struct store_who *who,
	    const struct triplet *triplets, size_t count, int64_t now,
	    struct history *history_r);
	void *ctx;
};

#define EXPLAIN_TEXT_SIZE 1024

struct explained {
	char exempt[EXPLAIN_TEXT_SIZE]; /* what exempts the visit, or "" */
	bool is_outgoing; /* exempt because it may be our own mail: no headers */
	/* What is behind the suspicion: a rule's line, or numbers of the record. */
	char detail[EXPLAIN_TEXT_SIZE];
	char domain[256];           /* the SPF domain that counts, or "" */
	char organisation[256];     /* or "" */
	struct s25r_fact s25r;      /* lives with the snapshot */
	struct judgement judgement; /* when not exempt */
	bool has_history;
	struct history history; /* rows left out */
	struct grey_row row;    /* of the triplet */
	struct hold_plan hold;  /* when held */
	/* For the message, if it comes and the hold is sat out. */
	struct session_words words;
	char session_header[EXPLAIN_TEXT_SIZE], client_header[EXPLAIN_TEXT_SIZE],
	    flags_header[EXPLAIN_TEXT_SIZE];
};

/* Plays the session; snapshot has no store or gatherer. false: out of memory. */
bool session_explain(struct snapshot *snapshot, const struct explain_visit *visit,
    const struct explain_memory *memory, struct explained *explained_r);

/* X-TaRgrey-Session with these words. */
#define STAMP_SESSION_SIZE 901
void stamp_session(
    const struct session_words *words, char buf[static STAMP_SESSION_SIZE]);

#endif
