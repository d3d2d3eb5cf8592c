/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A regular expression (PCRE2), compiled once and matched from any thread.
 * Immutable; matching takes no lock, and no memory but a small block that each
 * thread allocates once. It does not stall: a match that needs too many
 * steps is given up, counts as "no match" and is logged once per pattern.
 */
#ifndef LISTS_PATTERN_H
#define LISTS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct pattern;

/*
 * text  without delimiters; matched without regard to case, octet by octet,
 *       anywhere in the subject; "$" is the very end
 * NULL with "offset N: what is wrong" (N counts octets of text from 0).
 */
struct pattern *pattern_compile(const char *text, struct error *error);

/* subject  any octets, NULs included; at most the first 4096 are looked at */
bool pattern_match(
    const struct pattern *pattern, const char *subject, size_t length);

/*
 * A name or address in its one form (base/domain.h): also matches when the form
 * with U-labels does, so that a pattern may be written in either, and in any case.
 */
bool pattern_match_name(const struct pattern *pattern, const char *name);

/* Accepts NULL; nulls. */
void pattern_free(struct pattern **pattern);

#endif
