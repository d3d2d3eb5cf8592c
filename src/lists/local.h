/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local rules (suspect.d): lines "FIELD PATTERN TAG [warn]" that give a client
 * tags, for local= in the header and the selector local. Loaded once, then
 * immutable; any thread may match, without locks.
 *
 * FIELD    name (verified), ptr, helo, from, net
 * PATTERN  net: an address or network; else a regular expression without
 *          blanks, with slashes around it or not
 * TAG      1 to 24 of A-Z a-z 0-9 . _ -; not "none" and not "warn"
 * warn     the rule gives its tag but does not make a suspect
 */
#ifndef LISTS_LOCAL_H
#define LISTS_LOCAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/ip.h"

#define LOCAL_TAG_SIZE  25
#define LOCAL_TAGS_SIZE 129 /* a value of the header grammar and NUL */

struct local;

struct local_rule {
	const char *file;
	unsigned line;
	const char *field, *pattern; /* as written */
	char tag[LOCAL_TAG_SIZE];
	bool warns;
};

/* NULL with "FILE:LINE: what is wrong", with the offset in a pattern. */
struct local *local_load(
    const char *const *patterns, size_t count, struct error *error);
/* Accepts NULL; nulls. */
void local_free(struct local **local);

/* What is known so far; no rule matches a NULL. from "" = null sender. */
struct local_subject {
	const struct ip *ip;
	const char *name, *ptr, *helo, *from;
};

struct local_fact {
	/*
	 * Tags of all rules that match, each once, joined by ','; "" = none.
	 * Tags that do not fit into 128 octets are left out.
	 */
	char tags[LOCAL_TAGS_SIZE];
	/* First rule that acts, first that only warns; NULL: none. Owned by local.
	 */
	const struct local_rule *rule, *warn;
};
void local_match(const struct local *local, const struct local_subject *subject,
    struct local_fact *fact_r);

#endif
