/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table layer of the SPF tests: answers from memory in the place of a
 * resolver. A row is (name, type) with its records, or with what happens
 * instead; a type that a name does not list is its row of type 0, or no data.
 */
#ifndef TESTS_SPF_TABLE_H
#define TESTS_SPF_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "spf/spf.h"

struct table;

struct table *table_new(void);
/* Accepts NULL; nulls. */
void table_free(struct table **table);
void table_clear(struct table *table);

/* A row without records; type 0 = every type that the name has no row of. */
void table_set(
    struct table *table, const char *name, unsigned type, enum dns_status status);

/*
 * Adds a record, to the row made with DNS_OK if there is none.
 * text  address for A and AAAA, name for CNAME, PTR and MX, octets for TXT
 */
void table_add(struct table *table, const char *name, unsigned type,
    const char *text, size_t length);

/* CNAMEs are followed; a chain over 8 is DNS_SERVFAIL. */
struct spf_asker table_asker(struct table *table);

/* Questions since the last clear. */
unsigned table_asked(const struct table *table);

#endif
