/* SPDX-License-Identifier: BSD-2-Clause */
/* A loaded list: filled by list.c, then only read, by list_match.c. */
#ifndef LISTS_LIST_PRIVATE_H
#define LISTS_LIST_PRIVATE_H

#include <stdint.h>

#include "lists/lines.h"
#include "lists/list.h"
#include "lists/pattern.h"

struct entry {
	struct list_place place; /* place.entry is owned */
	char *key;               /* texts: in lower case; owned */
	struct ipnet net;
	struct pattern *pattern;
};

/* Entries of one kind, sorted once all are read (patterns: in file order). */
struct table {
	struct entry *entries;
	size_t count, room;
};

enum subject { CLIENT, RECIPIENT, SENDER, SUBJECTS };

struct list {
	struct line_files files;
	struct table names[SUBJECTS];     /* domains, and hosts */
	struct table mailboxes[SUBJECTS]; /* "user@" and "user@domain" */
	struct table patterns[SUBJECTS];
	struct table nets; /* by prefix, then address */
};

/* Longest prefix first, then by address. */
int list_compare_nets(const struct ipnet *a, const struct ipnet *b);

#endif
