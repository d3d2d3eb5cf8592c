/* SPDX-License-Identifier: BSD-2-Clause */
/* What targreyctl lists. */
#include <string.h>

#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_private.h"

/* One walk; give is called for each row until it returns false. */
static bool
walk(struct view *view, sqlite3_stmt *statement,
    bool (*give)(void *work, sqlite3_stmt *statement), void *work,
    struct trouble *trouble)
{
	bool row = true, ok = true;

	while (ok && row) {
		ok = connection_step(&view->connection, statement, &row, trouble);
		if (ok && row && !give(work, statement))
			break;
	}
	sqlite3_finalize(statement);
	return ok;
}

struct addresses {
	bool (*each)(void *ctx, int64_t key, const struct address_record *record);
	void *ctx;
};

static bool
give_address(void *arg, sqlite3_stmt *statement)
{
	struct addresses *addresses = arg;
	struct address_record record;

	sqlite_read_address(statement, 1, &record);
	return addresses->each(
	    addresses->ctx, sqlite3_column_int64(statement, 0), &record);
}

bool
sqlite_each_address(struct view *view, const struct address_search *search,
    bool (*each)(void *ctx, int64_t key, const struct address_record *record),
    void *ctx, struct trouble *trouble)
{
	struct addresses addresses = {each, ctx};
	sqlite3_stmt *statement = connection_prepare(&view->connection,
	    "SELECT * FROM address WHERE key BETWEEN ?1 AND ?2"
	    " AND (?3 = 0 OR known_until >= ?3) ORDER BY key",
	    trouble);

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, search->low);
	sqlite3_bind_int64(statement, 2, search->high);
	sqlite3_bind_int64(statement, 3, search->known_at);
	return walk(view, statement, give_address, &addresses, trouble);
}

struct domains {
	bool (*each)(
	    void *ctx, const char *name, const struct domain_record *record);
	void *ctx;
	int64_t day;
};

static bool
give_domain(void *arg, sqlite3_stmt *statement)
{
	struct domains *domains = arg;
	struct domain_record record;
	int64_t day;

	sqlite_read_domain(statement, 1, &record, &day);
	if (day != domains->day)
		record.networks = 0;
	return domains->each(
	    domains->ctx, (const char *)sqlite3_column_text(statement, 0), &record);
}

bool
sqlite_each_domain(struct view *view, int64_t day, int64_t known_at,
    bool (*each)(void *ctx, const char *name, const struct domain_record *record),
    void *ctx, struct trouble *trouble)
{
	struct domains domains = {each, ctx, day};
	sqlite3_stmt *statement = connection_prepare(&view->connection,
	    "SELECT * FROM domain WHERE ?1 = 0 OR known_until >= ?1"
	    " ORDER BY name",
	    trouble);

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, known_at);
	return walk(view, statement, give_domain, &domains, trouble);
}

struct networks {
	bool (*each)(void *ctx, int64_t day, int64_t hash);
	void *ctx;
};

static bool
give_network(void *arg, sqlite3_stmt *statement)
{
	struct networks *networks = arg;

	return networks->each(networks->ctx, sqlite3_column_int64(statement, 0),
	    sqlite3_column_int64(statement, 1));
}

bool
sqlite_each_network(struct view *view, int64_t day,
    bool (*each)(void *ctx, int64_t day, int64_t hash), void *ctx,
    struct trouble *trouble)
{
	struct networks networks = {each, ctx};
	sqlite3_stmt *statement = connection_prepare(&view->connection,
	    "SELECT day, hash FROM domain_network WHERE day = ?1", trouble);

	if (statement == NULL)
		return false;
	sqlite3_bind_int64(statement, 1, day);
	return walk(view, statement, give_network, &networks, trouble);
}

struct origins {
	bool (*each)(
	    void *ctx, const char *name, const struct origin_record *record);
	void *ctx;
};

static bool
give_origin(void *arg, sqlite3_stmt *statement)
{
	struct origins *origins = arg;
	struct origin_record record;

	sqlite_read_origin(statement, 1, &record);
	return origins->each(
	    origins->ctx, (const char *)sqlite3_column_text(statement, 0), &record);
}

bool
sqlite_each_origin(struct view *view,
    bool (*each)(void *ctx, const char *name, const struct origin_record *record),
    void *ctx, struct trouble *trouble)
{
	struct origins origins = {each, ctx};
	sqlite3_stmt *statement = connection_prepare(
	    &view->connection, "SELECT * FROM origin ORDER BY name", trouble);

	return statement != NULL &&
	       walk(view, statement, give_origin, &origins, trouble);
}

struct triplets {
	bool (*each)(void *ctx, int64_t hash, const struct grey_row *row,
	    const struct triplet_text *text);
	void *ctx;
};

static bool
give_triplet(struct triplets *triplets, sqlite3_stmt *statement,
    const struct grey_row *row, int64_t held_by)
{
	struct triplet_text text = {
	    .client = (const char *)sqlite3_column_text(statement, 0),
	    .sender = (const char *)sqlite3_column_text(statement, 1),
	    .recipient = (const char *)sqlite3_column_text(statement, 2),
	    .held_by = held_by,
	};

	return triplets->each(
	    triplets->ctx, sqlite3_column_int64(statement, 3), row, &text);
}

static bool
give_waiting(void *arg, sqlite3_stmt *statement)
{
	struct grey_row row;

	sqlite_read_waiting(statement, 5, sqlite3_column_int64(statement, 4), &row);
	return give_triplet(
	    arg, statement, &row, sqlite3_column_int64(statement, 10));
}

static bool
give_passed(void *arg, sqlite3_stmt *statement)
{
	struct grey_row row;

	sqlite_read_passed(statement, 4, &row);
	return give_triplet(arg, statement, &row, 0);
}

/*
 * A text belongs to the client's row (kind 0), or to its twin within the row that
 * stands for both (1), or to the row of KEY_ANYWHERE (2); see pairs.c.
 */
#define WAITING(kinds)                                                             \
	" SELECT iif(kind = 2, '*', t.client), t.sender, t.recipient,"             \
	" iif(kind = 1, w.twin, w.hash), w.bucket, w.first, w.last,"               \
	" iif(kind = 1, 0, w.last_try), w.flags, w.mxs, iif(kind = 1, w.hash, 0)"  \
	" FROM waiting_text AS t CROSS JOIN (" kinds ") CROSS JOIN waiting AS w"   \
	" ON w.bucket = t.bucket AND w.hash = iif(kind = 0, t.hash, t.anywhere)"   \
	" AND (kind <> 1 OR w.twin = t.hash)"
#define OF_CLIENT "SELECT 0 AS kind UNION ALL SELECT 1"
/* The index by client has parts of a thousand rows: each is looked up. */
#define PARTS                                                                      \
	"WITH RECURSIVE parts(part) AS (SELECT min(id) >> 10 FROM waiting_text"    \
	" UNION ALL SELECT (SELECT min(id) >> 10 FROM waiting_text"                \
	" WHERE id >= parts.part + 1 << 10) FROM parts WHERE part IS NOT NULL)"
#define PASSED                                                                     \
	"SELECT t.client, t.sender, t.recipient, p.hash, p.first,"                 \
	" p.last, p.last_try, p.passed, p.flags FROM passed_text AS t"             \
	" CROSS JOIN passed AS p ON p.hash = t.hash"

bool
sqlite_each_triplet(struct view *view, const struct triplet_search *search,
    bool (*each)(void *ctx, int64_t hash, const struct grey_row *row,
        const struct triplet_text *text),
    void *ctx, struct trouble *trouble)
{
	static const char *const texts[2][2] = {
	    {WAITING(OF_CLIENT " UNION ALL SELECT 2") " ORDER BY t.id",
	        PARTS WAITING(OF_CLIENT) " WHERE t.id >> 10 IN (SELECT part FROM"
	                                 " parts) AND t.client BETWEEN ?1 AND ?2"
	                                 " ORDER BY t.id"},
	    {PASSED, PASSED " WHERE t.client BETWEEN ?1 AND ?2"}};
	bool has_range = search->from != NULL;
	struct triplets triplets = {each, ctx};
	sqlite3_stmt *statement = connection_prepare(
	    &view->connection, texts[search->has_passed][has_range], trouble);

	if (statement == NULL)
		return false;
	if (has_range) {
		sqlite3_bind_text(statement, 1, search->from, -1, SQLITE_STATIC);
		sqlite3_bind_text(statement, 2, search->to, -1, SQLITE_STATIC);
	}
	return walk(view, statement,
	    search->has_passed ? give_passed : give_waiting, &triplets, trouble);
}
