/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allow lists: clients, recipients and senders that are never delayed, in the
 * format of postgrey's whitelists (docs/configuration.md). Loaded once, then
 * immutable; any thread may match, without locks.
 *
 * "client:", "recipient:" or "sender:" in front of a line says what it lists;
 * without one, it is a recipient in a file whose name holds "recipients"
 * (postgrey's whitelist_recipients), a client in any other.
 *
 * Clients:   name.example    the name and all below it (".name.example": only
 *                            those below); verified names alone
 *            192.0.2.1, 192.0.2, 192.0, 192.0.2.0/24, 2001:db8::/32
 *            /regex/         on the verified name
 * Addresses: domain.example (and all below it), user@, user@domain.example,
 *            both with an extension too (user+ext@), /regex/ on the whole
 */
#ifndef LISTS_LIST_H
#define LISTS_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/ip.h"

struct list;

/* The entry that matched; the texts live as long as the list. */
struct list_place {
	const char *file;
	unsigned line;
	const char *entry; /* as written */
};

/*
 * patterns  shell patterns of files; see lists/lines.h
 * NULL with "FILE:LINE: what is wrong" (and the offset in a regex).
 */
struct list *list_load(
    const char *const *patterns, size_t count, struct error *error);
/* Accepts NULL; nulls. */
void list_free(struct list **list);

/*
 * name  the verified name, any case; NULL when there is none. where_r may be
 * NULL; it is written only on true. Names and addresses are brought to one form
 * first (address.h), as the entries were: A-labels and U-labels match each other.
 */
bool list_match_client(const struct list *list, const struct ip *ip,
    const char *name, struct list_place *where_r);
/*
 * address  as in SMTP; "" matches nothing; one without a domain (<postmaster>) may
 *          be at any domain of ours: "postmaster@" matches it
 */
bool list_match_recipient(
    const struct list *list, const char *address, struct list_place *where_r);
/* Call it only for senders with an SPF pass. */
bool list_match_sender(
    const struct list *list, const char *address, struct list_place *where_r);

size_t list_count(const struct list *list);

#endif
