/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables in PostgreSQL; private to this folder.
 *
 * meta.schema holds the number of steps that a database has gone through. A
 * released step is never changed. The columns of event are those of event_row.h:
 * missing ones are added when the daemon starts, so that a new word of the header
 * needs no step.
 */
#ifndef STORE_PGSQL_SCHEMA_PRIVATE_H
#define STORE_PGSQL_SCHEMA_PRIVATE_H

#include "store/pgsql/link_private.h"

extern const int pgsql_schema_version;

/*
 * Creates or upgrades the tables, one daemon at a time, and reads the secret; a new
 * database gets the one given, or a new one if that is all zero.
 * is_fatal_r  retrying cannot help: a newer version, or not an encoding for mail
 */
bool pgsql_make_schema(struct link *link, uint8_t secret[static SIPHASH_KEY_SIZE],
    bool *is_fatal_r, struct trouble *trouble);
/* Only checks that the version is ours, and reads the secret. */
bool pgsql_check_schema(struct link *link,
    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct trouble *trouble);

/* A value from the table meta; value: "" if it is not found. */
bool pgsql_read_meta(struct link *link, const char *name, char *value, size_t size,
    bool *found_r, struct trouble *trouble);
bool pgsql_write_meta(struct link *link, const char *name, const char *value,
    struct trouble *trouble);

#endif
