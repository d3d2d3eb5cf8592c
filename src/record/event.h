/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One row of the record: a transaction with at least one RCPT, or a session
 * without any. Written once by session/, read by report/ and targreyctl.
 */
#ifndef RECORD_EVENT_H
#define RECORD_EVENT_H

#include <stdint.h>

#include "base/ip.h"
#include "record/words.h"

enum hold_end { HOLD_END_LIST(WORD_ENUM) HOLD_ENDS };
extern const char *const hold_end_words[HOLD_ENDS];

/*
 * Strings are borrowed for the call that takes the event; NULL = none. Milliseconds
 * are -1 where there is no value.
 */
struct event {
	int64_t id;     /* set by the store when reading; 0 when writing */
	int64_t logged; /* when it was written; set by the store as well */
	int64_t time;   /* start; without a transaction, end of the session */
	const char *queue_id;
	const char *message_id;
	struct ip ip;
	const char *name; /* verified name; NULL when there is none */
	const char *ptr;
	const char *heloname;
	const char *sender; /* "" = null sender; NULL = no MAIL */
	/* Accepted recipients, separated by one blank, cut after 20. */
	const char *recipients;
	uint32_t rcpt_accepted, rcpt_refused;
	const struct session_words *words;
	/*
	 * In place of words, while an event waits to be written: all values in the
	 * order of their keys, each with its NUL. A tenth of the size.
	 */
	const char *packed_words;
	const char *exempt;     /* what set the client free, or NULL */
	const char *why_detail; /* rule and pattern, list file:line, or NULL */
	int64_t hold_asked_ms;
	int64_t hold_ms; /* how long it lasted */
	enum hold_end hold_end;
	int64_t dns_ms;
	const char *spf_domain;
	/*
	 * What the client was told at last: "250", "421", "450", "451"; "lost": no
	 * message came to the recipients that were accepted; "none": none was.
	 * "others 550", "others 4.7.1": a log said later that others refused what
	 * we let through.
	 */
	const char *reply;
	bool delivered; /* we let the message through, and no log says otherwise */
	double score;   /* feedback; NaN until known */
	const char *feedback; /* "ham", "spam" or NULL */
	bool by_person;       /* the feedback is a person's */
};

/* The value of key in words or packed_words; NULL when there is neither. */
const char *event_word(const struct event *event, enum session_key key);

#endif
