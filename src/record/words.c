/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/words.h"

#define NUMBER_ROW(name, key) [name] = {key, true, NULL},
#define TEXT_ROW(name, key)   [name] = {key, false, NULL},
#define WORD_ROW(name, key, list)                                                  \
	[name] = {key, false, (const char *const[]){list(WORD_ALONE) NULL}},

const struct session_key_row session_keys[SESSION_KEYS] = {
    SESSION_KEY_LIST(NUMBER_ROW, TEXT_ROW, WORD_ROW)};

const char *const flag_words[FLAGS] = {FLAG_LIST(WORD_TEXT)};
const char *const fault_words[FAULTS] = {FAULT_LIST(WORD_TEXT)};
