/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "store/apply.h"
#include "store/keys.h"
#include "query/query_private.h"

/* What is to be removed; gathered first, so that the lock is held shortly. */
struct forgotten {
	struct query *query;
	const struct forget_filter *filter;
	int64_t *addresses, *triplets; /* triplets: bucket or -1, and hash */
	size_t addresses_count, addresses_room, triplets_count, triplets_room;
	bool failed;
};

static bool
add_number(int64_t **numbers, size_t *count, size_t *room, int64_t number)
{
	if (*count == *room) {
		size_t wanted = *room == 0 ? 256 : *room * 2;
		int64_t *grown = realloc(*numbers, wanted * sizeof **numbers);
		if (grown == NULL)
			return false;
		*numbers = grown;
		*room = wanted;
	}
	(*numbers)[(*count)++] = number;
	return true;
}

static bool
gather_address(void *arg, const struct address_row *row)
{
	struct forgotten *all = arg;

	all->failed = !add_number(&all->addresses, &all->addresses_count,
	    &all->addresses_room, key_from_ip(&row->ip));
	return !all->failed;
}

static bool
client_matches(const struct forget_filter *filter, const char *client)
{
	struct ipnet net;

	if (filter->domain != NULL && strcmp(client, filter->domain) != 0)
		return false;
	if (filter->net == NULL)
		return true;
	if (!ipnet_from_text(client, &net))
		return false;
	return ipnet_has(filter->net, &net.ip) || ipnet_has(&net, &filter->net->ip);
}

static bool
person_is(const struct query *query, const char *stored, const char *wanted)
{
	char hash[PERSON_SIZE];

	return wanted == NULL || strcmp(stored, wanted) == 0 ||
	       strcmp(stored, person_hash(query->backend.secret, wanted, hash)) ==
	           0;
}

static bool
gather_triplet(void *arg, const struct triplet_row *row)
{
	struct forgotten *all = arg;
	const struct forget_filter *filter = all->filter;

	if (!client_matches(filter, row->client) ||
	    !person_is(all->query, row->sender, filter->sender) ||
	    !person_is(all->query, row->recipient, filter->recipient))
		return true;
	/* The hash is of the plain texts, which a hashed row no longer has. */
	all->failed =
	    !add_number(&all->triplets, &all->triplets_count, &all->triplets_room,
	        row->row.passed != 0 ? -1 : apply_bucket(&row->row)) ||
	    !add_number(&all->triplets, &all->triplets_count, &all->triplets_room,
	        row->hash);
	return !all->failed;
}

static bool
gather(struct forgotten *all, struct error *error)
{
	const struct forget_filter *filter = all->filter;
	struct triplet_filter triplets = {.state = TRIPLETS_ALL};
	bool addresses = filter->net != NULL && filter->domain == NULL &&
	                 filter->sender == NULL && filter->recipient == NULL;

	if ((addresses && !query_addresses(all->query, filter->net, 0,
	                      gather_address, all, error)) ||
	    !query_triplets(all->query, &triplets, gather_triplet, all, error))
		return false;
	if (all->failed)
		error_set(error, "out of memory");
	return !all->failed;
}

static bool
run_numbers(struct query *query, const char *sql, const int64_t *numbers, int count,
    uint64_t *removed, struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;
	sqlite3_stmt *statement = query_prepare(query, sql, trouble);
	bool ok = statement != NULL;

	for (int i = 0; ok && i < count; i++)
		sqlite3_bind_int64(statement, i + 1, numbers[i]);
	ok = ok && connection_step(connection, statement, NULL, trouble);
	sqlite3_finalize(statement);
	if (ok && removed != NULL)
		*removed += (uint64_t)sqlite3_changes(connection->db);
	return ok;
}

static bool
remove_triplet(struct query *query, const int64_t key[2], uint64_t *removed,
    struct trouble *trouble)
{
	if (key[0] != -1)
		return run_numbers(query,
		    "DELETE FROM waiting WHERE bucket = ?1 AND hash = ?2", key, 2,
		    removed, trouble);
	return run_numbers(query, "DELETE FROM passed WHERE hash = ?1", key + 1, 1,
	           removed, trouble) &&
	       run_numbers(query, "DELETE FROM passed_text WHERE hash = ?1",
	           key + 1, 1, NULL, trouble);
}

static bool
remove_domain(struct query *query, const char *domain, uint64_t *removed,
    struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;
	sqlite3_stmt *statement =
	    query_prepare(query, "DELETE FROM domain WHERE name = ?1", trouble);
	bool ok = statement != NULL;

	if (ok) {
		sqlite3_bind_text(statement, 1, domain, -1, SQLITE_STATIC);
		ok = connection_step(connection, statement, NULL, trouble);
	}
	sqlite3_finalize(statement);
	if (ok)
		*removed += (uint64_t)sqlite3_changes(connection->db);
	return ok;
}

#define REMOVED_AT_ONCE 500

static bool
remove_all(
    struct forgotten *all, struct store_counts *counts, struct trouble *trouble)
{
	struct query *query = all->query;
	size_t i = 0, j = 0;
	bool ok = true;

	while (ok && (i < all->addresses_count || j < all->triplets_count)) {
		ok = query_enter_change(query, trouble);
		for (int n = 0; ok && n < REMOVED_AT_ONCE; n++) {
			if (i < all->addresses_count)
				ok = run_numbers(query,
				    "DELETE FROM address WHERE key = ?1",
				    &all->addresses[i++], 1, &counts->addresses,
				    trouble);
			else if (j < all->triplets_count) {
				ok = remove_triplet(query, &all->triplets[j],
				    &counts->triplets, trouble);
				j += 2;
			}
		}
		ok = query_leave_change(query, ok, trouble);
	}
	if (ok && all->filter->domain != NULL && all->filter->sender == NULL &&
	    all->filter->recipient == NULL)
		ok = query_enter_change(query, trouble) &&
		     query_leave_change(query,
		         remove_domain(
		             query, all->filter->domain, &counts->domains, trouble),
		         trouble);
	return ok;
}

bool
query_forget(struct query *query, const struct forget_filter *filter,
    struct store_counts *counts_r, struct error *error)
{
	struct trouble trouble = {0};
	struct forgotten all = {.query = query, .filter = filter};

	memset(counts_r, 0, sizeof *counts_r);
	if (filter->net == NULL && filter->domain == NULL &&
	    filter->sender == NULL && filter->recipient == NULL) {
		error_set(error, "nothing to forget was named");
		return false;
	}
	bool ok = gather(&all, error);
	if (ok && !remove_all(&all, counts_r, &trouble))
		ok = query_failed(query, &trouble, error);
	free(all.addresses);
	free(all.triplets);
	return ok;
}
