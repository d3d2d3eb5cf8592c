/* SPDX-License-Identifier: BSD-2-Clause */
/* The organisation responsible for a name. */
#ifndef RECORD_ORGANISATION_H
#define RECORD_ORGANISATION_H

/*
 * Reads the public suffix list, once: before the sandbox is entered, inside which
 * its file cannot be opened. Otherwise it is read at the first name.
 */
void organisation_load(void);

/*
 * The registered domain of a verified name, by the public suffix list: the file of
 * Debian's package publicsuffix, or the one inside libpsl where that is newer.
 * Names below a suffix of its private part (customers of a big host) belong to
 * different organisations.
 *
 * name  in lower case; NULL: none
 * Returns a pointer into name; NULL when name is NULL, a suffix itself, a single
 * label, or too long for a domain name. Source  https://publicsuffix.org/list/
 */
const char *organisation_of(const char *name);

#endif
