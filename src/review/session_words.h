/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the "v=1; key=value; ..." of docs/headers.md. */
#ifndef REVIEW_SESSION_WORDS_H
#define REVIEW_SESSION_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "record/words.h"

/*
 * X-TaRgrey-Session. Keys that are not known are skipped; one that is missing
 * is "". false: not of the grammar, or of another version.
 */
bool session_words_read(const char *text, struct session_words *words_r);

/* X-TaRgrey-Client: one value, percent-decoded; false when it is not there. */
bool client_value(const char *text, const char *key, char *buf, size_t size);

#endif
