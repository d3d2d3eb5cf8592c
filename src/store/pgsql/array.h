/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a PostgreSQL array, built element by element. */
#ifndef STORE_PGSQL_ARRAY_H
#define STORE_PGSQL_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct array {
	char *text; /* always a complete array once something was added */
	size_t used, room;
	bool has_failed; /* out of memory */
};

void array_add_number(struct array *array, int64_t number);
/* Invalid UTF-8 becomes U+FFFD, as PostgreSQL accepts nothing else. */
void array_add_text(struct array *array, const char *text);
/* "{}" if nothing was added. */
const char *array_text(const struct array *array);
void array_clear(struct array *array);

/*
 * A copy in which each octet that is not UTF-8 becomes U+FFFD; NULL when out of
 * memory. The caller frees.
 */
char *utf8_copy(const char *text);

#endif
