/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys and closed word lists of X-TaRgrey-Session, X-TaRgrey-Flags and of
 * the event columns: one table, read by the header writer, the store, explain
 * and the reports. docs/headers.md defines the meaning; keys are added only at
 * the end, and a change of meaning raises v.
 */
#ifndef RECORD_WORDS_H
#define RECORD_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum session_key {
	SK_V,
	SK_ID,
	SK_SID,
	SK_MODE,
	SK_VERDICT,
	SK_WHY,
	SK_WOULD,
	SK_RDNS,
	SK_S25R,
	SK_S25R_RULE,
	SK_TARPIT,
	SK_TARPIT_SECS,
	SK_GREY,
	SK_GREY_TRIES,
	SK_GREY_SECS,
	SK_EARLY,
	SK_AGE,
	SK_SEEN,
	SK_PASSED,
	SK_GAVEUP,
	SK_GAVEUP_SECS,
	SK_HAM,
	SK_SPAM,
	SK_RCPT_REFUSED,
	SK_HELO,
	SK_HELO_DNS,
	SK_FROM,
	SK_SPF,
	SK_SPF_HELO,
	SK_PIPE,
	SK_TLS,
	SK_LOCAL,
	SK_FORGED,
	SK_FAULT,
	SK_DNSBL, /* only when DNS lists are configured */
	SESSION_KEYS
};

/* A value is at most 128 octets of the header grammar. */
#define SESSION_VALUE_SIZE 129

struct session_key_row {
	const char *name; /* as in the header and in the event column */
	bool is_number;
	const char *const *words; /* NULL-terminated closed list, or NULL */
};
extern const struct session_key_row session_keys[SESSION_KEYS];

/* Every value of one session; an empty value means the key is left out. */
struct session_words {
	char value[SESSION_KEYS][SESSION_VALUE_SIZE];
};

#endif
