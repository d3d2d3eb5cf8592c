/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One sentence that says what went wrong, for the caller to log or print.
 * The lowest level names the object; each level above may put its own name in
 * front with error_prefix(); whoever does not pass it on reports it, once.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

struct error {
	char text[512];
};

/* All three accept error == NULL. */
void error_set(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* As error_set(), followed by ": " and strerror(errno). */
void error_set_errno(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
