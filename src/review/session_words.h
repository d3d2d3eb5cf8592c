/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the "v=1; key=value; ..." described in docs/headers.md. */
#ifndef REVIEW_SESSION_WORDS_H
#define REVIEW_SESSION_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "record/words.h"

/*
 * X-TaRgrey-Session. Unknown keys are skipped; a missing key is "". false when the
 * value is malformed or of another version.
 */
bool session_words_read(const char *text, struct session_words *words_r);

/* X-TaRgrey-Client: one value, percent-decoded; false when it is missing. */
bool client_value(const char *text, const char *key, char *buf, size_t size);

#endif
