/* SPDX-License-Identifier: BSD-2-Clause */
/* What targreyctl lists, counts, checks and removes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/pgsql/pgsql_private.h"
#include "store/pgsql/schema_private.h"

static bool
fetch(struct view *view, bool (*give)(void *work, const PGresult *result, int row),
    void *work, bool *more_r, struct trouble *trouble)
{
	char sql[48];

	snprintf(sql, sizeof sql, "FETCH 500 FROM walk%u", view->walks);
	PGresult *result = link_query(view->link, sql, 0, NULL, trouble);
	if (result == NULL)
		return false;
	*more_r = libpq.PQntuples(result) > 0;
	view->walks++;
	for (int i = 0; *more_r && i < libpq.PQntuples(result); i++)
		*more_r = give(work, result, i);
	view->walks--;
	libpq.PQclear(result);
	return true;
}

bool
pgsql_walk(struct view *view, const char *select, int count,
    const char *const *values,
    bool (*give)(void *work, const PGresult *result, int row), void *work,
    struct trouble *trouble)
{
	size_t size = strlen(select) + 64;
	char *sql = malloc(size), end[32];
	bool more = true;

	if (sql == NULL) {
		error_set(&trouble->error, "out of memory");
		return false;
	}
	snprintf(sql, size, "DECLARE walk%u NO SCROLL CURSOR FOR %s", view->walks,
	    select);
	PGresult *result = link_query(view->link, sql, count, values, trouble);
	bool ok = result != NULL;
	libpq.PQclear(result);
	free(sql);
	while (ok && more)
		ok = fetch(view, give, work, &more, trouble);
	snprintf(end, sizeof end, "CLOSE walk%u", view->walks);
	return ok && link_run(view->link, end, trouble);
}

struct addresses {
	bool (*each)(void *ctx, int64_t key, const struct address_record *record);
	void *ctx;
};

static bool
give_address(void *arg, const PGresult *result, int row)
{
	struct addresses *addresses = arg;
	struct address_record record;

	pgsql_read_address(result, row, &record);
	return addresses->each(
	    addresses->ctx, pgsql_number(result, row, 0), &record);
}

bool
pgsql_each_address(struct view *view, const struct address_search *search,
    bool (*each)(void *ctx, int64_t key, const struct address_record *record),
    void *ctx, struct trouble *trouble)
{
	struct addresses addresses = {each, ctx};
	char low[24], high[24], at[24];
	const char *const values[] = {low, high, at};

	snprintf(low, sizeof low, "%lld", (long long)search->low);
	snprintf(high, sizeof high, "%lld", (long long)search->high);
	snprintf(at, sizeof at, "%lld", (long long)search->known_at);
	return pgsql_walk(view,
	    "SELECT * FROM address WHERE key BETWEEN $1::bigint AND $2::bigint"
	    " AND ($3::bigint = 0 OR known_until >= $3::bigint) ORDER BY key",
	    3, values, give_address, &addresses, trouble);
}

struct domains {
	bool (*each)(
	    void *ctx, const char *name, const struct domain_record *record);
	void *ctx;
	int64_t day;
};

static bool
give_domain(void *arg, const PGresult *result, int row)
{
	struct domains *domains = arg;
	struct domain_record record;
	int64_t day;

	pgsql_read_domain(result, row, &record, &day);
	if (day != domains->day)
		record.networks = 0;
	return domains->each(
	    domains->ctx, libpq.PQgetvalue(result, row, 0), &record);
}

bool
pgsql_each_domain(struct view *view, int64_t day, int64_t known_at,
    bool (*each)(void *ctx, const char *name, const struct domain_record *record),
    void *ctx, struct trouble *trouble)
{
	struct domains domains = {each, ctx, day};
	char at[24];
	const char *const values[] = {at};

	snprintf(at, sizeof at, "%lld", (long long)known_at);
	return pgsql_walk(view,
	    "SELECT * FROM domain WHERE $1::bigint = 0"
	    " OR known_until >= $1::bigint ORDER BY name",
	    1, values, give_domain, &domains, trouble);
}

struct networks {
	bool (*each)(void *ctx, int64_t day, int64_t hash);
	void *ctx;
};

static bool
give_network(void *arg, const PGresult *result, int row)
{
	struct networks *networks = arg;

	return networks->each(networks->ctx, pgsql_number(result, row, 0),
	    pgsql_number(result, row, 1));
}

bool
pgsql_each_network(struct view *view, int64_t day,
    bool (*each)(void *ctx, int64_t day, int64_t hash), void *ctx,
    struct trouble *trouble)
{
	struct networks networks = {each, ctx};
	char at[24];
	const char *const values[] = {at};

	snprintf(at, sizeof at, "%lld", (long long)day);
	return pgsql_walk(view,
	    "SELECT day, hash FROM domain_network WHERE day = $1::bigint", 1,
	    values, give_network, &networks, trouble);
}

struct origins {
	bool (*each)(
	    void *ctx, const char *name, const struct origin_record *record);
	void *ctx;
};

static bool
give_origin(void *arg, const PGresult *result, int row)
{
	struct origins *origins = arg;
	struct origin_record record;

	pgsql_read_origin(result, row, &record);
	return origins->each(
	    origins->ctx, libpq.PQgetvalue(result, row, 0), &record);
}

bool
pgsql_each_origin(struct view *view,
    bool (*each)(void *ctx, const char *name, const struct origin_record *record),
    void *ctx, struct trouble *trouble)
{
	struct origins origins = {each, ctx};

	return pgsql_walk(view, "SELECT * FROM origin ORDER BY name", 0, NULL,
	    give_origin, &origins, trouble);
}

struct triplets {
	bool (*each)(void *ctx, int64_t hash, const struct grey_row *row,
	    const struct triplet_text *text);
	void *ctx;
};

static bool
give_triplet(void *arg, const PGresult *result, int row)
{
	struct triplets *triplets = arg;
	struct triplet_text text = {
	    .pair = pgsql_number(result, row, 8),
	    .client = libpq.PQgetvalue(result, row, 11),
	    .sender = libpq.PQgetvalue(result, row, 12),
	    .recipient = libpq.PQgetvalue(result, row, 13),
	};
	struct grey_row grey;

	pgsql_read_triplet(result, row, &grey);
	return triplets->each(
	    triplets->ctx, pgsql_number(result, row, 0), &grey, &text);
}

bool
pgsql_each_triplet(struct view *view, const struct triplet_search *search,
    bool (*each)(void *ctx, int64_t hash, const struct grey_row *row,
        const struct triplet_text *text),
    void *ctx, struct trouble *trouble)
{
	static const char by_client[] =
	    " AND client COLLATE \"C\" BETWEEN $1::text AND $2::text";
	struct triplets triplets = {each, ctx};
	const char *const values[] = {search->from, search->to};
	bool has_range = search->from != NULL;
	char sql[300];

	snprintf(sql, sizeof sql,
	    /* The columns of pgsql_read_triplet(), and the texts. */
	    "SELECT hash, version, first, last, last_try, passed, tries, early, "
	    "pair,"
	    " day, mxs, client, sender, recipient FROM triplet WHERE passed %s 0%s"
	    " ORDER BY first, hash",
	    search->has_passed ? "<>" : "=", has_range ? by_client : "");
	return pgsql_walk(
	    view, sql, has_range ? 2 : 0, values, give_triplet, &triplets, trouble);
}

/* --------------------------------------------------------------------- drops */

static bool
drop(struct view *view, enum statement statement, const char *key, bool *is_there_r,
    struct trouble *trouble)
{
	const char *const values[] = {key};

	*is_there_r = false;
	if (!link_send(view->link, statement, 1, values, trouble) ||
	    !link_flush(view->link, trouble))
		return false;
	PGresult *result = link_result(view->link, trouble);
	*is_there_r = result != NULL && strcmp(libpq.PQcmdTuples(result), "0") != 0;
	libpq.PQclear(result);
	return link_finish(view->link, trouble);
}

static bool
drop_number(struct view *view, enum statement statement, int64_t key,
    bool *is_there_r, struct trouble *trouble)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)key);
	return drop(view, statement, text, is_there_r, trouble);
}

bool
pgsql_drop_address(
    struct view *view, int64_t key, bool *is_there_r, struct trouble *trouble)
{
	return drop_number(view, SQL_DROP_ADDRESS, key, is_there_r, trouble);
}

bool
pgsql_drop_domain(
    struct view *view, const char *name, bool *is_there_r, struct trouble *trouble)
{
	return drop(view, SQL_DROP_DOMAIN, name, is_there_r, trouble);
}

bool
pgsql_drop_origin(
    struct view *view, const char *name, bool *is_there_r, struct trouble *trouble)
{
	return drop(view, SQL_DROP_ORIGIN, name, is_there_r, trouble);
}

bool
pgsql_drop_triplet(struct view *view, int64_t hash, int64_t held_by,
    const struct grey_row *was, bool *is_there_r, struct trouble *trouble)
{
	(void)held_by;
	(void)was;
	return drop_number(view, SQL_DROP_TRIPLET, hash, is_there_r, trouble);
}

/* -------------------------------------------------------------------- counts */

bool
pgsql_report(struct backend *backend, bool want_counts,
    struct store_status_report *report_r, struct trouble *trouble)
{
	report_r->schema = pgsql_schema_version;
	report_r->clock_ahead_s = atomic_load(&backend->clock_ahead_s);
	if (!want_counts)
		return true;
	struct view *view = pgsql_reader(backend, trouble);
	if (view == NULL)
		return false;
	PGresult *result = link_query(view->link,
	    "SELECT (SELECT count(*) FROM triplet WHERE passed = 0),"
	    " (SELECT count(*) FROM triplet WHERE passed <> 0),"
	    " (SELECT count(*) FROM address), (SELECT count(*) FROM domain),"
	    " (SELECT count(*) FROM event),"
	    " pg_database_size(current_database())",
	    0, NULL, trouble);
	if (result != NULL) {
		report_r->triplets_waiting = (uint64_t)pgsql_number(result, 0, 0);
		report_r->triplets_passed = (uint64_t)pgsql_number(result, 0, 1);
		report_r->addresses = (uint64_t)pgsql_number(result, 0, 2);
		report_r->domains = (uint64_t)pgsql_number(result, 0, 3);
		report_r->events = (uint64_t)pgsql_number(result, 0, 4);
		report_r->file_bytes = (uint64_t)pgsql_number(result, 0, 5);
	}
	libpq.PQclear(result);
	pgsql_release(view);
	return result != NULL;
}

bool
pgsql_backup(struct backend *backend, const char *path,
    void (*progress)(void *ctx, int left, int total), void *ctx,
    struct trouble *trouble)
{
	(void)backend;
	(void)path;
	(void)progress;
	(void)ctx;
	error_set(&trouble->error,
	    "a database server has its own: pg_dump, or pg_basebackup and "
	    "replication (docs/several-mx.md)");
	return false;
}
