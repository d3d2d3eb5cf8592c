/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of results as records. */
#include <stdlib.h>

#include "store/pgsql/pgsql_private.h"

int64_t
pgsql_number(const PGresult *result, int row, int column)
{
	return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static uint32_t
count_of(const PGresult *result, int row, int column)
{
	return (uint32_t)pgsql_number(result, row, column);
}

void
pgsql_read_address(const PGresult *result, int row, struct address_record *record_r)
{
	*record_r = (struct address_record){
	    .first_seen = pgsql_number(result, row, 2),
	    .last_seen = pgsql_number(result, row, 3),
	    .last_success = pgsql_number(result, row, 4),
	    .last_counted = pgsql_number(result, row, 5),
	    .last_unproven = pgsql_number(result, row, 6),
	    .last_gaveup = pgsql_number(result, row, 7),
	    .known_until = pgsql_number(result, row, 8),
	    .sessions = count_of(result, row, 9),
	    .successes = count_of(result, row, 10),
	    .counted = count_of(result, row, 11),
	    .gaveup = count_of(result, row, 12),
	    .gaveup_secs = count_of(result, row, 13),
	    .ham = count_of(result, row, 14),
	    .spam = count_of(result, row, 15),
	    .rated = pgsql_number(result, row, 16),
	};
}

void
pgsql_read_domain(
    const PGresult *result, int row, struct domain_record *record_r, int64_t *day_r)
{
	*record_r = (struct domain_record){
	    .first_seen = pgsql_number(result, row, 2),
	    .last_seen = pgsql_number(result, row, 3),
	    .last_success = pgsql_number(result, row, 4),
	    .last_counted = pgsql_number(result, row, 5),
	    .known_until = pgsql_number(result, row, 6),
	    .successes = count_of(result, row, 7),
	    .counted = count_of(result, row, 8),
	    .networks = count_of(result, row, 10),
	};
	*day_r = pgsql_number(result, row, 9);
}

void
pgsql_read_origin(const PGresult *result, int row, struct origin_record *record_r)
{
	*record_r = (struct origin_record){
	    .first_seen = pgsql_number(result, row, 2),
	    .last_seen = pgsql_number(result, row, 3),
	    .decayed = pgsql_number(result, row, 4),
	    .sessions = count_of(result, row, 5),
	    .successes = count_of(result, row, 6),
	    .gaveup = count_of(result, row, 7),
	    .ham = count_of(result, row, 8),
	    .spam = count_of(result, row, 9),
	};
}

void
pgsql_read_triplet(const PGresult *result, int row, struct grey_row *row_r)
{
	*row_r = (struct grey_row){
	    .first = pgsql_number(result, row, 2),
	    .last = pgsql_number(result, row, 3),
	    .last_try = pgsql_number(result, row, 4),
	    .passed = pgsql_number(result, row, 5),
	    .tries = count_of(result, row, 6),
	    .early = pgsql_number(result, row, 7) != 0,
	    .mxs = (uint64_t)pgsql_number(result, row, 10),
	};
}
