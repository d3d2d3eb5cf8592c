/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of results converted to records. */
#include <stdlib.h>

#include "store/pgsql/pgsql_private.h"

int64_t
pgsql_number(const PGresult *result, int row, int column)
{
	return strtoll(libpq.PQgetvalue(result, row, column), NULL, 10);
}

static uint32_t
count_of(const PGresult *result, int row, int column)
{
	return backend_count(pgsql_number(result, row, column));
}

static int64_t
time_of(const PGresult *result, int row, int column)
{
	return backend_time(pgsql_number(result, row, column));
}

void
pgsql_read_address(const PGresult *result, int row, struct address_record *record_r)
{
	*record_r = (struct address_record){
	    .first_seen = time_of(result, row, 2),
	    .last_seen = time_of(result, row, 3),
	    .last_success = time_of(result, row, 4),
	    .last_counted = time_of(result, row, 5),
	    .last_unproven = time_of(result, row, 6),
	    .last_gaveup = time_of(result, row, 7),
	    .known_until = time_of(result, row, 8),
	    .sessions = count_of(result, row, 9),
	    .successes = count_of(result, row, 10),
	    .counted = count_of(result, row, 11),
	    .gaveup = count_of(result, row, 12),
	    .gaveup_secs = count_of(result, row, 13),
	    .ham = count_of(result, row, 14),
	    .spam = count_of(result, row, 15),
	    .rated = time_of(result, row, 16),
	};
}

void
pgsql_read_domain(
    const PGresult *result, int row, struct domain_record *record_r, int64_t *day_r)
{
	*record_r = (struct domain_record){
	    .first_seen = time_of(result, row, 2),
	    .last_seen = time_of(result, row, 3),
	    .last_success = time_of(result, row, 4),
	    .last_counted = time_of(result, row, 5),
	    .known_until = time_of(result, row, 6),
	    .successes = count_of(result, row, 7),
	    .counted = count_of(result, row, 8),
	    .networks = count_of(result, row, 10),
	};
	*day_r = time_of(result, row, 9);
}

void
pgsql_read_origin(const PGresult *result, int row, struct origin_record *record_r)
{
	*record_r = (struct origin_record){
	    .first_seen = time_of(result, row, 2),
	    .last_seen = time_of(result, row, 3),
	    .decayed = time_of(result, row, 4),
	    .sessions = count_of(result, row, 5),
	    .successes = count_of(result, row, 6),
	    .gaveup = count_of(result, row, 7),
	    .ham = count_of(result, row, 8),
	    .spam = count_of(result, row, 9),
	    .people = (uint64_t)pgsql_number(result, row, 10),
	};
}

void
pgsql_read_triplet(const PGresult *result, int row, struct grey_row *row_r)
{
	*row_r = (struct grey_row){
	    .first = time_of(result, row, 2),
	    .last = time_of(result, row, 3),
	    .last_try = time_of(result, row, 4),
	    .passed = time_of(result, row, 5),
	    .tries = count_of(result, row, 6),
	    .early = pgsql_number(result, row, 7) != 0,
	    .mxs = (uint64_t)pgsql_number(result, row, 10),
	};
}
