/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "store/keys.h"
#include "query/query_private.h"

/* One walk through a statement; give is called for each row until it says false. */
static bool
walk(struct query *query, const char *sql, int64_t parameter,
    bool (*give)(void *work, sqlite3_stmt *statement), void *work,
    struct trouble *trouble)
{
	struct connection *connection = &query->backend.writer.connection;
	sqlite3_stmt *statement = query_prepare(query, sql, trouble);
	bool row = true, ok = statement != NULL;

	if (ok && sqlite3_bind_parameter_count(statement) > 0)
		sqlite3_bind_int64(statement, 1, parameter);
	while (ok && row) {
		ok = connection_step(connection, statement, &row, trouble);
		if (ok && row && !give(work, statement))
			break;
	}
	sqlite3_finalize(statement);
	return ok;
}

static bool
walk_once(struct query *query, const char *sql, int64_t parameter,
    bool (*give)(void *work, sqlite3_stmt *statement), void *work,
    struct error *error)
{
	struct trouble trouble = {0};

	if (query_enter(query, &trouble) &&
	    query_leave(query, walk(query, sql, parameter, give, work, &trouble)))
		return true;
	return query_failed(query, &trouble, error);
}

struct addresses_work {
	const struct ipnet *net;
	bool (*each)(void *ctx, const struct address_row *row);
	void *ctx;
};

/* The row's /64 may be wider than the network that is asked for. */
static bool
is_in_net(const struct ipnet *net, const struct ip *key)
{
	struct ip asked = key_address(&net->ip);

	return ipnet_has(net, key) || (net->prefix >= 64 && ip_equal(&asked, key));
}

static bool
give_address(void *arg, sqlite3_stmt *statement)
{
	struct addresses_work *work = arg;
	struct address_row row = {
	    .ip = key_to_ip(sqlite3_column_int64(statement, 0))};

	if (work->net != NULL && !is_in_net(work->net, &row.ip))
		return true;
	sqlite_read_address(statement, 1, &row.record);
	return work->each(work->ctx, &row);
}

bool
query_addresses(struct query *query, const struct ipnet *net, int64_t allowed_at,
    bool (*each)(void *ctx, const struct address_row *row), void *ctx,
    struct error *error)
{
	struct addresses_work work = {net, each, ctx};

	return walk_once(query,
	    "SELECT * FROM address WHERE ?1 = 0 OR allowed_until >= ?1 ORDER BY "
	    "key",
	    allowed_at, give_address, &work, error);
}

struct domains_work {
	bool (*each)(void *ctx, const struct domain_row *row);
	void *ctx;
};

static bool
give_domain(void *arg, sqlite3_stmt *statement)
{
	struct domains_work *work = arg;
	struct domain_row row = {
	    .name = (const char *)sqlite3_column_text(statement, 0)};
	int64_t day;

	sqlite_read_domain(statement, 1, &row.record, &day);
	return work->each(work->ctx, &row);
}

bool
query_domains(struct query *query, int64_t allowed_at,
    bool (*each)(void *ctx, const struct domain_row *row), void *ctx,
    struct error *error)
{
	struct domains_work work = {each, ctx};

	return walk_once(query,
	    "SELECT * FROM domain WHERE ?1 = 0 OR allowed_until >= ?1 ORDER BY "
	    "name",
	    allowed_at, give_domain, &work, error);
}

struct triplets_work {
	struct query *query;
	const struct triplet_filter *filter;
	bool (*each)(void *ctx, const struct triplet_row *row);
	void *ctx;
	bool ended;
};

static bool
give_triplet(
    struct triplets_work *work, sqlite3_stmt *statement, struct triplet_row *row)
{
	const struct triplet_filter *filter = work->filter;
	int64_t used =
	    row->row.passed > row->row.last ? row->row.passed : row->row.last;

	row->client = (const char *)sqlite3_column_text(statement, 0);
	row->sender = (const char *)sqlite3_column_text(statement, 1);
	row->recipient = (const char *)sqlite3_column_text(statement, 2);
	if (used < filter->since ||
	    (filter->client != NULL && strcmp(row->client, filter->client) != 0) ||
	    !query_person_matches(work->query, row->sender, filter->sender) ||
	    !query_person_matches(work->query, row->recipient, filter->recipient))
		return true;
	work->ended = !work->each(work->ctx, row);
	return !work->ended;
}

static bool
give_waiting(void *arg, sqlite3_stmt *statement)
{
	struct triplet_row row = {.hash = sqlite3_column_int64(statement, 8)};

	sqlite_read_waiting(
	    statement, 4, sqlite3_column_int64(statement, 3), &row.row);
	return give_triplet(arg, statement, &row);
}

static bool
give_passed(void *arg, sqlite3_stmt *statement)
{
	struct triplet_row row = {.hash = sqlite3_column_int64(statement, 8)};

	sqlite_read_passed(statement, 3, &row.row);
	return give_triplet(arg, statement, &row);
}

bool
query_triplets(struct query *query, const struct triplet_filter *filter,
    bool (*each)(void *ctx, const struct triplet_row *row), void *ctx,
    struct error *error)
{
	struct triplets_work work = {query, filter, each, ctx, false};

	if (filter->state != TRIPLETS_PASSED &&
	    !walk_once(query,
	        "SELECT t.client, t.sender, t.recipient, w.bucket, w.first, w.last,"
	        " w.last_try, w.flags, w.hash FROM waiting_text AS t CROSS JOIN "
	        "waiting AS w"
	        " ON w.bucket = t.bucket AND w.hash = t.hash ORDER BY t.id",
	        0, give_waiting, &work, error))
		return false;
	return work.ended || filter->state == TRIPLETS_WAITING ||
	       walk_once(query,
	           "SELECT t.client, t.sender, t.recipient, p.first, p.last, "
	           "p.last_try,"
	           " p.passed, p.flags, p.hash FROM passed_text AS t CROSS JOIN "
	           "passed AS p"
	           " ON p.hash = t.hash",
	           0, give_passed, &work, error);
}
