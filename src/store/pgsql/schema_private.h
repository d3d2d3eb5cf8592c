/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables in PostgreSQL; private to this folder.
 *
 * meta.schema holds the number of steps that a database has gone through. A
 * step that has been released is never changed. The columns of event are those
 * of event_row.h: what is missing is added when the daemon starts, so that a new
 * word of the header needs no step.
 */
#ifndef STORE_PGSQL_SCHEMA_PRIVATE_H
#define STORE_PGSQL_SCHEMA_PRIVATE_H

#include "store/pgsql/link_private.h"

extern const int pgsql_schema_version;

/*
 * Makes or upgrades the tables, one daemon at a time, and reads the secret; a
 * new database gets the one given, or a new one when that is all zero.
 * is_fatal_r  it will not do, however often it is tried: newer, not ours
 */
bool pgsql_make_schema(struct link *link, uint8_t secret[static SIPHASH_KEY_SIZE],
    bool *is_fatal_r, struct trouble *trouble);
/* Only looks whether the version is ours, and reads the secret. */
bool pgsql_check_schema(struct link *link,
    uint8_t secret_r[static SIPHASH_KEY_SIZE], struct trouble *trouble);

/* A value of the table meta; value: "" when it is not found. */
bool pgsql_read_meta(struct link *link, const char *name, char *value, size_t size,
    bool *found_r, struct trouble *trouble);
bool pgsql_write_meta(struct link *link, const char *name, const char *value,
    struct trouble *trouble);

#endif
