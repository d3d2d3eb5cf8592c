/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a PostgreSQL array, one element after the other. */
#ifndef STORE_PGSQL_ARRAY_H
#define STORE_PGSQL_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct array {
	char *text; /* always a whole array once something was added */
	size_t used, room;
	bool has_failed; /* out of memory */
};

void array_add_number(struct array *array, int64_t number);
/* What is not UTF-8 becomes U+FFFD: PostgreSQL takes nothing else. */
void array_add_text(struct array *array, const char *text);
/* "{}" when nothing was added. */
const char *array_text(const struct array *array);
void array_clear(struct array *array);

/*
 * A copy in which each octet that is not UTF-8 has become U+FFFD; NULL when
 * memory is out. The caller frees.
 */
char *utf8_copy(const char *text);

#endif
