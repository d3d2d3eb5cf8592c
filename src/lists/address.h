/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail addresses in one form, so that everything that compares or stores one
 * sees the same: "postmaster", not <postmaster>, "postmaster"@d, @relay:... .
 * No state.
 */
#ifndef LISTS_ADDRESS_H
#define LISTS_ADDRESS_H

/*
 * An SMTP mailbox in one form: without brackets and source route (RFC 5321 4.1.2,
 * F.2), the local part unquoted where no quotes are needed and without needless
 * backslashes, the domain as domain_normalize() has it, ASCII letters in lower case
 * (the local part, too: no MTA of today tells "Postmaster" from "postmaster").
 *
 * path     "<user@domain>" or "user@domain"; "" and "<>": the null sender, "".
 *          Anything else is only put in lower case.
 * Returns  memory for the caller to free, never longer than 3 times path (a
 *          U-label grows); NULL when out of memory. Idempotent.
 */
char *address_normalize(const char *path);

/*
 * The "@" in front of the domain, NULL when there is none.
 * address  in its one form; an "@" inside quotes does not count
 */
char *address_at(const char *address);

#endif
