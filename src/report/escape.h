/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text of strangers, made harmless for the place where it is shown. A database
 * holds what clients said: escape sequences, markup, spreadsheet formulas.
 * Input is any octets with a NUL at the end; NULL counts as "".
 */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Length of the UTF-8 character at text when it may be shown as it is: not a
 * control character, not a change of writing direction, not broken. Else 0.
 * *code_r  its code point; may be NULL
 */
size_t escape_utf8(const char *text, unsigned *code_r);

/*
 * For a terminal: each octet that escape_utf8() refuses becomes \xHH.
 * file   NULL: only counts
 * limit  at most this many columns, a cut text ends in "~"; 0 = no limit
 * Returns the columns used (East Asian wide characters take two).
 */
size_t escape_terminal(FILE *file, const char *text, size_t limit);

/* For HTML and SVG, in text and in quoted attributes. */
void escape_html(FILE *file, const char *text);

/*
 * One CSV field (RFC 4180), quoted where needed. A text that a spreadsheet
 * would take for a formula (begins with = + - @, tab or CR) gets a ' in front.
 */
void escape_csv(FILE *file, const char *text);

/* One JSON string with its quotes; each octet of broken UTF-8 becomes U+FFFD. */
void escape_json(FILE *file, const char *text);

/* For the inside of the quotes of an OpenMetrics label value. */
void escape_label(FILE *file, const char *text);

#endif
