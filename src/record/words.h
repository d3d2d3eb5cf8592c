/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys and closed word lists of X-TaRgrey-Session and X-TaRgrey-Flags, which
 * are those of the event columns too, read by the header writer, the store,
 * explain and the reports. docs/headers.md defines the meaning.
 */
#ifndef RECORD_WORDS_H
#define RECORD_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "words/vocabulary.h"

#define LISTED_ENUM(name, key, list) name,
enum session_key {
	SESSION_KEY_LIST(WORD_ENUM, WORD_ENUM, LISTED_ENUM) SESSION_KEYS
};

enum flag { FLAG_LIST(WORD_ENUM) FLAGS };
extern const char *const flag_words[FLAGS];

enum fault { FAULT_LIST(WORD_ENUM) FAULTS };
extern const char *const fault_words[FAULTS];

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
