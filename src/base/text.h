/* SPDX-License-Identifier: BSD-2-Clause */
/* Small text functions that libc lacks. No state. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies with NUL; false when source did not fit (then it is cut). */
bool text_copy(char *target, size_t size, const char *source);

/*
 * Appends text after the *used octets of target and advances *used; false: it did
 * not fit, and nothing was added.
 */
bool text_append(char *target, size_t size, size_t *used, const char *text);

/*
 * Where the text begins after its blanks; those at its end are cut off, in place.
 * Blanks: space, tab, CR, LF.
 */
char *text_trim(char *text);

/* ASCII lower case, in place, whatever the locale. */
void text_lower(char *text);

/*
 * true when the whole text is a decimal integer within [min, max], with a minus
 * sign or none. *value_r is set only then.
 */
bool text_integer(const char *text, int64_t min, int64_t max, int64_t *value_r);

/*
 * A duration with an optional unit: s (the default), m, h, d, w. No fractions.
 * false for anything else; *seconds_r is within [0, INT32_MAX].
 */
bool text_duration(const char *text, int64_t *seconds_r);
/* The shortest exact form: 3600 -> "1h", 90 -> "90s". Returns buf. */
const char *text_from_duration(int64_t seconds, char buf[static 24]);

/*
 * Percent-encodes: every octet other than A-Z a-z 0-9 . _ : - + / [ ] , becomes
 * %HH (docs/headers.md). The result has at most limit characters; when the
 * source does not fit, it is cut between octets and ends in %7E.
 * Returns the length written.
 * limit  3..size-1
 */
size_t text_percent(
    char *target, size_t size, size_t limit, const void *source, size_t length);

/* A copy that the caller frees; NULL for NULL or when out of memory. */
char *text_dup(const char *source);

#endif
